"""Seconds and scene frames, and values between frames. No Blender here.

A scene shows `fps / fps_base` frames a second (30 / 1.001 = 29.97). A clip's frames have exact
times; where its rate is constant they fall on whole scene frames and keep their values untouched.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .rotations import one_sign

# A clip's container may round its times (Matroska: to 1 ms): so far from a whole frame is on it.
_WHOLE_FRAME_TOLERANCE = 0.1


@dataclass(frozen=True)
class SceneRate:
    """Blender's two numbers: `fps / base` frames a second."""

    fps: int
    base: float = 1.0

    @property
    def frames_per_second(self) -> float:
        """The rate that the two numbers stand for."""
        return self.fps / self.base


def rate_of(scene: Any) -> SceneRate:
    """The rate of a scene of Blender's."""
    return SceneRate(scene.render.fps, scene.render.fps_base)


def scene_rate(frames_per_second: float) -> SceneRate:
    """The two numbers that give a clip's rate: 29.97 -> 30 / 1.001."""
    fps = max(1, int(np.ceil(frames_per_second - 1e-3)))
    base = fps / frames_per_second
    return SceneRate(fps, 1.0 if abs(base - 1) < 1e-6 else base)


def to_frames(times: np.ndarray, rate: SceneRate, start_frame: int) -> np.ndarray:
    """The scene frames of a clip's times: (T,) seconds -> (T,), the clip's 0 s at `start_frame`.

    Frames that lie on whole numbers but for rounded times are given as whole numbers.
    """
    frames = start_frame + np.asarray(times, float) * rate.frames_per_second
    whole = np.round(frames)
    if np.all(np.abs(frames - whole) < _WHOLE_FRAME_TOLERANCE) and np.all(np.diff(whole) > 0):
        return whole
    return frames


def whole_frames(frames: np.ndarray) -> np.ndarray:
    """Every whole frame that `frames` (increasing) reaches over, at least one: -> (N,)."""
    first, last = np.ceil(frames[0] - 1e-6), np.floor(frames[-1] + 1e-6)
    return np.arange(first, max(first, last) + 1)


def resample(values: np.ndarray, frames: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values between their frames, linearly: (T, C) at (T,) -> (N, C) at (N,)."""
    lower, fraction = _neighbours(frames, at)
    upper = np.minimum(lower + 1, len(frames) - 1)
    return values[lower] + (values[upper] - values[lower]) * fraction[:, None]


def resample_rotations(turns: np.ndarray, frames: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rotations between their frames along the shortest arc: (T, 4) at (T,) -> (N, 4) at (N,)."""
    lower, fraction = _neighbours(frames, at)
    a = turns[lower]
    b = turns[np.minimum(lower + 1, len(frames) - 1)]
    cosine = np.sum(a * b, axis=1)
    b = np.where(cosine[:, None] < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0, 1))
    near = angle < 1e-6  # a straight line is exact there, and sin(angle) is 0
    sine = np.where(near, 1.0, np.sin(angle))
    weight_a = np.where(near, 1 - fraction, np.sin((1 - fraction) * angle) / sine)
    weight_b = np.where(near, fraction, np.sin(fraction * angle) / sine)
    return one_sign(weight_a[:, None] * a + weight_b[:, None] * b)


def low_ranges(confidence: np.ndarray, threshold: float, bridge: int) -> list[tuple[int, int]]:
    """First and last index of each run below `threshold`: (T,) -> pairs.

    Runs that are parted by at most `bridge` frames count as one.
    """
    low = np.concatenate([[False], np.asarray(confidence) < threshold, [False]])
    edges = np.flatnonzero(np.diff(low.astype(int)))
    ranges: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True):
        if ranges and first - ranges[-1][1] <= bridge + 1:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    return ranges


def _neighbours(frames: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of `at` the frame before it and how far it is towards the next: (N,), (N,)."""
    if len(frames) == 1:
        return np.zeros(len(at), int), np.zeros(len(at))
    lower = np.clip(np.searchsorted(frames, at, side="right") - 1, 0, len(frames) - 2)
    fraction = (at - frames[lower]) / (frames[lower + 1] - frames[lower])
    return lower, np.clip(fraction, 0, 1)
