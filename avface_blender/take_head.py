"""The head that a take goes onto: one that stands in the scene, or a new one."""

from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector

from ..engine.exchange.head_file import HeadFile, load_head_file
from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take
from .head_builder import HEAD_PROPERTY, build_head
from .head_files import find_head
from .rig import build_rig, rig_of, unhidden

NAME_LENGTH = 40  # of actor and clip in names: Blender cuts a name at 63 bytes, silently
_BESIDE_M = 0.4  # from head to head


def head_file_for(
    take: Take, path: Path, old: bpy.types.Object | None, asked: Path | None
) -> HeadFile:
    """The head file of a take: the one asked for, or one at hand.

    Raises AVFaceError when the take wants another head than `old`, or one that isn't here.
    """
    if old is not None and old[HEAD_PROPERTY] != take.head["sha256"]:
        raise AVFaceError(
            f"{path.name} was made for another head, or version of it, than {old.name}.",
            "Select the head that it was captured with, or import it onto a new one.",
        )
    known = find_head(take.head["sha256"], asked)
    if known is not None:
        return load_head_file(known)
    raise AVFaceError(
        f"{path.name} was made for another head, or version of it: {take.head['name']}.",
        "Choose the head file that it was captured with (Clip > Head), or capture the clip again.",
    )


def head_and_rig(
    take: Take, head_file: HeadFile, old: bpy.types.Object | None, context: bpy.types.Context
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """The head that was chosen, or a new one in a collection named after the actor.

    Raises AVFaceError when the one that was chosen can't be worked on.
    """
    rig = _rig_in_view(old, context) if old is not None else None
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    if old is not None and rig is not None:
        return old, rig
    scene: Any = context.scene
    collection = bpy.data.collections.new(take.actor)
    scene.collection.children.link(collection)
    unit = 1 / scene.unit_settings.scale_length  # a head is life-size in any
    place = _free_place(scene, unit * _BESIDE_M)
    head = build_head(head_file, collection)
    rig = build_rig(head, head_file, collection)
    rig.scale = [unit] * 3
    rig.location.x = place
    layer: Any = context.view_layer
    layer.update()
    head.name = f"{take.actor} head"[:NAME_LENGTH]
    rig.name = f"{take.actor} rig"[:NAME_LENGTH]
    return head, rig


def _free_place(scene: bpy.types.Scene, step: float) -> float:
    """Where along X no head stands yet: at 0, else whole steps beside it."""
    heads = [item.matrix_world.translation for item in scene.objects if HEAD_PROPERTY in item]
    place = 0.0
    while any((head - Vector((place, 0, 0))).length < step / 2 for head in heads):
        place += step
    return place


def _rig_in_view(head: bpy.types.Object, context: bpy.types.Context) -> bpy.types.Object:
    """The armature of a head. Raises AVFaceError when it can't be worked on."""
    rig = rig_of(head)
    if rig is None:
        raise AVFaceError(
            f"{head.name} has lost its armature.", "Import the take onto a new head instead."
        )
    armature: Any = rig.data
    layer: Any = context.view_layer
    if rig.library or armature.library:
        raise AVFaceError(
            f"{head.name} is linked from another file.",
            "Import the take there, or onto a new head; or append the head instead.",
        )
    is_there = rig.name in layer.objects
    if is_there:
        with unhidden(rig):
            is_there = rig.visible_get()
    if not is_there:
        raise AVFaceError(
            f"The armature of {head.name} can't be changed from this view layer.",
            "Make its collection visible, or import the take onto a new head.",
        )
    return rig
