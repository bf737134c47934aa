"""The jaw by the rows of teeth: how far apart they stand in the picture, lips and chin aside.

A lowered lip draws the chin's skin with it, so chins tell of lips and jaw together. The lower row
goes with the jaw alone and the upper one with the skull. Where the lip hides the upper row, it
stands where the clip's other frames show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..faces.mouth_crop import INNER_LIPS
from ..geometry import rotation_matrix
from .landmark_head import JAW, LandmarkHead
from .solver import Targets
from .start import Start, observed_points
from .terms import EYE_CORNERS

if TYPE_CHECKING:
    from ..faces import FaceTrack

_UPPER_LIP, _LOWER_LIP = 13, 14
_FREE = 0.5  # of a point, how far it is hidden
_FRONT = [*EYE_CORNERS, 168, 6, 197, 195, 98, 327, 2]  # eyes and nose
_ANGLES = np.linspace(-0.05, 0.45, 26)  # rad: jaws that are tried
_LARGEST_SD = 0.03  # rad: more tells nothing
_STRENGTH = 2.0  # beside the fourteen points of the chin, which are as many witnesses of one thing
_LEAST_SD = 0.4e-3  # m: no row is read more exactly
_HEIGHT_SD, _NOD_SD = 2.0e-3, 0.8e-3  # m: of people's rows about the head's; of the first pose


@dataclass(frozen=True)
class JawByRows:
    """What the rows say of the jaw's pitch in n frames, rad; sd infinite where they don't."""

    angle: np.ndarray  # (n,)
    sd: np.ndarray  # (n,)

    def targets(self, frames: np.ndarray, seen: np.ndarray, head: LandmarkHead) -> Targets:
        """The jaw of `frames` (n,) as a wish, where the mouth is `seen` (T,) and rows tell it."""
        out = Targets(*np.zeros((2, len(frames), head.unknowns)))
        sure = (self.sd < _LARGEST_SD) & seen
        out.value[:, JAW.start] = self.angle[frames]
        out.weight[:, JAW.start] = np.where(sure, _STRENGTH / self.sd**2, 0)[frames]
        return out


def jaw_by_rows(track: FaceTrack, head: LandmarkHead, start: Start, seen: np.ndarray) -> JawByRows:
    """The jaw of every frame by `track.rows`, for a person whose rows are the head's.

    Nothing is told where the mouth isn't `seen` (T,) bool, or something hides part of the lips: its
    edge passes for a row's.
    """
    frames = np.arange(len(track.times))
    nothing = JawByRows(np.zeros(len(frames)), np.full(len(frames), np.inf))
    if track.rows is None or head.incisors is None:
        return nothing
    points = observed_points(track, frames)
    top, bottom = points[:, _UPPER_LIP], points[:, _LOWER_LIP]  # (T, 2) px
    gap = np.linalg.norm(bottom - top, axis=1)
    down = (bottom - top) / np.maximum(gap, 1e-6)[:, None]
    gap = gap * start.metre_per_px * _nearness(track, head, start)  # m
    told = np.isfinite(track.rows).all((1, 2)) & (gap > 0) & seen
    if track.hidden is not None:
        told &= track.hidden[:, INNER_LIPS].max(1) < _FREE
    if not told.any():
        return nothing
    place, sd = np.moveaxis(np.where(told[:, None, None], track.rows, 0), 2, 0)  # (T, 2) each
    read = place * gap[:, None]  # m below the upper lip
    sd = np.where(told[:, None], np.hypot(sd * gap[:, None], _LEAST_SD), np.inf)
    stands = _below(head.incisors[0][None], top, down, start)[:, 0]
    upper, upper_sd = _steady_upper(read[:, 0] - stands, sd[:, 0])
    apart = read[:, 1] - (upper + stands)  # (T,) m
    joint, (above, below) = head.joints[0], head.incisors
    turn = rotation_matrix(np.stack([_ANGLES, 0 * _ANGLES, 0 * _ANGLES], 1))  # (A, 3, 3)
    way = joint + turn @ (below - joint) - above  # (A, 3) from the upper edge to the lower
    seen = np.einsum("tij,aj->tai", rotation_matrix(start.pose), way)[..., :2] * [1, -1]
    expected = np.einsum("tai,ti->ta", seen, down)  # (T, A) m, rises with the angle
    angle = np.array([np.interp(a, e, _ANGLES) for a, e in zip(apart, expected, strict=True)])
    lever = np.maximum(np.gradient(expected, _ANGLES, axis=1).mean(1), 0.02)
    return JawByRows(angle, np.hypot(sd[:, 1], upper_sd) / lever)


def _nearness(track: FaceTrack, head: LandmarkHead, start: Start) -> float:
    """The size of a pixel at the front of the face, where teeth are, over the whole head's."""
    turn, seen = rotation_matrix(start.pose)[track.seen], track.landmarks[track.seen]
    turned = np.einsum("tij,lj->tli", turn, head.template[_FRONT])[..., :2] * [1, -1]
    turned -= turned.mean(1, keepdims=True)
    picture = seen[:, _FRONT, :2].astype(float)
    picture -= picture.mean(1, keepdims=True)
    in_metres = picture * start.metre_per_px[track.seen, None, None]
    return float(np.median(np.sum(turned**2, (1, 2)) / np.sum(turned * in_metres, (1, 2))))


def _below(point: np.ndarray, top: np.ndarray, down: np.ndarray, start: Start) -> np.ndarray:
    """How far below the upper lip the skull's points (K, 3) are seen in T frames, (T, K) m."""
    turned = np.einsum("tij,kj->tki", rotation_matrix(start.pose), point)[..., :2] * [1, -1]
    lip = (top - start.origin_px) * start.metre_per_px[:, None]
    return np.einsum("tki,ti->tk", turned - lip[:, None], down)


def _steady_upper(off: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the upper row is off the head's in each frame, by what was read there and elsewhere.

    (T,) m each, with their standard deviations. Readings in a row are read off the same teeth.
    """
    weight = 1 / (sd**2 + _NOD_SD**2)
    order = np.argsort(off)
    share = np.cumsum(weight[order]) / weight.sum()
    middle = off[order][np.searchsorted(share, 0.5)]
    told = min(weight.sum() * 0.1, 1 / _NOD_SD**2)
    middle, its = middle * told / (told + 1 / _HEIGHT_SD**2), 1 / (told + 1 / _HEIGHT_SD**2)
    here, there = 1 / sd**2, 1 / (its + _NOD_SD**2)
    return (here * off + there * middle) / (here + there), 1 / np.sqrt(here + there)
