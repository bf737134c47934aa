"""A second look at a face that has been followed: our own landmark network beside the tracker's.

The errors of the two are their own, so their mean follows a face better than either. Where on the
head each puts a point is a matter of convention: the tracker's is kept when asked. What else they
differ by goes with the opening of the mouth or passes slowly, so that a glance now and then tells
most of it. Of a head that turns to profile the tracker
follows the first 60 degrees, the network, whose last layers are others there, all 90.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..faces.belief import fall
from ..faces.parts import head_angles
from ..faces.seen import NETWORK, PROFILES, blend_points, go_along, look_at_faces
from ..fitting.landmark_head import MESH_POINTS, landmark_head
from ..fitting.start import first_pose, lip_gaps
from ..fitting.terms import LIP_PAIRS
from ..geometry import rotation_matrix
from ..head.model import Head
from ..media import Clip
from ..weights import registry

_COVERED_BELOW = 0.5  # confidence in the mouth
# How far apart two conventions put a point on the head, m; how much of the lips' opening the one
# look moves it more than the other; and what they differ by besides, m.
_PLACE_SD, _RANGE_SD, _PASSING_SD = 5e-3, 0.2, 1e-3
_SURE_PROFILE = (0.05, 0.09)  # likewise of the mean point of a head that is turned far
_TURNED = (40.0, 50.0)  # degrees of yaw: from the tracker's points to the network's
_TURN_SD = 0.02  # m per rad: what goes with the head's turning otherwise than a place on it would


def second_look(
    clip: Clip,
    track: FaceTrack,
    points: Collection[int] | None = None,
    conventions_on: Head | None = None,
) -> FaceTrack:
    """The track with the mean of both looks at `points` of the mesh (all that the network knows).

    With a head, each point's usual place on it stays the tracker's; of the brows also what goes
    with the head's turning, in which the network mistakes them (docs/log.md). Memory stays flat
    with the clip's length.
    """
    from ..models.landmarks import BROWS  # torch is slow to load

    blended = np.full((*track.landmarks.shape[:2], 2), np.nan)
    frames = np.flatnonzero(_followed(track))
    for rows, _, seen in look_at_faces(clip, track.boxes, frames):
        blended[rows] = blend_points(track.landmarks[rows], seen)
    moved = blended[frames] - track.landmarks[frames][..., :2]
    if conventions_on is not None:
        on_head = _OnHead(track, conventions_on)
        moved = on_head.without_places(moved, frames)
        moved[:, list(BROWS)] = on_head.without_turns(moved[:, list(BROWS)], frames)
    moved *= (1 - _turned_share(track)[frames])[:, None, None]  # those are the network's already
    if points is not None:
        moved[:, np.setdiff1d(np.arange(moved.shape[1]), list(points))] = 0
    landmarks = track.landmarks.copy()
    landmarks[frames, :, :2] += moved.astype(np.float32)
    return replace(track, landmarks=landmarks)


def carry_glances(track: FaceTrack, head: Head) -> FaceTrack:
    """The track with the mean of both looks at nose, skin and contour, as far as glances tell it.

    The network is shown the face a few times a second in any case, to find covers. Each point's
    usual place on the head stays the tracker's.
    """
    clear, turned = _uncovered(track), _turned_share(track)
    front = clear & (turned == 0)
    if track.network_points is None or not front[track.network_points.frames].any():
        return track
    from ..models.landmarks import NOSE, OVAL, POINTS, SKIN

    told = front[track.network_points.frames]
    taken = np.isin(POINTS, NOSE + OVAL + SKIN)
    frames, glances = np.flatnonzero(clear), track.network_points.frames[told]
    numbers = np.array(POINTS)[taken]
    apart = track.network_points.points[told][:, taken] - track.landmarks[glances][:, numbers, :2]
    landmarks = track.landmarks.copy()
    moved = _OnHead(track, head).carried(apart / 2, glances, frames)
    moved *= (1 - turned[frames])[:, None, None]
    landmarks[frames[:, None], numbers, :2] += moved.astype(np.float32)
    return replace(track, landmarks=landmarks)


class _OnHead:
    """What two looks at a face differ by, as a motion of points on the head.

    Two conventions put a point in two places of the head, and the one may move it further than the
    other as the mouth opens; in depth that shows only as the head turns.
    """

    def __init__(self, track: FaceTrack, head: Head) -> None:
        start = first_pose(track, landmark_head(head.file))
        opening = lip_gaps(track, start)[:, LIP_PAIRS.index((13, 14)), None, None]
        turned = rotation_matrix(start.pose)[:, :2] * np.array([[1.0], [-1.0]])  # (T, 2, 3)
        opening = opening - np.median(opening[track.seen])
        pose = (start.pose - np.median(start.pose[track.seen], 0))[:, None]  # (T, 1, 3) rad
        self._metre = start.metre_per_px[:, None, None]
        # m along the picture's axes by a place on the head and by a share of the opening
        self._basis = np.concatenate([turned, turned * opening], 2)  # (T, 2, 6)
        # and by the head's turning
        self._turns = np.concatenate([pose * [[1], [0]], pose * [[0], [1]]], 2)  # (T, 2, 6)
        self._times, self._clear = track.times, _uncovered(track)

    def without_places(self, apart: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Differences (n, L, 2) px in `frames` less what two places on the head make of them."""
        places = self.places(apart, frames)
        return apart - np.stack([places(frame) for frame in frames])

    def places(self, apart: np.ndarray, frames: np.ndarray) -> Callable[[int], np.ndarray]:
        """What two places on the head make of differences (n, L, 2) px in `frames`, by frame."""
        told = self._explain(apart, frames)[:3]  # (3, L)
        return lambda frame: (self._basis[frame, :, :3] @ told).T / self._metre[frame]

    def without_turns(self, apart: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Differences (n, L, 2) px in `frames` less what goes with the head's turning."""
        turns = self._regress(self._turns, np.full(6, _TURN_SD), apart, frames)
        return apart - np.swapaxes(self._turns[frames] @ turns, 1, 2) / self._metre[frames]

    def carried(self, apart: np.ndarray, known: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Such differences of the frames `known`, foretold for `frames`, (n, L, 2) px.

        By the mouth's opening in each, and by a straight line from one known frame to the next for
        what is left, which passes slowly.
        """
        told = self._explain(apart, known)
        left = apart * self._metre[known] - np.swapaxes(self._basis[known] @ told, 1, 2)
        columns = left.reshape(len(known), -1).T
        line = [np.interp(self._times[frames], self._times[known], column) for column in columns]
        moved = np.swapaxes(self._basis[frames, :, 3:] @ told[3:], 1, 2)
        return (moved + np.stack(line, 1).reshape(moved.shape)) / self._metre[frames]

    def _explain(self, apart: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Places (m) and shares of the opening, (6, L), that explain most of differences."""
        return self._regress(self._basis, np.repeat([_PLACE_SD, _RANGE_SD], 3), apart, frames)

    def _regress(
        self, basis: np.ndarray, sd: np.ndarray, apart: np.ndarray, frames: np.ndarray
    ) -> np.ndarray:
        """Coefficients (C, L) of a basis (T, 2, C) for differences (n, L, 2) px in `frames`.

        Least squares with priors `sd` (C,), over the frames without a cover if there are any.
        """
        clear = self._clear[frames] if self._clear[frames].any() else slice(None)
        rows, values = basis[frames][clear], (apart * self._metre[frames])[clear]
        matrix = np.einsum("nri,nrj->ij", rows, rows) + np.diag((_PASSING_SD / sd) ** 2)
        return np.linalg.solve(matrix, np.einsum("nri,nlr->il", rows, values))


def look_at_turned(clip: Clip, track: FaceTrack, head: Head) -> FaceTrack:
    """The track with the network's points where the head is turned far.

    Points of the mesh that the network doesn't know go with the others; depth is that of the mean
    head as the network sees it turned. Each point's usual place on the head stays the tracker's
    where other frames tell it. Covered mouths are left alone, but from the side, where a mouth that
    isn't recognised needn't be covered.
    """
    share = _turned_share(track)
    clear = track.confidence[:, REGIONS.index("mouth")] >= _COVERED_BELOW
    share[~(clear | track.from_side())] = 0
    if not share.any() or not {NETWORK, PROFILES} <= set(registry()):
        return track
    from ..models.landmarks import POINTS  # torch is slow to load

    numbers, frames = np.array(POINTS), np.flatnonzero(share)
    landmarks, on_head = track.landmarks.copy(), landmark_head(head.file)
    places = _usual_places(track, head)
    width = np.ptp(track.boxes[:, [0, 2]], axis=1)
    metre = first_pose(track, on_head).metre_per_px
    for rows, _, seen in look_at_faces(clip, track.boxes, frames, from_side=True):
        sure = fall(seen.sigma.mean(1) / width[rows], *_SURE_PROFILE) * share[rows]
        mesh = on_head.template[:MESH_POINTS]
        depth = -np.einsum("nc,lc->nl", seen.turn[:, 2], mesh) / metre[rows, None]
        for k, frame in enumerate(rows):
            moved = seen.points[k] - landmarks[frame, numbers, :2] - places(frame)
            every = go_along(landmarks[frame], numbers, moved)
            landmarks[frame, :, :2] += (sure[k] * every).astype(np.float32)
            z = landmarks[frame, :MESH_POINTS, 2]
            z += sure[k] * (depth[k] - depth[k].mean() + z.mean() - z)
    return replace(track, landmarks=landmarks)


def _usual_places(track: FaceTrack, head: Head) -> Callable[[int], np.ndarray | float]:
    """By how much two conventions put points apart in a frame, (L, 2) px, as far as it is known.

    Told by the network's glances at the face from in front: of a profile the tracker mistakes more
    than places.
    """
    told = track.network_points
    if told is None:
        return lambda frame: 0.0
    front = (_uncovered(track) & (_turned_share(track) == 0))[told.frames]
    if not front.any():
        return lambda frame: 0.0
    from ..models.landmarks import POINTS

    frames, on_head = told.frames[front], _OnHead(track, head)
    apart = told.points[front] - track.landmarks[frames][:, list(POINTS), :2]
    return on_head.places(apart, frames)


def _turned_share(track: FaceTrack) -> np.ndarray:
    """How far the head is turned for the tracker to be left, (T,) in 0..1."""
    yaw = np.abs(np.nan_to_num(head_angles(track.landmarks)[:, 0]))
    return np.where(track.seen, 1 - fall(yaw, *_TURNED), 0.0)


def _uncovered(track: FaceTrack) -> np.ndarray:
    """Frames (T,) in which the whole face is seen."""
    return _followed(track) & (np.nan_to_num(track.confidence) >= _COVERED_BELOW).all(1)


def _followed(track: FaceTrack) -> np.ndarray:
    """Frames (T,) whose points are the tracker's, not guesses beneath a cover."""
    return track.seen if track.guessed is None else track.seen & ~track.guessed


def believed_points(track: FaceTrack) -> np.ndarray:
    """How far each point of the mesh can be believed by what is before it, (T, 478) in 0..1."""
    from ..models.landmarks import BROWS, LIDS, LIPS

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
    return trust if track.hidden is None else trust * (1 - track.hidden)
