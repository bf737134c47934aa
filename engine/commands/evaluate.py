"""The commands `evaluate` and `bench`: how good captures are, and how fast."""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..exchange.protocol import DONE, AVFaceError
from ..exchange.saving import place_for_result, save
from ..options import CaptureOptions
from ..progress import Report
from .flags import add_command, add_flags
from .terminal import Terminal

_WHAT = {
    "clips": "against other trackers' landmarks",
    "speech": "whether lips say what is heard",
    "senses": "picture alone, sound alone and both, side by side",
    "covers": "what is painted before a face",
    "tables": "the papers' tables",
    "visemes": "a picture of ten visemes",
    "scans": "against scans of NoW or Multiface",
}


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    about = "captures against independent referees"
    evaluate = add_command(commands, "evaluate", about, _evaluate)
    meant = "; ".join(f"{name}: {explained}" for name, explained in _WHAT.items())
    evaluate.add_argument(
        "what", choices=tuple(_WHAT), metavar="WHAT", help=f"{meant} (docs/evaluation.md)"
    )
    evaluate.add_argument(
        "folder",
        type=Path,
        nargs="?",
        help="of clips; visemes: of takes; scans: of NoW, or an entity of Multiface",
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    evaluate.add_argument(
        "--sheet", type=Path, metavar="PNG", help="visemes: the picture, default in the folder"
    )
    evaluate.add_argument(
        "--camera", metavar="NAME", default="", help="scans: Multiface's; default the first"
    )
    add_flags(evaluate, CaptureOptions, only=("method", "quality"))
    tables = evaluate.add_argument_group("tables")
    tables.add_argument(
        "--synthetic", type=int, metavar="N", default=4, help="films with truth to make; default 4"
    )
    tables.add_argument(
        "--testset", type=Path, metavar="FOLDER", help="keep them here; films already here count"
    )
    tables.add_argument("--clips", type=Path, metavar="FOLDER", help="real clips, with referees/")
    tables.add_argument(
        "--lip-reader", type=Path, metavar="FILE",
        help="reads their lips; TorchScript that gives text; default AVFace's own",
    )  # fmt: skip
    tables.add_argument(
        "--rows", type=Path, metavar="JSON",
        help="table.json of scripts/recipes/ablate_expression.py: tables 1 to 3",
    )  # fmt: skip

    about = "frames per second and peak memory of each stage"
    bench = add_command(commands, "bench", about, _bench)
    bench.add_argument("clip", type=Path, nargs="?", help="default: the demo clip")
    bench.add_argument(
        "--repeat", type=int, metavar="N", default=2, help="captures after the warm-up; default 2"
    )
    bench.add_argument(
        "--rasterizers", action="store_true", help="instead: pictures per second of each rasteriser"
    )


def _evaluate(options: argparse.Namespace) -> int:
    with place_for_result(options.json) if options.json else nullcontext():
        table, figures = _measure(options, Terminal().report())
        print(table)
        if options.json:
            save(options.json, json.dumps(figures, indent=1))
    return DONE


def _measure(options: argparse.Namespace, report: Report) -> tuple[str, dict[str, Any]]:
    """The table and the figures of one evaluation. Raises AVFaceError."""
    folder = options.folder
    if options.what == "tables":
        from ..evaluation.tables import print_tables

        made, kept, clips = options.synthetic, options.testset, options.clips
        return print_tables(report, made, kept, clips, options.lip_reader, options.rows)
    if folder is None or not folder.is_dir():
        raise AVFaceError(f"To evaluate {options.what}, a folder is needed.", "Name one.")
    if options.what == "visemes":
        from ..evaluation.viseme_sheet import write_viseme_sheet

        sheet = options.sheet or folder / "visemes.png"
        return write_viseme_sheet(folder, sheet, report), {"sheet": str(sheet)}
    if options.what == "speech":
        from ..evaluation.speech import evaluate_speech

        return evaluate_speech(folder, report)
    if options.what == "senses":
        from ..evaluation.senses import evaluate_senses

        return evaluate_senses(folder, report)
    variant = CaptureOptions(method=options.method, quality=options.quality)
    if options.what == "covers":
        from ..evaluation.covers import evaluate_covers

        return evaluate_covers(folder, report, variant)
    if options.what == "scans":
        from ..evaluation.scanned import evaluate_scans

        return evaluate_scans(folder, report, variant, options.camera)
    from ..evaluation.report import evaluate_clips

    return evaluate_clips(folder, report, variant)


def _bench(options: argparse.Namespace) -> int:
    from ..evaluation.bench import bench, bench_rasterizers

    print(bench_rasterizers() if options.rasterizers else bench(options.clip, options.repeat))
    return DONE
