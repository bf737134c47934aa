"""An engine job, seen from the add-on: start it, ask it for news, cancel it.

Nothing here knows Blender, and nothing here uses threads: Blender doesn't support Python threads
that outlive the script that started them. The engine's standard output goes to a file in the job's
folder, and `poll` reads what has been added to it, so that there is no pipe to fill up.

The leash: this side holds the engine's standard input, and the engine exits when that closes.
It closes by `cancel`, and by itself when Blender dies.
"""

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    OUR_FAULT,
    VERSION,
    AVFaceError,
    CaptureJob,
    Done,
    Event,
    Failed,
    Hello,
    decode,
    write_job,
)

log = logging.getLogger(__name__)

GRACE_SECONDS = 3.0  # from its last word to the leash, from there to terminate(), to kill()
LOG_TAIL_CHARACTERS = 600
FOLLOW_SECONDS = 0.05
_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows opens one for each program


def engine_environment() -> dict[str, str]:
    """The environment of the engine: ours, without what steers Blender's own Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1"}


class EngineJob:
    """A running engine. `outcome` stays None until its last word (or its death) is known.

    Folder: `events.jsonl` (what it says), `engine.log` (everything else that it prints).
    """

    def __init__(self, command: list[str], folder: Path, cwd: Path) -> None:
        self.folder = folder
        self.log_path = folder / "engine.log"
        self.outcome: Done | Failed | None = None
        self.cancelled = False
        self._unfinished_line = b""
        self._release_at: float | None = None  # when the leash is let go, monotonic seconds
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / "events.jsonl", "wb") as events, open(self.log_path, "wb") as prints:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=events,
                    stderr=prints,
                    cwd=cwd,
                    env=engine_environment(),
                    creationflags=_NO_CONSOLE,
                )
        except OSError as error:
            raise AVFaceError(
                f"The engine can't be started ({error}).",
                "Check the path of the engine's Python.",
            ) from error
        self._events = open(folder / "events.jsonl", "rb")  # noqa: SIM115 (closed by _close)

    @property
    def running(self) -> bool:
        """Whether the engine's process is alive."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int:
        """How the job ended, as our commands say it."""
        assert self.outcome is not None, "the job is still running"
        if isinstance(self.outcome, Done):
            return DONE
        return CANNOT_SERVE if self._process.poll() == CANNOT_SERVE else OUR_FAULT

    def poll(self) -> list[Event]:
        """The events since the last call. Never blocks."""
        ended = not self.running  # asked first, so that the read below misses nothing
        news = self._read_events()
        news += [_wrong_version(e) for e in news if isinstance(e, Hello) and e.version != VERSION]
        last_words = [event for event in news if isinstance(event, Done | Failed)]
        if ended and not last_words and self.outcome is None:
            last_words = [self._died()]
            news += last_words
        if self.outcome is None and last_words:
            self.outcome = last_words[0]
        if ended:
            self._close()
        elif self.outcome is not None or self.cancelled:
            self._see_out()
        return news

    def cancel(self) -> None:
        """Ask the engine to end; returns at once. Keep polling until it isn't `running`."""
        self.cancelled = True
        self._release_at = time.monotonic()
        self._see_out()

    def end(self) -> None:
        """Cancel, and return when the process is gone (in two grace periods at the most)."""
        self.cancel()
        while self.running:
            self._see_out()
            time.sleep(FOLLOW_SECONDS)
        self._close()

    def follow(self) -> Iterator[Event]:
        """The events as they come, until the engine is gone: for where there are no timers."""
        try:
            while self.running or self.outcome is None:
                yield from self.poll()
                time.sleep(FOLLOW_SECONDS)
        finally:
            if self.running:  # whoever followed has gone away
                self.end()

    def _read_events(self) -> list[Event]:
        if self._events.closed:
            return []
        *lines, self._unfinished_line = (self._unfinished_line + self._events.read()).split(b"\n")
        events = []
        for line in lines:
            try:
                events.append(decode(line))
            except (ValueError, TypeError):
                log.warning("the engine wrote a line that is not an event: %r", line)
        return events

    def _died(self) -> Failed:
        if self.cancelled:
            return Failed("Cancelled.")
        code = self._process.returncode
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        prints = self.log_path.read_text(encoding="utf-8", errors="replace").strip()
        end = f"; it ends: {prints[-LOG_TAIL_CHARACTERS:]}" if prints else "."
        return Failed(
            f"The engine stopped without a result ({why}).", f"Its log is {self.log_path}{end}"
        )

    def _see_out(self) -> None:
        """After its last word the engine ends by itself; if it doesn't, it is made to."""
        assert self._process.stdin is not None
        if self._release_at is None:
            self._release_at = time.monotonic() + GRACE_SECONDS
        late = time.monotonic() - self._release_at
        if late >= 0:
            self._process.stdin.close()
        if late > 2 * GRACE_SECONDS:
            self._process.kill()
        elif late > GRACE_SECONDS:
            self._process.terminate()

    def _close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._events.close()


def start_capture(job: CaptureJob, folder: Path, python: Path, root: Path) -> EngineJob:
    """Write `folder/job.json` and start the engine at `root` on it, in the interpreter `python`."""
    job_path = folder / "job.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_job(job, job_path)
    except OSError as error:
        raise AVFaceError(
            f"The job can't be written to {folder} ({error.strerror}).",
            "Free some disk space or choose another folder.",
        ) from error
    return EngineJob([str(python), "-m", "engine", "run", str(job_path)], folder, root)


def start_faces(
    clip: Path, seconds: float, fps: float | None, folder: Path, python: Path, root: Path
) -> EngineJob:
    """Have the faces at a time of the clip found: `folder/faces.json` and `folder/picture.png`.

    `fps` is a picture sequence's. Raises AVFaceError.
    """
    words = ["faces", str(clip), "--time", f"{seconds:.6f}", "--events"]
    words += ["--out", str(folder / "faces.json"), "--picture", str(folder / "picture.png")]
    words += ["--fps", f"{fps:.6f}"] if fps else []
    return EngineJob([str(python), "-m", "engine", *words], folder, root)


@dataclass(frozen=True)
class BatchRequest:
    """What `python -m engine batch` is asked for."""

    source: Path  # folder of clips, or a list of them
    out: Path
    workers: int = 1
    previews: bool = False
    head: Path | None = None
    part: str = ""  # "2/5": only the second of five parts
    only_report: bool = False
    options: dict[str, Any] = field(default_factory=dict)  # for clips that don't say otherwise

    def arguments(self) -> list[str]:
        """The command line after `python -m engine`."""
        words = ["batch", str(self.source), "--out", str(self.out), "--events"]
        words += ["--workers", str(self.workers), *(["--previews"] if self.previews else [])]
        words += ["--head", str(self.head)] if self.head else []
        words += ["--part", self.part] if self.part else []
        words += ["--only-report"] if self.only_report else []
        for name, value in self.options.items():
            if value is True or value is False:
                words += [f"--{name}"] if value else []
            elif isinstance(value, list | tuple):
                words += [f"--{name}", *map(str, value)]
            else:
                words.append(f"--{name}={value}")  # a text may begin with a dash
        return words


def start_batch(request: BatchRequest, python: Path, root: Path) -> EngineJob:
    """Start the engine at `root` on many clips; its log goes to `OUT/jobs`. Raises AVFaceError."""
    return EngineJob(
        [str(python), "-m", "engine", *request.arguments()], request.out / "jobs", root
    )


def _wrong_version(hello: Hello) -> Failed:
    return Failed(
        f"The engine speaks version {hello.version} of the protocol, the add-on {VERSION}.",
        "Install the engine that belongs to this add-on.",
    )
