"""A head over its clip and before a backdrop: graded as the film is, fading into it at hair."""

import cv2
import numpy as np

from .outlines import soften
from .studio import Shot

_WHOLE = 0.985  # share of the face from which on it hides the film; up to 1, but for fallen hair
_DIMLY = 0.4  # where no face was found
_DARKER = 0.25, 0.55  # log sRGB: skin in shade, hair
_SOFT_HAIR, _SOFT_RIM = 0.004, 0.012  # of the panel's height: hair, and where it may lie
_GRADE_STEP, _LEAST_GRADED = 4, 100  # every so many px is looked at; with fewer of them no grade
_LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)
# sRGB, of a face's strongest colour. In a darker film the head stays just visible; where a picture
# is black up to _BLACK there is nothing else to see, and it stands out.
_DARKEST_FACE, _IN_BLACK, _BLACK = 48, 110, 6


def over_clip(clip: np.ndarray, shot: Shot, found: bool, bare: int, grey: float) -> np.ndarray:
    """The face over the clip, fading into it towards hair, ears and neck.

    In the clip's light, read above the row `bare`: what differs from the film then is form, not the
    studio's lamps. `grey`: how far the film has one hue all over, 0 to 1.
    """
    colour = graded(clip, shot, bare, grey) if found else shot.colour
    inside = shot.face.astype(np.float32) / 255
    alpha = np.minimum(inside / _WHOLE, 1) * (shot.bare.astype(np.float32) / 255)
    if found:
        beside = np.minimum((1 - inside[::2, ::2]) / (1 - _WHOLE), 1)
        hair = cv2.GaussianBlur(beside, (0, 0), len(beside) * _SOFT_RIM)
        hair *= _fallen_hair(clip, colour, shot.face == 255)
        alpha *= 1 - cv2.resize(hair, clip.shape[1::-1])
    else:
        alpha *= _DIMLY
    over = cv2.blendLinear(
        colour, clip, np.ascontiguousarray(alpha), np.ascontiguousarray(1 - alpha)
    )
    soften(over, shot.outline & (alpha > 0))
    return over


def _fallen_hair(clip: np.ndarray, colour: np.ndarray, face: np.ndarray) -> np.ndarray:
    """How far film and head over it differ in lightness, softly, (H / 2, W / 2) from 0 to 1.

    Near the hairline that is hair before the forehead, or the head's where the film shows skin. In
    a dark film all is darker: what counts is by how much more than in the face (H, W).
    """
    log = np.log(np.arange(256, dtype=np.float32) + 8)
    head, film = (cv2.LUT(np.ascontiguousarray(p[::2, ::2]), log) for p in (colour, clip))
    darker = cv2.transform(head - film, np.full((1, 3), 1 / 3))
    here = darker[::2, ::2][face[::4, ::4]]
    darker -= np.median(here) if len(here) else 0
    hair = np.clip((np.abs(darker) - _DARKER[0]) / (_DARKER[1] - _DARKER[0]), 0, 1)
    return cv2.GaussianBlur(hair, (0, 0), len(hair) * _SOFT_HAIR)


def graded(clip: np.ndarray, shot: Shot, bare: int, grey: float) -> np.ndarray:
    """The head with its face as bright and as coloured as what it hides, (H, W, 3) uint8.

    A gain on sRGB is a gain on light, as both are powers of it. In a film of one colour the head
    has one: a gain that takes the skin's red away would leave teeth green.
    """
    colour = shot.filmed if shot.filmed.any() else shot.colour
    if grey > 0:
        colour = cv2.transform(colour, (1 - grey) * np.eye(3) + grey * _LUMA)
    here = slice(None, bare, _GRADE_STEP), slice(None, None, _GRADE_STEP)
    face = (shot.face[here] > 250) & (shot.bare[here] > 250)
    if face.sum() < _LEAST_GRADED:
        return colour
    film, head = (np.median(p[here][face], axis=0) + 1 for p in (clip, colour))
    visible = np.interp(film.max(), (1, 1 + _BLACK), (_IN_BLACK, _DARKEST_FACE))
    gain = film / head * max(visible / film.max(), 1)
    curves = np.clip(np.arange(256)[:, None] * gain, 0, 255).round().astype(np.uint8)  # (256, 3)
    return cv2.LUT(colour, curves[:, None])


def before_backdrop(shot: Shot) -> np.ndarray:
    """The head before the studio's backdrop."""
    height, width = shot.coverage.shape
    alpha = shot.coverage.astype(np.float32) / 255
    picture = cv2.blendLinear(shot.colour, _backdrop(width, height), alpha, 1 - alpha)
    soften(picture, shot.outline)
    return picture


_BACKDROPS: dict[tuple[int, int], np.ndarray] = {}


def _backdrop(width: int, height: int) -> np.ndarray:
    """A dark cloth with a soft light on it, (height, width, 3) uint8."""
    if (width, height) not in _BACKDROPS:
        y, x = np.mgrid[:height, :width]
        distance = np.hypot((x / width - 0.5) * 1.1, y / height - 0.45)
        glow = np.clip(1 - distance / 0.85, 0, 1)[..., None] ** 1.5
        cloth = np.array([30, 32, 36]) + glow * np.array([52, 56, 62])
        grain = np.random.default_rng(0).uniform(-0.5, 0.5, cloth.shape)  # no bands
        _BACKDROPS.clear()
        _BACKDROPS[width, height] = np.round(cloth + grain).astype(np.uint8)
    return _BACKDROPS[width, height]
