"""Commands on takes: `refine`, `inspect`, `blend`, `curves`, `import`."""

import argparse
import json
from pathlib import Path
from typing import Any

from ..exchange.files import TAKE_SUFFIX, take_stem
from ..exchange.protocol import DONE, AVFaceError
from ..exchange.saving import place_for_result
from ..exchange.take import REGIONS, Take
from .flags import add_command
from .heads import head_of
from .terminal import Terminal


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    _add_refine(commands)
    inspect = add_command(commands, "inspect", "what is in a take", _inspect)
    inspect.add_argument("take", type=Path, help="NAME.take.npz")
    _add_blend(commands)
    _add_curves(commands)
    _add_import(commands)


def _add_refine(commands: Any) -> None:
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


def _add_blend(commands: Any) -> None:
    blend = add_command(commands, "blend", "one take from several", _blend)
    blend.add_argument("take", type=Path, help="what is not taken from elsewhere")
    for part in ("pose", "mouth", "eyes", "brows", "identity"):
        blend.add_argument(
            f"--{part}", type=Path, metavar="TAKE", help=f"take the {part} from here"
        )
    blend.add_argument(
        "--range", type=float, nargs=2, metavar=("FROM", "TO"),
        help="only between these times, seconds; default the whole take",
    )  # fmt: skip
    blend.add_argument(
        "--ease", type=float, metavar="SECONDS", default=0.2,
        help="of crossfade at the range's ends; default 0.2",
    )  # fmt: skip
    blend.add_argument("--out", type=Path, metavar="TAKE", required=True, help="the new take")


def _add_curves(commands: Any) -> None:
    curves = add_command(commands, "curves", "ARKit's 52 curves of a take", _curves)
    curves.add_argument("take", type=Path, help="NAME.take.npz")
    curves.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="NAME.csv or NAME.json"
    )
    curves.add_argument(
        "--format", choices=["livelink", "json"], help="default json for .json, else livelink"
    )
    curves.add_argument(
        "--fps", type=float, metavar="RATE", help="resample to this rate; default the take's own"
    )
    curves.add_argument(
        "--head", type=Path, metavar="FILE", help="the take's head, if not the default one"
    )


def _add_import(commands: Any) -> None:
    brought = "another tool's parameters in, a take out"
    bring = add_command(commands, "import", brought, _import_parameters)
    bring.add_argument(
        "path", type=Path,
        help="a file or folder of DECA, EMOCA, SPECTRE, SMIRK, VHAP, Live Link Face, MediaPipe, ..."
    )  # fmt: skip
    bring.add_argument(
        "--head", type=Path, metavar="FILE", help="your FLAME head; curves go to the default head"
    )
    bring.add_argument(
        "--fps", type=float, metavar="RATE", default=25.0,
        help="frames per second where the file holds no times; default 25",
    )  # fmt: skip
    bring.add_argument("--out", type=Path, metavar="TAKE", required=True, help="the new take")


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
    is_seen = take.source.get("kind") != "sound"
    found = f", {int(take.found.sum())} with the face" if is_seen else ", by sound alone"
    sure = zip(REGIONS, take.confidence.mean(0), strict=True)
    lines = {
        "clip": take.source["path"],
        "frames": f"{take.frame_count}{found}",
        "seconds": f"{take.times[0]:.3f} to {take.times[-1]:.3f}, nominally {take.fps:g} a second",
        "picture": f"{take.size[0]} x {take.size[1]}, focal length {take.focal:.0f} px",
        "head": f"{take.head['name']} ({take.head['sha256'][:12]})",
        "actor": take.actor,
        "made by": f"AVFace {take.made_by['version']}, {json.dumps(take.made_by['options'])}"
        if "version" in take.made_by
        else "no capture",  # a performance that was played
        "confidence": ", ".join(f"{name} {value:.2f}" for name, value in sure)
        if is_seen
        else "none: nobody is seen",
        "sync": _sync(take),
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


def _sync(take: Take) -> str:
    """How the sound lies to the lips, as measured."""
    if not take.sync_confidence:
        return "not measured"
    late = "late" if take.sync_offset > 0 else "early"
    offset = f"{abs(take.sync_offset) * 1e3:.0f} ms {late}"
    return f"the sound is {offset}, confidence {take.sync_confidence:.2f}"


def _curves(options: argparse.Namespace) -> int:
    from ..exchange.arkit import resampled
    from ..exchange.livelink import write_json, write_livelink
    from ..head.arkit import arkit_curves

    take = Take.load(options.take)
    curves = arkit_curves(take, head_of(take, options.head))
    if options.fps is not None:
        if not 1 <= options.fps <= 1000:
            raise AVFaceError("A rate lies between 1 and 1000 a second.", "Choose another --fps.")
        curves = resampled(curves, options.fps)
    kind = options.format or ("json" if options.out.suffix.lower() == ".json" else "livelink")
    write = write_json if kind == "json" else write_livelink
    write(curves, options.out)
    print(f"{options.out}: {len(curves.times)} frames, {curves.fps:g} a second")
    return DONE


def _import_parameters(options: argparse.Namespace) -> int:
    from ..imports import import_parameters
    from ..weights import load_head

    take = import_parameters(options.path, load_head(options.head), options.fps)
    take.save(options.out)
    tool = take.made_by["options"]["tool"]
    print(f"{options.out}: {take.frame_count} frames of {tool} on {take.head['name']}")
    return DONE


def _blend(options: argparse.Namespace) -> int:
    from ..mending.blend import PARTS, blend_takes

    sources = {part: Take.load(getattr(options, part)) for part in PARTS if getattr(options, part)}
    span = tuple(options.range) if options.range else None
    take = blend_takes(Take.load(options.take), sources, span, options.ease)
    take.save(options.out)
    print(f"{options.out}: {take.frame_count} frames, {', '.join(sources)} from elsewhere")
    return DONE
