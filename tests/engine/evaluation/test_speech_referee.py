"""The referee on lips whose lag and closures are known."""

from itertools import pairwise

import numpy as np
import pytest

from engine.evaluation.alignment import Phone, heard_phones, is_speech, known_words
from engine.evaluation.speech import OPENNESS, score_lips, total
from engine.exchange.protocol import AVFaceError
from engine.media import open_clip, read_waveform
from engine.weights import locate

SENTENCE = [
    "SIL", "B", "AA", "S", "M", "EH", "T", "P", "AY", "SIL", "M", "AW", "N", "B", "IY", "F", "EH",
    "P", "AA", "SIL",
]  # fmt: skip
DEMO_WORDS = "hello my name is ava bob bought five very big maps and we whisper so softly have fun"


@pytest.fixture(scope="module")
def phones():
    """Phones of 60 to 200 ms, from a fixed chance."""
    lengths = np.random.default_rng(3).uniform(0.06, 0.2, len(SENTENCE))
    ends = np.cumsum(lengths)
    return [
        Phone(name, float(end - length), float(end))
        for name, end, length in zip(SENTENCE, ends, lengths, strict=True)
    ]


def lips(phones, lag=0.0, fps=25.0, without=()):
    """Times and apertures of lips that obey the phones `lag` seconds late."""
    fine = np.arange(0, phones[-1].end_seconds + 0.5, 0.001)
    opening = np.full(len(fine), 0.1)
    for k, phone in enumerate(phones):
        inside = (fine - lag >= phone.start_seconds) & (fine - lag < phone.end_seconds)
        opening[inside] = 0.3 if k in without else OPENNESS.get(phone.name, 0.1)
    smooth = np.convolve(np.pad(opening, 10, "edge"), np.ones(21) / 21, "valid")
    times = np.arange(0, fine[-1], 1 / fps)
    return times, 12 * np.interp(times, fine, smooth)


def test_lips_that_obey_close_at_every_closure(phones):
    score = score_lips(phones, *lips(phones))
    assert score.closures == score.closed == sum(name in "PBM" for name in SENTENCE) == 6
    assert score.rate == 1.0 and score.floor < 0.75
    assert score.contrast == 1.0


@pytest.mark.parametrize("fps", [25.0, 29.97, 60.0])
@pytest.mark.parametrize("lag", [-0.1, 0.0, 0.04, 0.2])
def test_a_known_lag_is_found(phones, fps, lag):
    assert abs(score_lips(phones, *lips(phones, lag, fps)).lag_ms - 1e3 * lag) < 15


def test_missed_closures_are_counted(phones):
    missed = [k for k, phone in enumerate(phones) if phone.name in ("P", "M")][:2]
    score = score_lips(phones, *lips(phones, without=missed))
    assert (score.closures, score.closed) == (6, 4)


def test_smoothed_lips_lose_closures_though_they_match(phones):
    times, aperture = lips(phones, fps=60)
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / 5) ** 2)
    smoothed = np.convolve(np.pad(aperture, 12, "edge"), kernel / kernel.sum(), "valid")
    sharp, dull = score_lips(phones, times, aperture), score_lips(phones, times, smoothed)
    assert dull.closed < sharp.closed and dull.match > 0.6


def test_lips_that_rest_say_nothing(phones):
    times, _ = lips(phones)
    open_lips = score_lips(phones, times, np.full(len(times), 5.0))
    assert open_lips.closed == 0 and np.isnan(open_lips.lag_ms)
    silence = score_lips([Phone("SIL", 0, 2)], times, np.zeros(len(times)))
    assert silence.closures == 0 and np.isnan(silence.rate) and np.isnan(silence.floor)


def test_closures_of_clips_are_counted_together():
    one = {"closures": 3, "closed": 3, "floor": 0.1, "contrast": 1, "lag_ms": -20, "match": 0.5}
    none = {"closures": 0, "closed": 0, "floor": np.nan, "contrast": np.nan, "lag_ms": 10,
            "match": 0.7}  # fmt: skip
    together = total([one, none, one | {"closed": 1}])
    assert (together["closures"], together["closed"]) == (6, 4)
    assert np.isclose(together["floor"], 0.1) and together["absolute_lag_ms"] == 20


def test_words_come_from_the_name_or_a_text_beside(tmp_path):
    assert known_words(tmp_path / "grid_bbaf2n.mpg") == "bin blue at f two now"
    assert known_words(tmp_path / "swww3s.mpg") is None  # GRID has no w
    assert known_words(tmp_path / "swbzzp.mp4") == "set white by z zero please"
    assert known_words(tmp_path / "holiday.mp4") is None
    (tmp_path / "holiday.txt").write_text("Well -- that's IT!")
    assert known_words(tmp_path / "holiday.mp4") == "well that's it"


@pytest.fixture(scope="module")
def demo_waveform():
    pytest.importorskip("pocketsphinx", reason="pocketsphinx, the referee of speech, is missing")
    waveform = read_waveform(open_clip(locate("demo_clip")))
    assert waveform is not None
    return waveform


def test_the_recogniser_finds_the_words_of_the_demo_clip(demo_waveform):
    phones = heard_phones(demo_waveform, DEMO_WORDS)
    names = [phone.name for phone in phones]
    assert sum(name in {"P", "B", "M"} for name in names) == 9
    assert all(a.end_seconds <= b.start_seconds + 1e-6 for a, b in pairwise(phones))
    with pytest.raises(AVFaceError, match="not to be found"):
        heard_phones(demo_waveform[:4000], DEMO_WORDS)


def test_a_melody_is_no_speech_whatever_phones_are_heard_in_it(demo_waveform):
    """A tone that steps every fifth of a second; the phone loop names its notes."""
    notes = np.repeat([262.0, 330.0, 392.0, 294.0, 349.0, 440.0] * 3, 3200)
    loud = 0.5 * np.exp(-np.tile(np.arange(3200), 18) / 1600)
    melody = (loud * np.sign(np.sin(2 * np.pi * np.cumsum(notes) / 16000))).astype(np.float32)
    assert not is_speech(melody, heard_phones(melody, None))
    assert is_speech(demo_waveform, heard_phones(demo_waveform, None))
