"""Plain texture coordinates for a mesh that brings none."""

import numpy as np
from scipy.spatial import KDTree

from ..exchange.head_file import LEFT_EYE_JOINT, RIGHT_EYE_JOINT
from .registration import Mesh

_COVER_REACH, _COVER_DEPTH = 4e-3, 5e-3  # m: skin that others cover so near, from so far


def unrolled(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Plain texture coordinates: the skin round an upright axis, cut behind; eyes in corners.

    What lies behind other skin (mouth, sockets) goes into a strip below: it would cover the face.

    Returns (U, 2) in [0, 1] and (F, 3); every triangle has corners of its own.
    """
    points = mesh.vertices[mesh.faces]  # (F, 3, 3)
    middle = mesh.vertices[:, [0, 2]].mean(0)
    angle = np.arctan2(points[..., 0] - middle[0], points[..., 2] - middle[1])
    wide = np.ptp(angle, axis=1) > np.pi  # across the cut: all corners to the side of the first
    angle = np.where(wide[:, None] & (angle < 0), angle + 2 * np.pi, angle)
    low, high = mesh.vertices[:, 1].min(), mesh.vertices[:, 1].max()
    uv = np.stack([0.5 + angle / (2 * np.pi) * 0.9, 0.08 + 0.9 * (points[..., 1] - low) /
                   (high - low)], -1)  # fmt: skip
    uv[..., 0] = np.clip(uv[..., 0], 0, 1)
    hidden = _behind_others(points, middle) & ~(mesh.eyes[0] | mesh.eyes[1])[mesh.faces].any(1)
    uv[hidden] = [0.12, 0.0] + [0.76, 0.06] * uv[hidden]
    for ball, joint, left in zip(
        mesh.eyes, (LEFT_EYE_JOINT, RIGHT_EYE_JOINT), (0.02, 0.92), strict=True
    ):
        own = ball[mesh.faces].all(1)
        around = points[own] - mesh.joints[joint]
        around /= np.maximum(np.linalg.norm(around, axis=-1, keepdims=True), 1e-9)
        polar = np.arccos(np.clip(around[..., 2:], -1, 1)) / np.pi  # the pupil in the middle
        flat = around[..., :2] / np.maximum(np.linalg.norm(around[..., :2], axis=-1,
                                                           keepdims=True), 1e-9)  # fmt: skip
        uv[own] = [left + 0.03, 0.035] + 0.03 * polar * flat
    return uv.reshape(-1, 2), np.arange(uv.shape[0] * 3).reshape(-1, 3)


def _behind_others(points: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Triangles (F,) that other ones cover as seen from outside, square to an upright axis."""
    centre = points.mean(1)
    across = centre[:, [0, 2]] - middle
    radius = np.linalg.norm(across, axis=1)
    angle = np.arctan2(across[:, 0], across[:, 1])
    plane = np.column_stack([np.median(radius) * angle, centre[:, 1]])
    pairs = KDTree(plane).query_pairs(_COVER_REACH, output_type="ndarray")
    outermost = radius.copy()
    np.maximum.at(outermost, pairs[:, 0], radius[pairs[:, 1]])
    np.maximum.at(outermost, pairs[:, 1], radius[pairs[:, 0]])
    return outermost > radius + _COVER_DEPTH
