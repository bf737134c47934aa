"""Cepstral coefficients as the two releases of DeepSpeech were trained on them."""

import numpy as np
from scipy.fft import dct

COEFFICIENTS = 26
_RATE = 16_000


def mfcc_010(samples: np.ndarray) -> np.ndarray:
    """(N,) int16-valued samples -> (frames, 26) at 100 Hz, as python_speech_features gives them.

    25 ms rectangular windows every 10 ms, 26 mel bands of 0 to 8 kHz, pre-emphasis 0.97, lifter 22;
    the first coefficient is the log energy.
    """
    signal = np.asarray(samples, np.float64)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    count = 1 + max(0, -(-(len(signal) - 400) // 160))
    padded = np.pad(signal, (0, (count - 1) * 160 + 400 - len(signal)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160]
    power = np.abs(np.fft.rfft(frames, 512)) ** 2 / 512  # (frames, 257)
    energy = power.sum(1)
    bands = power @ _bands_010().T
    tiny = np.finfo(float).eps
    logarithms = np.log(np.where(bands == 0, tiny, bands))
    coefficients = np.asarray(dct(logarithms, type=2, axis=1, norm="ortho"))
    place = np.arange(COEFFICIENTS)
    coefficients = coefficients[:, :COEFFICIENTS] * (1 + 11 * np.sin(np.pi * place / 22))
    coefficients[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return coefficients


def mfcc_090(signal: np.ndarray) -> np.ndarray:
    """(N,) samples, -1 to 1 -> (frames, 26) at 50 Hz, as TensorFlow's Mfcc operator gives them.

    Hann windows of 32 ms every 20 ms, 40 mel bands of 20 to 8000 Hz, of which the amplitude counts.
    """
    signal = np.asarray(signal, np.float64)
    count = max(0, 1 + (len(signal) - 512) // 320)
    if count == 0:
        return np.zeros((0, COEFFICIENTS))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = np.lib.stride_tricks.sliding_window_view(signal, 512)[::320][:count] * window
    amplitude = np.abs(np.fft.rfft(frames, 512))
    bands = np.log(np.maximum(amplitude @ _bands_090().T, 1e-12))
    row, column = np.arange(COEFFICIENTS)[:, None], np.arange(bands.shape[1])
    return bands @ (np.sqrt(2 / 40) * np.cos(np.pi / 40 * row * (column + 0.5))).T


def _bands_010() -> np.ndarray:
    """(26, 257) triangles between whole bins."""
    top = 2595 * np.log10(1 + _RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, 28) / 2595) - 1)
    edges = np.floor(513 * hertz / _RATE)
    bins = np.arange(257)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise = (bins - low) / np.maximum(middle - low, 1)
    fall = (high - bins) / np.maximum(high - middle, 1)
    is_rising, is_falling = (bins >= low) & (bins < middle), (bins >= middle) & (bins < high)
    return np.where(is_rising, rise, np.where(is_falling, fall, 0.0))


def _bands_090() -> np.ndarray:
    """(40, 257) weights of TensorFlow's MfccMelFilterbank: each bin is shared by two bands."""
    channels = 40
    lowest, highest = (1127 * np.log1p(hertz / 700) for hertz in (20.0, 8000.0))
    spacing = (highest - lowest) / (channels + 1)
    centres = lowest + spacing * np.arange(1, channels + 2)
    hertz = np.arange(257) * _RATE / 512
    mel = 1127 * np.log1p(hertz / 700)
    first, last = int(1.5 + 20.0 / (_RATE / 512)), int(8000.0 / (_RATE / 512))
    weights = np.zeros((channels, 257))
    for place in range(first, last + 1):
        band = int((centres < mel[place]).sum()) - 1
        above = centres[band + 1] if band + 1 < len(centres) else centres[-1]
        below = centres[band] if band >= 0 else lowest
        share = (above - mel[place]) / (above - below) if above > below else 0.0
        if 0 <= band < channels:
            weights[band, place] += share
        if band + 1 < channels:
            weights[band + 1, place] += 1 - share
    return weights
