"""How much light reaches each vertex: ambient openness at rest, the key light in each frame.

Both ask the same question, "is this vertex seen from there?", and answer it with small
orthographic depth maps.
"""

import numba
import numpy as np

from ..geometry import vertex_normals
from . import depth_map

_MAP_SIDE = 160  # pixels across the head: about 2 mm each
_BIAS_M = 0.0025  # a surface does not hide itself on a map this coarse
# Skin throws red back most, so hollows between skin are lit red: there red's openness is larger by
# this times what is closed.
RED_IN_HOLLOWS = 0.22


def seen_from(
    vertices: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
    direction: np.ndarray,
    soft: bool = False,
) -> np.ndarray:
    """Whether light from `direction` (a unit vector, far away) reaches each vertex.

    Args:
        vertices: (V, 3) metres.
        normals: (V, 3) unit.
        faces: (F, 3).
        direction: (3,) towards the light, in the same axes.
        soft: A lamp of some size: shadows end over a centimetre instead of 2 mm.

    Returns:
        (V,) float32 in [0, 1]; between the two at the border of a shadow.
    """
    up = np.array([0.0, 1, 0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0, 0])
    right = np.cross(up, direction)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(direction, right), -direction]).astype(np.float32)  # rows
    placed = _place(np.asarray(vertices, np.float32), axes)
    depth = depth_map(placed, faces, (_MAP_SIDE, _MAP_SIDE))
    facing = np.asarray(normals, np.float32) @ -axes[2]
    return _compare(depth, placed, facing, np.float32(_BIAS_M), 3 if soft else 1)


def ambient_openness(vertices: np.ndarray, faces: np.ndarray, directions: int = 96) -> np.ndarray:
    """The cosine-weighted share of the sky that each vertex sees: (V,) float32 in [0, 1]."""
    normals = vertex_normals(vertices, faces)
    total, seen = np.full(len(vertices), 1e-6), np.zeros(len(vertices))
    for direction in _sphere(directions):
        facing = np.maximum(normals @ direction, 0)
        total += facing
        seen += facing * seen_from(vertices, normals, faces, direction)
    return (seen / total).astype(np.float32)


def through_polygon(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The light that comes through a window to points behind it, (n, 3).

    Its length is the irradiance of a surface that looks along it, as a share of that under an open
    sky (Lambert 1760: a sum over the window's edges). `corners` (K, 3) run against the clock as
    seen from outside.
    """
    rays = corners - points[:, None]  # (n, K, 3)
    rays /= np.maximum(np.linalg.norm(rays, axis=2, keepdims=True), 1e-9)
    following = np.roll(rays, -1, axis=1)
    across = np.cross(rays, following)
    sine = np.linalg.norm(across, axis=2)
    angle = np.arctan2(sine, (rays * following).sum(2))
    return ((angle / np.maximum(sine, 1e-9))[..., None] * across).sum(1) / (2 * np.pi)


def polygon_area(corners: np.ndarray) -> np.ndarray:
    """The area of a polygon (K, 3) as a vector (3,) along its normal."""
    around = corners - corners.mean(0)
    return np.cross(around, np.roll(around, -1, axis=0)).sum(0) / 2


def _sphere(count: int) -> np.ndarray:
    """Evenly spread unit vectors, (count, 3): a Fibonacci spiral."""
    k = np.arange(count) + 0.5
    y, turn = 1 - 2 * k / count, np.pi * (3 - np.sqrt(5)) * k
    ring = np.sqrt(1 - y**2)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _place(vertices, axes):
    """Vertices in the map: (V, 3) pixel x, pixel y, depth in metres."""
    placed = np.empty((len(vertices), 3), np.float32)
    low, high = np.full(3, np.inf, np.float32), np.full(3, -np.inf, np.float32)
    for i in range(len(vertices)):
        for k in range(3):
            value = np.float32(0)
            for d in range(3):
                value += axes[k, d] * vertices[i, d]
            placed[i, k] = value
            low[k], high[k] = min(low[k], value), max(high[k], value)
    scale = (_MAP_SIDE - 2) / max(high[0] - low[0], high[1] - low[1])
    for i in range(len(vertices)):
        for k in range(2):
            placed[i, k] = (placed[i, k] - low[k]) * scale + 1
    return placed


@numba.njit(cache=True, nogil=True)
def _compare(depth, placed, facing, bias, reach):
    """Share of the map's pixels about each vertex that do not hide it: 2 x 2 with reach 1."""
    seen = np.zeros(len(placed), np.float32)
    last = len(depth) - 1
    for i in range(len(placed)):
        if facing[i] < -0.3:
            continue
        limit = placed[i, 2] - bias * (np.float32(1.0) + 2 * (1 - max(facing[i], np.float32(0))))
        x, y = placed[i, 0] - np.float32(0.5), placed[i, 1] - np.float32(0.5)
        column, row = int(x), int(y)
        total = np.float32(0)
        for down in range(1 - reach, 1 + reach):
            for across in range(1 - reach, 1 + reach):
                # a tent about the vertex, so that the light changes smoothly as it moves
                share = (reach - abs(column + across - x)) * (reach - abs(row + down - y))
                total += share
                nearest = depth[min(max(row + down, 0), last), min(max(column + across, 0), last)]
                if nearest >= limit - bias * (abs(across) + abs(down)) * np.float32(0.3):
                    seen[i] += share
        seen[i] /= total
    return seen
