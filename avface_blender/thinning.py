"""Fewer keys for the same motion: a key in every frame is a wall that nobody can edit.

Keys stand where the motion needs them, with the motion's own slope; between them a Bezier curve
whose handles reach a third of the way is a cubic Hermite, and is held to a tolerance of what was
captured, frame by frame. T frames, C channels that are keyed together, K keys.
"""

from itertools import pairwise

import numpy as np


def key_indices(frames: np.ndarray, values: np.ndarray, tolerance: float) -> np.ndarray:
    """Which frames (T,) of a motion (T, C) get a key, (K,), so that none is off by `tolerance`.

    Begins with the ends; each stretch between two keys gets one at its worst frame until all hold.
    """
    if len(frames) < 3:
        return np.arange(len(frames))
    slopes = slopes_of(frames, values)
    keys = np.array([0, len(frames) - 1])
    while True:
        off = np.abs(_between(frames, values, slopes, keys) - values).max(axis=1)
        stretches = [(a, off[a:b]) for a, b in pairwise(keys)]
        new = [a + int(np.argmax(part)) for a, part in stretches if part.max() > tolerance]
        if not new:
            return keys
        keys = np.union1d(keys, new)


def slopes_of(frames: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How fast a motion (T, C) goes in each frame (T,): (T, C) a frame.

    0 where it turns or rests, and never so fast that the curve would swing beyond its keys
    (Fritsch and Carlson 1980).
    """
    steps = np.diff(values, axis=0) / np.diff(frames)[:, None]
    before, after = np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]])
    least = np.minimum(np.abs(before), np.abs(after))
    mean = np.clip((before + after) / 2, -3 * least, 3 * least)
    return np.where(before * after > 0, mean, 0.0)


def handles(
    frames: np.ndarray, values: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right Bezier handles of one channel's keys (K,): (K, 2) frame and value."""
    gaps = np.diff(frames) / 3
    left, right = np.concatenate([gaps[:1], gaps]), np.concatenate([gaps, gaps[-1:]])
    return (
        np.column_stack([frames - left, values - left * slopes]),
        np.column_stack([frames + right, values + right * slopes]),
    )


def _between(
    frames: np.ndarray, values: np.ndarray, slopes: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """What the keys' curve shows in every frame: (T, C)."""
    after = np.searchsorted(keys, np.arange(len(frames)), side="right")
    start = np.clip(after - 1, 0, len(keys) - 2)
    a, b = keys[start], keys[start + 1]
    gap = (frames[b] - frames[a])[:, None]
    t = (frames - frames[a])[:, None] / gap
    return (
        (1 + 2 * t) * (1 - t) ** 2 * values[a]
        + t * (1 - t) ** 2 * gap * slopes[a]
        + t**2 * (3 - 2 * t) * values[b]
        + t**2 * (t - 1) * gap * slopes[b]
    )
