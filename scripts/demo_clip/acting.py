"""What the person in the demo clip does: lips that speak, gaze, blinks, brows, head, a smile.

Lips by dominance blending (Cohen and Massaro 1993): every phoneme pulls each channel towards its
target with a strength that decays away from it; consonants own the articulator they need. Closures
are made hard afterwards, for blending alone never shuts the lips.
"""

from itertools import pairwise

import numpy as np

from engine.geometry import embed, rotation_matrix
from engine.head.model import FaceParams, Head

# Targets: jaw (0-1), lips shut (0-1), round (-1) to spread (1), lower lip to the teeth, pucker,
# tongue tip up.
_CHANNELS = ("jaw", "seal", "wide", "tuck", "pucker", "tip")
_TARGETS = {
    "SIL": (0.02, 0.6, 0.0, 0.0, 0.0, 0.0),
    "AA": (0.9, 0.0, 0.05, 0.0, 0.0, 0.0), "AE": (0.75, 0.0, 0.5, 0.0, 0.0, 0.0),
    "AH": (0.5, 0.0, 0.05, 0.0, 0.0, 0.0), "AO": (0.7, 0.0, -0.5, 0.0, 0.4, 0.0),
    "AW": (0.8, 0.0, 0.0, 0.0, 0.15, 0.0), "AY": (0.8, 0.0, 0.25, 0.0, 0.0, 0.0),
    "EH": (0.55, 0.0, 0.4, 0.0, 0.0, 0.0), "ER": (0.35, 0.0, -0.3, 0.0, 0.35, 0.0),
    "EY": (0.45, 0.0, 0.55, 0.0, 0.0, 0.0), "IH": (0.3, 0.0, 0.4, 0.0, 0.0, 0.0),
    "IY": (0.2, 0.0, 0.75, 0.0, 0.0, 0.0), "OW": (0.5, 0.0, -0.6, 0.0, 0.65, 0.0),
    "OY": (0.6, 0.0, -0.5, 0.0, 0.5, 0.0), "UH": (0.3, 0.0, -0.5, 0.0, 0.5, 0.0),
    "UW": (0.2, 0.0, -0.8, 0.0, 0.9, 0.0),
    "P": (0.1, 1.0, 0.0, 0.0, 0.0, 0.0), "B": (0.12, 1.0, 0.0, 0.0, 0.0, 0.0),
    "M": (0.12, 1.0, 0.0, 0.0, 0.0, 0.0),
    "F": (0.12, 0.0, 0.1, 1.0, 0.0, 0.0), "V": (0.12, 0.0, 0.1, 1.0, 0.0, 0.0),
    "W": (0.15, 0.0, -0.9, 0.0, 1.0, 0.0), "R": (0.25, 0.0, -0.4, 0.0, 0.45, 0.0),
    "SH": (0.12, 0.0, -0.4, 0.0, 0.55, 0.0), "ZH": (0.12, 0.0, -0.4, 0.0, 0.55, 0.0),
    "CH": (0.12, 0.0, -0.4, 0.0, 0.55, 0.3), "JH": (0.12, 0.0, -0.4, 0.0, 0.55, 0.3),
    "S": (0.07, 0.0, 0.3, 0.0, 0.0, 0.2), "Z": (0.07, 0.0, 0.3, 0.0, 0.0, 0.2),
    "T": (0.18, 0.0, 0.15, 0.0, 0.0, 0.8), "D": (0.18, 0.0, 0.15, 0.0, 0.0, 0.8),
    "N": (0.2, 0.0, 0.15, 0.0, 0.0, 0.8), "L": (0.3, 0.0, 0.1, 0.0, 0.0, 1.0),
    "TH": (0.2, 0.0, 0.1, 0.0, 0.0, 0.5), "DH": (0.2, 0.0, 0.1, 0.0, 0.0, 0.5),
    "K": (0.25, 0.0, 0.05, 0.0, 0.0, 0.0), "G": (0.25, 0.0, 0.05, 0.0, 0.0, 0.0),
    "NG": (0.25, 0.0, 0.05, 0.0, 0.0, 0.0), "HH": (0.3, 0.0, 0.0, 0.0, 0.0, 0.0),
    "Y": (0.2, 0.0, 0.5, 0.0, 0.0, 0.0),
}  # fmt: skip
# How strongly a phoneme holds each channel; what is not named yields (0.5).
_STRENGTH = {
    "P B M": {"jaw": 1.2, "seal": 6.0}, "F V": {"jaw": 1.5, "seal": 3.0, "tuck": 6.0},
    "W UW OW OY SH ZH CH JH": {"jaw": 1.2, "seal": 2.0, "wide": 3.0, "pucker": 3.5},
    "S Z": {"jaw": 4.0, "seal": 1.5, "wide": 1.0}, "T D N TH DH L": {"jaw": 0.8, "tip": 3.0},
    "AA AE AH AO AW AY EH ER EY IH IY UH": {
        "jaw": 2.0, "seal": 1.6, "wide": 1.6, "pucker": 1.2,
    },
}  # fmt: skip
_DECAY_PER_S = {"jaw": 15, "seal": 45, "wide": 12, "tuck": 40, "pucker": 12, "tip": 30}
_JAW_RAD = 0.27  # of a wide open vowel
_INNER_UPPER, _INNER_LOWER = (61, 62, 63), (67, 66, 65)  # landmarks along the lip line
_NECK = np.array([0.0, -0.09, -0.045])  # m: what the head turns about

_BLINKS_S = (0.9, 2.1, 3.95, 5.75)
# from this time (s) on: degrees left, down
_GLANCES = (
    (0.0, 0, 0), (1.15, -9, 2), (1.75, 0, 0), (3.4, 11, -3), (4.2, 0, 1), (5.4, -3, 6),
    (5.9, 0, 0),
)  # fmt: skip
_BROWS = ((0.55, 0.35, 0.6), (2.35, 0.5, 1.0), (4.35, 0.45, 0.8), (5.6, 0.4, 0.5))  # s, s, 0-1


def act(
    head: Head, shape: np.ndarray, phonemes: tuple, times: np.ndarray, smile_from: float
) -> FaceParams:
    """The performance: one setting of the head per time; the focal length is the scene's."""
    params = FaceParams.neutral(head, len(times), focal=1.0).replace(shape=shape)
    speech = articulate(phonemes, times)
    smile = speech["smile"] = _step(times, smile_from, 0.35)
    speech["seal"] = speech["seal"] * (1 - smile)
    params.jaw[:, 0] = _JAW_RAD * speech["jaw"] + 0.02 * smile
    _set_units(head, params.expression, _mouth_units(speech))
    _set_units(head, params.expression, _upper_face_units(times, smile))
    _turn_head(params, times, speech["jaw"])
    _look(params, times)
    _close_lips(head, params, speech["seal"])
    return params


def articulate(phonemes: tuple, times: np.ndarray) -> dict[str, np.ndarray]:
    """Each channel at each time, (T,)."""
    out = {}
    for k, channel in enumerate(_CHANNELS):
        pull, total = np.zeros(len(times)), np.full(len(times), 1e-6)
        for name, start, end in phonemes:
            quarter = (end - start) / 4
            away = np.maximum(np.maximum(start + quarter - times, times - end + quarter), 0)
            strength = _strength(name, channel) * np.exp(-_DECAY_PER_S[channel] * away)
            pull += strength * _TARGETS[name][k]
            total += strength
        out[channel] = pull / total
    frame = float(np.median(np.diff(times)))
    for name, start, end in phonemes:
        channel = "seal" if name in ("P", "B", "M") else "tuck"
        if _TARGETS[name][_CHANNELS.index(channel)] == 1:
            half = max((end - start) / 2, 0.75 * frame)  # at least one picture shows it
            middle = np.abs(times - (start + end) / 2)
            hold = 1 / (1 + np.exp(np.clip((middle - half) / 0.008, -40, 40)))
            out[channel] = np.maximum(out[channel], hold)
    return out


def _strength(name: str, channel: str) -> float:
    for names, held in _STRENGTH.items():
        if name in names.split():
            return held.get(channel, 0.5)
    return 0.6


def _mouth_units(speech: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    spread, rounded = np.maximum(speech["wide"], 0), np.maximum(-speech["wide"], 0)
    smile, tuck, apart = speech["smile"], speech["tuck"], 1 - speech["seal"]
    return {
        "mouthSmile": 0.3 * spread * (1 - smile) + 0.9 * smile,
        "mouthStretch": 0.22 * spread,
        "mouthUpperUp": 0.12 * spread * apart + 0.3 * tuck + 0.75 * smile,
        "mouthLowerDown": (0.3 * spread + 0.12) * apart * (1 - tuck) + 0.3 * smile,
        "mouthPucker": 0.8 * speech["pucker"] * (1 - smile),
        "mouthFunnel": 0.5 * rounded * (1 - speech["pucker"]) * (1 - smile),
        "mouthRollLower": 0.55 * tuck + 0.1 * speech["seal"],
        "mouthRollUpper": 0.1 * speech["seal"],
        "tongueUp": 0.6 * speech["tip"],
    }


def _upper_face_units(times: np.ndarray, smile: np.ndarray) -> dict[str, np.ndarray]:
    shut = np.max([_blink(times - start) for start in _BLINKS_S], axis=0)
    raised = np.max([a * np.exp(-(((times - t) / w) ** 2)) for t, w, a in _BROWS], axis=0)
    frown = 0.6 * np.exp(-(((times - 3.3) / 0.3) ** 2))
    return {
        "eyeBlink": shut,
        "browInnerUp": 0.9 * raised, "browOuterUp": 0.75 * raised, "browDown": frown,
        "eyeWide": 0.3 * raised * (1 - shut), "cheekSquint": 0.6 * smile,
        "eyeSquint": 0.25 * smile * (1 - shut),
    }  # fmt: skip


def _set_units(head: Head, expression: np.ndarray, values: dict[str, np.ndarray]) -> None:
    """Add values (T,) to units, or to both sides of them; what the head hasn't is left out."""
    for name, value in values.items():
        for unit in (name, f"{name}Left", f"{name}Right"):
            if unit in head.unit:
                expression[:, head.unit[unit]] += value


def _turn_head(params: FaceParams, times: np.ndarray, jaw: np.ndarray) -> None:
    wave = lambda hertz, start: np.sin(2 * np.pi * (hertz * times + start))  # noqa: E731
    pitch = 0.035 * wave(0.31, 0.1) + 0.02 * wave(0.83, 0.6) - 0.06 * (jaw - jaw.mean())
    yaw = 0.2 * wave(0.19, 0.93) + 0.04 * wave(0.52, 0.3)
    roll = 0.045 * wave(0.23, 0.4) + 0.015 * wave(0.61, 0.1)
    params.head_pose[:] = np.stack([pitch, yaw, roll], axis=1)
    params.head_translation[:] = _NECK - rotation_matrix(params.head_pose) @ _NECK
    params.head_translation[:, 0] += 0.008 * wave(0.15, 0.2)
    params.head_translation[:, 2] += 0.006 * wave(0.21, 0.5)


def _look(params: FaceParams, times: np.ndarray) -> None:
    """Eyes that stay on the camera while the head turns, but for a few glances."""
    gaze = np.zeros((len(times), 2))
    for (_, *before), (start, *after) in pairwise(_GLANCES):
        gaze += _step(times, start, 0.02)[:, None] * np.radians(np.subtract(after, before))
    params.eyes[:, [1, 4]] = (gaze[:, 0] - params.head_pose[:, 1])[:, None]
    params.eyes[:, [0, 3]] = (gaze[:, 1] - params.head_pose[:, 0])[:, None]


def _close_lips(head: Head, params: FaceParams, seal: np.ndarray) -> None:
    """Choose mouthClose so that the lips' gap is what `seal` leaves of it: none at 1."""
    column = head.unit.get("mouthClose")
    if column is None:
        return
    rest = head.rest(params.shape)
    high = float(head.file.expression_high[column])

    def gap(t: int, close: float) -> float:
        expression = params.expression[t].copy()
        expression[column] = close
        vertices = head.pose(rest, expression, params.jaw[t], params.eyes[t])
        marks = embed(vertices, head.file.faces, head.file.landmarks_68)
        return float(np.mean(marks[list(_INNER_UPPER), 1] - marks[list(_INNER_LOWER), 1]))

    for t in map(int, np.flatnonzero(seal > 0.02)):
        wanted, low, top = (1 - seal[t]) * gap(t, 0.0), 0.0, high
        for _ in range(10):
            middle = (low + top) / 2
            low, top = (middle, top) if gap(t, middle) > wanted else (low, middle)
        params.expression[t, column] = low


def _blink(seconds: np.ndarray) -> np.ndarray:
    """Shut within 90 ms, shut for 50 ms, open again after another 200 ms."""
    shut = np.clip(seconds / 0.09, 0, 1)
    open_again = np.clip((seconds - 0.14) / 0.2, 0, 1)
    return (shut * shut * (3 - 2 * shut)) * (1 - open_again * open_again * (3 - 2 * open_again))


def _step(times: np.ndarray, start: float, softness: float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip((times - start) / softness * 4, -40, 40)))
