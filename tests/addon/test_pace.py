import pytest
from bl_ext.test.avface.avface_blender.pace import FILE, recall, remember, seconds_left
from hypothesis import given
from hypothesis import strategies as st


def test_without_a_history_time_goes_as_the_fractions_do():
    assert seconds_left(0.01, 5, []) == -1
    assert seconds_left(0.25, 10, []) == 30
    assert seconds_left(1.0, 10, []) == 0


def test_a_slow_last_stage_is_known_the_second_time(tmp_path):
    """Half of the fractions go in 10 s, the other half takes 90 s."""
    heard = [(k / 100, 10 * k / 50) for k in range(51)]
    heard += [(k / 100, 10 + 90 * (k - 50) / 50) for k in range(51, 101)]
    remember(tmp_path, "standard", heard, 100)
    pace = recall(tmp_path, "standard")
    assert seconds_left(0.5, 10, pace) == pytest.approx(90, abs=5)
    assert seconds_left(0.75, 55, pace) == pytest.approx(45, abs=2)
    assert seconds_left(0.5, 20, pace) == pytest.approx(180, abs=10), "a clip of twice the length"
    assert recall(tmp_path, "fine") == []
    remember(tmp_path, "fine", [(1.0, 3.0)], 3.0)
    assert recall(tmp_path, "standard") == pace


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=8),
    st.floats(0, 1), st.floats(0, 1e4),
)  # fmt: skip
def test_any_history_gives_an_estimate(points, fraction, elapsed):
    pace = list(zip(sorted(f for f, _ in points), sorted(s for _, s in points), strict=True))
    assert seconds_left(fraction, elapsed, pace) >= -1


def test_a_broken_file_is_no_history(tmp_path):
    for text in ("{", "[]", '{"fine": [1, 2]}', '{"fine": "x"}'):
        (tmp_path / FILE).write_text(text)
        assert recall(tmp_path, "fine") == []
    remember(tmp_path / "nowhere", "fine", [(1.0, 1.0)], 1.0)
