"""Commands, and their flags from dataclasses of options: one for each field (`options.option`).

Flags are written with hyphens; underscores, as the fields have them, are understood too.
"""

import argparse
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

_METAVARS = {int: "N", float: "N", str: "TEXT", Path: "PATH"}


def add_command(
    commands: Any, name: str, explained: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a command, which its own page and the list of commands explain alike."""
    parser = _page(commands, name, explained)
    parser.set_defaults(run=run)
    return parser


def add_group(commands: Any, name: str, explained: str) -> Any:
    """A command that is several: where they are added."""
    return _page(commands, name, explained).add_subparsers(required=True, metavar="WHAT")


def _page(commands: Any, name: str, explained: str) -> argparse.ArgumentParser:
    sentence = f"{explained[0].upper()}{explained[1:]}."
    return commands.add_parser(name, help=explained, description=sentence)


def hyphenated(arguments: Sequence[str]) -> list[str]:
    """The arguments, with hyphens in the names of flags."""
    return [_hyphenated(text) if text.startswith("--") else text for text in arguments]


def _hyphenated(text: str) -> str:
    name, equals, value = text.partition("=")
    return name.replace("_", "-") + equals + value


def add_flags(
    parser: argparse.ArgumentParser,
    kind: type[Any],
    only: Collection[str] = (),
    defaults: Mapping[str, Any] | None = None,
    only_given: bool = False,
) -> None:
    """Add the flags of a dataclass.

    Args:
        parser: Gets them.
        kind: The dataclass; every field has a default.
        only: Some of its fields; default all.
        defaults: Other defaults than the fields'.
        only_given: What isn't on the command line doesn't come out of it, defaults neither.
    """
    hints = typing.get_type_hints(kind)
    for item in fields(kind):
        if only and item.name not in only:
            continue
        default = (defaults or {}).get(item.name, item.default)
        assert default is not MISSING, item.name
        keywords = _shape(hints[item.name], default, item.metadata["metavar"])
        keywords["default"] = argparse.SUPPRESS if only_given else default
        keywords["help"] = _with_default(item.metadata["help"], default)
        parser.add_argument(f"--{item.name.replace('_', '-')}", **keywords)


def _with_default(explained: str, default: Any) -> str:
    """What a flag is for, and what holds without it where the sentence doesn't say so itself."""
    if default is None or default is False or default in ("", ()) or "default" in explained:
        return explained
    if isinstance(default, tuple):
        return f"{explained}; default {' '.join(map(str, default))}"
    if isinstance(default, float):
        return f"{explained}; default {default:g}"
    return f"{explained}; default {'on' if default is True else default}"


def _shape(hint: Any, default: Any, metavar: str | tuple[str, ...] | None) -> dict[str, Any]:
    """What argparse must know of a flag's values."""
    if isinstance(hint, types.UnionType):  # X | None
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return {"choices": typing.get_args(hint)}
    if typing.get_origin(hint) is tuple:
        kinds = typing.get_args(hint)
        metavar = metavar or _METAVARS[kinds[0]]
        count = "*" if ... in kinds else len(kinds)
        return {"nargs": count, "type": kinds[0], "metavar": metavar}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction if default else "store_true"}
    return {"type": hint, "metavar": metavar or _METAVARS[hint]}
