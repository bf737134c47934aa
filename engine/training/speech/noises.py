"""Sounds that are no speech: coloured noise, hum, knocks, tones and music-like pieces."""

import numpy as np

from .utterance import SOUND_RATE


def noise_pool(count: int, seconds: float, generator: np.random.Generator) -> np.ndarray:
    """(count, N) float32 sounds of many kinds, each of RMS 1."""
    length = int(seconds * SOUND_RATE)
    makers = (_coloured, _coloured, _hum, _knocks, _music, _music, _sweeps)
    pool = np.stack([makers[k % len(makers)](length, generator) for k in range(count)])
    return (pool / (pool.std(1, keepdims=True) + 1e-9)).astype(np.float32)


def _coloured(length: int, generator: np.random.Generator) -> np.ndarray:
    """Noise whose spectrum falls with frequency and whose level drifts."""
    spectrum = np.fft.rfft(generator.normal(size=length))
    hertz = np.fft.rfftfreq(length, 1 / SOUND_RATE)
    spectrum *= np.maximum(hertz, 30.0) ** -generator.uniform(0, 1.3)
    if generator.random() < 0.5:  # a machine: one band stands out
        centre, width = generator.uniform(100, 6000), generator.uniform(0.05, 0.6)
        spectrum *= 1 + generator.uniform(2, 15) * np.exp(
            -((np.log(np.maximum(hertz, 1) / centre) / width) ** 2)
        )
    drift = np.exp(generator.uniform(0, 0.8) * np.cumsum(generator.normal(size=length // 1600 + 2)))
    drift = np.clip(drift / drift.mean(), 0.2, 4)
    return np.fft.irfft(spectrum, length) * np.interp(
        np.arange(length) / 1600, np.arange(len(drift)), drift
    )


def _hum(length: int, generator: np.random.Generator) -> np.ndarray:
    """Mains or a motor with its harmonics, in a little noise."""
    time = np.arange(length) / SOUND_RATE
    base = generator.choice([50.0, 60.0, generator.uniform(30, 300)])
    sound = generator.normal(size=length) * generator.uniform(0, 0.3)
    for harmonic in range(1, generator.integers(3, 20)):
        phase = generator.uniform(0, 2 * np.pi)
        sound += np.sin(2 * np.pi * base * harmonic * time + phase) / harmonic ** (
            generator.uniform(0.3, 1.5)
        )
    return sound


def _knocks(length: int, generator: np.random.Generator) -> np.ndarray:
    """Short bursts: keys, steps, cutlery, drums."""
    sound = 0.01 * generator.normal(size=length)
    for _ in range(generator.integers(3, 40)):
        start = int(generator.integers(0, length - 200))
        size = min(int(generator.uniform(0.01, 0.3) * SOUND_RATE), length - start)
        time = np.arange(size) / SOUND_RATE
        burst = generator.normal(size=size) * np.exp(-time / generator.uniform(0.003, 0.06))
        ring = np.sin(2 * np.pi * generator.uniform(60, 5000) * time)
        burst = burst * generator.uniform(0, 1) + ring * np.exp(
            -time / generator.uniform(0.01, 0.2)
        )
        sound[start : start + size] += generator.uniform(0.1, 1) * burst
    return sound


def _sweeps(length: int, generator: np.random.Generator) -> np.ndarray:
    """Whistles, sirens, birds: one gliding tone after another."""
    sound = 0.02 * generator.normal(size=length)
    for _ in range(generator.integers(2, 12)):
        start = int(generator.integers(0, length - 1600))
        size = min(int(generator.uniform(0.05, 1.5) * SOUND_RATE), length - start)
        glide = np.linspace(generator.uniform(200, 5000), generator.uniform(200, 5000), size)
        vibrato = 1 + 0.05 * generator.random() * np.sin(
            2 * np.pi * generator.uniform(3, 15) * np.arange(size) / SOUND_RATE
        )
        tone = np.sin(2 * np.pi * np.cumsum(glide * vibrato) / SOUND_RATE)
        sound[start : start + size] += generator.uniform(0.2, 1) * tone * np.hanning(size)
    return sound


def _music(length: int, generator: np.random.Generator) -> np.ndarray:
    """Chords and melodies of plucked or held harmonic tones over a beat."""
    sound = 1e-3 * generator.normal(size=length)
    root, beat = generator.uniform(80, 260), generator.uniform(0.15, 0.6)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    held = generator.random() < 0.5
    brightness = generator.uniform(0.5, 1.8)
    for start_seconds in np.arange(0, length / SOUND_RATE - beat, beat):
        start = int(start_seconds * SOUND_RATE)
        size = min(int(beat * generator.uniform(0.8, 3) * SOUND_RATE), length - start)
        time = np.arange(size) / SOUND_RATE
        fall = np.exp(-time / (2.0 if held else generator.uniform(0.08, 0.5)))
        envelope = np.minimum(time / generator.uniform(0.003, 0.08), 1) * fall
        envelope *= np.minimum((size - np.arange(size)) / 320, 1)
        for _ in range(generator.integers(1, 4)):
            pitch = root * 2 ** (generator.choice(scale) / 12 + generator.integers(0, 2))
            vibrato = 0.3 * np.sin(2 * np.pi * generator.uniform(4, 7) * time)
            for harmonic in range(1, 9):
                if pitch * harmonic < 7500:
                    phase = 2 * np.pi * pitch * harmonic * time + vibrato * harmonic * held
                    sound[start : start + size] += envelope * np.sin(phase) / harmonic**brightness
        if generator.random() < 0.6:  # a drum on the beat
            hit = generator.normal(size=size) * np.exp(-time / generator.uniform(0.01, 0.08))
            sound[start : start + size] += generator.uniform(0, 2) * hit
    return sound
