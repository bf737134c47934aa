"""What every kind of speech feature has in common.

The waveform is mono float32 at 16 kHz; its clock starts at its first sample. Features come at
50 Hz, step k centred at 0.02 k + 0.0125 s, whatever the kind.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..models.phone_classes import SILENCE

RATE = 50.0  # Hz
STEP_CENTRE_SECONDS = 0.0125
PHONE_FLOOR = 1e-4  # a posterior is never smaller: calm logarithms

Kind = Literal["phones", "deepspeech", "mel", "wav2vec2"]


@dataclass(frozen=True)
class SpeechFeatures:
    """What a waveform says, step by step. A network trained on one kind can't read another."""

    kind: Kind
    values: np.ndarray  # (A, C) float32; for phones log-posteriors in the order of CLASSES

    def __post_init__(self) -> None:
        assert self.values.ndim == 2 and self.values.dtype == np.float32, self.values.shape

    @property
    def silence(self) -> np.ndarray:
        """(C,) float32: what this kind says where there is no sound."""
        return silence(self.kind, self.values.shape[1])


def step_count(samples: int) -> int:
    """A: how many steps a waveform of so many samples has, of every kind; the last is filled up."""
    return 0 if samples == 0 else 1 + max(0, -(-(samples - 400) // 160)) // 2


def silence(kind: Kind, channels: int) -> np.ndarray:
    """(C,) float32: what a kind says where there is no sound."""
    if kind == "phones":
        posterior = np.full(channels, PHONE_FLOOR, np.float32)
        posterior[SILENCE] = 1 - (channels - 1) * PHONE_FLOOR
        return np.log(posterior)
    return np.full(channels, -4.0 if kind == "mel" else 0.0, np.float32)
