"""SPECTRE's perceptual encoder (Filntisis et al. 2022, section 3 and supplement C).

The coarse stage is fixed and gives identity, pose, camera, colours and light. The lip-reading
network is the user's or the small one of our own, the emotion network the user's; without one, its
loss is left out and the geometric ones remain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..exchange.head_file import HeadFile
from ..models.lipreader import LipReader, LipReaderConfig
from ..models.slots import load_slot
from ..models.spectre import SpectreEncoder
from ..options import option
from ..weights import load_head, load_network, registry
from . import losses
from .data import Source, Windows
from .losses import SPECTRE
from .mouths import MouthPainter, crop_mouths, mouth_squares
from .objectives import landmark_figures
from .stages import Part, UponCoarseOptions, WindowTask, fixed_coarse
from .system import CoarseStage, Codes, Faces, head_albedo

_MOUTH_SIDE = 88  # px: what lip readers of a user's see (Ma et al. 2022)
_OWN_READER = "lipreader"  # in the registry
_FACE_SIDE = 224  # px: what the emotion network sees


@dataclass(frozen=True)
class SpectreOptions(UponCoarseOptions):
    """Flags of `train spectre`."""

    batch: int = option(1, "sequences in a batch")
    lip_reader: Path | None = option(
        None,
        "TorchScript or ONNX, grey mouths (B, K, 1, 88, 88) -> features (B, K, C); default:"
        " AVFace's own",
    )
    emotion_network: Path | None = option(
        None, "TorchScript or ONNX, faces (N, 3, 224, 224) -> features (N, C)"
    )


@dataclass(frozen=True)
class Watched:
    """Features of B sequences of K real pictures; None without a network for them."""

    lips: Tensor | None  # (B, K, C)
    emotion: Tensor | None  # (B K, C)


@dataclass(frozen=True)
class PerceptualLosses:
    """SPECTRE's losses on codes, for the encoder and for descent on one clip.

    Args:
        faces: With a renderer when the emotion network is given.
        lip_reader: Mouths -> features.
        painter: Draws mouths for the lip reader.
        emotion: Faces -> features.
    """

    faces: Faces
    lip_reader: nn.Module | None = None
    painter: MouthPainter | None = None
    emotion: nn.Module | None = None

    @property
    def parts(self) -> list[nn.Module]:
        """Everything that has a device."""
        found = (self.faces, self.lip_reader, self.painter, self.emotion)
        return [part for part in found if part is not None]

    @torch.no_grad()
    def watch(self, windows: Windows) -> Watched:
        """What the networks see in the real pictures."""
        lips = emotion = None
        if self.lip_reader is not None:
            mouths = crop_mouths(windows.pictures, windows.landmarks, _mouth_side(self.lip_reader))
            lips = self.lip_reader(mouths)
        if self.emotion is not None:
            emotion = self.emotion(_scaled(windows.flat("pictures")))
        return Watched(lips, emotion)

    def __call__(
        self,
        codes: Codes,
        start: Codes,
        windows: Windows,
        watched: Watched | None = None,
        read: slice = slice(None),
    ) -> dict[str, Tensor]:
        """Each loss, weighted.

        Args:
            codes: Of all frames.
            start: What the coarse stage said.
            windows: What is real.
            watched: What `watch` says of them, where it stands already.
            read: The frames of each sequence whose lips are drawn and read.
        """
        points, target = self.faces.landmarks(codes), windows.flat("landmarks")
        belief = windows.flat("belief")
        out = {
            "expression": losses.expression_loss(codes.expression, start.expression),
            "jaw": SPECTRE.jaw * losses.nearness_loss(codes.jaw, start.jaw),
            "outline": SPECTRE.landmark * losses.outline_loss(points, target, belief),
            "mouth": SPECTRE.mouth * losses.intra_distance_loss(points, target, belief),
        }
        watched = watched or self.watch(windows)
        if watched.lips is not None:
            ours = self.draw_and_read(codes, points, windows, read)
            seen = windows.belief[:, read, 48:].mean(-1)
            loss = losses.feature_cosine_loss(ours, watched.lips[:, read], seen)
            out["lip_reading"] = SPECTRE.lip_reading * loss
        if watched.emotion is not None:
            renderer = self.faces.renderer
            assert self.emotion is not None and renderer is not None
            drawn = renderer(self.faces.vertices(codes), codes.albedo, codes.light, _FACE_SIDE)
            loss = losses.feature_distance_loss(self.emotion(drawn.picture), watched.emotion)
            out["emotion"] = SPECTRE.emotion * loss
        return out

    def draw_and_read(
        self, codes: Codes, points: Tensor, windows: Windows, read: slice = slice(None)
    ) -> Tensor:
        """The lip reader's features of drawn mouths, (B, K, C).

        They are cropped by their own landmarks `points` (B K, 68, 2), real ones by the detector's.
        """
        assert self.lip_reader is not None and self.painter is not None
        shape = windows.sound.shape[:2]
        middle, half = mouth_squares(points.unflatten(0, shape))
        some = Codes(**{
            name: value.unflatten(0, shape)[:, read].flatten(0, 1)
            for name, value in vars(codes).items()
        })  # fmt: skip
        squares, side = (middle[:, read], half[:, read]), _mouth_side(self.lip_reader)
        return self.lip_reader(self.painter(some, squares, side))


def perceptual_losses(
    file: HeadFile,
    lip_reader: Path | None,
    emotion: Path | None,
    reads_lips: bool = True,
) -> PerceptualLosses:
    """The losses with a user's networks, or with the lip reader that the product carries.

    Raises AVFaceError when a user's file isn't a network.
    """
    reader = None
    if reads_lips:
        reader = load_slot(lip_reader, "lip reading") if lip_reader else own_lip_reader()
    feeling = load_slot(emotion, "emotions")
    faces = Faces(file, draws=feeling is not None)
    painter = MouthPainter(file, head_albedo(file)) if reader is not None else None
    return PerceptualLosses(faces, reader, painter, feeling)


def own_lip_reader() -> LipReader | None:
    """The lip reader of the registry, fixed; None where the product carries none."""
    if _OWN_READER not in registry():
        return None
    tensors, about = load_network(_OWN_READER)
    reader = LipReader(LipReaderConfig.from_metadata(about))
    reader.load_state_dict(tensors)
    return reader.eval().requires_grad_(False)


def _mouth_side(reader: nn.Module) -> int:
    return reader.side if isinstance(reader, LipReader) else _MOUTH_SIDE


def _scaled(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, P, P) as the emotion network sees them."""
    size = (_FACE_SIDE, _FACE_SIDE)
    return functional.interpolate(pictures, size, mode="bilinear", antialias=True)


class SpectreTask(WindowTask):
    """`models.spectre.SpectreEncoder` on a fixed coarse stage."""

    name, flags = "spectre", SpectreOptions

    def __init__(
        self, options: SpectreOptions, sources: Mapping[Part, Source] | None = None
    ) -> None:
        config, file = options.networks, load_head()
        super().__init__(options, config.spectre_frames, file, sources)
        self.model: nn.Module = SpectreEncoder(config)
        self.coarse = fixed_coarse(config, options.coarse)
        self.objective = perceptual_losses(file, options.lip_reader, options.emotion_network)
        self.fixed = self.coarse, *self.objective.parts

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
        self.follow(batch)
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
