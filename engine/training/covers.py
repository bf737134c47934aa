"""Training of the cover network: on the landmark network's maps, at the points of drawn faces.

The landmark network stays as it is, so its maps are made once. What hides a point is known where
the points are: there the network's map is read and judged.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models.covers import CoverNet, at_points, maps_together
from ..models.landmarks import LIPS, LandmarkNet
from .landmarks import area_under_curve
from .people.labels import COVERED
from .people.ring import Ring

_MESH = 468  # irises move in the eyes
BATCH = 32
_FOR_SCALE = 500  # pictures whose maps tell their usual size


@dataclass(frozen=True)
class Examples:
    """N pictures as the landmark network sees them."""

    maps: Tensor  # (N, C, h, w) half precision, of `maps_together`
    points: Tensor  # (N, 468, 2) half crops from the middle, -1..1
    hidden: Tensor  # (N, 468) 1 where something lies before a point

    def rows(self, rows: Tensor) -> "Examples":
        """Some of them."""
        return Examples(self.maps[rows], self.points[rows], self.hidden[rows])


def see_examples(ring: Ring, net: LandmarkNet, most: int) -> Examples:
    """The first `most` pictures of a ring."""
    count = min(ring.filled, most)
    pictures, size = ring.arrays["pictures"], ring.arrays["pictures"].shape[1]
    maps = []
    with torch.no_grad():
        for start in range(0, count, BATCH):
            batch = torch.from_numpy(np.array(pictures[start : min(start + BATCH, count)]))
            maps.append(maps_together(net.map(batch.permute(0, 3, 1, 2).float())).half())
    points = np.array(ring.arrays["points"][:count, :_MESH]) * (2 / size) - 1
    hidden = np.array(ring.arrays["hidden"][:count, :_MESH]) & COVERED > 0
    return Examples(
        torch.cat(maps), torch.from_numpy(points).float(), torch.from_numpy(hidden).float()
    )


class CoverTask:
    """What the loop trains: see `engine.training.loop.Task`."""

    name = "covers"

    def __init__(self, examples: Examples, held: Examples) -> None:
        self.examples, self.held = examples, held
        self.model = CoverNet()
        some = examples.maps[:_FOR_SCALE].float()
        self.model.mean.copy_(some.mean((0, 2, 3))[:, None, None])
        self.model.deviation.copy_(some.std((0, 2, 3))[:, None, None] + 1e-3)

    def batch_at(self, seed: int, step: int) -> Examples:
        """Random pictures."""
        generator = np.random.default_rng([seed, step])
        rows = generator.integers(0, len(self.examples.maps), BATCH)
        return self.examples.rows(torch.from_numpy(rows))

    def losses(self, batch: Examples) -> dict[str, Tensor]:
        """Whether something lies before each point."""
        return {"hidden": _likelihood(_odds(self.model, batch), batch)}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Of held-out people."""
        assert isinstance(model, CoverNet)
        return judge_covers(model, self.held)


def judge_covers(net: CoverNet, examples: Examples) -> dict[str, float]:
    """The loss; of the lips' points: AUC; of those hidden in part what is found, kept; alarms."""
    with torch.no_grad():
        every = torch.arange(len(examples.maps)).split(BATCH)
        odds = torch.cat([_odds(net, examples.rows(rows)) for rows in every])
    lips = odds[:, list(LIPS)].numpy()
    hidden = examples.hidden[:, list(LIPS)].numpy() > 0.5
    share = hidden.mean(1)
    part, none = (share > 0.1) & (share < 0.6), share == 0
    return {
        "loss": float(_likelihood(odds, examples)),
        "auc_lips": area_under_curve(lips.ravel(), hidden.ravel(), np.ones(lips.size, bool)),
        "found": float((lips[part][hidden[part]] > 0).mean()),
        "kept": float((lips[part][~hidden[part]] < 0).mean()),
        "false": float((lips[none] > 0).mean()) if none.any() else 0.0,
    }


def _odds(net: CoverNet, examples: Examples) -> Tensor:
    """Logits of each point, (N, 468)."""
    return at_points(net.read(examples.maps.float()), examples.points)


def _likelihood(odds: Tensor, examples: Examples) -> Tensor:
    return functional.binary_cross_entropy_with_logits(odds, examples.hidden)
