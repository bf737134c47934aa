"""Looking for the faces in one picture of the clip: the engine does it, the window stays free."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import AVFaceError, Done, Failed
from . import watch
from .engine_client import EngineJob, start_faces
from .install import ROOT

_FOLDER = "avface faces"  # in Blender's folder for this session

_then: Callable[[], None] | None = None


def is_running() -> bool:
    """Whether the engine is looking."""
    return work.engine is not None


def start(clip: Path, seconds: float, fps: float | None, python: Path, then: Callable) -> None:
    """Begin to look; `then` is called when faces are found. Raises AVFaceError."""
    global _then
    assert work.engine is None, "one look at a time"
    folder = Path(bpy.app.tempdir) / _FOLDER
    work.engine, _then = start_faces(clip, seconds, fps, folder, python, ROOT), then
    state = _state()
    state.status, state.clip, state.message = "RUNNING", str(clip), ""
    state.boxes.clear()
    watch.add(work.poll)


def boxes() -> list[tuple[float, float, float, float]]:
    """The faces that were found, px of the clip."""
    return [tuple(face.box) for face in _state().boxes]


def _end(job: EngineJob) -> None:
    """Tell the panel what was found, and go on."""
    state = _state()
    if job.cancelled:
        state.status = "IDLE"
    elif isinstance(job.outcome, Failed):
        state.status, state.message = "FAILED", f"{job.outcome.message} {job.outcome.hint}".strip()
    elif isinstance(job.outcome, Done):
        try:
            _read(Path(job.outcome.result), state)
        except AVFaceError as error:
            state.status, state.message = "FAILED", str(error)
        else:
            state.status = "DONE"
            if _then:
                _then()
    watch.redraw()


def _read(path: Path, state: Any) -> None:
    """The engine's answer into what the panel shows. Raises AVFaceError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        state.time, state.size = float(content["time"]), content["size"]
        for face in content["faces"]:
            state.boxes.add().box = face["box"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AVFaceError(
            f"The engine's answer can't be read ({error}).", "Look for the faces again."
        ) from error
    state.picture = str(path.with_name("picture.png"))


def _state() -> Any:
    return bpy.context.window_manager.avface_faces


work = watch.Work(lambda news: None, _end)  # its only news are its end
