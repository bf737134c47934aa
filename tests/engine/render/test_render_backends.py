"""Every rasteriser draws what numba's draws; torch's weights have the gradient they claim."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.evaluation import bench
from engine.exchange.protocol import AVFaceError
from engine.render.backends import available_backends, rasterize_batch
from engine.render.torch_buffer import barycentric_weights, rasterize_torch

ROOT = Path(__file__).parents[3]


def ball(rings: int = 9, spokes: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """A sphere's vertices and triangles, counter-clockwise from outside."""
    polar, around = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, rings),
        np.arange(spokes) * 2 * np.pi / spokes,
        indexing="ij",
    )
    points = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], -1
    )
    a = (np.arange(rings - 1)[:, None] * spokes + np.arange(spokes)).ravel()
    b = (np.arange(rings - 1)[:, None] * spokes + (np.arange(spokes) + 1) % spokes).ravel()
    faces = np.concatenate(
        [np.stack([a, b, a + spokes], 1), np.stack([b, b + spokes, a + spokes], 1)]
    )
    return points.reshape(-1, 3), faces.astype(np.int32)


def two_views(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Two perspective views of the ball, (2, V, 3) pixels and depth."""
    points, faces = ball()
    depth = 3.0 - points[:, 2]
    pixels = side / 2 + 1.1 * side * points[:, :2] * [1, -1] / depth[:, None]
    first = np.column_stack([pixels, depth])
    return np.stack([first, first + np.array([2.3, 1.7, 0.4])]), faces


@pytest.mark.parametrize("cull_back", [False, True])
def test_torch_draws_what_numba_draws(cull_back):
    vertices, faces = two_views(48)
    want = rasterize_batch(vertices, faces, (48, 40), cull_back)
    got = rasterize_batch(vertices, faces, (48, 40), cull_back, "torch")
    assert (want[0] >= 0).mean() > 0.2
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_allclose(got[1], want[1], atol=1e-6)


def test_cuda_draws_what_numba_draws_in_the_simulator():
    code = """
import sys, json, numpy as np
sys.path.insert(0, sys.argv[1])
from tests.engine.render.test_render_backends import two_views
from engine.render.cuda_buffer import is_available, rasterize_cuda
from engine.render.numba_buffer import rasterize
vertices, faces = two_views(20)
ids, weights = rasterize_cuda(vertices, faces, (20, 16), True)
want = [rasterize(v, faces, (20, 16), True) for v in vertices]
apart = np.abs(weights - np.stack([w for _, w in want])).max()
same = (ids == np.stack([i for i, _ in want])).mean()
print(json.dumps([is_available(), float(same), float(apart), float((ids >= 0).mean())]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    available, same, apart, covered = json.loads(done.stdout.splitlines()[-1])
    assert available and covered > 0.2
    assert same == 1.0 and apart < 1e-5


def test_gradients_of_the_weights_are_finite_differences():
    vertices, faces = two_views(24)
    points = torch.tensor(vertices[:1], dtype=torch.float64, requires_grad=True)
    corners = torch.tensor(faces, dtype=torch.int64)
    values = torch.rand(points.shape[1], 2, dtype=torch.float64)
    target = torch.rand(1, 24, 24, 2, dtype=torch.float64)
    face_id, _ = rasterize_torch(points, corners, (24, 24), True)
    seen = values[corners[face_id.clamp_min(0)]]  # (1, 24, 24, 3, 2) of each pixel's corners

    def loss(where: torch.Tensor) -> torch.Tensor:
        weights = barycentric_weights(where, corners, face_id)
        return ((weights[..., None] * seen).sum(-2) - target).square().sum()

    (gradient,) = torch.autograd.grad(loss(points), points)
    assert torch.isfinite(gradient).all()
    vertex = int(corners[face_id[0, 12, 12], 0])
    for axis in range(3):
        step = torch.zeros_like(points)
        step[0, vertex, axis] = 1e-6
        slope = (loss(points + step) - loss(points - step)) / 2e-6
        assert slope.item() == pytest.approx(gradient[0, vertex, axis].item(), rel=1e-4, abs=1e-6)


def test_pytorch3d_draws_what_numba_draws():
    pytest.importorskip("pytorch3d", reason="PyTorch3D is not installed")
    vertices, faces = two_views(48)
    want = rasterize_batch(vertices, faces, (48, 48), True)
    got = rasterize_batch(vertices, faces, (48, 48), True, "pytorch3d")
    assert (got[0] == want[0]).mean() > 0.99


def test_each_backend_that_is_here_is_timed(monkeypatch):
    monkeypatch.setattr(bench, "_SIDE", 64)
    monkeypatch.setattr(bench, "_BATCH", 2)
    lines = bench.bench_rasterizers().splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(available_backends())
    assert lines[0].endswith("100.00%")


def test_a_backend_that_is_not_here_is_said():
    missing = {"numba", "torch", "cuda", "pytorch3d"} - set(available_backends())
    if not missing:
        pytest.skip("every backend is here")
    vertices, faces = two_views(8)
    with pytest.raises(AVFaceError, match="does not work"):
        rasterize_batch(vertices, faces, (8, 8), backend=missing.pop())
