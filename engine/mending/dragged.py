"""A face posed so that some of its landmarks lie where an artist has dragged them in the picture.

One frame: the person stays; jaw and expression move as little as they must, and the other landmarks
hold their places as far as the face lets them. Nose and jaw line are no part of any expression:
where one of them was dragged, the head moves too.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear

from ..fitting.landmark_head import UNSEEN_UNITS
from ..fitting.landmark_track import landmark_track
from ..head.model import FaceParams, Head

Dragged = dict[int, tuple[float, float]]  # number of a landmark, 0 to 67 -> px of the clip

_DRAGGED_SD_PX = 0.3  # how near a dragged landmark is to come
_HELD_SD = 0.03  # of the face's height in the picture: how far the others may give way
_EXPRESSION_SD = 0.25  # of a column's range
_JAW_SD = np.array([0.08, 0.02, 0.02])  # rad; a jaw opens more than it slides or rolls
_JAW_LOW, _JAW_HIGH = np.array([-0.05, -0.12, -0.1]), np.array([0.6, 0.12, 0.1])  # rad
HEADS_OWN = frozenset((*range(7), *range(10, 17), *range(27, 36)))  # jaw line but the chin, nose
_POSE_SD = np.repeat([0.05, 0.01], 3)  # rad, m: how far a pose may be wrong
_STEP = 0.02  # of a standard deviation's four, for the derivatives
_ROUNDS = 4


def pose_to_landmarks(
    frame: FaceParams, dragged: Dragged, head: Head, size: tuple[int, int]
) -> FaceParams:
    """The one frame with its landmarks dragged; regularised, bounded Gauss-Newton."""
    start = landmark_track(head, frame, size)[0]  # (68, 2)
    target, sd = _targets(start, dragged)
    parts = frame.expression, frame.jaw, frame.head_pose, frame.head_translation
    origin = np.concatenate([part[0] for part in parts]).astype(float)  # (E + 9,)
    low, high, scale = _bounds(head, origin, moves=bool(HEADS_OWN & dragged.keys()))
    x, free = origin.copy(), high > low
    for _ in range(_ROUNDS):
        now, slope = _derivatives(frame, x, scale, head, size)
        rows = np.concatenate([slope * scale / sd[:, None], np.eye(len(x))])[:, free]
        residual = np.concatenate([(target - now) / sd, (origin - x) / scale])
        room = ((low - x) / scale - 1e-9)[free], ((high - x) / scale + 1e-9)[free]
        x[free] += scale[free] * lsq_linear(rows, residual, room).x
    return _with(frame, x[None])


def left_px(frame: FaceParams, dragged: Dragged, head: Head, size: tuple[int, int]) -> float:
    """How far the frame's landmarks are from where they were dragged to: the farthest, px."""
    marks = landmark_track(head, frame, size)[0]
    return max(float(np.linalg.norm(marks[k] - place)) for k, place in dragged.items())


def _targets(start: np.ndarray, dragged: Dragged) -> tuple[np.ndarray, np.ndarray]:
    """Where the landmarks belong, (136,) px, and how exactly, (136,) px."""
    target, sd = start.copy(), np.full_like(start, _HELD_SD * np.ptp(start[:, 1]))
    for number, place in dragged.items():
        target[number], sd[number] = place, _DRAGGED_SD_PX
    return target.reshape(-1), sd.reshape(-1)


def _bounds(
    head: Head, origin: np.ndarray, moves: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest values and usual changes of the unknowns, (E + 9,) each.

    What points on the skin can't tell stays as it is, and the head's pose unless it `moves`.
    """
    file, free = head.file, np.full(len(_POSE_SD), np.inf)
    low = np.concatenate([file.expression_low, _JAW_LOW, -free])
    high = np.concatenate([file.expression_high, _JAW_HIGH, free])
    range_ = file.expression_high - file.expression_low
    scale = np.concatenate([_EXPRESSION_SD * range_, _JAW_SD, _POSE_SD])
    unseen = [name.startswith(UNSEEN_UNITS) for name in file.expression_names]
    still = np.array([*unseen, *[False] * 3, *[not moves] * len(_POSE_SD)])
    low = np.where(still, origin, np.minimum(low, origin))
    high = np.where(still, origin, np.maximum(high, origin))
    return low, high, scale


def _derivatives(
    frame: FaceParams, x: np.ndarray, scale: np.ndarray, head: Head, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The landmarks at `x`, (136,) px, and their slopes (136, E + 9)."""
    step = 4 * _STEP * scale
    step[-6:-3] = scale[-6:-3]  # the jaw line slides by whole degrees of a turn
    moved = np.concatenate([x[None], x + np.diag(step)])  # (1 + E + 9, E + 9)
    marks = landmark_track(head, _with(frame, moved), size).reshape(len(moved), -1)
    return marks[0], ((marks[1:] - marks[0]) / step[:, None]).T


def _with(frame: FaceParams, x: np.ndarray) -> FaceParams:
    """The frame as often as there are rows of `x` (n, E + 9)."""
    copies = np.zeros(len(x), int)
    return frame.replace(
        expression=x[:, :-9],
        jaw=x[:, -9:-6],
        head_pose=x[:, -6:-3],
        head_translation=x[:, -3:],
        eyes=frame.eyes[copies],
        lips=None,
    )
