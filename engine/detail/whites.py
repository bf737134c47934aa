"""The person's own whites of eyes on the head's texture: as light as the clip shows, by half.

Films' whites have .15 to .9 of their cheeks' light: deep sockets and spectacles keep light from
them, lamps from in front reach them. Half of that is the eye's, for any light; the film's other
half is what `engine.preview.lighting` makes of it.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..geometry import harmonics, rotation_matrix
from ..head.model import FaceParams, Head
from ..srgb import linear_from_srgb, srgb_from_linear
from .folds import EYES
from .irises import iris_places
from .parts import IRISES, Sight, joined
from .residual import LUMINANCE

_BELIEVED = 0.5  # confidence in an eye
_SMALLEST_IRIS = 2.5  # px, radius: smaller eyes' whites are mixed with lids
_OFF_IRIS, _OFF_LIDS = 1.15, 0.15  # of the radius: from the iris's middle, from the lids' edges
_FEWEST_PIXELS = 6
_FEWEST_SEEN = 4  # eyes, over the frames
# The brighter part of a white tells, lids and lashes darken the rest: this percentile; and what it
# has of the light on a face in the median of 26 people.
_BRIGHTER, _LIT = 75, 0.36
_SHARE = 0.5  # of the change, for any light
_DARKER, _BRIGHTEST = 0.45, 0.97  # log, at most; linear reflectance
_EDGE = 1.0, 1.1  # of the iris's radius: none of it changed, all
_REACH = 3.0  # of that radius: beyond lies what the lids cover


def see_whites(picture: np.ndarray, track: FaceTrack, params: FaceParams, frame: int) -> Sight:
    """The colour of each eye's white in a picture (H, W, 3) uint8 that shows it well.

    As it were in the open: without the usual shade of the lids.
    """
    points = track.landmarks[frame, :, :2].astype(np.float64)
    forward = rotation_matrix(params.head_pose[frame])[:, 2]
    found = []
    for eye, middle, outline in zip(("right_eye", "left_eye"), IRISES, EYES, strict=True):
        if track.confidence[frame, REGIONS.index(eye)] >= _BELIEVED:
            white = _white(picture, points[middle : middle + 5], points[list(outline)])
            if len(white) >= _FEWEST_PIXELS:
                found.append(np.percentile(white, _BRIGHTER, axis=0) / _LIT)
    return Sight(np.reshape(found, (-1, 3)), np.tile(forward, (len(found), 1)))


def _white(picture: np.ndarray, iris: np.ndarray, lids: np.ndarray) -> np.ndarray:
    """The linear colours (n, 3) between an eye's lids beside its iris; none of one too small.

    Nor of one that the picture's edge cuts.

    Args:
        picture: (H, W, 3) uint8 sRGB.
        iris: (5, 2) px, its middle and four points of its rim.
        lids: (P, 2) px, their outline.
    """
    radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
    low, high = np.floor(lids.min(0)).astype(int), np.ceil(lids.max(0)).astype(int) + 1
    cut = (low < 0).any() or (high > picture.shape[1::-1]).any()
    if cut or not radius >= _SMALLEST_IRIS:
        return np.zeros((0, 3))
    opening = np.zeros((high - low)[::-1], np.uint8)
    edges = np.round((lids - low - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(opening, [edges], 1, shift=4)
    inside = cv2.distanceTransform(np.pad(opening, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    away = np.hypot(columns - iris[0, 0], rows - iris[0, 1]) / radius
    white = (away > _OFF_IRIS) & (inside > 0.5 + _OFF_LIDS * radius)
    return linear_from_srgb(picture[low[1] : high[1], low[0] : high[0]][white])


def whites_lightness(sights: Iterable[Sight], light: np.ndarray) -> float | None:
    """Log reflectance of the whites in a light (9, 3); None when they were hardly seen."""
    colour, normal = joined(sights)
    if len(colour) < _FEWEST_SEEN:
        return None
    shade = np.maximum(harmonics(normal) @ light, 1e-2)
    return float(np.median(np.log(np.maximum(colour / shade, 1e-3) @ LUMINANCE)))


def paint_whites(texture: np.ndarray, seen: float, head: Head) -> np.ndarray:
    """The texture with whites as light as the clip's, by half; their hue and veins stay.

    Args:
        texture: (n, n, 3) uint8 sRGB, the whole sheet.
        seen: log reflectance of the whites.
        head: Whose sheet it is.

    Returns:
        (n, n, 3) uint8 sRGB.
    """
    side = len(texture)
    out = texture.copy()
    for middle, radius in zip(*iris_places(head), strict=True):
        x, y, reach = middle[0] * side, (1 - middle[1]) * side, _REACH * radius * side
        rows, columns = (
            slice(max(int(c - reach), 0), min(int(c + reach) + 1, side)) for c in (y, x)
        )
        down, across = np.mgrid[rows, columns] + 0.5
        away = np.hypot(across - x, down - y) / (radius * side)
        patch = linear_from_srgb(out[rows, columns])
        ring = patch[(away > _EDGE[1]) & (away < 2)]
        model = float(np.log(np.maximum(ring @ LUMINANCE, 1e-3)).mean())
        most = np.log(_BRIGHTEST) - np.log(max(float(np.median(ring.max(1))), 1e-3))
        change = float(np.clip(_SHARE * (seen - model), -_DARKER, max(most, 0)))
        share = np.clip((away - _EDGE[0]) / (_EDGE[1] - _EDGE[0]), 0, 1)
        share *= np.clip((_REACH - away) * 4, 0, 1)
        out[rows, columns] = srgb_from_linear(patch * np.exp(change * share)[..., None])
    return out
