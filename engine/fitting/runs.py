"""Runs: stretches of frames that are solved together, cut into pieces, and what lies between."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.spatial.transform import Rotation, Slerp

from ..easing import ease
from .landmark_head import MESH_POINTS, POSE
from .start import Start

if TYPE_CHECKING:
    from ..faces import FaceTrack


_OVERLAP = 24  # frames that neighbouring pieces share
_MARGIN = 12  # frames solved again on each side of what sound changes
_LONGEST_GAP_SECONDS = 0.4  # without a face; a longer one separates two runs
_CUT_DISTANCE, _CUT_SCALE = 1.2, 0.35  # eye distances moved, log of size: nobody moves so


def runs_of(track: FaceTrack, start: Start) -> list[np.ndarray]:
    """Frames to solve together: cut where the face is long away, or jumps as only a cut does."""
    seen = np.flatnonzero(track.seen)
    points = track.landmarks[seen].astype(float)
    moved = np.linalg.norm(np.diff(points[:, :MESH_POINTS, :2].mean(1), axis=0), axis=1)
    eyes = np.linalg.norm(points[:, 33, :2] - points[:, 263, :2], axis=1)
    away = np.diff(track.times[seen])
    patience = np.maximum(1, np.diff(seen) / 2)
    cut = moved > _CUT_DISTANCE * np.maximum(eyes[1:], eyes[:-1]) * patience
    cut |= np.abs(np.diff(np.log(start.metre_per_px[seen]))) > _CUT_SCALE
    cut |= np.isin(seen[1:], track.cuts)
    cut |= (away > _LONGEST_GAP_SECONDS) & (np.diff(seen) > 1)
    parts = np.split(seen, np.flatnonzero(cut) + 1)
    return [np.arange(part[0], part[-1] + 1) for part in parts]


@dataclass(frozen=True)
class Run:
    """Frames to solve together, and how far their solution replaces what stands."""

    frames: np.ndarray  # (n,)
    share: np.ndarray  # (n,) in 0..1


def around(changed: np.ndarray, runs: list[np.ndarray]) -> list[Run]:
    """The stretches of `runs` about the frames `changed` (T,) bool; the rest may stay.

    The ends of a stretch, where it lacks its neighbours, keep what stands.
    """
    near, ramp, parts = maximum_filter1d(changed, 2 * _MARGIN + 1), _ramp(_MARGIN), []
    for run in runs:
        for part in np.split(run, np.flatnonzero(np.diff(near[run])) + 1):
            if not near[part[0]]:
                continue
            share = np.ones(len(part))
            if part[0] > run[0]:
                share[:_MARGIN] = ramp[: len(part)]
            if part[-1] < run[-1]:
                share[-_MARGIN:] = np.minimum(share[-_MARGIN:], ramp[::-1][-len(part) :])
            parts.append(Run(part, share))
    return parts


def chunks(run: Run, chunk: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Overlapping pieces of a run, each with the share (n,) that its solution gets.

    The outer third of an overlap, where a piece lacks its neighbours, is left to the other piece.
    """
    pieces, first, count = [], 0, len(run.frames)
    while True:
        last = min(count, first + chunk + _OVERLAP)
        share = run.share[first:last].copy()
        if first:
            share[:_OVERLAP] *= _ramp(_OVERLAP)
        pieces.append((run.frames[first:last], share))
        if last == count:
            return pieces
        first = last - _OVERLAP


def _ramp(frames: int) -> np.ndarray:
    """Shares over an overlap, (frames,): none in its first third, all in its last."""
    return np.clip((np.arange(frames) + 0.5 - frames / 3) / (frames / 3), 0, 1)


def bridge(x: np.ndarray, runs: list[np.ndarray], times: np.ndarray) -> None:
    """Fill the frames between runs (eased from one to the next), before and after them (held)."""
    x[: runs[0][0]] = x[runs[0][0]]
    x[runs[-1][-1] + 1 :] = x[runs[-1][-1]]
    for before, after in pairwise(runs):
        a, b = before[-1], after[0]
        gap = np.arange(a + 1, b)
        if len(gap):
            s = ease((times[gap] - times[a]) / (times[b] - times[a]))
            x[gap] = x[a] + s[:, None] * (x[b] - x[a])
            turn = Slerp([0, 1], Rotation.from_rotvec(x[[a, b], POSE]))
            x[gap, POSE] = turn(s).as_rotvec()
