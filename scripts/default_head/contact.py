"""Two lips that don't cut each other: how deep one lies in the other, and what parts them."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from .anatomy import Anatomy
from .fairing import smooth_field
from .nearest import nearest_on_triangles
from .rims import Rim

REACH = 0.012  # m along the skin from the lips' line: what can touch the other lip
DEEPEST = 0.003  # m: farther is the other side of lip or cheek, not a cut
SHALLOW = 0.0002  # m: cuts less deep are left, lips press on each other
GIVING = 0.022  # m from the lips' line within which the skin may give way
ROUNDS = 6


@dataclass(frozen=True)
class LipSides:
    """The skin near the line: vertices (N,) and triangles (T, 3) of the upper and the lower lip."""

    upper: np.ndarray
    lower: np.ndarray
    upper_faces: np.ndarray
    lower_faces: np.ndarray
    giving: np.ndarray  # (V,) bool


def lip_sides(anatomy: Anatomy, template: np.ndarray, lips: Rim) -> LipSides:
    """Sort the skin near the lips' line by the lip that it belongs to."""
    edges = anatomy.edges
    length = np.linalg.norm(template[edges[:, 0]] - template[edges[:, 1]], axis=1)
    graph = sp.csr_matrix((length, edges.T), shape=(len(template),) * 2)
    graph = graph + graph.T
    to_upper = dijkstra(graph, indices=lips.upper[1:-1], min_only=True)
    to_lower = dijkstra(graph, indices=lips.lower, min_only=True)
    upper = (to_upper < to_lower) & (to_upper < REACH)
    lower = (to_lower < to_upper) & (to_lower < REACH)
    faces = anatomy.faces
    return LipSides(
        upper=np.flatnonzero(upper),
        lower=np.flatnonzero(lower),
        upper_faces=faces[upper[faces].all(1)],
        lower_faces=faces[lower[faces].all(1)],
        giving=np.minimum(to_upper, to_lower) < GIVING,
    )


def cuts(points: np.ndarray, sides: LipSides) -> tuple[sp.csr_matrix, np.ndarray]:
    """Vertices deeper than SHALLOW inside the other lip.

    Gives rows (R, V) "vertex minus the surface above it" and the ways out (R, 3) m; the length of
    a way is the depth.
    """
    rows, ways = [], []
    for vertices, faces in (
        (sides.upper, sides.lower_faces),
        (sides.lower, sides.upper_faces),
    ):
        corners = points[faces]
        face, weights, place = nearest_on_triangles(points[vertices], corners)
        first = corners[face, 1] - corners[face, 0]
        normal = np.cross(first, corners[face, 2] - corners[face, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        away = points[vertices] - place
        height = (away * normal).sum(1)
        squarely = weights.min(1) > 1e-6  # the nearest place is not on the lip's border
        inside = np.flatnonzero((height < -SHALLOW) & (height > -DEEPEST) & squarely)
        for k in inside:
            columns = [int(vertices[k]), *faces[face[k]].tolist()]
            row = sp.csr_matrix(
                (np.array([1.0, *-weights[k]]), ([0] * 4, columns)), (1, len(points))
            )
            rows.append(row)
            ways.append(-away[k])
    if not rows:
        return sp.csr_matrix((0, len(points))), np.zeros((0, 3))
    return sp.csr_matrix(sp.vstack(rows)), np.array(ways)


def part_lips(
    anatomy: Anatomy, points: np.ndarray, sides: LipSides, held: sp.csr_matrix
) -> np.ndarray:
    """A smooth displacement (V, 3) after which neither lip cuts the other.

    `held` (R, V): differences that it leaves as they are, such as those of lips that touch.
    """
    move = np.zeros_like(points)
    rows, ways = [held], [np.zeros_like(held @ points)]
    for _ in range(ROUNDS):
        cut, out = cuts(points + move, sides)
        if not len(out):
            break
        rows.append(cut)
        ways.append(cut @ move + out)
        conditions = sp.csr_matrix(sp.vstack(rows))
        move = smooth_field(anatomy, sides.giving, conditions, np.concatenate(ways))
    return move
