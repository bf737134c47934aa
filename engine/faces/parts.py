"""The parts of a face whose colours are compared, and how heads stand."""

from dataclasses import dataclass

import numpy as np

from .detector import LEFT_EYE, RIGHT_EYE
from .looks import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from .upright import upright

_LIPS = UPPER_OUTER + LOWER_OUTER
_INSIDE_LIPS = UPPER_INNER + LOWER_INNER
_RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
_LEFT_BROW = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
_RIGHT_INNER_EYE, _LEFT_INNER_EYE = 133, 362


@dataclass(frozen=True)
class Part:
    """Points of the mesh whose colours tell whether a part of the face is covered."""

    region: str
    points: np.ndarray  # (P,) int
    feature: np.ndarray  # (F,) int: where lips, lids or brow make edges that skin hasn't
    side: int = 0  # 1 the subject's left, -1 right: on the far side when the yaw has this sign


def head_angles(landmarks: np.ndarray) -> np.ndarray:
    """Yaw, pitch, roll in degrees from the mesh's own depth: (N, 478, 3) -> (N, 3).

    Yaw is above 0 when the subject's right side comes nearer; roll when the head leans to the
    picture's right.
    """
    across = landmarks[:, LEFT_EYE] - landmarks[:, RIGHT_EYE]
    down = landmarks[:, 152] - landmarks[:, 10]  # chin, top of the forehead
    yaw = np.arctan2(across[:, 2], np.hypot(across[:, 0], across[:, 1]))
    pitch = np.arctan2(down[:, 2], np.hypot(down[:, 0], down[:, 1]))
    roll = np.arctan2(across[:, 1], across[:, 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=1))


def face_parts(landmarks: np.ndarray, pose: np.ndarray) -> list[Part]:
    """The parts, laid out on the clip's most frontal faces."""
    frontal = np.argsort(np.abs(pose[:, 0]) + np.abs(pose[:, 1]))[: max(1, len(pose) // 4)]
    shape = np.median(upright(landmarks[frontal, :, :2], range(478))[0], axis=0)  # (478, 2)
    lips = np.array(_INSIDE_LIPS)
    mouth = np.setdiff1d(_near(shape, (61, 291), (0.45, 0.5), (0.0, 0.12)), lips)
    is_left = shape[mouth, 0] > shape[[61, 291], 0].mean()
    red = np.array(_LIPS)
    parts = [Part("mouth", mouth, red)]
    parts += [Part("mouth", half, red) for half in (mouth[is_left], mouth[~is_left])]
    for region, corners in (
        ("right_eye", (RIGHT_EYE, _RIGHT_INNER_EYE)),
        ("left_eye", (LEFT_EYE, _LEFT_INNER_EYE)),
    ):
        around = _near(shape, corners, (0.3, 0.24), (0.0, 0.0))
        lids = _near(shape, corners, (0.18, 0.07), (0.0, 0.0))
        parts.append(Part(region, around, lids))
    for brow, side in ((_RIGHT_BROW, -1), (_LEFT_BROW, 1)):
        above = _near(shape, (brow[0], brow[4]), (0.28, 0.12), (0.0, -0.03))
        parts.append(Part("brows", np.union1d(brow, above), np.array(brow), side))
    everything = np.setdiff1d(_near(shape, (4, 4), (0.7, 0.8), (0.0, 0.0)), lips)
    return [*parts, Part("face", everything, red)]


def _near(
    shape: np.ndarray,
    ends: tuple[int, int],
    reach: tuple[float, float],
    shift: tuple[float, float],
) -> np.ndarray:
    """Points of the face in an ellipse around the middle of two points, in eye widths."""
    middle = shape[list(ends)].mean(0) + shift
    inside = (((shape[:468] - middle) / reach) ** 2).sum(-1) < 1
    return np.flatnonzero(inside)
