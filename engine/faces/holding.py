"""A face of which something hides the most, held on to where the tracker loses it.

Beneath a hand the tracker's verdict falls and its detector finds no half faces. The landmark
network goes on from picture to picture, as near the truth as in the pictures that were not lost;
its own deviation says where there is no face any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np

from ..media import Clip, read_some
from ..weights import registry
from .detector import overlap, region_of
from .following import FollowOptions, is_same_face
from .looks import COLOUR_NOISE, Look, look_at
from .people import Person
from .seen import NETWORK, glance, go_along, level_face, see_level
from .tracklets import box_of
from .views import View, view_of

# Median deviation of the network's points in widths of the face: behind hands .02 to .065, no face
# .11. A face turned away has .045 to .09, and next to nothing before it.
_SURE, _DOUBTFUL = 0.065, 0.08
_PATIENCE = 3  # pictures of doubt that are passed over: of a hand that comes in
_BEFORE = 0.5  # log odds from which something is before a point
_FREE = (0.15, 0.8)  # share of the face's points that nothing is before
_SOMEBODY = 0.3  # overlap with another face that is followed
_MESH = 468  # of the points the face's
_LOOK = [item.name for item in fields(Look)]
_AT_ONCE = 32  # pictures in memory, of the face and as much again on each side
_AROUND = np.array([1, 1, 2.0, 1])  # their side over that of the face's region


@dataclass(frozen=True)
class _Held:
    """A face in one picture."""

    points: np.ndarray  # (478, 3) px
    look: Look
    glance: np.ndarray  # of the network, `seen.glance`
    sure: bool


def hold_on(clip: Clip, person: Person, others: list[Person], cuts: Sequence[int]) -> Person:
    """The person, also in frames beside those in which they are followed.

    Not beyond `cuts`, nor where one of the `others` is.
    """
    if NETWORK not in registry():
        return person
    held: dict[int, _Held] = {}
    ends = [-1, *person.frames.tolist(), clip.frame_count]
    for row, (before, after) in enumerate(pairwise(ends)):
        shots = [cut for cut in cuts if before < cut <= after]  # that begin between the two
        if row > 0:
            onward = range(before + 1, min([after, *shots]))
            held |= _follow(clip, person, row - 1, onward, others)
        if row < len(person.frames):
            back = range(after - 1, max([before, *(cut - 1 for cut in shots)]), -1)
            held |= _follow(clip, person, row, [f for f in back if f not in held], others)
    return _joined(person, held) if held else person


def _follow(
    clip: Clip, person: Person, row: int, frames: Sequence[int], others: list[Person]
) -> dict[int, _Held]:
    """The face in `frames`, in their order as far as it is seen, from the person's `row` on."""
    points, colours = person.points[row], person.colours[row]
    held: dict[int, _Held] = {}
    doubts = 0
    for first in range(0, len(frames), _AT_ONCE):
        some = frames[first : first + _AT_ONCE]
        around = region_of(points) * _AROUND
        views = {f: view_of(p, around) for f, p in read_some(clip, np.sort(some))}
        for frame in some:
            face = _find(views[frame], points, colours) if frame in views else None
            doubts = 0 if face and face.sure else doubts + 1
            if face is None or doubts > _PATIENCE or _is_somebody(others, frame, face.points):
                return held
            points, colours = face.points, face.look.colours
            if face.sure:
                held[frame] = face
    return held


def _find(view: View, before: np.ndarray, colours: np.ndarray) -> _Held | None:
    """The face that was at the points `before` (478, 3) px, with `colours` (478, 3) there.

    None where it isn't seen any more.
    """
    points, sigma, free = _go_on(view, before)
    if sigma > _DOUBTFUL or not _FREE[0] < free.mean() < _FREE[1]:
        return None
    look, options = look_at(view, points), FollowOptions()
    change = (look.colours[:_MESH].astype(np.float32) - colours[:_MESH]) / COLOUR_NOISE
    changed = float(np.median(np.linalg.norm(change[free], axis=1)))
    if changed > options.newcomers_change or not is_same_face(before, points, options):
        return None
    return _Held(points, look, glance(view.pixels, _inside(view, points)), sigma < _SURE)


def _go_on(view: View, before: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Where the network sees the points (478, 3) px that were at `before`.

    And its median deviation, in widths of the face, and before which of the face's points nothing
    is, (468,) bool.
    """
    from ..models.landmarks import POINTS  # torch is slow to load

    numbers, mesh = np.array(POINTS), _inside(view, before)
    seen = see_level(level_face(view.pixels, mesh)[None], mesh[None], mesh[None, :_MESH, :2])
    points = before.copy()
    points[:, :2] += go_along(mesh, numbers, seen.points[0] - mesh[numbers, :2]) / view.scale
    sigma = float(np.median(seen.sigma) / np.ptp(seen.points[0, :, 0]))
    return points, sigma, seen.covered[0] < _BEFORE


def _inside(view: View, points: np.ndarray) -> np.ndarray:
    """A picture's points (478, 3) px as the view's."""
    return np.column_stack([view.inside(points[:, :2]), points[:, 2] * view.scale])


def _is_somebody(others: list[Person], frame: int, points: np.ndarray) -> bool:
    """Whether another person is followed at points (478, >=2) px of a frame."""
    boxes = [box_of(mesh) for o in others for mesh in o.points[o.frames == frame]]
    return bool(boxes) and bool(overlap(box_of(points)[None], np.array(boxes)).max() > _SOMEBODY)


def _joined(person: Person, held: dict[int, _Held]) -> Person:
    """The person with what is held, in the order of the frames."""
    faces = [held[frame] for frame in sorted(held)]
    frames = np.concatenate([person.frames, sorted(held)])
    order = np.argsort(frames)
    looks = {
        name: np.concatenate([getattr(person, name), [getattr(f.look, name) for f in faces]])[order]
        for name in _LOOK
    }
    return replace(
        person,
        frames=frames[order],
        points=np.concatenate([person.points, [face.points for face in faces]])[order],
        glances=person.glances | {frame: face.glance for frame, face in held.items()},
        **looks,
    )
