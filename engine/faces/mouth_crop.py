"""The picture of an open mouth in which rows of teeth are read, laid out by the tracker's lips.

Each column goes from a little above the upper inner lip to a little below the lower one, so lips
that lean or stand askew stand level in it.
"""

import math
from typing import Any

import cv2
import numpy as np

# Inner lip line from the subject's right to the left corner, without the corners.
UPPER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_INNER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
INNER_LIPS = [*UPPER_INNER, *LOWER_INNER]
EYES = (33, 263)  # outer corners
CROP_ROWS, CROP_COLUMNS = 28, 14
# The network's (`models.rows`): where its rows lie, 0 on the upper inner lip and 1 on the lower.
_DOWN = np.linspace(-0.4, 1.4, CROP_ROWS)
_ACROSS = np.linspace(1.5, 6.5, CROP_COLUMNS)  # among the nine pairs of points: the front teeth
_MIDDLE = slice(3, 6)  # of them
_INNER = np.array([UPPER_INNER, LOWER_INNER])
_LEAST_GAP, _LEAST_GAP_PX = 0.025, 1.5  # over the eyes' distance: less can't be looked into
# Each sample's place as a mixture of the inner lips' points, (CROP_ROWS * CROP_COLUMNS, 2 * 9).
_SHARES = np.einsum(
    "ri,cj->rcij",
    np.column_stack([1 - _DOWN, _DOWN]),
    np.clip(1 - np.abs(_ACROSS[:, None] - np.arange(9)), 0, 1),
).reshape(CROP_ROWS * CROP_COLUMNS, 18)
_BOTH: Any = None  # in place of a second map for `cv2.remap`: the first has x and y
_COARSE, _FINE = 2.0, 1.5  # px between samples above which the picture is made smaller; then


def crop_mouth(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The mouth between the lips, (CROP_ROWS, CROP_COLUMNS, 3) uint8 RGB; black where it is shut.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        points: (478, >=2) px.
    """
    if not is_open(points[None])[0]:
        return np.zeros((CROP_ROWS, CROP_COLUMNS, 3), np.uint8)
    places = (_SHARES @ points[_INNER.ravel(), :2]).reshape(CROP_ROWS, CROP_COLUMNS, 2)
    step = math.dist(*places[:2, CROP_COLUMNS // 2])
    if step > _COARSE:
        pixels, places = _smaller(pixels, places, step / _FINE)
    return read_at(pixels, places)


def gaps(points: np.ndarray) -> np.ndarray:
    """How far the middles of the inner lips are apart: (N, 478, >=2) px -> (N,) px."""
    upper, lower = points[:, _INNER[0, _MIDDLE], :2], points[:, _INNER[1, _MIDDLE], :2]
    return np.linalg.norm(upper - lower, axis=-1).mean(1)


def between_eyes(points: np.ndarray) -> np.ndarray:
    """The way between the eyes' outer corners, which gaps are held against: -> (N,) px."""
    return np.linalg.norm(points[:, EYES[0], :2] - points[:, EYES[1], :2], axis=-1)


def is_open(points: np.ndarray) -> np.ndarray:
    """Whether there is something to look into: (N, 478, >=2) px -> (N,) bool."""
    gap = gaps(points)
    return (gap > _LEAST_GAP * between_eyes(points)) & (gap > _LEAST_GAP_PX)


def _smaller(pixels: np.ndarray, places: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of a fine picture that is read, `scale` times as small, and the places in it."""
    every, (height, width) = places.reshape(-1, 2), pixels.shape[:2]
    low = np.clip(np.floor(every.min(0) - 4).astype(int), 0, (width - 3, height - 3))
    high = np.maximum(np.ceil(every.max(0) + 4).astype(int), low + 3)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    size = [max(round(side / scale), 1) for side in part.shape[1::-1]]
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return small, (places - low) * (np.array(size) / part.shape[1::-1])


def read_at(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Colours between the pixels: (h, w, 3), (A, B, 2) -> (A, B, 3)."""
    where = places.astype(np.float32) - np.float32(0.5)
    return cv2.remap(pixels, where, _BOTH, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
