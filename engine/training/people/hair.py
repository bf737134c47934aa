"""Hair beyond the painted cap: volume on the skull, and curtains of strands that hang from it.

A curtain is a grid about the head's axis that follows the skull's outline with some distance and
hangs straight where the skull narrows. Strands are noise along it; its lower edge frays.
"""

from dataclasses import dataclass

import numpy as np

from .stage import Stage

ROWS, COLUMNS = 12, 49


@dataclass(frozen=True)
class HairStyle:
    """How one person wears it; lengths in metres in the template's axes."""

    puff_m: float  # volume on the skull
    wave: int  # which of the stage's waves modulates it
    colour: np.ndarray  # (3,) linear reflectance
    curtain: np.ndarray | None  # (ROWS, COLUMNS, 3) m, None when there is none
    strands: float  # strands per curtain width
    fray: float  # share of the length over which the lower edge frays
    seed: int  # of its noise


def choose_hair(
    stage: Stage, generator: np.random.Generator, difficulty: float, texture: np.ndarray
) -> HairStyle:
    """Bald to long; the colour is that of the painted cap, so that brows and hair agree."""
    cap = stage.paints[stage.paint_names.index("hair")] > 0.8
    colour = texture.reshape(-1, 3)[cap].mean(0)
    full = generator.random() < 0.8
    puff = generator.uniform(0.004, 0.02) if full else 0.0015
    curtain = None
    if full and generator.random() < 0.25 + 0.35 * difficulty:
        curtain = _curtain(stage, generator, puff)
    return HairStyle(
        puff_m=float(puff), wave=int(generator.integers(stage.waves.shape[1])),
        colour=colour * np.float32(generator.uniform(0.7, 1.3)), curtain=curtain,
        strands=float(generator.uniform(0.6, 2.5)), fray=float(generator.uniform(0.1, 0.6)),
        seed=int(generator.integers(1 << 30)),
    )  # fmt: skip


def _curtain(stage: Stage, generator: np.random.Generator, puff: float) -> np.ndarray:
    """A random hang of hair, (ROWS, COLUMNS, 3): rows from the crown down, columns around."""
    around = np.linspace(-np.pi, np.pi, COLUMNS)
    away = np.abs(around)
    opened = generator.uniform(0.75, 1.25)  # rad: the face is free within
    long_m = generator.choice([-0.01, -0.05, -0.10, -0.16]) + generator.normal(0, 0.01)
    fringe = generator.random() < 0.45
    brow_m = generator.uniform(0.045, 0.085) if fringe else 0.115
    parted = generator.uniform(-0.5, 0.5)
    front = brow_m + (0.02 * np.abs(around - parted) if generator.random() < 0.5 else 0.0)
    side = 1 / (1 + np.exp(-(away - opened) / 0.10))
    foot = front * (1 - side) + long_m * side
    foot = foot + 0.006 * np.sin(around * generator.uniform(4, 14) + generator.uniform(0, 6))
    down = np.linspace(0, 1, ROWS)[:, None]
    top = 0.128
    height = top + (foot[None] - top) * down  # (ROWS, COLUMNS)
    offset = puff + generator.uniform(0.004, 0.012) + generator.uniform(0, 0.025) * side * down
    radius = _hanging(stage, around, height) + offset
    radius = radius * np.clip(0.25 + 2.4 * down, 0, 1)  # the rows close over the crown
    height = height + 0.016 * np.clip(1 - 2.5 * down, 0, 1)
    x, z = radius * np.sin(around), radius * np.cos(around) - 0.01
    return np.stack([x, height, z], 2).astype(np.float32)


def _hanging(stage: Stage, around: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The skull's radius under each point, never smaller than above it, (ROWS, COLUMNS)."""
    angles, heights = stage.skull.shape
    row = (np.round((around / (2 * np.pi)) % 1 * angles).astype(int) % angles)[None]
    column = np.clip((height + 0.16) / 0.32 * heights, 0, heights - 1).astype(int)
    return np.maximum.accumulate(stage.skull[row, column], axis=0)


def curtain_faces() -> np.ndarray:
    """Triangles of a curtain's grid, (n, 3) int32."""
    row, column = np.meshgrid(np.arange(ROWS - 1), np.arange(COLUMNS - 1), indexing="ij")
    a = (row * COLUMNS + column).ravel()
    b, c, d = a + 1, a + COLUMNS, a + COLUMNS + 1
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def strand_coordinates() -> np.ndarray:
    """Across and along the strands for each grid point, (ROWS * COLUMNS, 2) in [0, 1]."""
    along, across = np.meshgrid(np.linspace(0, 1, ROWS), np.linspace(0, 1, COLUMNS), indexing="ij")
    return np.stack([across.ravel(), along.ravel()], 1).astype(np.float32)
