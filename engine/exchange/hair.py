"""A groom for every renderer alike: strands as high above a head as a person's hair.

Roots are strewn evenly over the skin; strands stand up, lie down backwards, at the sides downwards
too, and gather in locks. All is drawn from one seed: the same head has the same hair every time.
"""

from dataclasses import dataclass

import numpy as np

from .head_file import HeadFile

POINTS = 6  # of a strand
BARE_MM = 0.8  # of hair: less is skin
# Roots: thicker and fewer than a person's, who has about two a mm2. Longer strands cover more.
_PER_MM2, _COVERED = 0.2, 15.0  # at most; strands' length in mm for each mm2 of skin
_RAGGED = 0.5, 1.5  # of BARE_MM, from strand to strand: no line where hair begins
_LIGHTEST_STRAND = 1.6  # times the median
_SHORTEST, _UNLIKE_TONE = 0.6, 0.18  # of a strand's length; standard deviation of the log tone
# Degrees above the skin at the root, and by how much less at the tip: of a crop, and of full hair,
# whose tips lie down; each as long as makes it stand as high as was asked for.
_CROP_RISES, _FULL_RISES, _CROP_FALLS, _FULL_FALLS = 70.0, 45.0, 75.0, 85.0
_CROP_LENGTH, _FULL_LENGTH = 2.2, 4.2  # times the height
_CROP_MM, _FULL_MM = 6.0, 22.0
_BACK, _DOWN = np.array([0.0, 0, -1]), np.array([0.0, -0.9, 0])
_CROP_STRAYS, _FULL_STRAYS = 0.2, 0.1
_LOCK_M, _GATHERED = 0.009, 0.45  # how wide a lock is, how far its tips have come together
_SKULL_ABOVE_EARS = np.array([0, 0.045, 0])  # m, its middle


@dataclass(frozen=True)
class Groom:
    """N strands, float32."""

    points: np.ndarray  # (N, POINTS, 3) m, head axes, from the root on
    normals: np.ndarray  # (N, 3) the skin's at the root
    uv: np.ndarray  # (N, 2) the root's place on the head's sheet
    tone: np.ndarray  # (N,) about 1: how light beside the others


def grows_hair(head: HeadFile, hair: np.ndarray | None) -> bool:
    """Whether there is any hair to comb: `hair` (V,) mm, None where nobody looked."""
    return hair is not None and "ears" in head.masks and bool((hair > BARE_MM).any())


def comb(head: HeadFile, vertices: np.ndarray, hair: np.ndarray) -> Groom:
    """The strands of a person whose head `grows_hair`.

    Args:
        head: The head.
        vertices: (V, 3) m, the person at rest.
        hair: (V,) mm that the hair stands off the skin.
    """
    draw = np.random.default_rng(0)
    faces = np.flatnonzero(hair[head.faces].max(1) > BARE_MM)
    corners = vertices[head.faces[faces]]  # (F', 3, 3)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 5e5 * np.linalg.norm(across, axis=1)  # mm2
    dense = np.minimum(_COVERED / np.maximum(_length(hair[head.faces[faces]].mean(1)), 1), _PER_MM2)
    on = np.repeat(np.arange(len(faces)), draw.poisson(area * dense))
    weights = draw.dirichlet((1, 1, 1), len(on))  # even over a triangle
    height = (weights * hair[head.faces[faces[on]]]).sum(1)
    kept = height > BARE_MM * draw.uniform(*_RAGGED, len(on))
    on, weights, height = on[kept], weights[kept], height[kept]

    def at_roots(values: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nkc->nc", weights, values[on])

    roots = at_roots(corners)
    normals = _unit(at_roots(_normals(vertices, head.faces)[head.faces[faces]]))
    middle = vertices[head.masks["ears"]].mean(0) + _SKULL_ABOVE_EARS
    points = _gathered(_grown(roots, normals, height, middle, draw), draw)
    tone = np.exp(_UNLIKE_TONE * draw.normal(size=len(roots)))
    uv = at_roots(head.uv[head.uv_faces[faces]])
    return Groom(*(array.astype(np.float32) for array in (points, normals, uv, tone)))


def strand_colours(groom: Groom, painted: np.ndarray) -> np.ndarray:
    """Linear reflectance of the strands, (N, 3) float32, of what is `painted` at their roots.

    Where hair begins skin shines through the paint, not through the strands.
    """
    colour = np.minimum(painted, _LIGHTEST_STRAND * np.median(painted, axis=0))
    return (colour * groom.tone[:, None]).astype(np.float32)


def _grown(
    roots: np.ndarray,
    normals: np.ndarray,
    height: np.ndarray,
    middle: np.ndarray,
    draw: np.random.Generator,
) -> np.ndarray:
    """Strands (N, POINTS, 3) from roots and normals (N, 3) to a height (N,) mm about the skull."""
    full = _fullness(height)
    length = 1e-3 * _length(height) * draw.uniform(_SHORTEST, 1, len(roots))
    step = (length / (POINTS - 1))[:, None]
    stray = (_CROP_STRAYS + (_FULL_STRAYS - _CROP_STRAYS) * full)[:, None]
    stray = stray * draw.normal(size=roots.shape)
    points, out = [roots], normals
    for k in range(POINTS - 1):
        along = (k + 0.5) / (POINTS - 1)
        up, front = np.maximum(out[:, 1:2], 0), np.maximum(out[:, 2:], 0)
        beside = np.clip(1 - 1.2 * up - front, 0, 1)  # 0 on top and in front, 1 at the sides
        flow = _BACK + beside * _DOWN + stray
        flow = _unit(flow - (flow * out).sum(1, keepdims=True) * out)
        rises = _CROP_RISES + (_FULL_RISES - _CROP_RISES) * full
        falls = _CROP_FALLS + (_FULL_FALLS - _CROP_FALLS) * full
        rise = np.radians(rises - falls * along)[:, None]
        points.append(points[-1] + step * (np.cos(rise) * flow + np.sin(rise) * out))
        out = _unit(points[-1] - middle)
    return np.stack(points, 1)


def _fullness(height: np.ndarray) -> np.ndarray:
    """0 for a crop, 1 for full hair, of heights in mm."""
    return np.clip((height - _CROP_MM) / (_FULL_MM - _CROP_MM), 0, 1)


def _length(height: np.ndarray) -> np.ndarray:
    """How long strands are that stand so high, mm both."""
    return height * (_CROP_LENGTH + (_FULL_LENGTH - _CROP_LENGTH) * _fullness(height))


def _gathered(points: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Strands (N, POINTS, 3) whose tips come together, lock by lock."""
    wavering = points[:, 0] + 0.25 * _LOCK_M * draw.normal(size=points[:, 0].shape)
    lock = np.unique(np.floor(wavering / _LOCK_M), axis=0, return_inverse=True)[1].ravel()
    flat = points.reshape(len(points), -1)
    sums = np.stack([np.bincount(lock, column) for column in flat.T], 1)
    middles = (sums / np.bincount(lock)[:, None])[lock].reshape(points.shape)
    pull = _GATHERED * np.linspace(0, 1, POINTS)[:, None] ** 1.5
    return points + pull * (middles - points)


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3), weighted by area."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    spread = np.repeat(across, 3, axis=0)
    sums = [np.bincount(faces.ravel(), column, len(vertices)) for column in spread.T]
    return _unit(np.stack(sums, 1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
