"""The tongue: MakeHuman's helper tongue, fitted between the lower teeth, and its own three units.

MakeHuman's fills the mouth to the palate, which is right behind shut lips alone: in an open mouth
it stood like a wall behind the teeth. Ours lies low, with a furrow along its middle.

A unit bends the tongue's middle line, seen from the side, into another curve. Curves are given in
the jaw's place, from the edge of the lower incisors, so they are meant with the jaw a little open
(0.2 rad for out, 0.1 for up).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from .source import Source

VERTICES = np.arange(13380, 13606)
FLOOR_MM = -4.0  # over the line of the lips: what is above it is flattened
FLATTER = 0.66
NARROWER = (0.98, 0.90)  # at the tip and from WIDE_MM behind it on
WIDE_MM = 40.0
TIP_NARROW, TIP_MM = 0.45, 9.0  # the tip is round: so wide at its end, as wide as MakeHuman's here
FURROW_MM, FURROW_WIDE_MM = 1.1, 3.5


@dataclass(frozen=True)
class Tongue:
    """`vertices` (N, 3) m and `quads` (Q, 4)."""

    vertices: np.ndarray
    quads: np.ndarray


def make_tongue(source: Source, base: np.ndarray, lip_line: np.ndarray) -> Tongue:
    """The tongue at rest in the mouth of `base` (B, 3), below the lips' midpoint `lip_line`."""
    vertices = lay_down(base[VERTICES], lip_line[1] + FLOOR_MM / 1000)
    return Tongue(vertices, source.quads("helper-tongue") - VERTICES[0])


def lay_down(tongue: np.ndarray, floor: float) -> np.ndarray:
    """A tongue (N, 3) flattened above the height `floor`, m, and no wider than the teeth."""
    x, y, z = tongue.T
    above = np.maximum(y - floor, 0)
    furrow = np.exp(-((1000 * x / FURROW_WIDE_MM) ** 2)) * above / above.max()
    low = y - (1 - FLATTER) * above - FURROW_MM / 1000 * furrow
    behind = np.clip((z.max() - z) * 1000 / WIDE_MM, 0, 1)
    narrow = x * (NARROWER[0] + (NARROWER[1] - NARROWER[0]) * behind)
    near_tip = np.clip((z.max() - z) * 1000 / TIP_MM, 0, 1)
    narrow = narrow * (TIP_NARROW + (1 - TIP_NARROW) * np.sqrt(near_tip))
    return np.stack([narrow, low, z], 1)


@dataclass(frozen=True)
class Curve:
    """Where the middle line goes: at `shares` of its length, mm above and before the incisors.

    Up to the first share the tongue stays as it is. `thickness` and `width` scale it at the tip.
    """

    shares: tuple[float, ...]
    forward_mm: tuple[float, ...]
    up_mm: tuple[float, ...]
    thickness: float
    width: float


CURVES = {
    "tongueOut": Curve(
        shares=(0.45, 0.60, 0.72, 0.86, 1.0),
        forward_mm=(-26.0, -9.0, 6.0, 22.0, 34.0),
        up_mm=(7.0, 5.4, 4.6, 1.5, -6.0),
        thickness=0.75,
        width=0.95,
    ),
    "tongueUp": Curve(
        shares=(0.45, 0.65, 0.85, 1.0),
        forward_mm=(-37.0, -24.0, -13.5, -8.5),
        up_mm=(4.0, 3.5, 8.5, 14.5),
        thickness=0.8,
        width=0.85,
    ),
    "tongueBack": Curve(
        shares=(0.35, 0.65, 0.85, 1.0),
        forward_mm=(-50.0, -36.0, -27.0, -22.0),
        up_mm=(8.0, 7.0, 4.5, 1.5),
        thickness=1.2,
        width=1.0,
    ),
}


def tongue_units(tongue: np.ndarray, incisors: np.ndarray) -> dict[str, np.ndarray]:
    """name -> displacement (N, 3) of the tongue at rest `tongue` (N, 3).

    `incisors` (3,) is the middle of the lower incisors' front edge.
    """
    return {name: _bend(tongue, incisors, curve) for name, curve in CURVES.items()}


def _bend(tongue: np.ndarray, incisors: np.ndarray, curve: Curve) -> np.ndarray:
    back, tip = tongue[:, 2].min(), tongue[:, 2].max()
    share = (tongue[:, 2] - back) / (tip - back)
    middle = np.polyfit(tongue[:, 2], tongue[:, 1], 3)  # height of the middle line over depth
    above = tongue[:, 1] - np.polyval(middle, tongue[:, 2])

    stops = np.linspace(0, curve.shares[0] * 0.75, 4)
    rest_depth = back + stops * (tip - back)
    shares = np.concatenate([stops, curve.shares])
    depth = np.concatenate([rest_depth, incisors[2] + np.array(curve.forward_mm) / 1000])
    height = np.concatenate(
        [np.polyval(middle, rest_depth), incisors[1] + np.array(curve.up_mm) / 1000]
    )
    line = PchipInterpolator(shares, np.stack([height, depth], 1))
    slope = line(share, 1)
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    normal = np.stack([slope[:, 1], -slope[:, 0]], 1)  # up, seen along the tongue

    bent = np.clip((share - curve.shares[0] / 2) / (1 - curve.shares[0] / 2), 0, 1)
    thickness = 1 + (curve.thickness - 1) * bent
    moved = line(share) + normal * (above * thickness)[:, None]
    width = tongue[:, 0] * (1 + (curve.width - 1) * bent)
    out = np.stack([width, moved[:, 0], moved[:, 1]], 1) - tongue
    return out * np.clip(share / curve.shares[0], 0, 1)[:, None] ** 0.5
