"""Log-posteriors of speech sounds by the network that AVFace ships."""

import json
from functools import cache

import numpy as np
import torch

from ..models.phone_classes import CLASSES
from ..models.phones import PhoneNetwork, PhonesConfig
from ..weights import load_network
from .features import PHONE_FLOOR

NETWORK = "phones"
_PIECE_SECONDS, _MARGIN_SECONDS = 60.0, 5.0  # long sound is heard in pieces that overlap
_RATE, _STEP = 16_000, 320  # samples


def phone_posteriors(waveform: np.ndarray) -> np.ndarray:
    """(N,) float32 at 16 kHz -> (A, 29) float32 log-posteriors, never below log(PHONE_FLOOR)."""
    model = load_phone_network()
    if len(waveform) == 0:
        return np.zeros((0, len(CLASSES)), np.float32)
    piece, margin = (int(s * _RATE) for s in (_PIECE_SECONDS, _MARGIN_SECONDS))
    found = []
    with torch.inference_mode():
        for start in range(0, len(waveform), piece):
            first = max(start - margin, 0)
            heard = torch.from_numpy(waveform[first : start + piece + margin])[None]
            steps = model(heard)[0].softmax(-1).numpy()
            skip = (start - first) // _STEP
            is_last = start + piece >= len(waveform)
            found.append(steps[skip:] if is_last else steps[skip : skip + piece // _STEP])
    posterior = np.concatenate(found)
    share = 1 - PHONE_FLOOR * posterior.shape[1]
    return np.log(posterior * share + PHONE_FLOOR).astype(np.float32)


@cache
def load_phone_network() -> PhoneNetwork:
    """The shipped network, ready to hear. Raises AVFaceError."""
    tensors, about = load_network(NETWORK)
    assert json.loads(about["classes"]) == list(CLASSES), about["classes"]
    settings = json.loads(about["config"])
    settings["dilations"] = tuple(settings["dilations"])
    model = PhoneNetwork(PhonesConfig(**settings))
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)
