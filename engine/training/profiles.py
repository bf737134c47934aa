"""Training of the landmark network's last layers for faces seen from the side.

The network learnt on heads as people hold them before a camera, few beyond 50 degrees, so that it
takes a profile for 60. What its points see is enough to tell (docs/log.md): only what they make of
it together is learnt anew, so that nothing changes for faces from in front, and the maps are made
once.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from ..models.landmarks import PROFILE, LandmarkNet, Told
from .landmarks import LandmarkBatch, landmark_losses, make_batch
from .people.ring import Ring

BATCH = 64
_BANDS = (30, 50, 60, 70, 80, 95)  # degrees of yaw


@dataclass(frozen=True)
class Profiles:
    """N pictures as the landmark network's points see them, with their truth."""

    told: Told  # in half precision
    truth: LandmarkBatch  # without the pictures

    def rows(self, rows: Tensor) -> "Profiles":
        """Some of them."""
        return Profiles(
            Told(*(values[rows].float() for values in self.told)),
            LandmarkBatch(
                self.truth.pictures, self.truth.points[rows], self.truth.weight[rows],
                self.truth.visible[rows], self.truth.turn[rows],
            ),
        )  # fmt: skip


def see_profiles(rings: list[Ring], net: LandmarkNet, seed: int | None) -> Profiles:
    """All pictures of some rings, each shaken once where a `seed` is given."""
    told, truth = [], []
    generator = None if seed is None else np.random.default_rng(seed)
    with torch.no_grad():
        for ring in rings:
            for start in range(0, ring.filled, BATCH):
                rows = np.arange(start, min(start + BATCH, ring.filled))
                batch = make_batch(ring, rows, generator)
                told.append(Told(*(part.half() for part in net.tell(net.map(batch.pictures)))))
                truth.append((batch.points, batch.weight, batch.visible, batch.turn))
    return Profiles(
        Told(*(torch.cat(part) for part in zip(*told, strict=True))),
        LandmarkBatch(torch.zeros(0), *(torch.cat(part) for part in zip(*truth, strict=True))),
    )


class ProfileTask:
    """What the loop trains: see `engine.training.loop.Task`."""

    name = "profiles"

    def __init__(self, model: LandmarkNet, seen: Profiles, held: Profiles) -> None:
        self.model: nn.Module = model
        self.seen, self.held = seen, held
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name.startswith(PROFILE))

    def batch_at(self, seed: int, step: int) -> Profiles:
        """Random pictures."""
        generator = np.random.default_rng([seed, step])
        rows = generator.integers(0, len(self.seen.truth.points), BATCH)
        return self.seen.rows(torch.from_numpy(rows))

    def losses(self, batch: Profiles) -> dict[str, Tensor]:
        """The landmark network's own, but for its maps, which stay."""
        assert isinstance(self.model, LandmarkNet)
        losses = landmark_losses(self.model.agreed(batch.told), batch.truth)
        return {name: loss for name, loss in losses.items() if name != "guess"}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Of held-out people."""
        assert isinstance(model, LandmarkNet)
        return judge_profiles(model, self.held)


def judge_profiles(net: LandmarkNet, profiles: Profiles) -> dict[str, float]:
    """Points' error, % of their box; yaw by how far heads are turned: mean error, deviation."""
    every = profiles.rows(torch.arange(len(profiles.truth.points)))
    with torch.no_grad():
        found = net.agreed(every.told)
    box = np.ptp(every.truth.points.numpy(), axis=1).prod(1) ** 0.5
    error = (found.points - every.truth.points).norm(dim=2).mean(1).numpy() / box
    yaw, truth = _yaw(found.turn.numpy()), _yaw(every.truth.turn.numpy())
    off = np.sign(truth) * ((yaw - truth + 180) % 360 - 180)
    figures = {"nme_percent": 100 * float(error.mean())}
    for low, high in pairwise(_BANDS):
        band = (np.abs(truth) >= low) & (np.abs(truth) < high)
        figures[f"nme_{low}"] = 100 * float(error[band].mean())
        figures[f"yaw_{low}"] = float(off[band].mean())
        figures[f"sd_{low}"] = float(off[band].std())
    return figures


def _yaw(turn: np.ndarray) -> np.ndarray:
    """Degrees of yaw of turns (N, 3, 3)."""
    return np.degrees(np.arctan2(-turn[:, 2, 0], turn[:, 2, 2]))
