"""Which tracklets are the same person, and which person is meant."""

from dataclasses import dataclass, field

import numpy as np

from ..exchange.protocol import AVFaceError
from ..media import Clip
from ..progress import Report
from .looks import COLOUR_NOISE, SKIN
from .tracklets import Followed, Tracklet, width_of

# Points that speech and expression hardly move: corners of the eyes, nose, temples, cheekbones.
_STEADY = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 10, 151, 9, 8, 234, 454, 127,
           356, 93, 323, 132, 361, 58, 288, 172, 397, 50, 280, 205, 425, 116, 345, 48, 278, 129,
           358, 54, 284, 103, 332, 67, 297, 109, 338, 21, 251, 162, 389)  # fmt: skip
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
    colours: np.ndarray  # these six: `looks.Look`, (N, ...)
    edges: np.ndarray
    mouth: np.ndarray
    lips: np.ndarray
    fine: np.ndarray
    moved: np.ndarray
    prominence: float  # how much of the clip's attention the face has, see `prominence`
    glances: dict[int, np.ndarray] = field(default_factory=dict)  # `Tracklet.glances`


@dataclass(frozen=True)
class Signature:
    """What tells one person from another within a clip: the skull's shape, the skin's colours."""

    shape: np.ndarray  # (len(_STEADY), 3), unit size, from the mesh's steady points
    colours: np.ndarray  # (468, 3) Lab less the skin's median, in COLOUR_NOISE units


@dataclass(frozen=True)
class LinkOptions:
    """When two tracklets are the same person.

    Measured on seven people: stretches of one person are at most 1.1 apart, of two people in
    different clips at least 1.6; what slides over a face moves its points.
    """

    alike: float = 1.5  # signature distance up to which two tracklets can be one person
    alike_alone: float = 2.0  # the same where the clip never shows two faces at once
    near_seconds: float = 0.5  # after a gap this short, a face in the same place is the same one
    near_widths: float = 0.5  # the same place: within this many face widths
    near_factor: float = 0.35  # on the distance of signatures, which a turned small face blurs


def link_people(followed: Followed, clip: Clip, options: LinkOptions | None = None) -> list[Person]:
    """Join tracklets to people; the most prominent first.

    The likeliest pairs are joined first; nobody is in two places at once.
    """
    options = options or LinkOptions()
    tracklets = followed.tracklets
    signatures = [signature_of(tracklet) for tracklet in tracklets]
    limit = options.alike if _any_at_once(tracklets) else options.alike_alone
    pairs: list[tuple[float, int, int]] = []
    for late in range(len(tracklets)):
        for early in range(late):
            cost = unlikeness(signatures[early], signatures[late])
            if _stayed(tracklets[early], tracklets[late], followed.cuts, clip, options):
                cost *= options.near_factor
            if cost < limit:
                pairs.append((cost, early, late))
    chains = [[index] for index in range(len(tracklets))]
    for _, early, late in sorted(pairs):
        one, other = chains[early], chains[late]
        if one is not other and not any(
            _at_once(tracklets[i], tracklets[j]) for i in one for j in other
        ):
            one += other
            for index in other:
                chains[index] = one
    unique = {id(chain): sorted(chain) for chain in chains}
    people = [_person([tracklets[i] for i in chain], clip) for chain in unique.values()]
    least = min(_LEAST_FRAMES, clip.frame_count // 2)
    people = [person for person in people if len(person.frames) >= least]
    return sorted(people, key=lambda person: -person.prominence)


def signature_of(tracklet: Tracklet) -> Signature:
    """The signature from up to 30 frames of a tracklet.

    Not from its ends, where something may be sliding over the face.
    """
    last = len(tracklet.frames) - 1
    margin = min(_END_FRAMES, last // 3)
    chosen = np.unique(np.linspace(margin, last - margin, 30).astype(int))
    points = np.array([tracklet.points[k][list(_STEADY)] for k in chosen], float)
    colours = np.array([tracklet.looks[k].colours[:468] for k in chosen], np.float32)
    colours -= np.median(colours[:, SKIN], axis=1, keepdims=True)
    return Signature(_usual_shape(points), np.median(colours, axis=0) / COLOUR_NOISE)


def unlikeness(one: Signature, other: Signature) -> float:
    """How far two signatures are apart; about 1 is the most that one person differs by."""
    turn = _rotation(one.shape, other.shape)
    shape = 100 * np.linalg.norm(one.shape @ turn - other.shape)
    colours = np.median(np.linalg.norm(one.colours - other.colours, axis=-1))
    return float(np.hypot(shape, colours) / 2)


def _usual_shape(points: np.ndarray) -> np.ndarray:
    """Median of point sets after moving, turning and scaling them on each other: (M, P, 3)."""
    points = points - points.mean(1, keepdims=True)
    points = points / np.linalg.norm(points, axis=(1, 2), keepdims=True)
    mean = points[len(points) // 2]
    for _ in range(3):
        mean = np.median([cloud @ _rotation(cloud, mean) for cloud in points], axis=0)
        mean /= np.linalg.norm(mean)
    return mean


def _rotation(cloud: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The (3, 3) that turns `cloud` best onto `target`: cloud @ R (Kabsch)."""
    left, _, right = np.linalg.svd(cloud.T @ target)
    left[:, -1] *= np.sign(np.linalg.det(left @ right))
    return left @ right


def _at_once(one: Tracklet, other: Tracklet) -> bool:
    return one.frames[0] <= other.frames[-1] and other.frames[0] <= one.frames[-1]


def _any_at_once(tracklets: list[Tracklet]) -> bool:
    return any(_at_once(a, b) for k, a in enumerate(tracklets) for b in tracklets[:k])


def _stayed(
    early: Tracklet, late: Tracklet, cuts: tuple[int, ...], clip: Clip, options: LinkOptions
) -> bool:
    """Whether `late` begins soon after `early` ended, in the same place of the same shot."""
    if any(early.frames[-1] < cut <= late.frames[0] for cut in cuts):
        return False
    gap = clip.times[late.frames[0]] - clip.times[early.frames[-1]]
    before, after = early.points[-1], late.points[0]
    way = np.linalg.norm(before[:468, :2].mean(0) - after[:468, :2].mean(0))
    return bool(0 < gap < options.near_seconds and way < options.near_widths * width_of(before))


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
