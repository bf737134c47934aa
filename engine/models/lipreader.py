"""A small lip reader: grey mouths in, the visemes of their frames out.

Its single pictures' features are what SPECTRE's lip-reading loss compares; its temporal part reads.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

# Amazon Polly's visemes of English, those that lips hardly tell apart as one: @ e E, and O o.
VISEMES = ("sil", "p", "f", "T", "t", "s", "S", "k", "r", "u", "i", "E", "a", "o")
MERGED = {"@": "E", "e": "E", "O": "o"}
_LEAST_CONTRAST = 0.02  # of a sequence's greys
_LEAST_RANGE = 0.3  # of a sequence's features: a mouth that rests stays at rest


@dataclass(frozen=True)
class LipReaderConfig:
    """Sizes."""

    side: int = 48  # px of a mouth
    widths: tuple[int, ...] = (16, 32, 64, 96)
    features: int = 128
    kernel: int = 5  # frames
    dropout: float = 0.35
    shapes: int = 0  # numbers of the mouth's shape that training asks for too

    @staticmethod
    def from_metadata(about: dict[str, str]) -> "LipReaderConfig":
        """What `metadata` wrote."""
        widths = tuple(int(width) for width in about["widths"].split())
        counts = {name: int(about[name]) for name in ("side", "features", "kernel", "shapes")}
        return LipReaderConfig(widths=widths, **counts)

    def metadata(self) -> dict[str, str]:
        """The sizes as text, for a weights file."""
        sizes = asdict(self) | {"widths": " ".join(map(str, self.widths))}
        return {name: str(value) for name, value in sizes.items()}


class LipReader(nn.Module):
    """(B, K, 1, P, P) grey mouths in 0..1 -> features (B, K, C); `read` gives visemes.

    A sequence's own brightness and contrast are taken out, so that a film and a drawn head compare.
    Reading goes by the features and by how they differ from the sequence's mean, in its own range:
    people open their mouths more or less.
    """

    def __init__(self, config: LipReaderConfig = LipReaderConfig()) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        before = 1
        for place, width in enumerate(config.widths):
            layers += _convolution(before, width, 5 if place == 0 else 3, stride=2)
            if 0 < place < len(config.widths) - 1:
                layers += _convolution(width, width, 3)
            before = width
        left = config.side // 2 ** len(config.widths)
        size = config.features
        self.front = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * left**2, size))
        self.even = nn.BatchNorm1d(size)
        self.inlet = nn.Linear(2 * size, size)
        self.time = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(size, size, config.kernel, padding=config.kernel // 2, bias=False),
                nn.BatchNorm1d(size), nn.ReLU(), nn.Dropout(config.dropout),
            ) for _ in range(2)
        )  # fmt: skip
        self.last = nn.Linear(size, len(VISEMES))
        self.shape = nn.Linear(size, config.shapes)

    @property
    def side(self) -> int:
        """Pixels along a mouth."""
        return self.config.side

    def forward(self, mouths: Tensor) -> Tensor:
        """Grey mouths (B, K, 1, S, S) -> features (B, K, C); those of another size are scaled."""
        greys = mouths.flatten(0, 1)
        if greys.shape[-1] != self.side:
            size = (self.side, self.side)
            greys = functional.interpolate(greys, size, mode="bilinear", antialias=True)
        greys = greys.unflatten(0, mouths.shape[:2])
        edge = self.side // 6  # behind it may be what is not the face
        face = greys[..., edge:-edge, edge:-edge]
        middle = face.mean((1, 2, 3, 4), keepdim=True)
        spread = face.std((1, 2, 3, 4), keepdim=True).clamp(min=_LEAST_CONTRAST)
        seen = self.front(((greys - middle) / spread).flatten(0, 1))
        return self.even(seen).unflatten(0, mouths.shape[:2])

    def over_time(self, features: Tensor) -> Tensor:
        """(B, K, C) -> log-probabilities of VISEMES (B, K, 14)."""
        away = features - features.mean(1, keepdim=True)
        own = away / (away.std((1, 2), keepdim=True) + _LEAST_RANGE)
        x = functional.relu(self.inlet(torch.cat([features, own], -1))).transpose(1, 2)
        for block in self.time:
            x = x + block(x)
        return torch.log_softmax(self.last(x.transpose(1, 2)), -1)

    def read(self, mouths: Tensor) -> Tensor:
        """(B, K, 1, P, P) -> log-probabilities of VISEMES (B, K, 14)."""
        return self.over_time(self(mouths))


def _convolution(before: int, width: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, width, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(width), nn.ReLU(inplace=True),
    ]  # fmt: skip
