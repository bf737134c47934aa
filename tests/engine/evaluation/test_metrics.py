import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.metrics import (
    EYE_DISTANCE_MM,
    blinks,
    closure_counts,
    comparable_frames,
    correlation,
    face_frame,
    face_signals,
    gain,
    jitter_mm,
    matched,
    motion_error_mm,
    slow_gain,
    still_frames,
    turn_degrees,
)
from engine.geometry import rotation_matrix


def face(frames=20):
    """A face whose eyes are 100 px apart, centred at (50, 0)."""
    points = np.random.default_rng(0).normal((50, 60), 30, (68, 2))
    points[[36, 39]], points[[42, 45]] = [[-10, 0], [10, 0]], [[90, 0], [110, 0]]
    points[[37, 38]], points[[40, 41]] = [[-3, -2], [3, -2]], [[3, 2], [-3, 2]]
    points[[43, 44]], points[[46, 47]] = [[97, -2], [103, -2]], [[103, 2], [97, 2]]
    points[62], points[66] = [50, 80], [50, 90]
    points[48], points[54] = [20, 85], [80, 85]
    points[8], points[33] = [50, 130], [50, 40]
    points[[19, 24]] = [[10, -30], [90, -20]]
    return np.tile(points, (frames, 1, 1))


def test_signals_worked_out_by_hand():
    signals = face_signals(face(1))
    expected = {"gap": 0.1, "width": 0.6, "jaw": 0.9, "eye": 0.2, "brow": 0.25}
    for name, value in expected.items():
        np.testing.assert_allclose(signals[name], value, err_msg=name)


@given(st.floats(-3, 3), st.floats(0.2, 5), st.floats(-300, 300), st.floats(-300, 300))
def test_the_face_frame_forgets_place_size_and_roll(angle, scale, x, y):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = face(1) @ turn.T * scale + [x, y]
    np.testing.assert_allclose(face_frame(moved), face_frame(face(1)), atol=1e-9)


def test_correlation_and_gain():
    a = np.sin(np.arange(50.0))
    assert np.isclose(correlation(a, 3 * a + 2), 1)
    assert np.isclose(correlation(a, -a), -1)
    assert np.isnan(correlation(a, np.ones(50)))
    half = np.where(np.arange(50) < 45, np.nan, a)
    assert np.isnan(correlation(a, half))  # five frames are no evidence
    assert np.isclose(gain(0.5 * a, a), 0.5)
    assert np.isclose(slow_gain(0.5 * a, a), 0.5)


def test_jitter_of_a_known_shake():
    points = face()
    points[::2, 30, 0] += 1.0  # of 100 px: second differences of 2 px
    expected = np.sqrt(2.0**2 / 51) / 100 * EYE_DISTANCE_MM
    frames = np.zeros(20, bool)
    frames[2:-2] = True
    assert np.isclose(jitter_mm(points, frames), expected)
    straight = face() + np.arange(20)[:, None, None] * [3.0, 1.0]
    assert jitter_mm(straight, frames) < 1e-9


def test_motion_error_forgets_lasting_offsets():
    a, b = face(), face()
    b[:, 60] += [7, 3]
    every = np.ones(20, bool)
    assert motion_error_mm(a, b, slice(48, 68), every) < 1e-9
    b[::2, 60, 0] += 2.0
    assert motion_error_mm(a, b, slice(60, 61), every) > 0.5


def test_closures_are_counted():
    mm = np.array([0.5, 1.0, 3.0, 6.0, 8.0, 0.2])
    mine = np.array([1.0, 2.0, 0.1, 1.0, 7.0, np.nan])
    counts = closure_counts(mine, [mm, mm])
    assert counts == {"shut": 2, "shut_hit": 1, "open": 2, "open_missed": 1}


def test_blinks_and_their_matches():
    eye = np.ones(30)
    eye[5:8], eye[20] = 0.2, 0.3
    events = blinks(eye, 0.6)
    assert events == [(5, 7), (20, 20)]
    assert matched(events, [(9, 10)]) == [True, False]
    assert matched([], events) == []


def test_frames_where_a_tracker_is_elsewhere_do_not_count():
    points = {"raw": face(), "other": face()}
    points["other"][3] += 500
    points["other"][5] = np.nan
    good = comparable_frames(points)
    assert set(np.flatnonzero(~good)) == {3, 5}


def test_still_frames_are_the_still_ones():
    points = face(60)
    shake = np.random.default_rng(2).normal(0, 5, (30, 68, 2))
    points[30:] += np.cumsum(shake, 0)
    still = still_frames([points], np.ones(60, bool))
    assert still.any() and np.flatnonzero(still).max() < 30


def test_turn_is_the_angle_since_the_middle():
    angles = np.radians([0, 10, 25])
    rotations = rotation_matrix(np.outer(angles, [0, 1.0, 0]))
    np.testing.assert_allclose(turn_degrees(rotations), [10, 0, 15], atol=1e-6)
    axes = rotation_matrix(np.array([0.3, -1, 0.2]))
    np.testing.assert_allclose(turn_degrees(axes @ rotations @ axes.T), [10, 0, 15], atol=1e-4)
