"""Eyeballs of our own: a sphere with a cornea, round MakeHuman's helper eyes."""

from dataclasses import dataclass

import numpy as np

SEGMENTS = 24
# Half angles: 1.7 mm and 5.4 mm on this eyeball, so that irises are as wide beside the way between
# the pupils as the tracker sees them in films (docs/log.md).
PUPIL, IRIS = np.radians(7.2), np.radians(22.4)
RING_ANGLES = np.concatenate(
    [
        np.radians([3.6, 7.2, 10.8, 14.8, 18.8, 22.4, 27.6, 34.4, 42.3]),
        np.radians(np.linspace(52.0, 166.0, 9)),
    ]
)
CORNEA_HEIGHT = 0.06  # of the radius
CORNEA_WIDTH = 0.34  # rad
FORWARD = 0.0012  # m that the eyeball stands before the helper, so that it fills the lids
SNUG = 0.985  # radius against the helper's, so that the lids lie outside
HELPERS = {"left_eye": np.arange(14598, 14670), "right_eye": np.arange(14670, 14742)}


def cornea(angle: np.ndarray) -> np.ndarray:
    """Radius of the eyeball at an angle from its axis, in sphere radii."""
    return 1 + CORNEA_HEIGHT * np.exp(-((angle / CORNEA_WIDTH) ** 2))


def unit_sphere() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions (N, 3) with the pole on +z first; quads (Q, 4); pole triangles (T, 3)."""
    around = np.arange(SEGMENTS) * 2 * np.pi / SEGMENTS
    rings = [
        np.stack(
            [np.sin(a) * np.cos(around), np.sin(a) * np.sin(around), np.full(SEGMENTS, np.cos(a))],
            1,
        )
        for a in RING_ANGLES
    ]
    directions = np.concatenate([[[0, 0, 1.0]], *rings, [[0, 0, -1.0]]])
    this, following = np.arange(SEGMENTS), np.roll(np.arange(SEGMENTS), -1)
    quads = []
    for ring in range(len(RING_ANGLES) - 1):
        inner, outer = 1 + ring * SEGMENTS, 1 + (ring + 1) * SEGMENTS
        quads.append(
            np.stack([inner + this, outer + this, outer + following, inner + following], 1)
        )
    last = len(directions) - 1
    front = np.stack([np.zeros(SEGMENTS, int), 1 + this, 1 + following], 1)
    rim = last - SEGMENTS
    back = np.stack([np.full(SEGMENTS, last), rim + following, rim + this], 1)
    return directions, np.concatenate(quads), np.concatenate([front, back])


@dataclass(frozen=True)
class Eye:
    """One eyeball: `vertices` (N, 3) m at rest, and how it follows the base mesh."""

    helper: np.ndarray  # vertices of the base mesh
    centre: np.ndarray  # (3,)
    radius: float
    directions: np.ndarray  # (N, 3)
    outward: np.ndarray  # (len(helper), 3) unit, from the helper's centre

    @property
    def vertices(self) -> np.ndarray:
        """(N, 3) m."""
        angle = np.arccos(np.clip(self.directions[:, 2], -1, 1))
        return self.centre + self.directions * (self.radius * cornea(angle))[:, None]

    def lift(self, displacement: np.ndarray) -> np.ndarray:
        """(B, 3) of the base mesh -> (N, 3): moved and scaled, never bent."""
        move = displacement[self.helper]
        mean = move.mean(0)
        growth = ((move - mean) * self.outward).sum(1).mean()
        return mean + self.directions * growth


def make_eye(base: np.ndarray, side: str) -> Eye:
    """The eyeball inside the helper eye of `base` (B, 3)."""
    points = base[HELPERS[side]]
    low, high = points.min(0), points.max(0)
    centre = (low + high) / 2
    centre[2] = low[2] + (high[0] - low[0]) / 2  # the helper's cornea doesn't count
    outward = points - centre
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    radius = (high - low)[:2].mean() / 2 * SNUG
    centre[2] += FORWARD
    return Eye(HELPERS[side], centre, radius, unit_sphere()[0], outward)
