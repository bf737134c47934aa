"""ARKit curves onto a character: shape keys of several meshes, jaw, eyes and head by bones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.arkit import (
    ARKIT_NAMES,
    Curves,
    axis_angle_of,
    curves_of,
    units_of,
)
from ..engine.exchange.livelink import read_livelink
from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take
from .keyframes import Curves as KeyCurves
from .keyframes import make_action, play, thin
from .mapping import JAW_CURVES, Mapping
from .rotations import axis_angles, inverse, one_sign, product, quaternions
from .timeline import rate_of, to_frames

FACING = {"-Y": 0.0, "X": 90.0, "Y": 180.0, "-X": 270.0}  # degrees about up, from Blender's front
_LARGEST = 10.0  # Blender's hard limit of a slider


@dataclass(frozen=True)
class CharacterOptions:
    """How curves meet a character."""

    start_frame: float = 1.0
    neutral_frame: int | None = None  # of the curves, from 0: what is 0 on the character
    facing: str = "-Y"  # where the character looks at rest, in the world
    head_strength: float = 1.0
    tolerance: float = 0.0  # how far a key may be off for the sake of fewer keyframes


@dataclass(frozen=True)
class Applied:
    """What has been put on."""

    name: str
    keys: int
    bones: tuple[str, ...]
    missing: tuple[str, ...]  # routes whose key no mesh has
    first_frame: int
    last_frame: int


def read_curves(path: Path) -> Curves:
    """The curves of a take on the default head or of a Live Link CSV. Raises AVFaceError."""
    return curves_of(Take.load(path)) if path.suffix == ".npz" else read_livelink(path)


def meshes_of(objects: list[bpy.types.Object]) -> list[bpy.types.Object]:
    """The meshes with shape keys among the objects, what they are parents of and armatures move."""
    rigs = {o for o in objects if o.type == "ARMATURE"}
    found: dict[str, bpy.types.Object] = {}
    for object_ in objects:
        for item in (object_, *object_.children_recursive):
            found[item.name_full] = item
    scene: Any = bpy.context.scene
    for object_ in scene.objects if scene else ():
        if any(m.type == "ARMATURE" and getattr(m, "object", None) in rigs
               for m in object_.modifiers):  # fmt: skip
            found[object_.name_full] = object_
    return [o for o in found.values() if o.type == "MESH" and _key_block(o) is not None]


def rig_of_meshes(objects: list[bpy.types.Object]) -> bpy.types.Object | None:
    """The armature among the objects, or that moves them."""
    for object_ in objects:
        if object_.type == "ARMATURE":
            return object_
    for object_ in objects:
        for modifier in object_.modifiers:
            moved_by = getattr(modifier, "object", None)
            if modifier.type == "ARMATURE" and moved_by is not None:
                return moved_by
        if object_.parent is not None and object_.parent.type == "ARMATURE":
            return object_.parent
    return None


def apply_curves(
    curves: Curves,
    mapping: Mapping,
    meshes: list[bpy.types.Object],
    rig: bpy.types.Object | None,
    name: str,
    options: CharacterOptions,
) -> Applied:
    """Key the character's shape keys and bones, one NLA strip each. Raises AVFaceError."""
    if not meshes and rig is None:
        raise AVFaceError(
            "No character is selected.",
            "Select its meshes or its armature; meshes need shape keys.",
        )
    scene: Any = bpy.context.scene
    frames = to_frames(curves.times - curves.times[0], rate_of(scene), 0) + options.start_frame
    value = calibrated(curves, options.neutral_frame)
    by_bone = _by_bone(mapping)
    used: set[str] = set()
    keyed = 0
    for mesh in meshes:
        sums = _key_sums(value, mapping, by_bone, mesh)
        if not sums:
            continue
        used |= set(sums)
        keyed += len(sums)
        widen(mesh, sums)
        block = _key_block(mesh)
        assert block is not None
        paths: KeyCurves = {
            (f'key_blocks["{bpy.utils.escape_identifier(key)}"].value', 0): values
            for key, values in sums.items()
        }
        action = make_action(block, f"{name} {mesh.name}", frames, paths, group="Expression")
        _play(block, action, options)
    bones = _key_bones(curves, value, mapping, rig, frames, name, options) if rig else ()
    if not used and not bones:
        raise AVFaceError(
            "None of the mapping's keys and bones is on the character.",
            "Let the mapping be found from the selection, or edit it.",
        )
    missing = {r.key for r in mapping.routes if r.curve not in by_bone} - used
    return Applied(
        name, keyed, bones, tuple(sorted(missing)), int(np.floor(frames[0])),
        int(np.ceil(frames[-1])),
    )  # fmt: skip


def _play(owner: bpy.types.ID, action: bpy.types.Action, options: CharacterOptions) -> None:
    if options.tolerance:
        thin(action, options.tolerance)
    play(owner, action)


def calibrated(curves: Curves, neutral_frame: int | None) -> dict[str, np.ndarray]:
    """Curves by name; with a neutral frame its values become 0 and 1 stays 1."""
    values = curves.values
    if neutral_frame is not None:
        rest = values[np.clip(neutral_frame, 0, len(values) - 1)]
        values = np.clip((values - rest) / np.maximum(1 - rest, 1e-3), 0, 1)
    return dict(zip(ARKIT_NAMES, values.T, strict=True))


def _by_bone(mapping: Mapping) -> set[str]:
    """Curves that a bone shows and no key must show again."""
    curves: set[str] = set()
    if mapping.bones.get("jaw"):
        curves |= set(JAW_CURVES)
    if mapping.bones.get("left_eye") or mapping.bones.get("right_eye"):
        curves |= {n for n in ARKIT_NAMES if n.startswith("eyeLook")}
    return curves


def _key_sums(
    value: dict[str, np.ndarray], mapping: Mapping, by_bone: set[str], mesh: bpy.types.Object
) -> dict[str, np.ndarray]:
    """What each of the mesh's keys gets: (T,) by name."""
    block = _key_block(mesh)
    assert block is not None
    sums: dict[str, np.ndarray] = {}
    for route in mapping.routes:
        if route.key in block.key_blocks and route.curve not in by_bone and route.strength:
            sums[route.key] = sums.get(route.key, 0) + route.strength * value[route.curve]
    return sums


def widen(mesh: bpy.types.Object, sums: dict[str, np.ndarray]) -> None:
    """Make room on the sliders: Blender cuts what lies outside, silently."""
    block = _key_block(mesh)
    assert block is not None
    for key, values in sums.items():
        slider = block.key_blocks[key]
        slider.slider_max = min(_LARGEST, max(slider.slider_max, float(values.max())))
        slider.slider_min = max(-_LARGEST, min(slider.slider_min, float(values.min())))


def _key_bones(
    curves: Curves,
    value: dict[str, np.ndarray],
    mapping: Mapping,
    rig: bpy.types.Object,
    frames: np.ndarray,
    name: str,
    options: CharacterOptions,
) -> tuple[str, ...]:
    """Rotations of jaw, eyes and head bones; the names of the bones that were keyed."""
    shown = Curves(
        curves.times, np.stack([value[n] for n in ARKIT_NAMES], 1), curves.head, curves.left_eye,
        curves.right_eye, curves.fps,
    )  # fmt: skip
    _, jaw, eyes = units_of(shown, ())
    turns = {"jaw": jaw, "left_eye": eyes[:, :3], "right_eye": eyes[:, 3:]}
    turns["head"] = options.head_strength * _head_turns(curves, options.neutral_frame)
    paths: KeyCurves = {}
    done = []
    assert rig.pose is not None
    for part, turn in turns.items():
        bone = rig.pose.bones.get(mapping.bones.get(part, ""))
        if bone is not None:
            own = in_bone(rig, bone, quaternions(turn), options.facing)
            paths |= rotation_paths(bone, own)
            done.append(bone.name)
    if paths:
        _play(rig, make_action(rig, f"{name} rig", frames, paths), options)
    return tuple(done)


def _head_turns(curves: Curves, neutral_frame: int | None) -> np.ndarray:
    """The head's turns as axis-angle (T, 3), from the neutral frame where there is one."""
    if neutral_frame is None:
        return axis_angle_of(curves.head)
    q = quaternions(axis_angle_of(curves.head))
    rest = q[np.clip(neutral_frame, 0, len(q) - 1)]
    return axis_angles(product(inverse(rest), q))


def in_bone(rig: bpy.types.Object, bone: Any, turns: np.ndarray, facing: str) -> np.ndarray:
    """Turns in head axes (T, 4) as the bone's own rotation (T, 4).

    Head axes to Blender's (x, -z, y), then to where the character looks, then into the bone.
    """
    w, x, y, z = turns.T
    angle = np.radians(FACING[facing])
    across, along = x, -z  # Blender's x and y for a character that looks along -Y
    c, s = np.cos(angle), np.sin(angle)
    world = np.stack([c * across - s * along, s * across + c * along, y], axis=1)
    rest = np.array((rig.matrix_world @ bone.bone.matrix_local).to_3x3().normalized())
    return one_sign(np.concatenate([w[:, None], world @ rest], axis=1))


def rotation_paths(bone: Any, turns: np.ndarray) -> KeyCurves:
    """Curves of a pose bone in the rotation mode that it has."""
    path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].'
    if bone.rotation_mode == "QUATERNION":
        return {(f"{path}rotation_quaternion", k): turns[:, k] for k in range(4)}
    import mathutils

    if bone.rotation_mode == "AXIS_ANGLE":
        pairs = [mathutils.Quaternion(q).to_axis_angle() for q in turns.tolist()]
        rows = np.array([[angle, *axis] for axis, angle in pairs])
        return {(f"{path}rotation_axis_angle", k): rows[:, k] for k in range(4)}
    eulers = []
    for q in turns.tolist():
        before = eulers[-1] if eulers else mathutils.Euler((0, 0, 0), bone.rotation_mode)
        eulers.append(mathutils.Quaternion(q).to_euler(bone.rotation_mode, before))
    rows = np.array([tuple(e) for e in eulers])
    return {(f"{path}rotation_euler", k): rows[:, k] for k in range(3)}


def _key_block(object_: bpy.types.Object) -> Any:
    return getattr(object_.data, "shape_keys", None)
