"""Training the fine network on the sheet: relief without pigment from what shading leaves.

The truth is known (`unwrapped`), so the losses are those of slopes and heights; the paper's, which
need no truth, are `fine`'s.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..detail.evidence import TEXELS
from ..models.config import RELIEF
from ..models.fine import FineNetwork
from .unwrapped import Example, Gallery

_FRESH = 2  # new examples in each step
_KEPT = 192  # examples that batches are drawn from
_KNEE = 0.05  # slopes' errors count squared below, absolutely above
_HEIGHT = 0.2  # weight of the heights' error, mm
_FOLD_SLOPE = 0.1  # from which skin counts as folded
_FOLD_WEIGHT = 1.5  # of folds beside flat skin's 1
_UNSEEN = 0.02  # weight of relief that is not seen: it should go on smoothly
_HELD_OUT_SEED = 90_017
_MIRRORED = (1.0, -1.0, 1.0, -1.0, 1.0, 1.0)  # signs of the maps (`detail.evidence`)


class ReliefTask:
    """`loop.Task`: relief (mm) from evidence. No sound is given: the channel is zero."""

    name = "fine"

    def __init__(self, batch: int = 8, seed: int = 0, judges: int = 60, people: int = 120) -> None:
        gallery, self.batch = Gallery(seed, people), batch
        self.texel_mm = gallery.sheet.texel_mm
        self._example = lru_cache(_KEPT)(gallery.example)
        network = FineNetwork(RELIEF)
        nn.init.normal_(network.last.weight, std=1e-3)  # begins flat
        self.model: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        held_out = Gallery(_HELD_OUT_SEED + seed, max(people // 3, 2))
        self.judges = [held_out.example(k, solve=True) for k in range(judges)]
        self.metadata = {"network": "fine", "config": RELIEF.to_json()}

    def batch_at(self, seed: int, step: int) -> dict[str, Tensor]:
        """Some of the latest examples, each mirrored half of the time."""
        random, oldest = np.random.default_rng((seed, step)), _FRESH * step
        rows = random.choice(_KEPT, self.batch, replace=False)
        # the example in row r of a ring, in which each new one takes the oldest one's place
        examples = [self._example(oldest + int(row - oldest) % _KEPT) for row in rows]
        given = np.stack([example.given for example in examples]).astype(np.float32)
        relief = np.stack([example.relief for example in examples]).astype(np.float32)
        for k in np.flatnonzero(random.random(self.batch) < 0.5):
            given[k] = given[k, ..., ::-1] * np.array(_MIRRORED, np.float32)[:, None, None]
            relief[k] = relief[k, :, ::-1]
        return {"given": torch.from_numpy(given), "relief": torch.from_numpy(relief)[:, None]}

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Slopes along u and v, and heights; folds count more than flat skin."""
        found = run(self.model, batch["given"]).float()
        true, weight = batch["relief"], batch["given"][:, -1:] + _UNSEEN
        slopes = self._slopes(found) - self._slopes(true)
        steep = self._slopes(true).norm(dim=1, keepdim=True)
        weight = weight * (1 + _FOLD_WEIGHT * (steep / _FOLD_SLOPE).clamp(max=1))
        wrong = functional.smooth_l1_loss(
            slopes, torch.zeros_like(slopes), beta=_KNEE, reduction="none"
        )
        away = functional.smooth_l1_loss(found, true, beta=0.1, reduction="none")
        return {
            "slopes": (weight * wrong).sum() / weight.sum(),
            "heights": _HEIGHT * (weight * away).sum() / weight.sum(),
        }

    def _slopes(self, relief: Tensor) -> Tensor:
        """(N, 1, R, R) mm -> (N, 2, R, R) mm per mm, forward differences."""
        across = functional.pad(relief[..., 1:] - relief[..., :-1], (0, 1, 0, 0))
        down = functional.pad(relief[..., 1:, :] - relief[..., :-1, :], (0, 0, 0, 1))
        return torch.cat([across, down], 1) / self.texel_mm

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Mean angle between found and true normals, degrees, on people who weren't seen.

        "face": all skin that the picture shows; "folds": where the truth is steep. Beside the
        network what a smooth head has ("flat") and what the solver finds ("solved").
        """
        angles: dict[str, list[float]] = {}
        for example in self.judges:
            given = torch.from_numpy(example.given.astype(np.float32))[None]
            assert example.solved is not None
            kind = "passing" if example.passing else "lasting"
            for name, relief in (
                ("net", run(model, given)[0, 0].float().numpy()),
                ("flat", np.zeros((TEXELS, TEXELS), np.float32)),
                ("solved", example.solved),
            ):
                for where, value in normal_errors(relief, example, self.texel_mm).items():
                    angles.setdefault(f"{kind}_{where}_{name}", []).append(value)
        figures = {name: float(np.mean(values)) for name, values in sorted(angles.items())}
        net = [value for name, value in figures.items() if name.endswith("net")]
        return {"degrees": float(np.mean(net)), **figures}


def run(model: nn.Module, given: Tensor) -> Tensor:
    """(N, 6, R, R) -> relief (N, 1, R, R) mm, without sound."""
    assert isinstance(model, FineNetwork)
    silence = model.silence(len(given)).to(given)
    return 1e3 * model(given.contiguous(memory_format=torch.channels_last), silence)


def normal_errors(relief: np.ndarray, example: Example, texel_mm: float) -> dict[str, float]:
    """Mean degrees between normals of a relief and the true ones, on the face and in folds."""
    true = example.relief.astype(np.float32)
    found, wanted = (_normals(values, texel_mm) for values in (relief, true))
    angle = np.degrees(np.arccos(np.clip((found * wanted).sum(0), -1, 1)))
    seen = example.given[-1] > 0.5
    folded = seen & (np.arccos(wanted[2]) > np.arctan(_FOLD_SLOPE))
    out = {"face": float(angle[seen].mean())} if seen.sum() > 500 else {}
    return out | ({"folds": float(angle[folded].mean())} if folded.sum() > 100 else {})


def _normals(relief: np.ndarray, texel_mm: float) -> np.ndarray:
    down, across = np.gradient(relief, texel_mm)
    normals = np.stack([-across, -down, np.ones_like(relief)])
    return normals / np.linalg.norm(normals, axis=0)
