"""Where something lies before a face: a small network that reads the landmark network's maps.

Hands, cups, hair and glasses alike; a quarter of the picture's resolution, about 7 mm of a face.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .landmarks import LandmarkNetConfig, Maps

_CHANNELS = 28


class CoverNet(nn.Module):
    """The landmark network's maps of B pictures of S pixels -> logits (B, S / 4, S / 4)."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        config = LandmarkNetConfig()
        inputs, c = config.neck + config.fine + config.widths[1], _CHANNELS
        self.first = nn.Conv2d(inputs, c, 3, 1, 1)
        reaches = (2, 4, 1)  # a point's surroundings are 19 cells wide
        self.further = nn.ModuleList(nn.Conv2d(c, c, 3, 1, r, dilation=r) for r in reaches)
        self.out = nn.Conv2d(c, 1, 1)
        self.register_buffer("mean", torch.zeros(inputs, 1, 1))  # of the maps in training
        self.register_buffer("deviation", torch.ones(inputs, 1, 1))

    def forward(self, maps: Maps) -> Tensor:
        """See the class."""
        return self.read(maps_together(maps))

    def read(self, maps: Tensor) -> Tensor:
        """(B, C, h, w) of `maps_together` -> logits (B, h, w)."""
        x = torch.relu(self.first((maps - self.mean) / self.deviation))
        for layer in self.further:
            x = x + torch.relu(layer(x))
        return self.out(x)[:, 0]


def maps_together(maps: Maps) -> Tensor:
    """What covers are read from, at a quarter of the picture: (B, C, S / 4, S / 4)."""
    return torch.cat([maps.up, functional.avg_pool2d(maps.fine, 2), maps.low], 1)


def at_points(logits: Tensor, points: Tensor) -> Tensor:
    """Logits (B, h, w) at places (B, L, 2) in half crops from the middle, -1..1: (B, L)."""
    places = points[:, None].to(logits.dtype)  # (B, 1, L, 2)
    read = functional.grid_sample(
        logits[:, None], places, align_corners=False, padding_mode="border"
    )
    return read[:, 0, 0]
