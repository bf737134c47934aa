"""Where skin is oily, for every renderer alike: foreheads and noses carry most glands."""

import numpy as np

from .head_file import HeadFile

# Landmarks of the 68 whose mean is the middle of an oily place, mm above it, its radius in mm, and
# how much more it mirrors there than the skin beside it.
_OILY = (
    ((21, 22), 30.0, 26.0, 0.9), ((30,), 0.0, 9.0, 1.3), ((28,), 0.0, 8.0, 0.7),
    ((8, 57), 0.0, 10.0, 0.5), ((41, 48), 0.0, 11.0, 0.4), ((46, 54), 0.0, 11.0, 0.4),
)  # fmt: skip
_DEEP_M = 0.06  # behind an oily place lies another side of the head


def oiliness(head: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """How much more the skin mirrors for its oil, (V,) from 0 to 1.3, of a head (V, 3) at rest."""
    face, weights = head.landmarks_68
    marks = np.einsum("lk,lkc->lc", weights, vertices[head.faces[face]])  # (68, 3)
    oil = np.zeros(len(vertices))
    for landmarks, above, radius, share in _OILY:
        middle = marks[list(landmarks)].mean(0) + np.array([0, above * 1e-3, 0])
        away = np.linalg.norm((vertices - middle)[:, :2], axis=1) / (radius * 1e-3)
        here = vertices[:, 2] > middle[2] - _DEEP_M
        oil = np.maximum(oil, share * np.exp(-(away**2)) * here)
    return oil
