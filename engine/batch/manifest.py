"""What a batch is asked for: a folder of clips, or a list of them as CSV or JSON.

Columns, or keys: `clip` (path, relative to the manifest), `name` (of the results), `actor`, `in`
and `out` (seconds; `start` and `end` as the engine calls them), and every other field of
CaptureOptions.
"""

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exchange.protocol import AVFaceError, take_name
from ..media.pictures import FILM_SUFFIXES
from ..options import OPTIONS, option_value

_RENAMED = {"in": "start", "out": "end"}


@dataclass(frozen=True)
class Wanted:
    """One clip of a batch."""

    name: str  # of its results, no two alike
    clip: Path
    options: dict[str, Any] = field(default_factory=dict)  # fields of CaptureOptions


def read_manifest(path: Path, defaults: dict[str, Any] | None = None) -> list[Wanted]:
    """The clips of a folder (by name) or of a manifest (in its order).

    `defaults` are options for clips that don't say otherwise. Raises AVFaceError.
    """
    if path.is_dir():
        found = _films(path)
        rows: list[dict[str, Any]] = [{"clip": clip.name} for clip in found]
    else:
        rows = _read_rows(path)
    if not rows:
        raise AVFaceError(f"{path} names no clips.", "Give a folder with films, or a CSV or JSON.")
    folder = path if path.is_dir() else path.parent
    wanted: list[Wanted] = []
    for number, row in enumerate(rows, 1):
        wanted.append(_wanted(row, number, path, folder, defaults or {}, wanted))
    return wanted


def _films(folder: Path) -> list[Path]:
    """By name. Raises AVFaceError."""
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in FILM_SUFFIXES)
    except OSError as error:
        raise AVFaceError(
            f"{folder} can't be read ({error.strerror}).", "Ask its owner for it."
        ) from error


def _read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a CSV (comma, semicolon or tab) or JSON (a list, or `clips` and `options`)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            content = json.loads(text)
            shared = content.get("options", {}) if isinstance(content, dict) else {}
            listed = content.get("clips", []) if isinstance(content, dict) else content
            rows = [row if isinstance(row, dict) else {"clip": row} for row in listed]
            return [shared | row for row in rows]
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except FileNotFoundError as error:
        raise AVFaceError(f"There is no folder or list at {path}.", "Check the path.") from error
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise AVFaceError(
            f"{path} can't be read as a list of clips ({error}).",
            "docs/batch.md shows what one looks like.",
        ) from error


def _wanted(
    row: dict[str, Any],
    number: int,
    path: Path,
    folder: Path,
    defaults: dict[str, Any],
    before: list[Wanted],
) -> Wanted:
    """One row, checked. Raises AVFaceError that names it."""
    given = {
        str(key).strip().lower(): value
        for key, value in row.items()
        if key is not None and value is not None and str(value).strip() != ""
    }
    clip_text = str(given.pop("clip", "")).strip()
    if not clip_text or "\0" in clip_text:
        raise AVFaceError(f"Row {number} of {path} names no clip.", "Fill in its column “clip”.")
    clip = folder / clip_text  # an absolute path stays itself
    base = str(given.pop("name", "")).strip() or take_name(clip)
    options = dict(defaults)
    for key, value in given.items():
        name = _RENAMED.get(key, key)
        try:
            options[name] = option_value(name, value)
        except KeyError:
            known = ", ".join(["clip", "name", "in", "out", *OPTIONS])
            raise AVFaceError(
                f"Row {number} of {path} has “{key}”, which is no option.", f"There are: {known}."
            ) from None
        except (ValueError, TypeError) as error:
            raise AVFaceError(
                f"Row {number} of {path}: {key} can't be “{value}”.", str(error).capitalize() + "."
            ) from error
    if "person" in given:  # like the clip's path
        options["person"] = str(folder / options["person"])
    name, count = _file_name(base), 1
    while any(other.name.lower() == name.lower() for other in before):  # some disks ignore case
        count += 1
        name = f"{_file_name(base)}-{count}"
    return Wanted(name, clip, options)


def _file_name(text: str) -> str:
    """A name that every disk takes."""
    return "".join("_" if c in '<>:"/\\|?*' or ord(c) < 32 else c for c in text).strip(". ") or "_"
