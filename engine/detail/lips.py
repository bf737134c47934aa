"""The person's own lips, painted on the head's texture: their colour and how it ends in the skin.

The median over the clip's calmer frames, light divided out, replaces the model's colours near the
lips, so that the red ends where the person's does; next to the slit, where teeth and shadow come
and go, the colour of the lip beside it goes on. Finer lines stay the model's, but for the edge of
its own red.
"""

import cv2
import numpy as np

from ..easing import ease
from .face_sheet import FaceSheet
from .folds import LIPS, SLIT, bare_of_eyes, hull, round_lips
from .paint import FINE_MM, read_colours, repaint
from .residual import LUMINANCE, masked_blur

_EDGE_MM = 1.0, 4.0  # beyond the landmarks: all the clip's, all the model's
_SLIT_MM = 1.6  # round the slit is no lip to see
_GRAIN_MM = 0.8  # Gaussian sigma: finer are the grain of films and the model's own lines
_FILL_MM = 3.0
_SKIN_MM = 10.0
_NO_LIGHT = 0.35  # log: what differs more from the model is a beard, not light
_GLOSS = 0.3  # log contrast above the lips' median at which what is brighter is half gloss
_DARKEST, _BRIGHTEST = -1.6, 0.4  # log contrast to the skin that lips reach, with and without paint
_BLUEST = 0.36  # log contrast of blue to green above the skin's: more is the sky in the gloss
_LEAST_SEEN, _WELL_SEEN = 0.4, 0.8  # share of the lips that the clip must show


def paint_lips(
    texture: np.ndarray, own: np.ndarray, known: np.ndarray, sheet: FaceSheet
) -> np.ndarray:
    """The texture with the lips of a clip: a `paint.Painter`."""
    lips = hull(sheet, LIPS) > 0
    shown = lips & (hull(sheet, SLIT, grow_mm=_SLIT_MM) == 0) & (known > 0.5)
    seen = shown.sum() / max((lips & (hull(sheet, SLIT, grow_mm=_SLIT_MM) == 0)).sum(), 1)
    share = np.clip((seen - _LEAST_SEEN) / (_WELL_SEEN - _LEAST_SEEN), 0, 1)
    if share == 0 or shown.sum() < 20:
        return texture
    model = read_colours(texture, sheet)
    missed = _missed_light(own - model, known * round_lips(sheet), _SKIN_MM / sheet.texel_mm)
    painted = _without_gloss(own - missed, shown)
    skin = np.median(model[round_lips(sheet)], axis=0)
    painted = np.clip(painted, skin + _DARKEST, skin + _BRIGHTEST)
    bluest = painted[..., 1] + (skin[2] - skin[1]) + _BLUEST
    painted[..., 2] = np.minimum(painted[..., 2], bluest)

    usable = known * (shown | (bare_of_eyes(sheet) & ~lips))
    fill = masked_blur(painted, usable, _FILL_MM / sheet.texel_mm)
    near = masked_blur(painted, usable, _GRAIN_MM / sheet.texel_mm)
    certain = cv2.GaussianBlur(usable.astype(np.float32), (0, 0), _GRAIN_MM / sheet.texel_mm)
    trust = np.clip(2 * certain, 0, 1)[..., None]
    target = fill + trust * (near - fill)

    away = cv2.distanceTransform((~lips).astype(np.uint8), cv2.DIST_L2, 5) * sheet.texel_mm
    where = share * ease((_EDGE_MM[1] - away) / (_EDGE_MM[1] - _EDGE_MM[0]))
    return repaint(texture, target, 1 - _edge_of_red(model, lips, sheet), where, sheet)


def _edge_of_red(model: np.ndarray, lips: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """Where the model's own red ends, (R, R) in [0, 1], as far as its fine lines show that."""
    red = model[..., 0] - model[..., 1]
    beside = round_lips(sheet)
    inside = (red > (np.median(red[lips]) + np.median(red[beside])) / 2).astype(np.uint8)
    away = sum(cv2.distanceTransform(m, cv2.DIST_L2, 5) for m in (inside, 1 - inside))
    return np.exp(-0.5 * (away * sheet.texel_mm / (1.5 * FINE_MM)) ** 2)


def _missed_light(difference: np.ndarray, skin: np.ndarray, sigma: float) -> np.ndarray:
    """What of the clip's difference to the model (R, R, 3), read off the skin beside, is light."""
    usual = np.median(difference[skin > 0.5], axis=0) if (skin > 0.5).any() else np.zeros(3)
    usual = np.clip(usual, -_NO_LIGHT, _NO_LIGHT)
    like = np.abs((difference - usual) @ LUMINANCE) < _NO_LIGHT
    weight = (skin * like).astype(np.float32)
    near = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    return usual + np.clip(20 * near, 0, 1) * (masked_blur(difference, weight, sigma) - usual)


def _without_gloss(own: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """Log reflectance (R, R, 3) with what shines on the lips pressed down."""
    usual = np.median(own[lips], axis=0)
    brighter = np.maximum((own - usual) @ LUMINANCE, 0)
    pressed = brighter / (1 + brighter / _GLOSS) - brighter
    return own + (pressed * lips)[..., None]
