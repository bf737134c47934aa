"""A second look at a face that has been followed: our own landmark network beside the tracker's.

The errors of the two are their own, so their mean follows a face better than either. Where each
puts a point in the lasting mean is a matter of convention: the tracker's is kept when asked.

With something before the mouth the tracker's chin, nose and contour go astray (2 to 7 % of the
face's width), its lids hardly (0.4 %). The network's brows and contour hold better (0.7 %, 1.3 to
3 %), and it says how far each point can be trusted.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from .exchange.take import REGIONS
from .faces import FaceTrack
from .media import Clip
from .seen import NETWORK, Looks, blend_points, look_at_faces
from .weights import registry

_COVERED_BELOW = 0.5  # confidence in the mouth
_CLEAR_FRAMES = 16  # that tell the difference of conventions
_SURE_SIGMA = (0.035, 0.055)  # of a point, in widths of the face: fully trusted, not at all
_SHAKEN = 0.01  # trust in what a cover disturbs


def second_look(
    clip: Clip,
    track: FaceTrack,
    points: Collection[int] | None = None,
    keep_convention: bool = False,
) -> FaceTrack:
    """The track with the mean of both looks at `points` of the mesh (all that the network knows).

    With `keep_convention` each point's median difference over the clip is taken out first. Memory
    stays flat with the clip's length.
    """
    blended = np.full((*track.landmarks.shape[:2], 2), np.nan)
    for frames, _, seen in look_at_faces(clip, track.boxes, np.flatnonzero(track.seen)):
        blended[frames] = blend_points(track.landmarks[frames], seen)
    moved = blended - track.landmarks[..., :2]
    if keep_convention:
        moved -= np.median(moved[track.seen], axis=0)
    if points is not None:
        moved[:, np.setdiff1d(np.arange(moved.shape[1]), list(points))] = 0
    landmarks = track.landmarks.copy()
    landmarks[track.seen, :, :2] += moved[track.seen].astype(np.float32)
    return replace(track, landmarks=landmarks)


def look_beneath(clip: Clip, track: FaceTrack) -> FaceTrack:
    """The track with the network's brows, contour and skin where the mouth is covered.

    Its `trust` says there how far each point is to be believed. A track without a cover is handed
    back as it is, as where the product carries no such network.
    """
    covered = track.seen & (track.confidence[:, REGIONS.index("mouth")] < _COVERED_BELOW)
    if not covered.any() or NETWORK not in registry():
        return track
    from .models.landmarks import BROWS, LIDS, OVAL, POINTS, SKIN

    clear = _spread(np.flatnonzero(track.seen & ~covered), track)
    looks = _look_at(clip, track, np.union1d(np.flatnonzero(covered), clear))
    frames = looks.frames
    numbers, taken = np.array(POINTS), np.isin(POINTS, BROWS + OVAL + SKIN)
    apart = looks.points - track.landmarks[frames][:, numbers, :2]  # (n, L, 2)
    usual = np.median(apart[~covered[frames]], axis=0) if len(clear) else 0.0
    rows, beneath = frames[covered[frames]], covered[frames]
    landmarks = track.landmarks.copy()
    landmarks[rows[:, None], numbers[taken], :2] = (looks.points - usual)[beneath][:, taken]
    width = np.ptp(track.boxes[rows][:, [0, 2]], axis=1)[:, None]
    gone = (looks.sigma[beneath] / width - _SURE_SIGMA[0]) / np.ptp(_SURE_SIGMA)
    trust = np.full(track.landmarks.shape[:2], np.nan)
    trust[rows] = _SHAKEN
    trust[np.ix_(rows, numbers[taken])] = np.clip(1 - gone, _SHAKEN, 1)[:, taken]
    trust[rows[:, None], np.array(LIDS)] = 1
    if len(clear) == _CLEAR_FRAMES:
        # The head's way from before the cover to after it is the better guide; brows go their own.
        trust[:, np.setdiff1d(np.arange(len(trust[0])), BROWS)] *= _SHAKEN
    return replace(track, landmarks=landmarks, trust=trust)


def believed_points(track: FaceTrack) -> np.ndarray:
    """How far each point of the mesh can be believed by what is before it, (T, 478) in 0..1."""
    from .models.landmarks import BROWS, LIDS, LIPS

    trust: np.ndarray = np.ones(track.landmarks.shape[:2])
    if track.trust is not None:
        others = np.delete(track.trust, BROWS, axis=1)
        most = others.max(axis=1, keepdims=True)  # among the points of a frame
        trust = np.where(np.isnan(track.trust), trust, np.minimum(track.trust / most, 1))
    side = len(LIDS) // 2  # the right eye's come first
    every = np.arange(len(track.landmarks[0]))
    regions = {"mouth": LIPS, "right_eye": LIDS[:side], "left_eye": LIDS[side:], "brows": BROWS}
    for region, points in regions.items():
        hidden = track.confidence[:, REGIONS.index(region)] < _COVERED_BELOW
        trust[hidden[:, None] & np.isin(every, points)] = 0
    return trust


def _spread(clear: np.ndarray, track: FaceTrack) -> np.ndarray:
    """A few of the frames `clear`, spread over them; those that the network has seen, if enough."""
    if track.looks is not None:
        known = np.intersect1d(clear, track.looks.frames)
        clear = known if len(known) >= _CLEAR_FRAMES else clear
    if not len(clear):
        return clear
    return clear[np.unique(np.linspace(0, len(clear) - 1, _CLEAR_FRAMES).astype(int))]


def _look_at(clip: Clip, track: FaceTrack, frames: np.ndarray) -> Looks:
    """What the network sees in `frames` (n,), as far as they can be read; no picture twice."""
    parts, left = [], frames
    if (known := track.looks) is not None:
        again, left = np.isin(known.frames, frames), np.setdiff1d(frames, known.frames)
        parts = [(known.frames[again], known.points[again], known.sigma[again])]
    for rows, _, seen in look_at_faces(clip, track.boxes, left):
        parts.append((rows, seen.points, seen.sigma))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0])
    return Looks(*(column[order] for column in columns))
