"""How sure each region of a fitted clip is: by the track, and where the head meets its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..exchange.take import REGIONS
from .landmark_head import MESH_POINTS, LandmarkHead
from .projection import project
from .start import Start, observed_points
from .subject import Subject
from .terms import region_points

if TYPE_CHECKING:
    from ..faces import FaceTrack

_HALF_MM = 3.0  # a region that misses its points so far is half believed
_PROFILE = (0.5, 1.2)  # rad of turn between which confidence falls
_CHUNK = 400  # frames projected at once


def region_confidence(
    x: np.ndarray,
    subject: Subject,
    track: FaceTrack,
    start: Start,
    head: LandmarkHead,
    runs: list[np.ndarray],
) -> np.ndarray:
    """The track's confidence (T, R), lowered by the fit's residual and by profile views.

    Args:
        x: (T, D) the unknowns as solved.
        subject: The person before the camera.
        track: What was fitted to.
        start: Of the same track, for its scale.
        head: Whose unknowns they are.
        runs: Frames that were solved; the others have none.
    """
    turned = np.arccos(np.clip(np.cos(x[:, 0]) * np.cos(x[:, 1]), -1, 1))
    frontal = np.interp(turned, _PROFILE, (1, 0.3))[:, None]
    missed = _residuals_mm(x, subject, track, start, head)
    met = 1 / (1 + (np.nan_to_num(missed, nan=np.inf) / _HALF_MM) ** 2)
    solved = np.zeros(len(x), bool)
    solved[np.concatenate(runs)] = True
    return np.nan_to_num(track.confidence) * met * frontal * (track.seen & solved)[:, None]


def _residuals_mm(
    x: np.ndarray, subject: Subject, track: FaceTrack, start: Start, head: LandmarkHead
) -> np.ndarray:
    """Mean distance of the fitted points to the track's by region, (T, R); NaN where not seen."""
    face = np.arange(len(head.template)) < MESH_POINTS
    regions = {"face": face, **region_points(head)}
    mm = np.full((len(x), len(REGIONS)), np.nan)
    for first in range(0, len(x), _CHUNK):
        frames = np.arange(first, min(len(x), first + _CHUNK))
        frames = frames[track.seen[frames]]
        uv, _ = project(x[frames], subject)
        distance = np.linalg.norm(uv - observed_points(track, frames), axis=2)
        in_mm = distance * start.metre_per_px[frames, None] * 1e3
        for k, name in enumerate(REGIONS):
            mm[frames, k] = in_mm[:, regions[name]].mean(1)
    return mm
