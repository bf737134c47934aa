"""Pure functions on points, rotations and meshes. Rotations are axis-angle in radians.

Conventions of camera and head axes: `engine.exchange.take`.
"""

from dataclasses import dataclass

import numpy as np

_FOCAL_PER_SIDE = 2.0  # of a usual lens: landmarks can't tell the focal length


@dataclass(frozen=True)
class Similarity:
    """x -> scale R x + shift."""

    turn: np.ndarray  # (3, 3)
    shift: np.ndarray  # (3,)
    scale: float = 1.0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) -> (N, 3)."""
        return self.scale * points @ self.turn.T + self.shift


def align_points(
    source: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray | None = None,
    with_scale: bool = True,
) -> Similarity:
    """The least-squares similarity of points (N, 3) onto points (Umeyama 1991); weights (N,)."""
    w = np.full(len(source), 1 / len(source)) if weights is None else weights / weights.sum()
    middle, goal = w @ source, w @ target
    a, b = source - middle, target - goal
    u, values, vt = np.linalg.svd((w[:, None] * b).T @ a)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ flip @ vt
    scale = float((values * np.diag(flip)).sum() / (w @ a**2).sum()) if with_scale else 1.0
    return Similarity(turn, goal - scale * turn @ middle, scale)


def rotation_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Rodrigues' formula: (..., 3) -> (..., 3, 3)."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]  # (..., 1, 1)
    x, y, z = np.moveaxis(np.asarray(axis_angle, float), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    cross = cross.reshape(*cross.shape[:-1], 3, 3)  # (..., 3, 3)
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 1 - angle**2 / 6, np.sin(safe) / safe)
    second = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + first * cross + second * (cross @ cross)


def to_camera(points: np.ndarray, pose: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Head space to camera space: (..., N, 3), (..., 3), (..., 3) -> (..., N, 3)."""
    return points @ np.swapaxes(rotation_matrix(pose), -1, -2) + translation[..., None, :]


def project(points: np.ndarray, focal: float, size: tuple[int, int]) -> np.ndarray:
    """Camera space (..., 3) to pixels (..., 2); y down, (0, 0) the picture's upper left corner."""
    width, height = size
    depth = -points[..., 2]
    return np.stack(
        [
            width / 2 + focal * points[..., 0] / depth,
            height / 2 - focal * points[..., 1] / depth,
        ],
        axis=-1,
    )


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals: (V, 3), (F, 3) -> (V, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    cross = np.cross(b - a, c - a)
    for axis in range(3):
        for corner in range(3):
            normals[:, axis] += np.bincount(
                faces[:, corner], weights=cross[:, axis], minlength=len(vertices)
            )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def focal_px(given: float | None, size: tuple[int, int]) -> float:
    """The given focal length, px, else that of a usual lens for pictures of `size` px."""
    return float(given or _FOCAL_PER_SIDE * max(size))


def embed(values: np.ndarray, faces: np.ndarray, embedding: tuple) -> np.ndarray:
    """Values at points on the mesh: (V, C), (face (L,), barycentric (L, 3)) -> (L, C)."""
    face, weights = embedding
    return np.einsum("...k,...kc->...c", weights, values[faces[face]])


def harmonics(normals: np.ndarray) -> np.ndarray:
    """Second-order spherical harmonics of normals (Ramamoorthi, Hanrahan 2001), unnormalised.

    (..., 3) unit -> (..., 9): 1, x, y, z, xy, xz, yz, x2 - y2, 3 z2 - 1.
    """
    x, y, z = normals[..., 0], normals[..., 1], normals[..., 2]
    return np.stack(
        [np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=-1
    )
