"""Training of the cover network: on the landmark network's maps, at the points of drawn faces.

The landmark network stays as it is, so its maps are made once. What hides a point is known where
the points are: there the network's map is read and judged.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..models.covers import CoverNet, at_points, maps_together
from ..models.landmarks import LIPS, LandmarkNet
from .landmarks import area_under_curve
from .people.labels import COVERED
from .people.ring import Ring

_MESH = 468  # irises move in the eyes
_BATCH = 32
_RATE, _DECAY = 3e-3, 0.01
_FOR_SCALE = 500  # pictures whose maps tell their usual size


@dataclass(frozen=True)
class Examples:
    """N pictures as the landmark network sees them."""

    maps: Tensor  # (N, C, h, w) half precision, of `maps_together`
    points: Tensor  # (N, 468, 2) half crops from the middle, -1..1
    hidden: Tensor  # (N, 468) 1 where something lies before a point


def see_examples(ring: Ring, net: LandmarkNet, most: int) -> Examples:
    """The first `most` pictures of a ring."""
    count = min(ring.filled, most)
    pictures, size = ring.arrays["pictures"], ring.arrays["pictures"].shape[1]
    maps = []
    with torch.no_grad():
        for start in range(0, count, _BATCH):
            batch = torch.from_numpy(np.array(pictures[start : min(start + _BATCH, count)]))
            maps.append(maps_together(net.map(batch.permute(0, 3, 1, 2).float())).half())
    points = np.array(ring.arrays["points"][:count, :_MESH]) * (2 / size) - 1
    hidden = np.array(ring.arrays["hidden"][:count, :_MESH]) & COVERED > 0
    return Examples(
        torch.cat(maps), torch.from_numpy(points).float(), torch.from_numpy(hidden).float()
    )


def train_covers(examples: Examples, rounds: int) -> CoverNet:
    """A network that has seen all examples `rounds` times, in an order by torch's generator."""
    net, count = CoverNet(), len(examples.maps)
    some = examples.maps[:_FOR_SCALE].float()
    net.mean.copy_(some.mean((0, 2, 3))[:, None, None])
    net.deviation.copy_(some.std((0, 2, 3))[:, None, None] + 1e-3)
    optimizer = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=_DECAY)
    steps = max(1, rounds * count // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, steps)
    for _ in range(steps):
        rows = torch.randint(0, count, (_BATCH,))
        read = at_points(net.read(examples.maps[rows].float()), examples.points[rows])
        loss = functional.binary_cross_entropy_with_logits(read, examples.hidden[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net


def judge_covers(net: CoverNet, examples: Examples) -> dict[str, float]:
    """Of the lips' points: AUC; of lips hidden in part what is found and kept; false alarms."""
    with torch.no_grad():
        odds = torch.cat([
            at_points(net.read(examples.maps[start : start + 64].float()),
                      examples.points[start : start + 64])
            for start in range(0, len(examples.maps), 64)
        ])  # fmt: skip
    lips = odds[:, list(LIPS)].numpy()
    hidden = examples.hidden[:, list(LIPS)].numpy() > 0.5
    share = hidden.mean(1)
    part, none = (share > 0.1) & (share < 0.6), share == 0
    return {
        "auc_lips": area_under_curve(lips.ravel(), hidden.ravel(), np.ones(lips.size, bool)),
        "found": float((lips[part][hidden[part]] > 0).mean()),
        "kept": float((lips[part][~hidden[part]] < 0).mean()),
        "false": float((lips[none] > 0).mean()) if none.any() else 0.0,
    }
