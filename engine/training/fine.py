"""The fine stage: relief of the skin from the unwrapped picture and the sound (AVFace section 3.3).

The coarse stage is fixed. Pseudo-normals come from a network of the user's (`--normals-network`)
or from the picture's shading; features for the ID-MRF loss from a network of the user's (VGG-19,
as published) or from oriented filters.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models.fine import FineNetwork
from ..models.slots import load_slot
from ..options import option
from ..weights import load_head
from . import losses
from .data import Source, Windows
from .losses import FINE
from .shading import normals_from_shading, shade
from .sheet import Sheet
from .stages import Part, UponCoarseOptions, WindowTask, fixed_coarse
from .system import Faces

_GAMMA = 1 / 2.2
_FRAMES = 2  # of a window that are used: neighbours look alike


@dataclass(frozen=True)
class FineOptions(UponCoarseOptions):
    """Flags of `train fine`."""

    normals_network: Path | None = option(
        None, "picture -> normals, TorchScript or ONNX; default: from shading"
    )
    texture_network: Path | None = option(
        None, "features for ID-MRF, TorchScript or ONNX; default: filters"
    )


@dataclass(frozen=True)
class _Laid:
    """N frames on the sheet."""

    picture: Tensor  # (N, 3, U, U) display colours
    normals: Tensor  # (N, 3, U, U) of the coarse surface
    places: Tensor  # (N, 3, U, U)
    albedo: Tensor  # (N, 3, U, U) linear
    light: Tensor  # (N, 9, 3)
    mask: Tensor  # (N, 1, U, U) seen
    target: Tensor  # (N, 3, U, U) pseudo-normals
    sound: Tensor  # (N, 16, C)
    scale: Tensor  # (N, 1, 1, 1) units of the crop in a metre


class FineTask(WindowTask):
    """`models.fine.FineNetwork` on frames of a fixed coarse stage."""

    name, flags = "fine", FineOptions

    def __init__(self, options: FineOptions, sources: Mapping[Part, Source] | None = None) -> None:
        config, file = options.networks, load_head()
        super().__init__(options, config.window, file, sources)
        self.model: nn.Module = FineNetwork(config)
        self.metadata |= {"reads": "pictures"}  # and not evidence, as what is shipped (`relief`)
        self.coarse = fixed_coarse(config, options.coarse)
        self.faces, self.sheet = Faces(file, draws=True), Sheet(file, config.uv)
        self.with_normals = config.fine_channels == 6
        self.normals_network = load_slot(options.normals_network, "normals")
        texture = load_slot(options.texture_network, "texture features")
        self.texture = OrientedFilters() if texture is None else texture
        self.fixed = self.coarse, self.faces, self.sheet, self.texture, self.normals_network

    def losses(self, batch: Windows) -> dict[str, Tensor]:
        """Eq. 4. See `loop.Task`."""
        return self._losses(self.model, batch)

    def judge(self, model: nn.Module, windows: Windows) -> dict[str, float]:
        """The losses and their sum."""
        values = {name: float(loss) for name, loss in self._losses(model, windows).items()}
        return {"total": sum(values.values()), **values}

    def _losses(self, model: nn.Module, batch: Windows) -> dict[str, Tensor]:
        laid = self._lay(batch)
        given = laid.picture * laid.mask
        if self.with_normals:
            given = torch.cat([given, laid.normals * 0.5 + 0.5], 1)
        relief = model(given, laid.sound)  # m
        normals = self.sheet.detailed_normals(laid.places, laid.normals, relief * laid.scale)
        flat = normals.flatten(2).transpose(1, 2)
        lit = laid.albedo * shade(flat, laid.light).transpose(1, 2).view_as(laid.albedo)
        drawn, seen = lit.clamp(min=1e-5) ** _GAMMA, self.sheet.on_skin - laid.mask
        parts = {
            "photometric": losses.photometric_loss(drawn, laid.picture, laid.mask),
            "normals": losses.normals_loss(normals, laid.target, laid.mask),
            "mrf": losses.mrf_loss(
                self.texture(drawn * laid.mask), self.texture(laid.picture * laid.mask)
            ),
            "symmetry": losses.symmetry_loss(relief, seen, self.sheet.mirrored(relief)),
            "displacement": losses.displacement_loss(relief),
        }
        return {name: getattr(FINE, name) * value for name, value in parts.items()}

    @torch.no_grad()
    def _lay(self, batch: Windows) -> _Laid:
        """Some frames of the batch as the coarse stage sees them."""
        self.follow(batch)
        chosen = torch.arange(len(batch.pictures) * self.frames, device=batch.pictures.device)
        chosen = chosen[:: max(1, self.frames // _FRAMES)]
        codes = self.coarse(batch.pictures, batch.sound)
        vertices = self.faces.vertices(codes)[chosen]
        renderer = self.faces.renderer
        assert renderer is not None
        places, normals = self.sheet.coarse(vertices, renderer.faces)
        pictures, light = batch.flat("pictures")[chosen], codes.light[chosen]
        albedo = self.sheet.lay(renderer.albedo(codes.albedo[chosen]))
        laid = self.sheet.unwrap(pictures, places)
        if self.normals_network is None:
            target = normals_from_shading(normals, albedo, light, laid)
        else:
            target = self.sheet.unwrap_normals(self.normals_network(pictures), places)
        mask = self.sheet.visible(places, normals, renderer, vertices)
        scale = codes.camera[chosen, 0].view(-1, 1, 1, 1)
        sound = batch.flat("sound")[chosen]
        return _Laid(laid, normals, places, albedo, light, mask, target, sound, scale)


class OrientedFilters(nn.Module):
    """What stands in for VGG's features: edges of four directions at three scales, of grey.

    Pictures (N, 3, H, W) -> (N, 24, H / 8, W / 8).
    """

    bank: Tensor  # (8, 1, 9, 9)

    def __init__(self) -> None:
        super().__init__()
        y, x = torch.meshgrid(torch.arange(-4.0, 5), torch.arange(-4.0, 5), indexing="ij")
        filters = []
        for k in range(4):
            along = x * math.cos(k * math.pi / 4) + y * math.sin(k * math.pi / 4)
            for phase in (0.0, math.pi / 2):
                wave = torch.cos(along * math.pi / 3 + phase) * torch.exp(-(x**2 + y**2) / 8)
                filters.append(wave - wave.mean())
        self.register_buffer("bank", torch.stack(filters)[:, None], False)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        grey = pictures.mean(1, keepdim=True)
        size = (grey.shape[-2] // 8, grey.shape[-1] // 8)
        maps = []
        for scale in (1, 2, 4):
            small = functional.avg_pool2d(grey, scale) if scale > 1 else grey
            maps.append(functional.adaptive_avg_pool2d(_respond(small, self.bank), size))
        return torch.cat(maps, 1)


def _respond(grey: Tensor, bank: Tensor) -> Tensor:
    return functional.relu(functional.conv2d(grey, bank, padding=4))
