"""Commands on heads and takes: `head`, `transfer`, `curves`, `import`, `blend`."""

import argparse
from pathlib import Path
from typing import Any

from .exchange.protocol import DONE


def add_commands(commands: Any) -> None:
    """Their parsers; heavy imports wait for the command."""
    head = commands.add_parser("head", help="bring a head of your own")
    what = head.add_subparsers(required=True, metavar="WHAT")
    adopt = what.add_parser("import", help="FLAME's files in, a head file out")
    adopt.add_argument("files", type=Path, nargs="+", help="the model, and what you have beside it")
    adopt.add_argument("--out", type=Path, default=Path("flame.npz"), help="the head file")
    adopt.add_argument("--shapes", type=int, help="identity columns; default 300")
    adopt.set_defaults(run=_import_head)


def _import_head(options: argparse.Namespace) -> int:
    from .head.adopt import adopt_flame

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
