"""What happens to speech on its way into a film: rooms, microphones, noise, codecs, levels.

Every function takes and gives (B, N) waveforms at 16 kHz; the generator decides. Nothing here moves
a sound in time by more than a few milliseconds.
"""

import numpy as np
import torch
from torch import Tensor

from .utterance import SOUND_RATE

_ROOM = 8_000  # samples of a room's response
_CODEC, _CODEC_HOP = 512, 256


def spoil(
    clean: Tensor, pool: np.ndarray, generator: np.random.Generator, strength: float = 1.0
) -> Tensor:
    """Speech (B, N) at 16 kHz as a film might carry it; `strength`: how often anything happens."""
    sound = _room_and_microphone(clean, generator, strength)
    sound = _add_noise(sound, pool, generator, strength)
    sound = _codecs(sound, generator, strength)
    return _levels(sound, generator, strength)


def _often(generator: np.random.Generator, chance: float, count: int) -> np.ndarray:
    return generator.random(count) < chance


def _room_and_microphone(sound: Tensor, generator: np.random.Generator, strength: float) -> Tensor:
    """One filter for each waveform: reverberation, band, tilt and an uneven response."""
    batch, length = sound.shape
    size = length + _ROOM
    size += -size % 1600
    hertz = np.fft.rfftfreq(size, 1 / SOUND_RATE)
    octaves = np.log2(np.maximum(hertz, 30) / 1000)
    gains = np.zeros((batch, len(hertz)))
    rows = _often(generator, 0.5 * strength, batch)
    gains += rows[:, None] * generator.uniform(-5, 5, (batch, 1)) * octaves  # dB, tilt
    knots = np.linspace(-5, 3, 9)
    for row in np.flatnonzero(_often(generator, 0.6 * strength, batch)):
        gains[row] += np.interp(octaves, knots, generator.normal(0, 3.5, 9))
    for row in np.flatnonzero(_often(generator, 0.45 * strength, batch)):
        low, high = generator.uniform(40, 350), generator.choice([3400, 4000, 5500, 7000, 7800])
        gains[row] -= 60 * np.clip(np.log2(low / np.maximum(hertz, 1)), 0, 1)
        gains[row] -= 120 * np.clip(np.log2(np.maximum(hertz, 1) / high), 0, 0.5)
    response = torch.from_numpy(10 ** (gains / 20)).to(sound.dtype)
    spectrum = torch.fft.rfft(sound, size) * response
    spectrum = spectrum * torch.fft.rfft(_rooms(batch, generator, strength), size)
    return torch.fft.irfft(spectrum, size)[:, :length]


def _rooms(batch: int, generator: np.random.Generator, strength: float) -> Tensor:
    """(B, _ROOM) impulse responses: the direct sound and decaying noise."""
    decay = generator.uniform(0.08, 0.6, (batch, 1)) * SOUND_RATE  # samples to -60 dB
    place = np.arange(_ROOM)
    tail = generator.normal(size=(batch, _ROOM)) * 10 ** (-3 * place / decay)
    tail[place[None] < generator.uniform(8, 130, (batch, 1))] = 0
    tail *= generator.uniform(0.05, 0.7, (batch, 1)) / np.sqrt((tail**2).sum(1, keepdims=True))
    tail *= _often(generator, 0.5 * strength, batch)[:, None]
    tail[:, 0] = 1
    return torch.from_numpy(tail.astype(np.float32))


def _add_noise(
    sound: Tensor, pool: np.ndarray, generator: np.random.Generator, strength: float
) -> Tensor:
    """Noise, music or other people behind each waveform."""
    batch, length = sound.shape
    loudness = _speech_level(sound)
    background = pool_sounds(pool, batch, length, generator)
    babble = torch.zeros_like(sound)
    for _ in range(3):  # three other pieces of the batch, from somewhere
        others = torch.from_numpy(generator.integers(batch, size=batch))
        babble += sound[others].roll(int(generator.integers(length)), 1)
    babble = babble / (babble.std(1, keepdim=True) + 1e-6)
    is_babble = torch.from_numpy(_often(generator, 0.15, batch))[:, None]
    background = torch.where(is_babble, babble, background)
    ratio = np.where(
        _often(generator, 0.65 * strength, batch),
        generator.uniform(4, 35, batch), generator.uniform(35, 65, batch),
    )  # fmt: skip
    ratio = np.where(is_babble[:, 0].numpy(), np.maximum(ratio, 10), ratio)
    level = loudness * torch.from_numpy(10 ** (-ratio / 20)).to(sound.dtype)[:, None]
    return sound + background * level


def pool_sounds(
    pool: np.ndarray, batch: int, length: int, generator: np.random.Generator
) -> Tensor:
    """(B, N) pieces of the pool of noises, each from somewhere."""
    rows = generator.integers(len(pool), size=batch)
    starts = generator.integers(pool.shape[1], size=batch)
    places = (starts[:, None] + np.arange(length)) % pool.shape[1]
    return torch.from_numpy(pool[rows[:, None], places])


def _speech_level(sound: Tensor) -> Tensor:
    """(B, 1) RMS of the loud parts."""
    blocks = sound[:, : sound.shape[1] // 400 * 400].unflatten(1, (-1, 400))
    powers = blocks.square().mean(-1)
    loud = powers > 0.05 * powers.amax(1, keepdim=True)
    return ((powers * loud).sum(1, keepdim=True) / loud.sum(1, keepdim=True).clamp(min=1)).sqrt()


def _codecs(sound: Tensor, generator: np.random.Generator, strength: float) -> Tensor:
    """What telephones and film files leave of some of the waveforms."""
    peak = sound.abs().amax(1, keepdim=True) + 1e-6
    spoilt = sound / peak
    law = torch.from_numpy(_often(generator, 0.12 * strength, len(sound)))[:, None]
    spoilt = torch.where(law, _mu_law(spoilt), spoilt)
    steps = torch.from_numpy(_often(generator, 0.1 * strength, len(sound)))[:, None]
    spoilt = torch.where(steps, _adaptive_steps(spoilt, generator), spoilt)
    rows = np.flatnonzero(_often(generator, 0.25 * strength, len(sound)))
    if len(rows):
        spoilt[rows] = _transform_codec(spoilt[rows], generator)
    return spoilt * peak


def _mu_law(sound: Tensor) -> Tensor:
    """8 bits of mu-law and back (G.711)."""
    squeezed = torch.sign(sound) * torch.log1p(255 * sound.abs()) / np.log(256)
    squeezed = torch.round(squeezed * 127) / 127
    return torch.sign(squeezed) * torch.expm1(squeezed.abs() * np.log(256)) / 255


def _adaptive_steps(sound: Tensor, generator: np.random.Generator) -> Tensor:
    """4 bits whose step follows the level, as ADPCM's does."""
    size = 256
    padded = torch.nn.functional.pad(sound, (0, -sound.shape[1] % size)).unflatten(1, (-1, size))
    step = padded.abs().amax(-1, keepdim=True).clamp(min=1e-4) / float(generator.uniform(6, 24))
    return (torch.round(padded / step) * step).flatten(1)[:, : sound.shape[1]]


def _transform_codec(sound: Tensor, generator: np.random.Generator) -> Tensor:
    """Coarse steps in the spectrum and holes where it is weak, as MP3 and AAC leave them."""
    window = torch.hann_window(_CODEC)
    spectrum = torch.stft(
        sound, _CODEC, _CODEC_HOP, window=window, return_complex=True, pad_mode="constant"
    )
    size = spectrum.abs()
    smooth = torch.nn.functional.avg_pool1d(
        size.transpose(1, 2).flatten(0, 1)[:, None], 17, 1, 8
    )[:, 0].unflatten(0, (len(sound), -1)).transpose(1, 2)  # fmt: skip
    coarse = torch.from_numpy(generator.uniform(0.3, 1.6, (len(sound), 1, 1))).to(sound.dtype)
    step = smooth * coarse + 1e-6
    kept = torch.round(size / step) * step / (size + 1e-9)
    return torch.istft(spectrum * kept, _CODEC, _CODEC_HOP, window=window, length=sound.shape[1])


def _levels(sound: Tensor, generator: np.random.Generator, strength: float) -> Tensor:
    """A recording level, too loud for some."""
    batch = len(sound)
    peak = sound.abs().amax(1, keepdim=True) + 1e-6
    level = torch.from_numpy(10 ** (generator.uniform(-35, -0.5, (batch, 1)) / 20)).to(sound.dtype)
    spoilt = sound / peak * level
    loud = torch.from_numpy(_often(generator, 0.07 * strength, batch))[:, None]
    over = torch.from_numpy(generator.uniform(1.5, 6, (batch, 1))).to(sound.dtype)
    return torch.where(loud, (sound / peak * over).clamp(-1, 1), spoilt)
