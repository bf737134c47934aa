"""Training the lip network (AVFace, section 3.2): what speech adds to lips that landmarks placed.

The truth is a trajectory's lips in full; the input are those lips as a landmark fit leaves them:
rolls and presses missed, closures undershot, rounding too weak, everything a little smoothed.
Photographs' normals, which the paper learns from, are here the normals of the full lips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn
from torch.nn import functional

from ..audio import SpeechFeatures, windows
from ..exchange.head_file import HeadFile
from ..head.lip_region import LipRegion, lip_region_of, lip_state
from ..head.mouth import Mouth, lip_marks_of, shutting
from ..models.lips import LipConfig, LipNet, smooth_normals
from .trajectories import channel_of
from .visemes import CHANNELS
from .voice_clips import CONTACTS, VoiceClip, step_times

_ROLLS = ("mouthRollLower", "mouthRollUpper", "mouthPress")
_ROUND = ("mouthPucker", "mouthFunnel")
_SPREAD = ("mouthStretch", "mouthSmile")
_OPEN = ("mouthLowerDown", "mouthUpperUp")
_WELL_FITTED = 0.25  # share of clips whose lips the fit has right
_NORMALS = 0.2  # weight of the normals' term; vertices count in millimetres
_SAMPLE, _WHOLE = 128, 4  # vertices of every moment; moments with all their vertices
_KNEE_MM = 0.3  # squared error below, absolute above
_SEAL = 3.0  # frames of closure and tuck count so much more


@dataclass(frozen=True)
class LipFrames:
    """N moments of speech beside coarse lips and what they lack."""

    windows: np.ndarray  # (N, 16, C) float32
    state: np.ndarray  # (N, 7) float32
    coarse: np.ndarray  # (N, E) float32 units of the head
    lack: np.ndarray  # (N, E) float32: full units less the coarse ones, at the same jaw
    weight: np.ndarray  # (N,) float32


class LipTask:
    """`loop.Task`: offsets of the lips from speech windows and the coarse lips' state."""

    name = "lips"

    def __init__(
        self,
        head: HeadFile,
        clips: Sequence[VoiceClip],
        held_out: Sequence[VoiceClip],
        batch: int = 48,
        seed: int = 0,
    ) -> None:
        region = lip_region_of(head)
        marks = lip_marks_of(head)
        generator = np.random.default_rng(seed)
        self.frames = _gather(clips, marks, head.expression_names, generator)
        self.judges = _gather(held_out, marks, head.expression_names, generator)
        self.batch = batch
        self.model: nn.Module = LipNet(LipConfig(features=clips[0].features.shape[1]))
        self._mesh = _Mesh(region, head)

    def batch_at(self, seed: int, step: int) -> dict[str, Tensor]:
        """Random moments."""
        generator = np.random.default_rng((seed, step))
        return _take(self.frames, generator.integers(len(self.frames.state), size=self.batch))

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Distance of vertices in mm, and of the Laplacian of normals (eq. 1).

        Neighbours say nearly the same: most moments show a sample of the vertices, few the whole.
        """
        mesh, model = self._mesh, self.model
        some = torch.randperm(len(mesh.places))[:_SAMPLE]
        said = model(batch["windows"], batch["state"], mesh.places[some]) * mesh.fade[some]
        away = (said - mesh.offsets(batch["lack"], some)) * 1e3
        weight = batch["weight"][:, None, None]
        few = slice(0, _WHOLE)
        whole = model(batch["windows"][few], batch["state"][few], mesh.places) * mesh.fade
        coarse = mesh.template + mesh.moves(batch["coarse"][few])
        wanted = mesh.offsets(batch["lack"][few])
        bend = mesh.bend(coarse + whole) - mesh.bend(coarse + wanted)
        robust = functional.smooth_l1_loss(
            away, torch.zeros_like(away), beta=_KNEE_MM, reduction="none"
        )
        return {
            "vertices": (weight * robust).mean(),
            "normals": _NORMALS * (weight[few] * bend.abs()).mean(),
        }

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Mean distance of held-out lips to the full ones in mm, and without the network."""
        mesh, frames = self._mesh, self.judges
        rows = np.linspace(0, len(frames.state) - 1, 600).astype(int)
        batch = _take(frames, rows)
        said = model(batch["windows"], batch["state"], mesh.places) * mesh.fade
        wanted = mesh.offsets(batch["lack"])
        left = (said - wanted).norm(dim=-1)[:, mesh.lips] * 1e3
        before = wanted.norm(dim=-1)[:, mesh.lips] * 1e3
        seal = batch["weight"] > 1
        return {
            "left_mm": float(left.mean()),
            "before_mm": float(before.mean()),
            "left_in_contacts_mm": float(left[seal].mean()) if seal.any() else 0.0,
            "before_in_contacts_mm": float(before[seal].mean()) if seal.any() else 0.0,
        }


class _Mesh:
    """The lips as tensors."""

    def __init__(self, region: LipRegion, head: HeadFile) -> None:
        vertices = region.vertices
        self.places = torch.from_numpy(region.places)
        self.fade = torch.from_numpy(region.fade).float()[:, None]
        self.template = torch.from_numpy(head.template[vertices]).float()
        self.basis = torch.from_numpy(head.expression_basis[vertices]).float()  # (M, 3, E)
        self.faces = torch.from_numpy(region.faces).long()
        self.lips = torch.from_numpy(region.fade > 0.99)
        ends = region.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        ends = np.unique(np.concatenate([ends, ends[:, ::-1]]), axis=0)
        count = np.bincount(ends[:, 0], minlength=len(vertices)).clip(1)
        self._around = torch.sparse_coo_tensor(
            torch.from_numpy(ends.T.copy()),
            torch.from_numpy(1 / count[ends[:, 0]]).float(),
            (len(vertices), len(vertices)),
            check_invariants=True,
        ).coalesce()

    def moves(self, units: Tensor) -> Tensor:
        """(B, E) -> (B, M, 3) m."""
        return torch.einsum("be,mce->bmc", units, self.basis)

    def offsets(self, units: Tensor, some: Tensor | None = None) -> Tensor:
        """The same for some vertices or all, fading towards the border."""
        if some is None:
            return self.moves(units) * self.fade
        return torch.einsum("be,mce->bmc", units, self.basis[some]) * self.fade[some]

    def bend(self, points: Tensor) -> Tensor:
        """The Laplacian of the normals, (B, M, 3)."""
        normals = smooth_normals(points, self.faces)
        flat = normals.transpose(0, 1).flatten(1)  # (M, B 3)
        mean = torch.sparse.mm(self._around, flat).unflatten(1, (-1, 3)).transpose(0, 1)
        return (normals - mean) * self.fade


def as_fitted(
    values: np.ndarray, closed: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Channels (T, channels) of full lips -> coarse and full ones with the same jaw.

    `closed` (T,) is how far p b m seal the lips.
    """
    column = {name: CHANNELS.index(name) for name in CHANNELS}
    full, coarse = values.copy(), values.copy()
    if generator.random() < _WELL_FITTED:
        return coarse, full
    blind = generator.random() < 0.7
    for names, low, high in (
        (_ROLLS, 0.0 if blind else 0.5, 0.35 if blind else 1.1),
        (_ROUND, 0.6, 1.05), (_SPREAD, 0.8, 1.2), (_OPEN, 0.5, 1.3),
    ):  # fmt: skip
        for name in names:
            coarse[:, column[name]] *= generator.uniform(low, high)
    sigma = generator.uniform(0, 2.5)  # steps of 20 ms
    lips = [column[name] for name in (*_ROLLS, *_ROUND, *_SPREAD, *_OPEN, "mouthClose")]
    jaw = full[:, column["jaw"]]
    share = np.clip(coarse[:, column["mouthClose"]] / np.maximum(shutting(jaw), 1e-4), 0, 1)
    coarse[:, column["mouthClose"]] = share - closed * generator.uniform(0, 0.6)
    coarse[:, lips] = gaussian_filter1d(coarse[:, lips], sigma, axis=0) if sigma > 0.3 else (
        coarse[:, lips]
    )  # fmt: skip
    coarse[:, column["mouthClose"]] = coarse[:, column["mouthClose"]].clip(0, 1) * shutting(jaw)
    return coarse, full


def _gather(
    clips: Sequence[VoiceClip],
    marks: Mouth,
    names: Sequence[str],
    generator: np.random.Generator,
) -> LipFrames:
    """All steps of all clips, with lips as fitted."""
    columns = [channel_of(name) for name in names]
    parts = []
    for clip in clips:
        speaking = clip.contacts[:, CONTACTS.index("speaking")]
        closed, tucked = clip.contacts[:, 0], clip.contacts[:, 1]
        coarse, full = as_fitted(clip.truth[:, : len(CHANNELS)], closed, generator)
        lack = (full - coarse) * speaking[:, None]
        jaw = np.zeros((len(coarse), 3))
        jaw[:, 0] = coarse[:, 0]
        units, missing = (_units(values, columns) for values in (coarse, lack))
        features = SpeechFeatures("phones", clip.features)
        parts.append(
            LipFrames(
                windows(features, step_times(len(coarse))).astype(np.float16),
                lip_state(marks, marks.pose(units, jaw), jaw[:, 0]),
                units.astype(np.float32),
                missing.astype(np.float32),
                (1 + (_SEAL - 1) * np.maximum(closed, tucked)).astype(np.float32),
            )
        )
    fields = ("windows", "state", "coarse", "lack", "weight")
    return LipFrames(*(np.concatenate([getattr(p, f) for p in parts]) for f in fields))


def _units(values: np.ndarray, columns: Sequence[str | None]) -> np.ndarray:
    """Channels (T, channels) as units of the head (T, E)."""
    places = [CHANNELS.index(name) if name else -1 for name in columns]
    return np.where(np.array(places) >= 0, values[:, places], 0.0)


def _take(frames: LipFrames, rows: np.ndarray) -> dict[str, Any]:
    names = ("windows", "state", "coarse", "lack", "weight")
    return {name: torch.from_numpy(getattr(frames, name)[rows]).float() for name in names}
