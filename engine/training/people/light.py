"""Light on a performer: a sky in spherical harmonics and up to three lamps that cast shadows.

Shadows come from the stage's table of which directions reach which vertex, taken on the template:
a lamp is a soft patch of those directions, turned with the head.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np

from ...geometry import harmonics
from .stage import Stage

MOUTH_REACH_M = 0.020  # light behind the lips falls to 1/e over this way


@dataclass(frozen=True)
class Lighting:
    """Camera axes, linear units in which white in full light is about 1."""

    sky: np.ndarray  # (9, 3) on `engine.detail.light.harmonics`
    lamps: np.ndarray  # (n, 3) towards each lamp
    colours: np.ndarray  # (n, 3)
    sharpness: np.ndarray  # (n,) of the lamp's patch of sky; 0 casts no shadow
    sheen: float  # of all mirrors
    depth: float  # how dark hollows are

    def total(self) -> np.ndarray:
        """Sky and lamps together as harmonics (9, 3), without shadows."""
        directions = _PROBES
        lit = harmonics(directions) @ self.sky
        for lamp, colour in zip(self.lamps, self.colours, strict=True):
            lit = lit + np.maximum(directions @ lamp, 0)[:, None] * colour
        return _PROBE_INVERSE @ lit


def _probes() -> np.ndarray:
    steps = np.arange(200) + 0.5
    polar, around = np.arccos(1 - steps / 200), np.pi * (1 + 5**0.5) * steps  # towards the camera
    return np.stack(
        [np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], 1
    )


_PROBES = _probes()
_PROBE_INVERSE = np.linalg.pinv(harmonics(_PROBES))


def choose_lighting(generator: np.random.Generator, difficulty: float) -> Lighting:
    """From an even room to one hard lamp."""
    tint = np.exp(generator.normal(0, 0.04 + 0.06 * difficulty, 3))
    ambient = 0.5 * np.exp(generator.normal(0, 0.3)) * tint
    sky = np.zeros((9, 3))
    sky[0] = ambient
    sky[1:4] = generator.normal(size=(3, 1)) * [[0.2], [0.2], [0.2]] * ambient
    sky[2] += 0.12 * ambient  # rooms are brighter above
    sky[4:] = generator.normal(0, 0.06, (5, 1)) * ambient
    count = int(generator.choice([0, 1, 1, 2, 2, 3]))
    lamps = generator.normal(size=(count, 3)) * [0.8, 0.45, 0.5]
    lamps[:, 1] += 0.4
    lamps[:, 2] = np.abs(lamps[:, 2]) + 0.25
    lamps /= np.linalg.norm(lamps, axis=1, keepdims=True) + 1e-9
    strength = 0.7 * np.exp(generator.normal(0, 0.5, (count, 1)))
    colours = strength * np.exp(generator.normal(0, 0.03 + 0.08 * difficulty, (count, 3)))
    casts = generator.random(count) < 0.8
    sharpness = np.where(casts, generator.uniform(8, 26, count), 0.0)
    return Lighting(
        sky, lamps, colours, sharpness,
        sheen=float(generator.uniform(0.2, 1.3)), depth=float(generator.uniform(0.7, 1.6)),
    )  # fmt: skip


def light_vertices(
    stage: Stage,
    lighting: Lighting,
    turn: np.ndarray,
    placed: np.ndarray,
    normals: np.ndarray,
    lip_front: np.ndarray,
) -> np.ndarray:
    """What falls on each vertex and what it mirrors: (V, 6) float32.

    Args:
        stage: the head.
        lighting: camera axes.
        turn: (3, 3) head to camera.
        placed: (V, 3) camera axes, m.
        normals: (V, 3) camera axes.
        lip_front: (3,) middle of the lips, camera axes; light enters the mouth there.
    """
    reached = np.ones((len(lighting.lamps), len(placed)), np.float32)
    for k, (lamp, sharp) in enumerate(zip(lighting.lamps, lighting.sharpness, strict=True)):
        if sharp > 0:
            weight = np.exp(sharp * (stage.directions @ (turn.T @ lamp) - 1))
            reached[k] = (weight / weight.sum()).astype(np.float32) @ stage.open_to
    ambient = stage.openness ** np.float32(lighting.depth)
    inside = stage.in_mouth
    forward = (turn @ [0, 0, 1]).astype(np.float32)
    behind = np.maximum((lip_front - placed[inside]) @ forward, 0)
    entered = np.exp(-behind / np.float32(MOUTH_REACH_M / lighting.depth**2))
    ambient[inside] = 0.08 + 0.85 * entered
    reached[:, inside] = 0.15 + 0.75 * entered
    out = np.empty((len(placed), 6), np.float32)
    gloss = stage.gloss * np.array([lighting.sheen, 1], np.float32)
    _light(
        normals, lighting.sky.astype(np.float32), ambient, lighting.lamps.astype(np.float32),
        lighting.colours.astype(np.float32), reached, gloss, out,
    )  # fmt: skip
    return out


def light_plain(lighting: Lighting, normals: np.ndarray) -> np.ndarray:
    """Light on surfaces that nothing shades, (N, 3) -> (N, 3): for what is beside the face."""
    count = len(normals)
    fallen, mirrored = light_points(
        lighting, normals, np.ones(count, np.float32),
        np.ones((len(lighting.lamps), count), np.float32),
        np.full((count, 2), (0.05, 10), np.float32),
    )  # fmt: skip
    return fallen + mirrored


def light_points(
    lighting: Lighting,
    normals: np.ndarray,
    open_to_sky: np.ndarray,
    reached: np.ndarray,
    gloss: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What falls on points of any surface and what they mirror: (N, 3) float32 each.

    Args:
        lighting: camera axes.
        normals: (N, 3) camera axes.
        open_to_sky: (N,) share of the sky that reaches each point.
        reached: (lamps, N) share of each lamp.
        gloss: (N, 2) strength and exponent of the mirror.
    """
    out = np.empty((len(normals), 6), np.float32)
    _light(
        np.ascontiguousarray(normals, np.float32), lighting.sky.astype(np.float32),
        open_to_sky, lighting.lamps.astype(np.float32),
        lighting.colours.astype(np.float32), reached, gloss, out,
    )  # fmt: skip
    return out[:, :3], out[:, 3:]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _light(normals, sky, ambient, lamps, colours, reached, gloss, out):
    """Diffuse with red light wrapping round the terminator, and Blinn's lobe."""
    wrap = np.array([0.25, 0.10, 0.06], np.float32)
    half = np.empty(3, np.float32)
    for v in range(len(normals)):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        for c in range(3):
            lit = (
                sky[0, c] + sky[1, c] * x + sky[2, c] * y + sky[3, c] * z + sky[4, c] * x * y
                + sky[5, c] * x * z + sky[6, c] * y * z + sky[7, c] * (x * x - y * y)
                + sky[8, c] * (3 * z * z - 1)
            )  # fmt: skip
            out[v, c] = max(lit, np.float32(0.02)) * ambient[v]
            out[v, 3 + c] = 0
        for k in range(len(lamps)):
            facing = x * lamps[k, 0] + y * lamps[k, 1] + z * lamps[k, 2]
            half[0], half[1], half[2] = lamps[k, 0], lamps[k, 1], lamps[k, 2] + 1
            scale = 1 / math.sqrt(half[0] ** 2 + half[1] ** 2 + half[2] ** 2)
            along = max((x * half[0] + y * half[1] + z * half[2]) * scale, np.float32(1e-4))
            mirror = gloss[v, 0] * along ** gloss[v, 1] * reached[k, v]
            if facing < -0.05:
                mirror = np.float32(0)
            for c in range(3):
                soft = max(facing + wrap[c], np.float32(0)) / (1 + wrap[c])
                out[v, c] += soft * reached[k, v] * colours[k, c]
                out[v, 3 + c] += mirror * colours[k, c]
