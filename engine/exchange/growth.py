"""How strands grow: from their roots over the skull, rising into their layer of the hair.

Hair flows away from an arc over the middle of the head: from the forehead; from the crown where it
is seen to fall over most of the forehead; from a parting where one is seen, and in long hair, which
hangs from where the skull recedes. Nothing seen means back: tied-back hair that is taken to lie
forward is a bowl, the other way round it is somebody's who combs it back.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .fringe import FRINGE_AT
from .locks import Locks
from .skull import ABOVE_EARS_M, Skull

POINTS = 9  # of a strand
# Of a crop and of full hair: its height, and its length over the skull as a multiple of that.
_CROP_MM, _FULL_MM = 6.0, 20.0
_CROP_LENGTH, _FULL_LENGTH = 1.6, 4.5
_LOCK_LENGTH, _LENGTH = (0.65, 0.8), 0.85  # of it the least: broad lock, fine one, strand
_EVEN = 0.5  # of the full height: strands are nowhere shorter than those of hair so high
# Within what length hair rises into its layer: a multiple of its height, mm at most. Beside a
# parting, so near, as sine, strands begin risen and up to so far across it, mm: it is no furrow.
_RISES, _RISES_MM, _NEAR_PARTING, _ACROSS_MM = 0.6, 15.0, (0.05, 0.3), 9.0
_ROOTS_BEND = 1.3  # power by which steps grow along a strand: roots bend more than tips
_UNDER = 0.7  # of its layer: there a strand begins, beneath what comes from behind it
# Strands end so far beyond the hairline, mm, a crop's and full hair's at most; broad lock by broad
# lock, fine lock by fine lock and strand by strand down to these shares of it; and after so much of
# their way, at least, or so many mm.
_ENDS_MM, _LOCKS_END, _STRANDS_END = (4.0, 8.0), (0.4, 0.4), 0.4
_SHORTEST, _SHORTEST_MM = 0.25, 8.0
# How long strands are whose roots lie where hair begins, and times that, strand by strand.
_AT_EDGE_MM, _AT_EDGE = 10.0, (0.6, 1.8)
_FREE_MM = 100.0  # within the hair: there nothing ends
# Standard deviations of the direction of loose hair, broad lock, fine lock, any strand; how much
# more a lock strays at its tip: it bends.
_LOCK_STRAY, _STRAY, _BENDS = (0.34, 0.2), 0.06, 1.2
_STRAYS_MOST = 0.45  # a lock
# From 0, sleek, to 1: how far locks of hair that lies so go their own ways; of that, crops.
_LOOSE = {"back": 0.6, "forward": 1.0, "parted": 0.25}
_CROPS_LOOSE = 0.3
# The arc that hair flows from: degrees from the top of the head towards the forehead, from and to.
_ARCS = {"back": (80.0, 80.0), "forward": (-38.0, -38.0), "parted": (-30.0, 74.0)}
_FOREHEAD, _FORWARD = 32.0, 0.4  # degrees; share of its columns: a lock is no fringe
_SIDES_SMOOTH = 0.5
_AT_HAIRLINE = 55.0  # degrees from the top of the head: there a parting is told
_RAGGED_ENDS = 0.75, 0.85  # of how far hair hangs
_ROUND_SKULL = 1.3  # times the height of a root above its hanging: the way over the skull is longer
# Of unit directions from the skull's middle: z beside the head and all in front of it; y at which
# hair that hangs goes straight down, and from which on it bends so; y at which parted hair goes on
# to the back of the head, as strongly, and above which it doesn't.
_IN_FRONT, _HANGS_DOWN = (0.0, 0.4), (-0.233, 0.1)
_GOES_BACK, _PULL = (0.0, 0.714), 1.5
# Beside the face it is combed back from the hairline: mm within, and y.
_COMBED_MM, _BESIDE_FACE = (-4.0, 12.0), (0.55, 0.8)
_DOWN, _BACK = np.array([0.0, -1, 0]), np.array([0.0, 0, -1])


@dataclass(frozen=True)
class Style:
    """How hair lies."""

    lies: Literal["back", "forward", "parted"]
    tilt: float = 0.0  # rad, of the arc from the middle of the head to a side
    hangs: float = 0.0  # mm below the ears


def style_of(hangs: float, falls: np.ndarray | None, parting: float | None) -> Style:
    """How hair lies, by where it hangs, falls and parts."""
    front = np.abs(FRINGE_AT) <= _FOREHEAD
    forward = falls is not None and (falls[front] > 0).mean() > _FORWARD
    if hangs == 0 and forward:
        return Style("forward")
    if hangs == 0 and parting is None:
        return Style("back")
    beside, top = np.radians(parting or 0.0), np.radians(_AT_HAIRLINE)
    tilt = float(np.arctan2(np.sin(top) * np.sin(beside), np.cos(top)))
    return Style("parted", tilt, hangs)


def grow(
    roots: np.ndarray,
    height: np.ndarray,
    dense: np.ndarray,
    layer: np.ndarray,
    locks: Locks,
    skull: Skull,
    style: Style,
    draw: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Strands (N, POINTS, 3) from roots (N, 3) where hair is so high (N,) mm, in layers (N,).

    And which share of it is left of each, (N,), where hair ends. `dense` (N,) is 0 where hair
    begins, 1 farther in.
    """
    strides, rises = _strides(roots, height, locks, skull, style, draw)
    length = strides.sum(1)
    short = _AT_EDGE_MM * 1e-3 * draw.uniform(*_AT_EDGE, len(roots)) / (1.01 - dense)
    strides *= (np.minimum(length, short) / length)[:, None]
    stray, bend = _strays(height, locks, style, draw)
    over = _ENDS_MM[0] + (_ENDS_MM[1] - _ENDS_MM[0]) * fullness(height)
    over *= locks.pick(*_LOCKS_END, draw) * draw.uniform(_STRANDS_END, 1, len(roots))
    highest = 1e-3 * np.maximum(height, np.percentile(height, 50))
    out = _unit(roots - skull.middle)
    _, hair, within = skull.at(out)
    begun = _near_parting(out, style) * dense  # how far it has risen at its root
    above = begun * _UNDER * layer * np.minimum(hair, highest)
    across = 1e-3 * _ACROSS_MM * begun * draw.uniform(size=len(roots))
    across = across[:, None] * _flow(out, style)
    points, depths = [roots + above[:, None] * out], [within]
    gone = np.zeros(len(roots))
    for k, stride in enumerate(strides.T, 1):
        gone += stride
        out = _unit(points[-1] - skull.middle)
        way = _way(out, depths[-1], style, stray + k / POINTS * _BENDS * bend)
        ahead = points[-1] + stride[:, None] * way - skull.middle
        away = np.linalg.norm(ahead, axis=1)
        skin, hair, within = skull.at(ahead / away[:, None])
        risen = 1 - (1 - begun) * np.exp(-gone / np.maximum(rises, 1e-4))
        up = layer * (_UNDER + (1 - _UNDER) * k / (POINTS - 1))
        lies = skin + up * np.minimum(hair, highest) * risen
        if style.hangs > 0:  # below the ears it hangs straight down, off the neck
            lies = np.where(ahead[:, 1] > 0, lies, np.maximum(lies, away))
        points.append(skull.middle + ahead * (lies / away)[:, None])
        depths.append(within)
    points[0] -= across
    strands, depth = np.stack(points, 1), np.stack(depths, 1)
    if style.hangs > 0:  # beside and behind the neck it hangs as far as it does
        depth[strands[..., 2] < skull.middle[2]] = _FREE_MM
    left = _share_left(depth, -over)
    least = np.minimum(_SHORTEST, 1e-3 * _SHORTEST_MM / strides.sum(1))
    return _shortened(strands, np.maximum(left, least)), left


def _strides(
    roots: np.ndarray,
    height: np.ndarray,
    locks: Locks,
    skull: Skull,
    style: Style,
    draw: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """How far strands go from point to point (N, POINTS - 1), and within what they rise (N,), m."""
    least = _EVEN * np.percentile(height, 85)
    length = 1e-3 * length_of(np.maximum(height, least))
    length *= locks.pick(*_LOCK_LENGTH, draw) * draw.uniform(_LENGTH, 1, len(roots))
    if style.hangs > 0:
        above = np.maximum(roots[:, 1] - skull.middle[1] + ABOVE_EARS_M, 0)
        down = locks.pick(*_RAGGED_ENDS, draw) * draw.uniform(_RAGGED_ENDS[1], 1.2, len(roots))
        length = _ROUND_SKULL * above + 1e-3 * style.hangs * down
    rises = 1e-3 * np.minimum(_RISES * height, _RISES_MM)
    strides = np.arange(1.0, POINTS) ** _ROOTS_BEND
    return length[:, None] * (strides / strides.sum()), rises


def _strays(
    height: np.ndarray, locks: Locks, style: Style, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """By what strands stray from the way hair goes, (N, 3), and what is added at their tips."""
    loose = _LOOSE[style.lies] * (_CROPS_LOOSE + (1 - _CROPS_LOOSE) * fullness(height))[:, None]
    stray, bend = (
        loose * np.stack([locks.vary(*_LOCK_STRAY, draw) for _ in range(3)], 1) for _ in range(2)
    )
    stray, bend = (np.clip(by, -_STRAYS_MOST, _STRAYS_MOST) for by in (stray, bend))
    return stray + _STRAY * draw.normal(size=stray.shape), bend


def _share_left(depth: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Which share of each strand lies before it leaves the hair, (N,).

    `depth` (N, POINTS) is how far each point lies within the hairline; strands end at the `least`
    (N,).
    """
    leaves = (depth[:, 1:] < least[:, None]) & (depth[:, 1:] < depth[:, :-1])
    last = leaves.argmax(1)  # point within the hair
    before, after = (np.take_along_axis(depth, k[:, None], 1)[:, 0] for k in (last, last + 1))
    within = np.clip((before - least) / np.maximum(before - after, 1e-6), 0, 1)
    return np.where(leaves.any(1), (last + within) / (POINTS - 1), 1.0)


def _shortened(points: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Strands (N, POINTS, 3) of which these shares (N,) are left."""
    at = cut[:, None] * np.arange(POINTS)
    low = np.minimum(at.astype(int), POINTS - 2)
    first, second = (np.take_along_axis(points, k[..., None], 1) for k in (low, low + 1))
    return first + (at - low)[..., None] * (second - first)


def length_of(height: np.ndarray) -> np.ndarray:
    """How long strands are of hair that is so high, mm both."""
    return height * (_CROP_LENGTH + (_FULL_LENGTH - _CROP_LENGTH) * fullness(height))


def fullness(height: np.ndarray) -> np.ndarray:
    """0 for a crop, 1 for full hair, of heights in mm."""
    return np.clip((height - _CROP_MM) / (_FULL_MM - _CROP_MM), 0, 1)


def _way(out: np.ndarray, depth: np.ndarray, style: Style, stray: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 3) along which strands go on at unit directions (n, 3) from the middle.

    `depth` (n,) is how far within the hair that is, mm.
    """
    hangs, front = style.hangs > 0, np.interp(out[:, 2:], _IN_FRONT, (0, 1))
    way = _flow(out, style) + stray
    if style.lies == "parted":  # what doesn't hang goes on to the back of the head
        pulled = front if hangs else 1.0
        beside = np.interp(depth[:, None], _COMBED_MM, (1.5, 0))
        beside *= np.interp(out[:, 1:2], _BESIDE_FACE, (1, 0))
        beside = np.maximum(beside, np.interp(out[:, 1:2], _GOES_BACK, (1, 0)))
        way += _PULL * pulled * beside * _BACK
    way = _unit(way - (way * out).sum(1, keepdims=True) * out)
    falls = (1 - front) * np.interp(out[:, 1:2], _HANGS_DOWN, (1, 0)) if hangs else 0.0
    return _unit((1 - falls) * way + falls * _DOWN)


def _flow(out: np.ndarray, style: Style) -> np.ndarray:
    """Which way hair goes at unit directions (n, 3): along the skull, away from the arc."""
    tilt, arc = style.tilt, np.radians(_ARCS[style.lies])
    up = out[:, 1] * np.cos(tilt) + out[:, 0] * np.sin(tilt)
    up = np.hypot(up, _SIDES_SMOOTH * out[:, 0])  # else flows meet in a whorl at the ears
    angle = np.clip(np.arctan2(out[:, 2], up), *arc)
    high = np.cos(angle)
    pole = np.stack([high * np.sin(tilt), high * np.cos(tilt), np.sin(angle)], 1)
    return _unit((pole * out).sum(1, keepdims=True) * out - pole)


def _near_parting(out: np.ndarray, style: Style) -> np.ndarray:
    """How near unit directions (n, 3) are to a parting, (n,) from 0 to 1."""
    if style.lies != "parted":
        return np.zeros(len(out))
    beside = out[:, 0] * np.cos(style.tilt) - out[:, 1] * np.sin(style.tilt)
    return np.interp(np.abs(beside), _NEAR_PARTING, (1, 0))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
