"""One interface to every kind of speech feature; what a kind needs is imported with it."""

from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from .features import Kind, SpeechFeatures


def speech_features(
    waveform: np.ndarray, kind: Kind = "phones", path: Path | None = None
) -> SpeechFeatures:
    """Features of a waveform.

    Args:
        waveform: (N,) float32 at 16 kHz, -1 to 1.
        kind: `phones`: log-posteriors of our acoustic network; `deepspeech`: logits of a released
            DeepSpeech graph; `mel`: the 80 bands of lip-sync networks; `wav2vec2`: hidden states
            of a model of the user's.
        path: The user's file (`deepspeech`) or folder (`wav2vec2`).

    Raises:
        AVFaceError: The user's file is missing or is something else.
    """
    waveform = np.ascontiguousarray(waveform, np.float32)
    if kind == "phones":
        from .phones import phone_posteriors

        return SpeechFeatures(kind, phone_posteriors(waveform))
    if kind == "mel":
        from .mel import mel_features

        return SpeechFeatures(kind, mel_features(waveform))
    if path is None:
        raise AVFaceError(
            f"Speech features of the kind {kind} need a model of yours.",
            "Name its file or folder, or choose the kind phones, which comes with AVFace.",
        )
    if kind == "deepspeech":
        from .deepspeech import deepspeech_logits

        return SpeechFeatures(kind, deepspeech_logits(waveform, path))
    from .wav2vec2 import wav2vec2_states

    return SpeechFeatures(kind, wav2vec2_states(waveform, path))
