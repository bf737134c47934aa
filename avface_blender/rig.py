"""The armature of a head: root, neck, jaw and eyes, and what the bones drive.

Bones in head axes (`head_builder.to_blender`): root and neck stand upright, their own axes are the
head's; jaw and eyes point out of the face, up is up, so that turning the jaw about its X opens it.
The root bone lies at the head's origin and carries the head's motion.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.head_file import JOINTS, HeadFile
from .head_builder import shape_keys, to_blender, used_pose_columns

_UPRIGHT = np.eye(3)  # columns: the bone's X, Y (along it), Z in head axes
_FORWARD = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
REST_AXES = {
    "root": _UPRIGHT,
    "neck": _UPRIGHT,
    "jaw": _FORWARD,
    "left_eye": _FORWARD,
    "right_eye": _FORWARD,
}
_LENGTH_M = {  # within the head: longer ones look out through shut lids and above the lip
    "root": 0.05, "neck": 0.06, "jaw": 0.075, "left_eye": 0.010, "right_eye": 0.010,
}  # fmt: skip

# Head-axis quaternion components (x, y, z) in the bone's own; w is the same.
_IN_BONE = {"neck": ("x", "y", "z")} | dict.fromkeys(JOINTS[2:], ("(-x)", "z", "y"))
# R - I, row by row, of the unit quaternion (w, x, y, z).
_ROTATION_MINUS_IDENTITY = (
    "-2*({y}*{y}+{z}*{z})", "2*({x}*{y}-w*{z})", "2*({x}*{z}+w*{y})",
    "2*({x}*{y}+w*{z})", "-2*({x}*{x}+{z}*{z})", "2*({y}*{z}-w*{x})",
    "2*({x}*{z}-w*{y})", "2*({y}*{z}+w*{x})", "-2*({x}*{x}+{y}*{y})",
)  # fmt: skip


def build_rig(
    object_: bpy.types.Object, head: HeadFile, collection: bpy.types.Collection
) -> bpy.types.Object:
    """A new armature that moves the head `object_`: bones, weights, correctives."""
    armature = bpy.data.armatures.new(f"{head.name} rig")
    armature.display_type = "STICK"
    rig = bpy.data.objects.new(armature.name, armature)
    rig.show_in_front = False  # bones would lie over the face; `corrections` shows them
    collection.objects.link(rig)
    place_joints(rig, head, np.zeros(head.shape_basis.shape[2]))
    assert rig.pose is not None
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = [bone.name != "root"] * 3
        bone.lock_scale = [True] * 3
    object_.parent = rig
    _bind(object_, rig, head)
    for column in used_pose_columns(head):
        _drive_corrective(object_, rig, column, head.pose_names[column])
    return rig


def place_joints(rig: bpy.types.Object, head: HeadFile, shape: np.ndarray) -> None:
    """Put the bones at the joints of the person with identity coefficients `shape` (S,).

    Needs object mode and the rig in the current view layer; leaves the active object as it was.
    """
    person = head.template + head.shape_basis[:, :, : len(shape)] @ shape
    joints = head.joint_regressor @ person  # (J, 3)
    joints[0] = 0.0  # the head's motion turns about its origin, not about FLAME's root joint
    with _edited_bones(rig) as bones:
        for index, name in enumerate(JOINTS):
            bone = bones.get(name) or bones.new(name)
            axes = REST_AXES[name]
            bone.head = to_blender(joints[index]).tolist()
            bone.tail = to_blender(joints[index] + _LENGTH_M[name] * axes[:, 1]).tolist()
            bone.align_roll(to_blender(axes[:, 2]).tolist())
            if head.parents[index] >= 0:
                bone.parent = bones[JOINTS[head.parents[index]]]


@contextmanager
def unhidden(rig: bpy.types.Object) -> Iterator[None]:
    """The armature shown for the moment, as far as it was hidden by itself."""
    hidden = rig.hide_get(), rig.hide_viewport
    rig.hide_viewport = False
    rig.hide_set(False)
    try:
        yield
    finally:
        rig.hide_set(hidden[0])
        rig.hide_viewport = hidden[1]


def rig_of(object_: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that moves a head."""
    modifiers: Any = object_.modifiers
    return next((m.object for m in modifiers if m.type == "ARMATURE" and m.object), None)


def bone_turns(bone: str, turns: np.ndarray) -> np.ndarray:
    """Quaternions in head axes as the bone's own rotation: (T, 4) -> (T, 4)."""
    return np.concatenate([turns[:, :1], turns[:, 1:] @ REST_AXES[bone]], axis=1)


def bone_moves(bone: str, moves: np.ndarray) -> np.ndarray:
    """Translations in head axes as the bone's own location: (T, 3) -> (T, 3)."""
    return moves @ REST_AXES[bone]


def object_turns(turns: np.ndarray) -> np.ndarray:
    """The same for an object in Blender's axes whose own axes are a camera's: A R: (T, 4)."""
    half = np.sqrt(0.5)  # head axes to Blender's is a quarter turn about x
    w, x, y, z = turns.T
    return half * np.stack([w - x, w + x, y - z, y + z], axis=1)


@contextmanager
def _edited_bones(rig: bpy.types.Object) -> Iterator[Any]:
    """The armature's edit bones, which Blender gives in edit mode only."""
    layer: Any = bpy.context.view_layer
    active = layer.objects.active
    armature: Any = rig.data
    with unhidden(rig):
        layer.objects.active = rig
        bpy.ops.object.mode_set(mode="EDIT")
        try:
            yield armature.edit_bones
        finally:
            bpy.ops.object.mode_set(mode="OBJECT")
            layer.objects.active = active


def _bind(object_: bpy.types.Object, rig: bpy.types.Object, head: HeadFile) -> None:
    """Vertex groups with the head's skinning weights, and the modifier that uses them."""
    for joint, name in enumerate(JOINTS):
        group = object_.vertex_groups.new(name=name)
        weights = head.skin_weights[:, joint]
        for vertex in np.flatnonzero(weights).tolist():
            group.add([vertex], float(weights[vertex]), "REPLACE")
    modifier: Any = object_.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig


def _drive_corrective(
    object_: bpy.types.Object, rig: bpy.types.Object, column: int, name: str
) -> None:
    """Drive one pose corrective by its bone, in an expression that needs no Python to run.

    The bone's rotation is read after constraints, whatever its rotation mode.
    """
    joint, element = divmod(column, 9)
    bone = JOINTS[joint + 1]
    key = shape_keys(object_).key_blocks[name]
    driver = key.driver_add("value").driver
    driver.type = "SCRIPTED"
    x, y, z = _IN_BONE[bone]
    expression = _ROTATION_MINUS_IDENTITY[element].format(x=x, y=y, z=z)
    for component in "wxyz":
        if component in expression:
            variable = driver.variables.new()
            variable.name = component
            variable.type = "TRANSFORMS"
            target = variable.targets[0]
            target.id = rig
            target.bone_target = bone
            target.transform_space = "LOCAL_SPACE"
            target.transform_type = f"ROT_{component.upper()}"
            target.rotation_mode = "QUATERNION"
    driver.expression = expression
