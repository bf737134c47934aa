"""Fine-tuning of the coarse stage on synthetic hands (AVFace section 3.4, table 3).

3000 windows for training and 1000 for testing, as published, each with a hand of its own; a share
of clear windows stays in, so that nothing is forgotten.
"""

import numpy as np

from .coarse import CoarseTask
from .data import Sample, Source
from .occlusions import WithHands
from .stages import Part

COVERED_SHARE = 0.75  # (open)


class CountedSource:
    """Another source's first `count` windows, over and over: a data set of that size."""

    def __init__(self, source: Source, count: int, seed: int) -> None:
        self.source, self.count, self.seed = source, count, seed

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        """One of the windows."""
        number = int(generator.integers(self.count))
        return self.source.draw(np.random.default_rng([self.seed, number]), frames)


class OccludedTask(CoarseTask):
    """The coarse stage's losses on covered windows."""

    name = "occluded"

    def source(self, part: Part) -> Source:
        """Windows with hands; the coarse stage's own beneath them."""
        source = super().source(part)
        if isinstance(source, CountedSource):
            return source
        config, is_test = self.options.networks, part == "test"
        count = config.occluded_test if is_test else config.occluded_train
        hands = WithHands(source, 1.0 if is_test else COVERED_SHARE)
        counted = CountedSource(hands, count, int(is_test))
        self._sources[part] = counted
        return counted
