"""Which part of what a clip shows of a face is skin: not eyes, nostrils, nor strands that hang."""

import cv2
import numpy as np

from .face_sheet import FaceSheet
from .folds import bare_of_holes, fringe, hair_reaches, round_brows
from .residual import LUMINANCE, masked_blur

_STRAND = 0.3  # log lightness below the model's: hair that hangs over the skin
_FINE_MM = 0.8  # Gaussian sigma: of a strand
_STRAND_MM = 5.0  # as wide round it single hairs show
_LOCK = 0.6  # the same of what is a lock for sure
_LOCK_MM, _LOCK_REACH_MM = 3.0, 8.0  # its width, and how far from it hair is its
_STRANGE_HUE = 0.25  # log contrast to the model's: neither skin nor its light


def shown_skin(
    own: np.ndarray, model: np.ndarray, known: np.ndarray, beard: np.ndarray, sheet: FaceSheet
) -> np.ndarray:
    """(R, R) bool: skin that the clip shows, without eyes, nostrils and strands.

    What is far darker or lighter than the model's skin, or of another hue, is hair, but in a beard.
    A forehead shines: what is lighter there and nearer to white is skin.
    """
    shown = bare_of_holes(sheet) & (known > 0.5)
    if not shown.any():
        return shown
    near = _FINE_MM / sheet.texel_mm
    scalp = masked_blur(model @ LUMINANCE, np.ones_like(known), near)
    change = masked_blur(own - model, known, near)
    lightness = change @ LUMINANCE
    hue = np.abs(change - lightness[..., None]).max(-1)
    hair = (np.abs(lightness) > _STRAND) | (hue > _STRANGE_HUE)
    shiny = (lightness > 0) & (change[..., 2] > change[..., 0] - _STRANGE_HUE)
    hair &= ~(shiny & fringe(sheet))
    hair |= scalp < np.median(scalp[shown]) - _STRAND
    hair &= ~beard
    hanging = _from_beyond((hair & hair_reaches(sheet)).astype(np.uint8), known > 0.5, sheet)
    locks = hanging * (lightness < -_LOCK).astype(np.uint8)
    locks = cv2.morphologyEx(locks, cv2.MORPH_OPEN, square(_LOCK_MM, sheet))
    over_brows = cv2.dilate(locks, square(2 * _LOCK_REACH_MM, sheet)) > 0
    hanging |= hair & over_brows & round_brows(sheet)
    return shown & (cv2.dilate(hanging, square(_STRAND_MM, sheet)) == 0)


def _from_beyond(hanging: np.ndarray, seen: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """The part of `hanging` (R, R) that reaches what isn't `seen`: frowns, as dark, lie alone."""
    joined = cv2.dilate(hanging, square(_STRAND_MM / 2, sheet))
    pieces = cv2.connectedComponents(joined)[1]
    beyond = cv2.dilate((~(seen & sheet.on_skin)).astype(np.uint8), square(_STRAND_MM, sheet)) > 0
    beyond &= hair_reaches(sheet)
    attached = np.isin(pieces, np.unique(pieces[beyond & (joined > 0)]))
    return hanging * attached


def square(side_mm: float, sheet: FaceSheet) -> np.ndarray:
    """A square of ones, about `side_mm` wide, for morphology on a sheet."""
    side = 2 * round(side_mm / 2 / sheet.texel_mm) + 1
    return np.ones((side, side), np.uint8)
