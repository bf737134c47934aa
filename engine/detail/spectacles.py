"""Spectacles on the skin: what lies before it there isn't the person's.

Rims are lines as folds and lids' edges are; their bridge is a line that no nose has, from one side
of its root to the other. Where there is one, fine differences round both eyes count for nothing.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from .face_sheet import FaceSheet
from .folds import BROWS, EYES, hull
from .residual import LUMINANCE, masked_blur

_BROW, _ROOT, _RIDGE = 9, 6, 195  # of the 468 landmarks, down the middle of the nose
_HALF_MM, _ASLANT_MM = 6.0, 2.0  # of the bridge that is looked at; a line may rise and fall so far
_LINE_MM, _BESIDE_MM = 0.5, 4.0  # Gaussian sigmas
_MISSED = 2  # columns of 13 across the nose that may show no line
# Log: so much darker all along. Of some fifty people four of four wearers have .035 to .43, others
# up to .02, but three whose frowns and shadows (.03, .06, .12) lose what is fine round their eyes.
_DARKER = 0.015, 0.03
# Round the eyes: what a frown costs, and wide lenses' rims where it surely is a bridge.
_SURELY, _REACH_MM = (0.05, 0.12), (24.0, 34.0)
_BROWS_MM, _SOFT_MM = 3.0, 2.0  # off the brows; of the rim


def without_spectacles(change: np.ndarray, model: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """A clip's difference from the `model`'s log reflectance, both (R, R, 3), off spectacles' rims.

    There it is as broad as light on skin. The same where nobody wears any.
    """
    bridge = _bridge((model + change) @ LUMINANCE, sheet)
    worn, reach = np.interp(bridge, _DARKER, (0, 1)), np.interp(bridge, _SURELY, _REACH_MM)
    if worn == 0:
        return change
    off_eyes, off_brows = _away(sheet, [EYES[0] + EYES[1]]), _away(sheet, BROWS)
    around = ((off_eyes < reach) & (off_brows > _BROWS_MM)).astype(np.float32)
    share = cv2.GaussianBlur(around, (0, 0), _SOFT_MM / sheet.texel_mm)
    wide = _BESIDE_MM / sheet.texel_mm
    lightness = change @ LUMINANCE
    fine = lightness - cv2.GaussianBlur(lightness, (0, 0), wide)
    bare = (fine > -_DARKER[0]).astype(np.float32)
    return change + worn * share[..., None] * (masked_blur(change, bare, wide) - change)


def _away(sheet: FaceSheet, parts: Sequence[tuple[int, ...]]) -> np.ndarray:
    """(R, R) mm from the hulls of some landmarks; 0 within."""
    outside = 1 - np.max([hull(sheet, part) for part in parts], axis=0)
    return cv2.distanceTransform(outside, cv2.DIST_L2, 5) * sheet.texel_mm


def _bridge(lightness: np.ndarray, sheet: FaceSheet) -> float:
    """How much darker than the skin beside it a line across the nose is all along, log."""
    marks, half = sheet.landmarks[[_BROW, _ROOT, _RIDGE]], _HALF_MM / sheet.texel_mm
    margin = 3 * _BESIDE_MM / sheet.texel_mm
    low, high = (
        np.clip(corner, 0, sheet.size).astype(int)
        for corner in (marks.min(0) - half - margin, marks.max(0) + half + margin)
    )
    nose = np.ascontiguousarray(lightness[low[1] : high[1], low[0] : high[0]], np.float32)
    line, beside = (
        cv2.GaussianBlur(nose, (0, 0), width / sheet.texel_mm) for width in (_LINE_MM, _BESIDE_MM)
    )
    brow, root, ridge = (marks - low).astype(np.float32)
    across = root[0] + np.linspace(-half, half, 13, dtype=np.float32)
    down = np.arange(brow[1], ridge[1], dtype=np.float32)
    columns, rows = np.meshgrid(across, down)
    seen = cv2.remap(beside - line, columns, rows, cv2.INTER_LINEAR)
    reach = 2 * round(_ASLANT_MM / sheet.texel_mm) + 1
    darkest = cv2.dilate(seen, np.ones((reach, 1), np.uint8))
    return float(np.sort(darkest, axis=1)[:, _MISSED].max())
