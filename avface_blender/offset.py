"""Where the takes of a head begin in the scene: all that belongs to them moves in time together.

That is keys and their strips on the NLA, the clip behind the camera, its sound, the markers, the
wrinkles, and what the artist has corrected by hand. The scene's range stays.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import re
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from bpy.props import IntProperty

from . import corrections, takes
from .captured import TWIN_PROPERTY
from .head_builder import HEAD_PROPERTY
from .keyframes import TAKE_PROPERTY, curves_in
from .rig import rig_of
from .selection import the_head
from .shot import markers_of
from .strips import STRIP_PROPERTY, strips_of
from .take_operators import TakeAction

_ENDS = re.compile(r"(?<= unsure to )-?\d+$")  # in a marker's name: the last frame


def begin(head: bpy.types.Object) -> int:
    """The first frame of the take that plays; 0 without one."""
    entries = takes.takes_of(head)
    return next((entry.frames[0] for entry in reversed(entries) if entry.plays), 0)


def shift(head: bpy.types.Object, frames: int) -> None:
    """Move all takes of a head by whole frames of the scene, later where `frames` is above 0."""
    names = {entry.name for entry in takes.takes_of(head)}
    actions: list[Any] = [a for a in bpy.data.actions if a.get(TAKE_PROPERTY) in names]
    twins = [action[TWIN_PROPERTY] for action in actions if action.get(TWIN_PROPERTY)]
    for action in (*actions, *twins, *corrections.kept(head)):
        _shift_keys(action, frames)
    for action in actions:
        if takes.CLIP_START_PROPERTY in action:
            action[takes.CLIP_START_PROPERTY] += frames
    for strip in _strips(set(actions)):
        _shift_strip(strip, frames)
    rig = rig_of(head)
    for camera in (c for c in bpy.data.objects if rig and c.type == "CAMERA" and c.parent == rig):
        data: Any = camera.data
        for clip in {image.clip for image in data.background_images if image.clip}:
            clip.frame_start += frames
    for scene in bpy.data.scenes:
        if rig:
            _shift_sound(scene, rig, frames)
            _shift_markers(scene, rig, frames)
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


class AVFACE_OT_shift_takes(TakeAction, bpy.types.Operator):
    """Move all takes of the head in time, with their clip, sound, markers and corrections"""

    bl_idname = "avface.shift_takes"
    bl_label = "Shift Takes in Time"
    bl_options = {"REGISTER", "UNDO"}

    frames: IntProperty(name="Frames", description="Later where above 0, earlier below")

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context):
        head = the_head(context)
        shift(head, self.frames)
        return f"The takes begin at frame {begin(head)}"


CLASSES = (AVFACE_OT_shift_takes,)


def draw(layout, head: bpy.types.Object) -> None:
    """The frame at which the takes begin, to be set."""
    row = layout.row(align=True)
    row.prop(head, "avface_begin")
    row.operator("avface.shift_takes", text="", icon="TIME")


def register() -> None:
    """A number on each head that is read from its takes, and moves them."""
    bpy.types.Object.avface_begin = IntProperty(
        name="Begins at Frame",
        description="Frame of the scene at which the take begins that plays. Setting it moves all"
        " takes of the head, with their clip, sound, markers and corrections",
        get=_begin_of_any,
        set=_set_begin,
        options=set(),
    )


def unregister() -> None:
    """Take it away again."""
    del bpy.types.Object.avface_begin


def _begin_of_any(item: bpy.types.Object) -> int:
    """Blender asks every object when it compares a library override with what it is one of."""
    return begin(item) if HEAD_PROPERTY in item else 0


def _set_begin(head: bpy.types.Object, frame: int) -> None:
    if takes.playing(head) and frame != begin(head):
        shift(head, frame - begin(head))


def _shift_keys(action: Any, frames: int) -> None:
    for curve in curves_in(action):
        points = curve.keyframe_points
        for name in ("co", "handle_left", "handle_right"):
            flat = np.empty(2 * len(points), np.float32)
            points.foreach_get(name, flat)
            flat[0::2] += frames
            points.foreach_set(name, flat)
        curve.update()


def _shift_strip(strip: Any, frames: int) -> None:
    """The end that leads goes first: Blender never lets a start lie behind its end."""
    edges = [("frame_start_raw", "action_frame_start"), ("frame_end_raw", "action_frame_end")]
    wanted = {name: getattr(strip, name) + frames for pair in edges for name in pair}
    for pair in edges if frames < 0 else reversed(edges):
        for name in pair:
            setattr(strip, name, wanted[name])
    for name in ("frame_start_raw", "frame_end_raw"):  # what the action's ends have stretched
        setattr(strip, name, wanted[name])


def _strips(actions: set[Any]) -> Iterator[Any]:
    """The NLA strips that play these actions, on whatever they animate."""
    trees = [material.node_tree for material in bpy.data.materials if material.node_tree]
    every: list[Any] = [*bpy.data.objects, *bpy.data.shape_keys, *bpy.data.cameras, *trees]
    for owner in (owner for owner in every if owner.animation_data):
        for track in owner.animation_data.nla_tracks:
            yield from (strip for strip in track.strips if strip.action in actions)


def _shift_sound(scene: Any, rig: bpy.types.Object, frames: int) -> None:
    for strip in strips_of(scene):
        if strip.get(STRIP_PROPERTY) == rig:
            strip.frame_start += frames


def _shift_markers(scene: Any, rig: bpy.types.Object, frames: int) -> None:
    for marker in markers_of(scene, rig):
        marker.frame += frames
        marker.name = _ENDS.sub(lambda found: str(int(found[0]) + frames), marker.name)
