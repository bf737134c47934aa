"""A performance that networks read, or a descent moved, trembles: it is calmed by the fit's motion.

Each unknown stays with what was read as firmly as it is read exactly, which its own second
differences tell, and moves as the fit lets it: rests are held still, events let go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solveh_banded

from ..head.model import FaceParams, Head
from .evidence import pace_of_unknowns
from .landmark_head import (
    JAW,
    JOINTS_END,
    LEFT_EYE,
    POSE,
    RIGHT_EYE,
    TRANSLATION,
    landmark_head,
)
from .motion import Motion, TimeTerms
from .runs import runs_of
from .start import first_pose, region_pace
from .terms import moving_parts, unit_prior

if TYPE_CHECKING:
    from ..faces import FaceTrack

_WEIGHT = 0.3  # of the motion model: half of what counts as noise here is motion
_NORMAL_MEDIAN = 0.6745  # of a normal deviate's size, in its standard deviations
_LEAST_SD = 1e-5  # of an unknown that never trembles: it stays as it is


def calm(params: FaceParams, track: FaceTrack, head: Head) -> FaceParams:
    """The performance of a track without its tremble; nothing is carried over a cut."""
    marks = landmark_head(head.file)
    start, x = first_pose(track, marks), marks.unknowns_of(params)
    runs = [frames for frames in runs_of(track, start) if len(frames) > 2]
    if not runs:
        return params
    tremble = np.concatenate([np.diff(x[frames], 2, axis=0) for frames in runs])
    sd = np.median(np.abs(tremble), axis=0) / _NORMAL_MEDIAN / np.sqrt(6)  # 1 + 4 + 1 frames
    firmness = 1 / np.maximum(sd, _LEAST_SD) ** 2  # (D,)
    pace, prior, parts = region_pace(track, start), unit_prior(marks), moving_parts(marks)
    moved = np.zeros_like(x)
    for frames in runs:
        read, shape = x[frames], (len(frames), x.shape[1])
        at = pace_of_unknowns(marks, pace, frames)
        motion = Motion(track.times[frames], prior, _WEIGHT, at, np.zeros(shape), parts)
        once = _held(read, firmness, motion.terms())
        moved[frames] = _held(read, firmness, motion.sharpened(once, np.ones(shape, bool)).terms())
        moved[frames] -= read
    eyes = params.eyes.copy()
    eyes[:, 0:2] += moved[:, LEFT_EYE]
    eyes[:, 3:5] += moved[:, RIGHT_EYE]
    file, change = head.file, moved[:, JOINTS_END:] @ marks.unit_mix
    units = np.clip(params.expression + change, file.expression_low, file.expression_high)
    return params.replace(
        head_pose=params.head_pose + moved[:, POSE],
        head_translation=params.head_translation + moved[:, TRANSLATION],
        jaw=params.jaw + moved[:, JAW],
        eyes=eyes,
        expression=units,
    )


def _held(read: np.ndarray, firmness: np.ndarray, time: TimeTerms) -> np.ndarray:
    """The unknowns (n, D) nearest to those `read`, by a weight (D,), that move little."""
    n, D = read.shape
    out, band = np.empty_like(read), np.zeros((3, n))
    for k in range(D):
        band[0] = firmness[k] + time.diagonal[:, k]
        band[1, :-1], band[2, :-2] = time.first[:-1, k], time.second[:-2, k]
        out[:, k] = solveh_banded(band, firmness[k] * read[:, k], lower=True, check_finite=False)
    return out
