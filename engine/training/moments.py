"""Windows of performers who speak: what encoders on the shared trunk learn and are tested on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .described import Described

_TEST_STARTS = (0, 8, 16)
_TEST_BATCH = 64


@dataclass(frozen=True)
class Moments:
    """B windows of W frames."""

    sight: Tensor  # (B, W, SIGHT)
    sound: Tensor  # (B, W, 16, A)
    c: Tensor  # (B, W, 183)
    e: Tensor  # (B, W, 57)
    marks: Tensor  # (B, W, 68, 2) half crops
    covered: Tensor  # (B, W, 68) bool


def cut(
    data: Described, variant: np.ndarray, take: np.ndarray, clip: np.ndarray, start: np.ndarray,
    window: int,
) -> Moments:  # fmt: skip
    """Windows (B,) of the data."""
    rows, v, s = (torch.from_numpy(x)[:, None] for x in (clip, variant, take))
    place = torch.from_numpy(start)[:, None] + torch.arange(window)
    return Moments(
        data.sight[v, rows, place].float(), data.sound[s, rows, place].float(),
        data.c[rows, place], data.e[rows, place], data.marks[rows, place],
        data.covered[rows, place],
    )  # fmt: skip


def held_out_windows(data: Described, window: int, variant: int) -> Iterator[Moments]:
    """The same windows of every clip, clean and spoilt sound by turns."""
    clips = np.repeat(np.arange(len(data.e)), len(_TEST_STARTS))
    starts = np.tile(_TEST_STARTS, len(data.e))
    for first in range(0, len(clips), _TEST_BATCH):
        some = clips[first : first + _TEST_BATCH]
        yield cut(
            data, np.full(len(some), variant), some % len(data.sound), some,
            starts[first : first + _TEST_BATCH], window,
        )  # fmt: skip
