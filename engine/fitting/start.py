"""Where the head is in the picture before anything is solved, and how fast its parts move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.spatial.transform import Rotation

from .landmark_head import MESH_POINTS, POSE, TRANSLATION, LandmarkHead
from .terms import LIP_PAIRS, PACE_RANGE, STABLE, USUAL_SPEED, moving_points

if TYPE_CHECKING:
    from ..faces import FaceTrack


_SPEED_SECONDS = 0.16  # across which a region's speed is taken


@dataclass(frozen=True)
class Start:
    """Where the head is before anything else is known, frames without a face filled in."""

    pose: np.ndarray  # (T, 3) rad
    origin_px: np.ndarray  # (T, 2) the head's origin in the picture
    metre_per_px: np.ndarray  # (T,)


def observed_points(track: FaceTrack, frames: np.ndarray) -> np.ndarray:
    """The fit's L points in the picture, (n, L, 2) px; zeros where no face was seen."""
    order = [*range(MESH_POINTS), 473, 468]  # left pupil, right pupil
    return np.nan_to_num(track.landmarks[frames][:, order, :2].astype(float))


def lip_gaps(track: FaceTrack, start: Start) -> np.ndarray:
    """How far the tracker sees the pairs of lip points apart, (T, lips) m; 0 without a face."""
    upper, lower = np.array(LIP_PAIRS).T
    apart = track.landmarks[:, upper, :2] - track.landmarks[:, lower, :2]
    return np.nan_to_num(np.linalg.norm(apart, axis=2)) * start.metre_per_px[:, None]


def first_pose(track: FaceTrack, head: LandmarkHead) -> Start:
    """Scaled orthographic alignment of points that expressions hardly move (Umeyama 1991)."""
    seen = np.flatnonzero(track.seen)
    model = head.template[STABLE]
    centre = model.mean(0)
    shape = model - centre
    picture = track.landmarks[seen][:, STABLE].astype(float) * [1, -1, -1]
    middle = picture.mean(1)  # (n, 3)
    u, _, v = np.linalg.svd(np.einsum("lc,nld->ncd", shape, picture - middle[:, None]))
    flip = np.ones((len(seen), 3))
    flip[:, 2] = np.sign(np.linalg.det(u @ v))
    rotation = np.swapaxes((u * flip[:, None]) @ v, 1, 2)  # (n, 3, 3)
    turned = shape @ np.swapaxes(rotation, 1, 2)
    scale = np.sum(turned * (picture - middle[:, None]), axis=(1, 2)) / np.sum(shape**2)  # px / m
    origin = middle - scale[:, None] * (rotation @ centre)
    every = np.arange(len(track.times))

    def filled(values: np.ndarray) -> np.ndarray:
        columns = values.reshape(len(seen), -1).T
        return np.stack([np.interp(every, seen, c) for c in columns], 1)

    return Start(
        pose=filled(Rotation.from_matrix(rotation).as_rotvec()),
        origin_px=filled(origin[:, :2] * [1, -1]),
        metre_per_px=filled(1 / scale)[:, 0],
    )


def first_unknowns(
    start: Start, head: LandmarkHead, focal: float, size: tuple[int, int]
) -> np.ndarray:
    """The unknowns (T, D) of a neutral face at the first pose."""
    x = np.zeros((len(start.pose), head.unknowns))
    depth = focal * start.metre_per_px
    x[:, POSE] = start.pose
    offset = (start.origin_px - np.array(size) / 2) * start.metre_per_px[:, None]
    x[:, TRANSLATION] = np.stack([offset[:, 0], -offset[:, 1], -depth], 1)
    return x


def region_pace(track: FaceTrack, start: Start) -> dict[str, np.ndarray]:
    """How fast each region moves against its usual speed, (T,) each.

    Speeds are taken across a sixth of a second, in which landmark noise hardly counts, after each
    face has been laid on the mean one by the points that expressions hardly move (in the picture).
    """

    def planar(chosen: Sequence[int]) -> np.ndarray:
        """Points of the mesh, (T, chosen) complex px: of all at once ten minutes take 500 MB."""
        return np.nan_to_num(track.landmarks[:, chosen, :2].astype(float)) @ np.array([1, 1j])

    stable = planar(STABLE)
    middle = stable.mean(1, keepdims=True)
    mean = (stable - middle)[track.seen].mean(0)
    laid = (stable - middle) @ mean.conj() / np.sum(np.abs(mean) ** 2)  # (T,) turn and scale
    laid[~track.seen] = 1
    mm_per_px = np.median(start.metre_per_px * np.abs(laid)) * 1e3
    times = track.times
    before = np.searchsorted(times, times - _SPEED_SECONDS / 2 - 1e-6)
    after = np.searchsorted(times, times + _SPEED_SECONDS / 2 + 1e-6, side="right") - 1
    seconds = np.maximum(times[after] - times[before], 1e-3)
    pace = {}
    for name, chosen in moving_points().items():
        in_mm = (planar(chosen) - middle) / laid[:, None] * mm_per_px
        moved = np.abs(in_mm[after] - in_mm[before]).mean(1)
        speed = uniform_filter1d(moved / seconds, 3)
        speed[~(track.seen[before] & track.seen[after])] = USUAL_SPEED[name]
        pace[name] = np.clip(speed / USUAL_SPEED[name], *PACE_RANGE)
    return pace
