"""The coarse stage: identity, pose, light and expression, self-supervised (AVFace section 3.1).

Both branches learn together. On real windows the published losses alone; synthetic windows add
what their truth allows.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from ..models.checkpoints import load_deca, load_imagenet
from ..models.sight import SightBackbone
from ..models.slots import load_slot
from ..options import option
from ..weights import load_head
from .data import Source, Windows
from .objectives import CoarseObjective, landmark_figures
from .stages import Part, StageOptions, WindowTask
from .system import CoarseStage, Faces

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class CoarseOptions(StageOptions):
    """Flags of `train coarse`, `train expression` and `train occluded`."""

    senses: Literal["audio", "video", "both"] = option(
        "both", "what the expression branch may use (table 1)"
    )
    drops: bool = option(True, "drop modalities while training")
    looks_around: bool = option(True, "expression sees the window")
    photometric: bool = option(True, "compare drawn faces with pictures")
    identity_network: Path | None = option(
        None, "face recogniser, TorchScript or ONNX; default: no identity loss"
    )
    deca: Path | None = option(None, "begin with DECA's encoder: its deca_model.tar")
    imagenet: Path | None = option(None, "begin with torchvision's weights of the backbone")


class CoarseTask(WindowTask):
    """Both branches of the coarse stage."""

    name, flags = "coarse", CoarseOptions

    def __init__(
        self, options: CoarseOptions, sources: Mapping[Part, Source] | None = None
    ) -> None:
        config, file = options.networks, load_head()
        super().__init__(options, config.window, file, sources)
        self.options = options
        self.model = CoarseStage(config, options.senses, options.drops, options.looks_around)
        _begin_with(self.model, options)
        identity = load_slot(options.identity_network, "face recognition")
        draws = options.photometric or identity is not None
        faces = Faces(file, draws)
        self.objective = CoarseObjective(faces, photometric=options.photometric, identity=identity)
        self.fixed = faces, identity

    def losses(self, batch: Windows) -> dict[str, Tensor]:
        """See `loop.Task`."""
        self.follow(batch)
        return self.objective(self.model(batch.pictures, batch.sound), batch)

    def judge(self, model: nn.Module, windows: Windows) -> dict[str, float]:
        """NME of the landmarks."""
        self.follow(windows)
        codes = model(windows.pictures, windows.sound)
        return landmark_figures(self.objective.faces.landmarks(codes), windows)


def _begin_with(stage: CoarseStage, options: CoarseOptions) -> None:
    """A user's weights into the picture encoders; says what was used. Raises AVFaceError."""
    if options.imagenet:
        for network in (stage.coarse.image, stage.expression.video):
            assert not isinstance(network.backbone, SightBackbone)  # no configuration of a stage
            _LOG.info(load_imagenet(options.imagenet, network.backbone).sentence)
    if options.deca:
        _LOG.info(load_deca(options.deca, stage.coarse, stage.expression).sentence)
