"""The lip stage on pictures: what the sound adds to the coarse stage's lips (AVFace section 3.2).

The coarse stage is fixed. Eq. 1: its losses, on faces whose lips the network has moved, and the
Laplacian of the lips' normals against pseudo-normals, from a network of the user's
(`--normals-network`) or from the picture's shading. `lips` trains the same network on lips that are
known, for want of such a network; either's weights serve a capture.
(open) Nothing in eq. 1 holds the offsets back: here as in a capture they are what the head's units
can do with its lips (`LipRegion.as_moved`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..exchange.head_file import HeadFile
from ..head.lip_region import LipRegion, lip_region_of, lip_state
from ..head.torch_head import TorchHead
from ..models.lips import LipConfig, LipNet, describe
from ..models.slots import load_slot
from ..options import option
from ..weights import load_head, registry
from . import losses
from .data import Source, Windows
from .losses import FINE
from .objectives import CoarseObjective, landmark_figures
from .shading import normals_from_shading
from .sheet import Sheet
from .stages import Part, UponCoarseOptions, WindowTask, fixed_coarse
from .system import Codes, Faces

_FRAMES = 2  # of a window whose normals are compared: neighbours look alike
# Of the coarse losses, those that lips can change.
_OF_LIPS = ("landmark", "mouth_closure", "lip_corner", "photometric", "mesh")


@dataclass(frozen=True)
class LipRefinementOptions(UponCoarseOptions):
    """Flags of `train lip_refinement`."""

    normals_network: Path | None = option(
        None, "picture -> normals, TorchScript or ONNX; default: from shading"
    )


@dataclass(frozen=True)
class RefinedCodes(Codes):
    """What the coarse stage says of N frames, and how the sound moves the lips' vertices."""

    lips: Tensor  # (N, M, 3) m, at rest, as a unit's displacement is


class RefinedFaces(Faces):
    """Faces whose lips are where `RefinedCodes` put them."""

    def __init__(self, file: HeadFile, region: LipRegion) -> None:
        super().__init__(file, draws=True)
        for name, head in (("marks", self.marks), ("whole", self.whole)):
            assert head is not None
            kept = head.kept.numpy()
            _, rows, columns = np.intersect1d(kept, region.vertices, return_indices=True)
            self.register_buffer(f"{name}_rows", torch.from_numpy(rows), False)
            self.register_buffer(f"{name}_columns", torch.from_numpy(columns), False)

    def _rest(self, head: TorchHead, codes: Codes) -> tuple[Tensor, Tensor]:
        vertices, joints = head.rest(codes.shape)
        if not isinstance(codes, RefinedCodes):
            return vertices, joints
        name = "marks" if head is self.marks else "whole"
        rows, columns = getattr(self, f"{name}_rows"), getattr(self, f"{name}_columns")
        return vertices.index_add(1, rows, codes.lips[:, columns]), joints


class LipRefinementTask(WindowTask):
    """`models.lips.LipNet` on a fixed coarse stage."""

    name, flags = "lip_refinement", LipRefinementOptions

    def __init__(
        self, options: LipRefinementOptions, sources: Mapping[Part, Source] | None = None
    ) -> None:
        config, file = options.networks, load_head()
        super().__init__(options, config.window, file, sources)
        network = LipNet(LipConfig(features=config.audio_channels, window=config.audio_steps))
        self.model: nn.Module = network
        about = describe(network, self.metadata["sound"], registry()["phones"]["sha256"])
        self.metadata = {"head": file.sha256, **about}
        self.coarse = fixed_coarse(config, options.coarse)
        self.region = lip_region_of(file)
        self.faces, self.sheet = RefinedFaces(file, self.region), Sheet(file, config.uv)
        self.objective = CoarseObjective(self.faces, photometric=True)
        self.normals_network = load_slot(options.normals_network, "normals")
        self.fixed = self.coarse, self.faces, self.sheet, self.normals_network
        fade = np.zeros(len(file.template), np.float32)
        fade[self.region.vertices] = self.region.fade
        self.on_lips = self.sheet.lay(torch.from_numpy(fade)[None, :, None])  # (1, 1, U, U)
        self.places = torch.from_numpy(self.region.places)
        self.fade = torch.from_numpy(self.region.fade).float()[:, None]
        self.moves = torch.from_numpy(self.region.moves)  # (3 M, K)

    def losses(self, batch: Windows) -> dict[str, Tensor]:
        """Eq. 1. See `loop.Task`."""
        coarse = self._coarse_codes(batch)
        refined = self._refined(self.model, coarse, batch)
        out = {k: v for k, v in self.objective(refined, batch).items() if k in _OF_LIPS}
        return out | {"normals": FINE.normals * self._normals_loss(coarse, refined, batch)}

    def judge(self, model: nn.Module, windows: Windows) -> dict[str, float]:
        """NME of the lips, and as the coarse stage left them."""
        coarse = self._coarse_codes(windows)
        refined = self._refined(model, coarse, windows)
        figures = {}
        for name, codes in (("nme_lips", refined), ("nme_lips_coarse", coarse)):
            found = landmark_figures(self.faces.landmarks(codes), windows)
            figures[name] = found["nme_lips"]
        return figures

    @torch.no_grad()
    def _coarse_codes(self, batch: Windows) -> Codes:
        self.follow(batch)
        return self.coarse(batch.pictures, batch.sound)

    def _refined(self, model: nn.Module, codes: Codes, batch: Windows) -> RefinedCodes:
        device = codes.jaw.device
        state = torch.from_numpy(self._state(codes, batch.sound.shape[1])).to(device)
        sound = batch.flat("sound")
        said = model(sound, state, self.places.to(device)) * self.fade.to(device)
        moves = self.moves.to(device)
        moved = ((said.flatten(1) @ moves) @ moves.T).view_as(said)
        heard = sound.flatten(1).any(1)[:, None, None]  # without sound lips stay
        return RefinedCodes(**vars(codes), lips=moved * heard)

    def _state(self, codes: Codes, frames: int) -> np.ndarray:
        """How the coarse lips stand, (N, 7); each window on its mean person."""
        mouth, out = self.region.mouth, []
        shape, units, jaw = (v.cpu().numpy() for v in (codes.shape, codes.expression, codes.jaw))
        for start in range(0, len(jaw), frames):
            part = slice(start, start + frames)
            posed = mouth.pose(units[part], jaw[part], mouth.rest(shape[part].mean(0)))
            out.append(lip_state(mouth, posed, jaw[part, 0]))
        return np.concatenate(out)

    def _normals_loss(self, coarse: Codes, refined: RefinedCodes, batch: Windows) -> Tensor:
        """The second term of eq. 1, on some frames."""
        some = slice(None, None, max(1, self.frames // _FRAMES))
        before, after = (
            type(codes)(**{name: value[some] for name, value in vars(codes).items()})
            for codes in (coarse, refined)
        )
        renderer, pictures = self.faces.renderer, batch.flat("pictures")[some]
        assert renderer is not None
        with torch.no_grad():
            vertices = self.faces.vertices(before)
            places, normals = self.sheet.coarse(vertices, renderer.faces)
            mask = self.sheet.visible(places, normals, renderer, vertices)
            mask = mask * self.on_lips.to(mask.device)
            if self.normals_network is None:
                albedo = self.sheet.lay(renderer.albedo(before.albedo))
                laid = self.sheet.unwrap(pictures, places)
                target = normals_from_shading(normals, albedo, before.light, laid)
            else:
                target = self.sheet.unwrap_normals(self.normals_network(pictures), places)
        _, moved = self.sheet.coarse(self.faces.vertices(after), renderer.faces)
        return losses.normals_loss(moved, target, mask)
