"""The light on a face: second-order spherical harmonics of the normal (Ramamoorthi, Hanrahan 2001).

One light per clip, fixed to the camera; a picture is albedo x light. Axes are the camera's.
"""

import numpy as np

from ..geometry import harmonics

_SAMPLES = 1500  # texels per frame
_RIDGE = 0.02 * np.array([1e-3, 1, 1, 1, 3, 3, 3, 3, 3])  # the part without direction is free
_OUTLIER = 0.12  # of the median brightness
_ROUNDS = 4
_EFFECTIVE, _NOISE = 60, 0.15  # independent samples in a face, and how far each errs (log)
_UNLIKE = 0.3  # log: what differs more is hair or beard, and says little
_SPREAD = np.array([0.3, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1])  # of the even light
_DIRECTIONS, _UNSEEN = 64, 6.0  # over the half that faces the camera; samples that they count as
_FLOOR = 0.15  # of the median shading: no darker


def draw_samples(weight: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Flat indices of some texels, drawn by weight; none when hardly anything is seen."""
    summed = np.cumsum(weight.ravel(), dtype=np.float64)
    if summed[-1] < 200:
        return np.zeros(0, np.int64)
    return np.searchsorted(summed / summed[-1], generator.random(_SAMPLES)).clip(0, weight.size - 1)


def fit_light(
    normals: np.ndarray,
    brightness: np.ndarray,
    outlier: float = _OUTLIER,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """The light (9,) under which normals (N, 3) show brightness (N,); Huber, weakly ridged.

    From `outlier` (share of the median brightness) on a difference counts less; `weight` (N,): how
    much each sample counts before that.
    """
    scale = float(np.median(brightness))
    basis, seen = harmonics(normals), brightness / scale
    given = np.ones(len(seen)) if weight is None else weight / weight.mean()
    trust, light = given, np.zeros(9)
    for _ in range(6):
        system = basis.T @ (basis * trust[:, None]) + len(seen) * np.diag(_RIDGE)
        light = np.linalg.solve(system, basis.T @ (seen * trust))
        trust = given / np.maximum(1, np.abs(basis @ light - seen) / outlier)
    return light * scale


def refine_light(
    normals: np.ndarray, ratio: np.ndarray, light: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """The light (9, 3) with each colour's own directions: rooms are lit warm and cold at once.

    Gauss-Newton on logarithms, as eyes see, with Cauchy weights: what differs widely is not light.

    Args:
        normals: (N, 3).
        ratio: (N, 3) log of picture over reflectance.
        light: (9, 3) to begin with. A coefficient keeps it where nothing speaks for another, a
            direction that no skin shows keeps its brightness and hue.
        weight: (N,) how much each sample counts.
    """
    unseen = harmonics(_half_sphere(_DIRECTIONS))
    basis = np.concatenate([harmonics(normals), unseen])
    shares = (weight * (_EFFECTIVE / weight.sum()), np.full(_DIRECTIONS, _UNSEEN / _DIRECTIONS))
    given = np.concatenate(shares)
    prior = np.diag(1 / np.square(_SPREAD))
    refined = light.copy()
    for k in range(3):
        usual, mine = light[0, k], light[:, k] / light[0, k]
        kept = np.log(usual * np.maximum(unseen @ mine, _FLOOR))
        wanted, change = np.concatenate([ratio[:, k], kept]), np.zeros(9)
        for _ in range(_ROUNDS):
            shade = np.maximum(basis @ (mine + change), _FLOOR)
            left = wanted - np.log(usual * shade)
            trust = given / (1 + np.square(left / _UNLIKE))
            slope = basis / shade[:, None] / _NOISE
            system = slope.T @ (slope * trust[:, None]) + prior
            change += np.linalg.solve(system, slope.T @ (left / _NOISE * trust) - prior @ change)
        refined[:, k] = usual * (mine + change)
    return refined


def hue_of(light: np.ndarray) -> np.ndarray:
    """The log hue (3,) of a light (9, 3) on a surface that faces the camera: its mean is 0."""
    colour = np.log(np.maximum(harmonics(np.array([[0.0, 0, 1]])) @ light, 1e-3))[0]
    return colour - colour.mean()


def _half_sphere(count: int) -> np.ndarray:
    """(count, 3) unit normals that face the camera, evenly spread (Fibonacci's spiral)."""
    places = np.arange(count) + 0.5
    turn, z = places * np.pi * (1 + 5**0.5), places / count
    round_z = np.sqrt(1 - z**2)
    return np.stack([round_z * np.cos(turn), round_z * np.sin(turn), z], 1)


def log_shading(normals: np.ndarray, light: np.ndarray) -> np.ndarray:
    """log S (H, W) of unit normals (H, W, 3), floored where the harmonics go dark."""
    shading = harmonics(normals) @ light.astype(np.float32)
    facing = shading[normals[..., 2] > 0.3]
    floor = _FLOOR * float(np.median(facing)) if len(facing) else 1e-3
    return np.log(np.maximum(shading, max(floor, 1e-4))).astype(np.float32)
