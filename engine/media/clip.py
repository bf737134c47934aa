"""What a file shows and when."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Clip:
    """What a file shows and when. T pictures."""

    path: Path
    kind: Literal["video", "pictures", "sound"]
    fps: Fraction  # nominal rate; `times` are exact
    times: np.ndarray  # (T,) seconds, rising, 0 at the file's first picture
    size: tuple[int, int]  # width, height of the upright picture, px
    has_sound: bool
    sound_offset: float  # seconds from the first picture to the first sample; below 0: sound first
    pts: np.ndarray  # (T,) int64, the pictures' stamps in the file
    rotation: int = 0  # quarter turns that make the picture upright, counter-clockwise
    first_pts: int = 0  # stamp of the file's first picture: where the clock starts
    time_base: Fraction = Fraction(1)  # seconds of one stamp
    # (K,) int64 stamps, rising, of pictures that are decoded without others
    keys: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pictures: tuple[Path, ...] = ()  # of a picture sequence
    warnings: tuple[str, ...] = ()

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.times)
