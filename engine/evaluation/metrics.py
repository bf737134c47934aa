"""How well 68 landmarks over time agree with other trackers': arrays in, numbers out.

Landmarks are (T, 68, 2) pixels in the usual 68-point order, NaN where a frame has none. Trackers
place points by different conventions, so motion is compared, not place: in a frame of the face's
own (origin between the eyes, unit the distance of the eyes), and by correlation.
"""

import numpy as np

EYE_DISTANCE_MM = 63.0  # between the eyes of a usual adult: makes face units millimetres
SIGNALS = ("gap", "width", "jaw", "eye", "brow")
BROWS_NOSE_EYES = slice(17, 48)
CONTOUR_POINTS = 17  # the first points lie on the silhouette: left out where places matter
_STILL_SHARE, _STILL_WINDOW, _STILL_MARGIN = 0.3, 7, 4
_RUNNING_FRAMES = 5
_SHUT_MM, _OPEN_MM = 1.5, 5.0  # between lips that a referee sees shut, and open
_MOST_FRAMES_APART = 2  # between a blink here and the same blink there


def face_frame(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks without the head's place, size and roll, (T, 68, 2) in eye distances."""
    right = (landmarks[:, 36] + landmarks[:, 39]) / 2
    left = (landmarks[:, 42] + landmarks[:, 45]) / 2
    axis = left - right
    size = np.linalg.norm(axis, axis=1)
    cos, sin = axis[:, 0] / size, axis[:, 1] / size
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)  # (T, 2, 2)
    centred = landmarks - ((right + left) / 2)[:, None]
    return np.einsum("tij,tkj->tki", turn, centred) / size[:, None, None]


def face_signals(landmarks: np.ndarray) -> dict[str, np.ndarray]:
    """Lip gap, lip width, jaw, eye opening and brow height over time, each (T,).

    In eye distances, but the eye opening is height over width.
    """
    points = face_frame(landmarks)

    def distance(a: int, b: int) -> np.ndarray:
        return np.linalg.norm(points[:, a] - points[:, b], axis=1)

    right = (distance(37, 41) + distance(38, 40)) / (2 * distance(36, 39))
    left = (distance(43, 47) + distance(44, 46)) / (2 * distance(42, 45))
    return {
        "gap": distance(62, 66),
        "width": distance(48, 54),
        "jaw": points[:, 8, 1] - points[:, 33, 1],
        "eye": (right + left) / 2,
        "brow": -points[:, [19, 24], 1].mean(1),
    }


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of (T,) twice, where both are; NaN with under ten or where one is constant."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 10 or min(a[both].std(), b[both].std()) < 1e-9:
        return float("nan")
    return float(np.corrcoef(a[both], b[both])[0, 1])


def gain(a: np.ndarray, b: np.ndarray) -> float:
    """How far `a` (T,) moves for what `b` (T,) moves: the ratio of their standard deviations."""
    both = np.isfinite(a) & np.isfinite(b)
    return float(a[both].std() / max(b[both].std(), 1e-9)) if both.any() else float("nan")


def slow_gain(a: np.ndarray, b: np.ndarray) -> float:
    """`gain` of running means over a few frames: noise counts little."""
    running = np.full(_RUNNING_FRAMES, 1 / _RUNNING_FRAMES)
    means = [np.convolve(signal, running, "valid") for signal in (a, b)]
    return gain(*means)


def comparable_frames(landmarks: dict[str, np.ndarray]) -> np.ndarray:
    """Frames (T,) that all trackers have, on the same face as the tracker "raw"."""
    face = landmarks["raw"]
    with np.errstate(invalid="ignore"):
        side = np.sqrt(np.ptp(face[..., 0], 1) * np.ptp(face[..., 1], 1))
        good = np.isfinite(face[:, 0, 0])
        for other in landmarks.values():
            away = np.linalg.norm(other.mean(1) - face.mean(1), axis=1)
            good &= np.isfinite(other[:, 0, 0]) & ~(away > 0.3 * side)
    return good


def still_frames(referees: list[np.ndarray], good: np.ndarray) -> np.ndarray:
    """The 30 % of good frames (T,) in which the face moves least, by the referees' mean."""
    points = np.mean([face_frame(r) for r in referees], axis=0)
    flat = np.nan_to_num(points).reshape(len(points), -1)
    window = np.ones(_STILL_WINDOW) / _STILL_WINDOW
    smooth = np.stack([np.convolve(column, window, "same") for column in flat.T], 1)
    speed = np.r_[0, np.linalg.norm(np.diff(smooth, axis=0), axis=1)]
    speed[~good] = np.inf
    speed[:_STILL_MARGIN] = speed[-_STILL_MARGIN:] = np.inf
    usable = np.isfinite(speed)
    return usable & (speed <= np.quantile(speed[usable], _STILL_SHARE)) if usable.any() else usable


def jitter_mm(
    landmarks: np.ndarray, frames: np.ndarray, points: slice = slice(CONTOUR_POINTS, 68)
) -> float:
    """Root mean square second difference of landmarks in `frames` (T,) bool; all 51 inner ones.

    With the lips it also holds what they say: a closure is a sharp event, not a tremor.
    """
    marks = face_frame(landmarks)[:, points]
    second = np.full(marks.shape, np.nan)
    second[1:-1] = marks[2:] - 2 * marks[1:-1] + marks[:-2]
    squares = np.sum(second[frames] ** 2, axis=-1)
    return float(np.sqrt(np.nanmean(squares)) * EYE_DISTANCE_MM) if squares.size else float("nan")


def motion_error_mm(a: np.ndarray, b: np.ndarray, points: slice, frames: np.ndarray) -> float:
    """Mean distance of `points` in the face's frame, lasting offsets out: (T, 68, 2) twice."""
    apart = (face_frame(a) - face_frame(b))[frames][:, points]
    apart = apart - np.nanmedian(apart, axis=0)
    return float(np.nanmean(np.linalg.norm(apart, axis=-1)) * EYE_DISTANCE_MM)


def closure_counts(gap_mm: np.ndarray, referees_mm: list[np.ndarray]) -> dict[str, int]:
    """Frames whose lips all referees see shut, or open, and how often `gap_mm` says shut there.

    Gaps are (T,); frames without one of one's own don't count.
    """
    with np.errstate(invalid="ignore"):
        shut = np.all([gap < _SHUT_MM for gap in referees_mm], axis=0) & np.isfinite(gap_mm)
        wide = np.all([gap > _OPEN_MM for gap in referees_mm], axis=0) & np.isfinite(gap_mm)
        mine = gap_mm < _SHUT_MM
    return {
        "shut": int(shut.sum()),
        "shut_hit": int((shut & mine).sum()),
        "open": int(wide.sum()),
        "open_missed": int((wide & mine).sum()),
    }


def blinks(eye: np.ndarray, threshold: float) -> list[tuple[int, int]]:
    """First and last frame of each run of an opening (T,) under `threshold` of its median."""
    with np.errstate(invalid="ignore"):
        shut = eye < threshold * np.nanmedian(eye)
    edges = np.flatnonzero(np.diff(np.r_[False, shut, False].astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def matched(events: list[tuple[int, int]], others: list[tuple[int, int]]) -> list[bool]:
    """Which events meet one of the others, two frames apart at most."""
    near = _MOST_FRAMES_APART
    return [
        any(a - near <= last and b + near >= first for a, b in others) for first, last in events
    ]


def turn_degrees(rotations: np.ndarray) -> np.ndarray:
    """The angle turned since the middle frame, (T, 3, 3) -> (T,): free of axis conventions."""
    since = rotations @ rotations[len(rotations) // 2].T
    trace = np.trace(since, axis1=1, axis2=2)
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
