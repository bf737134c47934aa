"""Nearest points on a triangle mesh."""

import numpy as np
from scipy.spatial import KDTree

from ..geometry import vertex_normals

_CANDIDATES = 16  # triangles looked at for each point
_TURNED_M = 12e-3  # what a surface that faces the other way is moved off for the choice


def nearest_on_surface(
    points: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest point of a mesh for each of `points` (N, 3): face (N,), barycentric (N, 3), distance.

    With `normals` (N, 3) of the points, surfaces that face another way count as farther, so that an
    upper lip does not find the lower one.
    """
    corners = vertices[faces]  # (F, 3, 3)
    tree = KDTree(corners.mean(1))
    count = min(_CANDIDATES, len(faces))
    _, candidates = tree.query(points, count)
    candidates = candidates.reshape(len(points), count)
    weights = barycentric_of_nearest(points[:, None], corners[candidates])  # (N, K, 3)
    foot = np.einsum("nkc,nkcd->nkd", weights, corners[candidates])
    distance = np.linalg.norm(foot - points[:, None], axis=2)
    cost = distance
    if normals is not None:
        field = vertex_normals(vertices, faces)[faces[candidates]]  # (N, K, 3, 3)
        facing = np.einsum("nkc,nkcd,nd->nk", weights, field, normals)
        cost = distance + _TURNED_M * np.clip(0.5 - facing, 0, None)
    best = cost.argmin(1)
    rows = np.arange(len(points))
    return candidates[rows, best], weights[rows, best], distance[rows, best]


def barycentric_of_nearest(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Weights of the nearest point of triangles: (..., 3), (..., 3, 3) -> (..., 3).

    Ericson 2005, Real-Time Collision Detection, 5.1.5, as the best of the interior and three edges.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)
    d20, d21 = _dot(ap, ab), _dot(ap, ac)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v = (d11 * d20 - d01 * d21) / area
    w = (d00 * d21 - d01 * d20) / area
    inside = np.stack([1 - v - w, v, w], axis=-1)
    zero = np.zeros_like(v)
    along = [
        _part(points, a, b), _part(points, b, c), _part(points, c, a)
    ]  # fmt: skip
    edges = [
        np.stack([1 - along[0], along[0], zero], -1),
        np.stack([zero, 1 - along[1], along[1]], -1),
        np.stack([along[2], zero, 1 - along[2]], -1),
    ]
    options = np.stack(edges)  # (3, ..., 3)
    foot = np.einsum("e...k,...kc->e...c", options, corners)
    nearest = np.linalg.norm(foot - points, axis=-1).argmin(0)
    edge = np.take_along_axis(options, nearest[None, ..., None], 0)[0]
    return np.where((inside.min(-1) >= 0)[..., None], inside, edge)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=-1)


def _part(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How far along an edge the nearest point lies, 0 to 1."""
    edge = end - start
    return np.clip(_dot(points - start, edge) / np.maximum(_dot(edge, edge), 1e-30), 0, 1)
