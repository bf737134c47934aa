"""From speech features to the mouth: how jaw, lips and tongue move, and how sure sound is of it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from ..exchange.protocol import AVFaceError
from ..models.phone_classes import CLASSES
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
_EDGE = 25  # steps of silence before and after the sound
_HISSES = [CLASSES.index(name) for name in ("SZ", "SH", "CH")]
# A th is rarely heard surely, and rarely where none is: the probability from which the tongue's tip
# goes to the teeth, and is there; tongueOut with which it is.
_TH, _TH_HEARD, _TH_OUT = CLASSES.index("TH"), (0.05, 0.15), 0.34
_CALM_SECONDS = 0.04  # of what is told of single sounds of speech, a deviation


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
    sounds: np.ndarray  # (T, P) 0-1, which sound of speech it is; P = 0 where features don't tell

    def __post_init__(self) -> None:
        assert self.mean.shape == self.sd.shape == (len(self.speaking), len(self.names))

    @property
    def hissing(self) -> np.ndarray:
        """Probability that s z sh ch hold the teeth together now, (T,); 0 where nothing tells."""
        told = self.sounds.shape[1] > 0
        return self.sounds[:, _HISSES].sum(1) if told else np.zeros(len(self.speaking))

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
    times = np.asarray(times, float)
    return _face(net.config.outputs, *hear(net, features, times), _sounds(features, times))


def hear(
    net: VoiceNet, features: SpeechFeatures, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (T, K), deviation (T, K) and contacts' probabilities (T, 3) of a network at `times`."""
    with torch.inference_mode():
        output = net(torch.from_numpy(_padded(features))[None])
        mean, sd = net.in_units(output)
        contacts = torch.sigmoid(output.contacts)
    mean, sd, contacts = (_at(times, values[0].numpy()) for values in (mean, sd, contacts))
    return mean, sd, contacts


def _padded(features: SpeechFeatures) -> np.ndarray:
    """Features with silence before and after, (A + 2 * _EDGE, C)."""
    edge = np.repeat(features.silence[None], _EDGE, axis=0)
    return np.concatenate([edge, features.values, edge])


def _at(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (A + 2 * _EDGE, C) of padded steps at `times`, (T, C)."""
    clock = (np.arange(len(values)) - _EDGE) / RATE + STEP_CENTRE_SECONDS
    return np.stack([np.interp(times, clock, column) for column in values.T], 1)


def _sounds(features: SpeechFeatures, times: np.ndarray) -> np.ndarray:
    """Which sound of speech it is at `times`, (T, P)."""
    if features.kind != "phones":
        return np.zeros((len(times), 0))
    return _at(times, gaussian_filter1d(np.exp(_padded(features)), _CALM_SECONDS * RATE, axis=0))


def _face(
    outputs: tuple[str, ...],
    mean: np.ndarray,
    sd: np.ndarray,
    contacts: np.ndarray,
    sounds: np.ndarray,
) -> VoiceFace:
    closed, tucked, speaking = contacts.T
    unknown = np.array([_UNKNOWN.get(name, _UNKNOWN_UNIT) for name in outputs])
    sd = np.hypot(sd, (1 - speaking[:, None]) * unknown)
    if sounds.shape[1] and "tongueOut" in outputs:
        out, heard = outputs.index("tongueOut"), np.interp(sounds[:, _TH], _TH_HEARD, (0, 1))
        mean[:, out] = np.maximum(mean[:, out], _TH_OUT * heard)
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
        sounds=sounds,
    )


@cache
def _network() -> tuple[VoiceNet, str]:
    """The network that the product carries, and the kind of features that it reads."""
    tensors, metadata = load_network("voice")
    return restore(tensors, metadata), metadata["kind"]
