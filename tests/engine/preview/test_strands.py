"""Strands on a picture: what is hidden stays hidden however many there are."""

import numpy as np
import pytest

from engine.preview.strand_kernel import Motion, Strands, draw_strands

_SIDE, _FOCAL = 8, 8.0  # px; the lens looks at a square of a metre a metre away


@pytest.mark.parametrize("hidden", range(1, 5))
def test_many_strands_behind_an_edge_cover_what_is_open(hidden):
    free, edge = _drawn(0), _drawn(hidden)
    assert free[3] == pytest.approx(1, abs=0.02)
    assert edge == pytest.approx(free * (1 - hidden / 4), rel=0.02)


def _drawn(hidden: int) -> np.ndarray:
    """A pixel (4,) of a curtain, something nearer before so many of its samples."""
    nearness = np.zeros((_SIDE, 2, _SIDE, 2), np.float32)
    for sample in range(hidden):
        nearness[:, sample >> 1, :, sample & 1] = 10
    layer = np.zeros((_SIDE, _SIDE, 4), np.float32)
    draw_strands(layer, nearness.reshape(2 * _SIDE, -1), _curtain(60), _still(), _lens())
    return layer[_SIDE // 2, _SIDE // 2]


def _curtain(layers: int) -> Strands:
    """Strands from top to bottom, wider than a pixel, one before the other."""
    count = layers * 8
    points = np.zeros((count, 3, 3), np.float32)
    points[..., 0] = np.tile(np.linspace(-0.5, 0.5, 8), layers)[:, None]
    points[..., 1] = np.linspace(0.5, -0.5, 3)
    points[..., 2] = -1 + np.linspace(0, 0.01, count)[:, None]
    colour = np.full((count, 3), 0.2, np.float32)
    wide = np.full(count, 400, np.float32)
    middle = np.array([0, 0, -1.5], np.float32)
    return Strands(points, colour, wide, np.zeros(count, np.float32), middle, np.arange(count))


def _still() -> Motion:
    nowhere = np.zeros(3, np.float32)
    return Motion(nowhere, np.eye(3, dtype=np.float32), nowhere)


def _lens():
    return np.float32(_FOCAL), np.full(2, _SIDE / 2, np.float32), np.float32(1)
