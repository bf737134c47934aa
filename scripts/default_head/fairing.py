"""Smooth corrections: the least bent displacement that meets given conditions."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import factorized

from .anatomy import Anatomy

CONDITION_WEIGHT = 300.0  # of a condition, against one vertex's bending


def smooth_field(
    anatomy: Anatomy,
    region: np.ndarray,
    conditions: sp.csr_matrix,
    wished: np.ndarray,
    start: np.ndarray | None = None,
    hold: float = 0.003,
) -> np.ndarray:
    """A field (V, D) that keeps `start` outside `region`, meets the conditions, bends little.

    Minimises |L f|^2 + hold |f - start|^2 + weight |conditions f - wished|^2 inside the region,
    L being a vertex minus the mean of its neighbours.

    Args:
        region: (V,) bool, where the field may change.
        conditions: (R, V); wished: (R, D).
        start: (V, D); zero when not given.
    """
    count = len(anatomy.rest)
    if start is None:
        start = np.zeros((count, wished.shape[1]))
    bend = sp.csr_matrix(sp.identity(count) - anatomy.neighbours)
    touched = np.flatnonzero(region | (anatomy.neighbours @ region.astype(float) > 0))
    bend = bend[touched]
    free, fixed = np.flatnonzero(region), np.flatnonzero(~region)
    inside, outside = bend[:, free], bend[:, fixed]
    rows, beyond = conditions[:, free], conditions[:, fixed]
    system = inside.T @ inside + hold * sp.identity(len(free)) + CONDITION_WEIGHT * rows.T @ rows
    right = hold * start[free] - inside.T @ (outside @ start[fixed])
    right = right + CONDITION_WEIGHT * rows.T @ (wished - beyond @ start[fixed])
    solve = factorized(sp.csc_matrix(system))
    out = start.copy()
    for axis in range(start.shape[1]):
        out[free, axis] = solve(np.ascontiguousarray(right[:, axis]))
    return out


def pick(vertices: np.ndarray, count: int) -> sp.csr_matrix:
    """Rows that read the given vertices, (len(vertices), count)."""
    entries = (np.ones(len(vertices)), (np.arange(len(vertices)), vertices))
    return sp.csr_matrix(entries, shape=(len(vertices), count))


def pair_rows(one: np.ndarray, two: np.ndarray, along: np.ndarray, count: int) -> sp.csr_matrix:
    """Rows (R, count) "value on chain one minus value on chain two at the same place".

    `along` (count,) is a coordinate that grows along both chains; each vertex of either chain is
    compared with the point of the other that has the same coordinate.
    """
    entries: list[tuple[int, int, float]] = []
    row = 0
    for own, other, sign in ((one, two, 1.0), (two, one, -1.0)):
        for vertex in own:
            after = int(np.clip(np.searchsorted(along[other], along[vertex]), 1, len(other) - 1))
            low, high = other[after - 1], other[after]
            span = along[high] - along[low]
            share = float(np.clip((along[vertex] - along[low]) / span, 0, 1))
            entries += [(row, vertex, sign), (row, low, -sign * (1 - share))]
            entries += [(row, high, -sign * share)]
            row += 1
    rows, columns, values = zip(*entries, strict=True)
    return sp.csr_matrix((values, (rows, columns)), shape=(row, count))
