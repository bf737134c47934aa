"""Sound alone: a head that speaks what is heard, blinks and moves a little, from a fixed chance.

The mouth follows the voice. What sound can't know is made up within what people do: blinks of a
quarter of a second every few seconds, mostly in pauses; the head sways slowly and nods a little
with what is stressed; the eyes rest on points near the camera and leap between them; the brows
rise a little with stress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..easing import ease
from ..exchange.take import frame_seconds
from ..fitting.gaze import REFLEX
from ..geometry import rotation_matrix
from ..head.model import FaceParams, Head
from ..head.mouth import shutting

if TYPE_CHECKING:
    from ..audio.voice import VoiceFace

_OPENERS = ("mouthFunnel", "mouthLowerDown", "mouthUpperUp")
_SHUT_LIPS = 1.15  # of what just shuts the lips: they press
# In f and v: mouthUpperUp that bares the teeth; what is lost of rounding, or the lip leaves them.
_BARE_TEETH, _ROUNDS, _LESS_ROUND = 0.4, ("mouthPucker", "mouthFunnel"), 0.6
_QUIET_SECONDS = 0.12  # in which the mouth comes to rest when nobody speaks
_BLINK_EVERY = (2.2, 5.5)  # s from one blink to the next
_BLINK_SHUTS, _BLINK_SHUT, _BLINK_OPENS = 0.09, 0.03, 0.16  # s
_BLINK_MOVES = 0.4  # s by which a blink is put off to fall into a pause
_SWAY = np.radians([1.3, 2.0, 0.9])  # sd of pitch, yaw, roll
_SWAY_SECONDS = 0.9
_DRIFT_M = (0.002, 0.0015, 0.003)
_NOD = np.radians(2.4)  # of a stressed syllable
_GAZE = np.radians([1.6, 3.0])  # sd of pitch, yaw
_GAZE_EVERY = (0.6, 2.4)  # s
_BROW = 0.22  # of a stressed syllable


def improvise(
    voice: VoiceFace, times: np.ndarray, head: Head, focal: float, seed: int = 0
) -> FaceParams:
    """The default person speaking, T frames at `times` (rising, evenly spaced; s), at `focal` px.

    What isn't heard depends on `seed` alone.
    """
    generator = np.random.default_rng(seed)
    still = FaceParams.neutral(head, len(times), focal)
    expression, jaw = mouth_of(voice, times, head)
    stress = _stress(voice, times)

    def add(name: str, values: np.ndarray) -> None:
        for unit in (name, name + "Left", name + "Right"):
            if unit in head.unit:
                expression[:, head.unit[unit]] += values

    add("eyeBlink", _blinks(times, voice.speaking, generator))
    add("browInnerUp", _BROW * 0.7 * stress)
    add("browOuterUp", _BROW * stress)
    pose = np.stack([_noise(times, _SWAY_SECONDS, generator) for _ in range(3)], 1) * _SWAY
    pose[:, 0] += _NOD * _late(stress, times, 0.06)
    drift = np.stack([_noise(times, 1.5 * _SWAY_SECONDS, generator) for _ in range(3)], 1)
    eyes = _gaze(times, generator) - REFLEX * pose[:, :2]  # the eyes stay where the head turns away
    return still.replace(
        expression=expression,
        jaw=jaw,
        head_pose=pose,
        head_translation=_upright(still.head_translation, head, pose) + drift * _DRIFT_M,
        eyes=np.concatenate([eyes, np.zeros((len(times), 1))] * 2, axis=1),
    )


def mouth_of(voice: VoiceFace, times: np.ndarray, head: Head) -> tuple[np.ndarray, np.ndarray]:
    """The mouth by sound alone: expression (T, E) and jaw (T, 3) rad; it rests in pauses."""
    expression = np.zeros((len(times), len(head.file.expression_names)))
    jaw = np.zeros((len(times), 3))
    speaks = _soft(voice.speaking, times, _QUIET_SECONDS)
    for k, name in enumerate(voice.names):
        if name == "jaw":
            jaw[:, 0] = speaks * voice.mean[:, k]
        elif name in head.unit:
            expression[:, head.unit[name]] = speaks * voice.mean[:, k]
    _bare_teeth(expression, voice.tucked, head)
    shut = sealed(expression, jaw, voice.closed, head)
    return shut.clip(head.file.expression_low, head.file.expression_high), jaw


def sealed(expression: np.ndarray, jaw: np.ndarray, closed: np.ndarray, head: Head) -> np.ndarray:
    """An expression (T, E) whose lips meet where `closed` (T,) says so; `jaw` (T, 3) rad."""
    out = expression.copy()
    for name, column in head.unit.items():
        if name.startswith(_OPENERS):
            out[:, column] *= 1 - closed
    if "mouthClose" in head.unit:
        column = head.unit["mouthClose"]
        shut = _SHUT_LIPS * shutting(jaw[:, 0])
        out[:, column] += closed * np.maximum(shut - out[:, column], 0)
    return out


def _bare_teeth(expression: np.ndarray, tucked: np.ndarray, head: Head) -> None:
    """Show the upper teeth on the lower lip where `tucked` (T,) says so, in place: (T, E)."""
    for name, column in head.unit.items():
        if name.startswith(_ROUNDS):
            expression[:, column] *= 1 - _LESS_ROUND * tucked
        elif name.startswith("mouthUpperUp"):
            lack = np.maximum(_BARE_TEETH - expression[:, column], 0)
            expression[:, column] += tucked * lack


def _soft(values: np.ndarray, times: np.ndarray, seconds: float) -> np.ndarray:
    """Values (T,) smoothed over `seconds`."""
    sigma = seconds / 2 / frame_seconds(times)
    return gaussian_filter1d(np.asarray(values, float), sigma, mode="nearest")


def _late(values: np.ndarray, times: np.ndarray, seconds: float) -> np.ndarray:
    return np.interp(times - seconds, times, values)


def _stress(voice: VoiceFace, times: np.ndarray) -> np.ndarray:
    """How much more than around it the mouth opens, (T,) 0..1: what is stressed."""
    opening = voice.gap_mm[:, 0] * voice.speaking
    rise = _soft(opening, times, 0.16) - _soft(opening, times, 1.2)
    return np.clip(rise / 4.0, 0, 1)  # 4 mm more are a strong syllable


def _noise(times: np.ndarray, seconds: float, generator: np.random.Generator) -> np.ndarray:
    """Slow noise of mean 0 and sd 1, (T,), that changes within `seconds`."""
    count = int((times[-1] - times[0]) / seconds) + 8
    knots = generator.normal(size=count)
    where = (times - times[0]) / seconds + 3
    reach = where[:, None] - np.arange(count)
    kernel = np.exp(-0.5 * (reach / 0.8) ** 2)
    return kernel @ knots / np.sqrt(np.sum(kernel**2, axis=1))


def _blinks(times: np.ndarray, speaking: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The lids' closing, (T,) 0..1; a blink near a pause falls into it."""
    out, moment = np.zeros(len(times)), times[0] + generator.uniform(0.6, _BLINK_EVERY[1] - 1.5)
    while moment < times[-1]:
        near = np.abs(times - moment) < _BLINK_MOVES
        pauses = times[near & (speaking < 0.3)]
        start = pauses[np.argmin(np.abs(pauses - moment))] if len(pauses) else moment
        t = times - start
        opens = ease((t - _BLINK_SHUTS - _BLINK_SHUT) / _BLINK_OPENS)
        out = np.maximum(out, ease(t / _BLINK_SHUTS) - opens)
        moment += generator.uniform(*_BLINK_EVERY)
    return out


def _gaze(times: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Pitch and yaw of the eyes, (T, 2) rad: still, with leaps of a few hundredths of a second."""
    out, moment = np.zeros((len(times), 2)), times[0]
    while moment < times[-1]:
        out[times >= moment] = generator.normal(size=2) * _GAZE
        moment += generator.uniform(*_GAZE_EVERY)
    return gaussian_filter1d(out, 0.018 / frame_seconds(times), axis=0, mode="nearest")


def _upright(translation: np.ndarray, head: Head, pose: np.ndarray) -> np.ndarray:
    """Translations with which the head turns about its neck instead of its origin, (T, 3) m."""
    neck = head.file.joint_regressor[1] @ head.file.template
    return translation + neck - np.einsum("tij,j->ti", rotation_matrix(pose), neck)
