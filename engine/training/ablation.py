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
from ..head.torch_head import TorchHead
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
_SEEN_SCALE = 4.0  # landmarks are a quarter wide: to about one
_FIRST_GAIN = 6.0  # of the embeddings at the start: to about one
_FRONTAL = 39  # row of the contour at no yaw
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
        with torch.no_grad():  # else the places of frames, which are added, drown what is seen
            for last in (self.video[-1], self.audio.layers[-1]):
                assert isinstance(last, nn.Linear)
                last.weight.mul_(_FIRST_GAIN)

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


@dataclass(frozen=True)
class Performance:
    """T frames of one person."""

    sound: np.ndarray  # (T, 16, 29)
    e: np.ndarray  # (T, E + 3)
    points: np.ndarray  # (T, 68, 2) as the camera sees them, in widths of the face


class AblationTask:
    """One row. Performances are drawn once and cut into windows anew for each batch."""

    def __init__(self, row: Row, batch: int = 24, config: Config = LITE, pool: int = _POOL) -> None:
        self.name, self.row, self.batch, self.config = row.name, row, batch, config
        self.model: nn.Module = Branch(config, row)
        self.head = _landmark_head()
        self.pool = draw_pool(pool, 0)
        self.test = list(self._test_windows(draw_pool(max(pool // 6, 2), _TEST_SEED)))

    def batches(self, seed: int, step: int) -> Iterator[Moments]:
        """See `loop.Task`."""
        while True:
            generator = np.random.default_rng([seed, step])
            which = generator.integers(len(self.pool), size=self.batch)
            yield self._windows([self.pool[k] for k in which], generator)
            step += 1

    def losses(self, batch: Moments) -> dict[str, Tensor]:
        """Units, jaw and the landmarks' places."""
        e, count = self.model(batch), self.config.expression
        apart = (e - batch.e).abs()
        points = self.points(e.flatten(0, 1)) - self.points(batch.e.flatten(0, 1))
        return {
            "units": apart[..., :count].mean(),
            "jaw": _JAW_WEIGHT * apart[..., count:].mean(),
            "points": _POINT_WEIGHT * (points.square().sum(-1) + 1e-10).sqrt().mean(),
        }

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """NME in % of the face's size: all landmarks, lips, and frames with a covered mouth."""
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
        return _landmarks(self.head, e, e.new_zeros(self.head.shape_basis.shape[0]))

    def _windows(self, chosen: list[Performance], generator: np.random.Generator) -> Moments:
        frames = self.config.window
        sound, e, points = [], [], []
        for one in chosen:
            start = int(generator.integers(len(one.e) - frames + 1))
            place = slice(start, start + frames)
            sound.append(one.sound[place])
            e.append(one.e[place])
            points.append(one.points[place])
        seen, covered = _look(np.stack(points), generator)
        heard, played = (torch.from_numpy(np.stack(part)).float() for part in (sound, e))
        return Moments(torch.from_numpy(seen), heard, played, torch.from_numpy(covered))

    def _test_windows(self, pool: tuple[Performance, ...]) -> Iterator[Moments]:
        generator = np.random.default_rng(_TEST_SEED)
        for first in range(0, len(pool), 16):
            for _ in range(3):  # several windows of each performance
                yield self._windows(list(pool[first : first + 16]), generator)


@cache
def draw_pool(count: int, seed: int) -> tuple[Performance, ...]:
    """Performances of people who babble."""
    stage: Stage = build_stage()
    head, pool, seconds = _landmark_head(), [], np.arange(_POOL_FRAMES) / _HZ
    for k in range(count):
        generator = np.random.default_rng([seed, k])
        acting = act_sequence(stage, generator, _POOL_FRAMES, _HZ)
        phones = babble(generator, seconds[-1] + 1)
        acting = speak_with(stage, acting, phones, seconds, generator)
        sound = windows(simulate_features(phones, generator), seconds)
        e = np.concatenate([acting.units, acting.jaw], 1)
        shape = torch.from_numpy(generator.normal(size=head.shape_basis.shape[0])).float()
        points = _landmarks(head, torch.from_numpy(e).float(), shape).numpy()
        turn, _ = sway_head(generator, seconds, 0.6)
        points = np.einsum("tij,tlj->tli", turn, points)[..., :2]
        size = np.sqrt(np.prod(points.max(1) - points.min(1), axis=-1)).mean()
        pool.append(Performance(sound, e, (points / size).astype(np.float32)))
    return tuple(pool)


def _look(points: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a landmark reader gives: (B, W, 68 * 3) float32, and where the mouth is covered."""
    many, frames = points.shape[:2]
    centred = points - points.mean((1, 2), keepdims=True)
    amount = generator.uniform(*_NOISE, (many, 1, 1, 1))
    noisy = centred + amount * generator.normal(size=points.shape)
    gone = np.zeros((many, frames, 68), np.float32)
    for k in range(many):
        if generator.random() < _COVERED_SHARE:
            first = int(generator.integers(frames))
            length = int(generator.integers(4, frames + 1))
            place = 48 if generator.random() < 0.8 else int(generator.integers(0, 48))
            gone[k, first : first + length, place : place + 20] = 1
    seen = noisy * (1 - gone[..., None])
    flat = np.concatenate([seen.reshape(many, frames, -1), gone], -1) * _SEEN_SCALE
    return flat.astype(np.float32), gone[..., 48:].max(-1)


def _landmarks(head: TorchHead, e: Tensor, shape: Tensor) -> Tensor:
    """The 68 landmarks of a person facing the camera: (N, E + 3), (S,) -> (N, 68, 3) m."""
    count, still = e.shape[1] - 3, e.new_zeros(len(e), 6)
    vertices = head.pose(head.rest(shape), e[:, :count], e[:, count:], still)
    return head.landmarks_68(vertices, still[:, :3])


@cache
def _landmark_head() -> TorchHead:
    """Only what a frontal face's 68 landmarks need."""
    file = load_head()
    corners = file.faces[np.concatenate([file.landmarks_68[0], file.contour[0][_FRONTAL]])]
    return TorchHead(file, np.unique(corners))
