"""The papers' measures of faces: landmarks in a picture, surfaces of one topology, lips that meet.

Landmarks are (T, 68, 2) pixels in the usual 68-point order.
"""

import numpy as np

from ..geometry import vertex_normals

LIPS = slice(48, 68)
AUC_LIMIT = 10.0  # % of the face's size. (open) of the papers' values the likeliest
_INNER_LIPS = ((61, 67), (62, 66), (63, 65))


def normalized_errors(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance of each landmark in % of the true box's side, (T, 68).

    The side is the root of the box's area, as in 3DDFA (Zhu et al. 2016), which DECA and AVFace
    follow. NaN where either is unknown.
    """
    size = np.sqrt(np.prod(truth.max(1) - truth.min(1), axis=-1))
    return 100 * np.linalg.norm(points - truth, axis=-1) / size[:, None]


def nme(errors: np.ndarray, which: slice = slice(None)) -> float:
    """Normalised mean error, %: of `normalized_errors` (T, L), over frames that have both."""
    return float(np.nanmean(errors[:, which])) if np.isfinite(errors).any() else float("nan")


def area_under_curve(errors: np.ndarray, limit: float = AUC_LIMIT) -> float:
    """Area under the curve of frames with a mean error below x, up to `limit` %: (T, L); best 1."""
    means = errors.mean(1)
    means = means[np.isfinite(means)]
    return float(np.clip(1 - means / limit, 0, 1).mean()) if len(means) else float("nan")


def normals_error_degrees(
    vertices: np.ndarray, truth: np.ndarray, faces: np.ndarray, which: np.ndarray
) -> float:
    """Mean angle between the normals of two surfaces of one topology.

    Args:
        vertices: (V, 3).
        truth: (V, 3), in the same axes.
        faces: (F, 3).
        which: (V,) bool.
    """
    ours, theirs = vertex_normals(vertices, faces)[which], vertex_normals(truth, faces)[which]
    cosine = np.clip((ours * theirs).sum(1), -1, 1)
    return float(np.degrees(np.arccos(cosine)).mean())


def lip_gap(points: np.ndarray) -> np.ndarray:
    """Mean opening of the inner lips, (T,), in the units of the points."""
    upper, lower = (list(side) for side in zip(*_INNER_LIPS, strict=True))
    return np.linalg.norm(points[:, upper] - points[:, lower], axis=-1).mean(1)
