"""Faces in the dark or in coloured light brought to the light in which the networks know faces.

A man before a bright window is a few levels above black: seen so, the mesh's points stray by 1.5 %
of the face's width, lifted by .5. In green or blue light the landmark network's points stray by 4
to 7 % and it takes mouth and eyes for covered; made grey, by 1.3 % (docs/log.md).
"""

import numpy as np

_USUAL = 110  # of 255: what the brighter quarter of a face has at least; less is lifted to it
_BRIGHTER = 0.75
_MOST = 12.0  # times: beyond that there is noise alone
_ACROSS = 24  # pixels along a face's side that are looked at
# Skin is redder than green or blue in any light that is nearly white. The larger of these two over
# red from which a picture loses its hues, and where they are all gone; likewise green over red.
_COOL = 1.1, 1.4
_RED = 0.3, 0.15
_MOSTLY = 30  # percentile: a mask or a collar is no light
_TELLS_HUE, _NOISE = 10, 4.0  # of 255: darker pixels have no hue; added to every channel


def by_day(pixels: np.ndarray, middle: tuple[float, float], side: float) -> np.ndarray:
    """A picture (H, W, 3) uint8 whose face is neither dark nor of one hue; the same if it isn't.

    Args:
        pixels: RGB.
        middle: Of the face, x and y in px.
        side: Of the square about it, px.
    """
    low, high = (np.array(middle) - side / 2).astype(int), (np.array(middle) + side / 2).astype(int)
    step = max(1, round(side / _ACROSS))
    face = pixels[max(low[1], 0) : max(high[1], 0) : step, max(low[0], 0) : max(high[0], 0) : step]
    if not face.size:  # the face lies outside
        return pixels
    return _lifted(_greyer(pixels, _coloured(face)), face)


def without_light(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 without the hue of a light that colours all of it."""
    step = max(1, max(picture.shape) // (2 * _ACROSS))
    return _greyer(picture, _coloured(picture[::step, ::step]))


def _coloured(pixels: np.ndarray) -> float:
    """How surely a light of one colour is on pixels (..., 3), 0 to 1."""
    rows = pixels.reshape(-1, 3)
    red, green, blue = rows[rows.max(axis=1) > _TELLS_HUE].T + _NOISE
    if not len(red):
        return 0.0
    cool = np.percentile(np.maximum(green, blue) / red, _MOSTLY)
    warm = np.percentile(green / red, 100 - _MOSTLY)
    is_cool = np.interp(cool, _COOL, (0, 1))
    is_red = np.interp(warm, _RED[::-1], (1, 0))
    return float(max(is_cool, is_red))


def _greyer(pixels: np.ndarray, share: float) -> np.ndarray:
    """The picture with so much of its hues replaced by its brightest channel."""
    if share == 0:
        return pixels
    grey = pixels.max(axis=2, keepdims=True)
    return (pixels + share * (grey - pixels.astype(np.float32))).round().astype(np.uint8)


def _lifted(pixels: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The picture brightened if its `face` (h, w, 3) is dark."""
    light = np.sort(face.max(axis=2), axis=None)
    bright = float(light[int(_BRIGHTER * (len(light) - 1))])
    if bright >= _USUAL:
        return pixels
    gain = min(_USUAL / max(bright, 1.0), _MOST)
    table = np.minimum(gain * np.arange(256), 255).round().astype(np.uint8)
    return table[pixels]
