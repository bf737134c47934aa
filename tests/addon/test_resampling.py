"""Closures of lips and lids on a scene's frames."""

import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.resampling import keep_closures
from bl_ext.test.avface.avface_blender.timeline import whole_frames
from hypothesis import given
from hypothesis import strategies as st

OPEN = 0.08


def closing(frames: np.ndarray, *shut: int) -> np.ndarray:
    """A gap that is shut in single frames of the take."""
    gap = np.full(len(frames), OPEN)
    gap[list(shut)] = 0
    return gap


@given(st.floats(23, 61), st.floats(12, 60), st.integers(5, 40))
def test_a_closure_of_one_frame_is_shown_whole_at_any_rates(clip, scene, shut):
    frames = np.arange(50) / clip * scene
    at = whole_frames(frames)
    moments = keep_closures(at, frames, [closing(frames, shut)])
    assert np.abs(moments - at).max() <= 0.5 + 1e-6, "never more than half a frame off"
    seen = np.interp(moments, frames, closing(frames, shut))
    assert seen.min() < 0.005


def test_what_is_shown_anyway_is_shown_in_its_time():
    frames = np.arange(50) * 24 / 50
    at = whole_frames(frames)
    slow = OPEN * (1 + np.cos(np.arange(50) / 5))
    assert keep_closures(at, frames, [slow]).tolist() == at.tolist()


def test_of_two_closures_in_one_frame_the_tighter_one_is_shown():
    frames = np.arange(60) * 12 / 60  # five pictures in each frame of the scene
    gap = closing(frames, 24)
    gap[26] = OPEN / 4
    moments = keep_closures(whole_frames(frames), frames, [gap])
    assert moments[5] == pytest.approx(frames[24])


def test_a_wink_counts_as_much_as_a_blink():
    frames = np.arange(60) * 24 / 60
    at = whole_frames(frames)
    wink = keep_closures(at, frames, [np.full(60, OPEN), closing(frames, 21)])
    assert wink.tolist() == keep_closures(at, frames, [closing(frames, 21)]).tolist()
    assert np.count_nonzero(wink != at) == 1


def test_a_take_of_one_frame_has_no_closure():
    assert keep_closures(np.array([3.0]), np.array([2.4]), [np.array([0.1])]).tolist() == [3.0]
