"""ARKit curves of a head in the scene, as it plays: what the artist has changed is in them."""

# Attributes that Blender adds to an operator can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false

from typing import Any

import bpy
import numpy as np

from ..engine.exchange.arkit import Curves, curves_of
from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take
from .head_builder import shape_keys
from .rig import REST_AXES, rig_of
from .timeline import rate_of

_BONES = ("root", "jaw", "left_eye", "right_eye")


def names_curves(head: bpy.types.Object) -> bool:
    """Whether a head's units have ARKit's names."""
    return "eyeBlinkLeft" in shape_keys(head).key_blocks


def scene_curves(head: bpy.types.Object, context: bpy.types.Context) -> Curves:
    """The curves of a head over the scene's frames. Raises AVFaceError on a head without names."""
    scene: Any = context.scene
    rig = rig_of(head)
    if rig is None or rig.pose is None:
        raise AVFaceError(f"{head.name} has lost its armature.", "Import its take once more.")
    keys = shape_keys(head).key_blocks
    if not names_curves(head):
        raise AVFaceError(
            f"{head.name} has no units with ARKit's names.",
            "Write the curves from its take: python -m engine curves TAKE --head HEAD.",
        )
    plain = [key.name for key in keys[1:] if not key.name.startswith(("identity_", "pose_"))]
    frames = range(scene.frame_start, scene.frame_end + 1)
    values = np.zeros((len(frames), len(plain)))
    turns = {bone: np.zeros((len(frames), 3)) for bone in _BONES}
    shown = scene.frame_current
    for row, frame in enumerate(frames):
        scene.frame_set(frame)
        values[row] = [keys[name].value for name in plain]
        for bone in _BONES:
            axis, angle = rig.pose.bones[bone].matrix_basis.to_quaternion().to_axis_angle()
            turns[bone][row] = angle * (REST_AXES[bone] @ np.array(axis))
    scene.frame_set(shown)
    rate = rate_of(scene).frames_per_second
    return curves_of(_as_take(values, tuple(plain), turns, rate))


def _as_take(
    values: np.ndarray, names: tuple[str, ...], turns: dict[str, np.ndarray], rate: float
) -> Take:
    frames = len(values)
    return Take(
        times=np.arange(frames) / rate, shape=np.zeros(0), albedo=np.zeros(0), expression=values,
        head_pose=turns["root"], head_translation=np.zeros((frames, 3)), jaw=turns["jaw"],
        eyes=np.concatenate([turns["left_eye"], turns["right_eye"]], axis=1),
        light=np.zeros((9, 3)), landmarks_px=np.zeros((frames, 68, 2)),
        found=np.ones(frames, bool), confidence=np.ones((frames, 5)),
        trust_sound=np.zeros(frames), focal=1.0, size=(1, 1), fps=rate, expression_names=names,
        head={}, source={}, made_by={},
    )  # fmt: skip
