"""Colours of the sheet in log reflectance: read from the face's window, and changed there."""

import cv2
import numpy as np

from ..srgb import linear_from_srgb, srgb_from_linear
from .residual import LUMINANCE
from .unwrap import FaceSheet, cut_window, lay_window

DARKEST = 2e-3  # linear: below it colours are noise
FINE_MM = 1.0  # Gaussian sigma: lines of a texture are finer


def read_colours(texture: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """Log reflectance (R, R, 3) in the face's window of a texture (n, n, 3) uint8 sRGB."""
    laid = cut_window(texture, sheet.window, sheet.size)
    return np.log(np.maximum(linear_from_srgb(laid), DARKEST))


def own_hues(own: np.ndarray, model: np.ndarray, grey: float) -> np.ndarray:
    """A clip's log reflectance (..., 3), of the model's hue as far as the film is grey, 0 to 1."""
    change = own - model
    lightness = (change @ LUMINANCE)[..., None]
    return model + lightness + (1 - grey) * (change - lightness)


def change_colours(texture: np.ndarray, change: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """The texture (n, n, 3) uint8 sRGB with a change of log reflectance (R, R, 3) in the window."""
    part, rows, columns = lay_window(change.astype(np.float32), sheet.window, len(texture))
    out = texture.copy()
    out[rows, columns] = srgb_from_linear(linear_from_srgb(texture[rows, columns]) * np.exp(part))
    return out


def repaint(
    texture: np.ndarray, target: np.ndarray, own: np.ndarray, where: np.ndarray, sheet: FaceSheet
) -> np.ndarray:
    """The texture (n, n, 3) uint8 sRGB with other colours in the window, and fine lines of its own.

    Lines are finer than the window's texels: what took them away there would leave their rims.

    Args:
        texture: The whole sheet.
        target: (R, R, 3) log reflectance without fine lines.
        own: (R, R) how much of the texture's fine lines stays.
        where: (R, R) in [0, 1], how far it is painted over.
        sheet: The window.
    """
    shares = np.stack([own, where], -1).astype(np.float32)
    aim, rows, columns = lay_window(target.astype(np.float32), sheet.window, len(texture))
    lines, share = np.split(lay_window(shares, sheet.window, len(texture))[0], 2, axis=2)
    used = np.flatnonzero(share.any((1, 2)))
    if not len(used):
        return texture
    used = slice(used[0], used[-1] + 1)
    aim, lines, share = aim[used], lines[used], share[used]
    rows = slice(rows.start + used.start, rows.start + used.stop)
    before = np.log(np.maximum(linear_from_srgb(texture[rows, columns]), DARKEST))
    per_texel = sheet.size / (sheet.window[2] * len(texture))  # window's texels in one of these
    sigma = FINE_MM / (sheet.texel_mm * per_texel)
    fine = before - cv2.GaussianBlur(before, (0, 0), sigma)
    after = aim + lines * fine
    out = texture.copy()
    out[rows, columns] = srgb_from_linear(np.exp(before + share * (after - before)))
    return out
