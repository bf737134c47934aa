"""The person's own brows, painted on the head's texture: their shape, thickness and colour.

A brow is what is darker than the skin round it, near the landmarks of the brow, in the median over
the clip's calmer frames with the light divided out. It takes the place of the model's brow; hairs
finer than the clip's pixels stay the model's. Where the clip shows none (hair over it, glare, a
face too small) the model's goes on, as dark as the clip's is beside it.
"""

import cv2
import numpy as np

from ..easing import ease
from .face_sheet import FaceSheet
from .folds import BROWS, EYES, bare_of_eyes, hull
from .paint import read_colours, repaint
from .residual import LUMINANCE, masked_blur

_CORE_MM, _REACH_MM = 2.5, 5.5  # round the landmarks: brow for sure, and where it ends at last
_LID_MM = 2.5  # above the eye that is lid and lashes
_MODEL_REACH_MM = 9.0  # the model's brow may lie so far from the person's landmarks
_SKIN_MM = 7.0  # Gaussian sigma of the skin round a brow
_FAINT = 0.15  # log contrast that skin has too
_PIECE_FROM, _GOOD_PART = 0.03, 0.2  # log darkness; of the largest piece's
_BLURRED = 1.15  # the median of frames that lie a millimetre off each other is so much paler
_DARKEST = 1.7  # log contrast of black hair on pale skin
_FAR_RING = 1e-3  # where the clip shows no skin near, the model's beside it counts
_USUAL_HUE = np.array([1.06, 0.94, 0.86])  # log contrast of brown hair in R, G, B; luminance 1
_HUE_SPREAD = 0.25
_HUE_PRIOR = 15.0  # texels' worth of squared contrast
_LEAST_SEEN, _WELL_SEEN = 0.4, 0.8  # share of a brow that the clip must show
_LOCK, _LOCK_MM = 0.6, 3.0  # log darkness and width of a lock beyond the brow's reach
_LOCK_REACH_MM = 8.0, 12.0  # up to there, what is dark is the lock's; from there on all is brow
_INTO_BROW_MM = 12.0  # so far a lock is followed into the brow, which is as dark
_EDGE_MM = 2.5  # over which a brow fades beside it
_GOES_ON_MM, _FEW, _DARKER = 4.0, 0.02, 1.2  # Gaussian sigma; log darkness; most
_SOCKET_MM = 9.0  # round the eye: shade and lashes
_FORELOCK = 0.5  # log darkness of the skin above a brow at which it is half taken for hair


def paint_brows(
    texture: np.ndarray, own: np.ndarray, known: np.ndarray, sheet: FaceSheet
) -> np.ndarray:
    """The texture with the brows of a clip: a `paint.Painter`."""
    model = read_colours(texture, sheet)
    target, own_lines, where = model.copy(), np.zeros_like(known), np.zeros_like(known)
    skin = bare_of_eyes(sheet) & ~_near(sheet, (*BROWS[0], *BROWS[1]), 0)
    for brow, eye in zip(BROWS, EYES, strict=True):
        skin &= ~_near(sheet, brow, _MODEL_REACH_MM) & ~_near(sheet, eye, 5.0)
    seen = [
        _one_brow(own, known * skin, known, sheet, brow, eye)
        for brow, eye in zip(BROWS, EYES, strict=True)
    ]
    models = [_model_brow(model, skin, sheet, brow) for brow in BROWS]
    usual = _share_of_model(seen, models)
    if usual is None:
        return texture
    for (dark, where_seen), (bare, model_dark, reach) in zip(seen, models, strict=True):
        goes_on = _goes_on(dark, where_seen, model_dark, usual, sheet)
        dark = dark * where_seen[..., None] + model_dark * (goes_on * (1 - where_seen))[..., None]
        here = reach > where
        target[here] = (bare - dark)[here]
        own_lines[here] = np.clip(dark @ LUMINANCE / 0.5, 0, 1)[here]
        where[here] = reach[here]
    return repaint(texture, target, own_lines, where, sheet)


def _model_brow(
    model: np.ndarray, skin: np.ndarray, sheet: FaceSheet, brow: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The model's skin without its brow (R, R, 3), how dark that is (R, R, 3), its reach (R, R)."""
    inside = hull(sheet, brow, grow_mm=_MODEL_REACH_MM) > 0
    ring = np.maximum((skin > 0) & ~inside, _FAR_RING).astype(np.float32)
    bare = masked_blur(model, ring, _SKIN_MM / sheet.texel_mm)
    reach = ease(_distance(inside, sheet) / 2.0)
    return bare, (bare - model) * reach[..., None], reach


def _share_of_model(
    seen: list[tuple[np.ndarray, np.ndarray]],
    models: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> float | None:
    """How dark the clip's brows are beside the model's, where they are seen; None if nowhere."""
    both = [
        ((dark @ LUMINANCE * where).sum(), (model @ LUMINANCE * where).sum(), where.sum())
        for (dark, where), (_, model, _) in zip(seen, models, strict=True)
    ]
    clips, model, texels = np.sum(both, axis=0)
    return float(np.clip(clips / max(model, 1e-6), 0, _DARKER)) if texels > 0 else None


def _goes_on(
    dark: np.ndarray, where: np.ndarray, model_dark: np.ndarray, usual: float, sheet: FaceSheet
) -> np.ndarray:
    """(R, R): the share of the model's brow with which the clip's goes on where it isn't seen.

    Beside a brow that ends the model's tail would be an island.
    """
    sigma = (0, 0), _GOES_ON_MM / sheet.texel_mm
    clips, model = (
        cv2.GaussianBlur((values @ LUMINANCE * where).astype(np.float32), *sigma)
        for values in (dark, model_dark)
    )
    return np.clip((clips + _FEW * usual) / (np.maximum(model, 0) + _FEW), 0, _DARKER)


def _one_brow(
    own: np.ndarray,
    skin: np.ndarray,
    known: np.ndarray,
    sheet: FaceSheet,
    brow: tuple[int, ...],
    eye: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """The clip's brow without single hairs: log darkness (R, R, 3), and where it is seen (R, R)."""
    sigma = _SKIN_MM / sheet.texel_mm
    shown = bare_of_eyes(sheet) & (known > 0.5)  # beyond hang hair and the picture's edge
    core = hull(sheet, brow) > 0
    region = _fading(sheet, brow, eye) * ease(_distance(shown, sheet) / 2.5)
    contrast = own - masked_blur(own, skin, sigma)
    dark = np.clip(-(contrast @ LUMINANCE), 0, _DARKEST)
    dark *= _BLURRED * ease(dark / _FAINT - 0.5)
    share = _confidence(own, skin, known, core, sheet, brow)
    if share <= 0:
        return np.zeros_like(own), np.zeros_like(known)
    clear = _clear_of_locks(own @ LUMINANCE, skin, shown, sheet, brow, eye)
    dark = _whole_pieces(dark * (region > 0) * (clear > 0.5), core)
    hue = _hue(contrast, dark * known * core)
    bare_model = hull(sheet, brow, grow_mm=_MODEL_REACH_MM) > 0
    where = share * clear * ease(_distance(bare_model, sheet) / 2.0)
    return (dark * region)[..., None] * hue, where


def _clear_of_locks(
    lightness: np.ndarray,
    skin: np.ndarray,
    shown: np.ndarray,
    sheet: FaceSheet,
    brow: tuple[int, ...],
    eye: tuple[int, ...],
) -> np.ndarray:
    """(R, R) in [0, 1]: 0 where hair hangs over the brow, which is as dark beyond its reach."""
    beyond = shown & ~_near(sheet, brow, _REACH_MM) & ~_near(sheet, eye, _SOCKET_MM)
    usual = np.median(lightness[skin > 0.3])
    dark = shown & (lightness < usual - _LOCK)
    side = 2 * round(_LOCK_MM / 2 / sheet.texel_mm) + 1
    moles_off = cv2.morphologyEx(
        (dark & beyond).astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side))
    )
    lock = moles_off
    for _ in range(round(_INTO_BROW_MM / sheet.texel_mm)):  # on through what is dark
        lock = cv2.dilate(lock, np.ones((3, 3), np.uint8)) * dark
    near, far = _LOCK_REACH_MM
    clear = ease((_distance(moles_off == 0, sheet) - near) / (far - near))
    return clear * ease((_distance(lock == 0, sheet) - 1.0) / _EDGE_MM)


def _whole_pieces(dark: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The darkness (R, R) of what hangs together to a good part of the brow.

    What lies alone is a lock over the temple, a mole or the lid's fold.
    """
    pieces = cv2.connectedComponents((dark > _PIECE_FROM).astype(np.uint8))[1]
    weight = np.bincount(pieces.ravel(), (dark * core).ravel())
    weight[0] = 0
    return dark * (weight >= max(_GOOD_PART * weight.max(), 1e-6))[pieces]


def _confidence(
    own: np.ndarray,
    skin: np.ndarray,
    known: np.ndarray,
    core: np.ndarray,
    sheet: FaceSheet,
    brow: tuple[int, ...],
) -> float:
    """How far the clip's brow is to be believed, 0 to 1."""
    shown = float((known[core] > 0.5).mean()) if core.any() else 0.0
    beside = (hull(sheet, brow, grow_mm=14.0) > 0) & (skin > 0.3)
    if shown < _LEAST_SEEN or beside.sum() < 20:
        return 0.0
    face = skin > 0.3
    usual = float(np.median((own @ LUMINANCE)[face]))
    shadow = max(usual - float(np.median((own @ LUMINANCE)[beside])), 0.0)
    seen = np.clip((shown - _LEAST_SEEN) / (_WELL_SEEN - _LEAST_SEEN), 0, 1)
    return float(seen / (1 + (shadow / _FORELOCK) ** 4))


def _hue(contrast: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Log contrast per channel (3,) for a luminance contrast of 1: a robust slope near hair's."""
    dark = -(contrast @ LUMINANCE)
    square = float((weight * dark).sum())
    slope = -(contrast * weight[..., None]).sum((0, 1))
    hue = (slope + _HUE_PRIOR * _USUAL_HUE) / (square + _HUE_PRIOR)
    hue = np.clip(hue, _USUAL_HUE - _HUE_SPREAD, _USUAL_HUE + _HUE_SPREAD)
    return hue / (hue @ LUMINANCE)


def _fading(sheet: FaceSheet, brow: tuple[int, ...], eye: tuple[int, ...]) -> np.ndarray:
    """(R, R) in [0, 1]: 1 on the brow, 0 beyond its reach and at the eye."""
    away = _distance(hull(sheet, brow) == 0, sheet)
    reach = ease((_REACH_MM - away) / (_REACH_MM - _CORE_MM))
    return reach * ease((_distance(hull(sheet, eye) == 0, sheet) - _LID_MM) / 3.0)


def _near(sheet: FaceSheet, landmarks: tuple[int, ...], grow_mm: float) -> np.ndarray:
    return hull(sheet, landmarks, grow_mm=grow_mm) > 0


def _distance(inside: np.ndarray, sheet: FaceSheet) -> np.ndarray:
    """Millimetres (R, R) from each texel that is `inside` to the nearest that isn't."""
    return cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5) * sheet.texel_mm
