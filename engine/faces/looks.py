"""What a face looks like in one picture, in a few hundred numbers: colours at its points.

Kept per frame while the pictures stream by, so that covers, teeth and people can be judged
afterwards against the whole clip without reading it again.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from .detector import extent
from .mouth_crop import LOWER_INNER, UPPER_INNER, crop_mouth, read_at
from .views import View

# Outer lip line from the subject's right to the left corner, without the corners.
UPPER_OUTER = (40, 39, 37, 0, 267, 269, 270)  # over UPPER_INNER[1:-1]
LOWER_OUTER = (91, 181, 84, 17, 314, 405, 321)  # over LOWER_INNER[1:-1]
# Cheeks, nose and forehead: skin where hair, glasses and features seldom are.
SKIN = (50, 280, 205, 425, 101, 330, 5, 4, 117, 346, 36, 266, 187, 411, 9, 8, 168, 6, 197, 195,
        151, 108, 337, 69, 299)  # fmt: skip
UPPER_SKIN = (9, 8, 168, 6, 151, 108, 337, 69, 299)  # of it, what no mask reaches
# Points by which a region of `exchange.take.REGIONS` is in the picture or not.
REGION_POINTS = {
    "mouth": (61, *UPPER_OUTER, 291, *LOWER_OUTER),
    "left_eye": (263, 362, 386, 374),
    "right_eye": (33, 133, 159, 145),
    "brows": (70, 105, 107, 300, 334, 336),
}
# What a camera's noise, sampling and small shadows amount to, in Lab of 8 bits.
COLOUR_NOISE = np.array([6.0, 2.5, 2.5], np.float32)
MOUTH_ROWS = 7  # samples from the upper to the lower inner lip
_MOUTH = np.array(REGION_POINTS["mouth"])
_INNER = np.array([UPPER_INNER, LOWER_INNER])
_OUTER = np.array([UPPER_OUTER, LOWER_OUTER])
_DOWN = ((np.arange(MOUTH_ROWS) + 0.5) / MOUTH_ROWS)[:, None, None]
_FACE_SIDE_PX = 128  # of the small upright picture of the face in which colours are read
_MOUTH_MARGIN = 4  # px of it beside the lips
_BANDS = (0.8, 1.6, 6.4)  # px likewise: what lies between the first two is fine
_LEAST_CONTRAST = 1e-3


@dataclass(frozen=True)
class Look:
    """Colours of one face in one picture."""

    colours: np.ndarray  # (478, 3) uint8 Lab at the points, averaged over about 3 mm
    edges: np.ndarray  # (478,) uint8 steepness of lightness around the points
    mouth: np.ndarray  # (MOUTH_ROWS, 9, 3) uint8 RGB between the inner lips
    lips: np.ndarray  # (2, 7, 3) uint8 RGB on the red of the upper and lower lip
    fine: float  # how much of the mouth's contrast is fine
    moved: float  # share of the mouth's pixels that aren't those of the picture before
    opening: np.ndarray  # uint8 RGB by `mouth_crop.crop_mouth`


def look_at(view: View, points: np.ndarray, moved: float = 1.0) -> Look:
    """Read the colours of a face: (478, >=2) points in the picture's pixels; `Look.moved`."""
    inside = view.inside(points[:, :2])  # (478, 2)
    lab, places = _small_face(view.pixels, inside)
    rows, columns = places[:, 1], places[:, 0]
    return Look(
        colours=cv2.blur(lab, (3, 3))[rows, columns],
        edges=_steepness(lab)[rows, columns],
        mouth=read_at(view.pixels, mouth_places(inside)),
        lips=read_at(view.pixels, (inside[_INNER[:, 1:-1]] + inside[_OUTER]) / 2),
        fine=_fine_share(lab, places),
        moved=moved,
        opening=crop_mouth(view.pixels, inside),
    )


def mouth_places(points: np.ndarray) -> np.ndarray:
    """Where a mouth is read, (MOUTH_ROWS, 9, 2), between the inner lips of points (478, 2)."""
    upper, lower = points[_INNER]  # (9, 2) each
    return upper + _DOWN * (lower - upper)


@njit(cache=True)
def without_light(colours, points):
    """Colours (468, 3), less the lightness that is even over the face or rises straight across it.

    Lamps flicker and are switched, stand to the left or the right, and a rolling shutter makes
    bands. `points` (>=468, >=2) px.
    """
    x = y = light = 0.0  # the middles; loops, as they compile in a tenth of the time
    for i in range(468):
        x += points[i, 0] / 468
        y += points[i, 1] / 468
        light += colours[i, 0] / 468
    xx = xy = yy = by_x = by_y = 0.0
    for i in range(468):
        a, b = points[i, 0] - x, points[i, 1] - y
        xx += a * a
        xy += a * b
        yy += b * b
        by_x += a * colours[i, 0]
        by_y += b * colours[i, 0]
    spread = xx * yy - xy * xy
    along, down = (yy * by_x - xy * by_y) / spread, (xx * by_y - xy * by_x) / spread
    unlit = colours.copy()
    for i in range(468):
        unlit[i, 0] -= light + along * (points[i, 0] - x) + down * (points[i, 1] - y)
    return unlit


def moved_share(picture: np.ndarray, before: np.ndarray, points: np.ndarray) -> float:
    """How many of the mouth's pixels aren't exactly those of the picture before, 0..1.

    A camera never sends the same pixel twice; a coder that is short of bits does.

    Args:
        picture, before: (H, W, 3) uint8 RGB.
        points: (478, >=2) px.
    """
    height, width, _ = picture.shape
    xs, ys = points[_MOUTH, 0].tolist(), points[_MOUTH, 1].tolist()
    left, top = max(min(int(min(xs)), width - 1), 0), max(min(int(min(ys)), height - 1), 0)
    right, bottom = max(int(max(xs)), left) + 1, max(int(max(ys)), top) + 1
    now, then = (p[top:bottom, left:right, 1] for p in (picture, before))
    return np.count_nonzero(now != then) / now.size


def _fine_share(lab: np.ndarray, places: np.ndarray) -> float:
    """How much of the mouth's contrast is fine: small face in Lab, points (478, 2) in it."""
    lips = places[_MOUTH]
    (left, top), (right, bottom) = lips.min(0) - _MOUTH_MARGIN, lips.max(0) + _MOUTH_MARGIN
    light = lab[max(top, 0) : bottom, max(left, 0) : right, 0].astype(np.float32)
    fine, middle, coarse = (cv2.GaussianBlur(light, (0, 0), size) for size in _BANDS)
    contrast = cv2.norm(fine, coarse) / math.sqrt(light.size)
    return cv2.norm(fine, middle) / math.sqrt(light.size) / max(contrast, _LEAST_CONTRAST)


def _steepness(lab: np.ndarray) -> np.ndarray:
    """How steeply lightness changes around each pixel: (h, w, 3) -> (h, w) uint8."""
    light = cv2.GaussianBlur(cv2.extractChannel(lab, 0), (5, 5), 1.0)
    across, down = (slope.astype(np.float32) for slope in cv2.spatialGradient(light))
    return cv2.blur(cv2.convertScaleAbs(cv2.magnitude(across, down), alpha=0.25), (5, 5))


def _small_face(pixels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The face, upright, _FACE_SIDE_PX high, in Lab; and where its points are in it."""
    low, high = extent(points)
    scale = _FACE_SIDE_PX / (1.1 * float((high - low).max()))
    across = points[263] - points[33]
    turn = np.arctan2(across[1], across[0])
    cosine, sine = np.cos(turn) * scale, np.sin(turn) * scale
    linear = np.array([[cosine, sine], [-sine, cosine]])
    shift = _FACE_SIDE_PX / 2 - linear @ ((low + high) / 2)
    size = (_FACE_SIDE_PX, _FACE_SIDE_PX)
    small = cv2.warpAffine(
        pixels, np.column_stack([linear, shift]), size, borderMode=cv2.BORDER_REPLICATE
    )
    places = np.rint(points @ linear.T + shift).astype(int)
    return cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.clip(places, 0, _FACE_SIDE_PX - 1)
