"""What the add-on and the engine say to each other.

The add-on writes one job file, starts `python -m engine run JOB`, and reads one JSON object per
line from the engine's standard output. Results are files. Standard library only: Blender's Python
and the engine's Python both import this.
"""

import json
import os
import sys
import traceback
import typing
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .files import write_whole

VERSION = 2  # raised whenever a field or an event changes its meaning

# Exit codes of every command (docs/fileformats.md).
DONE, SOME_FAILED, CANNOT_SERVE, OUR_FAULT = 0, 1, 2, 3

PREPARING = "preparing"  # a stage: the engine compiles itself, in its first capture on a machine


class AVFaceError(Exception):
    """Something that the user can cause and mend: one sentence, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


@dataclass(frozen=True)
class Hello:
    """First word of the engine."""

    version: int
    device: str


@dataclass(frozen=True)
class Progress:
    """`fraction` of the whole job, 0 to 1, the stage that is running, and more about it."""

    stage: str
    fraction: float
    detail: str = ""


@dataclass(frozen=True)
class Note:
    """Something the artist should know that does not stop the job (no sound, face lost, ...)."""

    message: str


@dataclass(frozen=True)
class Done:
    """Last word of a job that worked; `result` is the path of the file that it made."""

    result: str


@dataclass(frozen=True)
class Failed:
    """Last word of a job that did not; `hint` says what the artist can do about it."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Item:
    """Where one clip of a batch is: waiting, running, done, skipped (it stands already), failed."""

    name: str
    state: str
    fraction: float = 0.0
    message: str = ""
    result: str = ""  # path of its take, when there is one


Event = Hello | Progress | Note | Item | Done | Failed
_EVENTS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Hello, Progress, Note, Item, Done, Failed)
}


@dataclass(frozen=True)
class CaptureJob:
    """What `python -m engine run JOB` reads: a clip in, a take out.

    `options` holds the fields of `engine.options.CaptureOptions` that differ from their defaults.
    """

    clip: str
    out: str  # path of the take, NAME.take.npz
    head: str = ""  # path of a head file; empty: the default head
    options: dict[str, Any] = field(default_factory=dict)
    preview: bool = False  # also NAME.preview.mp4
    sheet: bool = False  # also NAME.sheet.png
    # Path of a take: not a new capture, but this one taught by `corrections`, if there are any, and
    # going by `options["trust"]`, if it is there.
    refines: str = ""
    corrections: str = ""  # path of a file that `engine.mending.corrections` reads
    version: int = VERSION


def encode(event: Event) -> str:
    """One event as one line of JSON."""
    return json.dumps({"event": type(event).__name__.lower(), **asdict(event)})


def decode(line: str | bytes) -> Event:
    """The event in one line of JSON. Raises ValueError on anything else."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.get("event") not in _EVENTS:
        raise ValueError(f"not an engine event: {line!r}")
    return _EVENTS[fields.pop("event")](**fields)


def take_name(clip: Path) -> str:
    """NAME of a clip's results: the file's or folder's, `shot` for the pictures `shot.####.png`."""
    name = clip.name if clip.is_dir() else clip.stem
    return name.rstrip("#").rstrip("._- ") or name


def write_job(job: CaptureJob, path: Path) -> None:
    """Write a job file. Raises OSError."""
    write_whole(path, json.dumps(asdict(job), indent=1))


def read_job(path: Path) -> CaptureJob:
    """Read a job file. Raises AVFaceError when it isn't one or speaks an unknown version."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        version = told.get("version", VERSION) if isinstance(told, dict) else VERSION
        if version not in (1, VERSION):
            raise AVFaceError(
                f"{path} speaks version {version} of the protocol, this engine {VERSION}.",
                "Install the engine that belongs to this add-on.",
            )
        _check_fields(told)
    except (OSError, ValueError, TypeError) as error:
        raise AVFaceError(f"{path} is not a job file ({error}).", "Write it anew.") from error
    job = CaptureJob(**told)
    if version == 1:
        job = replace(job, options=faces_from_one(job.options), version=VERSION)
    return job


def _check_fields(told: Any) -> None:
    """Raises TypeError, in words, where a job's fields aren't those of `CaptureJob`."""
    if not isinstance(told, dict):
        raise TypeError("it holds no fields")
    hints = typing.get_type_hints(CaptureJob)
    for name in ("clip", "out", *told):
        if name not in hints:
            raise TypeError(f"nobody knows its field “{name}”")
        kind = typing.get_origin(hints[name]) or hints[name]
        if not isinstance(told.get(name), kind):
            raise TypeError(f"{name} is missing or no {_IN_WORDS[kind]}")


_IN_WORDS = {str: "text", dict: "set of options", bool: "true or false", int: "number"}


def faces_from_one(options: dict[str, Any]) -> dict[str, Any]:
    """Capture options as version 1 wrote them, which counted faces from 0."""
    face = options.get("face")
    return options | {"face": face + 1} if isinstance(face, int) else options


def claim_stdout() -> Callable[[Event], None]:
    """Keep the real standard output for events; send every other print to stderr.

    Works below Python too: descriptor 1 itself is pointed at stderr, so that a C library's
    printf can't break a line of JSON.
    """
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)

    def send(event: Event) -> None:
        events.write(encode(event) + "\n")

    return send


def answer(work: Callable[[], str], send: Callable[[Event], None]) -> int:
    """Do a job and send its last word: the path of the result, or why there is none; exit code."""
    try:
        result = work()
    except AVFaceError as error:
        send(Failed(error.message, error.hint))
        return CANNOT_SERVE
    except Exception as error:
        traceback.print_exc()  # to the log that standard error is kept in
        send(Failed(f"The engine failed ({type(error).__name__}: {error}).", "See its log."))
        return OUR_FAULT
    send(Done(result))
    return DONE
