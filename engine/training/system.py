"""AVFace's coarse stage as one model, and its codes as faces: landmarks, surfaces, pictures.

The crop's camera is DECA's: scale and shift of the head's own x and y (weak perspective).
(open) A light of zeros is black, so the networks begin with white light from everywhere, and with
a scale at which a head fills its crop.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..exchange.head_file import HeadFile
from ..head.albedo import Albedo, load_albedo
from ..head.torch_head import TorchHead, landmark_vertices, rotation_matrices
from ..models.coarse import CoarseEncoder
from ..models.config import LITE, PUBLISHED, Config
from ..models.expression import ExpressionEncoder, drop_modalities
from ..weights import FOLDER
from .shading import Renderer

Senses = Literal["audio", "video", "both"]
CONFIGS = {"small": LITE, "full": PUBLISHED}
_FIRST_SCALE = 7.0  # 1 / m: half a crop is about 0.14 m
_EYES = 2


@dataclass(frozen=True)
class Codes:
    """What the coarse stage says of N frames."""

    shape: Tensor  # (N, S)
    albedo: Tensor  # (N, A)
    pose: Tensor  # (N, 3) rad
    camera: Tensor  # (N, 3) scale 1 / m, shift x and y m
    light: Tensor  # (N, 9, 3)
    expression: Tensor  # (N, E)
    jaw: Tensor  # (N, 3) rad
    eyes: Tensor  # (N, 6) rad


class CoarseStage(nn.Module):
    """E_c, E_a and E_v with their transformers.

    Args:
        config: Sizes.
        senses: What the expression branch may use: the rows of the paper's table 1.
        drops: Whether modalities are dropped while training.
        looks_around: Whether its transformer sees the window or single frames.
    """

    def __init__(
        self, config: Config, senses: Senses = "both", drops: bool = True, looks_around: bool = True
    ) -> None:
        super().__init__()
        self.config, self.senses = config, senses
        self.drops, self.looks_around = drops, looks_around
        self.coarse = CoarseEncoder(config)
        self.expression = ExpressionEncoder(config)
        with torch.no_grad():
            self._begin_at_rest()

    def forward(self, pictures: Tensor, sound: Tensor) -> Codes:
        """(B, W, 3, P, P) and (B, W, 16, C) -> codes of B W frames."""
        c = self.coarse(pictures).flatten(0, 1)
        return split_codes(self.config, c, self.express(pictures, sound).flatten(0, 1))

    def express(self, pictures: Tensor, sound: Tensor, lost: slice = slice(0)) -> Tensor:
        """The expression branch alone, e (B, W, 53); the frames `lost` have no picture."""
        branch, windows = self.expression, pictures.shape[:2]
        zeros = pictures.new_zeros(*windows, self.config.audio_embedding)
        f_a, f_v = zeros, pictures.new_zeros(*windows, self.config.video_embedding)
        if self.senses != "video":
            f_a = branch.audio(sound.flatten(0, 1)).unflatten(0, windows)
        if self.senses != "audio":
            f_v = branch.video(pictures.flatten(0, 1)).unflatten(0, windows)
            f_v[:, lost] = 0
        if self.training and self.drops and self.senses == "both":
            f_a, f_v = drop_modalities(f_a, f_v, self.config, torch.default_generator)
        if self.looks_around:
            return branch.fuse(f_a, f_v)
        e = branch.fuse(f_a.flatten(0, 1)[:, None], f_v.flatten(0, 1)[:, None])
        return e.view(*windows, -1)

    def _begin_at_rest(self) -> None:
        """The last layers' biases: a mean face in white light (see the module)."""
        parts = self.config.coarse_parts()
        residual = self.config.coarse_residual
        last = (self.coarse.image.layers if residual else self.coarse.temporal.projection)[-1]
        assert isinstance(last, nn.Linear)
        for layer in (last, self.expression.temporal.projection[-1]):
            assert isinstance(layer, nn.Linear)
            layer.weight.mul_(0.1)
            layer.bias.zero_()
        last.bias[parts["camera"].start] = _FIRST_SCALE
        last.bias[parts["light"].start : parts["light"].start + 3] = 1.0  # the constant term, RGB


def split_codes(config: Config, c: Tensor, e: Tensor) -> Codes:
    """c (N, 183) and e (N, 53) by name. Gaze, where the config has it, turns both eyes."""
    own, moving = config.coarse_parts(), config.expression_parts()
    gaze = e[:, moving["gaze"]]
    eyes = e.new_zeros(len(e), 3 * _EYES)
    if gaze.shape[1]:
        turned = gaze.view(-1, _EYES, 2)
        eyes = torch.cat([turned, torch.zeros_like(turned[..., :1])], -1).flatten(1)
    return Codes(
        shape=c[:, own["shape"]],
        albedo=c[:, own["albedo"]],
        pose=c[:, own["pose"]],
        camera=c[:, own["camera"]],
        light=c[:, own["light"]].view(-1, 9, 3),
        expression=e[:, moving["expression"]],
        jaw=e[:, moving["jaw"]],
        eyes=eyes,
    )


class Faces(nn.Module):
    """Codes as faces: a cheap head for landmarks, the whole one where pictures are drawn."""

    def __init__(self, file: HeadFile, draws: bool = False) -> None:
        super().__init__()
        self.marks = TorchHead(file, landmark_vertices(file))
        self.whole = TorchHead(file) if draws else None
        self.renderer = None
        if draws:
            self.renderer = Renderer(file, head_albedo(file))

    def landmarks(self, codes: Codes) -> Tensor:
        """(N, 68, 2) in units of the crop."""
        posed = self._posed(self.marks, codes)
        return to_crop(self.marks.landmarks_68(posed, codes.pose), codes.camera)[..., :2]

    def mesh_points(self, codes: Codes) -> Tensor:
        """The 468 points in head space, (N, 468, 3) m: what truth is compared in."""
        rest = self._rest(self.marks, codes)
        return self.marks.mesh_landmarks(
            self.marks.pose(rest, codes.expression, codes.jaw, codes.eyes)
        )

    def vertices(self, codes: Codes) -> Tensor:
        """The whole surface (N, V, 3): x and y in units of the crop, z in those, to the camera."""
        assert self.whole is not None
        return to_crop(self._posed(self.whole, codes), codes.camera)

    def _rest(self, head: TorchHead, codes: Codes) -> tuple[Tensor, Tensor]:
        return head.rest(codes.shape)

    def _posed(self, head: TorchHead, codes: Codes) -> Tensor:
        rest = self._rest(head, codes)
        vertices = head.pose(rest, codes.expression, codes.jaw, codes.eyes)
        return vertices @ rotation_matrices(codes.pose).transpose(1, 2)


def head_albedo(file: HeadFile) -> Albedo | None:
    """The colours that belong to a head; None where it has none."""
    return load_albedo(FOLDER / file.albedo_file) if file.albedo_file else None


def to_crop(points: Tensor, camera: Tensor) -> Tensor:
    """DECA's camera: turned points (N, M, 3) m, (N, 3) -> (N, M, 3), y down."""
    scale = camera[:, :1, None]
    shift = torch.cat([camera[:, 1:], torch.zeros_like(camera[:, :1])], 1)[:, None]
    return scale * (points + shift) * points.new_tensor([1.0, -1.0, 1.0])
