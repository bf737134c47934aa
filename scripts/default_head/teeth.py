"""Teeth and gums of our own: fourteen teeth in a row along each of MakeHuman's helper bands.

Widths and heights of crowns are an adult's. Seen from the front the biting edges of the incisors
lie on a curve that corners and cusps interrupt, teeth touch at their widest and leave gaps
towards lips and edges, and the gum runs up between them. The rows bite as an adult's do: the
upper incisors 2.5 mm over the lower and 3 mm before them, the molars edge to edge.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial import KDTree

HELPERS = {"upper_teeth": np.arange(15060, 15128), "lower_teeth": np.arange(14992, 15060)}
SIDES, RINGS = 12, 6  # vertices round a tooth, rings along it
GUM_RIBS = 7
BINDING = 6  # nearest helper vertices that carry a tooth vertex

# From the middle to the back, mm: widths along the arch, heights of the crowns, depths; how much
# shorter a tooth is than the first, how far it stands before the arch, how far its edge has risen
# at the corners and at the fissure of the two cusps.
WIDTHS_MM = {
    "upper_teeth": (8.5, 6.6, 7.6, 7.0, 6.8, 10.2, 9.6),
    "lower_teeth": (5.4, 5.9, 6.9, 7.0, 7.2, 11.0, 10.4),
}
HEIGHTS_MM = {
    "upper_teeth": (10.2, 9.3, 10.4, 9.0, 8.4, 7.8, 7.0),
    "lower_teeth": (8.8, 9.0, 9.6, 8.3, 7.6, 7.0, 6.5),
}
DEPTHS_MM = (6.2, 5.8, 7.2, 8.2, 8.4, 10.0, 10.0)
SHORTER_MM = {
    "upper_teeth": (0.0, 0.6, 0.1, 0.4, 0.5, 0.7, 1.0),
    "lower_teeth": (0.0, 0.1, 0.1, 0.9, 1.2, 1.6, 1.6),
}
BEFORE_MM = {
    "upper_teeth": (0.0, -0.4, 0.4, 0.2, 0.0, 0.0, 0.0),
    "lower_teeth": (0.0, 0.2, 0.3, 0.1, 0.0, 0.0, 0.0),
}
CORNERS_MM = {
    "upper_teeth": (0.55, 0.8, 1.9, 1.5, 1.3, 1.0, 1.0),
    "lower_teeth": (0.25, 0.35, 1.6, 1.4, 1.2, 1.0, 1.0),
}
FISSURES_MM = (0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.7)
FAR_CORNER = 1.35  # the corner away from the middle has risen so many times as far as the near one

ARCH_WIDTH = 0.87  # of the helper's half width
ARCH_POWER = 0.74  # roundness of the front
EDGE_MM = {"upper_teeth": -1.2, "lower_teeth": 1.2}  # biting edge above the line of the lips
BEHIND_LIPS_MM = {"upper_teeth": 2.9, "lower_teeth": 5.8}  # front face behind the inner lip

# A tooth seen from its edge: front half of the outline, from the middle to where it touches the
# next, as shares of half the width and half the depth.
OUTLINE = np.array([[0.0, 1.0], [0.52, 0.93], [0.92, 0.60], [1.0, 0.0]])
# By ring, from the edge to the root: height in crowns, and for incisors, canines and the others
# width, front face before the widest place (mm) and depth (shares of the whole).
RISES = np.array([0.0, 0.10, 0.36, 0.66, 0.94, 1.28])
TAPERS = {
    "incisor": (0.90, 0.985, 1.0, 0.97, 0.89, 0.78),
    "canine": (0.74, 0.94, 1.0, 0.97, 0.89, 0.78),
    "molar": (0.84, 0.96, 1.0, 0.98, 0.92, 0.82),
}
FRONTS_MM = {
    "incisor": (-0.25, 0.0, 0.05, -0.15, -0.65, -1.4),
    "canine": (-0.55, -0.15, 0.05, 0.0, -0.5, -1.2),
    "molar": (-0.95, -0.35, 0.0, 0.0, -0.35, -0.8),
}
THICKNESSES = {
    "incisor": (0.19, 0.29, 0.52, 0.85, 1.0, 0.95),
    "canine": (0.22, 0.36, 0.62, 0.92, 1.0, 0.95),
    "molar": (0.66, 0.86, 1.0, 1.0, 0.95, 0.88),
}
KINDS = ("incisor", "incisor", "canine", "molar", "molar", "molar", "molar")
# The gum's margin in crowns: over a tooth, and the peak between two; its face before the tooth's.
GUM_OVER, GUM_BETWEEN = 0.95, 0.74
GUM_BEFORE_MM, PEAK_BEHIND_MM, GUM_THICK_MM, GUM_TALL_MM = 0.12, 0.75, 0.9, 7.5


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


@dataclass(frozen=True)
class _Tooth:
    """Sizes of one tooth, mm; `near` is +1 where its positive side looks to the row's middle."""

    kind: str
    width: float
    height: float
    depth: float
    shorter: float
    before: float
    corners: float
    fissure: float
    near: float


def make_teeth(base: np.ndarray, row: str, lip_line: np.ndarray) -> Teeth:
    """The row `upper_teeth` or `lower_teeth` behind the lips' midpoint `lip_line` (3,)."""
    up = 1.0 if row == "upper_teeth" else -1.0
    arch = _arch(base[HELPERS[row]], lip_line[2] - BEHIND_LIPS_MM[row] / 1000)
    edge = lip_line[1] + EDGE_MM[row] / 1000
    teeth, bounds = _along(row, 1000 * arch.along[-1])
    pieces = []
    for tooth, start, end in zip(teeth, bounds[:-1], bounds[1:], strict=True):
        point, tangent, normal = arch.frame((start + end) / 2000)
        local = _surface(tooth) / 1000
        plan = point + local[:, :1] * tangent + local[:, 2:] * normal  # (N, 2) x, z
        vertices = np.stack([plan[:, 0], edge + up * local[:, 1], plan[:, 1]], 1)
        pieces.append((vertices, *_tooth_faces()))
    pieces.append(_gum(arch, edge, up, teeth, bounds))
    return _join(pieces, base, HELPERS[row])


def _along(row: str, length: float) -> tuple[list[_Tooth], np.ndarray]:
    """The teeth of a row and where each begins and ends along an arch of `length` mm."""
    order = [*range(6, -1, -1), *range(7)]
    widths = np.array(WIDTHS_MM[row])[order]
    scale = 0.97 * length / widths.sum()
    bounds = 0.015 * length + np.concatenate([[0], np.cumsum(widths * scale)])
    teeth = [
        _Tooth(
            KINDS[k], WIDTHS_MM[row][k] * scale, HEIGHTS_MM[row][k], DEPTHS_MM[k],
            SHORTER_MM[row][k], BEFORE_MM[row][k], CORNERS_MM[row][k], FISSURES_MM[k],
            1.0 if place < 7 else -1.0,
        )
        for place, k in enumerate(order)
    ]  # fmt: skip
    return teeth, bounds


def _surface(tooth: _Tooth) -> np.ndarray:
    """Vertices (SIDES * RINGS + 1, 3) mm: along the row, from the edge to the root, outward."""
    half = np.concatenate([OUTLINE[::-1], OUTLINE[1:] * [-1, 1]])  # one side, front, other side
    outline = np.concatenate([half, half[-2:0:-1] * [1, -1]])  # (SIDES, 2) counter-clockwise
    x, z = outline.T
    side = np.where(x * tooth.near > 0, 1.0, FAR_CORNER)
    corner = tooth.corners * side * np.abs(x) ** 2.4
    corner += tooth.fissure * np.clip(1 - np.abs(x) / OUTLINE[1, 0], 0, 1)
    rings = []
    for rise, taper, front, thick in zip(
        RISES, TAPERS[tooth.kind], FRONTS_MM[tooth.kind], THICKNESSES[tooth.kind], strict=True
    ):
        depth = tooth.depth * thick
        fading = max(1 - rise / 0.5, 0)  # corners and cusps are gone by the middle of the crown
        y = tooth.shorter + rise * (tooth.height - tooth.shorter) + corner * fading
        outward = tooth.before + front - depth / 2 + z * depth / 2
        rings.append(np.stack([x * taper * tooth.width / 2, y, outward], 1))
    sunk = 0.5 if tooth.kind == "molar" else 0.0
    tip = rings[0][[3, 9]].mean(0) + np.array([0, sunk, 0])
    return np.concatenate([*rings, tip[None]])


def _tooth_faces() -> tuple[np.ndarray, np.ndarray]:
    this, following = np.arange(SIDES), np.roll(np.arange(SIDES), -1)
    quads = [
        np.stack([r + this, r + following, r + SIDES + following, r + SIDES + this], 1)
        for r in range(0, SIDES * (RINGS - 1), SIDES)
    ]
    tip = np.full(SIDES, SIDES * RINGS)
    return np.concatenate(quads), np.stack([tip, following, this], 1)


def _gum(arch: _Arch, edge: float, up: float, teeth: list[_Tooth], bounds: np.ndarray) -> tuple:
    """A ridge over the roots, open towards the jaw: a rib over each tooth and one between two."""
    places = np.empty(2 * len(teeth) + 1)
    places[::2], places[1::2] = bounds, (bounds[1:] + bounds[:-1]) / 2
    vertices = []
    for k, place in enumerate(places):
        point, _, normal = arch.frame(place / 1000)
        beside = teeth[max((k - 1) // 2, 0) : min(k // 2, len(teeth) - 1) + 1]
        height, depth, before = (
            np.mean([getattr(t, name) for t in beside]) for name in ("height", "depth", "before")
        )
        front = before + FRONTS_MM[beside[0].kind][4]
        front += GUM_BEFORE_MM if k % 2 else -PEAK_BEHIND_MM
        margin = height * (GUM_OVER if k % 2 else GUM_BETWEEN)
        for rib in range(GUM_RIBS):
            angle = np.pi * rib / (GUM_RIBS - 1)
            swell = GUM_THICK_MM * np.sin(2 * min(angle, np.pi - angle))
            middle, reach = front - depth / 2, depth / 2
            outward = middle + np.cos(angle) * reach + np.sign(np.cos(angle)) * swell
            rise = margin + (height + GUM_TALL_MM - margin) * np.sin(angle)
            plan = point + normal * outward / 1000
            vertices.append([plan[0], edge + up * rise / 1000, plan[1]])
    grid = np.arange(len(places) * GUM_RIBS).reshape(len(places), GUM_RIBS)
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
