"""Installing, verifying and removing the engine from the preferences, seen while it goes on."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import bpy

from ..engine.exchange.installation import InstallPlan
from ..engine.exchange.protocol import Done, Failed, Note, Progress
from . import watch
from .engine_client import EngineJob
from .install import start_installation

STAGES = {  # the installation's words -> the artist's
    "python": "Looking for a Python",
    "packages": "Packages",
    "versions": "Checking versions",
    "weights": "Checking weights",
    "test": "Capturing a second of the demo clip",
    "removing": "Removing",
}
_ENDED = {"install": "The engine is installed.", "verify": "The engine works.",
          "remove": "The engine was removed."}  # fmt: skip

_running: EngineJob | None = None
_action = ""


def is_running() -> bool:
    """Whether an installation, a check or a removal is under way."""
    return _running is not None


def start(plan: InstallPlan) -> None:
    """Begin, and watch it. Raises AVFaceError when it can't be started."""
    global _running, _action
    assert _running is None, "one installation at a time"
    _running, _action = start_installation(plan), plan.action
    state = _state()
    state.status, state.stage, state.detail, state.fraction = "RUNNING", "", "", 0.0
    state.message = state.hint = ""
    watch.add(poll)


def poll() -> bool:
    """Take in what was said; whether there will be more."""
    global _running
    if _running is None:
        return False
    state = _state()
    news = _running.poll()
    for event in news:
        if isinstance(event, Progress):
            state.stage = STAGES.get(event.stage, event.stage)
            state.fraction, state.detail = event.fraction, event.detail
        elif isinstance(event, Note):
            state.hint = f"{state.hint} {event.message}".strip()
    outcome = _running.outcome
    if news:
        _redraw()
    if _running.running or outcome is None:
        return True
    state.log = str(_running.log_path)
    if isinstance(outcome, Done):
        state.status, state.message = "DONE", _ENDED[_action]
    elif isinstance(outcome, Failed):
        cancelled = _running.cancelled
        state.status = "IDLE" if cancelled else "FAILED"
        state.message = "Cancelled; installing again carries on." if cancelled else outcome.message
        state.hint = "" if cancelled else outcome.hint
    _running = None
    _redraw()
    return False


def cancel() -> None:
    """Ask it to end; what has been downloaded stays for the next attempt."""
    if _running:
        _running.cancel()
        _state().message = "Cancelling ..."


def unregister() -> None:
    """End it when the add-on is disabled or Blender closes."""
    global _running
    if _running:
        _running.end()
        _running = None


def _redraw() -> None:
    """The preferences, and the sidebar, which says so too."""
    watch.redraw("PREFERENCES")
    watch.redraw()


def _state():
    return bpy.context.window_manager.avface_setup
