"""Training of the reader: random people of the head, random trackers that see their points.

A clip is one person with a liking for some expressions, before one camera. A tracker has lasting
errors (smooth over the face, and of each point) and errors of each frame; now and then it loses
some points, whose trust falls. No picture is drawn.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..models.landmarks import BROWS, IRISES, LIDS, LIPS, OVAL
from ..models.reader import ReaderNet, Reading
from ..sight.reader import centre
from .people.acting import Acting, act_moments
from .people.camera import rotation
from .people.stage import build_stage
from .point_head import (
    PAIRS,
    PLACE,
    pair_places,
    point_head,
    point_weights,
    pose_points,
    smooth_fields,
    unit_weights,
)

_GROUPS = (LIPS, LIDS, BROWS, OVAL, IRISES)


@dataclass(frozen=True)
class ReaderBatch:
    """B clips of N frames."""

    points: Tensor  # (B, N, L, 3) as the network takes them
    log_radius: Tensor  # (B, N)
    units: Tensor  # (B, N, E)
    jaw: Tensor  # (B, N, 3)
    gaze: Tensor  # (B, N, 4)
    turn: Tensor  # (B, N, 3, 3)
    offset: Tensor  # (B, N, 2)
    log_size: Tensor  # (B, N)
    shape: Tensor  # (B, S)
    true_points: Tensor  # (B, N, L, 3) in head axes, m
    true_seen: Tensor  # (B, N, L, 2) without a tracker's errors, in the radius


class ReaderTask:
    """What the loop trains: see `engine.training.loop.Task`."""

    name = "reader"

    def __init__(self, model: ReaderNet, clips: int = 6, moments: int = 40_000) -> None:
        self.model, self.clips = model, clips
        self.stage = build_stage()
        arrays = point_head(self.stage)
        self.head = arrays.tensors()
        self.pool = act_moments(self.stage, np.random.default_rng(11), moments)
        self.smooth = smooth_fields(arrays.template)
        self.unit_weight = torch.from_numpy(unit_weights(self.stage, arrays))
        self.pairs, self.pair_weights = pair_places()
        self.point_weights = point_weights()
        if not torch.any(model.whiten):
            self._prepare()
        self.held = [self._sample(np.random.default_rng([7, k]), 16) for k in range(64)]

    def _prepare(self, clips: int = 120) -> None:
        features, targets = [], []
        for k in range(clips):
            batch = self._sample(np.random.default_rng([13, k]), (16, 16, 4, 24)[k % 4])
            features.append(self.model.features(batch.points, batch.log_radius).flatten(0, 1))
            six = torch.cat([batch.turn[..., 0], batch.turn[..., 1]], -1)
            six = six - torch.tensor([1.0, 0, 0, 0, 1.0, 0])
            all_targets = (batch.units, batch.jaw, batch.gaze, six, batch.offset)
            targets.append(torch.cat([*all_targets, batch.log_size[..., None]], -1).flatten(0, 1))
        self.model.prepare(torch.cat(features), torch.cat(targets))

    def batch_at(self, seed: int, step: int) -> ReaderBatch:
        """New clips of 1 to 32 frames, about the same number of frames in each batch."""
        generator = np.random.default_rng([seed, step])
        return self._sample(generator, int(generator.choice([1, 4, 8, 16, 16, 32])))

    def losses(self, batch: ReaderBatch) -> dict[str, Tensor]:
        """Units by how far they move the face; millimetres of points and of pairs; the camera.

        Expression is judged on the true person, the person with the true expression and the camera
        on the true points: else units make up for what the shape can't say, and lose their meaning.
        """
        out = self.model(batch.points, batch.log_radius)
        mine = pose_points(self.head, batch.shape, out.units, out.jaw, out.gaze)
        person = pose_points(
            self.head, out.shape, batch.units[:, :1], batch.jaw[:, :1], batch.gaze[:, :1]
        )
        apart = 1000 * (mine - batch.true_points)  # mm
        distance = (apart.square().sum(-1) + 0.02).sqrt()
        other = 1000 * (person - batch.true_points[:, :1])
        unlike = (other.square().sum(-1) + 0.05).sqrt()
        first, second = self.pairs.unbind(1)
        pairs = (apart[:, :, first] - apart[:, :, second]).square().sum(-1)
        pairs = ((pairs + 0.02).sqrt() * self.pair_weights).mean()
        seen = self._seen(batch.true_points, out.turn, out.offset, out.log_size, batch.log_radius)
        told = torch.cat([out.units, out.jaw, out.gaze], -1)
        truth = torch.cat([batch.units, batch.jaw, batch.gaze], -1)
        wrong = (told - truth).detach().square()
        unlikely = out.log_sd + 0.5 * wrong * torch.exp(-2 * out.log_sd)
        unit_error = functional.smooth_l1_loss(out.units, batch.units, beta=0.1, reduction="none")
        return {
            "units": 8 * (unit_error * self.unit_weight).mean(),
            "jaw": 8 * (out.jaw - batch.jaw).abs().mean(),
            "gaze": 5 * (out.gaze - batch.gaze).abs().mean(),
            "points": 0.5 * (distance * self.point_weights).mean(),
            "person": 0.3 * unlike.mean(),
            "pairs": 0.5 * pairs,
            "seen": 15 * ((seen - batch.true_seen).square().sum(-1) + 1e-6).sqrt().mean(),
            "turn": 10 * (out.turn - batch.turn).abs().mean(),
            "place": 3 * (out.offset - batch.offset).abs().mean()
            + 3 * (out.log_size - batch.log_size).abs().mean(),
            "shape": 0.1 * (out.shape - batch.shape).abs().mean(),
            "sd": 0.05 * unlikely.mean(),
        }

    def _seen(self, points: Tensor, turn: Tensor, offset: Tensor, size: Tensor, radius: Tensor):
        """Points in head axes as the camera sees them, in units of the radius, (B, N, L, 2)."""
        distance = torch.exp(size - radius)[..., None, None]
        turned = torch.einsum("bnij,bnlj->bnli", turn, points) / distance
        tangent = offset[:, :, None] * torch.exp(radius)[..., None, None]
        depth = 1 - turned[..., 2:]
        flat = torch.cat(
            [turned[..., :1] + tangent[..., :1], tangent[..., 1:] - turned[..., 1:2]], -1
        )
        return flat / depth / torch.exp(radius)[..., None, None]

    def evaluate(self, model: torch.nn.Module) -> dict[str, float]:
        """On held-out clips: how far points are in millimetres, and correlations of signals."""
        errors, turns, mine_all, true_all = [], [], [], []
        for batch in self.held:
            out: Reading = model(batch.points, batch.log_radius)
            mine = pose_points(self.head, out.shape, out.units, out.jaw, out.gaze)
            first, second = self.pairs.unbind(1)
            both = (mine, batch.true_points)
            lengths = [(p[:, :, first] - p[:, :, second]).norm(dim=-1) for p in both]
            errors.append(1000 * (lengths[0] - lengths[1]).abs().mean())
            trace = (out.turn * batch.turn).sum((-1, -2))
            turns.append(torch.rad2deg(torch.acos(((trace - 1) / 2).clamp(-1, 1))).flatten())
            mine_all.append(torch.cat([lengths[0], out.units, out.jaw, out.gaze], -1).flatten(0, 1))
            true_all.append(
                torch.cat([lengths[1], batch.units, batch.jaw, batch.gaze], -1).flatten(0, 1)
            )
        mine, true = torch.cat(mine_all).numpy(), torch.cat(true_all).numpy()
        figures = {"pairs_mm": float(torch.stack(errors).mean())}
        columns = {"gap": 0, "width": 4, "lid": 6, "brow": 12}
        start, unit = len(PAIRS), self.stage.head.unit
        names = ("browInnerUpLeft", "browDownLeft", "eyeBlinkLeft", "mouthSmileLeft", "mouthPucker",
                 "mouthClose")  # fmt: skip
        columns |= {name: start + unit[name] for name in names}
        columns |= {"jaw": start + len(unit), "gaze_yaw": start + len(unit) + 4}
        for name, k in columns.items():
            figures[f"r_{name}"] = float(np.corrcoef(mine[:, k], true[:, k])[0, 1])
        figures["turn_degrees"] = float(torch.cat(turns).median())
        return figures

    def _sample(self, generator: np.random.Generator, frames: int) -> ReaderBatch:
        clips = max(1, self.clips * 16 // frames)
        spread = generator.uniform(0.6, 1.7, (clips, 1))
        shape = np.clip(generator.normal(size=(clips, 100)) * spread, -3.5, 3.5)
        acting = self._perform(generator, clips, frames)
        jaw = acting.jaw.reshape(clips, frames, 3)
        gaze = acting.eyes.reshape(clips, frames, 6)[..., [0, 1, 3, 4]]
        units = acting.units.reshape(clips, frames, -1)
        turn = _head_turns(generator, clips, frames)
        tensors = [torch.from_numpy(v.astype(np.float32)) for v in (shape, units, jaw, gaze)]
        points = pose_points(self.head, *tensors).numpy()  # (B, N, L, 3)
        distance = np.exp(generator.uniform(np.log(0.35), np.log(4.0), (clips, 1)))
        distance = distance * np.exp(generator.normal(0, 0.02, (clips, frames)))
        turned = np.einsum("bnij,bnlj->bnli", turn, points)
        place = np.zeros((clips, frames, 2))
        for _ in range(5):  # until the points' mean lies straight ahead
            place -= _project(turned, place, distance).mean(2) * distance[..., None]
        flat = _project(turned, place, distance)
        noisy, trust = self._track(generator, flat, np.abs(turn[:, :, 0, 2]))
        shown, log_radius = centre(noisy.reshape(clips * frames, -1, 2))
        shown = shown.reshape(noisy.shape)
        log_radius = log_radius.reshape(clips, frames)
        radius = np.exp(log_radius)[..., None]
        offset = place / distance[..., None] / radius
        seen = np.concatenate([shown * trust[..., None], trust[..., None]], -1)
        true_seen = flat / radius[..., None]
        values = (seen, log_radius, units, jaw, gaze, turn, offset, np.log(distance) + log_radius,
                  shape, points, true_seen)  # fmt: skip
        return ReaderBatch(*(torch.from_numpy(v.astype(np.float32)) for v in values))

    def _perform(self, generator: np.random.Generator, clips: int, frames: int) -> Acting:
        """Moments of the pool; each clip has its own measure of mouth, brows, lids and gaze."""
        picked = generator.integers(0, len(self.pool), clips * frames)
        other = generator.integers(0, len(self.pool), clips * frames)  # the upper face's moments
        units = self.pool.units[picked].copy()
        upper = np.array([n.startswith(("brow", "eye")) for n in self.stage.head.unit])
        units[:, upper] = self.pool.units[other][:, upper]
        measure = np.repeat(generator.uniform(0.25, 1.15, (clips, 4)), frames, 0)
        for k, start in ((1, "brow"), (2, "eye")):
            mine = np.array([n.startswith(start) for n in self.stage.head.unit])
            units[:, mine] *= np.minimum(measure[:, k : k + 1] + (0.3 if k == 2 else 0), 1.1)
        units[:, ~upper] *= measure[:, :1]
        jaw = self.pool.jaw[picked] * measure[:, :1]
        return Acting(units, jaw, self.pool.eyes[other] * measure[:, 3:4])

    def _track(self, generator: np.random.Generator, flat: np.ndarray, turned: np.ndarray):
        """What a tracker makes of points (B, N, L, 2): with errors, and how far it trusts each."""
        clips, frames, count = flat.shape[:3]
        radius = np.sqrt(((flat - flat.mean(2, keepdims=True)) ** 2).sum(3).mean(2))
        waves = self.smooth.shape[1]

        def errors(shape: tuple[int, int], smooth: float, each: float) -> np.ndarray:
            amount = generator.uniform(0.2, 1.8, (shape[0], 1, 1, 1))
            field = generator.normal(size=(*shape, 2, waves)) @ self.smooth.T  # (..., 2, L)
            alone = generator.normal(size=(*shape, count, 2))
            return amount * (smooth * np.swapaxes(field, -1, -2) + each * alone)

        error = errors((clips, 1), 0.028, 0.012) + errors((clips, frames), 0.007, 0.006)
        error = error * (1 + 2 * turned)[..., None, None]
        trust = np.ones((clips, frames, count))
        for group in _GROUPS:
            rows = [PLACE[mesh] for mesh in group]
            weak = generator.random((clips, 1)) * (generator.random((clips, frames)) < 0.5)
            weak = np.where(generator.random((clips, 1)) < 0.08, weak, 0.0)
            if group == IRISES:
                weak = np.maximum(weak, generator.random((clips, 1)) < 0.15)
            trust[:, :, rows] = np.minimum(trust[:, :, rows], 1 - weak[..., None])
        lost = generator.normal(size=flat.shape) * 0.02 + errors((clips, frames), 0.08, 0.0)
        error = error + (1 - trust)[..., None] * lost
        return flat + error * radius[..., None, None], trust


def _project(turned: np.ndarray, place: np.ndarray, distance: np.ndarray):
    depth = distance[..., None] - turned[..., 2]
    across = (turned[..., 0] + place[..., :1]) / depth
    down = (place[..., 1:] - turned[..., 1]) / depth
    return np.stack([across, down], -1)


def _head_turns(generator: np.random.Generator, clips: int, frames: int) -> np.ndarray:
    """Each clip about a turn of its own, (B, N, 3, 3)."""
    start = generator.normal(0, (0.35, 0.15, 0.12), (clips, 1, 3))
    sway = generator.normal(0, 1, (clips, frames, 3)) * generator.uniform(0.02, 0.25, (clips, 1, 3))
    yaw, pitch, roll = np.moveaxis(start + sway * (1, 0.6, 0.4), -1, 0)
    yaw, pitch = np.clip(yaw, -1.2, 1.2), np.clip(pitch, -0.7, 0.7)
    turns = rotation(pitch.ravel(), yaw.ravel(), roll.ravel())
    return turns.reshape(clips, frames, 3, 3)
