"""One clip of a batch: whether it stands already, and its capture in a process of its own.

Results lie in the batch's folder; beside them `jobs/NAME/` with the job, its log and `record.json`.
"""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..exchange.files import is_result, is_unfinished, take_stem, write_whole
from ..exchange.head_file import file_sha256
from ..exchange.protocol import (
    CANNOT_SERVE,
    CaptureJob,
    Done,
    Event,
    Failed,
    Item,
    Progress,
    decode,
    write_job,
)

ROOT = Path(__file__).parents[2]
TRIES = 2  # where the engine was at fault: a clip that can't be served is not tried again
GRACE_SECONDS = 10.0  # from its last word, or from being told to end, to being killed
_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_TAIL_CHARACTERS = 400


@dataclass(frozen=True)
class Work:
    """One capture, in words that travel to another machine."""

    name: str
    folder: str  # of its job
    job: dict[str, Any]  # fields of CaptureJob
    key: str  # of everything that the result depends on
    engine: tuple[str, ...] = ()  # its command; empty: the Python that serves the work

    @property
    def take(self) -> Path:
        """Where its take will stand."""
        return Path(self.job["out"])


@dataclass(frozen=True)
class Record:
    """How a clip of a batch went: `jobs/NAME/record.json`."""

    name: str
    clip: str
    state: str  # done, failed; never written: waiting, stopped
    key: str
    message: str = ""
    hint: str = ""
    seconds: float = 0.0
    tries: int = 1

    def write(self, folder: Path) -> None:
        """Write `folder/record.json`."""
        write_whole(folder / "record.json", json.dumps(asdict(self), indent=1))

    def item(self, take: str) -> Item:
        """What to say of the clip now that it has ended."""
        done = self.state == "done"
        return Item(self.name, self.state, float(done), self.message, take if done else "")


def read_record(folder: Path) -> Record | None:
    """What stands in a job's folder; None when nothing does."""
    try:
        return Record(**json.loads((folder / "record.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def content_key(clip: Path, job: dict[str, Any], makers: dict[str, str]) -> str:
    """A hash of what a take depends on: the clip's content, the options, and `makers`."""
    asked = {name: job[name] for name in ("head", "options", "preview", "sheet")}
    if clip.is_file():
        content = file_sha256(clip)
    elif not clip.is_dir() and "#" not in clip.name:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    else:  # pictures: many files, told by name, size and time
        listed = sorted(clip.iterdir() if clip.is_dir() else clip.parent.iterdir())
        content = str([(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in listed])
    text = json.dumps([content, asked, makers], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def standing(work: Work) -> Record | None:
    """The record of this very capture where it has been done and its take is whole."""
    record = read_record(Path(work.folder))
    if record is None or record.state != "done" or record.key != work.key:
        return None
    return record if zipfile.is_zipfile(work.take) else None


def serve(
    work: Work,
    hear: Callable[[str, float], None] = lambda stage, fraction: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Record:
    """Capture one clip; a failure is a record too. `hear(stage, fraction)` as it goes on."""
    folder = Path(work.folder)
    folder.mkdir(parents=True, exist_ok=True)
    start, record = time.perf_counter(), None
    for count in range(1, TRIES + 1):
        _clear_leftovers(folder, work.take)
        write_job(CaptureJob(**work.job), folder / "job.json")
        code, outcome = _run_engine(work, hear, stopped)
        done = isinstance(outcome, Done)
        why = ("", "") if done else _why(code, outcome, folder)
        seconds = round(time.perf_counter() - start, 2)
        state = "done" if done else "failed"
        record = Record(work.name, work.job["clip"], state, work.key, *why, seconds, count)
        if done or code == CANNOT_SERVE or stopped():
            break
    assert record is not None
    _clear_leftovers(folder, work.take)
    if not stopped():
        record.write(folder)
    return record


def _run_engine(
    work: Work, hear: Callable[[str, float], None], stopped: Callable[[], bool]
) -> tuple[int, Done | Failed | None]:
    """The engine on the work's `job.json`; it ends by itself when this process does."""
    folder = Path(work.folder)
    command = work.engine or (sys.executable, "-m", "engine")
    outcome: Done | Failed | None = None
    environment = os.environ | {"PYTHONUTF8": "1"}
    with open(folder / "engine.log", "wb") as log:
        process = subprocess.Popen(
            [*command, "run", str((folder / "job.json").resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env=environment,
            creationflags=_NO_CONSOLE,
        )
        assert process.stdout
        assert process.stdin
        try:
            for event in _events(process.stdout):
                if isinstance(event, Progress):
                    hear(event.stage, event.fraction)
                elif isinstance(event, Done | Failed):
                    outcome = event
                if stopped():
                    break
        finally:
            if outcome is None or stopped():
                process.stdin.close()  # the leash; after its last word it ends by itself
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdin.close()
            process.stdout.close()
    return process.returncode, outcome


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    """What an engine says; a line that its death cut short is nothing."""
    for line in lines:
        try:
            event = decode(line)
        except (ValueError, TypeError):
            continue
        yield event


def _why(code: int, outcome: Done | Failed | None, folder: Path) -> tuple[str, str]:
    """What to tell of a capture that did not work, and what to do."""
    if isinstance(outcome, Failed):
        return outcome.message, outcome.hint
    log = folder / "engine.log"
    said = log.read_text(encoding="utf-8", errors="replace").strip()[-_TAIL_CHARACTERS:]
    why = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"The engine stopped without a result ({why}).", f"{log} ends: {said}" if said else ""


def _clear_leftovers(folder: Path, take: Path) -> None:
    """Take away what a killed engine had begun to write for this clip, and for no other."""
    stem = take_stem(take)
    begun = [path for path in take.parent.iterdir() if is_result(path, stem)]
    for path in filter(is_unfinished, [*begun, *folder.iterdir()]):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
