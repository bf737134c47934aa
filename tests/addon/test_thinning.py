"""Fewer keys, the same motion."""

import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.thinning import handles, key_indices, slopes_of
from hypothesis import given
from hypothesis import strategies as st

FRAMES = np.arange(1.0, 201.0)
NOD = np.column_stack([np.sin(FRAMES / 20), 0.1 * np.cos(FRAMES / 7)])


def bezier(frames, values, slopes, at: np.ndarray) -> np.ndarray:
    """What a curve with these keys and handles shows: handles at thirds make time linear."""
    left, right = handles(frames, values, slopes)
    out = []
    for frame in at:
        k = min(int(np.searchsorted(frames, frame, side="right")) - 1, len(frames) - 2)
        t = (frame - frames[k]) / (frames[k + 1] - frames[k])
        assert right[k, 0] == pytest.approx(frames[k] + (frames[k + 1] - frames[k]) / 3)
        ys = values[k], right[k, 1], left[k + 1, 1], values[k + 1]
        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
        out.append(np.dot(weights, ys))
    return np.array(out)


@pytest.mark.parametrize("tolerance", (0.003, 0.02, 0.1))
def test_no_frame_is_off_by_more_than_the_tolerance(tolerance: float):
    keys = key_indices(FRAMES, NOD, tolerance)
    slopes = slopes_of(FRAMES, NOD)[keys]
    for channel in (0, 1):
        shown = bezier(FRAMES[keys], NOD[keys, channel], slopes[:, channel], FRAMES)
        assert np.abs(shown - NOD[:, channel]).max() <= tolerance + 1e-9


def test_fewer_keys_where_more_may_be_off():
    counts = [len(key_indices(FRAMES, NOD, tolerance)) for tolerance in (0.001, 0.01, 0.1)]
    assert 5 < counts[2] < counts[1] < counts[0] < len(FRAMES) / 2


def test_rest_has_two_keys_and_a_blink_its_own():
    rest = np.zeros((100, 1))
    assert key_indices(FRAMES[:100], rest, 0.01).tolist() == [0, 99]
    rest[50:53, 0] = (0.6, 1.0, 0.5)
    keys = key_indices(FRAMES[:100], rest, 0.01)
    assert {49, 51, 53} <= set(keys.tolist()) and len(keys) < 9


@given(st.integers(1, 30), st.integers(0, 99))
def test_any_motion_is_held(frames: int, seed: int):
    at = np.cumsum(np.random.default_rng(seed).uniform(0.4, 1.6, frames))
    values = np.random.default_rng(seed + 1).normal(size=(frames, 1))
    keys = key_indices(at, values, 0.05)
    assert keys[0] == 0 and keys[-1] == frames - 1
    if frames > 2:
        shown = bezier(at[keys], values[keys, 0], slopes_of(at, values)[keys, 0], at)
        assert np.abs(shown - values[:, 0]).max() <= 0.05 + 1e-9
