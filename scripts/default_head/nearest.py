"""The nearest points on triangles."""

import numpy as np
from scipy.spatial import KDTree

CANDIDATES = 24  # triangles with the nearest centres are looked at


def nearest_on_triangles(
    points: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 3) points, (T, 3, 3) triangles -> triangle (N,), weights (N, 3), nearest (N, 3)."""
    count = min(CANDIDATES, len(triangles))
    near = KDTree(triangles.mean(1)).query(points, k=count)[1].reshape(len(points), count)
    corners = triangles[near]  # (N, C, 3, 3)
    weights = _nearest_weights(points[:, None], corners)  # (N, C, 3)
    places = np.einsum("nck,nckd->ncd", weights, corners)
    best = np.linalg.norm(places - points[:, None], axis=2).argmin(1)
    rows = np.arange(len(points))
    return near[rows, best], weights[rows, best], places[rows, best]


def _nearest_weights(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric weights of the nearest point of each triangle, (..., 3)."""
    origin = corners[..., 0, :]
    first, second = corners[..., 1, :] - origin, corners[..., 2, :] - origin
    along = points - origin
    a, b, c = (first**2).sum(-1), (first * second).sum(-1), (second**2).sum(-1)
    d, e = (first * along).sum(-1), (second * along).sum(-1)
    area = np.maximum(a * c - b * b, 1e-20)
    inside = np.stack([(c * d - b * e) / area, (a * e - b * d) / area], -1)
    best = np.stack([1 - inside.sum(-1), inside[..., 0], inside[..., 1]], -1)
    outside = (best < 0).any(-1)
    nearest = np.full(outside.shape, np.inf)
    for k in range(3):  # the nearest point on an edge, where the inside has none
        one, two = corners[..., k, :], corners[..., (k + 1) % 3, :]
        edge = two - one
        share = ((points - one) * edge).sum(-1) / np.maximum((edge**2).sum(-1), 1e-20)
        share = np.clip(share, 0, 1)
        distance = np.linalg.norm(one + share[..., None] * edge - points, axis=-1)
        weights = np.zeros_like(best)
        weights[..., k], weights[..., (k + 1) % 3] = 1 - share, share
        better = outside & (distance < nearest)
        best = np.where(better[..., None], weights, best)
        nearest = np.where(better, distance, nearest)
    return best
