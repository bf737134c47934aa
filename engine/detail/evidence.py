"""What the fine network is given: the shading that the coarse surface doesn't explain.

The paper gives its network the unwrapped picture. Here coarse shading is divided out of it first,
and what the light would make of a slope stands beside it, so that a small network needn't learn
light anew: six maps in the face's window of the sheet. Colour is left out: it told pigment from
folds no better than brightness alone (films carry it at half the resolution).
"""

import numpy as np

from .face_sheet import Surface
from .residual import Grain, residual, without_strangers
from .slopes import shading_by_slope

CHANNELS = 6
TEXELS = 256  # along the window
_CONTRAST = 0.1  # log contrast that counts as 1


def evidence(
    log_ratio: np.ndarray,
    weight: np.ndarray,
    surface: Surface,
    light: np.ndarray,
    grain: Grain,
) -> np.ndarray:
    """The maps (6, R, R) float32.

    Contrast; contrast times what a slope along u, v would do; that itself; trust.

    Args:
        log_ratio: (R, R) log luminance over coarse shading.
        weight: (R, R) trust in it.
        surface: The coarse surface, camera axes.
        light: (9,) luminance.
        grain: What the picture can show.
    """
    left = residual(log_ratio, weight, grain)
    weight = without_strangers(left, weight, grain.texel_mm)
    left = left * weight / np.float32(_CONTRAST)
    by_slope = np.clip(shading_by_slope(surface, light, grain.texel_mm), -3, 3) * (weight > 0)
    out = np.concatenate([left[None], left * by_slope, by_slope, weight[None]])
    return np.clip(out, -10, 10).astype(np.float32)
