"""What two witnesses differ by, beneath a cover: no step at its edges, the person's own within."""

import numpy as np

from engine.fitting.carrying import carry_difference

T = 100
TIMES = np.arange(T) / 25.0
COVER = slice(40, 70)


def carried(difference, motion=None, weight=None, times=TIMES):
    if weight is None:
        weight = np.ones(len(times))
        weight[COVER] = 0
    goes_with = np.zeros((len(times), 1)) if motion is None else 0.4 * motion[:, None]
    known = np.where(weight > 0, difference, 1e3)  # what isn't known may be anything
    return carry_difference(known[:, None], weight, goes_with, times)[:, 0]


def test_what_is_surely_known_stands_and_what_lasts_goes_on():
    wave = 0.2 * np.sin(TIMES)
    outside = np.r_[0:40, 70:100]
    np.testing.assert_array_equal(carried(wave)[outside], wave[outside])
    np.testing.assert_allclose(carried(np.full(T, 3.0))[COVER], 3.0, rtol=0.01)


def test_a_cover_is_entered_and_left_without_a_step_and_the_moment_is_forgotten():
    moment = np.exp(-((TIMES - TIMES[39]) ** 2) / 0.02)  # the lips were open as the hand came
    out = carried(moment)
    assert np.abs(np.diff(out)).max() < 1.2 * np.abs(np.diff(moment)).max()
    assert out[40] > 0.7 and abs(out[55]) < 0.2


def test_whoever_opens_wider_than_is_heard_does_so_beneath_a_cover():
    motion = 1 + np.sin(15 * TIMES)  # syllables
    out = carried(0.5 * motion, motion)
    plain = carried(0.5 * motion)
    error, without = (np.abs(x - 0.5 * motion)[COVER].mean() for x in (out, plain))
    assert error < 0.7 * without and np.corrcoef(out[COVER], motion[COVER])[0, 1] > 0.8


def test_a_doubtful_picture_counts_less_and_none_at_all_says_nothing():
    difference, weight = np.zeros(T), np.ones(T)
    difference[50], weight[50] = 1.0, 0.5
    assert abs(carried(difference, weight=weight)[50]) < 0.5
    assert not carried(np.ones(T), weight=np.zeros(T)).any()


def test_long_clips_are_told_by_what_is_near():
    times = np.arange(5000) / 50.0
    weight = np.ones(5000)
    weight[2000:2100] = 0
    slow = np.where(times < 20, 1.0, 3.0)
    out = carried(slow, weight=weight, times=times)
    np.testing.assert_allclose(out[2050], 3.0, rtol=0.01)
    doubtful = carried(slow, weight=np.full(5000, 0.9), times=times)  # everywhere: in pieces
    assert np.abs(np.diff(doubtful)[1200:]).max() < 0.01
    np.testing.assert_allclose(doubtful[1200:], 3.0, rtol=0.02)


def test_a_mood_that_lasts_for_seconds_goes_on_beneath_a_cover():
    mood = np.where(TIMES < 1.5, 0.0, 1.0)  # a smile, from shortly before the cover on
    times = TIMES + 8.0 * (np.arange(T) >= 70)  # by the time it is seen again, long gone
    weight = np.ones(T)
    weight[40:] = 0
    weight[70:] = 1
    out = carried(np.where(np.arange(T) < 70, mood, 0.0), weight=weight, times=times)
    assert out[50] > out[69] > 0


def test_a_person_who_shapes_one_sound_otherwise_does_so_beneath_a_cover():
    sound = (np.arange(T) % 12 < 4).astype(float)
    out = carried(0.3 * sound, sound)
    assert out[COVER][sound[COVER] > 0].min() > out[COVER][sound[COVER] == 0].max()
