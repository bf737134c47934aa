"""Follow every face of a clip from picture to picture.

The mesh looks where the face was in the picture before; the detector looks at the whole picture
only now and then, and when nothing is followed. No filter anywhere: each picture's points are the
network's own answer.
"""

import math
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numba import njit

from ..media import Clip, read_frames
from ..progress import Report
from .detector import FaceDetector, FaceMesh, overlap, region_of, region_of_box
from .looks import COLOUR_NOISE, Look, look_at, moved_share, without_light
from .scenes import scene_of
from .seen import glance
from .shots import ShotFinder
from .tracklets import Followed, Tracklet, box_of, width_of
from .views import View, view_of

_SAME_FACE_OVERLAP = 0.5  # of two boxes: they are on one face
_SLIDE_FRAMES = 4  # how long the mesh takes to slide from one face onto another
# So many changes of colour say what is usual for a face; so many times that is another face.
_LEAST_USUAL, _UNUSUAL = 3, 1.6
_MIDDLE_ONES = [233, 234]  # of the face's 468 points in order
_USUAL_RATE = 25.0  # pictures in a second
_TURNS = (0.0, np.pi, np.pi / 2, -np.pi / 2)  # in which a face is looked for
# Presence of a face that was looked for in its own turn: ten people's lack 5e-11 of 1 at most, in
# other turns 5e-9 and more, a half covered one's 1e-6.
_SURELY = 1 - 1e-9


@dataclass(frozen=True)
class FollowOptions:
    """How faces are found and followed; counts of pictures are those of 25 in a second."""

    most_faces: int = 4  # the largest ones; a crowd would cost time and confuse nobody but us
    detect_every: int = 12  # pictures between two looks at the whole picture
    search_every: int = 3  # likewise, while a face that was followed is missing beside others
    search_frames: int = 50  # for so long
    glance_seconds: float = 0.32  # between two pictures of a face that are kept
    least_presence: float = 0.5  # the network's own verdict
    least_width_px: float = 20.0  # below that the points mean nothing
    largest_jump: float = 0.5  # of the face's width, from one picture to the next
    largest_growth: float = 1.35  # likewise
    # Change of colours at the points from one picture to the next, in a camera's noise: one person
    # in a noisy film 1.8, another person 2.6 and more.
    largest_change: float = 2.3
    newcomers_change: float = 3.5  # likewise, until it is known how much a face's colours flicker


def follow_faces(clip: Clip, options: FollowOptions, report: Report) -> Followed:
    """Follow all faces of the clip, in one pass over its pictures."""
    follower = _Follower(options, float(clip.fps))
    for frame, picture in read_frames(clip):
        follower.see(frame, picture)
        if frame % 10 == 0:
            report(frame / clip.frame_count)
    kept = [t for t in follower.every if len(t.frames) > 1 or clip.frame_count == 1]
    return Followed(kept, tuple(follower.cuts), tuple(follower.shots.dissolves))


class _Follower:
    """The faces of a clip, as far as it has been seen."""

    def __init__(self, options: FollowOptions, fps: float) -> None:
        self.options = _at_rate(options, fps)
        self.detector, self.mesh, self.shots = FaceDetector(), FaceMesh(), ShotFinder(fps)
        self.every: list[Tracklet] = []
        self.live: list[Tracklet] = []
        self.cuts: list[int] = []
        self.last_loss = -self.options.search_frames
        self.glance_every = max(1, round(options.glance_seconds * fps))
        self.before: np.ndarray | None = None  # the last picture

    def see(self, frame: int, picture: np.ndarray) -> None:
        """The clip's next picture."""
        self._go_on(frame, picture)
        if frame % self._look_every(frame) == 0 or not self.live:
            self._look_for_more(frame, picture)
        for tracklet in self.live:
            if (frame - tracklet.frames[0]) % self.glance_every == 0:
                tracklet.glances[frame] = glance(picture, tracklet.points[-1])
        self.before = picture

    def _go_on(self, frame: int, picture: np.ndarray) -> None:
        """Follow the live tracklets into a picture; a cut ends them all."""
        followed = self.live
        if self.shots.is_cut(picture):
            self.cuts.append(frame)
            self.live = []
        else:
            self.live = _settle_conflicts([t for t in followed if self._reaches(t, frame, picture)])
            if len(self.live) < len(followed):
                self.last_loss = frame
        if self.before is not None:
            for tracklet in followed:
                if tracklet not in self.live:
                    tracklet.left = scene_of(self.before)

    def _reaches(self, tracklet: Tracklet, frame: int, picture: np.ndarray) -> bool:
        return _continue(tracklet, frame, picture, self.before, self.mesh, self.options)

    def _look_every(self, frame: int) -> int:
        """Pictures between two looks at the whole picture."""
        is_missing = frame - self.last_loss < self.options.search_frames
        return self.options.search_every if is_missing else self.options.detect_every

    def _look_for_more(self, frame: int, picture: np.ndarray) -> None:
        """Begin a tracklet for each face that nobody follows yet."""
        patience = _patience(frame, self.live, self.options)
        boxes = self.detector.find_small(picture, patience)
        new = begin(boxes, self.live, frame, picture, self.mesh, self.options)
        for tracklet in new:
            tracklet.entered = scene_of(picture)
        self.every += new
        self.live += new


def _at_rate(options: FollowOptions, fps: float) -> FollowOptions:
    """The options with as many more pictures as there are more in a second."""
    more = max(1.0, fps / _USUAL_RATE)
    return replace(
        options,
        detect_every=round(more * options.detect_every),
        search_every=round(more * options.search_every),
        search_frames=round(more * options.search_frames),
    )


def _patience(frame: int, live: list[Tracklet], options: FollowOptions) -> int:
    """How fine the tiles get in which a face is looked for, when the whole picture shows none."""
    if live or frame % options.detect_every:
        return 0
    return 1 if frame % (4 * options.detect_every) else 2


def _continue(
    tracklet: Tracklet,
    frame: int,
    picture: np.ndarray,
    before: np.ndarray | None,
    mesh: FaceMesh,
    options: FollowOptions,
) -> bool:
    """Add the points in a picture, and `before` the one before it; False when the face is lost."""
    last = tracklet.points[-1]
    region = region_of(last)
    view = view_of(picture, region)
    points, presence = mesh.find(view, region)
    if presence < options.least_presence or not is_same_face(last, points, options):
        return False
    moved = 1.0 if before is None else moved_share(picture, before, points)
    look = look_at(view, points, moved)
    change = colour_change(tracklet.looks[-1], look, points)
    if change > _bearable_change(tracklet, options):
        return False  # a cut to another shot, or another face in the same place
    tracklet.changes.append(change)
    tracklet.add(frame, points, look)
    return True


def _bearable_change(tracklet: Tracklet, options: FollowOptions) -> float:
    """How far a face may change colour: far more than it did lately; grain and dither flicker."""
    if len(tracklet.changes) < _LEAST_USUAL:
        return options.newcomers_change
    return max(options.largest_change, _UNUSUAL * median(tracklet.changes))


def is_same_face(before: np.ndarray, after: np.ndarray, options: FollowOptions) -> bool:
    """Whether a face can have gone from one place to the other between two pictures."""
    old, new = width_of(before), width_of(after)
    jump = moved_by(before, after) / old
    growth = max(old / new, new / old)
    return bool(
        jump < options.largest_jump
        and growth < options.largest_growth
        and new > options.least_width_px
    )


@njit(cache=True)
def moved_by(before, after):
    """How far a face's middle moved, px: points (478, >=2) of two pictures."""
    x = y = 0.0
    for i in range(468):
        x += after[i, 0] - before[i, 0]
        y += after[i, 1] - before[i, 1]
    return np.sqrt(x * x + y * y) / 468


def colour_change(before: Look, after: Look, points: np.ndarray) -> float:
    """Median change of colour over the face's points (478, >=2), in units of a camera's noise.

    With or less a change of light, whichever leaves less: a hand that comes in is no light.
    """
    change = (after.colours[:468].astype(np.float32) - before.colours[:468]) / COLOUR_NOISE
    rows = np.stack([change, without_light(change, points)])
    squares = np.partition(np.einsum("kpc,kpc->kp", rows, rows), _MIDDLE_ONES, axis=1)
    return math.sqrt(squares[:, _MIDDLE_ONES].mean(1).min())


def _settle_conflicts(live: list[Tracklet]) -> list[Tracklet]:
    """Where two tracklets meet on one face, the one whose face looks as before owns it."""
    if len(live) < 2:
        return live
    kept: list[Tracklet] = []
    for tracklet in sorted(live, key=_recent_change):
        box = box_of(tracklet.points[-1])[None]
        others = np.array([box_of(t.points[-1]) for t in kept]).reshape(-1, 4)
        if not len(others) or overlap(box, others).max() < _SAME_FACE_OVERLAP:
            kept.append(tracklet)
        else:
            tracklet.drop_last(_SLIDE_FRAMES)
    return [tracklet for tracklet in live if tracklet in kept]


def _recent_change(tracklet: Tracklet) -> float:
    """How much the face has changed over the last frames; a newcomer gives way."""
    if len(tracklet.looks) <= _SLIDE_FRAMES + 1:
        return np.inf
    earlier = tracklet.looks[-2 - _SLIDE_FRAMES]
    return colour_change(earlier, tracklet.looks[-1], tracklet.points[-1])


def _first_look(
    picture: np.ndarray, box: np.ndarray, mesh: FaceMesh
) -> tuple[View, np.ndarray, float]:
    """The face in a detection, however it is turned in the picture: view, points, presence.

    Only a face that is surely seen lies on its side or stands on its head: the network finds
    upright ones in those, too, and turned ones in half covered faces, but neither so surely.
    """
    looks = []
    for turn in _TURNS:
        region = region_of_box(box, turn=turn)
        for _ in range(3):  # look again in the face's own region until it rests
            view = view_of(picture, region)
            points, presence = mesh.find(view, region)
            region = region_of(points)
        looks.append((view, points, presence))
        if presence > _SURELY:
            return looks[-1]
    return looks[0]


def begin(
    boxes: np.ndarray,
    live: list[Tracklet],
    frame: int,
    picture: np.ndarray,
    mesh: FaceMesh,
    options: FollowOptions,
) -> list[Tracklet]:
    """Tracklets for the detections that nobody follows yet, the largest first."""
    new: list[Tracklet] = []
    followed = np.array([box_of(t.points[-1]) for t in live]).reshape(-1, 4)
    for box in sorted(boxes, key=lambda b: -(b[2] - b[0])):
        if len(live) + len(new) >= options.most_faces:
            break
        if len(live) and overlap(box[None], followed).max() > _SAME_FACE_OVERLAP:
            continue
        view, points, presence = _first_look(picture, box, mesh)
        taken = np.array([box_of(t.points[-1]) for t in live + new]).reshape(-1, 4)
        is_free = not len(taken) or overlap(box_of(points)[None], taken).max() < 0.3
        is_face = presence > options.least_presence and width_of(points) > options.least_width_px
        if is_free and is_face:
            new.append(Tracklet())
            new[-1].add(frame, points, look_at(view, points))
    return new
