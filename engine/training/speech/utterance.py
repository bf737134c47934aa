"""An utterance whose phones are known in time."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

SOUND_RATE = 16_000  # Hz


@dataclass(frozen=True)
class Utterance:
    """Speech and its phones. The phones follow one another from 0 to the end without gaps."""

    waveform: np.ndarray  # (N,) float32, 16 kHz, -1 to 1
    phones: tuple[tuple[str, float, float], ...]  # (ARPAbet or SIL, start seconds, end seconds)
    voice: str
    text: str

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return len(self.waveform) / SOUND_RATE


def make_utterance(
    waveform: np.ndarray,
    rate: int,
    phones: list[tuple[str, float, float]],
    voice: str,
    text: str,
) -> Utterance:
    """An utterance from what an engine gave: 16 kHz, neighbouring silences merged, no gaps."""
    sound = waveform.astype(np.float32)
    if rate != SOUND_RATE:
        common = int(np.gcd(rate, SOUND_RATE))
        sound = resample_poly(sound, SOUND_RATE // common, rate // common).astype(np.float32)
    end = len(sound) / SOUND_RATE
    joined: list[tuple[str, float, float]] = []
    for name, start, stop in phones:
        start, stop = (joined[-1][2] if joined else 0.0), min(stop, end)
        if stop <= start:
            continue
        if joined and joined[-1][0] == name == "SIL":
            joined[-1] = (name, joined[-1][1], stop)
        else:
            joined.append((name, start, stop))
    if not joined or joined[-1][0] != "SIL":
        joined.append(("SIL", joined[-1][2] if joined else 0.0, end))
    name, start, _ = joined[-1]
    joined[-1] = (name, start, max(end, start))
    return Utterance(sound, tuple(p for p in joined if p[2] > p[1]), voice, text)
