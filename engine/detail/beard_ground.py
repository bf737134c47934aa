"""Where the film's hair is laid on the skin, whole: brows, dark beards, grey and white ones.

That a dark beard grows the model's colours tell, which are fitted to the film. No component of the
model is lighter than skin; of white hair tells that it takes the red out of it, as no light does
over a whole chin: gloss lies on a part of it.
"""

import cv2
import numpy as np

from ..easing import ease
from .face_sheet import FaceSheet
from .folds import BROWS, LIPS, bare_of_eyes, hair_reaches, hull
from .residual import LUMINANCE, masked_blur

_NOSE_TIP, _LOWER_LIP, _CHIN = 4, 17, 152  # of the 468 landmarks
_EDGE_MM = 7.0
_DARKER = 0.08, 0.2  # log lightness of the model's jaw below its usual: perhaps a beard, for sure
_WIDE_MM, _BELOW_LIP_MM = 16.0, 4.0  # half of a chin, and where it begins
_FEWEST = 30  # texels
_LESS_RED = 0.3, 0.45  # log R/G below the model's, median of the chin: perhaps white hair, for sure
_HAIRY = 0.1, 0.3  # the same of a texel
_HAIRS_MM = 1.5  # Gaussian sigma: skin shines through between hairs
_LIPS_MM = 1.0
_BROWS_MM, _BROWS_EDGE_MM = 3.0, 1.5  # round their landmarks; Gaussian sigma
_UPPER_LIP, _UPPER_EDGE_MM = (98, 2, 327, 410, 287, 291, 0, 61, 57, 186), 2.5  # up to the nose
_NOSES_SHADE = 0.6  # of what is dark there: so much is laid whole, be it hair or not
_WHITEST = np.log(0.5)  # reflectance of white hair


def brows_and_lip(sheet: FaceSheet) -> np.ndarray:
    """(R, R) float32 in [0, 1]: 1 on the brows, _NOSES_SHADE on the upper lip.

    No light makes a brow. What shades an upper lip is its own nose, in nearly any light.
    """
    brows = np.max([hull(sheet, brow, grow_mm=_BROWS_MM) for brow in BROWS], axis=0)
    brows, lip = (
        cv2.GaussianBlur(ground.astype(np.float32), (0, 0), edge_mm / sheet.texel_mm)
        for ground, edge_mm in (
            (brows, _BROWS_EDGE_MM),
            (hull(sheet, _UPPER_LIP), _UPPER_EDGE_MM),
        )
    )
    return np.maximum(brows, _NOSES_SHADE * lip)


def dark_beard(model: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """(R, R) in [0, 1]: the face below the nose where log colours (R, R, 3) have a beard."""
    lightness, rows = model @ LUMINANCE, np.arange(sheet.size)
    face = bare_of_eyes(sheet)
    jaw = face & hair_reaches(sheet) & (rows > sheet.landmarks[_LOWER_LIP, 1])[:, None]
    darker = np.median(lightness[face]) - np.median(lightness[jaw])
    return float(np.interp(darker, _DARKER, (0, 1))) * _below_nose(sheet)


def white_beard(
    own: np.ndarray, model: np.ndarray, known: np.ndarray, sheet: FaceSheet
) -> np.ndarray:
    """(R, R) in [0, 1]: where hair of the film is grey or white, 0 elsewhere.

    Args:
        own: (R, R, 3) log reflectance that the clip shows.
        model: (R, R, 3) the model's, which is shaven there.
        known: (R, R) bool, where the clip shows it.
        sheet: The window.
    """
    weight = known.astype(np.float32)
    change = masked_blur(own - model, weight, _HAIRS_MM / sheet.texel_mm)
    less_red = change[..., 1] - change[..., 0]
    less_red -= np.median(less_red[known]) if known.any() else 0  # skin may have it all over
    y, x = np.mgrid[: sheet.size, : sheet.size]
    middle, lip = sheet.landmarks[_LOWER_LIP]
    chin = known & (abs(x - middle) < _WIDE_MM / sheet.texel_mm)
    chin &= (y > lip + _BELOW_LIP_MM / sheet.texel_mm) & (y < sheet.landmarks[_CHIN, 1])
    if chin.sum() < _FEWEST:
        return np.zeros_like(weight)
    sure = float(np.interp(np.median(less_red[chin]), _LESS_RED, (0, 1)))
    hairy = np.interp(less_red, _HAIRY, (0, 1)) * (hull(sheet, LIPS, grow_mm=_LIPS_MM) == 0)
    hairy = cv2.GaussianBlur(hairy.astype(np.float32), (0, 0), _HAIRS_MM / sheet.texel_mm)
    return sure * hairy * _below_nose(sheet)


def as_hair(own: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Log reflectance (R, R, 3), where hair is white (R, R) no bluer than grey and no glow."""
    red = np.minimum(own[..., 0], _WHITEST)
    green = np.minimum(own[..., 1], red)
    hair = np.stack([red, green, np.minimum(own[..., 2], green)], -1)
    return own + white[..., None] * (hair - own)


def _below_nose(sheet: FaceSheet) -> np.ndarray:
    """(R, R) float32 in [0, 1]: 1 below the tip of the nose."""
    below = (np.arange(sheet.size) - sheet.landmarks[_NOSE_TIP, 1]) * sheet.texel_mm / _EDGE_MM
    return np.tile(ease(below.astype(np.float32))[:, None], sheet.size)
