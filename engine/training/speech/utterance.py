"""An utterance whose phones are known in time."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

from .phone_maps import STOPS

SOUND_RATE = 16_000  # Hz
_CLOSURE = 0.07  # seconds that the mouth is shut before it lets go of a stop after a pause
_LATEST_BURST = 0.06  # seconds after a stop's start
_AUDIBLE = 0.04  # of the loudest moment


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
    """An utterance from what an engine gave: 16 kHz, neighbouring silences merged, no gaps.

    A stop after a pause begins where the mouth shuts, which nobody hears.
    """
    sound = waveform.astype(np.float32)
    if phones and phones[0][0] in STOPS:  # no room for its closure
        sound = np.pad(sound, (round(_CLOSURE * rate), 0))
        moved = [(name, start + _CLOSURE, stop + _CLOSURE) for name, start, stop in phones]
        phones = [("SIL", 0.0, _CLOSURE), *moved]
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
    said = shut_before_bursts([p for p in joined if p[2] > p[1]], sound)
    return Utterance(sound, tuple(said), voice, text)


def shut_before_bursts(
    phones: list[tuple[str, float, float]], sound: np.ndarray
) -> list[tuple[str, float, float]]:
    """Phones whose stops after a pause begin with their silent closure.

    Engines give such a stop 0 to 100 ms of it; here each has the usual length of a closure before
    a vowel, as far as the pause lasts.
    """
    loudness = np.sqrt(np.convolve(np.square(sound), np.ones(80) / 80, "same"))  # 5 ms
    shut = list(phones)
    for place in range(1, len(shut)):
        name, start, end = shut[place]
        pause, begun, _ = shut[place - 1]
        if name not in STOPS or pause != "SIL":
            continue
        first = int((start - _LATEST_BURST) * SOUND_RATE)
        near = loudness[max(first, 0) : int((start + _LATEST_BURST) * SOUND_RATE)]
        audible = np.flatnonzero(near > _AUDIBLE * loudness.max())
        if len(audible) == 0:
            continue  # it begins long before its burst already
        burst = (max(first, 0) + audible[0]) / SOUND_RATE
        shutting = max(min(start, burst - _CLOSURE), begun)
        shut[place - 1 : place + 1] = [(pause, begun, shutting), (name, shutting, end)]
    return [phone for phone in shut if phone[2] > phone[1]]
