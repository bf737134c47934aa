"""`python -m engine train ...`: a stage's training, preparing videos, and pictures of its log."""

import argparse
import importlib
import logging
import sys
import types
import typing
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import torch

from ..exchange.protocol import DONE, AVFaceError
from .loop import LoopOptions, train

# stage -> its options' class; the module has the stage's name and a `build_task`
STAGES = {
    "coarse": "CoarseOptions",
    "expression": "CoarseOptions",
    "occluded": "CoarseOptions",
    "fine": "FineOptions",
    "spectre": "SpectreOptions",
}
_SPECTRE = {"lr": 5e-5, "schedule": "constant", "rate_drops": (50_000,), "weight_decay": 0.0}
_LOOP_DEFAULTS: dict[str, dict[str, Any]] = {"spectre": _SPECTRE}


def run_command(stage: str, arguments: list[str]) -> int:
    """Serve `train STAGE ...`, `train prepare ...` or `train curves ...`. Raises AVFaceError."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if stage == "prepare":
        return _prepare(arguments)
    if stage == "curves":
        return _curves(arguments)
    if stage not in STAGES:
        raise AVFaceError(
            f"There is no stage {stage}.", f"Known: {', '.join([*STAGES, 'prepare', 'curves'])}."
        )
    return _train(stage, arguments)


def _train(stage: str, arguments: list[str]) -> int:
    module = importlib.import_module(f".{stage}", __package__)
    kind: Any = getattr(module, STAGES[stage])
    parser = argparse.ArgumentParser(prog=f"avface train {stage}", description=module.__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the run: resumed if begun")
    own = [item for item in fields(kind) if item.name != "start"]
    loop = [item for item in fields(LoopOptions) if item.name not in ("folder", "start_from")]
    _add_flags(parser, kind, own, {})
    parser.add_argument("--start", type=Path, help="weights (safetensors) of the stage before")
    _add_flags(parser, LoopOptions, loop, _LOOP_DEFAULTS.get(stage, {}))
    found = vars(parser.parse_args(arguments))
    if found["steps"] is None and found["seconds"] is None:
        raise AVFaceError("A training needs an end.", "Give --steps, --seconds or both.")
    options = kind(**{item.name: found[item.name] for item in own}, start=found["start"])
    chosen = {item.name: found[item.name] for item in loop}
    chosen["rate_drops"] = tuple(chosen["rate_drops"])
    run = LoopOptions(found["folder"], start_from=found["start"], **chosen)
    torch.manual_seed(run.seed)
    result = train(module.build_task(options), run, _say)
    state = "finished" if result["finished"] else "paused; the same command goes on"
    figures = ", ".join(f"{name} {value:.4g}" for name, value in result["figures"].items())
    print(f"{run.folder}: step {result['step']}, {state}. {figures}")
    return DONE


def _prepare(arguments: list[str]) -> int:
    from .prepare import prepare_folder

    parser = argparse.ArgumentParser(prog="avface train prepare")
    parser.add_argument("videos", type=Path, help="a folder of talking videos, at any depth")
    parser.add_argument("--out", type=Path, required=True, help="the prepared folder")
    parser.add_argument("--side", type=int, default=256, help="of the crops, px")
    parser.add_argument(
        "--sound", choices=["phones", "deepspeech", "mel", "wav2vec2"], default="phones"
    )
    parser.add_argument("--sound_path", type=Path, help="your network of that kind")
    found = parser.parse_args(arguments)
    names = prepare_folder(found.videos, found.out, found.side, found.sound, found.sound_path)
    print(f"{found.out}: {len(names)} clips")
    return DONE


def _curves(arguments: list[str]) -> int:
    from .curves import draw_curves

    parser = argparse.ArgumentParser(prog="avface train curves")
    parser.add_argument("folder", type=Path, help="a run")
    parser.add_argument("--out", type=Path, help="PNG; default curves.png in the run")
    found = parser.parse_args(arguments)
    out = found.out or found.folder / "curves.png"
    print(f"{out}: {draw_curves(found.folder, out)} curves")
    return DONE


def _add_flags(
    parser: argparse.ArgumentParser, kind: Any, items: list[Field], defaults: dict[str, Any]
) -> None:
    """One flag for each field of a dataclass of options."""
    hints = typing.get_type_hints(kind)
    for item in items:
        default = defaults.get(item.name, item.default)
        assert default is not MISSING, item.name
        keywords: dict[str, Any] = {"default": default, "help": item.metadata.get("help", "")}
        hint = hints[item.name]
        if isinstance(hint, types.UnionType):  # X | None
            hint = next(k for k in typing.get_args(hint) if k is not type(None))
        if typing.get_origin(hint) is typing.Literal:
            keywords["choices"] = typing.get_args(hint)
        elif typing.get_origin(hint) is tuple:
            keywords |= {"nargs": "*", "type": typing.get_args(hint)[0]}
        elif hint is bool:
            keywords["action"] = argparse.BooleanOptionalAction
        else:
            keywords["type"] = hint
        parser.add_argument(f"--{item.name}", **keywords)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
