"""The commands `head` and `transfer`: heads of one's own, and takes onto other heads."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ..exchange.protocol import DONE, AVFaceError
from ..exchange.saving import place_for_result
from .flags import add_command, add_group


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    what = add_group(commands, "head", "bring a head of your own")
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
    _add_transfer(commands)


def _add_transfer(commands: Any) -> None:
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
