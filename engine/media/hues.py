"""What a film makes of colours: old ones are black and white, or toned all over; some are dark."""

import numpy as np

from ..srgb import linear_from_srgb

_STEP, _MOST = 8, 100  # px from one that is looked at to the next; of them along a side
_TELLS_HUE = 40  # sRGB: below it a pixel's hue is noise
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of linear R, G, B
_WHITE = 99.7  # percentile: lamps and their mirrors may be smaller
_BRIGHTEST, _BURNT = 95, 0.97  # percentile of what isn't burnt; linear, of any colour
_HUES = 0.05, 0.22  # log, of all but one pixel in fifty: none differ, or as in any film


def colourless(picture: np.ndarray) -> float:
    """How far a picture (H, W, 3) uint8 has one hue all over, 0 to 1: black and white, or toned."""
    step = max(_STEP, max(picture.shape) // _MOST)
    pixels = picture[::step, ::step]
    pixels = pixels[pixels.max(2) > _TELLS_HUE].astype(np.float32)
    if not len(pixels):
        return 0.0
    logs = np.log(pixels + 8)  # hardly anything depends on a byte's noise
    hues = logs - logs.mean(1, keepdims=True)
    differ = np.percentile(np.abs(hues - np.median(hues, axis=0)).max(1), 98)
    return float(np.clip((_HUES[1] - differ) / (_HUES[1] - _HUES[0]), 0, 1))


def whitest(picture: np.ndarray) -> float:
    """How much light the brightest of a picture (H, W, 3) uint8 gives, linear, 1 for white.

    Of a coloured light, whites have the hue: they give as much less as it does.
    """
    pixels = linear_from_srgb(picture[::_STEP, ::_STEP]) @ _LUMINANCE
    return max(float(np.percentile(pixels, _WHITE)), 1e-3)


def hue_of_whites(picture: np.ndarray) -> np.ndarray:
    """Log hue (3,), without its lightness, of what is brightest in a picture (H, W, 3) uint8.

    Burnt pixels are white in any light and left out. Among what is brightest something is mostly
    white: where all of it is nearly so, its hue is the light's.
    """
    pixels = linear_from_srgb(picture[::_STEP, ::_STEP]).reshape(-1, 3)
    pixels = pixels[pixels.max(1) < _BURNT]
    if not len(pixels):
        return np.zeros(3)
    light = pixels @ _LUMINANCE
    brightest = pixels[light >= np.percentile(light, _BRIGHTEST)].mean(0)
    hue = np.log(np.maximum(brightest, 1e-4))
    return hue - hue @ _LUMINANCE
