"""A take on FLAME onto a figure that another add-on has made: MPI's FLAME, SMPL-X and their kin.

Such figures carry FLAME's columns as shape keys, `Exp1` (MPI's FLAME) or `Exp000` (SMPL-X), and may
carry `Shape…` and `Pose…`. The 36 pose correctives are keyed on every frame, where those add-ons
set them for one pose. Figure and take must be of one FLAME: coefficients mean nothing on others.
"""

import re
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take
from .character import CharacterOptions, in_bone, rotation_paths, widen
from .keyframes import Curves, make_action, play
from .rotations import quaternions
from .timeline import rate_of, to_frames

_CORRECTIVES = 36
_BONES = {  # part -> what the add-ons call its bone
    "root": ("root", "head"),
    "jaw": ("jaw",),
    "left_eye": ("left_eye", "left_eye_smplhf"),
    "right_eye": ("right_eye", "right_eye_smplhf"),
}


@dataclass(frozen=True)
class Figure:
    """A mesh with FLAME's columns as shape keys."""

    mesh: bpy.types.Object
    expression: tuple[str, ...]  # keys in FLAME's order
    identity: tuple[str, ...]
    correctives: tuple[str, ...]  # 36, or none


def is_flame_take(take: Take) -> bool:
    """Whether a take is made of FLAME's columns."""
    return bool(take.expression_names) and take.expression_names[0] == "Exp1"


def find_figure(meshes: list[bpy.types.Object]) -> Figure | None:
    """The first of the meshes whose keys are FLAME's."""
    for mesh in meshes:
        names = [key.name for key in _keys(mesh).key_blocks]
        expression = _numbered(names, "Exp")
        if len(expression) >= 10:
            correctives = _numbered(names, "Pose")
            return Figure(
                mesh, expression, _numbered(names, "Shape"),
                correctives if len(correctives) == _CORRECTIVES else (),
            )  # fmt: skip
    return None


def drive_figure(
    take: Take,
    figure: Figure,
    rig: bpy.types.Object | None,
    name: str,
    options: CharacterOptions,
) -> tuple[int, tuple[str, ...]]:
    """Key the figure's shape keys and bones, one NLA strip each; how many keys, which bones.

    Raises AVFaceError when the take has columns in use that the figure lacks.
    """
    lacking = take.expression[:, len(figure.expression) :]
    if np.abs(lacking).max(initial=0.0) > 0.5:
        raise AVFaceError(
            f"The take uses {take.expression.shape[1]} expression columns, {figure.mesh.name} has "
            f"{len(figure.expression)}.",
            "Make the figure with all expressions, or import the take onto a new head.",
        )
    scene: Any = bpy.context.scene
    frames = to_frames(take.times - take.times[0], rate_of(scene), 0) + options.start_frame
    values = dict(zip(figure.expression, take.expression.T, strict=False))
    values |= dict(zip(figure.correctives, _correctives(take).T, strict=False))
    block = _keys(figure.mesh)
    widen(figure.mesh, values)
    for key, value in zip(figure.identity, take.shape, strict=False):
        slider = block.key_blocks[key]
        slider.slider_min, slider.slider_max = -10.0, 10.0
        slider.value = float(value)
    paths: Curves = {(f'key_blocks["{key}"].value', 0): column for key, column in values.items()}
    play(block, make_action(block, f"{name} {figure.mesh.name}", frames, paths, "Expression"))
    return len(values), _bones(take, rig, frames, name, options) if rig else ()


def _bones(
    take: Take, rig: bpy.types.Object, frames: np.ndarray, name: str, options: CharacterOptions
) -> tuple[str, ...]:
    turns = {
        "root": take.head_pose, "jaw": take.jaw, "left_eye": take.eyes[:, :3],
        "right_eye": take.eyes[:, 3:],
    }  # fmt: skip
    paths: Curves = {}
    done = []
    assert rig.pose is not None
    for part, names in _BONES.items():
        bone = next((rig.pose.bones[n] for n in names if n in rig.pose.bones), None)
        if bone is not None:
            own = in_bone(rig, bone, quaternions(turns[part]), options.facing)
            paths |= rotation_paths(bone, own)
            done.append(bone.name)
    if paths:
        play(rig, make_action(rig, f"{name} rig", frames, paths))
    return tuple(done)


def _correctives(take: Take) -> np.ndarray:
    """R - I of neck (at rest), jaw and eyes, row by row: (T, 36)."""
    neck = np.zeros_like(take.jaw)
    parts = [_matrices(part) for part in (neck, take.jaw, take.eyes[:, :3], take.eyes[:, 3:])]
    return (np.stack(parts, axis=1) - np.eye(3)).reshape(len(neck), _CORRECTIVES)


def _matrices(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrices (T, 3, 3) of axis-angle (T, 3)."""
    w, x, y, z = quaternions(axis_angle).T
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return np.stack(rows, axis=1).reshape(-1, 3, 3)


def _numbered(names: list[str], stem: str) -> tuple[str, ...]:
    """Keys `Exp1, Exp2, ...` or `Exp000, Exp001, ...` in order, as far as none is missing."""
    found = {
        int(match[1]): name for name in names if (match := re.fullmatch(rf"{stem}(\d+)", name))
    }
    first = 0 if 0 in found else 1
    out = []
    while first + len(out) in found:
        out.append(found[first + len(out)])
    return tuple(out)


def _keys(mesh: bpy.types.Object) -> Any:
    return getattr(mesh.data, "shape_keys", None)
