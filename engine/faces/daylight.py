"""Faces in the dark or in coloured light brought to the light in which the networks know faces.

A man before a bright window is a few levels above black: seen so, the mesh's points stray by 1.5 %
of the face's width, lifted by .5. In green or blue light the landmark network's points stray by 4
to 7 % and it takes mouth and eyes for covered; made grey, by 1.3 % (docs/log.md).
"""

import cv2
import numpy as np
from numba import njit

_USUAL = 110  # of 255: what the brighter quarter of a face has at least; less is lifted to it
_BRIGHTER = 0.75
_MOST = 12.0  # times: beyond that there is noise alone
_ACROSS = 16  # pixels along a face's side that are looked at
# Skin is redder than green or blue in any light that is nearly white. The larger of these two over
# red from which a picture loses its hues, and where they are all gone; likewise green over red.
_COOL = 1.1, 1.4
_RED = 0.3, 0.15
_MOSTLY = 0.3  # of the pixels: a mask or a collar is no light
_TELLS_HUE, _NOISE = 10, 4.0  # of 255: darker pixels have no hue; added to every channel


def by_day(pixels: np.ndarray, middle: tuple[float, float], side: float) -> np.ndarray:
    """A picture (H, W, 3) uint8 whose face is neither dark nor of one hue; the same if it isn't.

    Args:
        pixels: RGB.
        middle: Of the face, x and y in px.
        side: Of the square about it, px.
    """
    (x, y), half = middle, side / 2
    step = max(1, round(side / _ACROSS))
    rows, columns = (slice(max(int(c - half), 0), max(int(c + half), 0), step) for c in (y, x))
    face = pixels[rows, columns]
    if not face.size:  # the face lies outside
        return pixels
    bright, cool, warm = _light_on(face)
    return _lifted(_greyer(pixels, _coloured(cool, warm)), bright)


def without_hue(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 without the hue of a light that colours all of it."""
    step = max(1, max(picture.shape) // (2 * _ACROSS))
    _, cool, warm = _light_on(picture[::step, ::step])
    return _greyer(picture, _coloured(cool, warm))


@njit(cache=True)
def _light_on(pixels):
    """The light on pixels (h, w, 3): how bright, 0 to 255, how cool and how warm it is.

    Bright: what the brighter quarter has at least. Cool: the larger of green and blue over red,
    what all but a few pixels have at least. Warm: green over red, what all but a few have at most.
    Both are 1 where all is dark.
    """
    height, width, _ = pixels.shape
    light = np.empty(height * width, np.uint8)
    cool, warm = np.empty(height * width, np.float32), np.empty(height * width, np.float32)
    count = 0
    for y in range(height):
        for x in range(width):
            red, green, blue = pixels[y, x]
            brightest = max(red, green, blue)
            light[y * width + x] = brightest
            if brightest > _TELLS_HUE:
                cool[count] = (max(green, blue) + _NOISE) / (red + _NOISE)
                warm[count] = (green + _NOISE) / (red + _NOISE)
                count += 1
    bright = float(np.sort(light)[int(_BRIGHTER * (len(light) - 1))])
    if not count:
        return bright, 1.0, 1.0
    few = int(_MOSTLY * (count - 1))
    least, most = np.sort(cool[:count])[few], np.sort(warm[:count])[count - 1 - few]
    return bright, float(least), float(most)


def _coloured(cool: float, warm: float) -> float:
    """How surely the light has one colour, 0 to 1; of `_light_on`."""
    is_cool = (cool - _COOL[0]) / (_COOL[1] - _COOL[0])
    is_red = (warm - _RED[0]) / (_RED[1] - _RED[0])
    return min(max(is_cool, is_red, 0.0), 1.0)


def _greyer(pixels: np.ndarray, share: float) -> np.ndarray:
    """The picture with so much of its hues replaced by its brightest channel."""
    if share == 0:
        return pixels
    red, green, blue = cv2.split(pixels)
    brightest = cv2.max(cv2.max(red, green), blue)
    grey = cv2.merge([brightest, brightest, brightest])
    return cv2.addWeighted(grey, share, pixels, 1 - share, 0)


def _lifted(pixels: np.ndarray, bright: float) -> np.ndarray:
    """The picture brightened if the brighter quarter of its face has less than is usual."""
    if bright >= _USUAL:
        return pixels
    gain = min(_USUAL / max(bright, 1.0), _MOST)
    table = np.minimum(gain * np.arange(256), 255).round().astype(np.uint8)
    return cv2.LUT(pixels, table)
