import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.rotations import one_sign, quaternions
from bl_ext.test.avface.avface_blender.timeline import (
    SceneRate,
    low_ranges,
    resample,
    resample_rotations,
    scene_rate,
    to_frames,
    whole_frames,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("rate", "fps", "base"),
    [(25, 25, 1.0), (30000 / 1001, 30, 1.001), (24000 / 1001, 24, 1.001), (12.5, 13, 1.04)],
)
def test_blenders_two_numbers_for_known_rates(rate, fps, base):
    assert scene_rate(rate) == SceneRate(fps, pytest.approx(base, abs=1e-9))


@given(st.floats(0.5, 240))
def test_a_scene_rate_stands_for_the_clips_rate(rate):
    assert scene_rate(rate).frames_per_second == pytest.approx(rate, rel=1e-5)


def test_the_second_minute_of_ntsc_starts_at_frame_1798():
    """A clock that multiplied by fps_base, or left it out, would be 2 or 4 frames off."""
    assert to_frames(np.array([60.06]), SceneRate(30, 1.001), 0)[0] == 1800


@given(st.floats(5, 120), st.integers(-50, 500), st.integers(1, 400))
def test_a_constant_rate_falls_on_every_whole_frame(fps, start, count):
    times = np.round(np.arange(count) / fps, 4)  # as containers round them
    frames = to_frames(times, scene_rate(fps), start)
    assert frames.tolist() == list(range(start, start + count))


def test_a_slow_clip_in_a_fast_scene_keeps_its_own_frames():
    assert to_frames(np.arange(4) / 25, SceneRate(50), 1).tolist() == [1, 3, 5, 7]


def test_a_varying_rate_stays_between_frames():
    frames = to_frames(np.array([0.0, 0.05, 0.08]), SceneRate(25), 1)
    assert frames == pytest.approx([1, 2.25, 3])
    assert whole_frames(frames).tolist() == [1, 2, 3]


def test_frames_that_would_collide_are_not_pulled_together():
    frames = to_frames(np.array([0.0, 0.001, 0.04]), SceneRate(25), 0)
    assert len(set(frames.tolist())) == 3


def test_a_single_frame_between_whole_ones_is_not_lost():
    assert whole_frames(np.array([2.4])).tolist() == [3]
    assert resample(np.array([[7.0]]), np.array([2.4]), np.array([3.0])).tolist() == [[7.0]]


def test_values_between_frames_lie_on_the_line():
    values = resample(np.array([[0.0], [4.0]]), np.array([1.0, 3.0]), np.array([1.0, 1.5, 3.0]))
    assert values.ravel() == pytest.approx([0, 1, 4])


def test_rotations_between_frames_turn_evenly():
    turns = quaternions(np.array([[0.0, 0, 0], [0, 1.2, 0]]))
    middle = resample_rotations(turns, np.array([0.0, 3.0]), np.array([1.0]))
    assert middle == pytest.approx(quaternions(np.array([[0, 0.4, 0]])))


def test_rotations_take_the_short_way_past_half_a_turn():
    turns = quaternions(np.array([[3.0, 0, 0], [-3.0, 0, 0]]))  # 0.28 rad apart, across pi
    middle = resample_rotations(turns, np.array([0.0, 1.0]), np.array([0.5]))[0]
    assert abs(middle @ [0, 1, 0, 0]) == pytest.approx(1)  # half a turn about x


def test_a_quarter_turn_about_z():
    half = np.sqrt(0.5)
    assert quaternions(np.array([[0, 0, np.pi / 2]]))[0] == pytest.approx([half, 0, 0, half])


@given(st.integers(0, 10_000))
def test_neighbours_keep_one_sign(seed):
    walk = np.cumsum(np.random.default_rng(seed).normal(size=(50, 3)), axis=0)
    turns = quaternions(walk)
    assert np.linalg.norm(turns, axis=1) == pytest.approx(1)
    assert np.all(np.sum(turns[1:] * turns[:-1], axis=1) >= 0)
    assert np.abs(one_sign(turns)) == pytest.approx(np.abs(turns))


def test_low_ranges_with_and_without_bridges():
    confidence = np.array([1, 0.2, 0.1, 1, 0.3, 1, 1, 1, 0])
    assert low_ranges(confidence, 0.5, bridge=0) == [(1, 2), (4, 4), (8, 8)]
    assert low_ranges(confidence, 0.5, bridge=1) == [(1, 4), (8, 8)]
    assert low_ranges(np.ones(5), 0.5, bridge=3) == []
