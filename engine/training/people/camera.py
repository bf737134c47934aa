"""Where the camera stands: the head's turn, its distance, and the crop about the face."""

from dataclasses import dataclass

import numpy as np

from .stage import Stage

_NECK = np.array([0.0, -0.07, -0.03])  # m: what the head turns about
_CROP = 1.5  # side of the crop over the larger side of the points' box


@dataclass(frozen=True)
class View:
    """T frames of a head before one camera; the crop moves with nothing."""

    turn: np.ndarray  # (T, 3, 3) head axes to camera axes
    translation: np.ndarray  # (T, 3) m
    focal: float  # px of the crop
    centre: np.ndarray  # (2,) principal point in the crop, px


def rotation(pitch: np.ndarray, yaw: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Roll after pitch after yaw, (T,) rad each -> (T, 3, 3)."""
    cx, sx, cy, sy, cz, sz = (f(a) for a in (pitch, yaw, roll) for f in (np.cos, np.sin))
    zero, one = np.zeros_like(cx), np.ones_like(cx)
    about_x = np.stack([one, zero, zero, zero, cx, -sx, zero, sx, cx], -1).reshape(-1, 3, 3)
    about_y = np.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], -1).reshape(-1, 3, 3)
    about_z = np.stack([cz, -sz, zero, sz, cz, zero, zero, zero, one], -1).reshape(-1, 3, 3)
    return about_z @ about_x @ about_y


def turn_heads(generator: np.random.Generator, count: int, difficulty: float) -> np.ndarray:
    """`count` unrelated turns of the head, (count, 3, 3)."""
    far = 0.35 + 0.65 * difficulty
    yaw = np.clip(generator.normal(0, 0.40 * far, count), -1.2, 1.2)
    pitch = np.clip(generator.normal(0.03, 0.20 * far, count), -0.65, 0.65)
    roll = np.clip(generator.normal(0, 0.17 * far, count), -0.7, 0.7)
    return rotation(pitch, yaw, roll)


def turn_far(generator: np.random.Generator, count: int) -> np.ndarray:
    """`count` unrelated turns of a head seen from the side, either one, (count, 3, 3)."""
    yaw = np.radians(generator.uniform(30, 95, count))
    yaw *= np.where(generator.random(count) < 0.5, -1, 1)
    pitch = np.clip(generator.normal(0, 0.2, count), -0.6, 0.6)
    roll = np.clip(generator.normal(0, 0.17, count), -0.6, 0.6)
    return rotation(pitch, yaw, roll)


def sway_head(
    generator: np.random.Generator, seconds: np.ndarray, difficulty: float
) -> tuple[np.ndarray, np.ndarray]:
    """One head in motion: turns (T, 3, 3) and how its base drifts (T, 3) m."""
    far = 0.35 + 0.65 * difficulty

    def wander(amount: float, start: float) -> np.ndarray:
        hertz, phase = generator.uniform(0.1, 1.1, 2), generator.uniform(0, 2 * np.pi, 2)
        waves = np.sin(2 * np.pi * np.outer(seconds, hertz) + phase)
        return start + amount * generator.random() * waves @ generator.normal(size=2)

    yaw = wander(0.12, np.clip(generator.normal(0, 0.35 * far), -1.0, 1.0))
    pitch = wander(0.08, np.clip(generator.normal(0.03, 0.17 * far), -0.5, 0.5))
    roll = wander(0.05, np.clip(generator.normal(0, 0.12 * far), -0.5, 0.5))
    drift = np.stack([wander(0.008, 0), wander(0.005, 0), wander(0.008, 0)], 1)
    return rotation(pitch, yaw, roll), drift


def place_camera(
    stage: Stage,
    generator: np.random.Generator,
    turn: np.ndarray,
    drift: np.ndarray,
    points: np.ndarray,
    size: int,
    difficulty: float,
) -> View:
    """A distance, and the square crop about all frames' points (T, L, 3) in head axes."""
    near = 0.45 - 0.1 * difficulty
    distance = float(np.exp(generator.uniform(np.log(near), np.log(2.5))))
    translation = _NECK - turn @ _NECK + drift
    middle = np.einsum("tij,j->ti", turn, np.array([0.0, 0.01, 0.03])).mean(0)
    translation = translation - [*(translation.mean(0) + middle)[:2], distance + 0.03]
    seen = np.einsum("tij,tlj->tli", turn, points[:, :468]) + translation[:, None]
    flat = np.stack([seen[..., 0], -seen[..., 1]], -1) / -seen[..., 2:]
    low, high = flat.reshape(-1, 2).min(0), flat.reshape(-1, 2).max(0)
    zoom = np.exp(generator.normal(0, 0.05 + 0.04 * difficulty))
    focal = size / (_CROP * (high - low).max()) * zoom
    offset = generator.normal(0, 0.015 + 0.02 * difficulty, 2) * size
    centre = size / 2 + offset - focal * (low + high) / 2
    return View(turn, translation, float(focal), centre)


def to_screen(view: View, t: int, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Head axes (V, 3) -> camera axes (V, 3), and pixel x, pixel y, depth (V, 3)."""
    placed = (vertices @ view.turn[t].T.astype(np.float32)) + view.translation[t].astype(np.float32)
    depth = -placed[:, 2]
    screen = np.empty_like(placed)
    screen[:, 0] = np.float32(view.centre[0]) + np.float32(view.focal) * placed[:, 0] / depth
    screen[:, 1] = np.float32(view.centre[1]) - np.float32(view.focal) * placed[:, 1] / depth
    screen[:, 2] = depth
    return placed, screen
