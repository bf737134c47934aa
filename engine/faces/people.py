"""Which tracklets are the same person, and which person is meant."""

from dataclasses import dataclass, field

import numpy as np

from ..exchange.protocol import AVFaceError
from ..media import Clip
from ..progress import Report
from .looks import COLOUR_NOISE, SKIN, without_light
from .scenes import same_scene
from .tracklets import Followed, Tracklet, width_of

_LIDS, _LIPS, _CORNERS = ((159, 145), (386, 374)), (13, 14), (33, 263)
# A face on a poster: lids and lips part by no more, as shares of the way between the eyes' corners
# (people who speak or listen: lids .07 and more, lips .05; posters .01 at most), in so many frames.
_STILL, _LEAST_STILL = 0.02, 40
_PICTURE_SHARE = 0.1  # of a face's prominence that a picture of one has
_END_FRAMES = 5
_LEAST_FRAMES = 5  # a face seen in fewer is the detector's mistake


@dataclass(frozen=True)
class Person:
    """One person's face: N frames of the clip in which it is followed."""

    frames: np.ndarray  # (N,) int, rising
    points: np.ndarray  # (N, 478, 3) float32 px
    colours: np.ndarray  # these seven: `looks.Look`, (N, ...)
    edges: np.ndarray
    mouth: np.ndarray
    lips: np.ndarray
    fine: np.ndarray
    moved: np.ndarray
    opening: np.ndarray
    prominence: float  # how much of the clip's attention the face has, see `prominence`
    glances: dict[int, np.ndarray] = field(default_factory=dict)  # `Tracklet.glances`


# When two tracklets are the same person. Measured on thirteen people: stretches of one person in
# one clip are at most 2.0 apart in 95 of 100 pairs, also with another lens, lamp or focus; of two
# people, as small, as dark or as blurred as each other, at least 2.3 in 99 of 100.
_ALIKE = 2.1  # unlikeness up to which two tracklets can be one person
_NEAR_SECONDS = 0.5  # after a gap this short, a face in the same place is the same one
_SCENE_SECONDS = 10.0  # likewise, while the room stays: jump cuts, a face that was turned away
_NEAR_WIDTHS = 0.5  # the same place: within this many face widths
_NEAR_ALIKE = 1.4  # unlikeness then, in the most alike points: a hand may hide the others
NEAR_SHARE = 0.15  # of the points; two people are at least 1.5 apart in 95 of 100 pairs
_NEAR_AS_SEEN = 2.0  # in the colours as they are; a hand before half a face: 1.0 to 1.8


def link_people(followed: Followed, clip: Clip) -> list[Person]:
    """Join tracklets to people; the most prominent first.

    The likeliest pairs are joined first; nobody is in two places at once.
    """
    tracklets = followed.tracklets
    chains = [[index] for index in range(len(tracklets))]
    for _, early, late in _alike(followed, clip):
        first, then = chains[early], chains[late]
        if first is not then and not any(
            _at_once(tracklets[i], tracklets[j]) for i in first for j in then
        ):
            first += then
            for index in then:
                chains[index] = first
    unique = {id(chain): sorted(chain) for chain in chains}
    people = [_person([tracklets[i] for i in chain], clip) for chain in unique.values()]
    least = min(_LEAST_FRAMES, clip.frame_count // 2)
    people = [person for person in people if len(person.frames) >= least]
    return sorted(people, key=lambda person: -person.prominence)


def _alike(followed: Followed, clip: Clip) -> list[tuple[float, int, int]]:
    """Pairs of tracklets that can be one person: unlikeness, the earlier and the later one."""
    tracklets = followed.tracklets
    if len(tracklets) < 2:
        return []
    signatures = [signature_of(tracklet) for tracklet in tracklets]
    as_seen = [usual_colours(tracklet) for tracklet in tracklets]
    pairs: list[tuple[float, int, int]] = []
    for late in range(len(tracklets)):
        for early in range(late):
            one, other = signatures[early], signatures[late]
            cost = unlikeness(one, other) / _ALIKE
            if _in_place(*(pair := (tracklets[early], tracklets[late])), clip):
                goes_on = _goes_on(*pair, followed.cuts, clip)
                if goes_on or _in_scene(*pair):
                    near = unlikeness(one, other, NEAR_SHARE)
                    cost = min(cost, near / _NEAR_ALIKE)
                if goes_on:
                    free = unlikeness(as_seen[early], as_seen[late], NEAR_SHARE)
                    cost = min(cost, free / _NEAR_AS_SEEN)
            if cost < 1:
                pairs.append((cost, early, late))
    return sorted(pairs)


def part_dissolved(followed: Followed) -> Followed:
    """Faces that a dissolve turns into somebody else's parted there; the mixture shows nobody.

    A face that stays the same, before a wall that changes, is left as it is.
    """
    cuts = set(followed.cuts)
    tracklets = followed.tracklets
    for last, first in followed.dissolves:
        parted: list[Tracklet] = []
        for tracklet in tracklets:
            before, after = (
                tracklet.part(0, last + 1),
                tracklet.part(first, tracklet.frames[-1] + 1),
            )
            if not before.frames or not after.frames:
                parted += [part for part in (before, after) if part.frames]
            elif unlikeness(signature_of(before), signature_of(after)) < _ALIKE:
                parted.append(tracklet)
            else:
                parted += [before, after]
        if not any(last in t.frames and first in t.frames for t in parted):
            cuts.add(first)
        tracklets = parted
    return Followed(tracklets, tuple(sorted(cuts)))


def signature_of(tracklet: Tracklet) -> np.ndarray:
    """What tells one person from another within a clip: the skin's colours, (468, 3).

    Less the skin's median and what light does, in COLOUR_NOISE units, the median of up to 30
    frames: not of the ends, where something may be sliding over the face. The mesh's shape tells
    less: a smile or a turn of the head changes it by as much as another person does.
    """
    chosen, colours = _colours_of(tracklet)
    colours = colours - np.median(colours[:, SKIN], axis=1, keepdims=True)
    own = [without_light(seen, tracklet.points[k]) for k, seen in zip(chosen, colours, strict=True)]
    return np.median(own, axis=0)


def usual_colours(tracklet: Tracklet) -> np.ndarray:
    """The skin's colours as they are, light included, (468, 3) in COLOUR_NOISE units.

    In the same place within a moment light is the same: what a hand leaves free of a face has
    these, though the hand tilts what `signature_of` takes for light.
    """
    return np.median(_colours_of(tracklet)[1], axis=0)


def _colours_of(tracklet: Tracklet) -> tuple[np.ndarray, np.ndarray]:
    """Up to 30 places in a tracklet's frames, not of its ends, and their colours (n, 468, 3)."""
    last = len(tracklet.frames) - 1
    margin = min(_END_FRAMES, last // 3)
    chosen = np.unique(np.linspace(margin, last - margin, 30).astype(int))
    colours = np.array([tracklet.looks[k].colours[:468] for k in chosen], np.float32)
    return chosen, colours / COLOUR_NOISE


def unlikeness(one: np.ndarray, other: np.ndarray, share: float = 0.5) -> float:
    """How far two signatures (468, 3) are apart in the most alike `share` of their points.

    About 2 is the most that one person differs by.
    """
    return float(np.quantile(np.linalg.norm(one - other, axis=-1), share))


def _at_once(one: Tracklet, other: Tracklet) -> bool:
    return one.frames[0] <= other.frames[-1] and other.frames[0] <= one.frames[-1]


def _in_place(early: Tracklet, late: Tracklet, clip: Clip) -> bool:
    """Whether `late` begins where `early` ended, not long after."""
    gap = clip.times[late.frames[0]] - clip.times[early.frames[-1]]
    before, after = early.points[-1], late.points[0]
    way = np.linalg.norm(before[:468, :2].mean(0) - after[:468, :2].mean(0))
    return bool(0 < gap < _SCENE_SECONDS and way < _NEAR_WIDTHS * width_of(before))


def _goes_on(early: Tracklet, late: Tracklet, cuts: tuple[int, ...], clip: Clip) -> bool:
    """Whether a shot goes on from the one to the other without a break."""
    gap = clip.times[late.frames[0]] - clip.times[early.frames[-1]]
    is_cut = any(early.frames[-1] < cut <= late.frames[0] for cut in cuts)
    return bool(gap < _NEAR_SECONDS) and not is_cut


def _in_scene(early: Tracklet, late: Tracklet) -> bool:
    """Whether the room is still the same, by the same camera."""
    return (
        early.left is not None and late.entered is not None and same_scene(early.left, late.entered)
    )


def _person(chain: list[Tracklet], clip: Clip) -> Person:
    looks = [look for tracklet in chain for look in tracklet.looks]
    points = np.array([p for tracklet in chain for p in tracklet.points])
    share = _PICTURE_SHARE if _is_picture(points) else 1.0
    return Person(
        frames=np.concatenate([t.frames for t in chain]),
        points=points,
        colours=np.array([look.colours for look in looks]),
        edges=np.array([look.edges for look in looks]),
        mouth=np.array([look.mouth for look in looks]),
        lips=np.array([look.lips for look in looks]),
        fine=np.array([look.fine for look in looks]),
        moved=np.array([look.moved for look in looks]),
        opening=np.array([look.opening for look in looks]),
        prominence=share * prominence(points, clip.size) / clip.frame_count,
        glances={frame: seen for t in chain for frame, seen in t.glances.items()},
    )


def _is_picture(points: np.ndarray) -> bool:
    """Whether a face (N, 478, 3) is a picture itself, on a wall: neither lids nor lips move."""
    if len(points) < _LEAST_STILL:
        return False

    def apart(pair: tuple[int, int]) -> np.ndarray:
        return np.linalg.norm(points[:, pair[0], :2] - points[:, pair[1], :2], axis=1)

    width = apart(_CORNERS)
    ranges = [np.ptp(np.percentile(apart(pair) / width, (2, 98))) for pair in (*_LIDS, _LIPS)]
    return bool(max(ranges) < _STILL)


def prominence(points: np.ndarray, size: tuple[int, int]) -> float:
    """Size times nearness to the middle, summed over the frames: (N, 478, 3) -> pixels."""
    low, high = points[:, :468, :2].min(1), points[:, :468, :2].max(1)  # (N, 2)
    low, high = np.clip(low, 0, size), np.clip(high, 0, size)  # what is beyond nobody sees
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
        if not 1 <= number <= len(people):
            raise AVFaceError(
                f"There is no face {number} in {clip.path.name}: {len(people)} found.",
                "Count from 1, the largest and most central face first.",
            )
        return people[number - 1]
    if region is not None:
        return _in_region(people, region, clip)
    rivals = [p for p in people[1:] if p.prominence > 0.2 * people[0].prominence]
    if rivals:
        report.warn(
            f"{len(rivals) + 1} faces: captured the largest and most central one, "
            f"{_side(people[0], clip)}; Choose the Face, --face 2 or --region take another."
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
