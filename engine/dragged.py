"""A face posed so that some of its landmarks lie where an artist has dragged them in the picture.

One frame: head pose and person stay; jaw and expression move as little as they must, and the other
landmarks hold their places as far as the face lets them.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear

from .fitting.landmark_head import UNSEEN_UNITS
from .fitting.landmark_track import landmark_track
from .head.model import FaceParams, Head

Dragged = dict[int, tuple[float, float]]  # number of a landmark, 0 to 67 -> px of the clip

_DRAGGED_SD_PX = 0.3  # how near a dragged landmark is to come
_HELD_SD = 0.03  # of the face's height in the picture: how far the others may give way
_EXPRESSION_SD = 0.25  # of a column's range
_JAW_SD = np.array([0.08, 0.02, 0.02])  # rad; a jaw opens more than it slides or rolls
_JAW_LOW, _JAW_HIGH = np.array([-0.05, -0.12, -0.1]), np.array([0.6, 0.12, 0.1])  # rad
_STEP = 0.02  # of a standard deviation's four, for the derivatives
_ROUNDS = 4


def pose_to_landmarks(
    frame: FaceParams, dragged: Dragged, head: Head, size: tuple[int, int]
) -> FaceParams:
    """The one frame with its landmarks dragged; regularised, bounded Gauss-Newton."""
    start = landmark_track(head, frame, size)[0]  # (68, 2)
    target, sd = _targets(start, dragged)
    origin = np.concatenate([frame.expression[0], frame.jaw[0]]).astype(float)  # (E + 3,)
    low, high, scale = _bounds(head, origin)
    x = origin.copy()
    for _ in range(_ROUNDS):
        now, slope = _derivatives(frame, x, scale, head, size)
        rows = np.concatenate([slope * scale / sd[:, None], np.eye(len(x))])
        residual = np.concatenate([(target - now) / sd, (origin - x) / scale])
        room = (low - x) / scale - 1e-9, (high - x) / scale + 1e-9
        x = x + scale * lsq_linear(rows, residual, room).x
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


def _bounds(head: Head, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest values and usual changes of the unknowns, (E + 3,) each.

    What points on the skin can't tell stays as it is.
    """
    low = np.concatenate([head.file.expression_low, _JAW_LOW])
    high = np.concatenate([head.file.expression_high, _JAW_HIGH])
    scale = np.concatenate([_EXPRESSION_SD * (high - low)[:-3], _JAW_SD])
    unseen = [name.startswith(UNSEEN_UNITS) for name in head.file.expression_names]
    still = np.array([*unseen, False, False, False])
    low = np.where(still, origin, np.minimum(low, origin))
    high = np.where(still, origin, np.maximum(high, origin))
    return low, high, scale


def _derivatives(
    frame: FaceParams, x: np.ndarray, scale: np.ndarray, head: Head, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The landmarks at `x`, (136,) px, and their slopes (136, E + 3)."""
    step = 4 * _STEP * scale
    moved = np.concatenate([x[None], x + np.diag(step)])  # (1 + E + 3, E + 3)
    marks = landmark_track(head, _with(frame, moved), size).reshape(len(moved), -1)
    return marks[0], ((marks[1:] - marks[0]) / step[:, None]).T


def _with(frame: FaceParams, x: np.ndarray) -> FaceParams:
    """The frame as often as there are rows of `x` (n, E + 3)."""
    copies = np.zeros(len(x), int)
    return frame.replace(
        expression=x[:, :-3],
        jaw=x[:, -3:],
        head_pose=frame.head_pose[copies],
        head_translation=frame.head_translation[copies],
        eyes=frame.eyes[copies],
        lips=None,
    )
