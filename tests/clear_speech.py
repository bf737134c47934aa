"""A few phones with their times, and what ears that never err hear of them."""

import numpy as np

from engine.audio import SpeechFeatures
from engine.models.phone_classes import CLASS_OF
from engine.training.voice_clips import step_times

PHONES = [("SIL", 0.0, 0.3), ("M", 0.3, 0.4), ("AA", 0.4, 0.6), ("P", 0.6, 0.7), ("IY", 0.7, 0.9),
          ("F", 0.9, 1.0), ("UW", 1.0, 1.2), ("SIL", 1.2, 2.0)]  # fmt: skip


def perfect(phones=PHONES, seconds=2.0) -> SpeechFeatures:
    """Posteriors of ears that never err."""
    times = step_times(int(seconds * 50))
    values = np.full((len(times), 29), np.log(1e-4), np.float32)
    for name, start, end in phones:
        values[(times >= start) & (times < end), CLASS_OF[name]] = np.log(0.9972)
    return SpeechFeatures("phones", values)
