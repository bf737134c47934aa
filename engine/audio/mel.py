"""Mel spectrograms as networks of lip sync take them (Prajwal et al., Wav2Lip, 2020).

Pre-emphasis 0.97, Hann windows of 50 ms every 12.5 ms centred on 0.0125 k, magnitudes in 80 Slaney
bands of 55 to 7600 Hz, decibels below 20 dB, then -100..0 dB to -4..4.
"""

import numpy as np

from .features import RATE, STEP_CENTRE_SECONDS, step_count

BANDS = 80
MEL_RATE = 80.0  # Hz
_RATE, _WINDOW, _HOP = 16_000, 800, 200
_REFERENCE_DB, _LOWEST_DB, _LARGEST = 20.0, -100.0, 4.0


def lip_sync_mel(waveform: np.ndarray) -> np.ndarray:
    """(N,) float32 at 16 kHz -> (1 + N // 200, 80) float32, -4 to 4, at 80 Hz."""
    signal = np.asarray(waveform, np.float64)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    padded = np.pad(signal, _WINDOW // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    magnitude = np.abs(np.fft.rfft(frames * window)) @ slaney_bands().T
    decibel = 20 * np.log10(np.maximum(1e-5, magnitude)) - _REFERENCE_DB
    scaled = 2 * _LARGEST * (decibel - _LOWEST_DB) / -_LOWEST_DB - _LARGEST
    return scaled.clip(-_LARGEST, _LARGEST).astype(np.float32)


def mel_features(waveform: np.ndarray) -> np.ndarray:
    """(N,) -> (A, 80) float32: the same at the 50 Hz of every kind of feature, interpolated."""
    if len(waveform) == 0:
        return np.zeros((0, BANDS), np.float32)
    mel = lip_sync_mel(waveform)
    places = (np.arange(step_count(len(waveform))) / RATE + STEP_CENTRE_SECONDS) * MEL_RATE
    places = places.clip(0, len(mel) - 1)
    before = np.minimum(places.astype(int), max(len(mel) - 2, 0))
    share = (places - before)[:, None].astype(np.float32)
    after = np.minimum(before + 1, len(mel) - 1)
    return mel[before] * (1 - share) + mel[after] * share


def slaney_bands() -> np.ndarray:
    """(80, 401) triangles of equal area in Slaney's mel: linear to 1 kHz, then logarithmic."""
    edges = _to_hertz(np.linspace(_to_mel(55.0), _to_mel(7600.0), BANDS + 2))
    hertz = np.arange(_WINDOW // 2 + 1) * _RATE / _WINDOW
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def _to_mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))
