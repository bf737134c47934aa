"""What the panel shows of captures (`wm.avface_job`, `wm.avface_jobs`): written here alone."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import CaptureJob, Done, Failed
from . import job_folders, watch
from .job import Job


def show(job: Job) -> None:
    """Write what the panel draws, and have it drawn."""
    assert job.engine is not None
    shown, outcome = state(), job.engine.outcome
    shown.clip, shown.stage, shown.fraction = job.clip, job.stage, job.fraction
    shown.seconds, shown.seconds_left = job.seconds, job.seconds_left
    shown.folder, shown.prepares = str(job.folder), job.prepares
    shown.message = shown.hint = shown.take = ""
    shown.imported = False
    if job.engine.cancelled:
        shown.status = "RUNNING" if job.engine.running else "IDLE"
        shown.message = "Cancelling ..." if job.engine.running else "Cancelled."
    elif outcome is None:
        shown.status = "RUNNING"
    elif isinstance(outcome, Done):
        shown.status, shown.take = "DONE", outcome.result
    elif isinstance(outcome, Failed):
        shown.status, shown.message, shown.hint = "FAILED", outcome.message, outcome.hint
    shown.notes.clear()
    for note in job.notes if not job.engine.cancelled else ():
        shown.notes.add().text = note
    watch.redraw()


def forget(folder: Path) -> None:
    """Nothing of this job in the panel any more, where it is what the panel shows."""
    shown = state()
    if shown.folder == str(folder):
        shown.status, shown.folder = "IDLE", ""
        shown.message = shown.hint = shown.take = ""
        shown.notes.clear()


def state() -> Any:
    """What the panel shows, for those who ask."""
    return bpy.context.window_manager.avface_job


def tell(job: Job, sentence: str) -> None:
    """Say something of a captured job, where the panel shows it."""
    shown = state()
    if shown.folder == str(job.folder) and shown.message != sentence:
        shown.message = sentence
        watch.redraw()


def imported(take: Path, notes: tuple[str, ...]) -> None:
    """A take has come into the scene, with these reservations: say so where it is shown."""
    shown = state()
    if not shown.take or Path(shown.take) != take:
        return
    shown.imported = True
    shown.message = shown.hint = ""
    known = {note.text for note in shown.notes}
    for note in notes:
        if note not in known:
            shown.notes.add().text = note


def list_rows(
    waiting: list[Job], failed: list[tuple[Job, str]], left: list[job_folders.LeftJob]
) -> None:
    """The jobs that wait, those that failed and why, those that lie on the disk."""
    rows = bpy.context.window_manager.avface_jobs
    rows.clear()
    for job in waiting:
        _add_row(rows, job.folder, job.capture, "WAITING")
    for job, why in failed:
        _add_row(rows, job.folder, job.capture, "FAILED", why)
    for found in left:
        _add_row(rows, found.folder, found.job, "CAPTURED" if found.is_captured else "INTERRUPTED")
    watch.redraw()


def _add_row(rows: Any, folder: Path, capture: CaptureJob, state: str, message: str = "") -> None:
    row = rows.add()
    row.name, row.folder = Path(capture.clip).name, str(folder)
    row.state, row.message = state, message
