"""Colours of the sheet in log reflectance: read from the face's window, and changed there."""

import numpy as np

from ..srgb import linear_from_srgb, srgb_from_linear
from .unwrap import FaceSheet, cut_window, lay_window

DARKEST = 2e-3  # linear: below it colours are noise


def read_colours(texture: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """Log reflectance (R, R, 3) in the face's window of a texture (n, n, 3) uint8 sRGB."""
    laid = cut_window(texture, sheet.window, sheet.size)
    return np.log(np.maximum(linear_from_srgb(laid), DARKEST))


def change_colours(texture: np.ndarray, change: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """The texture (n, n, 3) uint8 sRGB with a change of log reflectance (R, R, 3) in the window."""
    part, rows, columns = lay_window(change.astype(np.float32), sheet.window, len(texture))
    out = texture.copy()
    out[rows, columns] = srgb_from_linear(linear_from_srgb(texture[rows, columns]) * np.exp(part))
    return out
