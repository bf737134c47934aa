"""The commands `refine` and `inspect`: a take taught by an artist, and what is in one."""

import argparse
import json
from pathlib import Path
from typing import Any

from ..exchange.files import TAKE_SUFFIX, take_stem
from ..exchange.protocol import DONE
from ..exchange.saving import place_for_result
from ..exchange.take import REGIONS, Take
from .flags import add_command
from .terminal import Terminal


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    refine = add_command(commands, "refine", "a take, taught by an artist", _refine)
    refine.add_argument("take", type=Path, help="NAME.take.npz; its clip must still be there")
    refine.add_argument(
        "corrections", type=Path, nargs="?", help="frames: JSON, see docs/fileformats.md"
    )
    refine.add_argument(
        "--trust", metavar="RANGES",
        help="whom to trust when (sound:3.2-4.0,picture:6-7.5, seconds); only that is solved",
    )  # fmt: skip
    refine.add_argument(
        "--out", type=Path, metavar="TAKE",
        help="default NAME refined.take.npz beside the take, so that it has its pictures",
    )  # fmt: skip
    refine.add_argument(
        "--head", type=Path, metavar="FILE", help="the take's head, if not the default one"
    )

    inspect = add_command(commands, "inspect", "what is in a take", _inspect)
    inspect.add_argument("take", type=Path, help="NAME.take.npz")


def _refine(options: argparse.Namespace) -> int:
    from ..mending.refine import refine
    from ..weights import load_head

    refined = f"{take_stem(options.take)} refined{TAKE_SUFFIX}"
    out = options.out or options.take.with_name(refined)
    head_file = load_head(options.head)
    report = Terminal().report()
    with place_for_result(out):
        take = refine(options.take, options.corrections, out, head_file, report, options.trust)
    print(f"{out}: {take.frame_count} frames")
    return DONE


def _inspect(options: argparse.Namespace) -> int:
    take = Take.load(options.take)
    lines = {
        "clip": take.source["path"],
        "frames": f"{take.frame_count}, {int(take.found.sum())} with the face",
        "seconds": f"{take.times[0]:.3f} to {take.times[-1]:.3f}, nominally {take.fps:g} a second",
        "picture": f"{take.size[0]} x {take.size[1]}, focal length {take.focal:.0f} px",
        "head": f"{take.head['name']} ({take.head['sha256'][:12]})",
        "actor": take.actor,
        "made by": f"AVFace {take.made_by['version']}, {json.dumps(take.made_by['options'])}"
        if "version" in take.made_by
        else "no capture",  # a performance that was played
        "confidence": ", ".join(
            f"{name} {value:.2f}"
            for name, value in zip(REGIONS, take.confidence.mean(0), strict=True)
        ),
        "normal maps": f"static {take.static_normals or 'none'}, {len(take.dynamic_normals)} keys",
        "busiest units": ", ".join(
            f"{take.expression_names[k]} {take.expression[:, k].max():.2f}"
            for k in take.expression.max(0).argsort()[::-1][:8]
        ),
    }
    for name, value in lines.items():
        print(f"{name:14} {value}")
    for sentence in take.warnings:
        print(f"{'warning':14} {sentence}")
    return DONE
