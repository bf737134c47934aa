"""How a captured take comes into the scene: as a new shot, over a range, in a take's place."""

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
from .selection import selected_head
from .views import largest, main_region, views_of


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
        space.shading.type = "MATERIAL"
    space.overlay.show_relationship_lines = False  # from the lights, across the film
    with bpy.context.temp_override(window=window, area=view, region=main_region(view)):
        bpy.ops.view3d.view_center_camera()
