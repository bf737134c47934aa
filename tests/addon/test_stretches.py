"""Painting whom to trust: stretches of time, and the text that the engine reads."""

import pytest
from bl_ext.test.avface.avface_blender.stretches import (
    Clock,
    Stretch,
    as_text,
    from_text,
    painted,
)

from engine.options import trust_ranges


def test_what_is_painted_last_lies_on_top():
    stretches = painted([], 1.0, 5.0, "sound")
    stretches = painted(stretches, 2.0, 3.0, "picture")
    assert stretches == [
        Stretch(1.0, 2.0, "sound"), Stretch(2.0, 3.0, "picture"), Stretch(3.0, 5.0, "sound"),
    ]  # fmt: skip


def test_wiping_cuts_a_hole_and_painting_again_closes_it():
    holed = painted([Stretch(1.0, 5.0, "sound")], 2.0, 3.0, None)
    assert holed == [Stretch(1.0, 2.0, "sound"), Stretch(3.0, 5.0, "sound")]
    assert painted(holed, 2.0, 3.0, "sound") == [Stretch(1.0, 5.0, "sound")]
    assert painted(holed, 0.0, 9.0, None) == []


def test_neighbours_of_one_sense_are_one():
    assert painted([Stretch(0.0, 1.0, "sound")], 1.0, 2.0, "sound") == [Stretch(0.0, 2.0, "sound")]
    assert len(painted([Stretch(0.0, 1.0, "sound")], 1.0, 2.0, "picture")) == 2
    assert len(painted([Stretch(0.0, 1.0, "sound")], 1.1, 2.0, "sound")) == 2


def test_the_engine_reads_what_is_painted():
    stretches = [Stretch(6.0, 7.5, "picture"), Stretch(0.0, 4.02, "sound")]
    text = as_text(stretches)
    assert trust_ranges(text) == (("sound", 0.0, 4.02), ("picture", 6.0, 7.5))
    assert from_text(text) == sorted(stretches)
    assert from_text("nonsense, sound:4-3, sound:1-2") == [Stretch(1.0, 2.0, "sound")]


@pytest.mark.parametrize(("rate", "start"), [(25.0, 1), (30 / 1.001, 101), (24.0, -7)])
def test_frames_become_the_times_of_their_pictures_and_frames_again(rate, start):
    clock = Clock(start, rate)
    for first, last in ((start, start), (start + 3, start + 12), (start + 700, start + 9000)):
        begin, end = clock.seconds(first, last)
        assert begin <= (first - start) / rate <= (last - start) / rate <= end
        assert end < (last + 1 - start) / rate
        assert clock.frames(begin, end) == (first, last)
        rounded = from_text(as_text([Stretch(begin, end, "sound")]))[0]
        assert clock.frames(rounded.start, rounded.end) == (first, last)
