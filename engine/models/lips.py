"""The lip network: what the sound adds to lips that landmarks have placed (AVFace, section 3.2).

A SIREN (Sitzmann et al. 2020) over places on the lips, its layers conditioned by FiLM (Perez et al.
2018). The condition is the window of speech features, as in the paper, and how the coarse lips
stand: so lips that are right already are left alone, whoever speaks.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

STATE = ("jaw", "gap", "nearly_shut", "width", "depth", "upper_height", "lower_height")
_LOG_FLOOR = -9.3  # log-posteriors are never below log 1e-4
OFFSET_SCALE = 2e-3  # m: an output of 1


@dataclass(frozen=True)
class LipConfig:
    """Sizes of the network."""

    features: int = 29
    window: int = 16
    width: int = 64  # of the SIREN
    layers: int = 3
    condition: int = 64
    first_frequency: float = 6.0  # places span -1 to 1


class LipNet(nn.Module):
    """Windows (B, 16, C), lip states (B, 7) and places (M, 3) -> offsets (B, M, 3) in metres."""

    def __init__(self, config: LipConfig) -> None:
        super().__init__()
        self.config = config
        wide, count = config.condition, config.width
        self.listen = nn.Sequential(
            nn.Conv1d(2 * config.features, 48, 3, 2, 1), nn.GELU(),
            nn.Conv1d(48, 48, 3, 2, 1), nn.GELU(),
            nn.Flatten(), nn.Linear(48 * (config.window // 4), wide), nn.GELU(),
        )  # fmt: skip
        self.look = nn.Sequential(nn.Linear(len(STATE), 32), nn.GELU(), nn.Linear(32, wide))
        self.join = nn.Sequential(nn.Linear(2 * wide, 2 * wide), nn.GELU())
        self.film = nn.Linear(2 * wide, 2 * count * config.layers)
        sizes = [3] + [count] * config.layers
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.strength = nn.Linear(2 * wide, count)
        self.outlet = nn.Linear(count, 3, bias=False)
        self._start()

    def forward(self, windows: Tensor, state: Tensor, places: Tensor) -> Tensor:
        """See the class: log-posteriors, lips in units of order one, places within -1 to 1."""
        logs = windows.clamp(min=_LOG_FLOOR)
        heard = torch.cat([logs / -_LOG_FLOOR + 0.5, logs.exp() * 2], -1).transpose(1, 2)
        condition = self.join(torch.cat([self.listen(heard), self.look(state)], -1))
        film = self.film(condition).unflatten(-1, (self.config.layers, 2, -1))  # (B, l, 2, width)
        x = places.expand(len(windows), -1, -1)
        for k, layer in enumerate(self.layers):
            gain, shift = 1 + film[:, k, 0, None], film[:, k, 1, None]
            frequency = self.config.first_frequency if k == 0 else 1.0
            x = torch.sin(frequency * gain * layer(x) + shift)
        # conditioned too: what is heard scales the last layer's waves, and so the offsets
        return self.outlet(x * self.strength(condition)[:, None]) * OFFSET_SCALE

    def _start(self) -> None:
        """SIREN's start (eq. 5, with the frequency of later layers in their weights)."""
        with torch.no_grad():
            for k, layer in enumerate(self.layers):
                assert isinstance(layer, nn.Linear)
                fan = layer.in_features
                reach = 1 / fan if k == 0 else math.sqrt(6 / fan)
                layer.weight.uniform_(-reach, reach)
                layer.bias.uniform_(-reach, reach)
            self.film.weight.mul_(0.3)
            self.film.bias.zero_()
            self.strength.weight.mul_(0.3)
            self.strength.bias.zero_()


def smooth_normals(points: Tensor, faces: Tensor) -> Tensor:
    """Unit normals of vertices, weighted by area: (B, M, 3), (F, 3) -> (B, M, 3)."""
    a, b, c = (points[:, faces[:, k]] for k in range(3))
    cross = torch.cross(b - a, c - a, dim=-1)
    normals = torch.zeros_like(points)
    for k in range(3):
        normals = normals.index_add(1, faces[:, k], cross)
    return functional.normalize(normals, dim=-1, eps=1e-12)


def describe(net: LipNet, kind: str, heard_by: str) -> dict[str, str]:
    """What a weights file says of itself: the feature's kind and the sha256 of what made it."""
    return {"kind": kind, "heard_by": heard_by, "config": json.dumps(asdict(net.config))}


def restore(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> LipNet:
    """The network of a weights file, ready for use."""
    net = LipNet(LipConfig(**json.loads(metadata["config"])))
    net.load_state_dict(dict(tensors))
    return net.eval().requires_grad_(False)
