"""The head in the scene follows landmarks while they are dragged; a look, no key is made.

Where the head stands is read off as Blender plays it: take, filters and corrections. What is set
here holds until Blender plays a frame again.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.head_file import JOINTS, HeadFile, load_head_file
from . import landmarks
from .following import Slopes, follow, seen, seen_slopes
from .head_builder import HEAD_PROPERTY, shape_keys, to_blender
from .head_files import find_head
from .rig import REST_AXES, rig_of
from .rotations import axis_angles, product, quaternions

_CONTOUR = 17  # landmarks of the jaw line, which slide with the yaw
_CONTOUR_DEGREES = 39


@dataclass(frozen=True)
class _Stand:
    """How a head stands in one frame of a take, before it follows anything."""

    of: tuple[str, str, int]  # head, take, frame
    face: Slopes
    turns: dict[str, np.ndarray]  # bone -> (4,) its own quaternion
    place: np.ndarray  # (3,) the root's location


_stand: _Stand | None = None
_is_set = False  # whether the head stands otherwise than it plays
_files: dict[str, HeadFile] = {}  # the last head's, by its sha256


def prepare(head: bpy.types.Object) -> bool:
    """Read the head's file, which takes a moment; whether there is one."""
    return _file_of(head) is not None


def update(scene: Any, head: bpy.types.Object, at: landmarks.Shown, dragged: dict) -> None:
    """Let the head follow what is dragged (landmark -> px of the clip) in the shown frame."""
    global _stand, _is_set
    camera = landmarks.clip_camera(scene, head)
    if not dragged or camera is None or _file_of(head) is None:
        leave(scene)
        return
    of = head.name, at.take, at.frame
    if _stand is None or _stand.of != of:
        leave(scene)
        _stand = _stand_of(head, at, camera, of)
    if _stand is not None:
        _set(head, _stand, follow(_stand.face, _from_here(_stand.face, at, dragged)))
        _is_set = True


def leave(scene: Any) -> None:
    """Let the head stand as it plays."""
    global _stand, _is_set
    if _is_set:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    _stand, _is_set = None, False


def forget() -> None:
    """Another frame is shown, or another file: Blender has played the head anew."""
    global _stand, _is_set
    _stand, _is_set = None, False


def _from_here(face: Slopes, at: landmarks.Shown, dragged: dict) -> dict[int, tuple[float, float]]:
    """The drags as ways from the take's landmarks, laid to those of the head as it plays."""
    return {k: tuple(face.places[k] + place - at.captured[k]) for k, place in dragged.items()}


def _set(head: bpy.types.Object, stand: _Stand, moved: np.ndarray) -> None:
    """Set units, jaw and head as far from how they stand."""
    rig: Any = rig_of(head)
    file = _files[str(head[HEAD_PROPERTY])]
    units, count = shape_keys(head).key_blocks, len(file.expression_names)
    values = stand.face.expression + moved[:count]
    for name, value in zip(file.expression_names, values, strict=True):
        units[name].value = value
    for bone, turn in (("jaw", moved[count : count + 3]), ("root", moved[count + 3 : count + 6])):
        own = quaternions((turn @ REST_AXES[bone])[None])[0]
        rig.pose.bones[bone].rotation_quaternion = product(own, stand.turns[bone]).tolist()
    rig.pose.bones["root"].location = (stand.place + moved[-3:] @ REST_AXES["root"]).tolist()


def _stand_of(
    head: bpy.types.Object, at: landmarks.Shown, camera: bpy.types.Object, of: tuple[str, str, int]
) -> _Stand | None:
    """The head as Blender plays it now, and what would move its landmarks in the picture.

    None where a modifier of the artist's gives the head other vertices.
    """
    file = _files[str(head[HEAD_PROPERTY])]
    rig: Any = rig_of(head)
    graph = bpy.context.evaluated_depsgraph_get()
    posed: Any = rig.evaluated_get(graph)
    to_camera = np.linalg.inv(np.array(camera.evaluated_get(graph).matrix_world))
    bones = {name: _bone_motion(posed, name, to_camera) for name in JOINTS}

    forward = bones["root"][:3, :3] @ to_blender(np.array([0.0, 0.0, 1.0]))
    yaw = float(np.degrees(np.arctan2(forward[0], forward[2])))
    faces, weights = _embedding(file, yaw)
    used, corners = np.unique(file.faces[faces], return_inverse=True)
    surface = _evaluated(head, graph)
    if len(surface) != len(file.template):
        return None
    points = surface[used] @ to_camera[:3, :3].T + to_camera[:3, 3]
    moves = np.concatenate(list(_moves(file, used, points, bones, posed, to_camera)), axis=2)
    corners = corners.reshape(68, 3)
    marks = np.einsum("lk,lkc->lc", weights, points[corners])
    ways = np.einsum("lk,lkcn->lcn", weights, moves[corners])

    units = shape_keys(head).key_blocks
    stood = {b: np.array(rig.pose.bones[b].rotation_quaternion) for b in ("jaw", "root")}
    face = Slopes(
        places=seen(marks, at.focal, at.size),
        slopes=seen_slopes(marks, ways, at.focal).reshape(136, -1),
        expression=np.array([units[name].value for name in file.expression_names]),
        jaw=REST_AXES["jaw"] @ axis_angles(stood["jaw"]),
        low=file.expression_low.astype(float),
        high=file.expression_high.astype(float),
    )
    return _Stand(of, face, stood, np.array(rig.pose.bones["root"].location))


def _moves(
    file: HeadFile,
    used: np.ndarray,
    points: np.ndarray,
    bones: dict[str, np.ndarray],
    rig: Any,
    to_camera: np.ndarray,
) -> Iterator[np.ndarray]:
    """How vertices move in camera axes by each unit, the jaw, the head's turn, its place."""
    skin = np.einsum("nj,jab->nab", file.skin_weights[used], np.stack(
        [bones[name][:3, :3] for name in JOINTS]
    ))  # fmt: skip
    units = np.moveaxis(to_blender(np.moveaxis(file.expression_basis[used], 1, 2)), 2, 1)
    yield np.einsum("nab,nbe->nae", skin, units)
    jaw = file.skin_weights[used, JOINTS.index("jaw")][:, None, None]
    yield jaw * _turning(points, _joint(rig, "jaw", to_camera), bones["root"][:3, :3])
    base = to_camera[:3, :3] @ np.array(rig.matrix_world)[:3, :3]
    yield _turning(points, _joint(rig, "root", to_camera), base)
    yield np.repeat((base @ to_blender(np.eye(3)).T)[None], len(used), axis=0)


def _turning(points: np.ndarray, centre: np.ndarray, base: np.ndarray) -> np.ndarray:
    """How points (N, 3) move by turns about each of the head's axes at `centre`: (N, 3, 3)."""
    axes = (base @ to_blender(np.eye(3)).T).T  # (3, 3) a row each, camera axes
    return np.stack([np.cross(axis, points - centre) for axis in axes], axis=2)


def _bone_motion(rig: Any, name: str, to_camera: np.ndarray) -> np.ndarray:
    """From where a bone rests to where it is, in camera axes, (4, 4)."""
    bone = rig.pose.bones[name]
    motion = rig.matrix_world @ bone.matrix @ bone.bone.matrix_local.inverted()
    return to_camera @ np.array(motion)


def _joint(rig: Any, name: str, to_camera: np.ndarray) -> np.ndarray:
    """Where a bone begins, in camera axes, (3,)."""
    place = np.array(rig.matrix_world @ rig.pose.bones[name].head)
    return to_camera[:3, :3] @ place + to_camera[:3, 3]


def _evaluated(head: bpy.types.Object, graph: Any) -> np.ndarray:
    """The vertices as Blender shows them, in the world, (V, 3)."""
    shown: Any = head.evaluated_get(graph)
    flat = np.empty(3 * len(shown.data.vertices), np.float32)
    shown.data.vertices.foreach_get("co", flat)
    matrix = np.array(shown.matrix_world)
    return flat.reshape(-1, 3).astype(float) @ matrix[:3, :3].T + matrix[:3, 3]


def _embedding(file: HeadFile, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (68,) and weights (68, 3) of the landmarks on a head turned so, degrees."""
    faces, weights = (part.copy() for part in file.landmarks_68)
    row = int(np.clip(np.round(yaw), -_CONTOUR_DEGREES, _CONTOUR_DEGREES)) + _CONTOUR_DEGREES
    faces[:_CONTOUR], weights[:_CONTOUR] = file.contour[0][row], file.contour[1][row]
    return faces, weights


def _file_of(head: bpy.types.Object) -> HeadFile | None:
    """The file that a head was built from; None where it isn't at hand."""
    sha256 = str(head[HEAD_PROPERTY])
    path = None if sha256 in _files else find_head(sha256)
    if path is not None:
        _files.clear()
        _files[sha256] = load_head_file(path)
    return _files.get(sha256)
