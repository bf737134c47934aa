"""sRGB's curve (IEC 61966-2-1): pictures are encoded by it, light adds up without."""

import numpy as np


def linear_from_srgb(picture: np.ndarray) -> np.ndarray:
    """Linear light, 1 is display white, of sRGB 0..255 (uint8 or between its steps), any shape."""
    code = np.asarray(picture, np.float32) / 255
    return np.where(code < 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """uint8 sRGB of linear light, any shape; clipped to what can be shown."""
    linear = np.clip(linear, 0, 1)
    code = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * code).astype(np.uint8)
