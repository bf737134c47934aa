"""Landmarks to the head's parameters: a small network that knows the clip it reads.

Every frame's points are encoded alone; their mean and spread over the clip say what is this
person's (and this tracker's) own; each frame is then decoded beside that. Trained on the head alone,
no picture is needed (`engine.training.reader`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .landmarks import POINTS, turn_matrix

JAW, GAZE = 3, 4  # axis-angle; pitch and yaw of the left eye, then of the right
_LOG_SD = (-6.0, 1.0)


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes; the head's own counts are those of the default head."""

    units: int = 50
    shape: int = 100
    frame: int = 512  # width of a frame's code
    clip: int = 256  # width of the clip's code
    dropout: float = 0.0


class Reading(NamedTuple):
    """B clips of N frames. The camera looks at the points' mean: see `engine.reader`."""

    units: Tensor  # (B, N, E)
    jaw: Tensor  # (B, N, 3) rad
    gaze: Tensor  # (B, N, 4) rad
    log_sd: Tensor  # (B, N, E + 3 + 4) of units, jaw, gaze
    turn: Tensor  # (B, N, 3, 3)
    offset: Tensor  # (B, N, 2) of the head's origin from the points' mean, in their radius
    log_size: Tensor  # (B, N) log(distance x radius), metres
    shape: Tensor  # (B, S)


class ReaderNet(nn.Module):
    """(B, N, L, 3) places and trust of POINTS, (B, N) log radius -> Reading."""

    def __init__(self, config: ReaderConfig = ReaderConfig()) -> None:
        super().__init__()
        self.config = config
        wide = config.frame
        self.encode = nn.Sequential(
            nn.Linear(3 * len(POINTS) + 1, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU()
        )
        self.gather = nn.Sequential(nn.Linear(2 * wide, config.clip), nn.ReLU())
        self.person = nn.Linear(config.clip, config.shape)
        self.decode = nn.Sequential(
            nn.Linear(wide + config.clip, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU()
        )
        self.counts = (config.units, JAW, GAZE, config.units + JAW + GAZE, 6, 2, 1)
        self.out = nn.Linear(wide, sum(self.counts))
        for layer in (self.out, self.person):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, points: Tensor, log_radius: Tensor) -> Reading:
        codes = self.encode(torch.cat([points.flatten(2), log_radius[..., None]], 2))
        spread = (codes.var(1, unbiased=False) + 1e-6).sqrt()
        clip = self.gather(torch.cat([codes.mean(1), spread], 1))  # (B, clip)
        both = torch.cat([codes, clip[:, None].expand(-1, codes.shape[1], -1)], 2)
        out = self.out(self.decode(both)).split(self.counts, 2)
        units, jaw, gaze, log_sd, turn, offset, size = out
        return Reading(
            units, 0.3 * jaw, 0.3 * gaze, (log_sd - 2).clamp(*_LOG_SD),
            turn_matrix(turn.flatten(0, 1)).unflatten(0, turn.shape[:2]), offset,
            size[..., 0] - 2.7, self.person(clip),
        )  # fmt: skip
