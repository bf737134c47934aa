"""Rendered pictures on disk, oldest replaced: one process draws while another trains.

A folder holds one `.npy` per array and `written.txt`, how many pictures were ever written; picture
number n lies in row n % capacity. Difficulty rises over the first pictures (easy to hard).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...exchange.saving import save
from .labels import Labels
from .occluders import USUAL, Clutter
from .performers import render_scene
from .stage import build_stage

_PER_PERSON = ("shape", "albedo")
_KEPT = (
    "points", "points_68", "hidden", "visible", "turn", "translation", "focal", "centre", "light",
    "units", "jaw", "eyes",
)  # fmt: skip
_SCENE = 8  # moments of one person


@dataclass(frozen=True)
class RingOptions:
    """What is drawn."""

    capacity: int = 100_000  # pictures kept
    size: int = 112
    seed: int = 1
    easy: float = 0.3  # largest difficulty of the first pictures
    ramp: int = 30_000  # pictures after which it is 1
    clutter: Clutter = USUAL
    from_side: bool = False  # heads turned far instead of as people hold them


@dataclass(frozen=True)
class Ring:
    """A reader's view; `written` is asked anew each time."""

    folder: Path
    arrays: dict[str, np.ndarray]  # memory-mapped, (capacity, ...)

    @property
    def written(self) -> int:
        """Pictures ever written."""
        return int((self.folder / "written.txt").read_text())

    @property
    def filled(self) -> int:
        """Rows that hold a picture."""
        return min(self.written, len(self.arrays["pictures"]))


def open_ring(folder: Path) -> Ring:
    """A ring that has been begun, for reading."""
    names = [*_KEPT, *_PER_PERSON, "pictures", "difficulty"]
    return Ring(folder, {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names})


def fill_ring(folder: Path, options: RingOptions, until: int) -> None:
    """Draw into `folder` until `until` pictures are written; goes on where a call stopped."""
    stage = build_stage()
    arrays: dict[str, np.ndarray] = {}
    written = 0
    if (folder / "written.txt").is_file():
        written = int((folder / "written.txt").read_text())
        arrays = {path.stem: np.load(path, mmap_mode="r+") for path in folder.glob("*.npy")}
    while written < until:
        top = min(1.0, options.easy + (1 - options.easy) * written / max(options.ramp, 1))
        index = written // _SCENE
        draw = np.random.default_rng([options.seed, index, 2])
        difficulty = float(top * draw.random() ** 0.7)
        scene = render_scene(
            stage, options.seed, index, _SCENE, options.size, difficulty, options.clutter,
            options.from_side,
        )  # fmt: skip
        values = _rows(scene.pictures, scene.labels, difficulty)
        if not arrays:
            arrays = _begin(folder, options.capacity, values)
        rows = np.arange(written, written + _SCENE) % options.capacity
        for name, value in values.items():
            arrays[name][rows] = value
        written += _SCENE
        _note(folder, written)


def _rows(pictures: np.ndarray, labels: Labels, difficulty: float) -> dict[str, np.ndarray]:
    values = {name: getattr(labels, name) for name in _KEPT}
    for name in _PER_PERSON:
        values[name] = np.repeat(getattr(labels, name)[None], len(pictures), 0)
    return {
        **values, "pictures": pictures,
        "difficulty": np.full(len(pictures), difficulty, np.float32),
    }  # fmt: skip


def _begin(folder: Path, capacity: int, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    return {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", "w+", value.dtype, (capacity, *value.shape[1:])
        )
        for name, value in values.items()
    }


def _note(folder: Path, written: int) -> None:
    save(folder / "written.txt", str(written))
