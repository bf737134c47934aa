"""Smiles: a lower lip that stays before its teeth, cheeks that bulge over the fold beside them.

The CC0 mouthSmile lifts the middle of the mouth and the whole lower lip with the corners, and
neither it nor cheekSquint takes the cheeks out of the face. In life the lips' line rises along a
curve whose middle hardly does, and the cheek's fat gathers outside the nasolabial fold, below the
outer half of the eye.
"""

import numpy as np

from engine.geometry import vertex_normals

from .anatomy import MIRROR, Anatomy
from .fairing import pick, smooth_field
from .rims import Rim
from .units import SIDES, half

MIDDLE_RISE = 0.0032  # m that the middle of the lips' line rises
CURVE = 2.2  # power of the distance from the middle with which the line rises to the corners
THINNED = 0.88  # height of the red of the lips in a smile, of what it is at rest
GIVING = 0.036  # m from the lips' line within which chin and cheeks give way
# Places on the face in m to the side of the left eye's middle and above it.
APPLE, APPLE_SIZE = (0.005, -0.032), (0.014, 0.012)  # the size is a standard deviation
FOLD_HEIGHTS, FOLD_SIDES = (-0.066, -0.038, -0.028), (-0.003, -0.014, -0.017)
FOLD_WIDTH = 0.013  # m from the skin that stays inside the fold to that which bulges beside it
BEHIND = 0.045  # m behind the eyes, where the front of the face ends
BULGE = {"mouthSmile": 0.0045, "cheekSquint": 0.0035}  # m out of the face at the apple
RISE = {"mouthSmile": 0.0030, "cheekSquint": 0.0}  # m up there, beside the unit's own
SQUINT_FADES = (-0.062, -0.026)  # m from the eye, between which the pull of cheekSquint grows
SQUINT_BELOW = 0.2  # of it, down there


def shape_smiles(
    anatomy: Anatomy,
    template: np.ndarray,
    eye: np.ndarray,
    lips: Rim,
    distance: np.ndarray,
    masks: dict[str, np.ndarray],
    units: dict[str, np.ndarray],
) -> None:
    """Rebuild mouthSmile and cheekSquint, in place.

    `eye` (3,) m is the left eye's middle; `distance` (V,) m to the lips' line.
    """
    apple = _apple(template, eye) * (masks["skin"] & (template[:, 2] > eye[2] - BEHIND))
    for name in ("eyelids", "sockets", "lips", "mouth_inside", "nose"):
        apple = apple * ~masks[name]
    out = _out_of_the_face(anatomy, template, apple)
    smile, squint = (units[f"{name}Left"] + units[f"{name}Right"] for name in BULGE)
    smile = _curve_lips(anatomy, template, lips, distance, masks["lips"], smile)
    fade = np.clip(np.interp(template[:, 1] - eye[1], SQUINT_FADES, (SQUINT_BELOW, 1)), 0, 1)
    for name, both in (("mouthSmile", smile), ("cheekSquint", squint * fade[:, None])):
        both = both + BULGE[name] * apple[:, None] * out
        both[:, 1] += RISE[name] * apple
        both = anatomy.symmetric(both)
        for side in SIDES:
            units[name + side][:] = half(anatomy, both, side)


def _curve_lips(
    anatomy: Anatomy,
    template: np.ndarray,
    lips: Rim,
    distance: np.ndarray,
    red: np.ndarray,
    both: np.ndarray,
) -> np.ndarray:
    """The smile `both` (V, 3) with lips that rise along a curve; skin near them gives way."""
    ends = lips.upper[[0, -1]]
    own = np.unique(np.concatenate([np.flatnonzero(red), lips.loop]))
    aside = np.clip(np.abs(template[own, 0]) / np.abs(template[ends, 0]).mean(), 0, 1)
    nearest = lips.loop[np.linalg.norm(template[own, None] - template[lips.loop], axis=2).argmin(1)]
    thinner = (1 - THINNED) * (template[own, 1] - template[nearest, 1])
    corner = both[ends, 1].mean()
    change = np.zeros((len(own), 3))
    change[:, 1] = MIDDLE_RISE + (corner - MIDDLE_RISE) * aside**CURVE - thinner - both[own, 1]
    return both + smooth_field(anatomy, distance < GIVING, pick(own, len(template)), change)


def _apple(template: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """How much the cheeks bulge, (V,): 1 at their middle, 0 inside the nasolabial folds."""
    x, y = np.abs(template[:, 0]) - eye[0], template[:, 1] - eye[1]
    outside = np.clip((x - np.interp(y, FOLD_HEIGHTS, FOLD_SIDES)) / FOLD_WIDTH, 0, 1)
    away = ((x - APPLE[0]) / APPLE_SIZE[0]) ** 2 + ((y - APPLE[1]) / APPLE_SIZE[1]) ** 2
    return np.exp(-away / 2) * outside**2 * (3 - 2 * outside)


def _out_of_the_face(anatomy: Anatomy, template: np.ndarray, apple: np.ndarray) -> np.ndarray:
    """The cheek's mean normal, (V, 3): the left one's, on the right its mirror image."""
    left = apple * (template[:, 0] > 0)
    normal = left @ vertex_normals(template, anatomy.faces)
    normal /= np.linalg.norm(normal)
    return np.where(template[:, :1] > 0, normal, normal * MIRROR)
