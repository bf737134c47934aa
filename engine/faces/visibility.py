"""How far each part of the face can be believed, per frame: covered, turned away or blurred.

The mesh network never reports a cover: it invents a mouth. What gives a cover away is colour: skin
around the lips keeps its chroma (relative to the face's own) from frame to frame, whatever is
said, while a smile or a turned head only shade it, until something else is in front of it. So
each part's colours are compared with the clip's own usual ones, in units of their usual spread,
after taking out what the head's turning explains.
A hand of just the skin's colour is noticed by the lips' (lids', brow's) edges being gone.

Where a part has two very different looks in one clip, one of them is a cover, and not always the
rarer one: the look with edges where the mesh puts lips, lids or brows is the clean one.

A part that is covered through the whole clip can't be noticed this way, and light that moves
over a face changes its colours too. So there is a second witness, the landmark network
(`engine.seen`), which knows faces and not this clip: what it doesn't recognise as a mouth or an
eye is covered, however usual it looks here; and where it surely sees a mouth, a shadow has deceived
the colours. It can't tell one eye from the other, nor skin before an eye from a lid: there colours
and edges decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d

from ..exchange.take import REGIONS
from .detector import LEFT_EYE, RIGHT_EYE
from .looks import COLOUR_NOISE, LOWER_INNER, LOWER_OUTER, SKIN, UPPER_INNER, UPPER_OUTER

_LIPS = UPPER_OUTER + LOWER_OUTER
_INSIDE_LIPS = UPPER_INNER + LOWER_INNER
_RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
_LEFT_BROW = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
_RIGHT_INNER_EYE, _LEFT_INNER_EYE = 133, 362
_LEAST_FRAMES = 5
_SAMPLE_FRAMES = 400
_POSE_UNIT = 15.0  # degrees
_BLACK = 41.0  # Lab's lightness of 8 bits is this much above a pure cube root
_MIDDLE_LIGHT = 170.0  # likewise, of well lit skin, with _BLACK
_SHADE_UNIT = 0.12  # log lightness: a light change of shade
_LARGEST_CHANGE = 8.0  # that a turn of the head makes


@dataclass(frozen=True)
class VisibilityOptions:
    """Where belief begins to fall and where it ends."""

    cover_from: float = 1.35  # median distance of a part's colours, in usual spreads
    cover_to: float = 1.8
    clear_from: float = 0.8  # edges of lips and brows, over those of the clearly seen
    clear_from_eye: float = 0.6  # likewise of lids: a blink takes some
    clear_weight: float = 2.6  # what is missing of them, as a distance of colours
    face_share: tuple[float, float] = (0.2, 0.8)  # covered share of the face's points, likewise
    looks_apart: float = 0.85  # two looks of a part this far apart: one of them is a cover
    looks_turned: float = 15.0  # unless the head looks so many degrees elsewhere
    look_edges: float = 1.4  # and the one whose features are so much clearer is clean
    widen_frames: int = 2  # a cover's edge blurs the points before it hides them
    far_side_from: float = 15.0  # degrees of yaw; the brow there is judged ever less: it is
    far_side_to: float = 35.0  # narrow, often in the shade, and looked at along the skin
    far_eye_from: float = 40.0  # degrees of yaw; the eye on the far side
    far_eye_to: float = 60.0
    turned_from: float = 60.0  # degrees of yaw; all parts
    turned_to: float = 85.0
    sharp_from: float = 0.5  # sharpness over the clip's usual one
    sharp_to: float = 0.2
    # The network's probability that a part is seen: belief is full at the first, gone at the last.
    mouth_seen: tuple[float, float] = (0.7, 0.5)  # wide open or laughing downwards 0.65
    one_eye_seen: tuple[float, float] = (0.65, 0.45)
    eyes_seen: tuple[float, float] = (0.5, 0.35)  # of both, and of the brows: glasses leave 0.6
    face_seen: tuple[float, float] = (0.5, 0.3)
    surely_seen: tuple[float, float] = (0.87, 0.91)  # the colours of a mouth may be mistaken then
    brows_surely_seen: tuple[float, float] = (0.945, 0.96)
    sure_frames: int = 3  # on both sides, or something is just coming
    other_eye: float = 0.7  # edges of lids over the other eye's: with less, this eye is the covered


@dataclass(frozen=True)
class _Part:
    """Points of the mesh whose colours tell whether a part of the face is covered."""

    region: str
    points: np.ndarray  # (P,) int
    feature: np.ndarray  # (F,) int: where lips, lids or brow make edges that skin hasn't
    side: int = 0  # 1 the subject's left, -1 right: on the far side when the yaw has this sign


def judge_visibility(
    landmarks: np.ndarray,
    colours: np.ndarray,
    edges: np.ndarray,
    options: VisibilityOptions | None = None,
    seen: np.ndarray | None = None,
) -> np.ndarray:
    """Confidence of each region in the frames in which the face is seen.

    Args:
        landmarks: (N, 478, 3) px.
        colours: (N, 478, 3) uint8, Lab at the landmarks.
        edges: (N, 478) uint8, steepness of lightness there.
        options: Thresholds.
        seen: (N, R) what the network sees of each region, 0..1; None leaves it to the colours.

    Returns:
        (N, R) in 0..1, in the order of `exchange.take.REGIONS`.
    """
    options = options or VisibilityOptions()
    confidence = _turned_away(head_angles(landmarks)[:, 0], options)
    confidence = confidence * _sharp(edges, options)[:, None]
    cover = colour_cover(landmarks, colours, edges, options)
    if seen is not None:
        cover = _both_witnesses(cover, seen, _lid_edges(landmarks, edges), options)
    return np.minimum(confidence, 1 - cover)


def colour_cover(
    landmarks: np.ndarray,
    colours: np.ndarray,
    edges: np.ndarray,
    options: VisibilityOptions | None = None,
) -> np.ndarray:
    """How surely something is before each region, (N, R) in 0..1, by the clip's own colours."""
    options = options or VisibilityOptions()
    every = np.zeros((len(landmarks), len(REGIONS)))
    if len(landmarks) < _LEAST_FRAMES:
        return every
    pose = head_angles(landmarks)
    # The usual look comes from a sample of the clip, so that memory doesn't grow with its length.
    sample = np.unique(np.linspace(0, len(landmarks) - 1, _SAMPLE_FRAMES).astype(int))
    for part in _parts(landmarks[sample], pose[sample]):
        usual = _usual_look(colours[sample], edges[sample], pose[sample], part, options)
        if part.region == "face":
            share = _over_clip(colours, pose, part, usual, lambda d: (d > options.cover_to).mean(1))
            cover = 1 - _fall(share, *options.face_share)
        else:
            distance = _over_clip(colours, pose, part, usual, lambda d: np.median(d, axis=1))
            clear_from = options.clear_from_eye if "eye" in part.region else options.clear_from
            missing = np.maximum(clear_from - _feature_clearness(edges, part), 0)
            evidence = (distance + options.clear_weight * missing) * _fall(
                part.side * pose[:, 0], options.far_side_from, options.far_side_to
            )
            cover = 1 - _fall(evidence, options.cover_from, options.cover_to)
        column = REGIONS.index(part.region)
        every[:, column] = np.maximum(every[:, column], _widen(cover, options))
    return every


def network_doubts(seen: np.ndarray, options: VisibilityOptions | None = None) -> np.ndarray:
    """How surely the network sees something else than the region itself: (N, R) -> (N, R)."""
    options = options or VisibilityOptions()
    ranges = {"face": options.face_seen, "mouth": options.mouth_seen}
    doubts = np.empty_like(seen)
    for k, region in enumerate(REGIONS):
        full, gone = ranges.get(region, options.eyes_seen)
        doubts[:, k] = 1 - _fall(-seen[:, k], -full, -gone)
    return doubts


def _both_witnesses(
    colours: np.ndarray, seen: np.ndarray, lids: np.ndarray, options: VisibilityOptions
) -> np.ndarray:
    """Covers by colours (N, R) and network (N, R) together; `lids` (N, 2) edges, left and right."""
    doubts = network_doubts(seen, options)
    eyes = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]
    weaker = lids < options.other_eye * lids[:, ::-1]  # (N, 2)
    full, gone = options.one_eye_seen
    one = 1 - _fall(-seen[:, eyes].min(axis=1, keepdims=True), -full, -gone)  # (N, 1)
    doubts[:, eyes] = np.where(weaker.any(axis=1, keepdims=True), weaker * one, doubts[:, eyes])
    doubts = np.stack([_widen(column, options) for column in doubts.T], axis=1)
    lowest = minimum_filter1d(seen, 2 * options.sure_frames + 1, axis=0, mode="nearest")
    sure = 1 - _fall(lowest, *options.surely_seen)  # (N, R)
    mouth, brows = REGIONS.index("mouth"), REGIONS.index("brows")
    # Light that deceives the colours of a mouth deceives them everywhere.
    deceived = colours[:, mouth] * sure[:, mouth]
    veto = sure * deceived[:, None]
    veto[:, mouth] = sure[:, mouth]
    veto[:, brows] = np.maximum(
        veto[:, brows], 1 - _fall(lowest[:, brows], *options.brows_surely_seen)
    )
    return np.maximum(colours * (1 - veto), doubts)


def _lid_edges(landmarks: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Steepness of lightness on the lids, left and right: (N, 2)."""
    sample = np.unique(np.linspace(0, len(landmarks) - 1, _SAMPLE_FRAMES).astype(int))
    parts = {p.region: p for p in _parts(landmarks[sample], head_angles(landmarks[sample]))}
    lids = [np.median(edges[:, parts[eye].feature], axis=1) for eye in ("left_eye", "right_eye")]
    return np.maximum(np.stack(lids, axis=1), 1.0)


def head_angles(landmarks: np.ndarray) -> np.ndarray:
    """Yaw, pitch, roll in degrees from the mesh's own depth: (N, 478, 3) -> (N, 3).

    Yaw is above 0 when the subject's right side comes nearer; roll when the head leans to the
    picture's right.
    """
    across = landmarks[:, LEFT_EYE] - landmarks[:, RIGHT_EYE]
    down = landmarks[:, 152] - landmarks[:, 10]  # chin, top of the forehead
    yaw = np.arctan2(across[:, 2], np.hypot(across[:, 0], across[:, 1]))
    pitch = np.arctan2(down[:, 2], np.hypot(down[:, 0], down[:, 1]))
    roll = np.arctan2(across[:, 1], across[:, 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=1))


@dataclass(frozen=True)
class _UsualLook:
    """What a part looks like when nothing is before it, and how much that varies."""

    colours: np.ndarray  # (P, 3)
    slopes: np.ndarray  # (3, P, 3) per _POSE_UNIT of yaw, pitch, roll
    spread: np.ndarray  # (P, 3)
    pose: np.ndarray  # (3,) degrees, to which `colours` belong


def _relative(colours: np.ndarray, part: _Part) -> np.ndarray:
    """A part's lightness and chroma against the frame's own skin: (N, P, 3).

    A smile or a turn of the head shades skin, but hardly changes its chroma: Lab's a and b over
    the lightness are the same under any strength of light. So shade counts little. In units of
    what any camera's noise amounts to, which is more in the shade.
    """
    parts = _shade_and_chroma(colours[:, part.points])
    skin = np.median(_shade_and_chroma(colours[:, SKIN]), axis=1, keepdims=True)
    noise = np.maximum(_MIDDLE_LIGHT / (colours[:, part.points, 0] + _BLACK), 1.0)
    relative = parts - skin
    relative[..., 1:] /= noise[..., None]
    return relative


def _shade_and_chroma(colours: np.ndarray) -> np.ndarray:
    """Lab of 8 bits -> log of lightness, and a and b as they were in middle light."""
    light = colours[..., 0].astype(np.float32) + _BLACK
    chroma = (colours[..., 1:] - np.float32(128)) * (_MIDDLE_LIGHT / light)[..., None]
    return np.concatenate(
        [np.log(light)[..., None] / _SHADE_UNIT, chroma / COLOUR_NOISE[1:]], axis=-1
    )


def _usual_look(
    colours: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    part: _Part,
    options: VisibilityOptions,
) -> _UsualLook:
    looks = _relative(colours, part)
    first = _look_of(looks, pose)
    clean = _clean_frames(_residual(looks, pose, first), edges, pose, part, options)
    return first if clean.all() else _look_of(looks[clean], pose[clean])


def _look_of(looks: np.ndarray, pose: np.ndarray) -> _UsualLook:
    """The look common to frames (M, P, 3), and what their poses (M, 3) change in it."""
    usual, middle = np.median(looks, axis=0), np.median(pose, axis=0)
    turn = _turn(pose, middle)
    target = np.clip(looks - usual, -_LARGEST_CHANGE, _LARGEST_CHANGE)
    # The ridge asks for a real range of poses before a slope is believed.
    gram = turn.T @ turn + (0.1 * len(turn) + 1.0) * np.eye(3)
    slopes = np.linalg.solve(gram, np.einsum("mk,mpc->kpc", turn, target).reshape(3, -1))
    look = _UsualLook(usual, slopes.reshape(3, *usual.shape), np.ones_like(usual), middle)
    spread = 1.48 * np.median(np.abs(_residual(looks, pose, look)), axis=0)
    return replace(look, spread=np.maximum(spread, 1.0))


def _turn(pose: np.ndarray, middle: np.ndarray) -> np.ndarray:
    return np.clip((pose - middle) / _POSE_UNIT, -3, 3)


def _residual(looks: np.ndarray, pose: np.ndarray, usual: _UsualLook) -> np.ndarray:
    """What differs from the usual look in a pose, (N, P, 3), not yet in spreads."""
    return looks - usual.colours - np.einsum("nk,kpc->npc", _turn(pose, usual.pose), usual.slopes)


def _over_clip(
    colours: np.ndarray,
    pose: np.ndarray,
    part: _Part,
    usual: _UsualLook,
    summary: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """`summary` of the points' distances to the usual look, (n, P) in spreads: (N,)."""
    result = np.empty(len(colours))
    for start in range(0, len(colours), _SAMPLE_FRAMES):
        block = slice(start, start + _SAMPLE_FRAMES)
        scaled = _residual(_relative(colours[block], part), pose[block], usual) / usual.spread
        result[block] = summary(np.sqrt((scaled**2).mean(-1)))
    return result


def _widen(cover: np.ndarray, options: VisibilityOptions) -> np.ndarray:
    """Without single frames (a hand stays longer), and with the frames around it: (N,)."""
    steady = median_filter(cover, 3, mode="nearest")
    return maximum_filter1d(steady, 2 * options.widen_frames + 1, mode="nearest")


def _clean_frames(
    looks: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    part: _Part,
    options: VisibilityOptions,
) -> np.ndarray:
    """Which frames show the part itself: all of them, or one of two groups. (N,) bool."""
    everything = np.ones(len(looks), bool)
    first = _two_groups(looks)
    if first is None or min(first.sum(), (~first).sum()) < max(4, len(looks) // 25):
        return everything
    if first.sum() * 2 < len(first):
        first = ~first  # now the commoner one
    groups = (first, ~first)
    yaw = [np.median(pose[group, 0]) for group in groups]
    if abs(yaw[0] - yaw[1]) > options.looks_turned:
        return everything  # the head turns into its own shadow
    middles = [np.median(looks[group], axis=0) for group in groups]
    spreads = [
        1.48 * np.median(np.abs(looks[group] - middle), axis=0)
        for group, middle in zip(groups, middles, strict=True)
    ]
    steadier = min(spreads, key=np.median)
    apart = (middles[0] - middles[1]) / np.maximum(steadier, 1.0)
    if np.median(np.sqrt((apart**2).mean(-1))) < options.looks_apart:
        return everything
    # Lips, lids and brows make edges where the mesh puts them; a hand has none just there. If both
    # looks have them, neither is a cover: the same mouth smiles.
    common, rare = (_feature_edges(edges[group], part) for group in groups)
    if rare > options.look_edges * common:
        return ~first
    return first if common > options.look_edges * rare else everything


def _feature_edges(edges: np.ndarray, part: _Part) -> float:
    """Steepness on the part's feature over that of the face's skin."""
    skin = float(np.median(edges[:, SKIN]))
    return float(np.median(edges[:, part.feature])) / max(skin, 1.0)


def _two_groups(looks: np.ndarray) -> np.ndarray | None:
    """Two-means along the direction of the largest change: (N,) bool; None without any."""
    flat = np.clip(looks - np.median(looks, axis=0), -8, 8).reshape(len(looks), -1)
    flat = flat - flat.mean(0)
    value = flat @ _largest_change(flat)
    if np.ptp(value) < 1e-6:
        return None
    border = float(value.mean())
    for _ in range(20):
        border = (value[value <= border].mean() + value[value > border].mean()) / 2
    return value > border


def _largest_change(rows: np.ndarray, rounds: int = 30) -> np.ndarray:
    """The unit direction along which rows (N, K) differ most, by power iteration."""
    direction = rows[np.argmax(np.linalg.norm(rows, axis=1))]
    for _ in range(rounds):
        direction = (rows @ direction) @ rows
        direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
    return direction


def _feature_clearness(edges: np.ndarray, part: _Part) -> np.ndarray:
    """Edges of the part's feature among the face's, over what they are when clearly seen: (N,).

    Speech and blinks leave at least 0.7 of them; a hand of exactly the skin's colour, 0.1 to 0.3.
    """
    clear = np.median(edges[:, part.feature], axis=1) / np.maximum(edges.mean(axis=1), 1.0)
    return clear / max(float(np.percentile(clear, 80)), 1e-6)


def _parts(landmarks: np.ndarray, pose: np.ndarray) -> list[_Part]:
    """The parts, laid out on the clip's most frontal faces."""
    frontal = np.argsort(np.abs(pose[:, 0]) + np.abs(pose[:, 1]))[: max(1, len(pose) // 4)]
    shape = np.median(_upright(landmarks[frontal]), axis=0)  # (478, 2), eye widths
    lips = np.array(_INSIDE_LIPS)
    mouth = np.setdiff1d(_near(shape, (61, 291), (0.45, 0.5), (0.0, 0.12)), lips)
    is_left = shape[mouth, 0] > shape[[61, 291], 0].mean()
    red = np.array(_LIPS)
    parts = [_Part("mouth", mouth, red)]
    parts += [_Part("mouth", half, red) for half in (mouth[is_left], mouth[~is_left])]
    for region, corners in (
        ("right_eye", (RIGHT_EYE, _RIGHT_INNER_EYE)),
        ("left_eye", (LEFT_EYE, _LEFT_INNER_EYE)),
    ):
        around = _near(shape, corners, (0.3, 0.24), (0.0, 0.0))
        lids = _near(shape, corners, (0.18, 0.07), (0.0, 0.0))
        parts.append(_Part(region, around, lids))
    for brow, side in ((_RIGHT_BROW, -1), (_LEFT_BROW, 1)):
        above = _near(shape, (brow[0], brow[4]), (0.28, 0.12), (0.0, -0.03))
        parts.append(_Part("brows", np.union1d(brow, above), np.array(brow), side))
    everything = np.setdiff1d(_near(shape, (4, 4), (0.7, 0.8), (0.0, 0.0)), lips)
    return [*parts, _Part("face", everything, red)]


def _upright(landmarks: np.ndarray) -> np.ndarray:
    """(N, 478, 2) from the middle of the eyes, along and across their line, in eye widths."""
    across = (landmarks[:, LEFT_EYE] - landmarks[:, RIGHT_EYE])[:, :2]  # (N, 2)
    middle = (landmarks[:, LEFT_EYE] + landmarks[:, RIGHT_EYE])[:, None, :2] / 2
    scale = (across**2).sum(-1)[:, None, None]
    x, y = across[:, 0], across[:, 1]
    turn = np.stack([np.stack([x, y], -1), np.stack([-y, x], -1)], axis=1)  # (N, 2, 2)
    return (landmarks[..., :2] - middle) @ np.swapaxes(turn, 1, 2) / scale


def _near(
    shape: np.ndarray,
    ends: tuple[int, int],
    reach: tuple[float, float],
    shift: tuple[float, float],
) -> np.ndarray:
    """Points of the face in an ellipse around the middle of two points, in eye widths."""
    middle = shape[list(ends)].mean(0) + shift
    inside = (((shape[:468] - middle) / reach) ** 2).sum(-1) < 1
    return np.flatnonzero(inside)


def _turned_away(yaw: np.ndarray, options: VisibilityOptions) -> np.ndarray:
    """Belief that is left at a yaw, degrees: (N,) -> (N, R)."""
    belief = np.repeat(
        _fall(np.abs(yaw), options.turned_from, options.turned_to)[:, None], len(REGIONS), axis=1
    )
    for region, far in (("left_eye", yaw), ("right_eye", -yaw)):
        belief[:, REGIONS.index(region)] = _fall(far, options.far_eye_from, options.far_eye_to)
    return belief


def _sharp(edges: np.ndarray, options: VisibilityOptions) -> np.ndarray:
    """Belief that is left where the face is blurred, against the clip's usual picture: (N,)."""
    sharpness = edges.mean(axis=1)
    usual = max(float(np.median(sharpness)), 1.0)
    return _fall(-sharpness / usual, -options.sharp_from, -options.sharp_to)


def _fall(value: np.ndarray, start: float, stop: float) -> np.ndarray:
    """1 up to `start`, 0 from `stop` on."""
    return np.clip((stop - value) / (stop - start), 0, 1)
