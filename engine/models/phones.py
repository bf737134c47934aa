"""The acoustic network: a waveform to posteriors of speech sounds, 50 times a second.

Log-mel energies are freed from the recording's level and colour by a sliding mean of the loud
frames with a prior (short clips hold too few sounds for a mean of their own: they keep most of the
prior); a temporal convolutional network without recurrence follows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .phone_classes import CLASSES

SOUND_RATE = 16_000  # Hz
FRAME, HOP = 400, 160  # samples: 25 ms windows every 10 ms; the network halves that rate
SPECTRUM = 512  # samples of a Fourier transform
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
_FLOOR = 1e-7  # mean squared amplitude of a band below which a microphone says nothing


@dataclass(frozen=True)
class PhonesConfig:
    """Sizes of the network."""

    bands: int = 40
    channels: int = 144
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2)
    dropout: float = 0.1
    prior_frames: float = 150.0  # loud frames that the prior counts for
    reach_frames: int = 400  # half the width of the sliding mean
    loud_nats: float = 5.0  # below the loudest band energy: a frame no longer counts as loud
    floor_nats: float = 10.0  # below the mean of loud frames: quieter than that is as quiet


class PhoneNetwork(nn.Module):
    """Waveform -> logits of CLASSES."""

    prior: Tensor  # (bands,) mean log energy of loud frames, over many recordings
    spread: Tensor  # (bands,) standard deviation
    mel: Tensor  # (bins, bands)
    window: Tensor  # (FRAME,)

    def __init__(self, config: PhonesConfig = PhonesConfig()) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("prior", torch.zeros(config.bands))
        self.register_buffer("spread", torch.ones(config.bands))
        self.register_buffer("mel", mel_matrix(config.bands), persistent=False)
        self.register_buffer("window", torch.hann_window(FRAME), persistent=False)
        width = config.channels
        self.first = nn.Conv1d(config.bands, width, 7, 2, 3)
        self.first_norm = nn.BatchNorm1d(width)
        self.blocks = nn.ModuleList(
            nn.Conv1d(width, width, 3, 1, dilation, dilation) for dilation in config.dilations
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in config.dilations)
        self.last = nn.Conv1d(width, len(CLASSES), 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, N) at 16 kHz to (B, A, 29) logits, step k centred at 0.02 k + 0.0125 s."""
        return self.classify(self.normalise(self.energies(waveform)))

    def energies(self, waveform: Tensor, warp: Tensor | None = None) -> Tensor:
        """(B, N) -> (B, frames, bands) log energies; `warp` (B,) raises each voice's formants."""
        power = spectra(waveform, self.window)  # (B, frames, bins)
        mel = self.mel if warp is None else warped_mel(self.mel, warp)
        return torch.log(power @ mel + _FLOOR)  # (B, frames, bands)

    def normalise(self, energies: Tensor) -> Tensor:
        """Log energies (B, frames, bands) without their level and, as far as they tell, colour."""
        config = self.config
        shown = energies - self.prior
        loudness = energies.logsumexp(-1, keepdim=True)  # (B, frames, 1)
        loudest = _sliding_maximum(loudness, config.reach_frames)
        weight = torch.sigmoid(2.0 * (loudness - loudest + config.loud_nats)) + 1e-3
        total = _sliding_sum(weight, config.reach_frames)
        mean = _sliding_sum(weight * shown, config.reach_frames) / total  # (B, frames, bands)
        level = mean.mean(-1, keepdim=True)
        colour = (mean - level) * (total / (total + config.prior_frames))
        return (shown - level - colour).clamp(min=-config.floor_nats) / self.spread

    def classify(self, normalised: Tensor) -> Tensor:
        """(B, frames, bands) -> (B, A, 29) logits."""
        hidden = functional.relu(self.first_norm(self.first(normalised.transpose(1, 2))))
        for block, norm in zip(self.blocks, self.norms, strict=True):
            hidden = hidden + functional.relu(norm(block(hidden)))
        return self.last(self.dropout(hidden)).transpose(1, 2)


def spectra(waveform: Tensor, window: Tensor) -> Tensor:
    """(B, N) -> (B, frames, bins) power of windows of 25 ms every 10 ms; the last padded with 0."""
    missing = max(FRAME - waveform.shape[1], -(waveform.shape[1] - FRAME) % HOP)
    padded = functional.pad(waveform, (0, missing))
    frames = padded.unfold(1, FRAME, HOP)  # (B, frames, FRAME)
    frames = (frames - frames.mean(-1, keepdim=True)) * window
    return torch.fft.rfft(frames, SPECTRUM).abs().square() / FRAME


def warped_mel(mel: Tensor, warp: Tensor) -> Tensor:
    """(bins, bands) -> (B, bins, bands) that hear vocal tracts `warp` (B,) times shorter."""
    bins = len(mel)
    places = (torch.arange(bins, device=mel.device) * warp[:, None]).clamp(max=bins - 1.001)
    low = places.long()
    share = (places - low).to(mel.dtype)[..., None]  # (B, bins, 1)
    warped = mel[low] * (1 - share) + mel[low + 1] * share
    return warped / warped.sum(1, keepdim=True).clamp(min=1e-3)


def mel_matrix(bands: int) -> Tensor:
    """(bins, bands) triangles evenly spaced in mel (O'Shaughnessy), each of area one."""
    edges = torch.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), bands + 2)
    edges_hz = 700.0 * (10 ** (edges / 2595.0) - 1)
    hertz = torch.arange(SPECTRUM // 2 + 1) * SOUND_RATE / SPECTRUM
    rise = (hertz[:, None] - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    fall = (edges_hz[2:] - hertz[:, None]) / (edges_hz[2:] - edges_hz[1:-1])
    triangles = torch.minimum(rise, fall).clamp(min=0)
    return triangles / triangles.sum(0)


def _mel(hertz: float) -> float:
    return float(2595.0 * torch.log10(torch.tensor(1 + hertz / 700.0)))


def _sliding_sum(values: Tensor, reach: int) -> Tensor:
    """(B, frames, C) -> sums over `reach` frames before and after, fewer at the ends."""
    frames = values.shape[1]
    sums = functional.pad(values.double().cumsum(1), (0, 0, 1, 0))  # (B, frames + 1, C)
    place = torch.arange(frames, device=values.device)
    stop, start = (place + reach + 1).clamp(max=frames), (place - reach).clamp(min=0)
    return (sums[:, stop] - sums[:, start]).to(values.dtype)


def _sliding_maximum(values: Tensor, reach: int) -> Tensor:
    """(B, frames, 1) -> the largest within about `reach` frames, in steps of half a reach."""
    frames, step = values.shape[1], max(reach // 2, 1)
    padded = functional.pad(values[..., 0], (0, -frames % step), value=-torch.inf)
    blocks = padded.reshape(len(values), -1, step).amax(-1)[:, None]  # (B, 1, blocks)
    wide = functional.max_pool1d(functional.pad(blocks, (2, 2), value=-torch.inf), 5, 1)
    return wide[:, 0].repeat_interleave(step, 1)[:, :frames, None]
