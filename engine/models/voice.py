"""The network that says from sound alone how the mouth moves, and how sure it is.

A small temporal convolution over 50 Hz speech features. Each output is a normal distribution: what
sound can't know (how wide this person opens, whether a silent mouth smiles) is its deviation.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_LOG_SD_RANGE = (-5.0, 2.0)  # of a channel in its own spread
_RAW_SHIFT = 0.5  # deviations are about a channel's spread at first
_LOG_FLOOR = -9.3  # log-posteriors are never below log 1e-4


@dataclass(frozen=True)
class VoiceConfig:
    """Sizes of the network, and the names of what it says (units of the default head and more)."""

    outputs: tuple[str, ...]
    features: int = 29
    width: int = 72
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    dropout: float = 0.1


class VoiceOutput(NamedTuple):
    """What is said of each step, in each channel's own spread; probabilities as logits."""

    mean: Tensor  # (B, A, K)
    log_sd: Tensor  # (B, A, K)
    contacts: Tensor  # (B, A, 3): lips sealed, lower lip tucked, speaking


class VoiceNet(nn.Module):
    """(B, A, C) features -> a `VoiceOutput` for K = len(config.outputs) channels.

    `spread` and `centre` (K,) turn channels into numbers of order one; `widen` (K,) is set after
    training, on voices that were not trained on, so that deviations tell the truth.
    """

    spread: Tensor
    centre: Tensor
    widen: Tensor

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.config = config
        channels, width = len(config.outputs), config.width
        self.inlet = nn.Conv1d(2 * config.features, width, 5, padding=2)
        self.blocks = nn.ModuleList(_Block(width, d, config.dropout) for d in config.dilations)
        self.outlet = nn.Conv1d(width, 2 * channels + 3, 1)
        self.register_buffer("spread", torch.ones(channels))
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("widen", torch.ones(channels))

    def forward(self, features: Tensor) -> VoiceOutput:
        """Log-posteriors (B, A, C)."""
        out = self.outlet(self.inner(features)).transpose(1, 2)  # (B, A, 2 K + 3)
        count = len(self.spread)
        low, high = _LOG_SD_RANGE
        log_sd = low + (high - low) * torch.sigmoid(out[..., count : 2 * count] + _RAW_SHIFT)
        return VoiceOutput(out[..., :count], log_sd, out[..., 2 * count :])

    def inner(self, features: Tensor) -> Tensor:
        """What the last layer reads, (B, width, A), of log-posteriors (B, A, C)."""
        logs = features.clamp(min=_LOG_FLOOR)
        x = torch.cat([logs / -_LOG_FLOOR + 0.5, logs.exp() * 2], -1).transpose(1, 2)
        x = functional.gelu(self.inlet(x))
        for block in self.blocks:
            x = block(x)
        return x

    def in_units(self, output: VoiceOutput) -> tuple[Tensor, Tensor]:
        """Mean and deviation (B, A, K) in the channels' own units, widened as measured."""
        sd = output.log_sd.exp() * self.spread * self.widen
        return output.mean * self.spread + self.centre, sd


class _Block(nn.Module):
    """Residual: dilated convolution over time, then a mix of channels."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.over_time = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        calm = self.norm(x.transpose(1, 2)).transpose(1, 2)  # each step by itself
        inner = functional.gelu(self.over_time(calm))
        return x + self.dropout(self.mix(inner))


def as_raw(log_sd: np.ndarray) -> np.ndarray:
    """What the last layer must say for a logarithm of a deviation, both of any shape."""
    low, high = _LOG_SD_RANGE
    share = np.clip((log_sd - low) / (high - low), 0.01, 0.99)
    return np.log(share / (1 - share)) - _RAW_SHIFT


def describe(net: VoiceNet, kind: str, heard_by: str) -> dict[str, str]:
    """What a weights file says of itself: the feature's kind and the sha256 of what made it."""
    return {"kind": kind, "heard_by": heard_by, "config": json.dumps(asdict(net.config))}


def restore(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> VoiceNet:
    """The network of a weights file, ready for use."""
    config: dict[str, Any] = json.loads(metadata["config"])
    lists: dict[str, Any] = {name: tuple(config[name]) for name in ("outputs", "dilations")}
    net = VoiceNet(VoiceConfig(**{**config, **lists}))
    net.load_state_dict(dict(tensors))
    return net.eval().requires_grad_(False)
