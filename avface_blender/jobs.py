"""Captures, one after another: a timer asks the engine for news and tells the panel.

Jobs live in this module and on disk (`job_folders`), not in a .blend: opening another file while
one runs does not lose it, but its take is then not imported into that file without being asked.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import time
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import (
    AVFaceError,
    CaptureJob,
    Done,
    Event,
    Failed,
    write_job,
)
from . import job_display, job_folders, job_import, pace, watch
from .action import said_by
from .engine_client import EngineJob, start_capture
from .install import ROOT
from .job import Job
from .job_folders import FolderLock
from .preferences import jobs_folder

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
    job = Job(capture, folder, python, lock, scene.session_uid, uid, over=over)
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
        over = job_folders.is_over(folder)
        job_import.import_job(folder, job_import.import_options(job, folder, over))
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
        job_display.forget(folder)
    list_jobs()


def imported(take: Path, notes: tuple[str, ...]) -> None:
    """Tell the panel that a take has come into the scene, and with what reservations."""
    if job_folders.read_state(take.parent) in {"done", "running", "waiting"}:
        job_folders.write_state(take.parent, "imported")
        list_jobs()
    job_display.imported(take, notes)


def cancel() -> None:
    """Ask the running engine to end; the watcher sees it gone. What waits behind it goes on."""
    work.cancel()
    if _running:
        job_display.show(_running)


def follow() -> None:
    """Wait for all jobs: for where no timer fires."""
    watch.finish(partial(poll, waits=False))


def register() -> None:
    """Hear of it when another file is opened."""
    bpy.app.handlers.load_post.append(keep_out_of_another_file)


def unregister() -> None:
    """Forget all jobs when the add-on is disabled or Blender closes; they can be resumed."""
    global _running
    if keep_out_of_another_file in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(keep_out_of_another_file)
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
        job_display.show(_running)
    list_jobs()


def list_jobs() -> None:
    """Tell the panel which jobs wait, were interrupted, or have a take that was not imported."""
    left = job_folders.find_left(jobs_folder(bpy.context))
    job_display.list_rows(_waiting, _failed, left)


def poll(waits: bool = True) -> bool:
    """Hear the engine, bring in what is done, start what comes next; whether more will come.

    A take `waits` until the artist can have it.
    """
    work.poll()
    if _captured:
        why = job_import.not_yet(_captured[0]) if waits else ""
        if why:
            job_display.tell(_captured[0], why)
        else:
            _bring_in(_captured.pop(0))
    return bool(_running or _waiting or _captured)


def _hear(news: list[Event]) -> None:
    """Take in the running job's news."""
    assert _running is not None, "an engine runs for a job"
    for event in news:
        _running.hear(event)
    if news or job_display.state().seconds != _running.seconds:
        job_display.show(_running)


def _end(engine: EngineJob) -> None:
    """The running job has ended: go on to the next."""
    global _running
    job, _running = _running, None
    assert job is not None, "an engine runs for a job"
    job_display.show(job)
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
    job_display.show(job)


def _let_go(job: Job, state: job_folders.State) -> None:
    """A job has ended so: say it on disk, and clear what it had begun to write."""
    job_folders.write_state(job.folder, state)
    job_folders.clear_leftovers(job.folder)
    if job.lock:
        job.lock.release()


def _bring_in(job: Job) -> None:
    """Import a take, where that is still wanted, and say how it went."""
    if job.lock:
        job.lock.release()
    if job.import_when_done:
        try:
            job_import.arrive(job)
        except RuntimeError as error:
            shown = job_display.state()
            shown.message = f"{job.clip} was captured but not imported."
            shown.hint = said_by(error)
    list_jobs()


work = watch.Work(_hear, _end)
