"""The running capture: a timer asks the engine for news and tells the panel.

One capture at a time. The job lives in this module, not in a .blend: opening another file while it
runs does not lose it, but its take is then not imported into that file without being asked.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import CaptureJob, Done, Event, Failed, Note, Progress, take_name
from .engine_client import EngineJob, start_capture
from .install import ROOT

POLL_SECONDS = 0.2


@dataclass
class RunningJob:
    """A capture that the engine is working on, and what it has said."""

    engine: EngineJob
    clip: str
    import_when_done: bool = True
    stage: str = "starting"
    fraction: float = 0.0
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> int:
        """Whole seconds since the start."""
        return int(time.monotonic() - self.started)

    def hear(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Progress):
            self.stage, self.fraction = event.stage, event.fraction
        elif isinstance(event, Note):
            self.notes.append(event.message)


_running: RunningJob | None = None


def is_running() -> bool:
    """Whether a capture is under way."""
    return _running is not None


def new_folder(parent: Path, clip: str) -> Path:
    """The folder of a new job, named so that folders sort by time."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')} {take_name(Path(clip))}"
    folder, count = parent / name, 1
    while folder.exists():
        count += 1
        folder = parent / f"{name} {count}"
    return folder


def start(job: CaptureJob, folder: Path, python: Path) -> None:
    """Start the engine on a job and watch it. Raises AVFaceError when it can't be started."""
    global _running
    assert _running is None, "one capture at a time"
    _running = RunningJob(start_capture(job, folder, python, ROOT), Path(job.clip).name)
    _show(_running)
    if not bpy.app.background:  # no timer fires without a window: follow() instead
        bpy.app.timers.register(_watch, first_interval=POLL_SECONDS, persistent=True)


def imported(take: Path, notes: tuple[str, ...]) -> None:
    """Tell the panel that a take has come into the scene, and with what reservations."""
    state = _state()
    if not state.take or Path(state.take) != take:
        return
    state.imported = True
    state.message = state.hint = ""
    known = {note.text for note in state.notes}
    for note in notes:
        if note not in known:
            state.notes.add().text = note


def cancel() -> None:
    """Ask the engine to end; the watcher sees it gone."""
    if _running:
        _running.engine.cancel()
        _show(_running)


def follow() -> None:
    """Wait for the running capture: for where no timer fires."""
    assert _running is not None
    for event in _running.engine.follow():
        _running.hear(event)
        _show(_running)
    _finish()


def unregister() -> None:
    """End the engine when the add-on is disabled or Blender closes."""
    global _running
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)
    if _running:
        _running.engine.end()
        _running = None


@bpy.app.handlers.persistent
def keep_out_of_another_file(*_arguments) -> None:
    """After a file was opened: the capture was asked for in another one."""
    if _running:
        _running.import_when_done = False
        _show(_running)


def _watch() -> float | None:
    if _running is None:
        return None
    news = _running.engine.poll()
    for event in news:
        _running.hear(event)
    if news or _state().seconds != _running.seconds:
        _show(_running)
    if _running.engine.running or _running.engine.outcome is None or _scene_is_busy():
        return POLL_SECONDS
    _finish()
    return None


def _scene_is_busy() -> bool:
    """Whether a render or a drag of the artist's is under way, which an import would break."""
    dragging = any(
        operator.bl_idname.startswith("TRANSFORM_OT_")
        for window in bpy.context.window_manager.windows
        for operator in window.modal_operators
    )
    return dragging or bool(bpy.app.is_job_running("RENDER"))


def _finish() -> None:
    """Tell how the job ended, and bring in its take."""
    global _running
    assert _running is not None
    job, _running = _running, None
    _show(job)
    if isinstance(job.engine.outcome, Done) and not job.engine.cancelled and job.import_when_done:
        _import_result()


def _import_result() -> None:
    """By the operator, so that it is one step of undo; into the window's scene."""
    state = _state()
    window: Any = bpy.context.window or bpy.context.window_manager.windows[0]
    try:
        with bpy.context.temp_override(window=window):
            bpy.ops.avface.import_take("EXEC_DEFAULT", True, filepath=state.take)
    except RuntimeError as error:  # how an operator says that it could not
        state.message = "The take was captured but not imported."
        sentence = str(error).rpartition(".poll() ")[2]
        state.hint = sentence.removeprefix("Error: ").strip()
    else:
        _look_through_camera(window)


def _look_through_camera(window: bpy.types.Window) -> None:
    """Show the head over its clip, in the largest 3D view: a head is small in a scene's view."""
    views = [area for area in window.screen.areas if area.type == "VIEW_3D"]
    if views and window.scene.camera:
        largest = max(views, key=lambda area: area.width * area.height)
        largest.spaces.active.region_3d.view_perspective = "CAMERA"


def _show(job: RunningJob) -> None:
    """Write what the panel draws, and have it drawn."""
    state, outcome = _state(), job.engine.outcome
    state.clip, state.stage, state.fraction = job.clip, job.stage, job.fraction
    state.seconds = job.seconds
    state.folder = str(job.engine.folder)
    state.message = state.hint = state.take = ""
    state.imported = False
    if job.engine.cancelled:
        state.status = "RUNNING" if job.engine.running else "IDLE"
        state.message = "Cancelling ..." if job.engine.running else "Cancelled."
    elif outcome is None:
        state.status = "RUNNING"
    elif isinstance(outcome, Done):
        state.status, state.take = "DONE", outcome.result
    elif isinstance(outcome, Failed):
        state.status, state.message, state.hint = "FAILED", outcome.message, outcome.hint
    state.notes.clear()
    for note in job.notes if not job.engine.cancelled else ():
        state.notes.add().text = note
    _redraw()


def _state():
    return bpy.context.window_manager.avface_job


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
