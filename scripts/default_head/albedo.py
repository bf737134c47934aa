"""The default head's albedo model: maps painted by rules, times the colours of a table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.ndimage

from engine.exchange.head_file import HeadFile
from engine.exchange.saving import save_arrays
from engine.head.albedo import SCHEMA

from .albedo_colours import BLOOD, COMPONENTS, MEAN, MELANIN, times
from .albedo_hair import hair_maps
from .albedo_parts import part_maps
from .albedo_sheet import Sheet
from .albedo_skin import skin_maps
from .standing import set_maps

FILE = "albedo_default.npz"
SHARP_SIZE, SMOOTH_SIZE = 1024, 128
SEED = 20261120


def _field_components() -> dict[str, tuple[float, dict[str, tuple]]]:
    """What is left of the fifty: free smooth variation of the two pigments."""
    pigments = (times(MELANIN, 0.05), times(BLOOD, 0.2))
    count = 50 - len(COMPONENTS)
    return {f"field_{k}": (-3, {f"field_{k}": pigments[k % 2]}) for k in range(count)}


def build_albedo(head: HeadFile) -> dict[str, np.ndarray]:
    """The arrays of an albedo file for a head's sheet."""
    generator = np.random.default_rng(SEED)
    sheet = Sheet(head, SHARP_SIZE)
    hair = hair_maps(sheet, generator)
    sharp, smooth = skin_maps(sheet, generator, hair["hair"])
    sharp |= hair | part_maps(sheet, generator)
    components = COMPONENTS | _field_components()
    names = [*sharp, *smooth]
    used = set(MEAN).union(*(changes for _, changes in components.values()))
    assert used <= set(names), f"no map for {used - set(names)}"

    bytes_sharp, ranges_sharp = _quantise(sharp.values())
    smaller = [_shrink(values) for values in smooth.values()]
    bytes_smooth, ranges_smooth = _quantise(smaller)
    mean = np.array([MEAN.get(name, (0, 0, 0)) for name in names], np.float32)
    basis = np.array(
        [[changes.get(name, (0, 0, 0)) for name in names] for _, changes in components.values()],
        np.float32,
    )
    return {
        "schema": np.array(SCHEMA),
        "names": np.array(list(components)),
        "maps": np.array(names),
        "low": np.array([low for low, _ in components.values()], np.float32),
        "sharp": bytes_sharp,
        "smooth": bytes_smooth,
        "ranges": np.concatenate([ranges_sharp, ranges_smooth]),
        "mean": mean,
        "basis": basis,
    }


def _shrink(values: np.ndarray) -> np.ndarray:
    step = len(values) // SMOOTH_SIZE
    return scipy.ndimage.uniform_filter(values, step)[step // 2 :: step, step // 2 :: step]


def _quantise(maps) -> tuple[np.ndarray, np.ndarray]:
    """Bytes (M, n, n) and each map's low and high (M, 2); 0 stays exactly 0 where it is the low."""
    planes, ranges = [], []
    for values in maps:
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 1e-6)
        planes.append(np.round(255 * (values - low) / (high - low)).astype(np.uint8))
        ranges.append((low, high))
    return np.stack(planes), np.array(ranges, np.float32)


def write_albedo(head: HeadFile, folder: Path, only: Sequence[str] = ()) -> Path:
    """Build the model for a head and write it beside it; gives the file's path.

    `only`: what stands there keeps its maps and colours but for these.
    """
    path = folder / FILE
    arrays = build_albedo(head)
    if only:
        arrays = set_maps(path, arrays, only)
    save_arrays(path, arrays, compressed=True)
    return path
