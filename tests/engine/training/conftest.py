"""Tiny networks and a few windows of synthetic performers."""

import numpy as np
import pytest
import torch

from engine.models.config import Config
from engine.training import system
from engine.training.data import Sample

TINY = Config(
    crop=48,
    window=4,
    gaze=4,
    coarse_backbone="mobilenet_v2",
    video_backbone="mobilenet_v2",
    spectre_backbone="mobilenet_v2",
    backbone_width=0.25,
    coarse_hidden=32,
    coarse_residual=True,
    transformer_layers=1,
    transformer_hidden=32,
    uv=64,
    fine_channels=6,
    spectre_frames=6,
    spectre_width=16,
    occluded_train=6,
    occluded_test=2,
)


class FixedSource:
    """The same windows over and over."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        sample = self.samples[generator.integers(len(self.samples))]
        whole = ("shape",)
        return {name: v if name in whole else v[:frames] for name, v in sample.items()}


@pytest.fixture(scope="session")
def performers() -> FixedSource:
    from engine.training.performances import Performers

    source = Performers(TINY.crop, difficulty=0.2)
    generator = np.random.default_rng(0)
    return FixedSource([source.draw(generator, 6) for _ in range(4)])


@pytest.fixture
def tiny(monkeypatch) -> Config:
    monkeypatch.setitem(system.CONFIGS, "small", TINY)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return TINY
