"""What the landmark network sees of a face with something before it.

With something before the mouth the tracker's chin, nose and contour go astray (2 to 7 % of the
face's width), its lids hardly (0.4 %). The network's brows and contour hold better (0.7 %, 1.3 to
3 %), and it says how far each point can be trusted.

Where a cover comes and goes, the head's way from before it to after it is the better guide. Where a
clip hardly shows the face without it, nothing else tells who it is and where the face lies: there
all of the network's points stand, hidden ones too, each as far as it is sure of it.
"""

from dataclasses import replace
from itertools import islice

import numpy as np

from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..faces.belief import fall
from ..faces.seen import NETWORK, NetworkPoints, go_along, level_face, look_at_faces, see_level
from ..fitting.landmark_head import MESH_POINTS, landmark_head
from ..fitting.start import first_pose
from ..geometry import embed, rotation_matrix
from ..head.model import Head
from ..media import Clip, read_some
from ..weights import registry

_COVERED_BELOW = 0.5  # confidence in the mouth
_CLEAR_FRAMES = 16  # that tell the difference of conventions, and the head's way
_SURE_SIGMA = (0.035, 0.055)  # of a point, in widths of the face: fully trusted, not at all
_SHAKEN = 0.01  # trust in what a cover disturbs
_HALF_SIGMA = 0.015  # likewise: trust in a guess is a half there, as the variances of both add up
_BEFORE = 0.5  # log odds from which something is before a point
# Hidden share of lips and nose, which lead a tracker astray as eyes don't: 44 faces with nothing
# before them have .13 at most (but four in beards or coloured light .2 to .4), a man in dark
# glasses .02, hands before a mouth .3 and more. In their clips, of the whole face.
_SHAKEN_FROM, _TOUCHED = 0.15, 0.1
_EYE_TOUCHED = 0.2  # of the points of an eye's lids: else the tracker's stay
_AT_ONCE = 64  # pictures in memory


def look_beneath(clip: Clip, track: FaceTrack, head: Head) -> FaceTrack:
    """The track with the network's points where something is before the face.

    They lie where the tracker has them on the `head`.

    Its `trust` says there how far each point is to be believed. A track without a cover is handed
    back as it is, as where the product carries no such network.
    """
    from ..models.landmarks import BROWS, LIDS, LIPS, NOSE

    front = track.seen & ~track.from_side()
    covered = front & (track.confidence[:, REGIONS.index("mouth")] < _COVERED_BELOW)
    shaken = covered | (front & (_hidden_share(track, LIPS + NOSE) > _SHAKEN_FROM))
    if not shaken.any() or NETWORK not in registry():
        return track
    if (track.seen & ~shaken).sum() < _CLEAR_FRAMES:
        touched = front & (_hidden_share(track, LIPS + NOSE + LIDS + BROWS) > _TOUCHED)
        return _guess(clip, track, np.flatnonzero(shaken | touched), head)
    return _hold(clip, track, covered) if covered.any() else track


def _hidden_share(track: FaceTrack, points: tuple[int, ...]) -> np.ndarray:
    """The share of the mesh's `points` that something is before, (T,), as the network saw it."""
    told = track.network_points
    if told is None:
        return np.zeros(len(track.seen))
    from ..models.landmarks import POINTS

    share = (told.odds[:, np.isin(POINTS, points)] > _BEFORE).mean(1)
    return np.interp(np.arange(len(track.seen)), told.frames, share)


def _guess(clip: Clip, track: FaceTrack, frames: np.ndarray, head: Head) -> FaceTrack:
    """The track with all of the network's points in `frames` (n,), trusted as far as it is sure.

    Of eyes that nothing is before it is the mean with the tracker's, which follows blinks closely.
    """
    from ..models.landmarks import POINTS

    numbers, landmarks = np.array(POINTS), track.landmarks.copy()
    trust = np.full(landmarks.shape[:2], np.nan)
    guessed = np.zeros(len(landmarks), bool)
    # Once more about what was found: of a face whose hand the tracker follows it cuts out too much.
    for _ in range(2):
        seen = _see(clip, landmarks, frames)
        frames = seen.frames
        for frame, points in zip(frames, seen.points, strict=True):
            moved = points - landmarks[frame, numbers, :2]
            landmarks[frame, :, :2] += go_along(landmarks[frame], numbers, moved)
    moved = _from_drawn_places(replace(track, landmarks=landmarks), head)
    landmarks[frames, :MESH_POINTS, :2] += moved[frames]
    width = np.ptp(seen.points[..., 0], axis=1)[:, None]
    guessed[frames], trust[frames] = True, _SHAKEN
    trust[frames[:, None], numbers] = 1 / (1 + (seen.sigma / width / _HALF_SIGMA) ** 2)
    for eye, points in _eyes().items():
        hidden = (seen.odds[:, np.isin(numbers, points)] > _BEFORE).mean(1) > _EYE_TOUCHED
        believed = track.confidence[frames, REGIONS.index(eye)] >= _COVERED_BELOW
        kept = np.ix_(frames[believed & ~hidden], np.array(points))
        landmarks[kept] = (landmarks[kept] + track.landmarks[kept]) / 2
    return replace(track, landmarks=landmarks, trust=trust, guessed=guessed)


def as_drawn(track: FaceTrack, head: Head) -> FaceTrack:
    """The track whose guessed points lie where networks that read points have learnt them to be."""
    if track.guessed is None:
        return track
    landmarks, guessed = track.landmarks.copy(), track.guessed
    moved = _from_drawn_places(track, head, back=True)
    landmarks[guessed, :MESH_POINTS, :2] -= moved[guessed]
    return replace(track, landmarks=landmarks)


def _from_drawn_places(track: FaceTrack, head: Head, back: bool = False) -> np.ndarray:
    """From where drawn people have the mesh's points to where the tracker has them, (T, 468, 2) px.

    Drawn people, on whom all networks learnt, have them where the head file has; on the way `back`
    the track's points lie where the tracker has them.
    """
    file, on_head = head.file, landmark_head(head.file)
    drawn, tracked = on_head.template.copy(), on_head.template[:MESH_POINTS]
    drawn[:MESH_POINTS] = embed(file.template, file.faces, file.landmarks_468)
    start = first_pose(track, on_head if back else replace(on_head, template=drawn))
    turned = rotation_matrix(start.pose)[:, :2] * np.array([[1.0], [-1.0]])  # (T, 2, 3)
    apart = turned @ (tracked - drawn[:MESH_POINTS]).T
    return np.swapaxes(apart, 1, 2) / start.metre_per_px[:, None, None]


def _eyes() -> dict[str, tuple[int, ...]]:
    """The points of each eye's lids and iris."""
    from ..models.landmarks import IRISES, LIDS

    lids, iris = len(LIDS) // 2, len(IRISES) // 2  # the right eye's come first
    return {
        "right_eye": LIDS[:lids] + IRISES[:iris],
        "left_eye": LIDS[lids:] + IRISES[iris:],
    }


def _see(clip: Clip, landmarks: np.ndarray, frames: np.ndarray) -> NetworkPoints:
    """What the network sees in `frames` (n,) of faces that lie at `landmarks` (T, 478, >=2) px."""
    parts = []
    views = ((f, level_face(picture, landmarks[f])) for f, picture in read_some(clip, frames))
    while batch := list(islice(views, _AT_ONCE)):
        rows = np.array([frame for frame, _ in batch])
        mesh, shown = landmarks[rows], np.stack([view for _, view in batch])
        look = see_level(shown, mesh, mesh[..., :2])
        parts.append(NetworkPoints(rows, look.points, look.sigma, look.odds))
    return NetworkPoints.joined(parts)


def _hold(clip: Clip, track: FaceTrack, covered: np.ndarray) -> FaceTrack:
    """The track with the network's brows, contour and skin where the mouth is covered, (T,) bool.

    Of them brows alone are trusted in full: the head's way from before the cover to after it is the
    better guide.
    """
    from ..models.landmarks import BROWS, LIDS, OVAL, POINTS, SKIN

    mouth = track.confidence[:, REGIONS.index("mouth")]
    clear = _spread(np.flatnonzero(track.seen & (mouth >= _COVERED_BELOW)), track)
    frames, points, sigma = _look_at(clip, track, np.union1d(np.flatnonzero(covered), clear))
    numbers, taken = np.array(POINTS), np.isin(POINTS, BROWS + OVAL + SKIN)
    apart = points - track.landmarks[frames][:, numbers, :2]  # (n, L, 2)
    usual = np.median(apart[~covered[frames]], axis=0)
    rows, beneath = frames[covered[frames]], covered[frames]
    landmarks = track.landmarks.copy()
    landmarks[rows[:, None], numbers[taken], :2] = (points - usual)[beneath][:, taken]
    width = np.ptp(track.boxes[rows][:, [0, 2]], axis=1)[:, None]
    sure = np.clip(fall(sigma[beneath] / width, *_SURE_SIGMA), _SHAKEN, 1)
    trust = np.full(track.landmarks.shape[:2], np.nan)
    trust[rows] = _SHAKEN**2
    trust[np.ix_(rows, numbers[taken])] = _SHAKEN * sure[:, taken]
    trust[rows[:, None], np.array(LIDS)] = _SHAKEN
    trust[rows[:, None], np.array(BROWS)] /= _SHAKEN
    return replace(track, landmarks=landmarks, trust=trust)


def _spread(clear: np.ndarray, track: FaceTrack) -> np.ndarray:
    """A few of the frames `clear`, spread over them; those that the network has seen, if enough."""
    if track.network_points is not None:
        known = np.intersect1d(clear, track.network_points.frames)
        clear = known if len(known) >= _CLEAR_FRAMES else clear
    return clear[np.unique(np.linspace(0, len(clear) - 1, _CLEAR_FRAMES).astype(int))]


def _look_at(
    clip: Clip, track: FaceTrack, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those of `frames` (n,) that can be read, and the network's points and deviations there.

    No picture is looked at twice.
    """
    parts, left = [], frames
    if (known := track.network_points) is not None:
        again, left = np.isin(known.frames, frames), np.setdiff1d(frames, known.frames)
        parts = [(known.frames[again], known.points[again], known.sigma[again])]
    for rows, _, seen in look_at_faces(clip, track.boxes, left):
        parts.append((rows, seen.points, seen.sigma))
    looked, points, sigma = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(looked)
    return looked[order], points[order], sigma[order]
