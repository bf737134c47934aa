"""Where a head's neck ends: there its picture fades."""

import numpy as np

from ..exchange.head_file import HeadFile

_FADE_M = 0.045  # from the neck's open end
_CHIN = 8  # of the 68 landmarks


def neck_end(head: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """0 on the head, rising to 1 where the neck is cut off, (V,) float32, of a head (V, 3) at rest.

    0 all over where the neck has no open end.
    """
    edges = np.sort(head.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges, times = np.unique(edges, axis=0, return_counts=True)
    face, weights = head.landmarks_68
    chin = weights[_CHIN] @ vertices[head.faces[face[_CHIN]]]  # (3,)
    rim = vertices[np.unique(edges[times == 1])]
    rim = rim[rim[:, 1] < chin[1] - _FADE_M]
    if not len(rim):
        return np.zeros(len(vertices), np.float32)
    near = np.flatnonzero(vertices[:, 1] < rim[:, 1].max() + _FADE_M)
    away = np.linalg.norm(vertices[near, None] - rim, axis=2).min(1)
    share = np.zeros(len(vertices), np.float32)
    share[near] = np.clip(1 - away / _FADE_M, 0, 1)
    return share * share * (3 - 2 * share)
