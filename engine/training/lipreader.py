"""Training of the small lip reader on mouths of performers, filmed and drawn.

It must name the viseme of each frame and, from a single picture's features, the mouth's shape; and
the features of a film and of the same moments drawn must be near each other, for SPECTRE's loss
compares the two.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models.lipreader import VISEMES, LipReader
from .mouth_clips import FRAMES, SIDE, WIDER, MouthClips

WINDOW = 20  # frames, SPECTRE's K
_SMOOTHED = 0.1  # of the labels: lips hardly tell some visemes apart
_SHAPE_WEIGHT, _SAME_WEIGHT = 0.5, 0.5
_TURN, _SIZE, _SHIFT = 0.07, 0.09, 0.06  # rad, log, half squares: a tracker's lasting errors
_NEARER = 0.08  # log: people's mouths are a tenth wider than performers'
_TREMBLE = 0.008  # half squares: its passing ones
_SLOPE = 0.25  # of the brightness over half a square: light from a side
_PATCHES, _PATCH_SD = 5, 0.2  # along a side; log: light that falls in patches
_TONE_SD, _NOISE = 0.4, 0.04  # log of a tone curve's power; the most
_BLURRED, _BLUR_PX = 0.7, 1.6  # share of the films that are, and the most
_MIXED, _SHINES = 0.5, 0.6  # share of the films that are, and the most of the drawing in them
_TEST_BATCH = 32


@dataclass(frozen=True)
class Moments:
    """B clips of K frames, filmed and drawn."""

    filmed: Tensor  # (B, K, 1, P, P)
    drawn: Tensor  # (B, K, 1, P, P)
    visemes: Tensor  # (B, K)
    clear: Tensor  # (B, K) 0 or 1
    shapes: Tensor  # (B, K, D) of deviation 1


class LipReaderTask:
    """`loop.Task`."""

    name = "lipreader"

    def __init__(
        self, model: LipReader, clips: MouthClips, held_out: MouthClips, batch: int = 12
    ) -> None:
        self.model: nn.Module = model
        self.side, self.clips, self.held_out, self.batch = model.side, clips, held_out, batch
        shapes = clips.shapes.astype(np.float32).reshape(-1, clips.shapes.shape[-1])
        self._middle, self._spread = shapes.mean(0), shapes.std(0) + 1e-3
        counts = np.bincount(clips.visemes[clips.clear], minlength=len(VISEMES)) + 1.0
        weights = (counts.sum() / counts) ** 0.5  # rare visemes count more, not as much as common
        self.weights = torch.from_numpy(weights / (weights @ counts) * counts.sum()).float()

    def batch_at(self, seed: int, step: int) -> Moments:
        """Windows of random clips, each with errors of its own."""
        generator = np.random.default_rng([seed, step])
        rows = generator.integers(len(self.clips.visemes), size=self.batch)
        starts = generator.integers(FRAMES - WINDOW + 1, size=self.batch)
        return self._spoilt(self._take(self.clips, rows, starts), generator)

    def losses(self, batch: Moments) -> dict[str, Tensor]:
        """See `loop.Task`."""
        model, device = self.model, batch.filmed.device
        assert isinstance(model, LipReader)
        features = model(torch.cat([batch.filmed, batch.drawn]))
        read, clear = model.over_time(features), torch.cat([batch.clear, batch.clear])
        wrong = functional.cross_entropy(
            read.flatten(0, 1), batch.visemes.repeat(2, 1).flatten(), self.weights.to(device),
            reduction="none", label_smoothing=_SMOOTHED,
        )  # fmt: skip
        shapes = model.shape(features) - batch.shapes.repeat(2, 1, 1)
        bent = functional.smooth_l1_loss(shapes, torch.zeros_like(shapes), reduction="none")
        apart = 1 - functional.cosine_similarity(*features.chunk(2), dim=-1)
        return {
            "visemes": _mean(wrong, clear.flatten()),
            "shapes": _SHAPE_WEIGHT * _mean(bent.mean(-1), clear),
            "same": _SAME_WEIGHT * _mean(apart, batch.clear),
        }

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """On people and voices that no training meets; frames whose mouth is clear.

        `right` is of a film, `right_drawn` of the drawn head, `chance` of the commonest viseme;
        `recall` and `recall_drawn` are means over the visemes, of which chance is one fourteenth;
        `apart` is the features' cosine distance between film and drawing, `apart_others` the same
        for another moment of the clip.
        """
        assert isinstance(model, LipReader)
        device = next(model.parameters()).device
        found: list[tuple[np.ndarray, ...]] = []
        for first in range(0, len(self.held_out.visemes), _TEST_BATCH):
            rows = np.arange(first, min(first + _TEST_BATCH, len(self.held_out.visemes)))
            batch = self._take(self.held_out, rows, np.zeros(len(rows), int), FRAMES)
            inner = (SIDE - self.side) // 2
            cut = (..., slice(inner, inner + self.side), slice(inner, inner + self.side))
            a, b = (model(x[cut].to(device)) for x in (batch.filmed, batch.drawn))
            same = functional.cosine_similarity(a, b, dim=-1)
            other = functional.cosine_similarity(a, b.roll(FRAMES // 2, 1), dim=-1)
            columns = (
                batch.visemes, model.over_time(a).argmax(-1), model.over_time(b).argmax(-1),
                1 - same, 1 - other,
            )  # fmt: skip
            clear = batch.clear > 0
            found.append(tuple(column.cpu()[clear].numpy() for column in columns))
        said, film, drawn, apart, others = (np.concatenate(c) for c in zip(*found, strict=True))
        return {
            "wrong": float(1 - ((film == said).mean() + (drawn == said).mean()) / 2),
            "right": float((film == said).mean()),
            "right_drawn": float((drawn == said).mean()),
            "chance": float(np.bincount(said).max() / len(said)),
            "recall": mean_recall(said, film),
            "recall_drawn": mean_recall(said, drawn),
            "right_p": float((film == said)[said == VISEMES.index("p")].mean()),
            "apart": float(apart.mean()),
            "apart_others": float(others.mean()),
        }

    def _take(
        self, clips: MouthClips, rows: np.ndarray, starts: np.ndarray, frames: int = WINDOW
    ) -> Moments:
        at = rows[:, None], starts[:, None] + np.arange(frames)

        def pictures(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values[at][:, :, None].astype(np.float32) / 255)

        shapes = (clips.shapes[at].astype(np.float32) - self._middle) / self._spread
        return Moments(
            pictures(clips.filmed), pictures(clips.drawn),
            torch.from_numpy(clips.visemes[at].astype(np.int64)),
            torch.from_numpy(clips.clear[at].astype(np.float32)), torch.from_numpy(shapes),
        )  # fmt: skip

    def _spoilt(self, batch: Moments, generator: np.random.Generator) -> Moments:
        """Squares as a tracker places them, another exposure, mirrored now and then.

        Films through which their drawing shines have looks between the two, that no head has.
        """
        count = len(batch.clear)
        mirrored = generator.random(count) < 0.5
        share = _SHINES * generator.random(count) * (generator.random(count) < _MIXED)
        share = torch.from_numpy(share.astype(np.float32)).view(-1, 1, 1, 1, 1)
        filmed = batch.filmed.lerp(batch.drawn, share)
        return Moments(
            _expose(_blur(self._shift(filmed, mirrored, generator), generator), generator),
            self._shift(batch.drawn, mirrored, generator),
            batch.visemes, batch.clear, batch.shapes,
        )  # fmt: skip

    def _shift(
        self, mouths: Tensor, mirrored: np.ndarray, generator: np.random.Generator
    ) -> Tensor:
        count, frames = mouths.shape[:2]
        turn, size = _TURN * generator.normal(size=count), _SIZE * generator.normal(size=count)
        place = _SHIFT * generator.normal(size=(count, 1, 2))
        place = place + _TREMBLE * generator.normal(size=(count, frames, 2))
        theta = np.empty((count, frames, 2, 3), np.float32)
        scale = np.exp(size - _NEARER) / WIDER
        sign = np.where(mirrored, -1.0, 1.0)
        theta[..., 0, 0] = (sign * scale * np.cos(turn))[:, None]
        theta[..., 0, 1] = (-scale * np.sin(turn))[:, None]
        theta[..., 1, 0] = (sign * scale * np.sin(turn))[:, None]
        theta[..., 1, 1] = (scale * np.cos(turn))[:, None]
        theta[..., 2] = place
        shape = [count * frames, 1, self.side, self.side]
        grid = functional.affine_grid(torch.from_numpy(theta).flatten(0, 1), shape, False)
        seen = functional.grid_sample(
            mouths.flatten(0, 1), grid, align_corners=False, padding_mode="border"
        )
        return seen.unflatten(0, (count, frames))


def mean_recall(said: np.ndarray, read: np.ndarray) -> float:
    """The share that is read right of each viseme that is said, mean over visemes: (N,) twice."""
    return float(np.mean([(read[said == viseme] == viseme).mean() for viseme in np.unique(said)]))


def _blur(mouths: Tensor, generator: np.random.Generator) -> Tensor:
    """Cameras that see less, or stand farther away: a Gaussian of its own for each clip."""
    count = len(mouths)
    sd = np.where(generator.random(count) < _BLURRED, _BLUR_PX * generator.random(count), 0)
    away = np.arange(-3, 4)
    weights = np.exp(-((away / np.maximum(sd, 0.1)[:, None]) ** 2) / 2)
    weights = torch.from_numpy((weights / weights.sum(1, keepdims=True)).astype(np.float32))
    planes = mouths[:, :, 0].transpose(0, 1)  # (K, B, P, P): a clip is a channel
    planes = functional.pad(planes, (3, 3, 3, 3), mode="replicate")
    planes = functional.conv2d(planes, weights[:, None, None, :], groups=count)
    planes = functional.conv2d(planes, weights[:, None, :, None], groups=count)
    return planes.transpose(0, 1)[:, :, None]


def _expose(mouths: Tensor, generator: np.random.Generator) -> Tensor:
    """Another tone curve for each clip, more light on a side and in patches, and noise."""
    count = len(mouths)
    line = torch.linspace(-1, 1, mouths.shape[-1])
    slope = torch.from_numpy(_SLOPE * generator.normal(size=(2, count, 1, 1, 1, 1)))
    side = 1 + slope[0] * line[:, None] + slope[1] * line
    mouths = mouths * side.clamp(min=0.2).float()
    patches = generator.normal(0, _PATCH_SD, (count, 1, _PATCHES, _PATCHES)).astype(np.float32)
    patches = functional.interpolate(
        torch.from_numpy(patches), mouths.shape[-2:], mode="bicubic", align_corners=False
    )
    mouths = mouths * patches.exp()[:, None]
    power = torch.from_numpy(np.exp(generator.normal(0, _TONE_SD, count)).astype(np.float32))
    noise = torch.from_numpy((_NOISE * generator.random(count)).astype(np.float32))
    toned = mouths.clamp(0, 1) ** power.view(-1, 1, 1, 1, 1)
    grain = torch.from_numpy(generator.standard_normal(mouths.shape, np.float32))
    return toned + noise.view(-1, 1, 1, 1, 1) * grain


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
