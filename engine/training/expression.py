"""The audio-visual expression branch alone, the coarse encoder fixed (AVFace section 3.1).

For ablations (table 1: `--senses`, `--drops`, `--looks-around`) and after the coarse stage.
"""

from collections.abc import Mapping

from torch import Tensor

from .coarse import CoarseOptions, CoarseTask
from .data import Source, Windows
from .stages import Part
from .system import CoarseStage


class ExpressionTask(CoarseTask):
    """E_a, E_v and their transformer learn; E_c is as the coarse stage left it."""

    name = "expression"

    def __init__(
        self, options: CoarseOptions, sources: Mapping[Part, Source] | None = None
    ) -> None:
        super().__init__(options, sources)
        assert isinstance(self.model, CoarseStage)
        self.model.coarse.requires_grad_(False)

    def losses(self, batch: Windows) -> dict[str, Tensor]:
        """See `loop.Task`. Losses that E_c alone could lower are left out."""
        assert isinstance(self.model, CoarseStage)
        self.model.coarse.eval()
        fixed = ("same_shape", "light", "shape", "pose")
        return {k: v for k, v in super().losses(batch).items() if k not in fixed}
