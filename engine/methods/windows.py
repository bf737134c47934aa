"""Networks that see a window of frames, over a whole clip: overlapping windows, averaged by frame.

AVFace's windows overlap with a step of 1 (section 3.5). Choices that the paper leaves open: a clip
of a higher rate than 25 a second is read in strides, so that windows last as long as in training;
windows end at cuts.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..exchange.take import frame_seconds
from ..models.config import Config

if TYPE_CHECKING:
    from ..faces import FaceTrack

_WINDOW_BATCH = 64


def over_time(
    network: Callable[..., Tensor],
    inputs: tuple[Tensor, ...],
    track: "FaceTrack",
    config: Config,
) -> np.ndarray:
    """A temporal network over a whole clip: inputs (T, C) -> (T, outputs), windows averaged."""
    out: np.ndarray | None = None
    for frames in _runs(track, config):
        merged = merge_windows(network, tuple(x[frames] for x in inputs), config).cpu().numpy()
        out = np.zeros((len(track.times), merged.shape[1])) if out is None else out
        out[frames] = merged
    assert out is not None
    return out


def merge_windows(
    network: Callable[..., Tensor], inputs: tuple[Tensor, ...], config: Config
) -> Tensor:
    """Overlapping windows of a run, each frame the mean of its windows: (n, C) -> (n, outputs).

    A run shorter than a window is one shorter window.
    """
    count = len(inputs[0])
    length = min(config.window, count)
    starts = torch.arange(0, count - length + 1, config.window_step)
    if starts[-1] != count - length:
        starts = torch.cat([starts, torch.tensor([count - length])])
    places = starts[:, None] + torch.arange(length)  # (n windows, W)
    total, times = None, inputs[0].new_zeros(count, 1)
    with torch.inference_mode():
        for chunk in places.to(times.device).split(_WINDOW_BATCH):
            said = network(*(x[chunk] for x in inputs)).flatten(0, 1)
            total = said.new_zeros(count, said.shape[1]) if total is None else total
            total.index_add_(0, chunk.flatten(), said)
            times.index_add_(0, chunk.flatten(), times.new_ones(chunk.numel(), 1))
    assert total is not None
    return total / times


def _runs(track: "FaceTrack", config: Config) -> Iterator[np.ndarray]:
    """Frames that go through windows together: one shot, one phase of the stride."""
    times = track.times
    step = frame_seconds(times, alone=1 / config.frame_rate)
    stride = max(1, round(1 / config.frame_rate / max(step, 1e-6)))
    for shot in np.split(np.arange(len(times)), [c for c in track.cuts if 0 < c < len(times)]):
        for phase in range(min(stride, len(shot))):
            yield shot[phase::stride]
