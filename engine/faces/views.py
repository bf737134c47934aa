"""The part of a picture in which the mesh network looks for a face's points."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .daylight import by_day

_VIEW_SIDE_PX = 384  # of a region; the mesh network itself sees so many:
_MESH_SIDE_PX = 192
MARGIN = 1.5  # side of a region over that of the face's points


@dataclass(frozen=True)
class View:
    """The part of a picture around one face, not much finer than the network's input."""

    pixels: np.ndarray  # (h, w, 3) uint8
    origin: np.ndarray  # (2,) float32: the part's upper left corner in the picture, px
    scale: float  # its pixels per pixel of the picture

    def inside(self, points: np.ndarray) -> np.ndarray:
        """The picture's pixels (..., 2) as the part's."""
        return (points - self.origin) * self.scale


def view_of(picture: np.ndarray, region: np.ndarray) -> View:
    """Cut out what a region needs, and average a large one down, or its sampling would alias.

    Args:
        picture: (H, W, 3) uint8 RGB.
        region: (4,) x and y of the middle and side, px; turn, rad.
    """
    height, width, _ = picture.shape
    x, y, side, _ = region.tolist()
    reach = side * 0.75  # a turned square's half diagonal, and a little
    left, right = _within(x - reach, x + reach, width)
    top, bottom = _within(y - reach, y + reach, height)
    pixels = picture[top:bottom, left:right]
    whole = int(np.ceil(0.8 * side / _VIEW_SIDE_PX))  # averages of whole pixels are the quickest
    if whole > 1 and min(pixels.shape[:2]) >= whole:
        size = pixels.shape[1] // whole, pixels.shape[0] // whole
        pixels = pixels[: size[1] * whole, : size[0] * whole]
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    else:
        whole = 1
    return View(np.ascontiguousarray(pixels), np.array([left, top], np.float32), 1 / whole)


def _within(low: float, high: float, limit: int) -> tuple[int, int]:
    """A range inside of 0 to `limit`, two pixels at least."""
    first = int(min(max(low, 0), limit - 2))
    return first, int(min(max(high, first + 2), limit))


def magnified(view: View, side: float) -> View:
    """A view in which a region of `side` px of the picture has as many as the mesh network sees.

    The network's own sampling is linear between pixels and blurs what it magnifies: lips in faces
    30 to 100 px wide are followed a fifth to a third more closely so (docs/log.md).
    """
    times = int(np.ceil(_MESH_SIDE_PX / (side * view.scale)))
    if times < 2:
        return view
    pixels = cv2.resize(view.pixels, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return View(pixels, view.origin, times * view.scale)


def lit(view: View, region: np.ndarray) -> View:
    """The view with the face in usual light."""
    x, y = view.inside(region[:2])
    pixels = by_day(view.pixels, (x, y), region[2] * view.scale / MARGIN)
    return replace(view, pixels=pixels)
