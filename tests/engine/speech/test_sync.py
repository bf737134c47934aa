"""Sync: lips that are laid at a known offset from a voice."""

import numpy as np
import pytest

from engine.speech.sync import match_lips, sync_clock

FPS = 25.0


def speech(moments, seed=0):
    """A mouth that speaks: gap, width and jaw at any moments, (N,) each."""
    generator = np.random.default_rng(seed)
    rates, phases = generator.uniform(1.5, 5.0, (3, 6)), generator.uniform(0, 6, (3, 6))
    waves = np.sin(2 * np.pi * rates[:, :, None] * moments + phases[:, :, None]).sum(1)
    return {"gap": waves[0], "width": waves[1], "jaw": 0.7 * waves[0] + 0.5 * waves[2]}


def measured(late=0.0, seconds=3.0, other=False, noise=0.3, belief=1.0, speaking=1.0):
    times = np.arange(0, seconds, 1 / FPS)
    clock = sync_clock(times)
    heard = speech(clock - late, seed=1 if other else 0)
    generator = np.random.default_rng(5)
    seen = {k: v + generator.normal(0, noise, len(times)) for k, v in speech(times).items()}
    weight = np.full(len(times), belief)
    return match_lips(times, seen, weight, heard | {"speaking": np.full(len(clock), speaking)})


@pytest.mark.parametrize("late", [-0.3, -0.08, 0.0, 0.033, 0.2])
def test_a_known_offset_is_found_within_a_fraction_of_a_frame(late):
    sync = measured(late)
    assert abs(sync.offset_seconds - late) < 0.012
    assert sync.confidence > 0.9 and sync.belongs == 1.0
    assert sync.is_off == (abs(late) > 0.06)


def test_the_user_is_told_what_matters():
    assert "ms late: " in measured(0.2).sentences()[0]
    assert "is played there" in measured(0.2).sentences(fixed=True)[0]
    assert "early" in measured(-0.3).sentences()[0]
    assert measured(0.0).sentences() == []


def test_another_sentence_does_not_belong():
    sync = measured(other=True, seconds=6.0)
    assert sync.belongs < 0.5 and not sync.is_off
    assert "don't belong together" in sync.sentences()[0]


def test_blurred_lips_in_sync_are_not_called_a_strangers():
    """So much noise that the match alone would say so."""
    sync = measured(noise=9.0, seconds=8.0)
    assert sync.match < 0.38 and abs(sync.offset_seconds) < 0.06
    assert sync.belongs == 0.5 and sync.sentences() == []


def test_a_far_offset_that_is_not_sure_makes_no_voice_ones_own():
    """It wouldn't be taken out, so the lips would go by what is said at another time."""
    sync = measured(0.45, noise=4.0)
    assert sync.match > 0.4 and sync.confidence < 0.5
    assert sync.belongs < 0.5 and not sync.is_off
    assert measured(0.15, noise=4.0).belongs > 0.5


def test_an_offset_wants_more_of_a_word_than_of_a_sentence():
    """By chance a second of anybody's speech goes with these lips somewhere."""
    word, sentence = (measured(0.2, noise=3.5, seconds=seconds) for seconds in (0.8, 3.0))
    assert abs(word.offset_seconds - 0.2) < 0.06 and abs(sentence.offset_seconds - 0.2) < 0.06
    assert word.match > sentence.match > 0.4 and word.confidence < sentence.confidence
    assert measured(0.56).is_off and not measured(0.56, noise=3.0).is_off


@pytest.mark.parametrize("nothing", [{"seconds": 0.4}, {"speaking": 0.0}, {"belief": 0.0}])
def test_of_too_little_nothing_is_claimed(nothing):
    sync = measured(**nothing)
    assert np.isnan(sync.match) and (sync.belongs, sync.confidence) == (1.0, 0.0)
    assert sync.sentences() == []


def test_one_picture_is_no_film():
    clock = sync_clock(np.zeros(1))
    voice = {name: np.zeros(len(clock)) for name in ("gap", "width", "jaw", "speaking")}
    seen = {name: np.zeros(1) for name in ("gap", "width", "jaw")}
    assert match_lips(np.zeros(1), seen, np.ones(1), voice).sentences() == []
