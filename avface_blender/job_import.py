"""When and how a captured take comes in: as a new shot, over a range, in a take's place."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

import json
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import CaptureJob
from ..engine.exchange.provenance import PROVENANCE_PROPERTY
from . import job_folders, landmarks
from .head_builder import HEAD_PROPERTY
from .head_files import DEFAULT_HEAD, sha256_of
from .job import Job
from .selection import selected_head
from .shot import show_lit
from .views import largest, main_region, views_of


def arrive(job: Job) -> None:
    """Import a job's take by the operator, so that it is one step of undo.

    Raises RuntimeError, as operators of Blender's do, when it can't be.
    """
    window: Any = _window_of(job) or bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        options = import_options(job.capture, job.folder, job.over, job.head)
        import_job(job.folder, options)
    if not (job.over or job.capture.refines):
        look_through_camera(window)


def not_yet(job: Job) -> str:
    """When a take can come in, where now is no time for it: an import would break what goes on."""
    if not job.import_when_done:
        return ""
    window = _window_of(job)
    if window is None:
        scene = _scene_of(job)
        assert scene is not None, "any window will do for one that has gone"
        return f"It comes in when the scene {scene.name} is shown."
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
    scene = _scene_of(job)
    if scene is None:
        return windows[0]
    return next((window for window in windows if window.scene == scene), None)


def _scene_of(job: Job) -> bpy.types.Scene | None:
    """The scene in which a job was asked for; None where it has gone."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == job.scene), None)


def import_job(folder: Path, options: dict[str, Any]) -> None:
    """Bring in the take of a job, which may lie elsewhere than in its folder: a refined one."""
    bpy.ops.avface.import_take("EXEC_DEFAULT", True, **options)
    job_folders.write_state(folder, "imported")


def import_options(capture: CaptureJob, folder: Path, over: bool, uid: int = 0) -> dict[str, Any]:
    """How a take comes in: as a new shot, over a range, or in the place of the refined one.

    Onto the head with this number of Blender's, 0: the selected one.
    """
    options: dict[str, Any] = {"filepath": capture.out, "over": over}
    options["keeps_clean_up"] = over or bool(capture.refines)
    head = next((item for item in bpy.data.objects if item.session_uid == uid), None)
    if head is not None:
        options["head"] = head.name
    elif uid:  # it has been deleted: no other one is meant
        options["new_head"] = True
    else:
        options["new_head"] = _is_of_another(selected_head(bpy.context), capture)
    if capture.refines:
        scene: Any = bpy.context.scene
        resamples = scene.avface.timing == "set_scene"  # the scene is set already
        options |= {"timing": "resample" if resamples else scene.avface.timing}
        options |= {"camera": False, "sound": False, "told": str(folder)}
    return options


def _is_of_another(head: bpy.types.Object | None, capture: CaptureJob) -> bool:
    """Whether a head has another actor's face, or is of another head file."""
    if head is None:
        return False
    file = Path(capture.head) if capture.head else DEFAULT_HEAD
    actor = json.loads(head.get(PROVENANCE_PROPERTY, "{}")).get("actor")
    is_stranger = actor is not None and actor != capture.options.get("actor")
    return is_stranger or head[HEAD_PROPERTY] != sha256_of(file)


def look_through_camera(window: bpy.types.Window) -> None:
    """Show the head with its skin over the clip, in the largest 3D view: a head is small there."""
    view = largest(views_of(window.screen))
    with bpy.context.temp_override(window=window):
        head = selected_head(bpy.context)
    camera = landmarks.clip_camera(window.scene, head) if head else None
    if view is None or camera is None:
        return
    space: Any = view.spaces.active
    landmarks.look_through(space, window.scene, camera)
    if space.shading.type in {"WIREFRAME", "SOLID"}:
        show_lit(space, window.scene)
    with bpy.context.temp_override(window=window, area=view, region=main_region(view)):
        bpy.ops.view3d.view_center_camera()
