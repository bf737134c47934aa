"""The command `train`: a stage's training, preparing videos, and pictures of its log."""

import argparse
import importlib
import logging
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..exchange.protocol import DONE, AVFaceError
from .flags import add_command, add_flags

# stage -> its task, in the module of the stage's name
STAGES = {
    "coarse": "CoarseTask",
    "expression": "ExpressionTask",
    "occluded": "OccludedTask",
    "lip_refinement": "LipRefinementTask",
    "fine": "FineTask",
    "spectre": "SpectreTask",
}
_SPECTRE = {"lr": 5e-5, "schedule": "constant", "rate_drops": (50_000,), "weight_decay": 0.0}
_LOOP_DEFAULTS: dict[str, dict[str, Any]] = {"spectre": _SPECTRE}


def add_commands(commands: Any) -> None:
    """Its parser; heavy imports, and a stage's own flags, wait for the command."""
    train = add_command(commands, "train", "train AVFace's networks", _run)
    train.add_argument(
        "stage", help=f"{', '.join(STAGES)}; prepare: a folder of videos; curves: draw a run's log"
    )
    train.add_argument(
        "rest", nargs=argparse.REMAINDER, help="--help after a stage lists its flags"
    )


def _run(options: argparse.Namespace) -> int:
    """Serve `train STAGE ...`, `train prepare ...` or `train curves ...`. Raises AVFaceError."""
    stage, rest = options.stage, options.rest
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if stage == "prepare":
        return _prepare(rest)
    if stage == "curves":
        return _curves(rest)
    if stage not in STAGES:
        raise AVFaceError(
            f"There is no stage {stage}.", f"Known: {', '.join([*STAGES, 'prepare', 'curves'])}."
        )
    return _train(stage, rest)


def _train(stage: str, arguments: list[str]) -> int:
    import torch

    from ..training.loop import LoopOptions, train

    module = importlib.import_module(f"..training.{stage}", __package__)
    task: Any = getattr(module, STAGES[stage])
    kind = task.flags
    own = [item.name for item in fields(kind) if item.name != "start"]
    loop = [item.name for item in fields(LoopOptions) if item.name not in ("folder", "start_from")]
    parser = argparse.ArgumentParser(prog=f"avface train {stage}", description=module.__doc__)
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER", required=True, help="the run: resumed if begun"
    )
    parser.add_argument(
        "--start-from",  # --start alone torchrun would take for a flag of its own
        type=Path,
        metavar="FILE",
        help="weights (safetensors) of the stage before",
    )
    add_flags(parser, kind, own)
    add_flags(parser, LoopOptions, loop, _LOOP_DEFAULTS.get(stage))
    found = vars(parser.parse_args(arguments))
    if found["steps"] is None and found["seconds"] is None:
        raise AVFaceError("A training needs an end.", "Give --steps, --seconds or both.")
    if not all(found[name] is None or found[name] > 0 for name in ("steps", "seconds")):
        raise AVFaceError("A training takes a step at least.", "Give numbers above 0.")
    if "coarse" in own and found["coarse"] is None:
        raise AVFaceError(
            "This stage builds on a coarse stage that is trained, and none is named.",
            "Name its weights: --coarse FILE, the best.safetensors of `train coarse`.",
        )
    options = kind(**{name: found[name] for name in own}, start=found["start_from"])
    chosen = {name: found[name] for name in loop}
    chosen["rate_drops"] = tuple(chosen["rate_drops"])
    run = LoopOptions(found["folder"], start_from=found["start_from"], **chosen)
    torch.manual_seed(run.seed)
    result = train(task(options), run, _say)
    state = "finished" if result["finished"] else "paused; the same command goes on"
    figures = ", ".join(f"{name} {value:.4g}" for name, value in result["figures"].items())
    if os.environ.get("RANK", "0") != "0":
        return DONE  # one of torchrun's processes speaks for all
    print(f"{run.folder}: step {result['step']}, {state}. {figures}")
    return DONE


def _prepare(arguments: list[str]) -> int:
    from ..training.prepare import prepare_folder

    parser = argparse.ArgumentParser(prog="avface train prepare")
    parser.add_argument("videos", type=Path, help="a folder of talking videos, at any depth")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", required=True, help="the prepared folder"
    )
    parser.add_argument(
        "--side", type=int, metavar="PIXELS", default=256, help="of the crops; default 256"
    )
    parser.add_argument(
        "--sound",
        choices=["phones", "deepspeech", "mel", "wav2vec2"],
        default="phones",
        help="what is heard of them; default phones, which needs no model of yours",
    )
    parser.add_argument("--sound-path", type=Path, metavar="PATH", help="your network of that kind")
    found = parser.parse_args(arguments)
    names = prepare_folder(found.videos, found.out, found.side, found.sound, found.sound_path)
    print(f"{found.out}: {len(names)} clips")
    return DONE


def _curves(arguments: list[str]) -> int:
    from ..training.curves import draw_curves

    parser = argparse.ArgumentParser(prog="avface train curves")
    parser.add_argument("folder", type=Path, help="a run")
    parser.add_argument("--out", type=Path, metavar="PNG", help="default curves.png in the run")
    found = parser.parse_args(arguments)
    out = found.out or found.folder / "curves.png"
    print(f"{out}: {draw_curves(found.folder, out)} curves")
    return DONE


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
