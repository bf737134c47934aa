"""Teeth and gums of our own: fourteen teeth in a row along each of MakeHuman's helper bands."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial import KDTree

HELPERS = {"upper_teeth": np.arange(15060, 15128), "lower_teeth": np.arange(14992, 15060)}
SIDES, RINGS = 12, 6  # vertices round a tooth, rings along it
GUM_STEPS, GUM_RIBS = 29, 7
BINDING = 6  # nearest helper vertices that carry a tooth vertex

# From the middle to the back, mm: widths along the arch, heights of the crowns, depths.
WIDTHS_MM = {
    "upper_teeth": (8.5, 6.6, 7.6, 7.0, 6.8, 10.2, 9.6),
    "lower_teeth": (5.4, 5.9, 6.9, 7.0, 7.2, 11.0, 10.4),
}
HEIGHTS_MM = {
    "upper_teeth": (10.2, 9.0, 10.0, 8.2, 7.5, 7.0, 6.5),
    "lower_teeth": (8.8, 9.0, 9.6, 8.3, 7.6, 7.0, 6.5),
}
DEPTHS_MM = (4.5, 4.3, 5.5, 7.0, 7.2, 9.0, 9.0)
ARCH_WIDTH = 0.90  # of the helper's half width
ARCH_POWER = 0.78  # roundness of the front
EDGE_MM = {"upper_teeth": -1.5, "lower_teeth": -0.5}  # biting edge above the line of the lips
BEHIND_LIPS_MM = {"upper_teeth": 2.2, "lower_teeth": 4.6}  # front face behind the inner lip
# Width by ring, from the edge to the root. Incisors touch down to their edges: with gaps there a
# mouth looks like a comb.
TAPER = (0.62, 0.86, 0.96, 1.0, 0.97, 0.86)
INCISOR_TAPER = (0.93, 0.985, 1.0, 0.98, 0.93, 0.84)
FRONT_DEPTH = (0.30, 0.62, 0.86, 1.0, 1.02, 0.95)  # incisors and canines end in an edge
BACK_DEPTH = (0.75, 0.92, 1.0, 1.0, 1.0, 0.95)


@dataclass(frozen=True)
class Teeth:
    """One row: `vertices` (N, 3) m, `quads`, `triangles`, `gums` (N,) bool; `binding` (N, B)."""

    vertices: np.ndarray
    quads: np.ndarray
    triangles: np.ndarray
    gums: np.ndarray
    binding: sp.csr_matrix


@dataclass(frozen=True)
class _Arch:
    """The row's outer line seen from above, by arc length."""

    points: np.ndarray  # (N, 2) x, z
    along: np.ndarray  # (N,) m

    def frame(self, s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Point, direction along the arch and outward normal at arc length `s`, each (2,)."""

        def at(where: float) -> np.ndarray:
            return np.array([np.interp(where, self.along, self.points[:, k]) for k in range(2)])

        tangent = at(min(s + 0.002, self.along[-1])) - at(max(s - 0.002, 0.0))
        tangent /= np.linalg.norm(tangent)
        return at(s), tangent, np.array([-tangent[1], tangent[0]])


def _arch(helper: np.ndarray, front: float) -> _Arch:
    half_width = np.abs(helper[:, 0]).max() * ARCH_WIDTH
    depth = np.ptp(helper[:, 2])
    angle = np.linspace(-np.pi / 2, np.pi / 2, 401)
    points = np.stack(
        [half_width * np.sin(angle), front - depth + depth * np.abs(np.cos(angle)) ** ARCH_POWER], 1
    )
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return _Arch(points, np.concatenate([[0], np.cumsum(steps)]))


def make_teeth(base: np.ndarray, row: str, lip_line: np.ndarray) -> Teeth:
    """The row `upper_teeth` or `lower_teeth` behind the lips' midpoint `lip_line` (3,)."""
    up = 1.0 if row == "upper_teeth" else -1.0
    arch = _arch(base[HELPERS[row]], lip_line[2] - BEHIND_LIPS_MM[row] / 1000)
    edge = lip_line[1] + EDGE_MM[row] / 1000
    length = arch.along[-1]

    def both(values: tuple) -> np.ndarray:
        return np.array([*values[::-1], *values]) / 1000

    widths, heights, depths = both(WIDTHS_MM[row]), both(HEIGHTS_MM[row]), both(DEPTHS_MM)
    widths *= 0.97 * length / widths.sum()
    centres = 0.015 * length + np.cumsum(widths) - widths / 2
    pieces = []
    for k, centre in enumerate(centres):
        front = 4 <= k < 10
        taper = INCISOR_TAPER if 5 <= k < 9 else TAPER
        profile = FRONT_DEPTH if front else BACK_DEPTH
        local = _tooth((widths[k], heights[k], depths[k]), taper, profile)
        point, tangent, normal = arch.frame(centre)
        plan = point + local[:, :1] * tangent + local[:, 2:] * normal  # (N, 2) x, z
        vertices = np.stack([plan[:, 0], edge + up * local[:, 1], plan[:, 1]], 1)
        pieces.append((vertices, *_tooth_faces()))
    pieces.append(_gum(arch, edge, up, centres, heights, depths))
    return _join(pieces, base, HELPERS[row])


def _tooth(size: tuple[float, float, float], taper: tuple, profile: tuple) -> np.ndarray:
    """Vertices (SIDES * RINGS + 1, 3): along the row, from the edge to the root, outward."""
    width, height, depth = size
    angle = np.arange(SIDES) * 2 * np.pi / SIDES
    cosine, sine = np.cos(angle), np.sin(angle)
    across = np.sign(cosine) * np.abs(cosine) ** 0.55 * width / 2 * 0.985
    outward = np.sign(sine) * np.abs(sine) ** 0.7 * depth / 2
    rings = []
    for k in range(RINGS):
        rise = np.full(SIDES, height * 1.28 * k / (RINGS - 1))
        rings.append(np.stack([across * taper[k], rise, outward * profile[k] - depth / 2], 1))
    tip = np.array([[0, -0.0004, -depth / 2]])
    return np.concatenate([*rings, tip])


def _tooth_faces() -> tuple[np.ndarray, np.ndarray]:
    this, following = np.arange(SIDES), np.roll(np.arange(SIDES), -1)
    quads = [
        np.stack([r + this, r + following, r + SIDES + following, r + SIDES + this], 1)
        for r in range(0, SIDES * (RINGS - 1), SIDES)
    ]
    tip = np.full(SIDES, SIDES * RINGS)
    return np.concatenate(quads), np.stack([tip, following, this], 1)


def _gum(arch, edge, up, centres, heights, depths) -> tuple:
    """A ridge over the roots, open towards the jaw."""
    vertices = []
    for s in np.linspace(0.002, 0.998, GUM_STEPS) * arch.along[-1]:
        point, _, normal = arch.frame(s)
        depth, height = np.interp(s, centres, depths), np.interp(s, centres, heights)
        for angle in np.linspace(0, np.pi, GUM_RIBS):
            plan = point + normal * (np.cos(angle) * (depth / 2 + 0.0008) - depth / 2)
            rise = 1.02 * height + 0.0075 * np.sin(angle)
            vertices.append([plan[0], edge + up * rise, plan[1]])
    grid = np.arange(GUM_STEPS * GUM_RIBS).reshape(GUM_STEPS, GUM_RIBS)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1)
    return np.array(vertices), quads.reshape(-1, 4), np.zeros((0, 3), int)


def _join(pieces: list, base: np.ndarray, helper: np.ndarray) -> Teeth:
    vertices, quads, triangles, start = [], [], [], 0
    for points, squares, tips in pieces:
        outward = _faces_outward(points, squares)
        quads.append((squares if outward else squares[:, ::-1]) + start)
        triangles.append((tips if outward else tips[:, ::-1]) + start)
        vertices.append(points)
        start += len(points)
    joined = np.concatenate(vertices)
    gums = np.arange(start) >= start - len(vertices[-1])
    distance, near = KDTree(base[helper]).query(joined, k=BINDING)
    weight = 1 / (distance + 0.002) ** 2
    weight /= weight.sum(1, keepdims=True)
    rows = np.repeat(np.arange(start), BINDING)
    entries = (weight.ravel(), (rows, helper[near].ravel()))
    binding = sp.csr_matrix(entries, shape=(start, len(base)))
    return Teeth(joined, np.concatenate(quads), np.concatenate(triangles), gums, binding)


def _faces_outward(points: np.ndarray, quads: np.ndarray) -> bool:
    """Whether most of the faces look away from the piece's middle line."""
    corners = points[quads]  # (Q, 4, 3)
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    middle = corners.mean(1)
    near = np.exp(-(((middle[:, None] - middle[None]) / 0.008) ** 2).sum(-1))
    local = (near @ middle) / near.sum(1, keepdims=True)
    return bool(((middle - local) * normal).sum() > 0)
