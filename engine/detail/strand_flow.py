"""Which way hair lies above the forehead, by the picture's structure tensor (Bigun, Granlund 1987).

Every place of the forehead's map is asked for the angle between what runs there and the way down
from the top of the head. Where hair is parted it leans away from the parting on both sides; where
it is combed back it leans towards the middle; where it lies forward it runs straight down.
Angles are doubled: a strand that is turned over lies as it did.
"""

import cv2
import numpy as np

_FINE_PX, _AROUND, _FEWEST_PX = 1.0, 3.0, 1.5  # blur; degrees, px over which a tensor is averaged
_FLAT = 1e-3  # of a square degree's area: seen so slantwise a place tells nothing
_BESIDE, _REACH = 4.0, 40.0  # degrees either side of a parting that are looked at
_WITHIN = 28.0  # degrees from the front: farther round lies the picture's edge of the head
_FEWEST_ROWS, _FEWEST = 4, 3  # rows of a column, columns of a side
_LEANS = 0.3  # mean of sin of the doubled angle times coherence, on either side


def see_flow(
    picture: np.ndarray, places: np.ndarray, seen: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """The doubled angle (R, C, 2) to the way down, towards larger columns, as long as it is sure.

    Args:
        picture: (H, W, 3) uint8.
        places: (R, C, 2) px of the map in it.
        seen: (R, C) bool; 0 elsewhere.
        rows: (R,) degrees from the top of the head.
        columns: (C,) degrees round it.
    """
    out = np.zeros((*seen.shape, 2), np.float32)
    if not seen.any():
        return out
    down = np.gradient(places, rows, axis=0)  # (R, C, 2) px for each degree
    beside = np.gradient(places, columns, axis=1) / np.sin(np.radians(rows))[:, None, None]
    degree = float(np.median(np.linalg.norm(down[seen], axis=-1)))
    reach = max(_AROUND * degree, _FEWEST_PX)
    size = np.array(picture.shape[1::-1])
    low = np.clip(places[seen].min(0) - 3 * reach, 0, size - 1).astype(int)
    high = np.clip(places[seen].max(0) + 3 * reach, low + 1, size).astype(int)
    grey = picture[low[1] : high[1], low[0] : high[0]].mean(2).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), _FINE_PX)
    across, along = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    column, row = np.moveaxis(np.clip(places - low, 0, high - low - 1).astype(int), -1, 0)
    xx, yy, xy = (
        cv2.GaussianBlur(product, (0, 0), reach)[row, column]
        for product in (across * across, along * along, across * along)
    )
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    sure = np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-6)
    axes = np.stack([beside, down], -1)
    usable = seen & (np.abs(np.linalg.det(axes)) > _FLAT * degree**2)
    way = np.stack([np.cos(angle), np.sin(angle)], -1)[usable]
    way = np.linalg.solve(axes[usable], way[..., None])[..., 0]
    doubled = 2 * np.arctan2(way[:, 0], way[:, 1])
    out[usable] = sure[usable, None] * np.stack([np.cos(doubled), np.sin(doubled)], -1)
    return out


def parting_by_flow(flow: np.ndarray, hair: np.ndarray, columns: np.ndarray) -> float | None:
    """Degrees round the head from which hair (R, C) leans away on both sides; None: nowhere.

    `flow` (R, C, 2) is the mean of some frames' `see_flow`.
    """
    count = hair.sum(0)
    leans = (flow[..., 1] * hair).sum(0) / np.maximum(count, 1)
    told = count >= _FEWEST_ROWS
    best, found = _LEANS, None
    for parting in columns[np.abs(columns) <= _WITHIN]:
        away = columns - parting
        sides = [told & (way * away > _BESIDE) & (way * away <= _REACH) for way in (1, -1)]
        if min(side.sum() for side in sides) < _FEWEST:
            continue
        least = min(leans[sides[0]].mean(), -leans[sides[1]].mean())
        if least > best:
            best, found = least, float(parting)
    return found
