"""What no picture tells of a mouth, as it is heard: how far lips stand out, roll in, are tucked.

Landmarks see an opening's outline: how far the lips are apart along their line, where the corners
are, how high the mouth stands. Along what they don't see (the null space of their derivatives)
sound has the say: rounding and rolling by the voice's own deviation, the lower lip at the upper
teeth at f and v, the rows that meet in a hiss, where a chin goes down with its lip. Units that the
picture does see give way, so that what it sees of the lips stays. A turned head shows the depth of
its lips: then that is seen, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from ..exchange.take import frame_seconds
from ..fitting.landmark_head import LandmarkHead, landmark_head
from ..fitting.sound import Hearing, heard_share
from ..fitting.terms import LIP_PAIRS
from ..geometry import rotation_matrix
from ..head.model import FaceParams, Head
from ..head.mouth import Mouth, front_of, has_teeth

if TYPE_CHECKING:
    from ..audio.voice import VoiceFace

# Channels that sound decides, and those that give way, each with the deviation by which it may.
_SAID = ("mouthPucker", "mouthFunnel", "mouthRollLower", "mouthRollUpper")
_GIVING = {
    "mouthClose": 0.2, "mouthStretch": 0.5, "mouthDimple": 0.5, "mouthSmile": 0.5,
    "mouthLowerDown": 0.5, "mouthUpperUp": 0.5,
}  # fmt: skip
_CHANNELS = (*_SAID, *_GIVING)
_ROLLED = 0.5  # of a roll that is heard: a tuck takes no more, for contact is asked for by itself
_REST = 0.2  # quantile of a one-sided unit in speech that counts as its rest
_LEAST_SD = 0.1  # of what is heard, in a unit's range
# How firmly what the picture tells is held, m: how far the lips are apart and how wide the mouth
# is, how high the corners stand about the lips' middle, and where that middle is.
_GAP_SD, _WIDTH_SD, _CORNER_SD, _PLACE_SD = 0.1e-3, 0.1e-3, 0.4e-3, 1.2e-3
_RED_SD = 2.0e-3  # how high the red of a lip is, which the tracker half guesses
_ALONG_SD, _TUCKED_ALONG_SD = 0.3e-3, 1.0e-3  # gaps along the lips; teeth on one hide its edge
_TUCKED_GAP_SD, _TUCKED_UPPER_SD = 0.2e-3, 0.8e-3  # the lower lip goes there, not the upper one
_UPPER, _LOWER = (list(points) for points in zip(*LIP_PAIRS, strict=True))
_MIDDLE = [LIP_PAIRS.index(pair) for pair in ((82, 87), (13, 14), (312, 317))]
_OUTER, _CORNERS = [0, 17], [61, 291]
_TUCK = (0.3, 0.7)  # probability of f v from which the lip goes to the teeth, and is there
# m between the nearest vertices of lip and teeth, as an f's own units bring them: nearer, rolls
# alone would help, and hide the red of the lip.
_TOUCHING, _TUCK_SD = 1.7e-3, 0.15e-3
_TUCKED_GAP = 1.2e-3  # m: teeth that stand on a lip show so much at least, be it too little to see
_AROUND_SECONDS = 0.04  # by which a lip is there before a tuck is heard, and leaves later
# m between lips, and between lip and teeth beyond the nearest that they come within a moment: seen
# farther apart, a tuck is on its way; so far not.
_TUCK_GAP, _TUCK_BEYOND, _MOMENT_SECONDS = (2.5e-3, 5e-3), (0.5e-3, 2e-3), 0.08
# Probability of s z sh ch from which the jaw rises, and is up; rad at which the rows just pass
# each other, on the head that all jaws are told of.
_HISSED, _HISSING_JAW = (0.3, 0.6), 0.028
_OPEN_JAW = 0.08, 0.14  # rad: seen so low, jaws are on their way; lower they breathe, don't hiss
_TUCK_ROUNDS = 3  # the nearest vertices change as the lip moves
_LEAST_HEARD = 0.02
_CALM_SECONDS = 0.02  # lips don't jump: deviation of what is mixed in time, well within a closure
_CHUNK = 256  # frames at once


@dataclass(frozen=True)
class _Wishes:
    """Sum of weight (J d - wanted)^2 over R rows, for changes d of C channels in n frames."""

    J: np.ndarray  # (n, R, C)
    wanted: np.ndarray  # (n, R)
    weight: np.ndarray  # (n, R)


def say_unseen(params: FaceParams, hearing: Hearing, times: np.ndarray, head: Head) -> FaceParams:
    """A performance whose lips have the depth, roll and tuck that is heard, and look as they did.

    Args:
        params: T frames, as picture and sound have placed the mouth: covered lips stand out as
            far as those seen before and after.
        hearing: of the clip, at its frames.
        times: (T,) s.
        head: one without our units, or a mix that stands for them, is left alone.
    """
    marks = landmark_head(head.file)
    mix = _channels(marks)
    share = heard_share(hearing, times)
    if mix is None or share.max(initial=0) < _LEAST_HEARD:
        return params
    units = marks.units(params.expression)  # (T, U)
    teeth = front_of(head.file) if has_teeth(head.file) else None
    change, sd = _heard(hearing.voice, units, mix, share)
    tucked = tucks(hearing.voice, times, params, teeth)
    raised = _to_hiss(hearing.voice, params.jaw)  # (T, 3)
    to_head = mix @ marks.unit_mix  # (C, E)
    said = np.zeros((len(units), len(mix)))
    for start in range(0, len(units), _CHUNK):
        part = slice(start, start + _CHUNK)
        some, bounds = params[part], _bounds(units[part], mix, marks)
        eye = np.broadcast_to(np.eye(len(mix)), (len(some), len(mix), len(mix)))
        seen = _seen(some, marks, mix, tucked[part], raised[part])
        some = some.replace(jaw=some.jaw + raised[part])
        wishes = [_Wishes(eye, change[part], 1 / sd[part] ** 2), seen]
        if teeth is None or not tucked[part].any():
            moved = _solve(wishes, bounds)
        else:
            seen.wanted[:, :2] += _parted(some, teeth, tucked[part])
            moved = _solve(wishes, bounds)
            for _ in range(_TUCK_ROUNDS):
                touch = _touch(some, teeth, to_head, moved, tucked[part])
                moved = _solve([*wishes, touch], bounds)
        said[part] = share[part, None] * moved
    calm = _CALM_SECONDS / frame_seconds(times)
    said = gaussian_filter1d(said, calm, axis=0, mode="nearest")
    raised = gaussian_filter1d(share[:, None] * raised, calm, axis=0, mode="nearest")
    return params.replace(expression=params.expression + said @ to_head, jaw=params.jaw + raised)


def _to_hiss(voice: VoiceFace, jaw: np.ndarray) -> np.ndarray:
    """By how much a jaw (T, 3) rises where s, z, sh or ch is heard, (T, 3) rad."""
    share = np.interp(voice.hissing, _HISSED, (0, 1)) * np.interp(jaw[:, 0], _OPEN_JAW, (1, 0))
    return (share * np.minimum(_HISSING_JAW - jaw[:, 0], 0))[:, None] * [1, 0, 0]


def tucks(
    voice: VoiceFace, times: np.ndarray, params: FaceParams, teeth: Mouth | None
) -> np.ndarray:
    """How far f and v ask for the lip at the teeth, (T,) 0..1: it comes and goes without a leap.

    Sound is a frame early or late; lips that are seen apart are on their way.
    """
    around, moment = (s / frame_seconds(times) for s in (_AROUND_SECONDS, _MOMENT_SECONDS))
    surely = np.interp(voice.tucked, _TUCK, (0, 1))
    surely = maximum_filter1d(surely, 2 * round(around) + 1, mode="nearest")
    tucked = gaussian_filter1d(surely, around / 2, mode="nearest")
    if teeth is None or not tucked.any():
        return tucked
    gap, away = _seen_apart(params, teeth)
    nearest = minimum_filter1d(away, 2 * round(moment) + 1, mode="nearest")
    tucked *= np.interp(gap, _TUCK_GAP, (1, 0))
    return tucked * np.interp(away - nearest, _TUCK_BEYOND, (1, 0))


def _seen_apart(params: FaceParams, teeth: Mouth) -> tuple[np.ndarray, np.ndarray]:
    """How far lip and lip, and lip and teeth, are apart, (T,) m each."""
    rest, apart = teeth.rest(params.shape), []  # some frames at a time: ten minutes take 3 GB
    for start in range(0, len(params), _CHUNK):
        some = params[start : start + _CHUNK]
        points = teeth.pose(some.expression, some.jaw, rest)
        lip, edge = teeth.nearest_to_teeth(points)
        every = np.arange(len(points))
        away = np.linalg.norm(points[every, edge] - points[every, lip], axis=1)
        apart.append((teeth.lip_gap(points), away))
    gap, away = zip(*apart, strict=True)
    return np.concatenate(gap), np.concatenate(away)


def _channels(marks: LandmarkHead) -> np.ndarray | None:
    """Which units each channel moves, (C, U) of 0 and 1; None where some channel has none."""
    bare = [name.removesuffix("Left").removesuffix("Right") for name in marks.unit_names]
    mix = np.array([[float(name == channel) for name in bare] for channel in _CHANNELS])
    return mix if mix.any(1).all() else None


def _heard(
    voice: VoiceFace, units: np.ndarray, mix: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """By how much sound would move each channel, and the deviation, (T, C) each.

    The voice's mean speaker rests otherwise than this person: only its way from there counts.
    """
    change = np.zeros((len(units), len(_CHANNELS)))
    sd = np.tile([*np.zeros(len(_SAID)), *_GIVING.values()], (len(units), 1))
    speech = share > 0.5 * share.max()
    for k, channel in enumerate(_SAID):
        mean, own = voice[channel]
        seen = units @ mix[k] / mix[k].sum()
        mean = mean * (_ROLLED if channel == "mouthRollLower" else 1.0)
        rest = np.quantile(seen[speech], _REST) - np.quantile(mean[speech], _REST)
        change[:, k], sd[:, k] = mean + rest - seen, np.maximum(own, _LEAST_SD)
    return change, sd


def _bounds(
    units: np.ndarray, mix: np.ndarray, marks: LandmarkHead
) -> tuple[np.ndarray, np.ndarray]:
    """How far each channel may go down and up, (n, C) each."""
    of = [np.flatnonzero(row) for row in mix]
    down = [np.max(marks.unit_low[k] - units[:, k], axis=1) for k in of]
    up = [np.min(marks.unit_high[k] - units[:, k], axis=1) for k in of]
    return np.minimum(np.stack(down, 1), 0), np.maximum(np.stack(up, 1), 0)


def _seen(
    params: FaceParams, marks: LandmarkHead, mix: np.ndarray, tucked: np.ndarray, raised: np.ndarray
) -> _Wishes:
    """What the picture tells of the mouth stays as it is, while the jaw goes by `raised` (n, 3).

    Less so of a lip beneath teeth, (n,).
    """
    used = [*_UPPER, *_LOWER, *_OUTER, *_CORNERS]
    jaw = rotation_matrix(params.jaw + raised)
    pose = rotation_matrix(params.head_pose)[:, :2]  # what goes across the picture
    basis = marks.unit_basis[used] @ mix.T  # (L, 3, C)
    turned = np.einsum("nij,ljc->nlic", jaw - np.eye(3), basis)
    moves = basis + marks.weights[used, 0, None, None] * turned  # (n, L, 3, C) in head space
    moves = np.einsum("nij,nljc->nlic", pose, moves)  # (n, L, 2, C) across the picture
    lost = np.einsum("nij,nlj->nli", pose, _lost(params, marks, used, jaw))
    J, weight = _told(moves, tucked)
    wanted, _ = _told(lost[..., None], tucked)
    return _Wishes(J, wanted[..., 0], weight)


def _lost(params: FaceParams, marks: LandmarkHead, used: list[int], jaw: np.ndarray) -> np.ndarray:
    """How far the landmarks `used` would be from where they are, were the jaw turned by `jaw`.

    (n, 3, 3) matrices; (n, L, 3) m in head space.
    """
    rest, joints = marks.person(params.shape, np.zeros(3))
    moved = np.tensordot(marks.units(params.expression), marks.unit_basis[used], (1, 2))
    back = rotation_matrix(params.jaw) - jaw
    lost = np.einsum("nij,nlj->nli", back, moved + rest[used] - joints[0])
    lost *= marks.weights[used, 0, None]
    correctives = marks.pose_basis[used][..., :9]  # the jaw's
    return lost + np.tensordot(back.reshape(-1, 9), correctives, (1, 2))


def _told(moves: np.ndarray, tucked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What moves (n, L, 2, K) do to what is seen, (n, R, K), and how firmly it is held, (n, R)."""
    pairs = len(LIP_PAIRS)
    upper, lower = moves[:, :pairs], moves[:, pairs : 2 * pairs]
    outer, right, left = moves[:, -4:-2], moves[:, -2:-1], moves[:, -1:]
    gaps = upper - lower
    middle = (upper + lower).mean(1, keepdims=True) / 2
    one = np.ones(len(moves))
    groups = (
        (gaps[:, _MIDDLE].mean(1, keepdims=True), _GAP_SD + tucked * (_TUCKED_GAP_SD - _GAP_SD)),
        (gaps, (_ALONG_SD + tucked * (_TUCKED_ALONG_SD - _ALONG_SD)) * np.sqrt(pairs)),
        (left - right, one * _WIDTH_SD),
        ((left + right) / 2 - middle, one * _CORNER_SD),
        (middle, one * _PLACE_SD),
        (outer - middle, one * _RED_SD),
        (upper.mean(1, keepdims=True), _TUCKED_UPPER_SD / np.sqrt(np.maximum(tucked, 1e-6))),
    )
    J = np.concatenate([rows.reshape(len(moves), -1, moves.shape[-1]) for rows, _ in groups], 1)
    weight = [np.repeat(1 / sd[:, None] ** 2, rows.shape[1] * 2, 1) for rows, sd in groups]
    return J, np.concatenate(weight, 1)


def _parted(params: FaceParams, teeth: Mouth, tucked: np.ndarray) -> np.ndarray:
    """By how much shut lips must part across the picture to show the teeth, (n, 2) m."""
    points = teeth.pose(params.expression, params.jaw, teeth.rest(params.shape))
    lack = np.maximum(_TUCKED_GAP - teeth.lip_gap(points), 0) * tucked
    return lack[:, None] * rotation_matrix(params.head_pose)[:, :2, 1]


def _touch(
    params: FaceParams, teeth: Mouth, to_head: np.ndarray, moved: np.ndarray, tucked: np.ndarray
) -> _Wishes:
    """The lower lip wants to touch the upper teeth, as far as an f or v is heard, (n,)."""
    J, wanted = np.zeros((len(moved), 1, moved.shape[1])), np.zeros((len(moved), 1))
    of = np.flatnonzero(tucked)
    expression, jaw = params.expression[of] + moved[of] @ to_head, params.jaw[of]
    points = teeth.pose(expression, jaw, teeth.rest(params.shape))
    lip, edge = teeth.nearest_to_teeth(points)  # (k,) vertices
    every = np.arange(len(of))
    apart = points[every, edge] - points[every, lip]  # (k, 3)
    length = np.linalg.norm(apart, axis=1)
    turn = teeth.jaw_weight[lip, None, None] * (rotation_matrix(jaw) - np.eye(3)) + np.eye(3)
    basis = teeth.expression_basis[lip] @ to_head.T  # (k, 3, C)
    J[of, 0] = np.einsum("ki,kij,kjc->kc", apart / length[:, None], turn, basis)
    left = np.maximum(length - _TOUCHING, 0)
    wanted[of, 0] = tucked[of] * left + np.einsum("kc,kc->k", J[of, 0], moved[of])
    return _Wishes(J, wanted, (tucked / _TUCK_SD**2)[:, None])


def _solve(wishes: list[_Wishes], bounds: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The changes (n, C) within their bounds that meet all wishes best."""
    A, b = np.zeros((*bounds[0].shape, bounds[0].shape[1])), np.zeros_like(bounds[0])
    for w in wishes:
        A += np.einsum("nrc,nr,nrd->ncd", w.J, w.weight, w.J)
        b += np.einsum("nrc,nr,nr->nc", w.J, w.weight, w.wanted)
    low, high = bounds
    d, held = np.zeros_like(b), np.zeros(b.shape, bool)
    for _ in range(b.shape[1]):  # a channel that leaves its bounds is held there
        system = np.where(held[:, :, None] | held[:, None], np.eye(b.shape[1]), A)
        right = b - np.einsum("ncd,nd->nc", A, np.where(held, d, 0))
        free = np.linalg.solve(system, np.where(held, d, right)[..., None])[..., 0]
        beyond = (free < low - 1e-9) | (free > high + 1e-9)
        d, held = np.clip(free, low, high), held | beyond
        if not beyond.any():
            break
    return d
