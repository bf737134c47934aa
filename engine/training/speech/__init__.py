"""Synthetic speech with known timings, and the training of the acoustic network on it."""

from .utterance import SOUND_RATE, Utterance
from .voices import HELD_OUT, language_of, require_speakers, speak, speak_all

__all__ = [
    "HELD_OUT",
    "SOUND_RATE",
    "Utterance",
    "language_of",
    "require_speakers",
    "speak",
    "speak_all",
]
