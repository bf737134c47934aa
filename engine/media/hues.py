"""Whether a film has colours of its own: old ones are black and white, or toned all over."""

import numpy as np

_STEP, _TELLS_HUE = 8, 40  # px; sRGB below which a pixel's hue is noise
_HUES = 0.09, 0.17  # log, of nine tenths of a film's pixels: none differ, some do


def colourless(picture: np.ndarray) -> float:
    """How far a picture (H, W, 3) uint8 has one hue all over, 0 to 1: black and white, or toned."""
    pixels = picture[::_STEP, ::_STEP]
    pixels = pixels[pixels.max(2) > _TELLS_HUE].astype(np.float32)
    if not len(pixels):
        return 0.0
    logs = np.log(pixels + 8)  # hardly anything depends on a byte's noise
    hues = logs - logs.mean(1, keepdims=True)
    differ = np.percentile(np.abs(hues - np.median(hues, axis=0)).max(1), 90)
    return float(np.clip((_HUES[1] - differ) / (_HUES[1] - _HUES[0]), 0, 1))
