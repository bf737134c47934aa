"""What is seen between the lips: teeth, or flesh (tongue, gums) and the hollow.

Judged by colour against the clip's own lips and skin, so that cast and exposure drop out: teeth are
lighter than what lies behind them and less red than the lips. In a film without colours they are
what is about as light as the skin. This decides whether an open mouth means an open jaw or drawn-up
lips, and how high a person's teeth stand.
"""

import cv2
import numpy as np
from scipy.ndimage import median_filter

from .belief import fall
from .looks import LOWER_INNER, SKIN, UPPER_INNER, UPPER_SKIN
from .partial import LIPS

_LEAST_LIGHT = 85.0  # of the skin, Lab in 8 bit: in darker pictures colours are noise
_MIDDLE = slice(2, 7)  # of the nine columns: where an opening shows first

# What counts as open, as teeth, as a thing.
_SHUT_BELOW = 0.025  # opening over the width between the eyes' outer corners
_SHUT_BELOW_PX = 1.5  # less can't be looked into
_LEAST_REDNESS = 0.1  # log(R/G), lips over skin: less is no colour film
_LEAST_OF_SKIN = 0.4  # the lips' redness over the skin's; 0.8 and more if they are seen
# Round the lips, skin or beard.
_AROUND = (2, 164, 167, 393, 92, 322, 165, 391, 57, 287, 43, 273, 106, 335, 182, 406, 18, 83, 313,
           200, 186, 410, 216, 436, 212, 432, 202, 422, 204, 424)  # fmt: skip
# Redder than what is round them, in deviations of both, and steeper than the face: painted things
# before 34 faces have .46 unless they are motley, of 92 free ones nine in ten more than .5.
_REDDER = 0.5
_OF_USUAL = 0.5  # of what the clip's lips are redder by in a fifth of its frames
_CLEARLY = (1.0, 1.6)
_STEEPER = (0.9, 1.05)
_STEADY = 9  # frames
_MOTLEY = (0.1, 0.15)  # of the lips' red that is missing
# In a film without colours, lightness over the skin's: nine tenths of flesh have .74 at most
# (nine clips), of two grey films' teeth .88 and more.
_GREY_TEETH_ABOVE = 0.8
# Where the rows end: lightness is sharp and colour isn't, so both have wide borders.
_ROW_ABOVE = 0.55  # lightness over the skin's: tongue and hollow have .25 to .5
_ROW_BELOW = 0.5  # redness
# An open mouth's lighter parts over its darker ones, log: .31 at least in 750 wide mouths of
# ten people, an even thing .2.
_EVEN = (0.22, 0.3)
_WIDE_ABOVE = 0.12  # opening over the width between the eyes' outer corners
_WIDE_ABOVE_PX = 7.0


def read_teeth(
    landmarks: np.ndarray,
    colours: np.ndarray,
    mouth: np.ndarray,
    lips: np.ndarray,
) -> np.ndarray:
    """How surely each sample between the inner lips shows teeth.

    Args:
        landmarks: (N, 478, 3) px.
        colours: (N, 478, 3) uint8 Lab at the landmarks.
        mouth: (N, rows, 9, 3) uint8 RGB between the inner lips (`looks.Look.mouth`).
        lips: (N, 2, 7, 3) uint8 RGB on the red of the lips.

    Returns:
        (N, rows, 9) in 0..1; NaN where the mouth is shut or too dark to tell.
    """
    red, light = _beside_skin(colours, mouth, lips)
    if red is None:
        teeth = _above(light - _GREY_TEETH_ABOVE, 0.1)
    else:
        teeth = _above(light - _ROW_ABOVE, 0.08) * _above(_ROW_BELOW - red, 0.2)
    teeth[~_can_tell(landmarks, colours)] = np.nan
    return teeth


def lips_missing(colours: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """The share of the lips' red that isn't red, of the lip of which more is missing: (N,).

    Nobody's lips are paler than half as red as the skin: there something lies before them, a
    microphone's head or a cup. 0 where the picture has no colours to tell it by.

    Args:
        colours: (N, 478, 3) uint8, Lab at the face's points.
        lips: (N, 2, 7, 3) uint8 RGB where the red of the upper and lower lip should be.
    """
    skin = redness(_skin_rgb(colours, UPPER_SKIN))  # (N,)
    missing = redness(lips) < _LEAST_OF_SKIN * skin[:, None, None]  # (N, 2, 7)
    can_tell = (skin > _LEAST_REDNESS) & (colours[:, UPPER_SKIN, 0].mean(1) > _LEAST_LIGHT)
    return np.where(can_tell, missing.mean(2).max(1), 0.0)


def lips_shown(colours: np.ndarray, lips: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How surely lips are seen as such, redder than what is round them and with edges: (N,).

    A beard makes a mouth unlike other people's, and a coloured light does; what is before a mouth
    seldom has its colours where the lips are. Arguments as `lips_missing`'s; `edges` (N, 478).
    """
    redder = _redder(colours, lips)
    line = edges[:, LIPS].mean(axis=1) / np.maximum(edges.mean(axis=1), 1.0)
    least = max(_REDDER, _OF_USUAL * float(np.percentile(redder, 80)))
    seen = (1 - fall(redder / least, *_CLEARLY)) * (1 - fall(line, *_STEEPER))
    seen *= fall(lips_missing(colours, lips), *_MOTLEY)
    out: np.ndarray = median_filter(seen, _STEADY, mode="nearest")
    return out


def _redder(colours: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """By how many deviations of both the lips are redder than what is round them, (N,)."""
    lab = np.ascontiguousarray(colours[:, _AROUND])
    around = redness(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))  # (N, P)
    red = redness(lips).reshape(len(lips), -1)
    spread = np.sqrt((red.var(axis=1) + around.var(axis=1)) / 2 + 1e-6)
    return (red.mean(axis=1) - around.mean(axis=1)) / spread


def thing_between(
    landmarks: np.ndarray,
    colours: np.ndarray,
    mouth: np.ndarray,
) -> np.ndarray:
    """How surely a thing is before the lips that the tracker takes for a wide open mouth: (N,).

    An open mouth shows light and dark: a hollow, teeth, the tongue. A bite, a fruit or a cup is
    even. Arguments as `read_teeth`'s; 0 where the mouth isn't wide open or too dark to tell.
    """
    light = _lightness(mouth)[:, :, _MIDDLE].reshape(len(mouth), -1) + 8.0  # noise of dark pixels
    dark, bright = np.percentile(light, (10, 90), axis=1)
    opening = _gaps(landmarks)[:, _MIDDLE].mean(1)
    eyes = np.linalg.norm(landmarks[:, 263] - landmarks[:, 33], axis=-1)
    wide = (opening > _WIDE_ABOVE * eyes) & (opening > _WIDE_ABOVE_PX)
    wide &= colours[:, SKIN, 0].mean(1) > _LEAST_LIGHT
    return wide * fall(np.log(bright / dark), *_EVEN)


def redness(rgb: np.ndarray) -> np.ndarray:
    """Log of red over green: light's strength drops out, its colour shifts all alike."""
    rgb = rgb.astype(np.float32) + 8.0  # noise of dark pixels
    return np.log(rgb[..., 0] / rgb[..., 1])


def _gaps(landmarks: np.ndarray) -> np.ndarray:
    """How far the inner lips are apart, (N, 9) px."""
    upper, lower = landmarks[:, list(UPPER_INNER), :2], landmarks[:, list(LOWER_INNER), :2]
    return np.linalg.norm(upper - lower, axis=-1)


def _beside_skin(
    colours: np.ndarray, mouth: np.ndarray, lips: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray]:
    """Redness (0 the skin's, 1 the lips') and lightness over the skin's of what is in the mouth.

    (N, rows, 9) each; no redness where the film has no colours.
    """
    skin = _skin_rgb(colours)  # (N, 3)
    skin_red = redness(skin)[:, None, None]
    lips_red = float(np.median(redness(lips) - skin_red))  # of the clip, above the skin's
    light = _lightness(mouth) / np.maximum(_lightness(skin), 1.0)[:, None, None]
    if lips_red < _LEAST_REDNESS:
        return None, light
    return (redness(mouth) - skin_red) / lips_red, light


def _can_tell(landmarks: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Frames (N,) in which a mouth is open enough, and light enough, to be looked into."""
    eyes = np.linalg.norm(landmarks[:, 263] - landmarks[:, 33], axis=-1)
    opening = _gaps(landmarks)[:, _MIDDLE].mean(1)
    is_open = (opening > _SHUT_BELOW * eyes) & (opening > _SHUT_BELOW_PX)
    return is_open & (colours[:, SKIN, 0].mean(1) > _LEAST_LIGHT)


def _skin_rgb(colours: np.ndarray, points: tuple[int, ...] = SKIN) -> np.ndarray:
    """Colour of the face's skin in each frame: Lab (N, 478, 3) -> RGB (N, 3)."""
    lab = np.median(colours[:, points], axis=1).astype(np.uint8)
    return cv2.cvtColor(lab[None], cv2.COLOR_LAB2RGB)[0]


def _lightness(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _above(value: np.ndarray, width: float) -> np.ndarray:
    """0 to 1 as the value goes from -width to +width."""
    return np.clip(value / (2 * width) + 0.5, 0, 1)
