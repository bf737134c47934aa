"""Eyes that are shut: the tracker leaves their lids apart, by .02 to .1 of the eye's width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..exchange.take import REGIONS
from ..head.model import FaceParams, Head
from .terms import LEFT_LID_PAIRS, RIGHT_LID_PAIRS

if TYPE_CHECKING:
    from ..faces import FaceTrack

# An eye's height over its width: up to here it is shut, from there on as open as it looks.
_SHUT, _OPEN = 0.08, 0.16
_TRUST = 2.5  # a shut eye is a sharp event: so much more its lids weigh
_WINK_TRUST = 8.0  # of both eyes in a wink: the prior has eyes shut together
_EYES = ((RIGHT_LID_PAIRS, (33, 133)), (LEFT_LID_PAIRS, (263, 362)))  # and their corners
_MIDDLE = [1, 3]  # of the pairs of an eye
_BELIEVED = 0.5  # confidence in an eye
_BLINKS = (("eyeBlinkRight", "right_eye"), ("eyeBlinkLeft", "left_eye"))


def shut_lids(
    points: np.ndarray, offset: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The lids' apertures and their weights, with those of shut eyes closed; winks weigh most.

    Args:
        points: (n, L, 2) px, the tracker's.
        offset: (n, p, 2) px, upper less lower point of the lids' pairs, right eye then left.
        weight: (n, p) of them.
    """
    apertures = _apertures(points)
    shut = _shut(apertures)
    wide = np.clip((apertures.max(1) - _OPEN) / (_OPEN - _SHUT), 0, 1)
    wink = (shut.max(1) * wide)[:, None]  # one eye shut, the other wide open
    shut = np.repeat(shut, [len(pairs) for pairs, _ in _EYES], axis=1)
    return offset * (1 - shut)[:, :, None], weight * (1 + _TRUST * shut + _WINK_TRUST * wink)


def eyes_shut(points: np.ndarray) -> np.ndarray:
    """How far right and left eye are shut, (n, 2) 0..1, by points (n, L, 2) px."""
    return _shut(_apertures(points))


def _shut(apertures: np.ndarray) -> np.ndarray:
    """How far eyes of such `_apertures` are shut, 0..1."""
    return np.clip((_OPEN - apertures) / (_OPEN - _SHUT), 0, 1)


def _apertures(points: np.ndarray) -> np.ndarray:
    """Height over width of right and left eye, (n, 2)."""
    ratios = []
    for pairs, (outer, inner) in _EYES:
        upper, lower = np.array(pairs)[_MIDDLE].T
        height = np.linalg.norm(points[:, upper] - points[:, lower], axis=2).mean(1)
        width = np.linalg.norm(points[:, outer] - points[:, inner], axis=1)
        ratios.append(height / np.maximum(width, 1e-6))
    return np.stack(ratios, 1)


def with_shut_eyes(params: FaceParams, track: FaceTrack, head: Head) -> FaceParams:
    """A performance that wasn't fitted, its eyes at least as shut as the tracker sees them."""
    shut = eyes_shut(np.nan_to_num(track.landmarks[:, :, :2].astype(float)))  # (T, 2)
    expression, names = params.expression.copy(), list(head.file.expression_names)
    for side, (unit, region) in enumerate(_BLINKS):
        if unit in names:
            known = track.seen & (
                np.nan_to_num(track.confidence[:, REGIONS.index(region)]) > _BELIEVED
            )
            column = expression[:, names.index(unit)]  # a view
            column[known] = np.maximum(column, shut[:, side])[known]
    return params.replace(expression=expression)
