"""SPECTRE's perceptual encoder (Filntisis et al. 2022, section 3 and supplement C).

The coarse stage is fixed and gives identity, pose, camera, colours and light. The lip-reading and
emotion networks are the user's; without one, its loss is left out and the geometric ones remain.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ..exchange.head_file import HeadFile
from ..models.spectre import SpectreEncoder
from ..weights import load_head
from . import losses
from .data import Source, Windows
from .losses import SPECTRE
from .objectives import landmark_figures, load_slot
from .stages import StageOptions, WindowTask
from .system import CoarseStage, Codes, Faces

_MOUTH_SIDE = 88  # px: what lip readers see (Ma et al. 2022)
_MOUTH_MARGIN = 1.8  # of the mouth's width
_FACE_SIDE = 224  # px: what the emotion network sees


@dataclass(frozen=True)
class SpectreOptions(StageOptions):
    """Flags of `train spectre`."""

    batch: int = field(default=1, metadata={"help": "sequences in a batch"})
    coarse: Path | None = field(
        default=None, metadata={"help": "weights of the coarse stage (safetensors)"}
    )
    lip_reader: Path | None = field(
        default=None,
        metadata={"help": "TorchScript, grey mouths (B, K, 1, 88, 88) -> features (B, K, C)"},
    )
    emotion_network: Path | None = field(
        default=None, metadata={"help": "TorchScript, faces (N, 3, 224, 224) -> features (N, C)"}
    )


@dataclass(frozen=True)
class PerceptualLosses:
    """SPECTRE's losses on codes, for the encoder and for descent on one clip.

    Args:
        faces: With a renderer when a network is given.
        lip_reader: Mouths -> features.
        emotion: Faces -> features.
        lip_reading_weight: 2; 4 in descent on one clip.
    """

    faces: Faces
    lip_reader: nn.Module | None = None
    emotion: nn.Module | None = None
    lip_reading_weight: float = SPECTRE.lip_reading

    def __call__(self, codes: Codes, start: Codes, windows: Windows) -> dict[str, Tensor]:
        """Each loss, weighted; `start` is what the coarse stage said."""
        points, target = self.faces.landmarks(codes), windows.flat("landmarks")
        belief = windows.flat("belief")
        nearness = losses.nearness_loss(codes.expression, start.expression)
        out = {
            "expression": losses.expression_weight(nearness) * nearness,
            "jaw": SPECTRE.jaw * losses.nearness_loss(codes.jaw, start.jaw),
            "outline": SPECTRE.landmark * losses.outline_loss(points, target, belief),
            "mouth": SPECTRE.mouth * losses.intra_distance_loss(points, target, weights=belief),
        }
        if self.lip_reader is None and self.emotion is None:
            return out
        pictures = windows.flat("pictures")
        drawn = self._draw(codes, pictures)
        shape = windows.sound.shape[:2]
        if self.lip_reader is not None:
            # the rendered mouth is cropped by its own landmarks, the real one by the detector's
            ours, theirs = (
                self.lip_reader(crop_mouths(picture, marks).unflatten(0, shape))
                for picture, marks in ((drawn, points), (pictures, target))
            )
            loss = losses.feature_cosine_loss(ours, theirs.detach())
            out["lip_reading"] = self.lip_reading_weight * loss
        if self.emotion is not None:
            size = (_FACE_SIDE, _FACE_SIDE)
            ours, theirs = (
                self.emotion(functional.interpolate(p, size, mode="bilinear", antialias=True))
                for p in (drawn, pictures)
            )
            loss = losses.feature_distance_loss(ours, theirs.detach())
            out["emotion"] = SPECTRE.emotion * loss
        return out

    def _draw(self, codes: Codes, pictures: Tensor) -> Tensor:
        renderer = self.faces.renderer
        assert renderer is not None, "networks want faces that draw"
        size = pictures.shape[-1]
        drawn = renderer(self.faces.vertices(codes), codes.albedo, codes.light, size)
        return drawn.picture


class SpectreTask(WindowTask):
    """`models.spectre.SpectreEncoder` on a fixed coarse stage."""

    name = "spectre"

    def __init__(
        self,
        options: SpectreOptions,
        source: Source | None = None,
        test: Source | None = None,
        head: HeadFile | None = None,
    ) -> None:
        config, file = options.networks, head or load_head()
        super().__init__(options, config.spectre_frames, file, source, test)
        self.model: nn.Module = SpectreEncoder(config)
        self.coarse = CoarseStage(config)
        if options.coarse:
            self.coarse.load_state_dict(load_file(options.coarse))
        self.coarse.eval().requires_grad_(False)
        reader = load_slot(options.lip_reader, "lip reading")
        emotion = load_slot(options.emotion_network, "emotions")
        draws = reader is not None or emotion is not None
        self.objective = PerceptualLosses(Faces(file, draws), reader, emotion)

    def losses(self, batch: Windows) -> dict[str, Tensor]:
        """See `loop.Task`."""
        codes, start = self._codes(self.model, batch)
        return self.objective(codes, start, batch)

    def judge(self, model: nn.Module, windows: Windows) -> dict[str, float]:
        """The losses' sum, landmarks, the losses."""
        codes, start = self._codes(model, windows)
        values = {k: float(v) for k, v in self.objective(codes, start, windows).items()}
        figures = landmark_figures(self.objective.faces.landmarks(codes), windows)
        return {"total": sum(values.values()), **figures, **values}

    def _codes(self, model: nn.Module, batch: Windows) -> tuple[Codes, Codes]:
        """With SPECTRE's expression and jaw, and the coarse stage's own."""
        device = batch.pictures.device
        for part in (self.coarse, self.objective.faces, self.objective.lip_reader,
                     self.objective.emotion):  # fmt: skip
            if part is not None:
                part.to(device)
        with torch.no_grad():
            start = code_sequence(self.coarse, batch)
        e = model(batch.pictures).flatten(0, 1)
        count = self.coarse.config.expression
        return replace(start, expression=e[:, :count], jaw=e[:, count:]), start


def code_sequence(stage: CoarseStage, batch: Windows) -> Codes:
    """The coarse stage's codes of sequences of up to twice its window: two overlapping windows."""
    window, frames = stage.config.window, batch.sound.shape[1]
    if frames <= window:
        return stage(batch.pictures, batch.sound)
    assert frames <= 2 * window, (frames, window)
    first = stage(batch.pictures[:, :window], batch.sound[:, :window])
    second = stage(batch.pictures[:, -window:], batch.sound[:, -window:])
    half = frames // 2

    def join(a: Tensor, b: Tensor) -> Tensor:
        a, b = a.unflatten(0, (-1, window)), b.unflatten(0, (-1, window))
        return torch.cat([a[:, :half], b[:, half - frames :]], 1).flatten(0, 1)

    return Codes(
        **{name: join(value, getattr(second, name)) for name, value in vars(first).items()}
    )


def crop_mouths(pictures: Tensor, marks: Tensor) -> Tensor:
    """Grey mouths (N, 1, 88, 88) of pictures (N, 3, P, P) at their landmarks (N, 68, 2)."""
    mouth = marks[:, 48:].detach()
    low, high = mouth.amin(1), mouth.amax(1)
    centre, half = (low + high) / 2, _MOUTH_MARGIN / 2 * (high - low).amax(1)
    line = (torch.arange(_MOUTH_SIDE, device=marks.device) + 0.5) / _MOUTH_SIDE * 2 - 1
    square = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
    grid = centre[:, None, None] + half.clamp(min=1e-3)[:, None, None, None] * square
    weights = pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = (pictures * weights).sum(1, keepdim=True)
    return functional.grid_sample(grey, grid, align_corners=False)


def build_task(options: SpectreOptions) -> SpectreTask:
    """What `python -m engine train spectre` trains."""
    return SpectreTask(options)
