"""What stands behind a performer: blurred rooms of shapes and noise, and a body in clothes."""

import cv2
import numpy as np

from .stage import Stage


def paint_background(
    stage: Stage, generator: np.random.Generator, size: int, difficulty: float
) -> np.ndarray:
    """A room, (size, size, 3) float32 linear light; plain at difficulty 0."""
    base = muted(generator)
    picture = np.empty((size, size, 3), np.float32)
    if generator.random() > 0.3 + 0.7 * difficulty:
        picture[:] = base
        return picture
    kind = generator.random()
    if kind < 0.3:
        _gradient(generator, picture, base)
    else:
        picture[:] = base
        for strength in (0.15, 0.1):
            noise = _patch(stage, generator, size)
            tint = generator.normal(0, 0.3 * strength, 3) + generator.normal(0, strength)
            picture += noise[..., None] * base.mean() * np.float32(3 * tint * generator.random())
    for _ in range(generator.integers(0, 8)):
        _shape(generator, picture)
    if generator.random() < 0.75:
        side = int(generator.choice([3, 5, 9, 15])) * size // 112 | 1
        picture = cv2.blur(picture, (side, side))
    return np.clip(picture, 0.003, 1.5)


def muted(generator: np.random.Generator) -> np.ndarray:
    """A colour of walls and clothes: greyish mostly, now and then vivid, (3,) float32."""
    value = generator.random() ** 1.6
    vivid = generator.random() ** 2.5
    hue = generator.random(3) ** 1.5
    mixed = value * (1 - vivid) + hue * vivid * (0.3 + value)
    return np.clip(mixed, 0.004, 1.2).astype(np.float32)


def _gradient(generator: np.random.Generator, picture: np.ndarray, base: np.ndarray) -> None:
    line = np.linspace(0, 1, len(picture), dtype=np.float32)
    angle = generator.random() * 2 * np.pi
    ramp = np.float32(np.cos(angle)) * line[None] + np.float32(np.sin(angle)) * line[:, None]
    ramp = np.clip(ramp, 0, 1)[..., None]
    picture[:] = base * (1 - ramp) + muted(generator) * ramp


def _patch(stage: Stage, generator: np.random.Generator, size: int) -> np.ndarray:
    """A random piece of the stage's noise, (size, size)."""
    noise = stage.noise[generator.integers(len(stage.noise))]
    part = int(generator.integers(48, min(size, len(noise)) + 1))
    row, column = generator.integers(0, len(noise) - part + 1, 2)
    return cv2.resize(noise[row : row + part, column : column + part], (size, size))


def _shape(generator: np.random.Generator, picture: np.ndarray) -> None:
    size = len(picture)
    colour = muted(generator).tolist()
    kind = generator.random()
    x, y = (int(v) for v in generator.integers(-size // 4, size + size // 4, 2))
    wide, tall = (int(v) for v in generator.integers(size // 20, int(size * 0.7), 2))
    if kind < 0.5:
        cv2.rectangle(picture, (x, y), (x + wide, y + tall), colour, -1)
    elif kind < 0.75:
        cv2.ellipse(picture, (x, y), (wide // 2, tall // 2), 0, 0, 360, colour, -1)
    else:
        end = (int(generator.integers(0, size)), int(generator.integers(0, size)))
        cv2.line(picture, (x, y), end, colour, max(1, wide // 8))


def dress(
    stage: Stage,
    generator: np.random.Generator,
    picture: np.ndarray,
    neck: np.ndarray,
    face_px: float,
    light: np.ndarray,
) -> np.ndarray:
    """Shoulders and a collar drawn over the room, before the head: (size, size, 3).

    Args:
        neck: (2,) px where the neck ends.
        face_px: width of the face.
        light: (3,) that falls on cloth.
    """
    size = len(picture)
    wide, slope = face_px * generator.uniform(0.9, 1.5), generator.uniform(0.0, 0.35)
    collar = face_px * generator.uniform(0.30, 0.42)
    rise = face_px * generator.uniform(-0.02, 0.16)
    outline = np.array([
        (-wide, 3 * face_px), (-wide, face_px * (0.25 + slope)), (-collar, -rise),
        (collar, -rise), (wide, face_px * (0.25 + slope)), (wide, 3 * face_px),
    ]) + generator.normal(0, 0.02 * face_px, (6, 2)) + neck  # fmt: skip
    mask = soft_polygon(outline, size)[..., None]
    cloth = muted(generator) * np.float32(light)
    weave = 1 + np.float32(generator.uniform(0, 0.2)) * _patch(stage, generator, size)[..., None]
    fall = np.linspace(1.15, 0.75, size, dtype=np.float32)[:, None, None]
    picture = picture * (1 - mask) + np.maximum(cloth * weave * fall, 0) * mask
    if generator.random() < 0.35:  # an open collar or a stripe
        inner = outline * 1.0
        inner[:, 0] = neck[0] + (outline[:, 0] - neck[0]) * 0.45
        stripe = soft_polygon(inner[1:5] + np.array([0, 0.12 * face_px]), size)[..., None]
        other = muted(generator) * np.float32(light)
        picture = picture * (1 - stripe) + other * stripe
    return picture


def soft_polygon(outline: np.ndarray, size: int) -> np.ndarray:
    """Coverage of a polygon (n, 2) px with smooth edges, (size, size) float32."""
    mask = np.zeros((size, size), np.uint8)
    fixed = np.round(np.clip(outline, -2000, 2000) * 16).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) * np.float32(1 / 255)
