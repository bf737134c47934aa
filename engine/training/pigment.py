"""Skin's colour on the sheet, which knows nothing of its relief and is not to pass for one.

The albedo model's paint, laid a little aside; blotches, spots, and strands of hair or drawn lines.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..detail.evidence import TEXELS
from ..detail.face_sheet import FaceSheet, cut_window
from ..head.albedo import load_albedo
from ..weights import locate
from .wrinkles import noise, spot

_MELANIN = np.array([0.45, 0.8, 1.2])  # log reflectance of R, G, B per unit of pigment
_BLOOD = np.array([0.15, 1.0, 0.8])
_STRANDS = 0.35  # share of people with hair or lines over their skin


@dataclass(frozen=True)
class Paints:
    """The albedo model in the window of a sheet of R x R texels."""

    maps: np.ndarray  # (R * R, M)
    mean: np.ndarray  # (M, 3)
    basis: np.ndarray  # (A, M, 3)
    low: np.ndarray  # (A,) the least coefficients


def read_paints(sheet: FaceSheet) -> Paints:
    """The default head's paints on a sheet."""
    model = load_albedo(locate("albedo_default"))
    maps = np.empty((len(model.ranges), sheet.size, sheet.size), np.float32)
    for k, picture in enumerate([*model.sharp, *model.smooth]):
        low, high = model.ranges[k]
        maps[k] = low + (high - low) * cut_window(picture, sheet.window, sheet.size) / 255
    gate = (maps[0] - model.ranges[0, 0]) / max(float(np.ptp(model.ranges[0])), 1e-6)
    maps[len(model.sharp) :] *= gate
    flat = np.ascontiguousarray(maps.reshape(len(maps), -1).T)
    return Paints(flat, model.mean, model.basis, model.low)


def draw_pigment(paints: Paints, random: np.random.Generator, texel_mm: float) -> np.ndarray:
    """Somebody's log reflectance, (R, R, 3)."""
    drawn = random.normal(size=len(paints.low)) * random.uniform(0.5, 1.2)
    above = np.maximum(drawn, paints.low) - np.maximum(paints.low, 0)
    colours = paints.mean + np.tensordot(above, paints.basis, 1)  # (M, 3)
    logit = paints.maps @ colours.astype(np.float32)
    out = -np.log1p(np.exp(-logit)).reshape(TEXELS, TEXELS, 3)
    # paint lies beside the coarse surface by millimetres, and nobody's marks lie alike
    slip = np.stack([noise(random, TEXELS, 16 / texel_mm) for _ in "uv"], -1)
    out = shift(out, slip * np.float32(random.uniform(0, 2.5) / texel_mm))
    for wide, most in ((0.8, 0.06), (2.0, 0.08), (5.0, 0.12)):
        blotch = noise(random, TEXELS, wide / texel_mm) * (most * random.random() ** 2)
        out += blotch[..., None] * _tone(random)
    out -= _marks(random, texel_mm)
    if random.random() < _STRANDS:
        out -= _strands(random)[..., None]
    return out.astype(np.float32)


def shift(values: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Values (R, R[, C]) read `way` (R, R, 2) texels aside."""
    y, x = np.mgrid[: values.shape[0], : values.shape[1]].astype(np.float32)
    return cv2.remap(values, x + way[..., 0], y + way[..., 1], cv2.INTER_LINEAR)


def _tone(random: np.random.Generator) -> np.ndarray:
    share = random.random()
    return (share * _MELANIN + (1 - share) * _BLOOD).astype(np.float32)


def _marks(random: np.random.Generator, texel_mm: float) -> np.ndarray:
    """Moles, freckles, now and then a pale one: (R, R, 3)."""
    marks = np.zeros((TEXELS, TEXELS), np.float32)
    tone = _tone(random)
    most = (1, 6, 60)[int(random.integers(3))]
    for _ in range(int(random.integers(most))):
        wide = np.exp(random.uniform(np.log(0.4), np.log(2.5))) / texel_mm
        dark = random.uniform(0.05, 0.9) * random.choice([1, 1, 1, -0.3])
        spot(marks, random.uniform(0.08, 0.92, 2) * TEXELS, wide, dark)
    return marks[..., None] * tone


def _strands(random: np.random.Generator) -> np.ndarray:
    """Hair over the skin or lines drawn on it: dark, flat, (R, R)."""
    drawn = np.zeros((4 * TEXELS,) * 2, np.uint8)
    for _ in range(int(random.integers(1, 8))):
        start = random.uniform(0, 4 * TEXELS, 2)
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(40, 500)
        way = start + np.outer(np.linspace(0, 1, 6) * length, [np.cos(angle), np.sin(angle)])
        way = way + random.normal(0, 8, way.shape)
        thick = int(random.integers(1, 4) if random.random() < 0.8 else random.integers(4, 12))
        cv2.polylines(drawn, [np.round(way).astype(np.int32)], False, (255,), thick)
    thin = cv2.resize(drawn, (TEXELS, TEXELS), interpolation=cv2.INTER_AREA)
    return thin.astype(np.float32) * np.float32(random.uniform(0.1, 1.2) / 255)
