"""Faces from the middle of their eyes, along and across the eyes' line, in widths of the eyes."""

from collections.abc import Sequence

import numpy as np

from .detector import LEFT_EYE, RIGHT_EYE


def upright(
    landmarks: np.ndarray, points: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of faces, (n, 478, 2) px, set upright.

    Returns (n, P, 2) in widths of the eyes, and what brings them back: axes (n, 2, 2) px, by which
    they are multiplied from the right, and middles (n, 1, 2) px.
    """
    across = landmarks[:, LEFT_EYE] - landmarks[:, RIGHT_EYE]  # (n, 2)
    middles = (landmarks[:, LEFT_EYE] + landmarks[:, RIGHT_EYE])[:, None] / 2
    axes = np.stack([across, across[:, ::-1] * [-1, 1]], axis=1)  # (n, 2, 2) rows x, y
    scale = (across**2).sum(-1)[:, None, None]
    shapes = (landmarks[:, list(points)] - middles) @ np.swapaxes(axes, 1, 2) / scale
    return shapes, axes, middles
