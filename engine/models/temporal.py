"""The transformer encoder that both of AVFace's encoders end in (paper, 3.1 and 3.5)."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from .config import Config

_LONGEST_PERIOD = 10_000.0  # of the sinusoids that say which frame it is (Vaswani et al. 2017)


class TemporalEncoder(nn.Module):
    """A window of embeddings in, a window of codes out.

    (open) An embedding whose size the heads don't divide (183 by 4) is first mapped linearly to the
    next size that they do; places in the window are told by sinusoids that are added.

    Args:
        inputs: Size of an embedding.
        outputs: Size of a code.
        config: Layers, heads and widths.
    """

    def __init__(self, inputs: int, outputs: int, config: Config):
        super().__init__()
        heads = config.transformer_heads
        width = -(-inputs // heads) * heads
        self.inlet = nn.Identity() if width == inputs else nn.Linear(inputs, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, config.transformer_hidden, config.transformer_dropout, batch_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, config.transformer_layers, enable_nested_tensor=False
        )
        hidden = [config.transformer_hidden] * (config.projection_layers - 1)
        sizes = [width, *hidden, outputs]
        steps: list[nn.Module] = []
        for a, b in pairwise(sizes):
            steps += [nn.Linear(a, b), nn.ReLU()]
        self.projection = nn.Sequential(*steps[:-1])  # codes have both signs
        self.register_buffer("places", _sinusoids(config.window, width), persistent=False)

    places: Tensor  # (W, width)

    def begin_silent(self) -> None:
        """Answer 0 at first: for transformers that add to something."""
        last = self.projection[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(B, W, inputs), one for each frame -> (B, W, outputs); W may be less than the window."""
        x = self.inlet(embeddings)
        return self.projection(self.layers(x + self.places[: x.shape[1]]))


def _sinusoids(count: int, width: int) -> Tensor:
    place = torch.arange(count, dtype=torch.float32)[:, None]
    pairs = torch.arange(0, width, 2, dtype=torch.float32)
    angle = place * torch.exp(-math.log(_LONGEST_PERIOD) * pairs / width)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :width]
