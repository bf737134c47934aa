"""Captures, one after another: a timer asks the engine for news and tells the panel.

Jobs live in this module and on disk (`job_folders`), not in a .blend: opening another file while
one runs does not lose it, but its take is then not imported into that file without being asked.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import (
    PREPARING,
    AVFaceError,
    CaptureJob,
    Done,
    Event,
    Failed,
    Note,
    Progress,
    write_job,
)
from . import job_folders, pace, watch
from .action import said_by
from .engine_client import EngineJob, start_capture
from .install import ROOT
from .job_folders import FolderLock
from .job_import import import_job, import_options, look_through_camera
from .preferences import jobs_folder


@dataclass
class Job:
    """A capture that was asked for, and what the engine has said about it."""

    capture: CaptureJob
    folder: Path
    python: Path
    lock: FolderLock | None
    scene: str  # in which it was asked for
    head: int = 0  # onto which it goes, by Blender's number for it; 0: none was selected
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


_running: Job | None = None
_waiting: list[Job] = []
_captured: list[Job] = []  # their takes wait for the scene to be free
_failed: list[tuple[Job, str]] = []  # and why, until the artist has taken note


def is_running() -> bool:
    """Whether a capture is under way."""
    return _running is not None


def start(
    capture: CaptureJob,
    folder: Path,
    python: Path,
    head: bpy.types.Object | None = None,
    over: bool = False,
) -> None:
    """Start the engine on a job, or put it behind the ones before. Raises AVFaceError.

    The take comes in onto `head`; `over` the one that plays there, only where it has frames.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.claim(folder)
        if lock is None:
            raise AVFaceError(
                f"Another Blender is working on {folder}.", "Wait for it, or close it."
            )
        job_folders.clear_leftovers(folder)
        write_job(capture, folder / "job.json")
        if over:
            job_folders.write_over(folder)
        job_folders.write_state(folder, "waiting")
    except OSError as error:
        raise AVFaceError(
            f"The job can't be written to {folder} ({error.strerror}).",
            "Free some disk space or choose another Takes Folder in AVFace's preferences.",
        ) from error
    scene: Any = bpy.context.scene
    uid = head.session_uid if head else 0
    job = Job(capture, folder, python, lock, scene.name, uid, over=over)
    if _running is None:
        _launch(job)
    else:
        _waiting.append(job)
    list_jobs()
    watch.add(poll)


def resume(folder: Path, python: Path) -> None:
    """Begin an interrupted job again. Raises AVFaceError."""
    job = job_folders.read_job(folder / "job.json")
    start(job, folder, python, over=job_folders.is_over(folder))


def bring_in(folder: Path) -> None:
    """Import the take of a captured job onto the selected head. Raises AVFaceError."""
    job = job_folders.read_job(folder / "job.json")
    try:
        import_job(folder, import_options(job, folder, job_folders.is_over(folder)))
    except RuntimeError as error:
        raise AVFaceError(said_by(error)) from error
    list_jobs()


def dismiss(folder: Path) -> None:
    """Take a job off the list; its folder stays."""
    for job in [job for job in _waiting if job.folder == folder]:
        _waiting.remove(job)
        _let_go(job, "cancelled")
    _failed[:] = [(job, why) for job, why in _failed if job.folder != folder]
    if job_folders.read_state(folder) in {"waiting", "running", "done"}:
        job_folders.write_state(folder, "dismissed")
    if _running is None or _running.folder != folder:
        _forget(folder)
    list_jobs()


def imported(take: Path, notes: tuple[str, ...]) -> None:
    """Tell the panel that a take has come into the scene, and with what reservations."""
    if job_folders.read_state(take.parent) in {"done", "running", "waiting"}:
        job_folders.write_state(take.parent, "imported")
        list_jobs()
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
    """Ask the running engine to end; the watcher sees it gone. What waits behind it goes on."""
    work.cancel()
    if _running:
        _show(_running)


def follow() -> None:
    """Wait for all jobs: for where no timer fires."""
    watch.finish(partial(poll, waits=False))


def unregister() -> None:
    """Forget all jobs when the add-on is disabled or Blender closes; they can be resumed."""
    global _running
    for job in filter(None, (_running, *_waiting, *_captured)):
        if job.lock:
            job.lock.release()
    _running = None
    _waiting.clear()
    _captured.clear()
    _failed.clear()


@bpy.app.handlers.persistent
def keep_out_of_another_file(*_arguments) -> None:
    """After a file was opened: the captures were asked for in another one."""
    for job in filter(None, (_running, *_waiting, *_captured)):
        job.import_when_done = False
    if _running:
        _show(_running)
    list_jobs()


def list_jobs() -> None:
    """Tell the panel which jobs wait, were interrupted, or have a take that was not imported."""
    rows = bpy.context.window_manager.avface_jobs
    rows.clear()
    for job in _waiting:
        _add_row(rows, job.folder, job.capture, "WAITING")
    for job, why in _failed:
        _add_row(rows, job.folder, job.capture, "FAILED", why)
    for left in job_folders.find_left(jobs_folder(bpy.context)):
        _add_row(rows, left.folder, left.job, "CAPTURED" if left.is_captured else "INTERRUPTED")
    watch.redraw()


def _add_row(rows: Any, folder: Path, capture: CaptureJob, state: str, message: str = "") -> None:
    row = rows.add()
    row.name, row.folder = Path(capture.clip).name, str(folder)
    row.state, row.message = state, message


def poll(waits: bool = True) -> bool:
    """Hear the engine, bring in what is done, start what comes next; whether more will come.

    A take `waits` until the artist can have it.
    """
    work.poll()
    if _captured:
        why = _not_yet(_captured[0]) if waits else ""
        if why:
            _tell(_captured[0], why)
        else:
            _bring_in(_captured.pop(0))
    return bool(_running or _waiting or _captured)


def _hear(news: list[Event]) -> None:
    """Take in the running job's news."""
    assert _running is not None, "an engine runs for a job"
    for event in news:
        _running.hear(event)
    if news or _state().seconds != _running.seconds:
        _show(_running)


def _end(engine: EngineJob) -> None:
    """The running job has ended: go on to the next."""
    global _running
    job, _running = _running, None
    assert job is not None, "an engine runs for a job"
    _show(job)
    if engine.cancelled:
        _let_go(job, "cancelled")
    elif isinstance(engine.outcome, Done):
        job_folders.write_state(job.folder, "done")
        if not job.prepares:  # the next one will go otherwise
            took = time.monotonic() - job.started
            pace.remember(job.folder.parent, job.kind, job.heard, took)
        _captured.append(job)
    else:
        assert isinstance(engine.outcome, Failed)
        _failed.append((job, engine.outcome.message))
        _let_go(job, "failed")
    _start_next()


def _start_next() -> None:
    """Start the engine on the job that has waited longest; what can't be is listed as failed."""
    while _waiting and _running is None:
        job = _waiting.pop(0)
        try:
            _launch(job)
        except AVFaceError as error:
            _failed.append((job, str(error)))
    list_jobs()


def _launch(job: Job) -> None:
    """Start the engine on a job. Raises AVFaceError when it can't be; the job is let go then."""
    global _running
    try:
        job.engine = start_capture(job.capture, job.folder, job.python, ROOT)
    except AVFaceError:
        _let_go(job, "failed")
        raise
    work.engine, job.started = job.engine, time.monotonic()
    job.last_pace = pace.recall(job.folder.parent, job.kind)
    _running = job
    job_folders.write_state(job.folder, "running")
    _show(job)


def _let_go(job: Job, state: job_folders.State) -> None:
    """A job has ended so: say it on disk, and clear what it had begun to write."""
    job_folders.write_state(job.folder, state)
    job_folders.clear_leftovers(job.folder)
    if job.lock:
        job.lock.release()


def _not_yet(job: Job) -> str:
    """When a take can come in, where now is no time for it: an import would break what goes on."""
    if not job.import_when_done:
        return ""
    window = _window_of(job)
    if window is None:
        return f"It comes in when the scene {job.scene} is shown."
    if any(operator.bl_idname.startswith("TRANSFORM_OT_") for operator in window.modal_operators):
        return "It comes in after your drag."
    if bpy.app.is_job_running("RENDER"):
        return "It comes in after the render."
    with bpy.context.temp_override(window=window):
        is_free = bpy.context.mode == "OBJECT"
    return "" if is_free else "It comes in when you are back in Object Mode."


def _window_of(job: Job) -> bpy.types.Window | None:
    """The window that shows the scene of a job; any where that scene has gone."""
    windows: list[Any] = [bpy.context.window, *bpy.context.window_manager.windows]
    windows = [window for window in windows if window is not None]
    if job.scene not in bpy.data.scenes:
        return windows[0]
    return next((window for window in windows if window.scene.name == job.scene), None)


def _tell(job: Job, sentence: str) -> None:
    """Say something of a captured job, where the panel shows it."""
    state = _state()
    if state.folder == str(job.folder) and state.message != sentence:
        state.message = sentence
        watch.redraw()


def _bring_in(job: Job) -> None:
    """Import a take by the operator, so that it is one step of undo."""
    if job.lock:
        job.lock.release()
    if job.import_when_done:
        state = _state()
        window: Any = _window_of(job) or bpy.context.window_manager.windows[0]
        try:
            with bpy.context.temp_override(window=window):
                options = import_options(job.capture, job.folder, job.over, job.head)
                import_job(job.folder, options)
        except RuntimeError as error:
            state.message = f"{job.clip} was captured but not imported."
            state.hint = said_by(error)
        else:
            if not (job.over or job.capture.refines):
                look_through_camera(window)
    list_jobs()


def _show(job: Job) -> None:
    """Write what the panel draws, and have it drawn."""
    assert job.engine is not None
    state, outcome = _state(), job.engine.outcome
    state.clip, state.stage, state.fraction = job.clip, job.stage, job.fraction
    state.seconds, state.seconds_left = job.seconds, job.seconds_left
    state.folder, state.prepares = str(job.folder), job.prepares
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
    watch.redraw()


def _forget(folder: Path) -> None:
    """Nothing of this job in the panel any more, where it is what the panel shows."""
    state = _state()
    if state.folder == str(folder):
        state.status, state.folder = "IDLE", ""
        state.message = state.hint = state.take = ""
        state.notes.clear()


def _state():
    return bpy.context.window_manager.avface_job


work = watch.Work(_hear, _end)
