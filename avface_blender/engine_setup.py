"""Installing, verifying and removing the engine from the preferences, seen while it goes on."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import bpy

from ..engine.exchange.installation import InstallPlan
from ..engine.exchange.protocol import Done, Event, Failed, Note, Progress
from . import watch
from .engine_client import EngineJob
from .install import start_installation

STAGES = {  # the installation's words -> the artist's
    "python": "Looking for a Python",
    "packages": "Packages",
    "versions": "Checking versions",
    "weights": "Checking weights",
    "test": "Capturing a moment of the demo clip",
    "removing": "Removing",
}
_ENDED = {"install": "The engine is installed.", "verify": "The engine works.",
          "remove": "The engine was removed."}  # fmt: skip

_action = ""


def is_running() -> bool:
    """Whether an installation, a check or a removal is under way."""
    return work.engine is not None


def start(plan: InstallPlan) -> None:
    """Begin, and watch it. Raises AVFaceError when it can't be started."""
    global _action
    assert work.engine is None, "one installation at a time"
    work.engine, _action = start_installation(plan), plan.action
    state = _state()
    state.status, state.stage, state.detail, state.fraction = "RUNNING", "", "", 0.0
    state.message = state.hint = ""
    watch.add(work.poll)


def cancel() -> None:
    """Ask it to end; what has been downloaded stays for the next attempt."""
    work.cancel()
    _state().message = "Cancelling ..."


def _hear(news: list[Event]) -> None:
    """Take in what was said."""
    state = _state()
    for event in news:
        if isinstance(event, Progress):
            state.stage = STAGES.get(event.stage, event.stage)
            state.fraction, state.detail = event.fraction, event.detail
        elif isinstance(event, Note):
            state.hint = f"{state.hint} {event.message}".strip()
    if news:
        _redraw()


def _end(engine: EngineJob) -> None:
    """Say how it went."""
    state, outcome = _state(), engine.outcome
    state.log = str(engine.log_path)
    if isinstance(outcome, Done):
        state.status, state.message = "DONE", _ENDED[_action]
    elif isinstance(outcome, Failed):
        cancelled = engine.cancelled
        state.status = "IDLE" if cancelled else "FAILED"
        state.message = "Cancelled; installing again carries on." if cancelled else outcome.message
        state.hint = "" if cancelled else outcome.hint
    _redraw()


def _redraw() -> None:
    """The preferences, and the sidebar, which says so too."""
    watch.redraw("PREFERENCES")
    watch.redraw()


def _state():
    return bpy.context.window_manager.avface_setup


work = watch.Work(_hear, _end)
