"""sRGB's curve (IEC 61966-2-1): pictures are encoded by it, light adds up without."""

import numpy as np

_STEP, _TELLS_HUE = 8, 40  # px; sRGB below which a pixel's hue is noise
_HUES = 0.09, 0.17  # log, of nine tenths of a film's pixels: none differ, some do


def linear_from_srgb(picture: np.ndarray) -> np.ndarray:
    """Linear light, 1 is display white, of sRGB 0..255 (uint8 or between its steps), any shape."""
    code = np.asarray(picture, np.float32) / 255
    return np.where(code < 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """uint8 sRGB of linear light, any shape; clipped to what can be shown."""
    linear = np.clip(linear, 0, 1)
    code = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * code).astype(np.uint8)


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
