"""Windows of speech features around moments of any frame rate."""

import numpy as np

from .features import RATE, STEP_CENTRE_SECONDS, SpeechFeatures

WINDOW = 16  # steps of 20 ms: 0.32 s, as VOCA and AVFace take them


def windows(features: SpeechFeatures, times: np.ndarray) -> np.ndarray:
    """The sound around each moment, whatever the spacing of the moments.

    Args:
        features: A steps of a clip's sound.
        times: (T,) seconds on the waveform's clock, in any order.

    Returns:
        (T, 16, C) float32: 16 steps, 20 ms apart, half of them before the moment; values between
        steps are interpolated, outside the sound there is silence.
    """
    offsets = (np.arange(WINDOW) - (WINDOW - 1) / 2) / RATE
    places = (np.asarray(times)[:, None] + offsets - STEP_CENTRE_SECONDS) * RATE  # (T, 16), steps
    silence = features.silence[None]
    padded = np.concatenate([silence, features.values, silence])  # (A + 2, C)
    places = (places + 1).clip(0, len(padded) - 1)
    before = np.minimum(places.astype(np.int64), max(len(padded) - 2, 0))
    share = (places - before).astype(np.float32)[..., None]
    return padded[before] * (1 - share) + padded[before + 1] * share  # (T, 16, C)
