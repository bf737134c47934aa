"""What the fit believes: how exact each landmark is, how far and how fast a face moves.

Landmark numbers are MediaPipe's 468. Left and right are the subject's. Millimetre figures were
chosen on clips against trackers that the fit does not use (docs/log.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..head.places import CHIN, CHIN_EDGE, OVAL
from .landmark_head import (
    JAW,
    JOINTS_END,
    LEFT_EYE,
    LEFT_PUPIL,
    MESH_POINTS,
    POINTS,
    POSE,
    RIGHT_EYE,
    RIGHT_PUPIL,
    TRANSLATION,
    LandmarkHead,
)

# fmt: off
OUTER_LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39,
              37, 0, 267, 269, 270, 409]
INNER_LIPS = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81,
              82, 13, 312, 311, 310, 415]
MOUTH_CORNERS = [61, 291, 78, 308]
RIGHT_LIDS = [33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173]
LEFT_LIDS = [263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398]
RIGHT_BROW = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55]
LEFT_BROW = [300, 293, 334, 296, 336, 276, 283, 282, 295, 285]
EARSIDE = [162, 127, 234, 93, 132, 58, 172, 389, 356, 454, 323, 361, 288, 397]
HAIRLINE = [10, 338, 109, 297, 67, 332, 103, 284, 54]
NOSE = [1, 2, 4, 5, 6, 195, 197, 168, 98, 327, 97, 326, 94, 19, 48, 278, 64, 294, 115, 344,
        220, 440, 45, 275]
EYE_CORNERS = [33, 133, 362, 263]
# Points that expressions hardly move: they place the head before anything else is known.
STABLE = [6, 197, 195, 5, 4, 1, 168, 33, 133, 362, 263, 8, 9, 151, 122, 351, 193, 417, 129, 358,
          98, 327, 2, 127, 356, 234, 454, 10]
LIP_PAIRS = [(191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402),
             (310, 318), (415, 324)]
RIGHT_LID_PAIRS = [(161, 163), (160, 144), (159, 145), (158, 153), (157, 154)]
LEFT_LID_PAIRS = [(388, 390), (387, 373), (386, 374), (385, 380), (384, 381)]
LID_CORNER_PAIRS = [(246, 7), (173, 155), (466, 249), (398, 382)]
# fmt: on
PAIRS = np.array(LIP_PAIRS + RIGHT_LID_PAIRS + LEFT_LID_PAIRS)  # (P, 2): upper, lower
SUBNASALE = 2

# Standard deviations, mm, of a landmark about the head's own point; in order, the later wins.
# Both points of a corner of the mouth err alike: .12 for the two.
_LANDMARK_MM = (
    (OVAL, 3.5), (EARSIDE, 2.0), (HAIRLINE, 5.0), (CHIN, 0.6), (CHIN_EDGE, 0.8), (NOSE, 1.3),
    (RIGHT_BROW + LEFT_BROW, 0.5), (OUTER_LIPS, 1.0), (INNER_LIPS, 1.2),
    (RIGHT_LIDS + LEFT_LIDS, 0.8), (EYE_CORNERS, 0.3), (MOUTH_CORNERS, 0.17),
)  # fmt: skip
_OTHER_MM, _PUPIL_MM = 2.0, 1.2
PAIR_SD = 0.5e-3  # m, of the difference of two lip or lid points
ROBUST_SIZE = 6e-3  # m: a residual of this size counts half

# A unit's standard deviation, as a part of its range; names without Left/Right, by their start.
_UNIT_SD = {
    "eyeBlink": 1.5, "eyeWide": 0.5, "mouthSmile": 1.0, "mouthPucker": 0.8, "mouthFunnel": 0.7,
    "mouthClose": 0.25, "mouthLowerDown": 0.9, "mouthUpperUp": 0.9, "mouthStretch": 0.6,
    "browInnerUp": 0.8, "browOuterUp": 0.8, "browDown": 0.6, "jawForward": 0.2,
    "cheekSquint": 0.25, "mouthPress": 0.25, "mouthDimple": 0.25, "mouthLeft": 0.25,
    "mouthRight": 0.25, "mouthRoll": 0.5, "lipsPart": 0.4, "noseSneer": 0.3, "mouthShrug": 0.3,
    "Exp": 0.2,  # FLAME's: one of its own standard deviations
}  # fmt: skip
_OTHER_UNIT_SD = 0.45
_SPARSE = 0.5  # L1 weight of units that only go one way: few units explain a face
_LIDS = ("eyeBlink", "eyeSquint", "eyeWide")
_SIDES_SD: dict[str, float] = dict.fromkeys(_LIDS, 0.12)  # left minus right
_OTHER_SIDES_SD = 0.3
# Of the first difference where a region is hidden; a hidden eye's lids are to go with the other's.
_LID_STEP_SD, _OTHER_STEP_SD = 0.3, 0.03
# Units whose lasting part is a person's looks, not an expression: dear while identity is sought.
_LOOKS = (
    "brow", "noseSneer", "cheek", "eyeSquint", "mouthStretch", "mouthDimple", "mouthFrown",
    "eyeWide", "jawForward", "mouthClose", "mouthRoll", "lipsPart",
)  # fmt: skip
_LOOKS_FACTOR = 6.0
_SHOWN_TEETH, _TEETH_FACTOR = "mouthUpperUp", 2.5  # how much of them shows: looks in part
_USUAL_JAW = 0.09  # rad, what a person's jaw is pulled to where who it is is sought: it ends lower
_LEVEL, _LEVEL_SD = -0.1, 0.05  # rad: how people hold their heads before a camera (docs/log.md)

# Standard deviation of the second difference at 25 frames per second.
_UNIT_ACCELERATION = {
    "eyeBlink": 0.25, "eyeWide": 0.25, "eyeSquint": 0.10, "brow": 0.075, "noseSneer": 0.0125,
    "cheek": 0.0125, "mouthClose": 0.05, "lipsPart": 0.05, "mouthRoll": 0.05,
    "mouthFunnel": 0.035,
    "mouthPucker": 0.035, "mouthLowerDown": 0.05, "mouthUpperUp": 0.05, "Exp": 0.05,
}  # fmt: skip
_OTHER_ACCELERATION = 0.02
# Mean speed of a region's points, mm/s, at which the figures above hold; and how far they stretch.
USUAL_SPEED = {"mouth": 12.0, "left_eye": 12.0, "right_eye": 12.0, "brows": 3.0}
PACE_RANGE = (0.15, 2.5)
REFERENCE_SECONDS = 1 / 25  # the frame time that the figures above and below are for


@dataclass(frozen=True)
class Prior:
    """Quadratic, linear and bound terms on the D unknowns of a frame."""

    precision: np.ndarray  # (D, D)
    linear: np.ndarray  # (D,)
    low: np.ndarray  # (D,)
    high: np.ndarray  # (D,)
    acceleration: np.ndarray  # (D,) sd of the second difference at REFERENCE_SECONDS
    step: np.ndarray  # (D,) sd of the first difference where the face is hidden


def landmark_sd(head: LandmarkHead) -> np.ndarray:
    """How far a landmark may be from the head's own point, (L,) m."""
    sd = np.full(POINTS, _OTHER_MM)
    for points, millimetres in _LANDMARK_MM:
        sd[points] = millimetres
    sd[MESH_POINTS:] = _PUPIL_MM
    return sd * 1e-3


def region_points(head: LandmarkHead) -> dict[str, np.ndarray]:
    """Which points each region of `exchange.take.REGIONS` (but the face) takes with it, (L,)."""
    groups = {
        "left_eye": [*LEFT_LIDS, LEFT_PUPIL],
        "right_eye": [*RIGHT_LIDS, RIGHT_PUPIL],
        "brows": LEFT_BROW + RIGHT_BROW,
    }
    regions = {name: np.isin(np.arange(POINTS), points) for name, points in groups.items()}
    regions["mouth"] = head.template[:, 1] < head.template[SUBNASALE, 1]
    return regions


def moving_points() -> dict[str, list[int]]:
    """The points by whose speed a region is said to rest or to move."""
    return {
        "mouth": INNER_LIPS + OUTER_LIPS,
        "left_eye": LEFT_LIDS,
        "right_eye": RIGHT_LIDS,
        "brows": LEFT_BROW + RIGHT_BROW,
    }


@lru_cache(maxsize=2)
def region_unknowns(head: LandmarkHead) -> dict[str, np.ndarray]:
    """Which unknowns each region decides, (D,): a unit belongs where it moves points most."""
    points = region_points(head)
    names = list(points)
    reach = np.linalg.norm(head.unit_basis, axis=1)  # (L, U)
    owner = np.argmax([np.quantile(reach[points[name]], 0.9, axis=0) for name in names], axis=0)
    unknowns = {}
    for k, name in enumerate(names):
        mask = np.zeros(head.unknowns, bool)
        mask[JOINTS_END:] = owner == k
        unknowns[name] = mask
    unknowns["mouth"][JAW] = True
    unknowns["left_eye"][LEFT_EYE] = True
    unknowns["right_eye"][RIGHT_EYE] = True
    return unknowns


def moving_parts(head: LandmarkHead) -> tuple[np.ndarray, ...]:
    """Unknowns (D,) bool that rest and move together: the head, its brows, its mouth.

    Not the eyes: a blink stands in no solution until the last steps.
    """
    regions = region_unknowns(head)
    return np.arange(head.unknowns) < TRANSLATION.stop, regions["brows"], regions["mouth"]


def unit_prior(head: LandmarkHead, seeking_identity: bool = False) -> Prior:
    """The prior of a head's units by their names; unknown names get the common figures."""
    D = head.unknowns
    sd = np.full(D, np.inf)
    sd[JAW] = (0.15, 0.05, 0.02)
    sd[LEFT_EYE] = sd[RIGHT_EYE] = 0.35
    low, high = np.full(D, -np.inf), np.full(D, np.inf)
    low[JAW], high[JAW] = (-0.03, -0.15, -0.15), (0.55, 0.15, 0.15)
    for eye in (LEFT_EYE, RIGHT_EYE):
        low[eye], high[eye] = -0.7, 0.7
    low[JOINTS_END:], high[JOINTS_END:] = head.unit_low, head.unit_high
    acceleration, step = np.empty(D), np.empty(D)
    acceleration[POSE], step[POSE] = 0.025, 0.002
    acceleration[TRANSLATION], step[TRANSLATION] = (2e-3, 2e-3, 4e-3), 2e-3
    acceleration[JAW], step[JAW] = (0.0085, 0.003, 0.003), (0.01, 0.004, 0.004)
    for eye in (LEFT_EYE, RIGHT_EYE):
        acceleration[eye], step[eye] = 0.08, 0.02
    linear, looks = np.zeros(D), np.ones(D)
    if seeking_identity:  # or a long chin hangs open, and a short one never opens
        looks[JAW.start] = _LOOKS_FACTOR
        linear[JAW.start] = -_USUAL_JAW / sd[JAW.start] ** 2
    for name, k in head.column.items():
        reach = max(abs(low[k]), abs(high[k]))
        sd[k] = reach * _figure(_UNIT_SD, name, _OTHER_UNIT_SD)
        acceleration[k] = reach * _figure(_UNIT_ACCELERATION, name, _OTHER_ACCELERATION)
        step[k] = reach * (_LID_STEP_SD if name.startswith(_LIDS) else _OTHER_STEP_SD)
        linear[k] = _SPARSE / reach if low[k] >= 0 else 0.0
        if seeking_identity and name.startswith(_LOOKS):
            looks[k] = _LOOKS_FACTOR
        elif seeking_identity and name.startswith(_SHOWN_TEETH):
            looks[k] = _TEETH_FACTOR
    precision = np.diag(looks / sd**2)
    for a, b, difference_sd in _tied(head):
        precision[[a, b], [a, b]] += 1 / difference_sd**2
        precision[[a, b], [b, a]] -= 1 / difference_sd**2
    return Prior(precision, linear * looks, low, high, acceleration, step)


def before_camera(prior: Prior) -> Prior:
    """The prior of a clip that never shows the face below the eyes.

    Eyes and brows hardly tell how far a head nods, and the person doesn't say it in other frames.
    """
    precision, linear = prior.precision.copy(), prior.linear.copy()
    precision[POSE.start, POSE.start] += 1 / _LEVEL_SD**2
    linear[POSE.start] -= _LEVEL / _LEVEL_SD**2
    return replace(prior, precision=precision, linear=linear)


def _tied(head: LandmarkHead) -> list[tuple[int, int, float]]:
    """Pairs of unknowns that tend to be equal, and by how much they may differ."""
    left, right = LEFT_EYE.start, RIGHT_EYE.start
    ties = [(left, right, 0.02), (left + 1, right + 1, 0.04)]
    for name, k in head.column.items():
        other = head.column.get(f"{name.removesuffix('Left')}Right")
        if name.endswith("Left") and name != "mouthLeft" and other is not None:
            ties.append((k, other, _figure(_SIDES_SD, name, _OTHER_SIDES_SD)))
    return ties


def _figure(table: dict[str, float], name: str, default: float) -> float:
    """The figure of the first entry that `name` starts with."""
    return next((value for start, value in table.items() if name.startswith(start)), default)
