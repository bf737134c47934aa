"""How belief falls: with a measure, and over time."""

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter

_WIDEN_FRAMES = 2  # a cover's edge blurs the points before it hides them


def fall(value: np.ndarray, start: float, stop: float) -> np.ndarray:
    """1 up to `start`, 0 from `stop` on."""
    return np.clip((stop - value) / (stop - start), 0, 1)


def widened(cover: np.ndarray) -> np.ndarray:
    """Without single frames (a hand stays longer), and with the frames around it: (N,)."""
    steady = median_filter(cover, 3, mode="nearest")
    return maximum_filter1d(steady, 2 * _WIDEN_FRAMES + 1, mode="nearest")
