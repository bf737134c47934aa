"""Spectacles: two rims, a bridge and temples in head space, drawn where the camera sees them."""

from dataclasses import dataclass

import cv2
import numpy as np

from .background import soft_polygon
from .camera import View

_STEPS = 24


@dataclass(frozen=True)
class Glasses:
    """Lengths in metres in the head's axes."""

    rims: np.ndarray  # (2, 24, 3): the subject's left, right
    temples: np.ndarray  # (2, 2, 3) from each rim to the ear
    bridge: np.ndarray  # (2, 3)
    thick_m: float
    colour: np.ndarray  # (3,)
    lens: np.ndarray  # (3,)
    tint: float  # opacity of the lens
    glare: float


def choose_glasses(
    generator: np.random.Generator, points: np.ndarray, difficulty: float
) -> Glasses | None:
    """Glasses that sit on this face, (478, 3) points at rest; None for most people."""
    if generator.random() > 0.18 * difficulty:
        return None
    nose = points[168]
    half_w, half_h = generator.uniform(0.021, 0.030), generator.uniform(0.013, 0.025)
    power = generator.choice([1.8, 2.2, 2.8, 4.5])
    apart = half_w + generator.uniform(0.007, 0.011)
    ahead = nose[2] + generator.uniform(0.0, 0.007)
    level = nose[1] + generator.uniform(-0.010, 0.002)
    turn = np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)
    across = half_w * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power)
    up = half_h * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power)
    rims, temples = [], []
    for side in (1, -1):
        x = side * (apart + across)
        rims.append(np.stack([x, level + up, ahead - 0.25 * (np.abs(x) - apart + half_w)], 1))
        hinge = [side * (apart + half_w), level + 0.3 * half_h, ahead - 0.5 * half_w]
        temples.append([hinge, [side * 0.074, level, -0.005]])
    inner = apart - half_w
    dark = generator.random() < 0.3
    colour = generator.random(3) ** 3 * 0.6 if generator.random() < 0.8 else generator.random(3)
    return Glasses(
        rims=np.array(rims), temples=np.array(temples),
        bridge=np.array([[inner, level, ahead], [-inner, level, ahead]]),
        thick_m=float(generator.uniform(0.0008, 0.0045)), colour=colour.astype(np.float32),
        lens=(generator.random(3) * (0.1 if dark else 0.6)).astype(np.float32),
        tint=float(generator.uniform(0.6, 0.98) if dark else generator.uniform(0, 0.12)),
        glare=float(generator.uniform(0.1, 0.8) if generator.random() < 0.4 else 0.0),
    )  # fmt: skip


def wear(
    glasses: Glasses, picture: np.ndarray, view: View, t: int, light: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The picture (S, S, 3) with glasses on, and the share of each pixel (S, S) that they hide."""
    size = len(picture)

    def seen(points: np.ndarray) -> np.ndarray:
        placed = points @ view.turn[t].T + view.translation[t]
        flat = np.stack([placed[..., 0], -placed[..., 1]], -1) / -placed[..., 2:]
        return view.centre + view.focal * flat

    rims = [seen(rim) for rim in glasses.rims]
    lenses = np.maximum(soft_polygon(rims[0], size), soft_polygon(rims[1], size))
    tinted = (lenses * np.float32(glasses.tint))[..., None]
    picture = picture * (1 - tinted) + glasses.lens * np.float32(light) * tinted
    if glasses.glare:
        middle = rims[0].mean(0) * 0.6 + rims[1].mean(0) * 0.4
        spot = soft_polygon(middle + (rims[0] - rims[0].mean(0)) * [1.6, 0.25], size)
        picture = picture + (lenses * spot * np.float32(0.6 * glasses.glare))[..., None]
    frame = np.zeros((size, size), np.uint8)
    depth = -view.translation[t][2]
    thick = max(1, round(glasses.thick_m * view.focal / depth))
    lines = [(rim, True) for rim in rims] + [(seen(glasses.bridge), False)]
    yaw = np.arctan2(view.turn[t][0, 2], view.turn[t][2, 2])
    for side, temple in zip((1, -1), glasses.temples, strict=True):
        if side * yaw < 0.25:  # the far temple is behind the head
            lines.append((seen(temple), False))
    for line, closed in lines:
        fixed = np.round(np.clip(line, -2000, 2000) * 16).astype(np.int32)
        cv2.polylines(frame, [fixed], closed, 255, thick, cv2.LINE_AA, 4)
    share = frame.astype(np.float32)[..., None] * np.float32(1 / 255)
    picture = picture * (1 - share) + glasses.colour * np.float32(light) * share
    hidden = np.maximum(share[..., 0], lenses * np.float32(glasses.tint > 0.5))
    return picture, hidden
