"""Commands on heads and takes: `head`, `transfer`, `curves`, `import`, `blend`."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..exchange.protocol import DONE, AVFaceError
from ..exchange.saving import place_for_result
from .flags import add_command


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    head = commands.add_parser("head", help="bring a head of your own")
    what = head.add_subparsers(required=True, metavar="WHAT")
    adopt = add_command(what, "import", "FLAME's files in, a head file out", _import_head)
    adopt.add_argument("files", type=Path, nargs="+", help="the model, and what you have beside it")
    adopt.add_argument(
        "--out", type=Path, metavar="FILE", default=Path("flame.npz"),
        help="the head file; default flame.npz",
    )  # fmt: skip
    adopt.add_argument("--shapes", type=int, metavar="N", help="identity columns; default 300")
    losses = "what a performance loses on a head and back, in mm"
    check = add_command(what, "check", losses, _check_head)
    check.add_argument("head", type=Path, help="a head file")
    check.add_argument("--picture", type=Path, metavar="PNG", help="also draw it here")

    transfer = add_command(commands, "transfer", "a take onto another head", _transfer)
    transfer.add_argument("take", type=Path, help="NAME.take.npz")
    transfer.add_argument(
        "--head", type=Path, metavar="FILE", help="the head to go to; default the one that we ship"
    )
    transfer.add_argument(
        "--from", dest="source", type=Path, metavar="FILE",
        help="the take's head, if not the default one",
    )  # fmt: skip
    transfer.add_argument("--out", type=Path, metavar="TAKE", required=True, help="the new take")
    transfer.add_argument("--pictures", action="store_true", help="skin and wrinkles too; slower")

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


def _import_head(options: argparse.Namespace) -> int:
    from ..head.adopt import adopt_flame

    adopted = adopt_flame(options.files, options.out, options.shapes)
    head = adopted.head
    print(
        f"{adopted.path}: {head.name}, {len(head.template)} vertices, {len(head.shape_names)} "
        f"shape and {len(head.expression_names)} expression columns"
    )
    for sentence in adopted.notes:
        print(f"Note: {sentence}")
    print(f"Licence: {head.licence}")
    return DONE


def _check_head(options: argparse.Namespace) -> int:
    from ..evaluation.heads import draw_round_trip, round_trip, table
    from ..weights import load_head

    head = load_head(options.head)
    with place_for_result(options.picture) if options.picture else nullcontext():
        trip = round_trip(head)
        print(table(trip))
        if options.picture:
            draw_round_trip(trip, head, options.picture)
    return DONE


def _transfer(options: argparse.Namespace) -> int:
    from ..exchange.take import Take
    from ..head.transfer import transfer_take
    from ..weights import load_head

    take = Take.load(options.take)
    source, target = head_of(take, options.source), load_head(options.head)
    moved = transfer_take(take, source, target)
    if options.pictures:
        from dataclasses import replace

        from ..detail.carry import carry_pictures

        fields = carry_pictures(take, options.take.parent, source, target, options.out)
        moved = replace(moved, **fields)
    moved.save(options.out)
    print(f"{options.out}: {moved.frame_count} frames on {moved.head['name']}")
    return DONE


def _curves(options: argparse.Namespace) -> int:
    from ..exchange.arkit import resampled
    from ..exchange.livelink import write_json, write_livelink
    from ..exchange.take import Take
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
    from ..exchange.take import Take
    from ..mending.blend import PARTS, blend_takes

    sources = {part: Take.load(getattr(options, part)) for part in PARTS if getattr(options, part)}
    span = tuple(options.range) if options.range else None
    take = blend_takes(Take.load(options.take), sources, span, options.ease)
    take.save(options.out)
    print(f"{options.out}: {take.frame_count} frames, {', '.join(sources)} from elsewhere")
    return DONE


def head_of(take: Any, path: Path | None) -> Any:
    """The head that a take was made for. Raises AVFaceError when it is another."""
    from ..weights import load_head

    head = load_head(path)
    if head.sha256 != take.head["sha256"]:
        raise AVFaceError(
            f"The take was made for {take.head['name']} ({take.head['sha256'][:12]}), not for "
            f"{head.name} ({head.sha256[:12]}).",
            "Name the head file that it was captured with.",
        )
    return head
