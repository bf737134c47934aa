"""Training of AVFace's encoders on what the shared trunk reads: minutes on one processor core.

E_c and the expression branch learn one after the other from the same windows of performers who
speak (`described`). Expression is judged on the true person, the person with the true expression:
else one makes up for the other. Both begin as the best linear answer to what was read, which the
published layers then better.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..head.torch_head import rotation_matrices
from ..models.config import SHARED, Config
from ..models.landmarks import LIPS
from ..models.sight import SightBackbone
from ..weights import load_head
from . import losses
from .described import VARIANTS, Described
from .linear_start import begin_linear
from .moments import Moments, cut, held_out_windows
from .people.stage import build_stage
from .point_head import PLACE, pair_places, point_head, point_weights, pose_points, unit_weights
from .process import on_device
from .system import CoarseStage, Faces, Senses, split_codes

# What is read is shaken, in deviations, so that nothing hangs on what only performers show.
_LASTING_NOISE, _PASSING_NOISE = 0.2, 0.04  # of a window, of a frame
_ALONE = 0.3  # of windows without a tracker's points
_MOUTH_COVERED = 0.4  # share of the lips' landmarks
_LANDMARK_STEP = 4  # frames between those whose landmarks are compared


@dataclass(frozen=True)
class SharedOptions:
    """What learns, and from what: the rows of the paper's tables."""

    part: Literal["coarse", "expression"] = "expression"
    senses: Senses = "both"
    drops: bool = True
    looks_around: bool = True
    covers: bool = True  # windows with something before the face too
    batch: int = 32


class SharedTask:
    """`loop.Task`: one of the two branches; the other stays as it is.

    Args:
        train, test: Clips of people that have nothing in common.
        options: See there.
        config: Sizes; the sound's channels must be the data's.
        start: State of a stage to begin with.
    """

    def __init__(
        self,
        train: Described,
        test: Described,
        options: SharedOptions = SharedOptions(),
        config: Config = SHARED,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        if not options.covers:
            train = train.pick(np.flatnonzero(~train.covered.any(2).any(1).numpy()))
        self.train, self.test, self.options, self.config = train, test, options, config
        self.name = options.part
        stage = CoarseStage(config, options.senses, options.drops, options.looks_around)
        self.model: nn.Module = stage
        self.stage = stage
        if start is None:
            begin_linear(stage, train)
        else:
            stage.load_state_dict(start)
        learns = stage.coarse if options.part == "coarse" else stage.expression
        stage.requires_grad_(False)
        learns.requires_grad_(True)
        for fixed in (stage.coarse.image.straight, stage.expression.straight):
            assert fixed is not None
            fixed.requires_grad_(False)  # the linear answers stay what they are
        self.faces = Faces(load_head())
        head, weights = _points_of_head()
        self.head, self.unit_weight = dict(head), weights
        self.pairs, self.pair_weights = pair_places()
        self.point_weights = point_weights()

    def batch_at(self, seed: int, step: int) -> Moments:
        """Windows from anywhere in the clips."""
        data, window, count = self.train, self.config.window, self.options.batch
        takes, clips, frames = len(data.sound), *data.e.shape[:2]
        generator = np.random.default_rng([seed, step])
        variant = generator.integers(1, VARIANTS, count)
        variant[generator.random(count) < _ALONE] = 0
        return cut(
            data, variant, generator.integers(takes, size=count),
            generator.integers(clips, size=count),
            generator.integers(frames - window + 1, size=count), window,
        )  # fmt: skip

    def losses(self, batch: Moments) -> dict[str, Tensor]:
        """See `loop.Task`."""
        self._follow(batch.e.device)
        return self._of_person(batch) if self.options.part == "coarse" else self._of_face(batch)

    def _of_person(self, batch: Moments) -> dict[str, Tensor]:
        """Identity, turn, camera, colours; points of the person with the true expression."""
        c, own = self.stage.coarse(self._shaken(batch.sight)), self.config.coarse_parts()
        codes = split_codes(self.config, c.flatten(0, 1), batch.e.flatten(0, 1))
        first = slice(0, 1)
        apart = self._points(c[..., own["shape"]].mean(1), batch.e[:, first]) - self._points(
            batch.c[:, 0, own["shape"]], batch.e[:, first]
        )
        turn = rotation_matrices(codes.pose) - rotation_matrices(
            batch.c.flatten(0, 1)[:, own["pose"]]
        )
        few = slice(None, None, _LANDMARK_STEP)
        shown = split_codes(self.config, c[:, few].flatten(0, 1), batch.e[:, few].flatten(0, 1))
        marks = batch.marks[:, few].flatten(0, 1)
        weights = losses.landmark_weights(marks.device)
        wrong = (c - batch.c).abs()
        steps = c[:, 1:] - c[:, :-1] - batch.c[:, 1:] + batch.c[:, :-1]
        moving = slice(own["pose"].start, own["camera"].stop)
        return {
            "person": 0.3 * ((1000 * apart).square().sum(-1) + 0.05).sqrt().mean(),
            "shape": 0.1 * wrong[..., own["shape"]].mean(),
            "albedo": 0.1 * wrong[..., own["albedo"]].mean(),
            "light": 0.5 * wrong[..., own["light"]].mean(),
            "turn": 10 * turn.abs().mean(),
            "scale": 0.3 * wrong[..., own["camera"]][..., 0].mean(),
            "landmark": 5 * losses.landmark_loss(self.faces.landmarks(shown), marks, weights),
            "steps": 5 * steps[..., moving].abs().mean(),
        }

    def _of_face(self, batch: Moments) -> dict[str, Tensor]:
        """Units by how far they move the face; millimetres of points, of pairs, of their steps."""
        e = self.stage.express(self._shaken(batch.sight), batch.sound)
        count = self.config.expression
        shape = batch.c[:, 0, self.config.coarse_parts()["shape"]]
        some = _half(self.config.window)
        mine, true = self._points(shape, e[:, some]), self._points(shape, batch.e[:, some])
        apart = 1000 * (mine - true)  # mm
        distance = (apart.square().sum(-1) + 0.02).sqrt()
        first, second = self.pairs.unbind(1)
        between = apart[:, :, first] - apart[:, :, second]  # (B, W, P, 3)
        steps = between[:, 1:] - between[:, :-1]
        wrong = functional.smooth_l1_loss(e, batch.e, beta=0.1, reduction="none")
        away = (e - batch.e).abs()[..., count:]
        return {
            "units": 8 * (wrong[..., :count] * self.unit_weight).mean(),
            "jaw": 8 * away[..., :3].mean(),
            "gaze": 5 * away[..., 3:].mean(),
            "points": 0.5 * (distance * self.point_weights).mean(),
            "pairs": 0.5 * self._weighed(between),
            "steps": 0.5 * self._weighed(steps),
        }

    def _shaken(self, sight: Tensor) -> Tensor:
        """Windows (B, W, SIGHT) with errors of the whole window and of each frame."""
        backbone = self.stage.coarse.image.backbone
        assert isinstance(backbone, SightBackbone)
        lasting = _LASTING_NOISE * torch.randn_like(sight[:, :1])
        return sight + backbone.scale * (lasting + _PASSING_NOISE * torch.randn_like(sight))

    def _weighed(self, between: Tensor) -> Tensor:
        return ((between.square().sum(-1) + 0.02).sqrt() * self.pair_weights).mean()

    def _points(self, shape: Tensor, e: Tensor) -> Tensor:
        """(B, S), (B, W, 57) -> POINTS in head axes, (B, W, L, 3) m."""
        count = self.config.expression
        return pose_points(
            self.head, shape, e[..., :count], e[..., count : count + 3], e[..., count + 3 :]
        )

    @torch.no_grad()
    def lip_errors(self, model: CoarseStage, batch: Moments, lost: slice = slice(0)) -> Tensor:
        """Mean error of the true person's lip points, (B, W) mm; frames `lost` have no picture."""
        shape = batch.c[:, 0, self.config.coarse_parts()["shape"]]
        e = model.express(batch.sight, batch.sound, lost)
        return _lips_mm(self._points(shape, e), self._points(shape, batch.e))

    def _follow(self, device: torch.device) -> None:
        """Fixed parts go where the batch is."""
        self.faces.to(device)
        self.head = {name: value.to(device) for name, value in self.head.items()}
        self.unit_weight = self.unit_weight.to(device)
        self.pair_weights = self.pair_weights.to(device)
        self.point_weights = self.point_weights.to(device)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """`judge` on the test's windows beside a tracker."""
        assert isinstance(model, CoarseStage)
        return self.judge(model)

    @torch.no_grad()
    def judge(self, model: CoarseStage, variant: int = 1) -> dict[str, float]:
        """NME in % of the true box's side; millimetres of lip points; correlations in windows.

        `lips_covered` and `lips_mm_covered` are of frames whose mouth is mostly hidden.
        """
        device = next(model.parameters()).device
        found: list[dict[str, np.ndarray]] = []
        for batch in held_out_windows(self.test, self.config.window, variant):
            found.append(self._measures(model, on_device(batch, device)))
        joined = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        return _figures(joined)

    def _measures(self, model: CoarseStage, batch: Moments) -> dict[str, np.ndarray]:
        self._follow(batch.e.device)
        c = model.coarse(batch.sight)
        e = model.express(batch.sight, batch.sound)
        codes = split_codes(self.config, c.flatten(0, 1), e.flatten(0, 1))
        marks = batch.marks.flatten(0, 1)
        size = (marks.amax(1) - marks.amin(1)).prod(-1).sqrt()[:, None]
        error = 100 * (self.faces.landmarks(codes) - marks).norm(dim=-1) / size
        own = self.config.coarse_parts()
        shape = batch.c[:, 0, own["shape"]]
        mine, true = self._points(shape, e), self._points(shape, batch.e)
        turn = (rotation_matrices(codes.pose)
                * rotation_matrices(batch.c.flatten(0, 1)[:, own["pose"]])).sum((1, 2))  # fmt: skip
        out = {
            "error": error, "covered": batch.covered.flatten(0, 1),
            "lips_mm": _lips_mm(mine, true).flatten(),
            "turn": torch.rad2deg(torch.acos(((turn - 1) / 2).clamp(-1, 1))),
        }  # fmt: skip
        for name, a, b in (("gap", 13, 14), ("width", 61, 291), ("lid", 159, 145),
                           ("brow", 105, 33), ("jaw", 152, 1)):  # fmt: skip
            for who, points in (("mine", mine), ("true", true)):
                length = (points[:, :, PLACE[a]] - points[:, :, PLACE[b]]).norm(dim=-1)
                out[f"{name}_{who}"] = (length - length.mean(1, keepdim=True)).flatten()
        return {name: value.cpu().numpy() for name, value in out.items()}


@cache
def _points_of_head() -> tuple[dict[str, Tensor], Tensor]:
    """The head at POINTS, and how far its units move the face."""
    stage = build_stage()
    arrays = point_head(stage)
    return arrays.tensors(), torch.from_numpy(unit_weights(stage, arrays))


def _lips_mm(mine: Tensor, true: Tensor) -> Tensor:
    """(B, W, L, 3) m -> (B, W)."""
    lips = [PLACE[mesh] for mesh in LIPS]
    return 1000 * (mine - true)[:, :, lips].norm(dim=-1).mean(-1)


def _half(window: int) -> slice:
    """Half of a window's frames, anywhere: neighbours say nearly the same."""
    length = max(window // 2, min(window, 2))
    first = int(torch.randint(window - length + 1, ()))
    return slice(first, first + length)


def _figures(found: dict[str, np.ndarray]) -> dict[str, float]:
    error, covered = found["error"], found["covered"].any(1)
    mouth = found["covered"][:, 48:].mean(1) > _MOUTH_COVERED
    figures = {
        "nme": error.mean(), "auc": (1 - error.mean(1) / 10).clip(0, 1).mean(),
        "nme_lips": error[:, 48:].mean(), "turn": np.median(found["turn"]),
    }  # fmt: skip
    parts = (
        ("nme_clear", error, ~covered), ("nme_covered", error, covered),
        ("lips_clear", error[:, 48:], ~mouth), ("lips_covered", error[:, 48:], mouth),
        ("lips_mm", found["lips_mm"], ~mouth), ("lips_mm_covered", found["lips_mm"], mouth),
    )  # fmt: skip
    figures |= {name: values[rows].mean() for name, values, rows in parts if rows.any()}
    for name in ("gap", "width", "lid", "brow", "jaw"):
        for where, rows in (("", ~mouth), ("_covered", mouth)):
            both = found[f"{name}_mine"][rows], found[f"{name}_true"][rows]
            if rows.any():
                figures[f"r_{name}{where}"] = np.corrcoef(*both)[0, 1]
    return {name: float(value) for name, value in figures.items()}
