"""Captures on the panel: the one that runs, the last one, those that wait. No logic."""

import textwrap

from .sidebar import paragraph
from .states import AVFACE_JobState

_HINT_CHARACTERS = 300  # the rest of a crashed engine's log is in its folder

_STAGES = {  # the engine's words -> the artist's
    "starting": "Starting",
    "preparing": "Preparing",
    "faces": "Following the face",
    "fit": "Fitting the head",
    "detail": "Finding wrinkles",
}

_JOB_STATES = {
    "WAITING": ("waits", "TIME"),
    "INTERRUPTED": ("interrupted", "ERROR"),
    "FAILED": ("failed", "ERROR"),
    "CAPTURED": ("captured, not imported", "CHECKMARK"),
}


_OUTCOMES = {
    "IDLE": ("cancelled", "CANCEL"),
    "DONE": ("captured", "CHECKMARK"),
    "FAILED": ("failed", "ERROR"),
}


def draw_running(layout, state: AVFACE_JobState, context) -> None:
    """The capture that runs: how far it is, how to end it."""
    column = layout.column(align=True)
    heading = column.row()
    heading.label(text=state.clip, icon="FILE_MOVIE")
    clock = heading.row()
    clock.alignment = "RIGHT"
    clock.label(text=_time_left(state.seconds_left) or _minutes(state.seconds))
    row = column.row(align=True)
    row.scale_y = 1.5
    stage = _STAGES.get(state.stage, state.stage.capitalize())
    row.progress(factor=state.fraction, text=f"{stage}  {state.fraction:.0%}")
    row.operator("avface.cancel", text="", icon="X")
    hint = column.column()
    hint.active = False
    if state.prepares:
        paragraph(hint, "The first capture prepares itself: about a minute more.", context)
    hint.label(text="Go on working; Esc here cancels")


def draw_outcome(layout, state: AVFACE_JobState, context) -> None:
    """What became of the last capture, and what its artist should know."""
    if not (state.message or state.take or state.notes):
        return
    box = layout.box()
    if state.status != "RUNNING":
        top = box.row()
        how, icon = _OUTCOMES[state.status]
        how = "imported" if state.imported else how
        top.label(text=f"{state.clip}: {how}", icon=icon)
        top.operator("avface.dismiss_job", text="", icon="X", emboss=False).folder = state.folder
    if state.message and state.status != "IDLE":
        paragraph(box, state.message, context)
    if state.hint:
        paragraph(box, textwrap.shorten(state.hint, _HINT_CHARACTERS), context)
    for note in state.notes:
        paragraph(box, note.text, context, "INFO")
    if state.take and not state.imported:
        box.operator("avface.import_job").folder = state.folder
    if state.folder and state.status in {"DONE", "FAILED"}:
        box.operator(
            "wm.path_open", text="Open Its Folder", icon="FOLDER_REDIRECT"
        ).filepath = state.folder


def draw_jobs(layout, context) -> None:
    """The captures that wait, were interrupted, or have a take that is not in any scene yet."""
    state = context.window_manager.avface_job
    for job in context.window_manager.avface_jobs:
        if job.folder == state.folder and state.status in {"DONE", "FAILED"}:
            continue  # draw_outcome has it
        row = layout.row(align=True)
        text, icon = _JOB_STATES[job.state]
        row.label(text=f"{job.name}: {text}", icon=icon)
        if job.state == "INTERRUPTED":
            row.operator("avface.resume_job", text="", icon="PLAY").folder = job.folder
        elif job.state == "CAPTURED":
            row.operator("avface.import_job", text="", icon="IMPORT").folder = job.folder
        row.operator("avface.dismiss_job", text="", icon="X").folder = job.folder
        if job.message:
            paragraph(layout, job.message, context)


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _time_left(seconds: int) -> str:
    """In words that don't pretend to know it to the second."""
    if seconds < 0:
        return ""
    if seconds < 55:
        return f"{5 * (seconds // 5 + 1)} s left"
    return f"about {round(seconds / 60)} min left"
