"""What is said before the work of a capture begins."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.media import Clip
from engine.options import CaptureOptions
from engine.pipeline import without_effect


def a_clip(kind="video") -> Clip:
    times = np.arange(0 if kind == "sound" else 50) / 25
    return Clip(Path("a.mp4"), kind, Fraction(25), times, (64, 64), True, 0.0, np.arange(50))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (CaptureOptions(), []),
        (CaptureOptions(fps=25.0, trust="sound:1-1.5"), []),
        (CaptureOptions(fps=12.0), ["--fps was left aside"]),
        (CaptureOptions(trust="sound:1-2,picture:5-6"), ["picture:5-6 meets no picture"]),
    ],
)
def test_what_a_film_leaves_aside_is_told(options, words):
    said = without_effect(options, a_clip())
    assert len(said) == len(words)
    assert all(part in sentence for part, sentence in zip(words, said, strict=True))


def test_the_pictures_of_a_sound_file_cant_lead():
    assert without_effect(CaptureOptions(senses="both"), a_clip("sound")) == []
    with pytest.raises(AVFaceError, match="no pictures to go by"):
        without_effect(CaptureOptions(senses="picture"), a_clip("sound"))
