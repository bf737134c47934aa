"""Jobs on disk: what outlives Blender, and who is working on it. No Blender here.

A job's folder holds `job.json`, what the engine said and made, and `state.json`. Whoever works on a
job holds a lock on its file `lock`, which the system lets go when they die: a job that is
unfinished and not locked was interrupted.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from ..engine.exchange.files import is_unfinished, write_whole
from ..engine.exchange.protocol import AVFaceError, CaptureJob, read_job, take_name

RECENT = 100
_CLIP_LETTERS = 32  # in a folder's name: the take's name follows, and Windows allows 259 in all
_OVER_FILE = "over-the-take"

State = Literal["waiting", "running", "done", "imported", "failed", "cancelled", "dismissed"]

_settled: set[Path] = set()  # folders that need not be looked into again


@dataclass(frozen=True)
class LeftJob:
    """A job that nobody works on and that the artist has not yet settled."""

    folder: Path
    job: CaptureJob
    is_captured: bool  # the take stands and was not imported; else the capture was interrupted


class FolderLock:
    """Ours as long as this process lives, or until `release`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def claim(cls, folder: Path) -> "FolderLock | None":
        """The lock on a job's folder; None when another process has it."""
        try:
            file = open(folder / "lock", "ab")  # noqa: SIM115 (held, not read)
            _lock(file)
        except OSError:
            return None
        return cls(file)

    def release(self) -> None:
        """Let others work on the job."""
        self._file.close()


def new_folder(parent: Path, clip: str) -> Path:
    """The folder of a new job, made, and named so that folders sort by time. Raises AVFaceError."""
    of_clip = take_name(Path(clip))[:_CLIP_LETTERS]
    name = f"{time.strftime('%Y%m%d-%H%M%S')} {of_clip}".rstrip(". ")  # Windows drops them
    folder, count = parent / name, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            count += 1
            folder = parent / f"{name} {count}"
        except OSError as error:
            raise AVFaceError(
                f"The folder {parent} can't be used ({error.strerror}).",
                "Choose another Takes Folder in AVFace's preferences.",
            ) from error


def write_state(folder: Path, state: State) -> None:
    """Say how far a job is. Raises OSError."""
    _settled.discard(folder)
    write_whole(folder / "state.json", json.dumps({"state": state}))


def read_state(folder: Path) -> str:
    """How far a job is; empty for a folder that is none of ours."""
    try:
        content: Any = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        return str(content["state"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_over(folder: Path) -> None:
    """Say that a job's take is one of a range, over the take that plays. Raises OSError."""
    (folder / _OVER_FILE).touch()


def is_over(folder: Path) -> bool:
    """Whether a job's take is one of a range."""
    return (folder / _OVER_FILE).is_file()


def find_left(parent: Path) -> list[LeftJob]:
    """The jobs below `parent` that were interrupted, or captured and not imported; oldest first.

    Only the newest RECENT folders are looked at, so that it is quick however many there are.
    """
    left = []
    for folder in _recent(parent):
        if folder in _settled:
            continue
        state = read_state(folder)
        if state not in {"waiting", "running", "done"}:
            if state in {"imported", "failed", "cancelled", "dismissed"}:
                _settled.add(folder)
            continue
        lock = FolderLock.claim(folder)
        if lock is None:
            continue
        try:
            job = read_job(folder / "job.json")
        except AVFaceError:
            continue
        finally:
            lock.release()
        captured = _has_ended_well(folder) and Path(job.out).is_file()
        left.append(LeftJob(folder, job, captured))
    return left


def _recent(parent: Path) -> list[Path]:
    """The newest job folders, by their names, oldest first."""
    try:
        names = [entry.name for entry in os.scandir(parent) if entry.is_dir()]
    except OSError:
        return []
    return [parent / name for name in sorted(names)[-RECENT:]]


def clear_leftovers(folder: Path) -> None:
    """Before a job runs again: take away what a killed engine had begun to write."""
    for path in filter(is_unfinished, list(folder.iterdir())):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _has_ended_well(folder: Path) -> bool:
    """Whether the engine's last word was `done`: Blender may have died before it heard it."""
    try:
        lines = (folder / "events.jsonl").read_bytes().splitlines()
    except OSError:
        return False
    for line in reversed(lines):
        try:
            return json.loads(line).get("event") == "done"
        except (ValueError, AttributeError):
            continue  # cut short by the engine's death
    return False


def _lock(file: IO[bytes]) -> None:
    """Raises OSError when another process has locked the file."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
