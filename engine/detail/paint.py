"""Colours of the sheet in log reflectance: read from the face's window, and changed there."""

from typing import Protocol

import cv2
import numpy as np

from ..srgb import linear_from_srgb, srgb_from_linear
from .face_sheet import FaceSheet, cut_window, lay_window
from .folds import BROWS, hull
from .residual import LUMINANCE

DARKEST = 2e-3  # linear: below it colours are noise
FINE_MM = 1.0  # Gaussian sigma: lines of a texture are finer
_SKIN_GRAIN = 0.1  # log deviation within that which bare skin has; hairs have twice as much
_BROW_MM = 3.0  # round the brows' landmarks: hairs that were drawn as the clip's
_GAPS = 1.0  # of that deviation: how far skin between hairs, half of it all, stands above the mean


class Painter(Protocol):
    """Paints a part of the face as a clip shows it."""

    def __call__(
        self, texture: np.ndarray, own: np.ndarray, known: np.ndarray, sheet: FaceSheet
    ) -> np.ndarray:
        """The texture with that part.

        Args:
            texture: (n, n, 3) uint8 sRGB, the whole sheet.
            own: (R, R, 3) log reflectance that the clip shows in the face's window.
            known: (R, R) in [0, 1], how well.
            sheet: The window.

        Returns:
            (n, n, 3) uint8 sRGB.
        """
        ...


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
    """The texture (n, n, 3) uint8 sRGB with a change of log reflectance (R, R, 3) in the window.

    Where hairs of the texture are made lighter, brows aside, their lines fade as much: skin between
    them would shine.
    """
    brows = sum(hull(sheet, brow, grow_mm=_BROW_MM) for brow in BROWS) > 0
    laid = np.dstack([change, ~brows]).astype(np.float32)
    laid, rows, columns = lay_window(laid, sheet.window, len(texture))
    part, lines = laid[..., :3], laid[..., 3]
    before = linear_from_srgb(texture[rows, columns])
    fine = _fine(np.log(np.maximum(before, DARKEST)), len(texture), sheet)
    rough = np.sqrt(_blurred(np.square(fine @ LUMINANCE), len(texture), sheet))
    hairy = lines * np.clip((rough - _SKIN_GRAIN) / _SKIN_GRAIN, 0, 1)
    lost = hairy * np.clip(part @ LUMINANCE / (_GAPS * np.maximum(rough, _SKIN_GRAIN)), 0, 1)
    out = texture.copy()
    out[rows, columns] = srgb_from_linear(before * np.exp(part - lost[..., None] * fine))
    return out


def _fine(values: np.ndarray, size: int, sheet: FaceSheet) -> np.ndarray:
    """What is finer than FINE_MM of values (h, w[, C]) on a whole sheet of `size` texels."""
    return values - _blurred(values, size, sheet)


def _blurred(values: np.ndarray, size: int, sheet: FaceSheet) -> np.ndarray:
    """Values (h, w[, C]) on a whole sheet of `size` texels, blurred by FINE_MM."""
    per_texel = sheet.size / (sheet.window[2] * size)  # window's texels in one of these
    return cv2.GaussianBlur(values, (0, 0), FINE_MM / (sheet.texel_mm * per_texel))


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
    after = aim + lines * _fine(before, len(texture), sheet)
    out = texture.copy()
    out[rows, columns] = srgb_from_linear(np.exp(before + share * (after - before)))
    return out
