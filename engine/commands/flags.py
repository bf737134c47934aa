"""Flags from dataclasses of options: one for each field, explained by its metadata's `help`.

Flags are written with hyphens; underscores, as the fields have them, are understood too.
"""

import argparse
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any


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
        keywords = _shape(hints[item.name], default)
        keywords["default"] = argparse.SUPPRESS if only_given else default
        keywords["help"] = item.metadata["help"]
        parser.add_argument(f"--{item.name.replace('_', '-')}", **keywords)


def _shape(hint: Any, default: Any) -> dict[str, Any]:
    """What argparse must know of a flag's values."""
    if isinstance(hint, types.UnionType):  # X | None
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return {"choices": typing.get_args(hint)}
    if typing.get_origin(hint) is tuple:
        kinds = typing.get_args(hint)
        return {"nargs": "*" if ... in kinds else len(kinds), "type": kinds[0]}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction if default else "store_true"}
    return {"type": hint}
