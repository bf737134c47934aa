"""Sound as a witness of the fit: who is trusted when, whose range, what shuts the lips."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.fitting.landmark_head import JAW, landmark_head
from engine.fitting.solver import Targets
from engine.fitting.sound import Hearing, closing, sound_terms, unseen_units
from engine.fitting.terms import region_unknowns
from engine.head.model import FaceParams, Head
from engine.options import CaptureOptions, trust_ranges
from engine.speech.hearing import forced_trust, mouth_by_sound
from engine.weights import load_head

T, FPS = 60, 25.0
NAMES = ("jaw", "mouthClose", "mouthPucker", "mouthLowerDownLeft", "tongueUp")
MOUTH = REGIONS.index("mouth")


@pytest.fixture(scope="module")
def head():
    return landmark_head(load_head())


def voice():
    """A voice that says a-ba-ba from frame 10 to 50."""
    t = np.arange(T)
    speaking = ((t >= 10) & (t < 50)).astype(float)
    closed = np.isin(t, [20, 21, 35, 36]).astype(float)
    jaw = speaking * (0.08 + 0.06 * np.sin(t / 2.0)) * (1 - 0.6 * closed)
    mean = np.zeros((T, len(NAMES)), np.float32)
    mean[:, 0], mean[:, 4] = jaw, 0.5 * speaking
    sd = np.full(mean.shape, 0.1, np.float32)
    sd[:, 0] = 0.03
    gap = np.stack([100 * jaw * (1 - closed), np.ones(T)], 1)
    return SimpleNamespace(
        names=NAMES,
        mean=mean,
        sd=sd,
        speaking=speaking,
        closed=closed,
        gap_mm=gap,
        sounds=np.zeros((len(gap), 0)),
        tucked=np.zeros(len(gap)),
    )


def track(mouth=1.0):
    confidence = np.ones((T, len(REGIONS)))
    confidence[:, MOUTH] = mouth
    return SimpleNamespace(
        times=np.arange(T) / FPS, confidence=confidence, seen=np.ones(T, bool), clear=None
    )


def terms(head, hearing, mouth=1.0, x=None):
    x = np.zeros((T, head.unknowns)) if x is None else x
    return sound_terms(hearing, track(mouth), head, x)


def test_a_good_picture_leads_and_a_covered_mouth_is_left_to_the_sound(head):
    good = terms(head, Hearing(voice()))
    assert good.trust[30] == pytest.approx(0.05) and not good.unseen.any()
    covered = np.where(np.arange(T) < 30, 1.0, 0.0)
    half = terms(head, Hearing(voice()), covered)
    assert half.trust[40] == pytest.approx(1.0, abs=0.01) and half.unseen[40]
    assert half.trust[55:].max() < 0.05  # nobody speaks: covered or not, sound knows nothing
    assert half.trust[:6].max() < 0.05 and not half.unseen[20]


def test_another_voice_moves_nothing(head):
    alien = terms(head, Hearing(voice(), belongs=0.0), 0.0)
    assert alien.trust.max() == 0 and alien.seal.max() == 0 and not alien.weight.any()


def test_the_artist_has_the_last_word(head):
    forced = np.full(T, np.nan)
    forced[12:20], forced[30:40] = 1.0, 0.0
    given = terms(head, Hearing(voice(), belongs=0.0, forced=forced))
    assert given.trust[15] == 1.0 and given.unseen[15]
    assert given.trust[45] == 0.0 and not given.unseen[45]
    given = terms(head, Hearing(voice(), forced=forced), 0.0)
    assert given.trust[35] == 0.0 and given.seal[35] == 0.0 and not given.unseen[35]


def test_sound_is_brought_to_the_persons_range_and_rest(head):
    said, covered = voice(), (np.arange(T) >= 25) & (np.arange(T) < 45)
    x = np.zeros((T, head.unknowns))
    x[:, JAW.start] = 0.04 + 1.6 * said.mean[:, 0]  # opens more than usual, and rests lower
    x[:, JAW.start + 1] = 0.05  # and to one side: sound can't know
    beneath = np.where(covered[:, None], 0.0, x)
    theirs = terms(head, Hearing(said), 1.0 - covered, beneath)
    usual = terms(head, Hearing(said, calibrated=False), 1.0 - covered, beneath)
    error = [np.abs(t.guide - x)[covered, JAW.start].mean() for t in (theirs, usual)]
    assert error[0] < 0.5 * error[1]
    np.testing.assert_allclose(theirs.guide[covered, JAW.start + 1], 0.05, atol=2e-3)
    mouth = region_unknowns(head)["mouth"]
    assert theirs.guided(np.arange(T)).leads[35, mouth].all()
    assert not theirs.guided(np.arange(T)).leads[20].any()


def test_a_person_speaks_beneath_a_cover_as_they_do_elsewhere(head):
    """Another rest while speaking, and another shape for one sound of speech."""
    t = np.arange(T)
    sound, covered = (t % 8 < 3).astype(float), (t >= 30) & (t < 42)
    said = voice()
    said.sounds = sound[:, None] * said.speaking[:, None]
    said.gap_mm = 0 * said.gap_mm  # their range isn't in question
    own = 0.1 * said.speaking + 0.1 * said.sounds[:, 0]
    x = np.zeros((T, head.unknowns))
    x[:, JAW.start] = np.where(covered, 0.0, own + 0.7 * said.mean[:, 0])
    guide = terms(head, Hearing(said), 1.0 - covered, x).guide[covered, JAW.start]
    theirs = guide - 0.7 * said.mean[covered, 0]
    assert theirs.min() > 0.07
    assert theirs[sound[covered] > 0].mean() > theirs[sound[covered] == 0].mean() + 0.03


def test_heard_closures_shut_lips_that_are_nearly_shut_or_hidden(head):
    frames = np.array([20, 20, 25])
    gap = np.array([[0.5e-3], [6e-3], [0.5e-3]])
    seen = terms(head, Hearing(voice()))
    np.testing.assert_allclose(closing(seen, frames, gap)[:, 0], [1, 0, 0])
    hidden = terms(head, Hearing(voice()), 0.0)
    np.testing.assert_allclose(closing(hidden, frames, gap)[:, 0], [1, 1, 0])


def test_the_tongue_follows_the_sound_whatever_is_seen(head):
    said = voice()
    for mouth in (0.0, 1.0):
        given = terms(head, Hearing(said), mouth)
        tongue = unseen_units(Hearing(said), given, ("browDownLeft", "tongueUp"))
        assert not tongue[:, 0].any()
        np.testing.assert_allclose(tongue[30, 1], 0.5, atol=0.02)
    alien = Hearing(said, belongs=0.0)
    assert not unseen_units(alien, terms(head, alien), ("tongueUp",)).any()


def test_two_wishes_for_one_unknown_meet_by_their_weights():
    one = Targets(np.array([[1.0, 5.0]]), np.array([[3.0, 0.0]]))
    other = Targets(np.array([[2.0, 4.0]]), np.array([[1.0, 0.0]]))
    both = one + other
    np.testing.assert_allclose(both.weight, [[4.0, 0.0]])
    np.testing.assert_allclose(both.value, [[1.25, 0.0]])


def test_ranges_of_trust_are_read():
    assert trust_ranges("") == ()
    assert trust_ranges("sound:3.2-4.0, picture:1-2") == (
        ("sound", 3.2, 4.0), ("picture", 1.0, 2.0),
    )  # fmt: skip
    times = np.arange(0, 5, 0.1)
    forced = forced_trust(CaptureOptions(trust="sound:3.2-4.0,picture:1-2"), times)
    assert np.isnan(forced[5]) and forced[15] == 0 and forced[35] == 1
    assert (forced_trust(CaptureOptions(senses="sound"), times) == 1).all()


@pytest.mark.parametrize("text", ["ears:1-2", "sound", "sound:2-1", "picture:a-b", "sound:1-2-3"])
def test_a_slip_of_the_pen_is_told(text):
    with pytest.raises(AVFaceError, match="doesn't say whom to trust"):
        trust_ranges(text)


def test_without_a_fit_a_covered_mouth_does_what_is_heard():
    whole = Head(load_head())
    params = FaceParams.neutral(whole, T, 1000.0).replace(jaw=np.full((T, 3), 0.02))
    mouth = np.where((np.arange(T) > 15) & (np.arange(T) < 45), 0.0, 1.0)
    said = voice()
    led, trust = mouth_by_sound(params, Hearing(said), track(mouth), whole)
    assert trust[30] == 1 and trust[55] == 0
    jaw = led.jaw[:, 0]
    assert np.ptp(jaw[18:42]) > 0.05  # it speaks
    assert np.abs(jaw[50:] - 0.02).max() < 1e-9 and np.abs(np.diff(jaw)).max() < 0.06
    coarse = track(np.ones(T))
    coarse.clear = mouth
    as_covered, _ = mouth_by_sound(params, Hearing(said), coarse, whole)
    np.testing.assert_allclose(as_covered.jaw, led.jaw, atol=0.02)
    alien, none = mouth_by_sound(params, Hearing(said, belongs=0.0), track(mouth), whole)
    assert not none.any() and np.abs(alien.jaw - params.jaw).max() < 1e-9
    forced = np.full(T, np.nan)
    forced[20:30] = 0.0
    _, by_hand = mouth_by_sound(params, Hearing(said, forced=forced), track(mouth), whole)
    assert not by_hand[20:30].any() and by_hand[35] == 1
