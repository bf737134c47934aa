"""Training of the landmark network on synthetic performers alone.

Losses: distance of points (soft-argmax and corrected), Gaussian likelihood for their deviations,
differences of pairs (lip gap, width, lids, brows: what an animator sees and a mean face loses),
what is seen of each region, head turn. Covered points count in the likelihood only in part.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from ..geometry import embed
from ..models.landmarks import BROWS, IRISES, LIDS, LIPS, POINTS, Found, LandmarkNet
from .people.labels import COVERED
from .people.ring import Ring
from .people.stage import build_stage

# Pairs whose difference must be right, with its weight: the signals of `engine.evaluation`.
_PAIRS = (
    (13, 14, 3.0), (82, 87, 2.0), (312, 317, 2.0), (81, 178, 1.5), (311, 402, 1.5), (0, 17, 1.5),
    (61, 291, 3.0), (78, 308, 2.0), (159, 145, 3.0), (386, 374, 3.0), (158, 153, 2.0),
    (385, 380, 2.0), (160, 144, 2.0), (387, 373, 2.0), (105, 159, 1.5), (334, 386, 1.5),
    (66, 158, 1.0), (296, 385, 1.0), (63, 160, 1.0), (293, 387, 1.0), (152, 1, 2.0),
    (107, 133, 1.0), (336, 362, 1.0), (468, 33, 1.5), (468, 133, 1.5), (473, 263, 1.5),
    (473, 362, 1.5),
)  # fmt: skip
_PLACE = {mesh: k for k, mesh in enumerate(POINTS)}
_SWAPPED_REGIONS = (0, 1, 3, 2, 5, 4)
_COVERED_SHARE = 0.25


@dataclass(frozen=True)
class LandmarkBatch:
    """B pictures. Points in half crops from the middle."""

    pictures: Tensor  # (B, 3, S, S) 0..255
    points: Tensor  # (B, L, 2)
    weight: Tensor  # (B, L) how much a point's place counts
    visible: Tensor  # (B, R), -1 unknown
    turn: Tensor  # (B, 3, 3)


@cache
def mirrored_points() -> np.ndarray:
    """For each of POINTS the one that it becomes in a mirror, (L,)."""
    stage = build_stage()
    file = stage.head.file
    face, weights = stage.points
    place = embed(file.template, file.faces, (face[list(POINTS)], weights[list(POINTS)]))
    apart = np.linalg.norm((place * [-1, 1, 1])[:, None] - place[None], axis=2)
    return linear_sum_assignment(apart + apart.T)[1]


class LandmarkTask:
    """What the loop trains: see `engine.training.loop.Task`."""

    name = "landmarks"

    def __init__(self, model: LandmarkNet, rings: list[Ring], held: Ring, batch: int = 32) -> None:
        self.model, self.rings, self.held, self.batch = model, rings, held, batch

    def batch_at(self, seed: int, step: int) -> LandmarkBatch:
        """Random rows of what one of the rings holds at the time; more as they fill."""
        generator = np.random.default_rng([seed, step])
        ring = self.rings[generator.integers(len(self.rings))]
        rows = np.sort(generator.integers(0, ring.filled, self.batch))
        return make_batch(ring, rows, generator)

    def losses(self, batch: LandmarkBatch) -> dict[str, Tensor]:
        """Of the network's answer."""
        found = self.model(batch.pictures.contiguous(memory_format=torch.channels_last))
        return landmark_losses(found, batch)

    def evaluate(self, model: torch.nn.Module) -> dict[str, float]:
        """On held-out people: point error (% of the face's box), signals' correlations, AUCs."""
        found, truth = [], []
        device = next(model.parameters()).device
        for start in range(0, self.held.filled, 64):
            rows = np.arange(start, min(start + 64, self.held.filled))
            batch = make_batch(self.held, rows, None)
            with torch.autocast(device.type, torch.bfloat16, enabled=True):
                found.append(model(batch.pictures.to(device)))
            truth.append(batch)
        joined = Found(*(torch.cat(part).float().cpu() for part in zip(*found, strict=True)))
        return judge(joined, truth)


def landmark_losses(found: Found, batch: LandmarkBatch) -> dict[str, Tensor]:
    """Weighted so that each begins at about the same size."""
    weight = batch.weight * torch.from_numpy(_point_weights()).to(batch.weight.device)
    apart = found.points - batch.points
    distance = (apart.square().sum(2) + 1e-6).sqrt()
    guessed = ((found.guess - batch.points).square().sum(2) + 1e-6).sqrt()
    square = distance.detach().square()
    unlikely = 2 * found.log_sigma + 0.5 * square * torch.exp(-2 * found.log_sigma)
    known = batch.visible >= 0
    seen = functional.binary_cross_entropy_with_logits(
        found.visible, batch.visible.clamp(0, 1), reduction="none"
    )
    return {
        "points": 12 * (distance * weight).mean(),
        "guess": 5 * (guessed * weight).mean(),
        "pairs": 12 * _pair_loss(apart, batch.weight),
        "sigma": 0.05 * unlikely.mean(),
        "visible": (seen * known).mean(),
        "turn": 4 * (found.turn - batch.turn).abs().mean(),
    }


def _pair_loss(apart: Tensor, weight: Tensor) -> Tensor:
    first, second, _ = (
        torch.tensor([(_PLACE[a], _PLACE[b], 0) for a, b, _ in _PAIRS]).to(apart.device).unbind(1)
    )
    weights = torch.tensor([w for _, _, w in _PAIRS], device=apart.device)
    difference = (apart[:, first] - apart[:, second]).abs().sum(2)
    both = torch.minimum(weight[:, first], weight[:, second])
    return (difference * both * weights).mean()


@cache
def _point_weights() -> np.ndarray:
    weights = np.ones(len(POINTS), np.float32)
    for group, weight in ((LIPS, 2.0), (LIDS, 2.0), (BROWS, 1.5), (IRISES, 1.2)):
        weights[[_PLACE[mesh] for mesh in group]] = weight
    return weights / weights.mean()


def make_batch(ring: Ring, rows: np.ndarray, generator: np.random.Generator | None):
    """Rows (B,) of a ring as a batch; shaken a little where a generator is given."""
    arrays, picked = ring.arrays, list(POINTS)
    pictures = arrays["pictures"][rows]
    size = pictures.shape[1]
    points = arrays["points"][rows][:, picked]
    hidden = arrays["hidden"][rows][:, picked]
    visible, turn = arrays["visible"][rows], arrays["turn"][rows]
    if generator is not None:
        pictures, points, visible, turn, hidden = _shaken(
            pictures, points, visible, turn, hidden, generator
        )
    weight = np.where(hidden & COVERED, np.float32(_COVERED_SHARE), np.float32(1))
    return LandmarkBatch(
        torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float(),
        torch.from_numpy(points * (2 / size) - 1).float(), torch.from_numpy(weight),
        torch.from_numpy(np.ascontiguousarray(visible)), torch.from_numpy(turn.copy()),
    )  # fmt: skip


def _shaken(pictures, points, visible, turn, hidden, generator: np.random.Generator):
    """Mirrored, turned in the picture, moved, other colours; labels follow."""
    size, swap = pictures.shape[1], mirrored_points()
    pictures, points, turn = pictures.copy(), points.copy(), turn.copy()
    visible, hidden = visible.copy(), hidden.copy()
    flip = np.array([-1, 1, 1], np.float32)
    for k in range(len(pictures)):
        if generator.random() < 0.5:
            pictures[k] = pictures[k][:, ::-1]
            points[k] = points[k][swap]
            points[k, :, 0] = size - points[k, :, 0]
            visible[k], hidden[k] = visible[k][list(_SWAPPED_REGIONS)], hidden[k][swap]
            turn[k] = turn[k] * flip[:, None] * flip[None]
        if generator.random() < 0.5:
            pictures[k], points[k], turn[k] = _moved(pictures[k], points[k], turn[k], generator)
        if generator.random() < 0.4:
            gains = np.exp(generator.normal(0, 0.07, 3) + generator.normal(0, 0.12))
            shifted = pictures[k] * gains.astype(np.float32) + np.float32(generator.normal(0, 8))
            pictures[k] = np.clip(shifted, 0, 255).astype(np.uint8)
    return pictures, points, visible, turn, hidden


def _moved(picture: np.ndarray, points: np.ndarray, turn: np.ndarray, generator):
    size = len(picture)
    angle, scale = generator.normal(0, 0.10), np.exp(generator.normal(0, 0.06))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cos, sin], [-sin, cos]])
    offset = size / 2 - linear @ [size / 2, size / 2] + generator.normal(0, 0.02 * size, 2)
    edge = cv2.BORDER_REPLICATE if generator.random() < 0.7 else cv2.BORDER_CONSTANT
    half = linear @ [0.5, 0.5] + offset - 0.5  # cv2 counts from pixel centres
    picture = cv2.warpAffine(
        picture, np.column_stack([linear, half]), (size, size), flags=cv2.INTER_LINEAR,
        borderMode=edge,
    )  # fmt: skip
    about = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0],
                      [0, 0, 1]])  # fmt: skip
    return picture, points @ linear.T.astype(np.float32) + offset, about @ turn


def judge(found: Found, truth: list[LandmarkBatch]) -> dict[str, float]:
    """Figures on labelled pictures, the point error first."""
    points = torch.cat([b.points for b in truth]).numpy()
    weight = torch.cat([b.weight for b in truth]).numpy()
    visible = torch.cat([b.visible for b in truth]).numpy()
    turn = torch.cat([b.turn for b in truth]).numpy()
    mine = found.points.numpy()
    box = np.sqrt(np.prod(np.ptp(points, axis=1), axis=1))
    error = np.linalg.norm(mine - points, axis=2) / box[:, None]
    trace = np.einsum("nij,nij->n", found.turn.numpy(), turn)
    figures = {"nme_percent": 100 * float(error.mean())}
    clear = weight == 1
    figures["nme_clear"] = 100 * float(error[clear].mean())
    for name, a, b in (("gap", 13, 14), ("width", 61, 291), ("lid", 159, 145),
                       ("brow", 105, 159), ("iris", 468, 33)):  # fmt: skip
        sides = [_PLACE[a], _PLACE[b]]
        good = clear[:, sides].all(1)
        lengths = [
            np.linalg.norm(p[good][:, sides[0]] - p[good][:, sides[1]], axis=1) / box[good]
            for p in (mine, points)
        ]
        figures[f"r_{name}"] = float(np.corrcoef(*lengths)[0, 1])
    figures["turn_degrees"] = float(
        np.degrees(np.median(np.arccos(np.clip((trace - 1) / 2, -1, 1))))
    )
    for k, name in enumerate(("face", "mouth", "left_eye", "right_eye")):
        figures[f"auc_{name}"] = area_under_curve(
            found.visible[:, k].numpy(), visible[:, k] > 0.5, visible[:, k] >= 0
        )
    return figures


def area_under_curve(scores: np.ndarray, positive: np.ndarray, valid: np.ndarray) -> float:
    """Under the ROC curve, by ranks (Mann and Whitney 1947); NaN where one kind is missing.

    Scores (N,), which are positive (N,) and which count (N,).
    """
    scores, positive = scores[valid], positive[valid]
    order = np.argsort(np.argsort(scores)) + 1.0
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((order[positive].sum() - n * (n + 1) / 2) / (n * m))
