"""Whose face is where in each picture: 478 points per frame of one person, unsmoothed.

Landmark order: MediaPipe's face mesh, 0-467 the face, 468-472 the subject's right iris, 473-477 the
left. Pixels as in `exchange.take`; the third column is the depth relative to the head's middle,
in pixels too, positive away from the camera.
"""

from dataclasses import dataclass, field

import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.take import REGIONS, frame_seconds
from ..media import Clip
from ..progress import Report
from .belief import widened
from .clearness import clearness
from .colour_cover import colour_witness
from .following import FollowOptions, follow_faces
from .glances import seen_by_network
from .holding import hold_on
from .mouth import lips_missing, lips_shown, read_teeth, thing_between
from .mouth_rows import read_rows
from .partial import hidden_lips, lips_free, steady, too_little_left
from .parts import head_angles
from .people import Person, choose_person, link_people, part_dissolved
from .seen import NetworkPoints
from .visibility import judge_visibility, share_inside

_LEAST_SEEN = 0.1  # of the clip's pictures: less is no performance
_MOSTLY_SEEN = 0.5
_BELIEVED = 0.5  # confidence below which a region counts as covered
_CUT_OFF = 0.8  # share of a region's points in the picture with which it counts as cut off
_WHOLE = 0.95  # of the pictures with the face
_MOST_TOLD = 3  # times of one kind in one warning
_BRIEF_S = 0.05  # less would be told as 0.0 s; it is bridged
_LEAST_TOLD_S = 0.4  # a cover of an eye or a brow that is told; a blink is shorter
_COARSE_TOLD_S = 0.8  # of pictures too coarse for the mouth
_FROM_SIDE = 50.0  # degrees of yaw from which a mouth that isn't recognised needn't be covered


@dataclass(frozen=True)
class FaceOptions:
    """Which face, and how to look for it."""

    face: int | None = None  # from 1, largest and most central first
    region: tuple[float, float, float, float] | None = None  # x, y, width, height in pixels
    follow: FollowOptions = field(default_factory=FollowOptions)


@dataclass(frozen=True)
class FaceTrack:
    """One person's face through the clip. T frames, R = len(REGIONS)."""

    boxes: np.ndarray  # (T, 4) px: x0, y0, x1, y1; NaN where not seen
    landmarks: np.ndarray  # (T, 478, 3) float32 px; NaN where not seen
    seen: np.ndarray  # (T,) bool
    confidence: np.ndarray  # (T, R) in 0..1; 0 where covered or not seen
    times: np.ndarray  # (T,) seconds
    size: tuple[int, int]  # width, height of the picture, px
    cuts: tuple[int, ...] = ()  # frames with which new shots begin
    # (T, 478) in 0..1, where something before the face disturbs some of its points; NaN elsewhere.
    trust: np.ndarray | None = None
    guessed: np.ndarray | None = None  # (T,) bool: there all points are, hidden ones too
    network_points: NetworkPoints | None = None  # what the landmark network saw on the way
    # (T,) 0..1, how far the mouth can be believed for want of detail alone; None: nobody could tell
    clear: np.ndarray | None = None
    # (T, rows, 9) 0..1, how surely what is between the inner lips is teeth; NaN where
    # the mouth is shut or can't be looked into
    teeth: np.ndarray | None = None
    # (T, 478) 0..1, how far something hides points of the lips of which most are seen
    hidden: np.ndarray | None = None
    # (T, 2, 2) where the upper row of teeth ends and the lower begins, 0 at the upper inner lip and
    # 1 at the lower, each with its standard deviation; NaN where the mouth is shut or covered
    rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        frames = len(self.times)
        assert self.landmarks.shape == (frames, 478, 3), self.landmarks.shape
        assert self.confidence.shape == (frames, len(REGIONS)), self.confidence.shape
        assert self.boxes.shape == (frames, 4) and self.seen.shape == (frames,)

    def from_side(self) -> np.ndarray:
        """Frames (T,) bool that see the face from the side, where half of it is turned away."""
        yaw = np.nan_to_num(head_angles(self.landmarks)[:, 0])
        return self.seen & (np.abs(yaw) > _FROM_SIDE)

    def believed(self, region: str) -> np.ndarray:
        """How far a region can be believed, (T,): by what covers it, by the picture's detail."""
        belief = np.nan_to_num(self.confidence[:, REGIONS.index(region)]) * self.seen
        return belief * self.clear if region == "mouth" and self.clear is not None else belief


def track_face(clip: Clip, options: FaceOptions, report: Report) -> FaceTrack:
    """Follow one face through the clip.

    Raises:
        AVFaceError: The clip has no pictures, no face, or not the face that was asked for.
    """
    if clip.kind == "sound":
        raise AVFaceError(
            f"{clip.path.name} holds sound only; there is no face to capture.",
            "Choose a video.",
        )
    followed = part_dissolved(follow_faces(clip, options.follow, report))
    people = link_people(followed, clip)
    if not people:
        raise AVFaceError(
            f"No face was found in {clip.path.name}.",
            "Choose a clip in which a real face is at least 40 pixels wide and not in profile.",
        )
    person = choose_person(people, options.face, options.region, clip, report)
    person = hold_on(clip, person, [p for p in people if p is not person], followed.cuts)
    track = _assemble(person, followed.cuts, clip)
    report(1.0)
    if track.seen.mean() < _LEAST_SEEN:
        raise AVFaceError(
            f"The face is seen in only {track.seen.sum()} of {clip.frame_count} pictures.",
            "Cut the clip to the part that shows the face.",
        )
    _warn(track, report, _other_shots(track, people))
    return track


def stretches(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last frame of each run of True: (T,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _warn(track: FaceTrack, report: Report, elsewhere: np.ndarray | None = None) -> None:
    """Say when the face was lost or covered; `elsewhere` (T,) another shot shows other people."""
    elsewhere = np.zeros(len(track.seen), bool) if elsewhere is None else elsewhere
    share = float(track.seen.mean())
    if share < _MOSTLY_SEEN:
        report.warn(f"The face is seen in only {share:.0%} of the clip.")
    step = frame_seconds(track.times, alone=0.0)
    events = [
        (elsewhere, "Another shot shows other people", _BRIEF_S),
        (~track.seen & ~elsewhere, "The face is lost", _BRIEF_S),
    ]
    inside = share_inside(track.landmarks, track.size)
    for region, name, hidden, least in (
        ("mouth", "The mouth is", "covered", _BRIEF_S),
        ("left_eye", "The left eye is", "covered or turned away", _LEAST_TOLD_S),
        ("right_eye", "The right eye is", "covered or turned away", _LEAST_TOLD_S),
        ("brows", "A brow is", "covered", _LEAST_TOLD_S),
    ):
        low = track.seen & (track.confidence[:, REGIONS.index(region)] < _BELIEVED)
        cut_off = low & (inside[:, REGIONS.index(region)] < _CUT_OFF)
        events.append((cut_off, f"{name} outside the picture", least))
        events.append((low & ~cut_off, f"{name} {hidden}", least))
    if track.clear is not None:
        coarse = track.seen & (track.clear < _BELIEVED)
        events.append(
            (coarse, "The picture is too coarse to follow the mouth closely", _COARSE_TOLD_S)
        )
    for mask, words, least in events:
        runs = sorted(stretches(mask), key=lambda run: run[0] - run[1])
        runs = [(a, b) for a, b in runs if (b - a + 1) * step >= least or not step]
        told = [
            f"for {track.times[b] - track.times[a] + step:.1f} s at {track.times[a]:.1f} s"
            for a, b in sorted(runs[:_MOST_TOLD])
        ]
        if told and not step:  # a single picture
            report.warn(f"{words}.")
        elif told and (mask & track.seen).sum() >= _WHOLE * track.seen.sum():
            report.warn(f"{words} through the whole clip.")
        elif told:
            more = ", and more often" if len(runs) > _MOST_TOLD else ""
            report.warn(f"{words} {', '.join(told)}{more}.")


def _other_shots(track: FaceTrack, people: list[Person]) -> np.ndarray:
    """Frames (T,) of the shots that show somebody, but not this face."""
    anybody = np.zeros(len(track.seen), bool)
    for person in people:
        anybody[person.frames] = True
    shots = np.split(np.arange(len(track.seen)), np.array(track.cuts, int))
    other = [anybody[shot].any() and not track.seen[shot].any() for shot in shots]
    return np.repeat(np.array(other, bool), [len(shot) for shot in shots])


def _assemble(person: Person, cuts: tuple[int, ...], clip: Clip) -> FaceTrack:
    frames = clip.frame_count
    landmarks = np.full((frames, 478, 3), np.nan, np.float32)
    landmarks[person.frames] = person.points
    seen = np.isfinite(landmarks[:, 0, 0])
    boxes = np.concatenate([landmarks[:, :468, :2].min(1), landmarks[:, :468, :2].max(1)], axis=1)
    confidence = np.zeros((frames, len(REGIONS)))
    missing = lips_missing(person.colours, person.lips)
    witness = colour_witness(person.points, person.colours, person.edges, missing)
    told = seen_by_network(clip, person, witness.cover)
    by_network, points, odds = told or (None, None, None)
    shown = lips_shown(person.colours, person.lips, person.edges)
    free = None if odds is None else lips_free(steady(odds), shown)
    confidence[person.frames] = judge_visibility(
        person.points, person.edges, witness, by_network, clip.size, free
    )
    # what the network, too, takes for a mouth: its word doesn't count here
    between = thing_between(person.points, person.colours, person.mouth)
    mouth = confidence[:, REGIONS.index("mouth")]
    mouth[person.frames] = np.minimum(mouth[person.frames], 1 - widened(between))
    hidden = np.zeros((frames, 478), np.float32)
    if odds is not None:
        part = hidden_lips(steady(odds), head_angles(person.points)[:, 0])
        whole = too_little_left(part)
        mouth[person.frames] = np.minimum(mouth[person.frames], 1 - whole * (1 - shown))
        hidden[person.frames] = part * (1 - whole * shown)[:, None]
    hidden[mouth < _BELIEVED] = 0
    teeth = np.full((frames, *person.mouth.shape[1:3]), np.nan, np.float32)
    teeth[person.frames] = read_teeth(person.points, person.colours, person.mouth, person.lips)
    covered = mouth < _BELIEVED
    touched = covered | (hidden.max(axis=1) > _BELIEVED)
    teeth[touched] = np.nan
    rows = np.full((frames, 2, 2), np.nan, np.float32)
    read = read_rows(person.points, person.colours, person.opening)
    if read is not None:
        rows[person.frames] = read
    rows[touched] = np.nan
    clear = _clearness(person, points, covered, clip) if points else None
    return FaceTrack(
        boxes, landmarks, seen, confidence, clip.times, clip.size, cuts,
        network_points=points, clear=clear, teeth=teeth, hidden=hidden, rows=rows,
    )  # fmt: skip


def _clearness(person: Person, seen: NetworkPoints, covered: np.ndarray, clip: Clip) -> np.ndarray:
    """How far the pictures' detail suffices for the mouth, (T,); 1 where it is `covered` (T,)."""
    from ..models.landmarks import LIPS, POINTS  # torch is slow to load

    clear, told = np.ones(clip.frame_count), ~covered[seen.frames]
    rows = ~covered[person.frames]
    if not told.any():
        return clear
    sigma = seen.sigma[told][:, np.isin(POINTS, LIPS)].mean(1)
    sigma = np.interp(person.frames[rows], seen.frames[told], sigma)
    width = np.ptp(person.points[rows, :468, :2], axis=1).max(1)
    fine, moved = person.fine[rows], person.moved[rows]
    clear[person.frames[rows]] = clearness(fine, moved, sigma, width, float(clip.fps))
    return clear
