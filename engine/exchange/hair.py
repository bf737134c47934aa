"""A groom for every renderer alike: strands that lie as high above a head as a person's hair.

The head is seen from its middle: a strand goes its way over the skull from direction to direction
(`growth`), lock by lock (`locks`), some over the forehead (`fringe`). All is drawn from one seed:
the same head has the same hair every time.
"""

from dataclasses import dataclass

import numpy as np

from .fringe import Fringe, lifted
from .growth import POINTS, fullness, grow, length_of, style_of
from .head_file import HeadFile
from .locks import Locks, divide, gather
from .skull import BARE_MM, Skull, from_skull, map_skull

# Roots: thicker and fewer than a person's, who has about two a mm2. Longer strands cover more.
_PER_MM2, _COVERED = 0.45, 27.0  # at most; strands' length in mm for each mm2 of skin
_LIGHTEST_STRAND, _GROWN = 1.25, 0.9  # times the median of those at least so wide
# Standard deviations of the log tone, broad lock, fine lock and strand. Locks lie rounded: what
# their rims lack in lightness, log, and in height.
_LOCK_TONE, _TONE, _RIM_TONE, _RIM_LAYER = (0.16, 0.2), 0.09, 0.6, 0.25
_LOCK_LAYER, _LOWEST_LAYER, _OUTLINE = (0.7, 0.75), 0.8, 80  # the least, of the hair's height
# Some strands belong to no lock: share, and how far above the others they stand.
_SINGLE, _STANDS_OFF = 0.03, 1.12
_IN_CROPS = 0.1  # of how far tips come together in full hair
# Of the usual height: lower hair is finer and there is more of it, from where it begins on.
_EDGE, _BEGINS, _FINEST, _MORE = 0.8, 0.2, 0.08, 3.0
_RAGGED = 0.08, 0.08  # of that, lock by lock: no line where hair begins
_SPARSE = 0.35, 0.85  # share of hair round a vertex: fewer roots below, none
_STUBBLE = 0.35  # of a strand's points: of what ends at once fewer are left
_IN_FRINGE = 0.8  # of a strand's width, at least


@dataclass(frozen=True)
class Groom:
    """N strands, float32."""

    points: np.ndarray  # (N, POINTS, 3) m, head axes, from the root on
    uv: np.ndarray  # (N, 2) the root's place on the head's sheet
    tone: np.ndarray  # (N,) about 1: how light beside the others
    width: np.ndarray  # (N,) up to 1: at the hairline hair is fine
    depth: np.ndarray  # (N,) from 0, the outermost layer, to 1
    middle: np.ndarray  # (3,) m, of the skull


def grows_hair(head: HeadFile, hair: np.ndarray | None) -> bool:
    """Whether there is any hair to comb: `hair` (V,) mm, None where nobody looked.

    So little that it is sparse all over has no strands.
    """
    if hair is None or "ears" not in head.masks:
        return False
    return bool(_share_round(head.faces, hair).max() > np.mean(_SPARSE))


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
    draw, style = np.random.default_rng(0), style_of(hangs, falls, parting)
    skull = map_skull(head, vertices, hair)
    face, weights, usual = _plant(head, vertices, hair, hangs, draw)
    height = (weights * hair[head.faces[face]]).sum(1)
    roots = np.einsum("nk,nkc->nc", weights, vertices[head.faces[face]])
    uv = np.einsum("nk,nkc->nc", weights, head.uv[head.uv_faces[face]])
    locks = divide(roots, draw)
    dense = np.clip(_grown_up(height, usual) + locks.vary(*_RAGGED, draw), 0, 1)
    single = draw.uniform(size=len(roots)) < _SINGLE
    layer = _layers(locks, single & (hangs == 0), draw)
    points, left = grow(roots, height, layer, locks, skull, style, draw)
    dense *= np.clip(left / _STUBBLE, 0, 1)  # what lies over its edge ends in tips
    width = _FINEST + (1 - _FINEST) * dense
    together = ~single * (_IN_CROPS + (1 - _IN_CROPS) * fullness(height))
    free = np.ones(len(roots), bool)
    if falls is not None:
        top, beside, _ = from_skull(head, vertices, roots)
        fringe = Fringe(falls, top, beside, parting, everywhere=style.lies == "forward")
        own = fringe.strands
        points[own] = _fallen(fringe, height, layer, locks, skull, draw)
        width[own] = np.maximum(width[own], _IN_FRINGE)
        free[own] = False  # it comes together in its own points
    points[free] = gather(points[free], locks.of(free), together[free], skull.middle)
    tone = locks.vary(*_LOCK_TONE, draw) + _TONE * draw.normal(size=len(roots))
    tone = np.exp(tone - _RIM_TONE * together * locks.rim)
    tone /= tone.mean()
    depth = dense * np.clip(1 - layer, 0, 1)  # at the hairline none lie above
    return Groom(*(a.astype(np.float32) for a in (points, uv, tone, width, depth, skull.middle)))


def strand_colours(groom: Groom, painted: np.ndarray) -> np.ndarray:
    """Linear reflectance of the strands, (N, 3) float32, of what is `painted` at their roots.

    Where hair begins skin shines through the paint, not through the strands.
    """
    grown = painted[groom.width > _GROWN] if (groom.width > _GROWN).any() else painted
    colour = np.minimum(painted, _LIGHTEST_STRAND * np.median(grown, axis=0))
    return (colour * groom.tone[:, None]).astype(np.float32)


def _plant(
    head: HeadFile, vertices: np.ndarray, hair: np.ndarray, hangs: float, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Where strands have their roots: triangles (N,) and weights in them (N, 3).

    And the hair's usual height, mm. Arguments as `comb`'s.
    """
    faces = np.flatnonzero(hair[head.faces].max(1) > BARE_MM)
    heights = hair[head.faces[faces]]  # (F', 3)
    corners = vertices[head.faces[faces]]  # (F', 3, 3)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 5e5 * np.linalg.norm(across, axis=1)  # mm2
    high, usual = heights.mean(1), max(float(np.median(heights)), BARE_MM)
    dense = np.minimum(_COVERED / np.maximum(length_of(high) + hangs, 1), _PER_MM2)
    counts = draw.poisson(area * dense * (1 + _MORE * (1 - _grown_up(high, usual))))
    on = np.repeat(np.arange(len(faces)), counts)
    weights = draw.dirichlet((1, 1, 1), len(on))  # even over a triangle
    height = (weights * heights[on]).sum(1)
    share = (weights * _share_round(head.faces, hair)[head.faces[faces[on]]]).sum(1)
    often = np.clip((share - _SPARSE[0]) / (_SPARSE[1] - _SPARSE[0]), 0, 1)
    kept = (height > BARE_MM / 2) & (often > draw.uniform(size=len(on)))
    return faces[on[kept]], weights[kept], usual


def _layers(locks: Locks, single: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """How far out in the hair each strand lies, (N,), 1 about as far as it is high."""
    layer = np.sqrt(draw.uniform(_LOWEST_LAYER**2, 1, len(single)))
    layer *= locks.pick(*_LOCK_LAYER, draw) * (1 - _RIM_LAYER * locks.rim)
    layer /= np.percentile(layer, _OUTLINE)
    return np.where(single, np.maximum(layer, _STANDS_OFF), layer)


def _fallen(
    fringe: Fringe,
    height: np.ndarray,
    layer: np.ndarray,
    locks: Locks,
    skull: Skull,
    draw: np.random.Generator,
) -> np.ndarray:
    """The strands of a fringe, (n, POINTS, 3)."""
    ways, share = fringe.ways(locks, POINTS, draw)
    skin = skull.at(ways.reshape(-1, 3))[0].reshape(share.shape)
    away = skin + lifted(share, height[fringe.strands], layer[fringe.strands])
    return skull.middle + ways * away[..., None]


def _share_round(faces: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """What share of each vertex and those beside it grows hair, (V,)."""
    grows = (hair > BARE_MM).astype(float)
    here, total = np.bincount(faces.ravel(), minlength=len(hair)), np.zeros(len(hair))
    np.add.at(total, faces, grows[faces].mean(1, keepdims=True))
    return total / np.maximum(here, 1)


def _grown_up(height: np.ndarray, usual: float) -> np.ndarray:
    """0 where the hairline begins, 1 behind it, of heights in mm and the usual one."""
    return np.clip((height / usual - _BEGINS) / (_EDGE - _BEGINS), 0, 1)
