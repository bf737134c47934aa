"""Commands on heads and takes: `head`, `transfer`, `curves`, `import`, `blend`."""

import argparse
from pathlib import Path
from typing import Any

from ..exchange.protocol import DONE, AVFaceError


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    head = commands.add_parser("head", help="bring a head of your own")
    what = head.add_subparsers(required=True, metavar="WHAT")
    adopt = what.add_parser("import", help="FLAME's files in, a head file out")
    adopt.add_argument("files", type=Path, nargs="+", help="the model, and what you have beside it")
    adopt.add_argument("--out", type=Path, default=Path("flame.npz"), help="the head file")
    adopt.add_argument("--shapes", type=int, help="identity columns; default 300")
    adopt.set_defaults(run=_import_head)
    check = what.add_parser("check", help="what a performance loses on a head and back, in mm")
    check.add_argument("head", type=Path, help="a head file")
    check.add_argument("--picture", type=Path, help="also draw it here, .png")
    check.set_defaults(run=_check_head)

    transfer = commands.add_parser("transfer", help="a take onto another head")
    transfer.add_argument("take", type=Path)
    transfer.add_argument("--head", type=Path, help="the head to go to; default the one we ship")
    transfer.add_argument("--from", dest="source", type=Path, help="the take's own, if not ours")
    transfer.add_argument("--out", type=Path, required=True)
    transfer.add_argument("--pictures", action="store_true", help="skin and wrinkles too; slower")
    transfer.set_defaults(run=_transfer)

    curves = commands.add_parser("curves", help="ARKit's 52 curves of a take")
    curves.add_argument("take", type=Path)
    curves.add_argument("--out", type=Path, required=True, help="NAME.csv or NAME.json")
    curves.add_argument("--format", choices=["livelink", "json"], help="default by the name")
    curves.add_argument("--fps", type=float, help="resample to this rate; default the take's own")
    curves.add_argument("--head", type=Path, help="the take's head, if not the default one")
    curves.set_defaults(run=_curves)

    bring = commands.add_parser("import", help="another tool's parameters in, a take out")
    bring.add_argument("path", type=Path, help="a file or folder of DECA, SMIRK, VHAP, ...")
    bring.add_argument("--head", type=Path, help="your FLAME; curves go to the default head")
    bring.add_argument("--fps", type=float, default=25.0, help="where the file holds no times")
    bring.add_argument("--out", type=Path, required=True)
    bring.set_defaults(run=_import_parameters)

    blend = commands.add_parser("blend", help="one take from several")
    blend.add_argument("take", type=Path, help="what is not taken from elsewhere")
    for part in ("pose", "mouth", "eyes", "brows", "identity"):
        blend.add_argument(
            f"--{part}", type=Path, metavar="TAKE", help=f"take the {part} from here"
        )
    blend.add_argument("--range", type=float, nargs=2, metavar=("FROM", "TO"), help="seconds")
    blend.add_argument("--ease", type=float, default=0.2, help="seconds at the range's ends")
    blend.add_argument("--out", type=Path, required=True)
    blend.set_defaults(run=_blend)


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
