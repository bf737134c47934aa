"""Training of the network that reads rows of teeth: on drawn open mouths."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..models.rows import FIRST, LAST, ROWS, RowsNet, beside_skin, edges_of
from .open_mouths import OpenMouths

BATCH = 64
_SURE = 0.12  # of the gap: what counts as read
# What the skin's tone, a film's colours and its noise differ by: log.
_TONE, _CONTRAST, _CHROMA, _TINT, _NOISE, _GREY = 0.2, 0.15, 0.3, 0.08, 0.05, 0.06


@dataclass(frozen=True)
class Mouths:
    """N pictures as the network sees them, with their truth."""

    pictures: Tensor  # (N, 3, rows, columns)
    gaps: Tensor  # (N,)
    edges: Tensor  # (N, 2)

    @staticmethod
    def of(drawn: OpenMouths) -> "Mouths":
        """Drawn mouths."""
        return Mouths(
            beside_skin(drawn.crops, drawn.skin),
            torch.from_numpy(drawn.gaps),
            torch.from_numpy(drawn.edges),
        )


class RowsTask:
    """What the loop trains: see `engine.training.loop.Task`."""

    name = "rows"

    def __init__(self, mouths: Mouths, held: Mouths) -> None:
        self.mouths, self.held = mouths, held
        self.model: nn.Module = RowsNet()

    def batch_at(self, seed: int, step: int) -> Mouths:
        """Random mouths in other light, of either side."""
        draw = np.random.default_rng([seed, step])
        generator = torch.Generator().manual_seed(int(draw.integers(1 << 62)))
        rows = torch.randint(len(self.mouths.gaps), (BATCH,), generator=generator)
        seen = _in_other_light(self.mouths.pictures[rows], generator)
        return Mouths(seen, self.mouths.gaps[rows], self.mouths.edges[rows])

    def losses(self, batch: Mouths) -> dict[str, Tensor]:
        """How unlikely the true edges are."""
        return {"edges": _unlikeliness(self.model(batch.pictures, batch.gaps), batch.edges)}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Of held-out people: the loss, how much is read, and how exactly."""
        assert isinstance(model, RowsNet)
        return judge_rows(model, self.held)


def judge_rows(net: RowsNet, mouths: Mouths) -> dict[str, float]:
    """The loss; of each row the share that is surely read, and the median error there (gaps)."""
    with torch.no_grad():
        logits = net(mouths.pictures, mouths.gaps)
    edges, sd = edges_of(logits)
    figures = {"loss": float(_unlikeliness(logits, mouths.edges))}
    for k, name in enumerate(("upper", "lower")):
        sure = sd[:, k] < _SURE
        figures[f"{name}_read"] = float(sure.float().mean())
        if sure.any():
            off = (edges - mouths.edges)[sure, k].abs()
            figures[f"{name}_off"] = float(off.median())
    return figures


def _unlikeliness(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy with edges (B, 2), each shared by the two rows that it lies between."""
    log = logits.log_softmax(2)
    place = (truth.clamp(FIRST, LAST) - FIRST) / (LAST - FIRST) * (ROWS - 1)
    above = place.long().clamp(max=ROWS - 2)[..., None]
    share = place[..., None] - above
    return -(log.gather(2, above) * (1 - share) + log.gather(2, above + 1) * share).mean()


def _in_other_light(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (B, 3, rows, columns) by another camera, half of them mirrored."""
    count = len(pictures)

    def each(spread: float, channels: int) -> Tensor:
        return spread * torch.randn(count, channels, 1, 1, generator=generator)

    mirrored = torch.rand(count, 1, 1, 1, generator=generator) < 0.5
    seen = torch.where(mirrored, pictures.flip(3), pictures)
    light = (seen[:, :1] + each(_TONE, 1)) * each(_CONTRAST, 1).exp()
    chroma = seen[:, 1:] * each(_CHROMA, 1).exp() + each(_TINT, 2)
    noise = torch.rand(count, 1, 1, 1, generator=generator) * _NOISE
    seen = torch.cat([light, chroma], 1)
    seen = seen + noise * torch.randn(seen.shape, generator=generator)
    grey = torch.rand(count, 1, 1, 1, generator=generator) < _GREY
    return torch.where(grey & (torch.arange(3)[:, None, None] > 0), 0.0, seen)
