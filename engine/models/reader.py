"""Landmarks to the head's parameters: a small network that knows the clip it reads.

Every frame's points, and how they differ from the clip's mean, are encoded; the codes' mean and
spread over the clip say what is this person's (and this tracker's) own; each frame is then decoded
beside that. Trained on the head alone,
no picture is needed (`engine.training.reader`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .landmarks import POINTS, turn_matrix

JAW, GAZE = 3, 4  # axis-angle; pitch and yaw of the left eye, then of the right
_LOG_SD = (-6.0, 1.0)
_LEAST_VARIANCE = 2.5e-5  # of whitened inputs: below is a tracker's jitter
_WHITE = 0.2  # deviation of a whitened input: steps of the optimiser stay small


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes; the head's own counts are those of the default head."""

    units: int = 50
    shape: int = 100
    inputs: int = 384  # whitened numbers of a frame
    frame: int = 512  # width of a frame's code
    clip: int = 256  # width of the clip's code


class Reading(NamedTuple):
    """B clips of N frames. The camera looks at the points' mean: see `engine.sight.reader`."""

    units: Tensor  # (B, N, E)
    jaw: Tensor  # (B, N, 3) rad
    gaze: Tensor  # (B, N, 4) rad
    log_sd: Tensor  # (B, N, E + 3 + 4) of units, jaw, gaze
    turn: Tensor  # (B, N, 3, 3)
    offset: Tensor  # (B, N, 2) of the head's origin from the points' mean, in their radius
    log_size: Tensor  # (B, N) log(distance x radius), metres
    shape: Tensor  # (B, S)
    seen: Tensor  # (B, N, inputs) the points, whitened


class ReaderNet(nn.Module):
    """(B, N, L, 3) places and trust of POINTS, (B, N) log radius -> Reading.

    What tells expressions apart is small beside what tells poses and people apart, so the input is
    whitened, and a linear path to every output stands beside the network (`prepare`).
    """

    middle: Tensor
    whiten: Tensor

    def __init__(self, config: ReaderConfig = ReaderConfig()) -> None:
        super().__init__()
        self.config = config
        inputs, wide = 2 * 3 * len(POINTS) + 1, config.frame
        self.register_buffer("middle", torch.zeros(inputs))
        self.register_buffer("whiten", torch.zeros(inputs, config.inputs))
        self.encode = nn.Sequential(
            nn.Linear(config.inputs, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU()
        )
        self.gather = nn.Sequential(nn.Linear(2 * wide, config.clip), nn.ReLU())
        self.person = nn.Linear(config.clip, config.shape)
        self.decode = nn.Sequential(
            nn.Linear(wide + config.clip, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU()
        )
        self.counts = (config.units, JAW, GAZE, config.units + JAW + GAZE, 6, 2, 1)
        self.out = nn.Linear(wide, sum(self.counts))
        self.straight = nn.Linear(config.inputs, sum(self.counts))
        for layer in (self.out, self.person):
            nn.init.normal_(layer.weight, 0, 0.005)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.straight.weight)
        nn.init.zeros_(self.straight.bias)

    def forward(self, points: Tensor, log_radius: Tensor) -> Reading:
        """See the class."""
        seen = (self.features(points, log_radius) - self.middle) @ self.whiten
        codes = self.encode(seen)
        spread = (codes.var(1, unbiased=False) + 1e-6).sqrt()
        clip = self.gather(torch.cat([codes.mean(1), spread], 1))  # (B, clip)
        both = torch.cat([codes, clip[:, None].expand(-1, codes.shape[1], -1)], 2)
        out = (self.straight(seen) + self.out(self.decode(both))).split(self.counts, 2)
        units, jaw, gaze, log_sd, turn, offset, size = out
        turn = turn_matrix(turn.flatten(0, 1)).unflatten(0, turn.shape[:2])
        return Reading(
            units, jaw, gaze, log_sd.clamp(*_LOG_SD), turn, offset, size[..., 0],
            self.person(clip), seen,
        )  # fmt: skip

    @staticmethod
    def features(points: Tensor, log_radius: Tensor) -> Tensor:
        """What a frame shows, and how it differs from the clip's mean: (B, N, 6 L + 1)."""
        away = points - points.mean(1, keepdim=True)
        return torch.cat([points.flatten(2), away.flatten(2), log_radius[..., None]], 2)

    @torch.no_grad()
    def prepare(self, features: Tensor, targets: Tensor) -> None:
        """Whiten by examples (n, 6 L + 1) and set the linear path to their ridge regression.

        Args:
            features: as `features` gives them.
            targets: (n, D) of every output but the deviations, in the outputs' order.
        """
        features, targets = features.double(), targets.double()
        self.middle.copy_(features.mean(0))
        away = features - features.mean(0)
        variance, axes = torch.linalg.eigh(away.T @ away / len(away))
        kept = axes[:, -self.config.inputs :]
        scale = _WHITE * (variance[-self.config.inputs :].clamp_min(0) + _LEAST_VARIANCE).rsqrt()
        self.whiten.copy_(kept * scale)
        seen = away @ (kept * scale)
        ridge = 0.01 * _WHITE**2 * len(seen)
        system = seen.T @ seen + ridge * torch.eye(seen.shape[1], dtype=torch.float64)
        weights = torch.linalg.solve(system, seen.T @ (targets - targets.mean(0)))  # (inputs, D)
        told = self.counts[0] + self.counts[1] + self.counts[2]
        rows = [*range(told), *range(2 * told, sum(self.counts))]
        self.straight.weight[rows] = weights.T.to(self.straight.weight)
        self.straight.bias[rows] = targets.mean(0).to(self.straight.bias)
        error = (targets - targets.mean(0) - seen @ weights)[:, :told].std(0).clamp_min(1e-3)
        self.straight.bias[told : 2 * told] = error.log().to(self.straight.bias)
