"""From speech features to the mouth: how jaw, lips and tongue move, and how sure sound is of it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from ..exchange.protocol import AVFaceError
from ..models.voice import VoiceNet, restore
from ..weights import load_network
from . import SpeechFeatures
from .features import RATE, STEP_CENTRE_SECONDS

# Units of the default head that have sides; sound moves both alike.
_SIDED = ("mouthStretch", "mouthSmile", "mouthLowerDown", "mouthUpperUp", "mouthPress")
_MEASURES = ("gap_mm", "width")
# What is added to a deviation where nobody speaks: then sound knows nothing at all.
_UNKNOWN = {"jaw": 0.15, "gap_mm": 12.0, "width": 0.25}
_UNKNOWN_UNIT = 0.6


@dataclass(frozen=True)
class VoiceFace:
    """What sound says of T moments, with standard deviations: large where nobody speaks."""

    names: tuple[str, ...]  # "jaw" (pitch, rad), then units of the default head
    mean: np.ndarray  # (T, K) float32
    sd: np.ndarray  # (T, K) float32
    speaking: np.ndarray  # (T,) 0-1
    closed: np.ndarray  # (T,) probability that p b m seal the lips now
    tucked: np.ndarray  # (T,) probability that f v hold the lower lip to the teeth now
    gap_mm: np.ndarray  # (T, 2) height of the opening between the lips: mean, sd
    width: np.ndarray  # (T, 2) of the lips, 1 at rest: mean, sd

    def __post_init__(self) -> None:
        assert self.mean.shape == self.sd.shape == (len(self.speaking), len(self.names))

    def __getitem__(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of one unit, (T,) each."""
        column = self.names.index(name)
        return self.mean[:, column], self.sd[:, column]


def listen(features: SpeechFeatures, times: np.ndarray) -> VoiceFace:
    """What the sound says about the mouth at `times` (T,), seconds on the waveform's clock.

    Before and after the sound there is silence. Raises AVFaceError for features of a kind that
    the network was not trained on.
    """
    net, kind = _network()
    if features.kind != kind:
        raise AVFaceError(
            f"The network that moves the mouth was trained on {kind} features, not on"
            f" {features.kind}.",
            f"Take speech features of the kind {kind}, or train it on {features.kind}.",
        )
    said = hear(net, features, np.asarray(times, float))
    return _face(net.config.outputs, *said)


def hear(
    net: VoiceNet, features: SpeechFeatures, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (T, K), deviation (T, K) and contacts' probabilities (T, 3) of a network at `times`."""
    edge = np.repeat(features.silence[None], 25, axis=0)
    padded = np.concatenate([edge, features.values, edge])
    with torch.inference_mode():
        output = net(torch.from_numpy(padded)[None])
        mean, sd = net.in_units(output)
        contacts = torch.sigmoid(output.contacts)
    clock = (np.arange(len(padded)) - len(edge)) / RATE + STEP_CENTRE_SECONDS

    def at(values: torch.Tensor) -> np.ndarray:
        columns = values[0].numpy().T
        return np.stack([np.interp(times, clock, column) for column in columns], 1)

    return at(mean), at(sd), at(contacts)


def _face(
    outputs: tuple[str, ...], mean: np.ndarray, sd: np.ndarray, contacts: np.ndarray
) -> VoiceFace:
    closed, tucked, speaking = contacts.T
    unknown = np.array([_UNKNOWN.get(name, _UNKNOWN_UNIT) for name in outputs])
    sd = np.hypot(sd, (1 - speaking[:, None]) * unknown)
    names, columns = [], []
    for column, name in enumerate(outputs):
        if name not in _MEASURES:
            sides = [name + "Left", name + "Right"] if name in _SIDED else [name]
            names += sides
            columns += [column] * len(sides)
    measures = [outputs.index(name) for name in _MEASURES]
    gap, width = (np.stack([mean[:, k], sd[:, k]], 1).astype(np.float32) for k in measures)
    return VoiceFace(
        names=tuple(names),
        mean=np.maximum(mean[:, columns], 0).astype(np.float32),
        sd=sd[:, columns].astype(np.float32),
        speaking=speaking,
        closed=closed * speaking,
        tucked=tucked * speaking,
        gap_mm=gap,
        width=width,
    )


@cache
def _network() -> tuple[VoiceNet, str]:
    """The network that the product carries, and the kind of features that it reads."""
    tensors, metadata = load_network("voice")
    return restore(tensors, metadata), metadata["kind"]
