"""Room in which a few frames' landmarks are computed: made once, filled by compiled code.

Letters as in `engine.fitting.projection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .landmark_head import JOINTS_END

if TYPE_CHECKING:
    from .subject import Model

_AT_ONCE = 8  # frames whose bases are mixed by one product; more no longer fit beside the bases
_JOINTS = JOINTS_END - 6  # unknowns of jaw and eyes; an eye doesn't roll


class Workspace(NamedTuple):
    """A few frames' bases mixed; of one of them points, derivatives and rows of its system.

    Rows of the system: points across, points down, pairs across, pairs down, lips that cross.
    """

    y: np.ndarray  # (n, 3 L) before skinning, m
    turn: np.ndarray  # (n, 27) R - I of jaw, left and right eye, row by row
    dturn: np.ndarray  # (7, n, 9) of each angle's own joint by it, float32
    dy: np.ndarray  # (7, n, 3 L) y by the joint unknowns, float32
    q: np.ndarray  # (3, L) head space, m
    dq: np.ndarray  # (7, 3, L) by jaw and eyes, float32
    dq_rest: np.ndarray  # (3, 3, L) by the point's place at rest, float32
    c: np.ndarray  # (3, L) turned as the camera sees the head, about the head's origin, m
    scale: np.ndarray  # (L,) px / m
    uv: np.ndarray  # (2, L) px
    J: np.ndarray  # (13, 2, L) of uv by pose, translation, jaw and eyes, float32
    J_rest: np.ndarray  # (2, 3, L) of uv by the point's place at rest, float32
    residual: np.ndarray  # (rows,) float32, weighted
    rows: np.ndarray  # (D, rows) float32, weighted derivatives
    root: np.ndarray  # (rows,) float32, what weighs a row, per px; 0 for lips that cross


def workspace(model: Model) -> Workspace:
    """Room for a few frames."""
    L, units = model.weights.shape[1], len(model.units)
    D, rows = JOINTS_END + units, 2 * L + 2 * len(model.pairs) + len(model.lip_floor)
    return Workspace(
        np.zeros((_AT_ONCE, 3 * L)),
        np.zeros((_AT_ONCE, 27)),
        np.zeros((_JOINTS, _AT_ONCE, 9), np.float32),
        np.zeros((_JOINTS, _AT_ONCE, 3 * L), np.float32),
        np.zeros((3, L)),
        np.zeros((_JOINTS, 3, L), np.float32),
        np.zeros((3, 3, L), np.float32),
        np.zeros((3, L)),
        np.zeros(L),
        np.zeros((2, L)),
        np.zeros((JOINTS_END, 2, L), np.float32),
        np.zeros((2, 3, L), np.float32),
        np.zeros(rows, np.float32),
        np.zeros((D, rows), np.float32),
        np.zeros(rows, np.float32),
    )
