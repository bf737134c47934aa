"""Heads of known relief: what is written for the renderer, and how errors are counted."""

import numpy as np
import pytest

from engine.detail.face_sheet import Surface
from engine.evaluation.reliefs import LIGHTS, _errors, write_heads


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    (path,) = write_heads(tmp_path_factory.mktemp("heads"), 1)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_folds_deepen_from_the_first_state_to_the_second(scene):
    calm, folded = scene["relief"]
    assert -0.8 < calm.min() < -0.2
    assert folded.min() < calm.min() - 0.1
    assert np.abs(calm[~scene["there"]]).max() < 0.2


def test_the_mesh_lies_before_the_camera(scene):
    there = scene["there"]
    assert there.mean() > 0.3
    assert (scene["places"][there][:, 2] < -0.3).all()
    assert scene["colours"].min() > 0
    assert {"side", "top", "front"} == set(LIGHTS)


def test_errors_are_angles(scene):
    side = 64
    normal, along_u, along_v = (np.zeros((side, side, 3), np.float32) for _ in range(3))
    normal[..., 2], along_u[..., 0], along_v[..., 1] = 1, 1, 1
    surface, seen = Surface(normal, along_u, along_v), np.ones((side, side), bool)
    slope = np.tile(np.arange(side, dtype=np.float32) * np.tan(np.radians(10)), (side, 1))
    inner = np.zeros_like(seen)
    inner[8:-8, 8:-8] = True
    assert _errors(surface, slope, slope, seen).face < 0.05
    assert abs(_errors(surface, 0 * slope, slope, inner).face - 10) < 0.1
