"""What all stages of AVFace's training ask for, and where their windows come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from ..exchange.head_file import HeadFile
from ..models.config import Config
from ..options import option
from .checkpoint import load_weights
from .data import FolderSource, MixedSource, Source, Windows, window_batch
from .process import on_device
from .system import CONFIGS, CoarseStage

Part = Literal["train", "test"]
_TEST_SEED = 990_001  # people that no training draws


@dataclass(frozen=True)
class StageOptions:
    """Each field is a flag of `python -m engine train STAGE`."""

    config: Literal["small", "full"] = option(
        "small", "small: the lite networks; full: as published"
    )
    videos: Path | None = option(None, "a folder made by `train prepare`; default synthetic alone")
    real_share: float = option(0.4, "share of windows from the videos")
    difficulty: float = option(1.0, "of synthetic windows, 0 plain to 1 everything")
    batch: int = option(4, "windows in a batch")
    test_windows: int = option(12, "windows of an evaluation")
    start: Path | None = option(None, "weights (safetensors) of the stage before")

    @property
    def networks(self) -> Config:
        """The sizes that `config` names."""
        return CONFIGS[self.config]


@dataclass(frozen=True)
class UponCoarseOptions(StageOptions):
    """Flags of a stage that builds on the coarse one, which is fixed then."""

    coarse: Path | None = option(None, "weights of the coarse stage (safetensors)")


def fixed_coarse(config: Config, weights: Path | None) -> CoarseStage:
    """The stage before, which learns no more; without weights, as it begins. Raises AVFaceError."""
    stage = CoarseStage(config)
    if weights:
        load_weights(stage, weights)
    return stage.eval().requires_grad_(False)


class WindowTask:
    """What the stages' tasks share (`loop.Task`): windows of a source, and test windows.

    Args:
        options: The stage's.
        frames: Of a window.
        head: Whose parameters are learnt.
        sources: Where the windows of a part come from; default what the options say. Those of
            "test" show people and clips that no training sees.
    """

    name = ""
    flags: type[StageOptions]  # its options
    model: nn.Module
    metadata: dict[str, str]
    fixed: tuple[nn.Module | None, ...] = ()  # what doesn't learn

    def __init__(
        self,
        options: StageOptions,
        frames: int,
        head: HeadFile,
        sources: Mapping[Part, Source] | None = None,
    ) -> None:
        self.frames = frames
        config = options.networks.to_json()
        self.metadata = {"config": config, "sound": "phones", "head": head.sha256}
        self._options = options
        self._sources = dict(sources or {})

    def source(self, part: Part) -> Source:
        """Where the windows of a part come from."""
        if part not in self._sources:
            self._sources[part] = choose_source(self._options, part, self.frames)
        return self._sources[part]

    def batch_at(self, seed: int, step: int) -> Windows:
        """Each batch from one source, so that all of it has truth or none."""
        source = self.source("train")
        chosen = source.choose(seed, step) if isinstance(source, MixedSource) else source
        return window_batch(chosen, seed, step, self._options.batch, self.frames)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """`judge` on the same windows each time, unaltered; the mean."""
        size = min(4, self._options.test_windows)
        source, device = self.source("test"), next(model.parameters()).device
        found: dict[str, list[float]] = {}
        for number in range(max(1, self._options.test_windows // size)):
            batch = window_batch(source, 1, number, size, self.frames, augment=False)
            for name, value in self.judge(model, on_device(batch, device)).items():
                found.setdefault(name, []).append(value)
        return {name: sum(values) / len(values) for name, values in found.items()}

    def judge(self, model: nn.Module, windows: Windows) -> dict[str, float]:
        """Figures of one batch, the one that decides first."""
        raise NotImplementedError

    def follow(self, batch: Windows) -> None:
        """What doesn't learn goes where the batch is."""
        for part in self.fixed:
            if part is not None:
                part.to(batch.pictures.device)


def choose_source(options: StageOptions, part: Part, frames: int) -> Source:
    """Synthetic performers, prepared videos, or both by `real_share`."""
    size = options.networks.crop
    real = FolderSource(options.videos, size, part, frames) if options.videos else None
    if real is not None and options.real_share >= 1:
        return real
    from .performances import Performers

    made = Performers(size, options.difficulty, 0 if part == "train" else _TEST_SEED)
    if real is None:
        return made
    return MixedSource([(real, options.real_share), (made, 1 - options.real_share)])
