"""DeepSpeech's logits of a waveform, as VOCA and AD-NeRF take them, from a user's graph."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..exchange.protocol import AVFaceError
from ..models.deepspeech import INPUTS, LETTERS, DeepSpeech
from .features import step_count
from .frozen_graph import read_constants
from .mfcc import COEFFICIENTS, mfcc_010, mfcc_090

_CONTEXT = 9  # frames on each side
_EARLIER = 56  # samples: 0.9's windows of 32 ms are put where those of 25 ms would be
_VOWELS = set("aeiouy")


def deepspeech_logits(waveform: np.ndarray, path: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz -> (A, 29) float32 logits at 50 Hz. Raises AVFaceError.

    Of 0.1.0 the coefficients of the whole clip are normalised by one mean and one deviation, so
    that a piece of a clip has other features than the clip.
    """
    model = load_deepspeech(path)
    if len(waveform) == 0:
        return np.zeros((0, len(LETTERS) + 1), np.float32)
    frames = _frames(model, waveform)
    return model(torch.from_numpy(frames)).numpy()


@lru_cache(maxsize=1)
def load_deepspeech(path: Path) -> DeepSpeech:
    """The network in a .pb or .pbmm file. Raises AVFaceError with what differs."""
    constants = read_constants(path)
    try:
        return DeepSpeech(constants).eval()
    except ValueError as error:
        raise AVFaceError(
            f"{path} is not DeepSpeech's released network: {error}.",
            "Choose output_graph.pb of 0.1.0, or the .pb or .pbmm of 0.9.",
        ) from error


def _frames(model: DeepSpeech, waveform: np.ndarray) -> np.ndarray:
    """(A, 494) float32: 19 frames around each step, zeros outside the clip."""
    if model.release == "0.1":
        samples = (waveform.astype(np.float64) * 32768).clip(-32768, 32767).astype(np.int16)
        steps = mfcc_010(samples)[::2]
    else:
        wanted = step_count(len(waveform))
        filled = np.pad(waveform, (_EARLIER, 0))
        filled = np.pad(filled, (0, max(0, (wanted - 1) * 320 + 512 - len(filled))))
        steps = mfcc_090(filled)[:wanted]
    silence = np.zeros((_CONTEXT, COEFFICIENTS))
    padded = np.concatenate([silence, steps, silence])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _CONTEXT + 1, axis=0)
    windows = windows.transpose(0, 2, 1).reshape(len(steps), INPUTS)  # oldest frame first
    if model.release == "0.1":
        windows = (windows - windows.mean()) / (windows.std() + 1e-12)
    return np.ascontiguousarray(windows, np.float32)


def decode_greedily(logits: np.ndarray) -> str:
    """(A, 29) -> the best letter of each step, repetitions merged, blanks dropped (CTC)."""
    best = logits.argmax(1)
    kept = best[np.append(True, best[1:] != best[:-1])]
    return "".join(LETTERS[k] for k in kept if k < len(LETTERS)).strip()


def self_test(waveform: np.ndarray, path: Path) -> str:
    """What a user's graph hears in a clip of English speech; it must spell words.

    Raises AVFaceError where the letters can't be words: the file's weights or layout are wrong.
    """
    text = decode_greedily(deepspeech_logits(waveform, path))
    words = text.split()
    sound = [w for w in words if len(w) <= 14 and (set(w) & _VOWELS)]
    if not words or len(sound) < 0.6 * len(words) or len(set(text)) < 5:
        raise AVFaceError(
            f"{path.name} hears no words in this clip ({text[:60]!r}).",
            "Try a clip of clear English speech; if that fails too, the file is no released one.",
        )
    return text
