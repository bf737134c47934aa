"""What is read from a picture of a face, frame by frame, as numbers: the shared trunk's output.

The landmark network finds points in the picture, the reader turns points (those of a tracker
beside them, where there is one) into parameters of the head: `engine.sight.features` puts the two
together. AVFace's encoders begin where they end, so the picture is looked at once for both of them.
"""

import torch
from torch import Tensor, nn

from .landmarks import BROWS, IRISES, LIDS, LIPS, NOSE, OVAL, SKIN
from .reader import ReaderConfig

GROUPS = (LIPS, LIDS, BROWS, OVAL, NOSE, SKIN, IRISES)
COLOURED = SKIN + NOSE + LIPS[:20]  # points whose colours tell skin and light
# What a frame is told as, in this order. Parameters are those of the default head.
PARTS = {
    "units": 50,
    "jaw": 3,  # rad
    "gaze": 4,  # rad: pitch and yaw, left then right
    "pose": 3,  # rad, of the crop's camera: `engine.faces.crops`
    "camera": 3,
    "shape": 100,  # of the clip
    "log_sd": 57,  # of units, jaw, gaze, as the reader believes
    "points": ReaderConfig().inputs,  # whitened, and how they differ from the clip's mean
    "visible": 6,  # what is seen of `landmarks.REGIONS`
    "sigma": len(GROUPS),  # log deviation of the points of each group, half crops
    "apart": len(GROUPS),  # log distance of the network's points from the tracker's
    "known": 2,  # 1 where there are points of the network, of the tracker
    "colours": 3 * len(COLOURED),  # 0..1
}
WITHOUT_COLOURS = sum(PARTS.values()) - PARTS["colours"]
SIGHT = sum(PARTS.values())
_FARTHEST = 6.0  # deviations: what is odder tells no more


def part(name: str) -> slice:
    """Where a part lies."""
    names = list(PARTS)
    start = sum(PARTS[other] for other in names[: names.index(name)])
    return slice(start, start + PARTS[name])


class SightBackbone(nn.Module):
    """Stands where a picture backbone would: (N, SIGHT) -> (N, `outputs`).

    What is read passes through, each number with mean 0 and a small deviation over the examples
    (`measure`), so that steps of the optimiser stay small; beside it stand `hidden` features of all
    of it together.

    Args:
        inputs: How many of the numbers are used, the first ones.
        hidden: Width of the two layers.
    """

    middle: Tensor
    scale: Tensor
    quiet = 0.1  # deviation of what passes through

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, inputs + hidden
        self.register_buffer("middle", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )

    def forward(self, sight: Tensor) -> Tensor:
        """(N, SIGHT) -> (N, inputs + hidden)."""
        even = (sight[..., : self.inputs] - self.middle) / self.scale
        even = even.clamp(-_FARTHEST, _FARTHEST)
        return torch.cat([self.quiet * even, self.layers(even)], -1)

    @torch.no_grad()
    def measure(self, examples: Tensor) -> None:
        """Set mean and deviation by examples (n, SIGHT)."""
        mine = examples[:, : self.inputs]
        self.middle.copy_(mine.mean(0))
        self.scale.copy_(mine.std(0).clamp_min(1e-3))
