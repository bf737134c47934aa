"""The camera's own part: exposure, tone, white balance, blur, noise and compression."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Sensor:
    """One camera's settings, the same for all frames of a sequence."""

    brightness: float  # mean linear light of the face after exposure
    contrast: float
    lift: float
    balance: np.ndarray  # (3,)
    saturation: float
    blur: float  # px
    shrink: float  # detail kept, 1 all
    motion: tuple[float, float]  # px x, y
    sharpen: float
    noise: float
    quality: int  # of JPEG, 0 none
    vignette: float


def choose_sensor(generator: np.random.Generator, difficulty: float) -> Sensor:
    """From a clean webcam to a bad one."""
    bad = difficulty
    low = np.log(0.20 - 0.12 * bad)
    softness = generator.random() * max(bad, 0.15)
    kind = generator.random()
    grey = generator.random() < 0.05 * bad
    angle = generator.uniform(0, np.pi)
    length = generator.uniform(0.5, 4) if kind > 0.90 and bad > 0.3 else 0.0
    return Sensor(
        brightness=float(np.exp(generator.uniform(low, np.log(0.45)))),
        contrast=float(np.exp(generator.normal(0.12, 0.15 * bad))),
        lift=float(generator.normal(0, 0.03 * bad)),
        balance=np.exp(generator.normal(0, 0.02 + 0.05 * bad, 3)).astype(np.float32),
        saturation=0.0 if grey else float(generator.uniform(1 - 0.35 * bad, 1.25)),
        blur=float(1.4 * softness) if kind < 0.4 else 0.0,
        shrink=float(1 - 0.65 * softness) if 0.4 <= kind < 0.65 else 1.0,
        motion=(float(length * np.cos(angle)), float(length * np.sin(angle))),
        sharpen=float(generator.uniform(0.2, 1.0)) if 0.65 <= kind < 0.78 else 0.0,
        noise=float(generator.uniform(0, 0.035 * bad)) if generator.random() < 0.6 else 0.0,
        quality=int(generator.integers(90 - int(72 * bad), 96)) if generator.random() < 0.6 else 0,
        vignette=float(generator.uniform(0, 0.3)) if generator.random() < 0.3 else 0.0,
    )  # fmt: skip


def exposure(sensor: Sensor, face_light: float) -> float:
    """The gain that brings a face of mean linear light `face_light` to the sensor's brightness."""
    return float((sensor.brightness / max(face_light, 1e-3)) ** 0.85)


def photograph(
    sensor: Sensor, linear: np.ndarray, gain: float, generator: np.random.Generator
) -> np.ndarray:
    """(S, S, 3) linear light -> (S, S, 3) uint8 sRGB."""
    size = len(linear)
    picture = _lens(sensor, np.maximum(linear * np.float32(gain), 0))
    picture = picture * sensor.balance
    # a soft shoulder, then about the sRGB curve
    picture = picture / np.sqrt(np.float32(1) + np.float32(0.35) * picture * picture)
    picture = np.sqrt(picture) * np.float32(0.8) + np.cbrt(picture) * np.float32(0.2)
    if sensor.saturation != 1.0:
        grey = picture.mean(2, keepdims=True)
        picture = grey + (picture - grey) * np.float32(sensor.saturation)
    picture = (picture - np.float32(0.5)) * np.float32(sensor.contrast) + np.float32(
        0.5 + sensor.lift
    )
    if sensor.sharpen:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
        picture = picture + (picture - soft) * np.float32(sensor.sharpen)
    if sensor.noise:
        grain = generator.standard_normal((size, size, 3), np.float32)
        picture = picture + grain * np.float32(sensor.noise)
    out = (np.clip(picture, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)
    if sensor.quality:
        _, packed = cv2.imencode(".jpg", out[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, sensor.quality])
        read = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        assert read is not None
        out = read[..., ::-1]
    return np.ascontiguousarray(out)


def _lens(sensor: Sensor, picture: np.ndarray) -> np.ndarray:
    size = len(picture)
    if sensor.blur > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), sensor.blur * size / 112)
    if sensor.shrink < 0.95:
        small = max(16, int(size * sensor.shrink))
        picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)
    if any(sensor.motion):
        kernel = np.zeros((9, 9), np.float32)
        x, y = sensor.motion[0] * size / 224, sensor.motion[1] * size / 224
        ends = [(round((4.5 + s * x) * 16), round((4.5 + s * y) * 16)) for s in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
        if kernel.sum() > 0:
            picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    if sensor.vignette:
        line = np.linspace(-1, 1, size, dtype=np.float32) ** 2
        picture = (
            picture
            * (1 - np.float32(sensor.vignette) * (line[None] + line[:, None]) / 2)[..., None]
        )
    return picture
