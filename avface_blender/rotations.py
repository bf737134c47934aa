"""Rotations over time as unit quaternions (w, x, y, z) and as axis-angle (rad). No Blender here."""

import numpy as np


def quaternions(axis_angle: np.ndarray) -> np.ndarray:
    """Axis-angle as unit quaternions of steady sign: (T, 3) -> (T, 4)."""
    angle = np.linalg.norm(axis_angle, axis=1, keepdims=True)
    # sin(angle / 2) / angle, whose limit at 0 is 1/2
    scale = np.sinc(angle / (2 * np.pi)) / 2
    return one_sign(np.concatenate([np.cos(angle / 2), scale * axis_angle], axis=1))


def axis_angles(turns: np.ndarray) -> np.ndarray:
    """The way back, the short way round: (..., 4) -> (..., 3), at most pi long."""
    turns = np.where(turns[..., :1] < 0, -turns, turns)
    length = np.linalg.norm(turns[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, turns[..., :1])
    return turns[..., 1:] * np.where(length < 1e-9, 2.0, angle / np.maximum(length, 1e-12))


def one_sign(turns: np.ndarray) -> np.ndarray:
    """The same rotations, signs chosen so that neighbours are close: curves don't jump."""
    flips = np.sum(turns[1:] * turns[:-1], axis=1) < 0
    sign = np.where(np.cumsum(flips) % 2, -1.0, 1.0)
    out = turns.copy()
    out[1:] *= sign[:, None]
    return out


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton's product, b's turn first, of (..., 4) and (..., 4)."""
    aw, ax, bw, bx = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    scalar = aw * bw - np.sum(ax * bx, axis=-1, keepdims=True)
    return np.concatenate([scalar, aw * bx + bw * ax + np.cross(ax, bx)], axis=-1)


def inverse(turns: np.ndarray) -> np.ndarray:
    """The turns back, (..., 4)."""
    return turns * np.array([1.0, -1, -1, -1])


def turned(turns: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 3) turned by (N, 4)."""
    w, axis = turns[:, :1], turns[:, 1:]
    across = np.cross(axis, vectors)
    return vectors + 2 * (w * across + np.cross(axis, across))
