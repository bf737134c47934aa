from dataclasses import replace

import numpy as np
import pytest

from engine.cli import main
from engine.exchange.protocol import DONE, AVFaceError
from engine.exchange.take import Take
from engine.head.regions import unit_regions
from engine.mending.blend import blend_takes


@pytest.fixture
def takes(small_take):
    """Two takes of the same head with nothing in common."""
    take = small_take[1]
    other = replace(
        take, expression=1 - take.expression, jaw=take.jaw + 0.1, eyes=-take.eyes,
        head_pose=-take.head_pose, shape=-take.shape, trust_sound=np.ones(take.frame_count),
    )  # fmt: skip
    return take, other


def columns(take, *regions):
    return np.isin(unit_regions(take.expression_names), regions)


def test_the_mouth_comes_with_its_jaw_and_nothing_else(takes):
    take, other = takes
    out = blend_takes(take, {"mouth": other})
    mouth = columns(take, "mouth")
    assert np.allclose(out.expression[:, mouth], other.expression[:, mouth])
    assert np.allclose(out.expression[:, ~mouth], take.expression[:, ~mouth])
    assert np.allclose(out.jaw, other.jaw) and np.allclose(out.trust_sound, 1)
    assert np.allclose(out.eyes, take.eyes) and np.allclose(out.head_pose, take.head_pose)


def test_three_takes_make_one(takes):
    take, other = takes
    third = replace(other, head_pose=other.head_pose * 0.5)
    out = blend_takes(take, {"eyes": other, "pose": third, "identity": other})
    assert np.allclose(out.eyes, other.eyes) and np.allclose(out.head_pose, third.head_pose)
    eyes = columns(take, "left_eye", "right_eye")
    assert np.allclose(out.expression[:, eyes], other.expression[:, eyes])
    assert np.allclose(out.shape, other.shape) and np.allclose(out.jaw, take.jaw)


def test_a_range_is_eased_at_its_ends(takes):
    take, other = takes
    out = blend_takes(take, {"brows": other}, (0.2, 0.28), 0.1)
    brows = columns(take, "brows")
    inside = (take.times >= 0.2) & (take.times <= 0.28)
    outside = (take.times < 0.1) | (take.times > 0.38)
    assert np.allclose(out.expression[inside][:, brows], other.expression[inside][:, brows])
    assert np.allclose(out.expression[outside], take.expression[outside])
    at = np.flatnonzero((take.times > 0.1) & (take.times < 0.2))[0]
    low = np.minimum(take.expression[at, brows], other.expression[at, brows])
    high = np.maximum(take.expression[at, brows], other.expression[at, brows])
    assert np.all(
        (out.expression[at, brows] > low - 1e-9) & (out.expression[at, brows] < high + 1e-9)
    )


def test_another_rate_is_resampled(takes):
    take, other = takes
    fast = replace(other[::2], fps=12.5)
    out = blend_takes(take, {"pose": fast}, (0.0, 0.4))
    assert np.allclose(out.head_pose[:10:2], other.head_pose[:10:2])
    assert np.abs(out.head_pose[1] - other.head_pose[1]).max() < 0.02


def test_lips_that_sound_refined_go_with_the_mouth(takes):
    take, other = takes
    vertices, shapes = np.arange(4), np.ones((2, 4, 3))
    refined = replace(other, lip_vertices=vertices, lip_shapes=shapes,
                      lip_weights=np.ones((take.frame_count, 2)))  # fmt: skip
    out = blend_takes(take, {"mouth": refined}, (0.2, 0.28), 0.01)
    assert out.lip_weights is not None and out.lip_weights[0].max() == 0
    assert np.allclose(out.lip_weights[6], 1)


def test_takes_that_do_not_fit_are_refused(takes):
    take, other = takes
    with pytest.raises(AVFaceError, match="another head"):
        blend_takes(take, {"mouth": replace(other, head={"name": "x", "sha256": "y"})})
    with pytest.raises(AVFaceError, match="does not reach"):
        blend_takes(take, {"mouth": other[:3]})
    with pytest.raises(AVFaceError, match="ends before"):
        blend_takes(take, {"mouth": other}, (0.3, 0.1))
    with pytest.raises(AVFaceError, match="ends before"):
        blend_takes(take, {"mouth": other}, (float("nan"), 1.0))
    with pytest.raises(AVFaceError, match="ease"):
        blend_takes(take, {"mouth": other}, (0.0, 0.1), float("nan"))
    with pytest.raises(AVFaceError, match="Nothing"):
        blend_takes(take, {})


def test_the_command_blends(takes, tmp_path):
    take, other = takes
    take.save(tmp_path / "a.take.npz")
    other.save(tmp_path / "b.take.npz")
    arguments = ["blend", str(tmp_path / "a.take.npz"), "--mouth", str(tmp_path / "b.take.npz")]
    out = ["--range", "0.1", "0.3", "--out", str(tmp_path / "c.take.npz")]
    assert main([*arguments, *out]) == DONE
    assert np.allclose(Take.load(tmp_path / "c.take.npz").jaw[5], other.jaw[5])
