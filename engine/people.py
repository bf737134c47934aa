"""Which tracklets are the same person, and which person is meant."""

from dataclasses import dataclass

import numpy as np

from .exchange.protocol import AVFaceError
from .media import Clip
from .progress import Report
from .tracklets import Tracklet, width_of


@dataclass(frozen=True)
class Person:
    """One person's face: N frames of the clip in which it is followed."""

    frames: np.ndarray  # (N,) int, rising
    points: np.ndarray  # (N, 478, 3) float32 px
    colours: np.ndarray  # these four: `looks.Look`, (N, ...)
    edges: np.ndarray
    mouth: np.ndarray
    lips: np.ndarray
    prominence: float  # how much of the clip's attention the face has, see `prominence`


def link_people(tracklets: list[Tracklet], clip: Clip) -> list[Person]:
    """Join tracklets to people; the most prominent first."""
    chains: list[list[Tracklet]] = []
    for tracklet in tracklets:
        free = [c for c in chains if c[-1].frames[-1] < tracklet.frames[0]]
        best = max(free, key=lambda c: _likeness(c[-1], tracklet), default=None)
        if best is not None and _likeness(best[-1], tracklet) > 0:
            best.append(tracklet)
        else:
            chains.append([tracklet])
    people = [_person(chain, clip) for chain in chains]
    return sorted(people, key=lambda p: -p.prominence)


def _likeness(before: Tracklet, after: Tracklet) -> float:
    """Above 0 where `after` may go on where `before` ended; the larger the likelier."""
    old, new = before.points[-1], after.points[0]
    distance = np.linalg.norm(old[:468, :2].mean(0) - new[:468, :2].mean(0)) / width_of(old)
    growth = abs(np.log(width_of(new) / width_of(old)))
    return float(1.0 - distance - growth)


def _person(chain: list[Tracklet], clip: Clip) -> Person:
    looks = [look for tracklet in chain for look in tracklet.looks]
    points = np.array([p for tracklet in chain for p in tracklet.points])
    return Person(
        frames=np.concatenate([t.frames for t in chain]),
        points=points,
        colours=np.array([look.colours for look in looks]),
        edges=np.array([look.edges for look in looks]),
        mouth=np.array([look.mouth for look in looks]),
        lips=np.array([look.lips for look in looks]),
        prominence=prominence(points, clip.size) / clip.frame_count,
    )


def prominence(points: np.ndarray, size: tuple[int, int]) -> float:
    """Size times nearness to the middle, summed over the frames: (N, 478, 3) -> pixels."""
    low, high = points[:, :468, :2].min(1), points[:, :468, :2].max(1)  # (N, 2)
    middle = np.array(size) / 2
    offset = np.linalg.norm((low + high) / 2 - middle, axis=1) / np.linalg.norm(middle)
    return float(((high - low).max(1) * (1 - 0.5 * offset)).sum())


def choose_person(
    people: list[Person],
    number: int | None,
    region: tuple[float, float, float, float] | None,
    clip: Clip,
    report: Report,
) -> Person:
    """The person asked for, or the most prominent one (and say so, if there are others)."""
    if number is not None:
        if not 0 <= number < len(people):
            raise AVFaceError(
                f"There is no face {number} in {clip.path.name}: {len(people)} found.",
                "Count from 0, the largest and most central face first.",
            )
        return people[number]
    if region is not None:
        return _in_region(people, region, clip)
    if len(people) > 1 and people[1].prominence > 0.2 * people[0].prominence:
        report.warn(
            f"{len(people)} faces: captured the largest and most central one, "
            f"{_side(people[0], clip)}; choose another with --face 1 or --region."
        )
    return people[0]


def _side(person: Person, clip: Clip) -> str:
    x = float(person.points[:, :468, 0].mean()) / clip.size[0]
    return "on the left" if x < 0.4 else "on the right" if x > 0.6 else "in the middle"


def _in_region(
    people: list[Person], region: tuple[float, float, float, float], clip: Clip
) -> Person:
    x, y, width, height = region
    inside = []
    for person in people:
        centres = person.points[:, :468, :2].mean(1)  # (N, 2)
        hits = (centres >= [x, y]).all(1) & (centres < [x + width, y + height]).all(1)
        inside.append(int(hits.sum()))
    if not any(inside):
        raise AVFaceError(
            f"No face was found in the region {x:g} {y:g} {width:g} {height:g} "
            f"of {clip.path.name} ({clip.size[0]} x {clip.size[1]}).",
            "Give x, y, width and height in pixels, from the upper left corner.",
        )
    return people[int(np.argmax(inside))]
