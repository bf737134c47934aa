"""Hidden states of a wav2vec 2.0 model that the user brings (an optional extra: transformers)."""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..exchange.protocol import AVFaceError
from .features import step_count

_TRIED = "python -m pip install transformers==4.57.1"  # goes with the engine's packages
_RATE, _STEP, _FIELD = 16_000, 320, 400  # samples; the model's own step and receptive field
_PIECE, _MARGIN = 15 * _RATE // _STEP * _STEP, _RATE  # attention is global: long sound in pieces


def wav2vec2_states(waveform: np.ndarray, folder: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz -> (A, hidden size) float32 at 50 Hz. Raises AVFaceError.

    The waveform has zero mean and unit variance over the clip, as base-960h was trained.
    """
    model = _load(folder)
    width = int(model.config.hidden_size)
    if len(waveform) == 0:
        return np.zeros((0, width), np.float32)
    signal = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7)
    wanted = step_count(len(signal))
    signal = np.pad(signal, (0, max(0, (wanted - 1) * _STEP + _FIELD - len(signal)))).astype(
        np.float32
    )
    states = []
    with torch.inference_mode():
        for start in range(0, wanted * _STEP, _PIECE):
            first = max(0, start - _MARGIN)
            heard = torch.from_numpy(signal[first : start + _PIECE + _MARGIN])[None]
            steps = model(heard).last_hidden_state[0].numpy()
            skip = (start - first) // _STEP
            states.append(steps[skip : skip + _PIECE // _STEP])
    return np.concatenate(states)[:wanted].astype(np.float32)


@lru_cache(maxsize=1)
def _load(folder: Path) -> Any:
    if importlib.util.find_spec("transformers") is None:
        raise AVFaceError(
            "Features of wav2vec 2.0 need the package transformers.",
            f"Install it in the engine's environment ({_TRIED}), or choose the kind phones.",
        )
    if not (folder / "config.json").is_file():
        raise AVFaceError(
            f"{folder} holds no config.json of a wav2vec 2.0 model.",
            "Name the folder with config.json and model.safetensors.",
        )
    from transformers import Wav2Vec2Model  # type: ignore[import-not-found]

    try:
        model = Wav2Vec2Model.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise AVFaceError(
            f"{folder} can't be loaded as a wav2vec 2.0 model ({error}).",
            "It must hold config.json and model.safetensors.",
        ) from error
    return model.eval()
