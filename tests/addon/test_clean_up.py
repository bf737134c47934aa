"""Filters on a take's values: what they keep, and what they do to known motions."""

import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.clean_up import (
    Filter,
    filtered,
    filtered_about_mean,
    filtered_turns,
    from_rest,
    mean_turn,
    onto_rest,
    region_of_bone,
    region_of_key,
    source_index,
    strengthened,
    turns_from_rest,
)
from bl_ext.test.avface.avface_blender.rotations import quaternions
from hypothesis import given
from hypothesis import strategies as st

TIMES = np.arange(40) / 25
WAVE = np.column_stack([np.sin(5 * TIMES), 0.3 + np.cos(9 * TIMES)])
TURNS = quaternions(np.column_stack([0.3 * np.sin(4 * TIMES), 0 * TIMES, 0.1 * TIMES]))


def test_a_neutral_filter_changes_nothing():
    assert Filter().is_neutral
    np.testing.assert_array_equal(filtered(WAVE, Filter()), WAVE)
    np.testing.assert_allclose(filtered_turns(TURNS, Filter()), TURNS, atol=1e-12)


@given(st.floats(0.2, 30), st.integers(2, 50))
def test_a_straight_motion_stays_straight_when_smoothed(deviation: float, frames: int):
    line = np.column_stack([np.arange(frames) * 0.1, 3 - np.arange(frames) * 1.0])
    np.testing.assert_allclose(filtered(line, Filter(smooth=deviation)), line, atol=1e-9)


def test_smoothing_takes_out_a_tremor():
    tremor = np.where(np.arange(40) % 2, 0.05, -0.05)[:, None]
    calm, shaken = (filtered(w, Filter(smooth=1.5)) for w in (WAVE[:, :1], WAVE[:, :1] + tremor))
    assert np.abs(shaken - calm)[5:-5].max() < 1e-3


def test_smoothing_passes_through_what_was_corrected():
    tremor = np.column_stack([np.resize([1.0, -1.0], 60), np.zeros(60)])
    filter_, pinned = Filter(smooth=2.0, offset=3.0), [20, 22]
    values = filtered(tremor, filter_, pinned)
    np.testing.assert_allclose(values[[23, 25]], tremor[[20, 22]], atol=1e-9)
    assert abs(values[24, 0]) <= 1, "no overshoot between them"
    far = np.r_[0:10, 40:60]
    np.testing.assert_allclose(values[far], filtered(tremor, filter_)[far], atol=1e-6)
    np.testing.assert_array_equal(filtered(tremor, Filter(), pinned), tremor)


def test_strength_and_offset_by_hand():
    np.testing.assert_allclose(filtered(WAVE, Filter(strength=2)), 2 * WAVE)
    later = filtered(WAVE, Filter(offset=3))
    np.testing.assert_allclose(later[3:], WAVE[:-3])
    np.testing.assert_allclose(later[:3], WAVE[[0, 0, 0]])
    far = filtered_about_mean(WAVE, Filter(strength=0))
    np.testing.assert_allclose(far, np.tile(WAVE.mean(0), (40, 1)))


def test_on_twos():
    held = filtered(WAVE, Filter(hold=2))
    np.testing.assert_array_equal(held[::2], WAVE[::2])
    np.testing.assert_array_equal(held[1::2], WAVE[::2])


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.7])
def test_a_turn_is_strengthened_by_its_angle(strength: float):
    turns = quaternions(np.outer(np.linspace(0, 0.6, 20), [1.0, 0, 0]))
    wanted = quaternions(np.outer(strength * np.linspace(0, 0.6, 20), [1.0, 0, 0]))
    np.testing.assert_allclose(filtered_turns(turns, Filter(strength=strength)), wanted, atol=1e-9)


@given(st.floats(0, 8), st.floats(0, 3), st.floats(-9, 9), st.integers(1, 6), st.booleans())
def test_turns_stay_turns(smooth, strength, offset, hold, about_mean):
    out = filtered_turns(TURNS, Filter(smooth, strength, offset, hold), about_mean)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-9)


def test_regions():
    assert region_of_key("eyeBlinkLeft") == "eyes" and region_of_key("browDownLeft") == "brows"
    assert region_of_key("mouthClose") == region_of_key("Lip1") == region_of_bone("jaw") == "mouth"
    assert region_of_bone("left_eye") == "eyes" and region_of_bone("root") == "head"


def test_rest_is_0_and_shut_lids_stay_shut():
    lids = np.array([[0.2], [1.0], [0.6], [-0.1]])
    np.testing.assert_allclose(from_rest(lids, lids[0], is_share=True)[:, 0], [0, 1, 0.5, -0.375])
    np.testing.assert_allclose(from_rest(lids, lids[0], is_share=False)[:, 0], [0, 0.8, 0.4, -0.3])
    high = from_rest(np.array([[0.9], [1.0]]), np.array([0.9]), is_share=True)
    np.testing.assert_allclose(high[:, 0], [0, 0.2], err_msg="stretched tenfold")


def test_turns_begin_at_rest():
    turns = turns_from_rest(TURNS, TURNS[7])
    np.testing.assert_allclose(turns[7], [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(turns, axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("is_share", [True, False])
def test_what_was_taken_off_is_put_back(is_share: bool):
    rest = np.array([0.3, 0.8])
    np.testing.assert_allclose(
        onto_rest(from_rest(WAVE, rest, is_share), rest, is_share), WAVE, atol=1e-12
    )


def test_a_turn_comes_back_from_its_strength():
    middle = mean_turn(TURNS)
    there = strengthened(TURNS, 1.6, middle)
    np.testing.assert_allclose(strengthened(there, 1 / 1.6, middle), TURNS, atol=1e-9)


@given(st.integers(-5, 5), st.integers(1, 5), st.integers(8, 30))
def test_what_is_shown_comes_from_there(offset: int, hold: int, index: int):
    filter_ = Filter(offset=float(offset), hold=hold)
    shown, source = filtered(WAVE, filter_)[index], source_index(float(index), filter_)
    np.testing.assert_allclose(shown, WAVE[np.clip(round(source), 0, len(WAVE) - 1)])
