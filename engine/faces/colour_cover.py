"""What is before a part of the face, by the clip's own colours: the first witness of covers.

The mesh network never reports a cover: it invents a mouth. What gives a cover away is colour: skin
around the lips keeps its chroma (relative to the face's own) from frame to frame, whatever is
said, while a smile or a turned head only shade it, until something else is in front of it. So
each part's colours are compared with the clip's own usual ones, in units of their usual spread,
after taking out what the head's turning explains.
A hand of just the skin's colour is noticed by the lips' (lids', brow's) edges being gone.

Where a part has two very different looks in one clip, one of them is a cover, and not always the
rarer one: the look with edges where the mesh puts lips, lids or brows is the clean one.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter

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
_WIDEN_FRAMES = 2  # a cover's edge blurs the points before it hides them


@dataclass(frozen=True)
class CoverOptions:
    """Where colours begin to speak of a cover, and where they are sure."""

    cover_from: float = 1.35  # median distance of a part's colours, in usual spreads
    cover_to: float = 1.8
    clear_from: float = 0.8  # edges of lips and brows, over those of the clearly seen
    clear_from_eye: float = 0.6  # likewise of lids: a blink takes some
    clear_weight: float = 2.6  # what is missing of them, as a distance of colours
    missing_lips: tuple[float, float] = (0.2, 0.5)  # share of a lip that isn't red, likewise
    face_share: tuple[float, float] = (0.2, 0.8)  # covered share of the face's points, likewise
    looks_apart: float = 0.85  # two looks of a part this far apart: one of them is a cover
    looks_turned: float = 15.0  # unless the head looks so many degrees elsewhere
    look_edges: float = 1.4  # and the one whose features are so much clearer is clean
    far_side_from: float = 15.0  # degrees of yaw; the brow there is judged ever less: it is
    far_side_to: float = 35.0  # narrow, often in the shade, and looked at along the skin


@dataclass(frozen=True)
class ColourWitness:
    """What the clip's colours say of N frames."""

    cover: np.ndarray  # (N, R) in 0..1, how surely something is before each region
    lids: np.ndarray  # (N, 2) steepness of lightness on the lids, left and right


@dataclass(frozen=True)
class _Part:
    """Points of the mesh whose colours tell whether a part of the face is covered."""

    region: str
    points: np.ndarray  # (P,) int
    feature: np.ndarray  # (F,) int: where lips, lids or brow make edges that skin hasn't
    side: int = 0  # 1 the subject's left, -1 right: on the far side when the yaw has this sign


@dataclass(frozen=True)
class _UsualLook:
    """What a part looks like when nothing is before it, and how much that varies."""

    colours: np.ndarray  # (P, 3)
    slopes: np.ndarray  # (3, P, 3) per _POSE_UNIT of yaw, pitch, roll
    spread: np.ndarray  # (P, 3)
    pose: np.ndarray  # (3,) degrees, to which `colours` belong


def colour_witness(
    landmarks: np.ndarray,
    colours: np.ndarray,
    edges: np.ndarray,
    missing: np.ndarray | None = None,
    options: CoverOptions | None = None,
) -> ColourWitness:
    """What covers the face, by colours and edges.

    Args:
        landmarks: (N, 478, 3) px.
        colours: (N, 478, 3) uint8, Lab at the landmarks.
        edges: (N, 478) uint8, steepness of lightness there.
        missing: (N,) share of a lip that isn't red (`mouth.lips_missing`): the one thing that
            colours know of faces, also if it is so through the whole clip.
        options: Thresholds.
    """
    options = options or CoverOptions()
    pose = head_angles(landmarks)
    # The usual look comes from a sample of the clip, so that memory doesn't grow with its length.
    sample = np.unique(np.linspace(0, len(landmarks) - 1, _SAMPLE_FRAMES).astype(int))
    parts = _parts(landmarks[sample], pose[sample])
    lids = [
        next(_median(edges[:, part.feature], axis=1) for part in parts if part.region == eye)
        for eye in ("left_eye", "right_eye")
    ]
    every = np.zeros((len(landmarks), len(REGIONS)))
    if len(landmarks) >= _LEAST_FRAMES:
        distances = _distances(colours, edges, pose, sample, parts, options)
        for part, distance in zip(parts, distances, strict=True):
            cover = _cover_of(part, distance, edges, pose, options)
            column = REGIONS.index(part.region)
            every[:, column] = np.maximum(every[:, column], widened(cover))
    if missing is not None:
        mouth = every[:, REGIONS.index("mouth")]
        mouth[:] = np.maximum(mouth, widened(1 - fall(missing, *options.missing_lips)))
    return ColourWitness(every, np.maximum(np.stack(lids, axis=1), 1.0))


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


def widened(cover: np.ndarray) -> np.ndarray:
    """Without single frames (a hand stays longer), and with the frames around it: (N,)."""
    steady = median_filter(cover, 3, mode="nearest")
    return maximum_filter1d(steady, 2 * _WIDEN_FRAMES + 1, mode="nearest")


def fall(value: np.ndarray, start: float, stop: float) -> np.ndarray:
    """1 up to `start`, 0 from `stop` on."""
    return np.clip((stop - value) / (stop - start), 0, 1)


def _cover_of(
    part: _Part,
    distance: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    options: CoverOptions,
) -> np.ndarray:
    """How surely a part is covered whose colours are so far from the usual ones, (N,)."""
    if part.region == "face":
        return 1 - fall(distance, *options.face_share)
    clear_from = options.clear_from_eye if "eye" in part.region else options.clear_from
    missing = np.maximum(clear_from - _feature_clearness(edges, part), 0)
    near = fall(part.side * pose[:, 0], options.far_side_from, options.far_side_to)
    evidence = (distance + options.clear_weight * missing) * near
    return 1 - fall(evidence, options.cover_from, options.cover_to)


def _distances(
    colours: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    sample: np.ndarray,
    parts: list[_Part],
    options: CoverOptions,
) -> np.ndarray:
    """How far each part's colours are from their usual ones, in usual spreads: (parts, N).

    The median of its points' distances; of the face, the share of those that are far.
    """
    looks = _against_skin(colours[sample])
    usual = [
        _usual_look(looks[:, part.points], edges[sample], pose[sample], part, options)
        for part in parts
    ]
    out = np.empty((len(parts), len(colours)))
    for start in range(0, len(colours), _SAMPLE_FRAMES):
        block = slice(start, start + _SAMPLE_FRAMES)
        if len(sample) < len(colours):
            looks = _against_skin(colours[block])
        for row, part, look in zip(out, parts, usual, strict=True):
            scaled = _residual(looks[:, part.points], pose[block], look) / look.spread
            far = np.sqrt((scaled**2).mean(-1))  # (n, P)
            is_face = part.region == "face"
            row[block] = (far > options.cover_to).mean(1) if is_face else _median(far, axis=1)
    return out


def _median(values: np.ndarray, axis: int = 0, keepdims: bool = False) -> np.ndarray:
    """`np.median` without NaN, by sorting: that has vector instructions, its partition hasn't."""
    count = values.shape[axis]
    low, high = (count - 1) // 2, count // 2
    ordered = np.sort(values, axis=axis)
    median = ordered.take(low, axis) / 2 + ordered.take(high, axis) / 2
    return np.expand_dims(median, axis) if keepdims else median


def _against_skin(colours: np.ndarray) -> np.ndarray:
    """Lightness and chroma of all points against the frame's own skin: Lab -> (n, 478, 3).

    A smile or a turn of the head shades skin, but hardly changes its chroma: Lab's a and b over
    the lightness are the same under any strength of light. So shade counts little. In units of
    what any camera's noise amounts to, which is more in the shade.
    """
    light = colours[..., 0].astype(np.float32) + np.float32(_BLACK)  # (n, 478)
    brightness = np.float32(_MIDDLE_LIGHT) / light
    looks = np.empty(colours.shape, np.float32)
    looks[..., 0] = np.log(light) / np.float32(_SHADE_UNIT)
    looks[..., 1:] = (colours[..., 1:] - np.float32(128)) / COLOUR_NOISE[1:]
    looks[..., 1:] *= brightness[..., None]  # as they were in middle light
    looks -= _median(looks[:, SKIN], axis=1, keepdims=True)
    looks[..., 1:] /= np.maximum(brightness, 1)[..., None]
    return looks


def _usual_look(
    looks: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    part: _Part,
    options: CoverOptions,
) -> _UsualLook:
    first = _look_of(looks, pose)
    clean = _clean_frames(_residual(looks, pose, first), edges, pose, part, options)
    return first if clean.all() else _look_of(looks[clean], pose[clean])


def _look_of(looks: np.ndarray, pose: np.ndarray) -> _UsualLook:
    """The look common to frames (M, P, 3), and what their poses (M, 3) change in it."""
    usual, middle = _median(looks, axis=0), _median(pose, axis=0)
    turn = _turn(pose, middle)
    target = np.clip(looks - usual, -_LARGEST_CHANGE, _LARGEST_CHANGE)
    # The ridge asks for a real range of poses before a slope is believed.
    gram = turn.T @ turn + (0.1 * len(turn) + 1.0) * np.eye(3)
    slopes = np.linalg.solve(gram, turn.T @ target.reshape(len(turn), -1))
    look = _UsualLook(usual, slopes.reshape(3, *usual.shape), np.ones_like(usual), middle)
    spread = 1.48 * _median(np.abs(_residual(looks, pose, look)), axis=0)
    return replace(look, spread=np.maximum(spread, 1.0))


def _turn(pose: np.ndarray, middle: np.ndarray) -> np.ndarray:
    return np.clip((pose - middle) / _POSE_UNIT, -3, 3)


def _residual(looks: np.ndarray, pose: np.ndarray, usual: _UsualLook) -> np.ndarray:
    """What differs from the usual look in a pose, (n, P, 3), not yet in spreads."""
    turned = _turn(pose, usual.pose) @ usual.slopes.reshape(3, -1)
    return looks - (usual.colours + turned.reshape(looks.shape)).astype(looks.dtype)


def _clean_frames(
    looks: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    part: _Part,
    options: CoverOptions,
) -> np.ndarray:
    """Which frames show the part itself: all of them, or one of two groups. (N,) bool."""
    everything = np.ones(len(looks), bool)
    first = _two_groups(looks)
    if first is None or min(first.sum(), (~first).sum()) < max(4, len(looks) // 25):
        return everything
    if first.sum() * 2 < len(first):
        first = ~first  # now the commoner one
    groups = (first, ~first)
    yaw = [_median(pose[group, 0]) for group in groups]
    if abs(yaw[0] - yaw[1]) > options.looks_turned:
        return everything  # the head turns into its own shadow
    middles = [_median(looks[group], axis=0) for group in groups]
    spreads = [
        1.48 * _median(np.abs(looks[group] - middle), axis=0)
        for group, middle in zip(groups, middles, strict=True)
    ]
    steadier = min(spreads, key=np.median)
    apart = (middles[0] - middles[1]) / np.maximum(steadier, 1.0)
    if _median(np.sqrt((apart**2).mean(-1))) < options.looks_apart:
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
    flat = np.clip(looks - _median(looks, axis=0), -8, 8).reshape(len(looks), -1)
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
    clear = _median(edges[:, part.feature], axis=1) / np.maximum(edges.mean(axis=1), 1.0)
    return clear / max(float(np.percentile(clear, 80)), 1e-6)


def _parts(landmarks: np.ndarray, pose: np.ndarray) -> list[_Part]:
    """The parts, laid out on the clip's most frontal faces."""
    frontal = np.argsort(np.abs(pose[:, 0]) + np.abs(pose[:, 1]))[: max(1, len(pose) // 4)]
    shape = _median(_upright(landmarks[frontal]), axis=0)  # (478, 2), eye widths
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
