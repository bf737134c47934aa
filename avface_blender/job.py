"""A capture that an artist asked for, from the button to its take."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from ..engine.exchange.protocol import PREPARING, CaptureJob, Event, Note, Progress
from . import pace
from .engine_client import EngineJob
from .job_folders import FolderLock


@dataclass
class Job:
    """A capture that was asked for, and what the engine has said about it."""

    capture: CaptureJob
    folder: Path
    python: Path
    lock: FolderLock | None
    scene: int  # in which it was asked for, by Blender's number: names change
    head: int = 0  # onto which it goes, likewise; 0: none was selected
    engine: EngineJob | None = None  # while and after it runs
    import_when_done: bool = True
    over: bool = False  # of a range: the take that plays now plays on before and after
    stage: str = "starting"
    fraction: float = 0.0
    prepares: bool = False  # the engine compiles itself meanwhile: its first capture
    notes: list[str] = field(default_factory=list)
    started: float = 0.0
    heard: pace.Timeline = field(default_factory=list)
    last_pace: pace.Timeline = field(default_factory=list)  # of a capture of its kind

    @property
    def clip(self) -> str:
        """Name of the clip."""
        return Path(self.capture.clip).name

    @property
    def seconds(self) -> int:
        """Whole seconds since the engine's start."""
        return int(time.monotonic() - self.started)

    @property
    def seconds_left(self) -> int:
        """An estimate; -1 while there is none. What is compiled when can't be foretold."""
        if self.prepares:
            return -1
        return pace.seconds_left(self.fraction, time.monotonic() - self.started, self.last_pace)

    @property
    def kind(self) -> str:
        """Captures of a kind share their time alike between their stages."""
        if self.capture.refines:
            return "refine" if self.capture.corrections else "trust"
        return str(self.capture.options.get("detail", ""))

    def hear(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Progress):
            self.stage, self.fraction = event.stage, event.fraction
            self.prepares |= event.stage == PREPARING
            self.heard.append((event.fraction, time.monotonic() - self.started))
        elif isinstance(event, Note):
            self.notes.append(event.message)
