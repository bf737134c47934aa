"""Flatten a piece of surface that is a disc (holes are filled): Tutte's embedding, then SLIM.

Tutte 1963 gives a map without flips; "Scalable Locally Injective Mappings" (Rabinovich et al.
2017) lowers its symmetric Dirichlet energy, to which every flip is an infinite barrier.
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

HOLE_WEIGHT = 0.02  # of the triangles that fill a hole, against the surface's own
_STEPS, _STEADY = 40, 0.9995  # at most; a step that leaves so much of the energy is the last


def flatten_disc(points: np.ndarray, faces: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Points in the plane, (N, 2), counter-clockwise where `faces` are seen from outside.

    Args:
        points: (N, 3); faces: (F, 3), one connected piece with at least one boundary loop.
        scale: (F,) wished length in the plane per length on the surface.
    """
    loops = sorted(_boundary_loops(faces), key=len, reverse=True)
    edges = scale[:, None, None] * _triangle_axes(points[faces])  # (F, 2, 2)
    weight = np.abs(np.linalg.det(edges))
    for loop in loops[1:]:
        faces, edges, weight = _fill_hole(points, faces, edges, weight, loop)
    count = faces.max() + 1
    plane = _tutte(faces, loops[0], count)
    area = np.abs(np.linalg.det(edges[: len(scale)])).sum() / 2
    plane *= np.sqrt(area / np.pi)
    energy = np.inf
    for _ in range(_STEPS):
        plane = _slim_step(plane, faces, edges, weight)
        before, energy = energy, _energy(plane, faces, edges, weight)
        if energy > _STEADY * before:
            break
    return plane[: len(points)]


def _triangle_axes(corners: np.ndarray) -> np.ndarray:
    """Each triangle laid in the plane: (F, 3, 3) -> (F, 2, 2), columns its two edges."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.linalg.norm(first, axis=1)
    along = (first * second).sum(1) / length
    height = np.linalg.norm(np.cross(first, second), axis=1) / length
    height = np.maximum(height, 0.02 * length)  # slivers would make the energy stiff
    zero = np.zeros_like(length)
    return np.stack([np.stack([length, along], 1), np.stack([zero, height], 1)], 1)


def _boundary_loops(faces: np.ndarray) -> list[np.ndarray]:
    """Closed chains of vertices along edges that only one triangle has, in its direction."""
    edges = {(a, b) for f in faces.tolist() for a, b in zip(f, f[1:] + f[:1], strict=True)}
    following = {a: b for a, b in edges if (b, a) not in edges}
    loops = []
    while following:
        at = next(iter(following))
        loop = []
        while at in following:
            loop.append(at)
            at = following.pop(at)
        loops.append(np.array(loop))
    return loops


def _fill_hole(points, faces, edges, weight, loop):
    """Close a hole with a fan whose rest shape is a regular polygon."""
    centre = max(faces.max() + 1, len(points))
    ends = np.roll(loop, -1)
    fan = np.stack([np.full(len(loop), centre), ends, loop], 1)
    side = np.linalg.norm(edges[:, :, 0], axis=1).mean()
    angle = 2 * np.pi / len(loop)
    radius = side / (2 * np.sin(angle / 2))
    rest = radius * np.array([[1, np.cos(angle)], [0, np.sin(angle)]])
    fan_edges = np.repeat(rest[None], len(loop), 0)
    fan_weight = np.full(len(loop), HOLE_WEIGHT * np.linalg.det(rest))
    return (
        np.concatenate([faces, fan]),
        np.concatenate([edges, fan_edges]),
        np.concatenate([weight, fan_weight]),
    )


def _tutte(faces: np.ndarray, loop: np.ndarray, count: int) -> np.ndarray:
    """Boundary on the unit circle, every other vertex the mean of its neighbours, (N, 2)."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ones = np.ones(len(pairs))
    adjacency = sp.coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), (count, count)).tocsr()
    adjacency = ((adjacency + adjacency.T) > 0).astype(float)
    laplacian = sp.diags(np.asarray(adjacency.sum(1)).ravel()) - adjacency
    angle = 2 * np.pi * np.arange(len(loop)) / len(loop)
    plane = np.zeros((count, 2))
    plane[loop] = np.stack([np.cos(angle), np.sin(angle)], 1)
    inner = np.setdiff1d(np.arange(count), loop)
    if len(inner):
        solver = splu(laplacian[inner][:, inner].tocsc())
        plane[inner] = solver.solve(-(laplacian[inner][:, loop] @ plane[loop]))
    return plane


def _gradients(faces: np.ndarray, edges: np.ndarray, count: int):
    """Sparse (F, N) operators: derivative of a function along each triangle's two axes."""
    inverse = np.linalg.inv(edges)  # (F, 2, 2): rows per edge, columns per axis
    row = np.repeat(np.arange(len(faces)), 3)
    operators = []
    for axis in range(2):
        first, second = inverse[:, 0, axis], inverse[:, 1, axis]
        values = np.stack([-first - second, first, second], 1)
        operators.append(sp.csr_matrix((values.ravel(), (row, faces.ravel())), (len(faces), count)))
    return operators


def _jacobians(plane, faces, edges):
    corners = plane[faces]
    moved = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], 2)
    return moved @ np.linalg.inv(edges)  # (F, 2, 2)


def _energy(plane, faces, edges, weight) -> float:
    jacobian = _jacobians(plane, faces, edges)
    determinant = np.linalg.det(jacobian)
    if (determinant <= 0).any():
        return np.inf
    return float((weight * (jacobian**2).sum((1, 2)) * (1 + determinant**-2)).sum())


def _slim_step(plane, faces, edges, weight) -> np.ndarray:
    """One reweighted least-squares step with a line search that admits no flip (SLIM, sec. 4)."""
    count = len(plane)
    jacobian = _jacobians(plane, faces, edges)
    left, sigma, right = np.linalg.svd(jacobian)
    nearest = left @ right  # the closest rotation
    near_one = np.abs(sigma - 1) < 1e-4
    safe = np.where(near_one, 2.0, sigma)
    pull = np.sqrt(np.where(near_one, 4.0, (safe - safe**-3) / (safe - 1)))
    pull = (left * pull[:, None, :]) @ np.swapaxes(left, 1, 2) * np.sqrt(weight)[:, None, None]

    wished = pull @ nearest
    blocks, target = [], []
    for axis, gradient in enumerate(_gradients(faces, edges, count)):
        for row in range(2):
            blocks.append(
                [sp.diags(pull[:, row, 0]) @ gradient, sp.diags(pull[:, row, 1]) @ gradient]
            )
            target.append(wished[:, row, axis])
    matrix = sp.bmat(blocks).tocsc()
    normal = matrix.T @ matrix
    inertia = 1e-7 * normal.diagonal().mean()
    start = plane.T.ravel()
    normal = (normal + inertia * sp.identity(2 * count)).tocsc()
    solved = splu(normal, permc_spec="MMD_AT_PLUS_A").solve(
        matrix.T @ np.concatenate(target) + inertia * start
    )
    step = solved.reshape(2, count).T - plane

    length = min(1.0, 0.8 * _first_flip(plane, step, faces))
    before = _energy(plane, faces, edges, weight)
    while length > 1e-9 and _energy(plane + length * step, faces, edges, weight) > before:
        length /= 2
    return plane + length * step if length > 1e-9 else plane


def _first_flip(plane, step, faces) -> float:
    """Smallest positive length at which a triangle loses its area."""

    def edges(values):
        corners = values[faces]
        return corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]

    def cross(a, b):
        return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]

    (p, q), (dp, dq) = edges(plane), edges(step)
    a, b, c = cross(dp, dq), cross(p, dq) + cross(dp, q), cross(p, q)
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        lengths = np.stack([2 * c / (-b + root), 2 * c / (-b - root)])  # stable where a is tiny
    lengths[:, b**2 - 4 * a * c < 0] = np.inf
    lengths = np.where(np.isfinite(lengths) & (lengths > 0), lengths, np.inf)
    return float(lengths.min())
