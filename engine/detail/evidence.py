"""What the fine network is given: the shading that the coarse surface doesn't explain.

The paper gives its network the unwrapped picture. Here coarse shading is divided out of it first,
and what the light would make of a slope stands beside it, so that a small network needn't learn
light anew: eight maps in the face's window of the sheet.
"""

import cv2
import numpy as np

from .relief import shading_by_slope
from .residual import HIGH_PASS_MM, Grain, masked_blur, residual, without_strangers
from .unwrap import Surface

CHANNELS = 8
TEXELS = 256  # along the window
_CONTRAST = 0.1  # log contrast that counts as 1
_HUE = 0.05
_DARK = 2e-3  # of display white


def log_hue(colour: np.ndarray) -> np.ndarray:
    """Log of red and of blue over green: linear RGB (R, R, 3) -> (TEXELS, TEXELS, 2)."""
    logs = np.log(np.maximum(colour, _DARK))
    hue = logs[..., ::2] - logs[..., 1:2]
    how = cv2.INTER_AREA if len(hue) > TEXELS else cv2.INTER_LINEAR
    hue = cv2.resize(hue, (TEXELS, TEXELS), interpolation=how)
    return cv2.GaussianBlur(hue, (0, 0), 1.0)  # films carry colour at half the resolution


def evidence(
    log_ratio: np.ndarray,
    log_hue: np.ndarray,
    weight: np.ndarray,
    surface: Surface,
    light: np.ndarray,
    grain: Grain,
) -> np.ndarray:
    """The maps (8, R, R) float32.

    Contrast; contrast times what a slope along u, v would do; that itself; hue; trust.

    Args:
        log_ratio: (R, R) log luminance over coarse shading.
        log_hue: (R, R, 2) log of red and of blue over green; zeros for grey pictures.
        weight: (R, R) trust in them.
        surface: The coarse surface, camera axes.
        light: (9,) luminance.
        grain: What the picture can show.
    """
    left = residual(log_ratio, weight, grain)
    weight = without_strangers(left, weight, grain.texel_mm)
    left = left * weight / np.float32(_CONTRAST)
    clipped = np.clip(log_hue, -1, 1)
    hue = clipped - masked_blur(clipped, weight, HIGH_PASS_MM / grain.texel_mm)
    hue = hue * weight[..., None] / np.float32(_HUE)
    by_slope = np.clip(shading_by_slope(surface, light, grain.texel_mm), -3, 3) * (weight > 0)
    out = np.concatenate(
        [left[None], left * by_slope, by_slope, np.moveaxis(hue, -1, 0), weight[None]]
    )
    return np.clip(out, -10, 10).astype(np.float32)
