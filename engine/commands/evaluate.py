"""The commands `evaluate` and `bench`: how good captures are, and how fast."""

import argparse
import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..exchange.protocol import DONE, AVFaceError
from ..exchange.saving import place_for_result, save
from ..options import CaptureOptions
from ..progress import Report
from .flags import add_command, add_flags, add_group
from .terminal import Terminal

_VARIANT = ("method", "quality")  # of the options of a capture: what measures compare
Measured = tuple[str, dict[str, Any]]  # a table to print, and its figures


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    what = add_group(commands, "evaluate", "captures against independent referees")
    _add_measure(what, "clips", "against other trackers' landmarks", _clips, captures=True)
    _add_measure(what, "speech", "whether lips say what is heard, of takes or clips", _speech)
    _add_measure(what, "senses", "picture alone, sound alone and both, side by side", _senses)
    _add_measure(what, "covers", "what is painted before a face", _covers, captures=True)
    of = "NoW, or an entity of Multiface"
    scans = _add_measure(
        what, "scans", "against the scans of a data set", _scans, captures=True, of=of
    )
    scans.add_argument(
        "--camera", metavar="NAME", default="", help="Multiface's; default the first"
    )
    visemes = add_command(what, "visemes", "a picture of ten visemes, film beside head", _visemes)
    visemes.add_argument("folder", type=Path, help="of takes")
    visemes.add_argument(
        "--sheet", type=Path, metavar="PNG", help="default visemes.png in the folder"
    )
    _add_tables(what)
    bench = add_command(
        commands, "bench", "frames per second and peak memory of each stage", _bench
    )
    bench.add_argument("clip", type=Path, nargs="?", help="default: the demo clip")
    bench.add_argument(
        "--repeat", type=int, metavar="N", default=2, help="captures after the warm-up; default 2"
    )
    bench.add_argument(
        "--rasterizers", action="store_true", help="instead: pictures per second of each rasteriser"
    )
    bench.add_argument(
        "--networks", action="store_true",
        help="instead: frames per second of AVFace's networks, small and as published",
    )  # fmt: skip
    add_flags(bench, CaptureOptions, only=_VARIANT)


def _add_measure(
    what: Any,
    name: str,
    explained: str,
    run: Callable[[argparse.Namespace], int],
    captures: bool = False,
    of: str = "clips",
) -> argparse.ArgumentParser:
    """A measure on a folder; `captures`: it can be told how to capture."""
    parser = add_command(what, name, explained, run)
    parser.add_argument("folder", type=Path, help=f"of {of}")
    _add_json(parser)
    if captures:
        add_flags(parser, CaptureOptions, only=_VARIANT)
    return parser


def _add_tables(what: Any) -> None:
    tables = add_command(what, "tables", "the papers' tables (docs/evaluation.md)", _tables)
    tables.add_argument(
        "--synthetic", type=int, metavar="N", default=4, help="films with truth to make; default 4"
    )
    tables.add_argument(
        "--testset", type=Path, metavar="FOLDER", help="keep them here; films already here count"
    )
    tables.add_argument("--clips", type=Path, metavar="FOLDER", help="real clips, with referees/")
    tables.add_argument(
        "--lip-reader", type=Path, metavar="FILE",
        help="reads their lips; TorchScript or ONNX, gives text; default AVFace's own",
    )  # fmt: skip
    tables.add_argument(
        "--rows", type=Path, metavar="JSON",
        help="table.json of scripts/recipes/ablate_expression.py: tables 1 to 3",
    )  # fmt: skip
    _add_json(tables)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")


def _measure(options: argparse.Namespace, work: Callable[[Report], Measured]) -> int:
    """Print a measure's table, and write its figures where they are wanted."""
    with place_for_result(options.json) if options.json else nullcontext():
        table, figures = work(Terminal().report())
        print(table)
        if options.json:
            save(options.json, json.dumps(figures, indent=1))
    return DONE


def _folder(options: argparse.Namespace) -> Path:
    if not options.folder.is_dir():
        raise AVFaceError(f"There is no folder at {options.folder}.", "Check the path.")
    return options.folder


def _on_folder(options: argparse.Namespace, work: Callable[..., Measured], *more: Any) -> int:
    folder = _folder(options)
    return _measure(options, lambda report: work(folder, report, *more))


def _variant(options: argparse.Namespace) -> CaptureOptions:
    return CaptureOptions(**{name: getattr(options, name) for name in _VARIANT})


def _clips(options: argparse.Namespace) -> int:
    from ..evaluation.report import evaluate_clips

    return _on_folder(options, evaluate_clips, _variant(options))


def _speech(options: argparse.Namespace) -> int:
    from ..evaluation.speech import evaluate_speech

    return _on_folder(options, evaluate_speech)


def _senses(options: argparse.Namespace) -> int:
    from ..evaluation.senses import evaluate_senses

    return _on_folder(options, evaluate_senses)


def _covers(options: argparse.Namespace) -> int:
    from ..evaluation.covers import evaluate_covers

    return _on_folder(options, evaluate_covers, _variant(options))


def _scans(options: argparse.Namespace) -> int:
    from ..evaluation.scanned import evaluate_scans

    return _on_folder(options, evaluate_scans, _variant(options), options.camera)


def _visemes(options: argparse.Namespace) -> int:
    from ..evaluation.viseme_sheet import write_viseme_sheet

    folder = _folder(options)
    print(write_viseme_sheet(folder, options.sheet or folder / "visemes.png", Terminal().report()))
    return DONE


def _tables(options: argparse.Namespace) -> int:
    from ..evaluation.tables import print_tables

    made, kept, clips = options.synthetic, options.testset, options.clips
    lips, rows = options.lip_reader, options.rows
    return _measure(options, lambda report: print_tables(report, made, kept, clips, lips, rows))


def _bench(options: argparse.Namespace) -> int:
    from ..evaluation.bench import bench, bench_rasterizers

    if options.networks:
        from ..evaluation.bench_networks import bench_networks

        print(bench_networks())
    elif options.rasterizers:
        print(bench_rasterizers())
    else:
        print(bench(options.clip, options.repeat, _variant(options)))
    return DONE
