"""A groom for every renderer alike: strands that lie as high above a head as a person's hair.

The head is seen from its middle: a strand goes its way over the skull from direction to direction
and rises into its layer of the hair. Hair flows away from an arc over the middle of the head: from
the forehead; from the crown where it is seen to fall over most of the forehead; from a parting
where one is seen, and in long hair, which hangs from where the skull recedes. Nothing seen means
back: tied-back hair that is taken to lie forward is a bowl, the other way round it is somebody's
who combs it back. All is drawn from one seed: the same head has the same hair every time.
"""

from dataclasses import dataclass

import numpy as np

from .fringe import FRINGE_AT, Fringe, lifted
from .head_file import HeadFile
from .skull import ABOVE_EARS_M, BARE_MM, Skull, from_skull, map_skull

POINTS = 10  # of a strand
# Roots: thicker and fewer than a person's, who has about two a mm2. Longer strands cover more.
_PER_MM2, _COVERED = 0.4, 24.0  # at most; strands' length in mm for each mm2 of skin
_LIGHTEST_STRAND, _GROWN = 1.25, 0.9  # times the median of those at least so wide
_SHORTEST, _UNLIKE_TONE = 0.55, 0.14  # of a strand's length; standard deviation of the log tone
_LOCK_MM, _LOCK_TONE = 8.0, 0.14  # how wide a lock is; the same of its tone
_GATHERED, _LOCK_STRAY, _STRAY = 0.55, 0.16, 0.1  # how far tips come together; of the direction
# Of a crop and of full hair: its height, and its length over the skull as a multiple of that.
_CROP_MM, _FULL_MM = 6.0, 20.0
_CROP_LENGTH, _FULL_LENGTH = 1.6, 4.5
# Within what length hair rises into its layer: a multiple of its height, mm at most, and the share
# of it beside a parting, which is no furrow.
_RISES, _RISES_MM, _AT_PARTING = 0.6, 15.0, 0.3
_OVER_BARE, _LEAST_STRIDE = 0.6, 0.06  # less of the skin grows hair: strands go on so slowly
_STOPS_EARLIER = 0.5, 0.15  # of that share: up to so much lock by lock, and strand by strand
_LOWEST_LAYER = 0.5  # of the height
_EVEN = 0.5  # of the full height: strands are nowhere shorter than those of hair so high
# Of the usual height: lower hair is finer and there is more of it, from where it begins on.
_EDGE, _BEGINS, _FINEST, _MORE = 0.8, 0.2, 0.08, 3.0
_RAGGED = 0.12  # of that, lock by lock: no line where hair begins
# Where hair flows from: degrees from the top of the head towards the forehead, from and to.
_SWEPT, _CROWN, _PARTED = (80.0, 80.0), (-38.0, -38.0), (-30.0, 74.0)
_FOREHEAD, _FORWARD = 32.0, 0.5  # degrees; share of its columns: a lock is no fringe
_AT_HAIRLINE = 55.0  # degrees from the top of the head: there a parting is told
_IN_FRINGE = 0.8  # of a strand's width, at least
_RAGGED_ENDS = 0.6, 1.1  # of how far hair hangs
_ROUND_SKULL = 1.3  # times the height of a root above its hanging: the way over the skull is longer
# Of unit directions from the skull's middle: z beside the head and all in front of it; y at which
# hair that hangs goes straight down, and from which on it bends so; y at which parted hair goes on
# to the back of the head, as strongly, and above which it doesn't.
_IN_FRONT, _HANGS_DOWN = (0.0, 0.4), (-0.233, 0.1)
_GOES_BACK, _PULL = (0.0, 0.714), 1.5
_DOWN, _BACK = np.array([0.0, -1, 0]), np.array([0.0, 0, -1])


@dataclass(frozen=True)
class Groom:
    """N strands, float32."""

    points: np.ndarray  # (N, POINTS, 3) m, head axes, from the root on
    uv: np.ndarray  # (N, 2) the root's place on the head's sheet
    tone: np.ndarray  # (N,) about 1: how light beside the others
    width: np.ndarray  # (N,) up to 1: at the hairline hair is fine
    depth: np.ndarray  # (N,) from 0, the outermost layer, to 1
    middle: np.ndarray  # (3,) m, of the skull


@dataclass(frozen=True)
class _Style:
    """How hair lies."""

    arc: tuple[float, float]  # what it flows from: degrees from the top towards the forehead
    tilt: float  # rad, of the arc from the middle of the head to a side
    hangs: float  # mm below the ears


def grows_hair(head: HeadFile, hair: np.ndarray | None) -> bool:
    """Whether there is any hair to comb: `hair` (V,) mm, None where nobody looked."""
    return hair is not None and "ears" in head.masks and bool((hair > BARE_MM).any())


def comb(
    head: HeadFile,
    vertices: np.ndarray,
    hair: np.ndarray,
    hangs: float = 0.0,
    falls: np.ndarray | None = None,
    parting: float | None = None,
) -> Groom:
    """The strands of a person whose head `grows_hair`.

    Args:
        head: The head.
        vertices: (V, 3) m, the person at rest.
        hair: (V,) mm that the hair stands off the skin.
        hangs: mm below the ears that it hangs down to, 0 for hair that doesn't.
        falls: (len(FRINGE_AT),) degrees from the top of the head down to which it falls over the
            forehead, 0 where it doesn't; None for hair without a fringe.
        parting: Degrees round the head where hair is parted, 0 in the middle; None: it isn't.
    """
    draw = np.random.default_rng(0)
    skull = map_skull(head, vertices, hair)
    faces = np.flatnonzero(hair[head.faces].max(1) > BARE_MM)
    corners = vertices[head.faces[faces]]  # (F', 3, 3)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 5e5 * np.linalg.norm(across, axis=1)  # mm2
    lengths = _length(hair[head.faces[faces]].mean(1)) + hangs
    dense = np.minimum(_COVERED / np.maximum(lengths, 1), _PER_MM2)
    usual = np.median(hair[head.faces[faces]])
    fine = 1 - _grown_up(hair[head.faces[faces]].mean(1), usual)
    counts = draw.poisson(area * dense), draw.poisson(area * dense * _MORE * fine)
    on = np.concatenate([np.repeat(np.arange(len(faces)), count) for count in counts])
    weights = draw.dirichlet((1, 1, 1), len(on))  # even over a triangle
    height = (weights * hair[head.faces[faces[on]]]).sum(1)
    lock = _locks(np.einsum("nk,nkc->nc", weights, corners[on]), draw)
    ragged = _RAGGED * draw.normal(size=lock.max() + 1)[lock]
    dense = np.clip(_grown_up(height, usual) + ragged, 0, 1)
    kept = height > BARE_MM / 2
    on, weights, lock = on[kept], weights[kept], lock[kept]
    height, dense = height[kept], dense[kept]
    common = np.percentile(height[: kept[: counts[0].sum()].sum()], (50, 85))
    roots = np.einsum("nk,nkc->nc", weights, corners[on])
    uv = np.einsum("nk,nkc->nc", weights, head.uv[head.uv_faces[faces]][on])
    layer = np.sqrt(draw.uniform(_LOWEST_LAYER**2, 1, len(roots)))
    style = _style(hangs, falls, parting)
    points = _grown(roots, height, layer, lock, common, skull, style, draw)
    width = _FINEST + (1 - _FINEST) * dense
    gathers = lock.copy()
    if falls is not None:
        top, beside, _ = from_skull(head, vertices, roots)
        fringe = Fringe(falls, top, beside, parting)
        own = fringe.strands
        points[own] = _fallen(fringe, height, layer, lock, skull, draw)
        width[own] = np.maximum(width[own], _IN_FRINGE)
        gathers[own] += lock.max() + 1  # not with the hair beside, which hangs elsewhere
    points = _gathered(points, gathers, skull.middle)
    tone = _LOCK_TONE * draw.normal(size=lock.max() + 1)[lock]
    tone = np.exp(tone + _UNLIKE_TONE * draw.normal(size=len(roots)))
    depth = dense * (1 - layer)  # at the hairline none lie above
    return Groom(*(a.astype(np.float32) for a in (points, uv, tone, width, depth, skull.middle)))


def strand_colours(groom: Groom, painted: np.ndarray) -> np.ndarray:
    """Linear reflectance of the strands, (N, 3) float32, of what is `painted` at their roots.

    Where hair begins skin shines through the paint, not through the strands.
    """
    grown = painted[groom.width > _GROWN] if (groom.width > _GROWN).any() else painted
    colour = np.minimum(painted, _LIGHTEST_STRAND * np.median(grown, axis=0))
    return (colour * groom.tone[:, None]).astype(np.float32)


def _grown(
    roots: np.ndarray,
    height: np.ndarray,
    layer: np.ndarray,
    lock: np.ndarray,
    common: np.ndarray,
    skull: Skull,
    style: _Style,
    draw: np.random.Generator,
) -> np.ndarray:
    """Strands (N, POINTS, 3) from roots (N, 3) where hair is so high (N,) mm.

    `common` are the height that half of the hair has, and that which most of it has, mm.
    """
    usual, top, hangs = *common, style.hangs
    length = (
        1e-3 * _length(np.maximum(height, _EVEN * top)) * draw.uniform(_SHORTEST, 1, len(roots))
    )
    soon = _AT_PARTING if style.arc == _PARTED else 1.0
    rises = 1e-3 * soon * np.minimum(_RISES * height, _RISES_MM)
    if hangs > 0:
        above = np.maximum(roots[:, 1] - skull.middle[1] + ABOVE_EARS_M, 0)
        length = _ROUND_SKULL * above + 1e-3 * hangs * draw.uniform(*_RAGGED_ENDS, len(roots))
    step = 2 * length / (POINTS * (POINTS - 1))  # the first: roots bend more than tips
    stray = _LOCK_STRAY * draw.normal(size=(lock.max() + 1, 3))[lock]
    stray += _STRAY * draw.normal(size=roots.shape)
    early = _STOPS_EARLIER[0] * draw.uniform(size=lock.max() + 1)[lock]  # no line where they end
    early += _STOPS_EARLIER[1] * draw.uniform(size=len(roots))
    points, gone = [roots], np.zeros(len(roots))
    for k in range(1, POINTS):
        out = _unit(points[-1] - skull.middle)
        stride = k * step
        if hangs == 0:  # what lies ends where hair ends: over bare skin it would be a spike
            over = np.clip((skull.at(out)[2] - early) / _OVER_BARE, _LEAST_STRIDE, 1)
            stride = stride * over
        gone = gone + stride
        next_ = points[-1] + stride[:, None] * _way(out, style, stray) - skull.middle
        away = np.linalg.norm(next_, axis=1)
        skin, hair, _ = skull.at(next_ / away[:, None])
        risen = 1 - np.exp(-gone / np.maximum(rises, 1e-4))
        lies = skin + layer * np.minimum(hair, 1e-3 * np.maximum(height, usual)) * risen
        lies = np.where(next_[:, 1] > 0, lies, np.maximum(lies, away)) if hangs > 0 else lies
        points.append(skull.middle + next_ * (lies / away)[:, None])
    return np.stack(points, 1)


def _way(out: np.ndarray, style: _Style, stray: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 3) along which strands go on at unit directions (n, 3) from the middle."""
    hangs, front = style.hangs > 0, np.interp(out[:, 2:], _IN_FRONT, (0, 1))
    way = _flow(out, style) + stray
    if style.arc == _PARTED:  # what doesn't hang goes on to the back of the head
        pulled = front if hangs else 1.0
        way += _PULL * pulled * np.interp(out[:, 1:2], _GOES_BACK, (1, 0)) * _BACK
    way = _unit(way - (way * out).sum(1, keepdims=True) * out)
    falls = (1 - front) * np.interp(out[:, 1:2], _HANGS_DOWN, (1, 0)) if hangs else 0.0
    return _unit((1 - falls) * way + falls * _DOWN)


def _fallen(
    fringe: Fringe,
    height: np.ndarray,
    layer: np.ndarray,
    lock: np.ndarray,
    skull: Skull,
    draw: np.random.Generator,
) -> np.ndarray:
    """The strands of a fringe, (n, POINTS, 3)."""
    ways, share = fringe.ways(lock, POINTS, draw)
    skin = skull.at(ways.reshape(-1, 3))[0].reshape(share.shape)
    away = skin + lifted(share, height[fringe.strands], layer[fringe.strands])
    return skull.middle + ways * away[..., None]


def _style(hangs: float, falls: np.ndarray | None, parting: float | None) -> _Style:
    """How hair lies, by where it hangs, falls and parts."""
    front = np.abs(FRINGE_AT) <= _FOREHEAD
    forward = falls is not None and (falls[front] > 0).mean() > _FORWARD
    if hangs == 0 and (forward or parting is None):
        return _Style(_CROWN if forward else _SWEPT, 0.0, 0.0)
    beside, top = np.radians(parting or 0.0), np.radians(_AT_HAIRLINE)
    tilt = float(np.arctan2(np.sin(top) * np.sin(beside), np.cos(top)))
    return _Style(_PARTED, tilt, hangs)


def _flow(out: np.ndarray, style: _Style) -> np.ndarray:
    """Which way hair goes at unit directions (n, 3): along the skull, away from the arc."""
    tilt, arc = style.tilt, np.radians(style.arc)
    up = out[:, 1] * np.cos(tilt) + out[:, 0] * np.sin(tilt)
    angle = np.clip(np.arctan2(out[:, 2], up), *arc)
    high = np.cos(angle)
    pole = np.stack([high * np.sin(tilt), high * np.cos(tilt), np.sin(angle)], 1)
    return _unit((pole * out).sum(1, keepdims=True) * out - pole)


def _grown_up(height: np.ndarray, usual: float) -> np.ndarray:
    """0 where the hairline begins, 1 behind it, of heights in mm and the usual one."""
    return np.clip((height / usual - _BEGINS) / (_EDGE - _BEGINS), 0, 1)


def _fullness(height: np.ndarray) -> np.ndarray:
    """0 for a crop, 1 for full hair, of heights in mm."""
    return np.clip((height - _CROP_MM) / (_FULL_MM - _CROP_MM), 0, 1)


def _length(height: np.ndarray) -> np.ndarray:
    """How long strands are of hair that is so high, mm both."""
    return height * (_CROP_LENGTH + (_FULL_LENGTH - _CROP_LENGTH) * _fullness(height))


def _locks(roots: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """The number of each root's lock, (N,)."""
    size = 1e-3 * _LOCK_MM
    wavering = roots + 0.25 * size * draw.normal(size=roots.shape)
    return np.unique(np.floor(wavering / size), axis=0, return_inverse=True)[1].ravel()


def _gathered(points: np.ndarray, lock: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Strands (N, POINTS, 3) whose tips come together, lock by lock, each in its own layer."""
    flat = points.reshape(len(points), -1)
    sums = np.stack([np.bincount(lock, column) for column in flat.T], 1)
    middles = (sums / np.maximum(np.bincount(lock), 1)[:, None])[lock].reshape(points.shape)
    pull = _GATHERED * np.linspace(0, 1, POINTS)[:, None] ** 1.5
    away = np.linalg.norm(points - middle, axis=2, keepdims=True)
    return middle + _unit(points + pull * (middles - points) - middle) * away


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
