"""Table 1 in small: what sound, dropout and time give the expression branch.

Landmarks as a fixed reader gives them, noisy and partly covered, stand in for pixels: f_v comes
from them by a small network. All the rest of the branch (E_a, fusion, transformer, modality
dropout) is the published one. Minutes on a CPU, where the whole system needs a GPU.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from ..audio.windows import windows
from ..head.torch_head import TorchHead, landmark_vertices
from ..models.config import LITE, Config
from ..models.expression import AudioEncoder, drop_modalities
from ..models.temporal import TemporalEncoder
from ..weights import load_head
from .people import Stage, build_stage
from .people.acting import act_sequence
from .people.camera import sway_head
from .performances import babble, simulate_features, speak_with
from .system import Senses

_HZ = 25.0
_NOISE = (0.002, 0.012)  # of a landmark, in units of the face's width, from clip to clip
_COVERED_SHARE = 0.35  # of windows with something before the mouth
_POOL = 192  # performances that training draws windows from
_POOL_FRAMES = 100
_TEST_SEED = 880_001
_POINT_WEIGHT, _JAW_WEIGHT = 40.0, 3.0  # (open) of a metre and a radian beside the units


@dataclass(frozen=True)
class Row:
    """One row of table 1."""

    name: str
    senses: Senses
    drops: bool = False
    looks_around: bool = False


ROWS = (
    Row("e from video", "video"),
    Row("e from video + temporal", "video", looks_around=True),
    Row("e from audio", "audio"),
    Row("e from audio + temporal", "audio", looks_around=True),
    Row("e from AV", "both"),
    Row("e from AV + dropout", "both", drops=True),
    Row("e from AV + dropout + temporal", "both", drops=True, looks_around=True),
)


@dataclass(frozen=True)
class Moments:
    """B windows of W frames."""

    seen: Tensor  # (B, W, 68 * 3) noisy landmarks, 0 where covered, and what is covered
    sound: Tensor  # (B, W, 16, 29)
    e: Tensor  # (B, W, E + 3)
    covered: Tensor  # (B, W) something is before the mouth


class Branch(nn.Module):
    """The expression branch with landmarks for eyes."""

    def __init__(self, config: Config, row: Row) -> None:
        super().__init__()
        self.config, self.row = config, row
        size = config.video_embedding
        self.video = nn.Sequential(nn.Linear(68 * 3, 256), nn.ReLU(), nn.Linear(256, 128),
                                   nn.ReLU(), nn.Linear(128, size))  # fmt: skip
        self.audio = AudioEncoder(config)
        outputs = config.expression + config.jaw
        self.temporal = TemporalEncoder(size + config.audio_embedding, outputs, config)

    def forward(self, moments: Moments) -> Tensor:
        """e (B, W, E + 3)."""
        f_v = self.video(moments.seen)
        f_a = self.audio(moments.sound.flatten(0, 1)).unflatten(0, f_v.shape[:2])
        if self.row.senses == "video":
            f_a = torch.zeros_like(f_a)
        if self.row.senses == "audio":
            f_v = torch.zeros_like(f_v)
        if self.training and self.row.drops:
            f_a, f_v = drop_modalities(f_a, f_v, self.config, torch.default_generator)
        both = torch.cat([f_a, f_v], -1)
        if self.row.looks_around:
            return self.temporal(both)
        return self.temporal(both.flatten(0, 1)[:, None]).view(*both.shape[:2], -1)


class AblationTask:
    """One row. Performances are drawn once and cut into windows anew for each batch."""

    def __init__(self, row: Row, batch: int = 32, config: Config = LITE, pool: int = _POOL) -> None:
        self.name, self.row, self.batch, self.config = row.name, row, batch, config
        self.model: nn.Module = Branch(config, row)
        self.head = TorchHead(load_head(), landmark_vertices(load_head()))
        self.pool = draw_pool(pool, 0)
        self.test = list(self._test_windows(draw_pool(max(pool // 6, 2), _TEST_SEED)))

    def batches(self, seed: int, step: int) -> Iterator[Moments]:
        """See `loop.Task`."""
        while True:
            generator = np.random.default_rng([seed, step])
            yield self._window(
                self.pool, generator, generator.integers(len(self.pool), size=self.batch)
            )
            step += 1

    def losses(self, batch: Moments) -> dict[str, Tensor]:
        """Units, jaw and the lips' places."""
        e, count = self.model(batch), self.config.expression
        apart = (e - batch.e).abs()
        points = self.points(e.flatten(0, 1)) - self.points(batch.e.flatten(0, 1))
        return {
            "units": apart[..., :count].mean(),
            "jaw": _JAW_WEIGHT * apart[..., count:].mean(),
            "points": _POINT_WEIGHT * points.norm(dim=-1).mean(),
        }

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """NME in % of the face's size: all landmarks, lips, and those under a cover."""
        errors, covers = [], []
        for batch in self.test:
            ours, truth = (self.points(e.flatten(0, 1))[..., :2] for e in (model(batch), batch.e))
            size = (truth.amax(1) - truth.amin(1)).prod(-1).sqrt()[:, None]
            errors.append(100 * (ours - truth).norm(dim=-1) / size)
            covers.append(batch.covered.flatten(0, 1))
        error, covered = torch.cat(errors), torch.cat(covers) > 0.5
        return {
            "nme": float(error.mean()),
            "auc": float((1 - error.mean(1) / 10).clamp(0, 1).mean()),
            "nme_lips": float(error[:, 48:].mean()),
            "nme_covered": float(error[covered].mean()),
            "lips_covered": float(error[covered][:, 48:].mean()),
        }

    def points(self, e: Tensor) -> Tensor:
        """The 68 landmarks of the mean person facing the camera, (N, 68, 3) m."""
        count = self.config.expression
        rest = self.head.rest(e.new_zeros(self.head.shape_basis.shape[0]))
        still = e.new_zeros(len(e), 6)
        vertices = self.head.pose(rest, e[:, :count], e[:, count:], still)
        return self.head.landmarks_68(vertices, still[:, :3])

    def _window(self, pool: list, generator: np.random.Generator, which: np.ndarray) -> Moments:
        frames = self.config.window
        cuts = []
        for k in which:
            sound, e = pool[k]
            start = int(generator.integers(len(e) - frames + 1))
            cuts.append((sound[start : start + frames], e[start : start + frames]))
        sound, e = (torch.from_numpy(np.stack(part)).float() for part in zip(*cuts, strict=True))
        seen, covered = self._look(e, generator)
        return Moments(seen, sound, e, covered)

    @torch.no_grad()
    def _look(self, e: Tensor, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """What a landmark reader sees of people of many shapes, turned and partly covered."""
        many, frames = e.shape[:2]
        count = self.config.expression
        shape = torch.from_numpy(generator.normal(size=(many, self.head.shape_basis.shape[0])))
        shape = shape.float().repeat_interleave(frames, 0)
        flat = e.flatten(0, 1)
        vertices = self.head.pose(
            self.head.rest(shape), flat[:, :count], flat[:, count:], flat.new_zeros(len(flat), 6)
        )
        turns = np.stack(
            [sway_head(generator, np.arange(frames) / _HZ, 0.6)[0] for _ in range(many)]
        )
        turned = vertices @ torch.from_numpy(turns).float().flatten(0, 1).transpose(1, 2)
        points = self.head.landmarks_68(turned, flat.new_zeros(len(flat), 3))[..., :2]
        points = points.unflatten(0, (many, frames))
        middle = points.mean((1, 2), keepdim=True)
        size = points.amax((1, 2)) - points.amin((1, 2))
        points = (points - middle) / size.prod(-1).sqrt().view(-1, 1, 1, 1)
        amount = generator.uniform(*_NOISE, (many, 1, 1, 1))
        points = points + torch.from_numpy(amount * generator.normal(size=points.shape)).float()
        hidden = np.zeros((many, frames, 68), np.float32)
        for k in range(many):
            if generator.random() < _COVERED_SHARE:
                first, length = (
                    int(generator.integers(frames)),
                    int(generator.integers(4, frames + 1)),
                )
                place = 48 if generator.random() < 0.8 else int(generator.integers(0, 48))
                hidden[k, first : first + length, place : place + 20] = 1
        gone = torch.from_numpy(hidden)
        seen = points * (1 - gone[..., None])
        return torch.cat([seen.flatten(2), gone], -1) * 4, gone[..., 48:].amax(-1)

    def _test_windows(self, pool: list) -> Iterator[Moments]:
        generator = np.random.default_rng(_TEST_SEED)
        for first in range(0, len(pool), 16):
            yield self._window(pool, generator, np.arange(first, min(first + 16, len(pool))))


@cache
def draw_pool(count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Performances: sound (T, 16, 29) and e (T, E + 3)."""
    stage: Stage = build_stage()
    pool = []
    for k in range(count):
        generator = np.random.default_rng([seed, k])
        seconds = np.arange(_POOL_FRAMES) / _HZ
        acting = act_sequence(stage, generator, _POOL_FRAMES, _HZ)
        phones = babble(generator, seconds[-1] + 1)
        acting = speak_with(stage, acting, phones, seconds, generator)
        sound = windows(simulate_features(phones, generator), seconds)
        pool.append((sound, np.concatenate([acting.units, acting.jaw], 1)))
    return pool
