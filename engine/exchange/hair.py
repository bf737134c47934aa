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
from .skull import BARE_MM, Skull, depth_within, from_skull, map_skull

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
# The hairline, mm within it: there roots begin, are as dense and strands as wide as farther in;
# before that strands are finer and there are more of them; deviations of where it lies, from broad
# lock to broad lock, fine lock to fine lock and strand to strand: it is no line.
_BEGINS_MM, _DENSE_MM, _GROWN_MM = -2.0, 10.0, 16.0
_FINEST, _MORE = 0.14, 2.0
_RAGGED_MM = 1.8, 1.3, 1.0
_SPARSE = 0.6  # share of hair round a vertex: nowhere so much is none
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
    return bool(_share_round(head.faces, hair).max() > _SPARSE)


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
        hair: (V,) mm that the hair stands off the skin; where none grows 0, or how far it is to
            the hairline, mm, below 0.
        hangs: mm below the ears that it hangs down to, 0 for hair that doesn't.
        falls: (len(FRINGE_AT),) degrees from the top of the head down to which it falls over the
            forehead, 0 where it doesn't; None for hair without a fringe.
        parting: Degrees round the head where hair is parted, 0 in the middle; None: it isn't.
    """
    draw, style = np.random.default_rng(0), style_of(hangs, falls, parting)
    depth = depth_within(vertices, hair)
    skull, hair = map_skull(head, vertices, hair, depth), np.maximum(hair, 0)
    face, weights = _plant(head, vertices, hair, depth, hangs, draw)
    roots = np.einsum("nk,nkc->nc", weights, vertices[head.faces[face]])
    locks = divide(roots, draw)
    depth = (weights * depth[head.faces[face]]).sum(1) + locks.vary(*_RAGGED_MM[:2], draw)
    depth += _RAGGED_MM[2] * draw.normal(size=len(roots))
    kept = _between(_BEGINS_MM, _DENSE_MM, depth) > draw.uniform(size=len(roots))
    face, weights, roots, depth = face[kept], weights[kept], roots[kept], depth[kept]
    locks = locks.of(kept)
    height = (weights * hair[head.faces[face]]).sum(1)
    uv = np.einsum("nk,nkc->nc", weights, head.uv[head.uv_faces[face]])
    dense = _between(_BEGINS_MM, _GROWN_MM, depth)
    single = draw.uniform(size=len(roots)) < _SINGLE
    layer = _layers(locks, single & (hangs == 0), draw)
    points, left = grow(roots, height, dense, layer, locks, skull, style, draw)
    dense *= np.clip(left / _STUBBLE, 0, 1)  # what lies over its edge ends in tips
    width = _FINEST + (1 - _FINEST) * dense
    together = ~single * (_IN_CROPS + (1 - _IN_CROPS) * fullness(height))
    free = np.ones(len(roots), bool)
    if falls is not None:
        top, beside, _ = from_skull(head, vertices, roots)
        lies = style.lies == "forward", style.lies == "parted"
        fringe = Fringe(falls, top, beside, parting, *lies)
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
    head: HeadFile,
    vertices: np.ndarray,
    hair: np.ndarray,
    depth: np.ndarray,
    hangs: float,
    draw: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Where strands may have their roots: triangles (N,) and weights in them (N, 3).

    Arguments as `comb`'s; `depth` (V,) mm within the hairline.
    """
    skin = head.masks.get("skin", np.ones(len(vertices), bool)) & ~head.masks["ears"]
    skin = skin[head.faces].sum(1) > 1
    faces = np.flatnonzero(skin & (depth[head.faces].max(1) > _BEGINS_MM))
    corners = vertices[head.faces[faces]]  # (F', 3, 3)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 5e5 * np.linalg.norm(across, axis=1)  # mm2
    high, within = hair[head.faces[faces]].mean(1), depth[head.faces[faces]].mean(1)
    dense = np.minimum(_COVERED / np.maximum(length_of(high) + hangs, 1), _PER_MM2)
    fine = 1 - _between(_BEGINS_MM, _GROWN_MM, within)
    on = np.repeat(faces, draw.poisson(area * dense * (1 + _MORE * fine)))
    return on, draw.dirichlet((1, 1, 1), len(on))  # even over a triangle


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


def _between(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """How far values have come from `low` to `high`, from 0 to 1."""
    return np.clip((values - low) / (high - low), 0, 1)
