"""How closely lips can be followed in pictures as small, blurred or compressed as these.

A film loses the mouth long before it loses the face: the mesh goes on placing lips, as sure as
ever, where the picture has none. What tells of it is how little fine structure a mouth has, how few
pixels, how few of them ever change, and how far the landmark network says that its own lips may be
off. Together they foretell the lips' error (docs/log.md: degraded copies of twenty clips, each
person foretold by the others).
"""

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from .belief import fall

# Lips' error, mm, by the network's sigma in % of the face's width, the other three as below.
_FACTOR, _SIGMA, _FINE, _MOVED, _WIDTH = 0.84, 0.92, -0.61, -0.19, -0.16  # powers
_LEAST_FINE, _LEAST_MOVED = 1e-3, 0.02
_FOLLOWED, _LOST = 2.2, 3.4  # mm: lips are followed as usual up to here, by chance from there on
# Coarseness is the film's and passes slowly, while an open mouth is finer than a shut one.
_STEADY_SECONDS = 4.0


def clearness(
    fine: np.ndarray,
    moved: np.ndarray,
    sigma: np.ndarray,
    width: np.ndarray,
    frames_a_second: float,
) -> np.ndarray:
    """How far the picture can be believed about the lips, (N,) in 0..1, for want of detail alone.

    Args:
        fine, moved: (N,) of `looks.Look`.
        sigma: (N,) the network's own deviation of the lips, px.
        width: (N,) the face's longer side, px.
        frames_a_second: of the N frames.
    """
    frames = 2 * round(_STEADY_SECONDS * frames_a_second / 2) + 1
    changing = uniform_filter1d(moved, frames, mode="nearest") + _LEAST_MOVED
    error = _FACTOR * (100 * sigma / width) ** _SIGMA * np.maximum(fine, _LEAST_FINE) ** _FINE
    error = median_filter(error * width**_WIDTH, frames, mode="nearest") * changing**_MOVED
    return fall(error, _FOLLOWED, _LOST)
