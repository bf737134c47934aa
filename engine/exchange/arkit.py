"""ARKit's 52 curves of a take on the default head, and the way back.

The default head's units carry ARKit's names. Eleven curves are turns of its joints: jawOpen is the
sine of the jaw's angle over that of 21.4 degrees, so that mouthClose = jawOpen shuts the lips as in
ARKit; jawLeft, jawRight and the eight eyeLook are angles. browInnerUp and cheekPuff are the mean of
their two halves. Every curve is between 0 and 1.
"""

from dataclasses import dataclass, replace

import numpy as np

from .protocol import AVFaceError
from .take import Take

# In the order of Live Link Face.
ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight",
    "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward",
    "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRight",
    "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft",
    "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
JAW_OPEN = np.radians(21.4)  # that jawOpen 1 means on the default head
JAW_SIDE = 0.10  # rad, 6 mm at the lower teeth
EYE_LOOK = np.radians(25.0)
HALVES = ("browInnerUp", "cheekPuff")  # one curve in ARKit, two units here


@dataclass(frozen=True)
class Curves:
    """ARKit's curves of a performance. T frames.

    `head` and each eye: yaw, pitch, roll in radians of R = Ry(yaw) Rx(pitch) Rz(roll) in head axes
    (+x the subject's left, +y up, +z out of the face): yaw to the subject's left, pitch down.
    """

    times: np.ndarray  # (T,) s
    values: np.ndarray  # (T, 52)
    head: np.ndarray  # (T, 3)
    left_eye: np.ndarray  # (T, 3)
    right_eye: np.ndarray  # (T, 3)
    fps: float


def curves_of(take: Take) -> Curves:
    """The curves of a take on the default head. Raises AVFaceError when it is on another."""
    if "eyeBlinkLeft" not in take.expression_names:
        raise AVFaceError(
            f"{take.head['name']} has no units with ARKit's names.",
            "Carry the take over to the default head first, or let `engine curves` do it.",
        )
    unit = dict(zip(take.expression_names, take.expression.T, strict=True))
    values = {name: unit[name] for name in ARKIT_NAMES if name in unit}
    for name in HALVES:
        values[name] = (unit[f"{name}Left"] + unit[f"{name}Right"]) / 2
    values["jawOpen"] = np.sin(take.jaw[:, 0]) / np.sin(JAW_OPEN)
    values["jawLeft"] = take.jaw[:, 1] / JAW_SIDE
    values["jawRight"] = -take.jaw[:, 1] / JAW_SIDE
    for side, first, out in (("Left", 0, 1), ("Right", 3, -1)):
        down, left = take.eyes[:, first] / EYE_LOOK, take.eyes[:, first + 1] / EYE_LOOK
        values |= {
            f"eyeLookDown{side}": down, f"eyeLookUp{side}": -down,
            f"eyeLookOut{side}": out * left, f"eyeLookIn{side}": -out * left,
        }  # fmt: skip
    stacked = np.stack([values[name] for name in ARKIT_NAMES], axis=1)
    return Curves(
        take.times, np.clip(stacked, 0, 1), yaw_pitch_roll(take.head_pose),
        yaw_pitch_roll(take.eyes[:, :3]), yaw_pitch_roll(take.eyes[:, 3:]), take.fps,
    )  # fmt: skip


def units_of(
    curves: Curves, expression_names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The way back: the default head's expression (T, E), jaw (T, 3) and eyes (T, 6)."""
    value = dict(zip(ARKIT_NAMES, curves.values.T, strict=True))
    expression = np.zeros((len(curves.times), len(expression_names)))
    for column, name in enumerate(expression_names):
        whole = name.removesuffix("Left").removesuffix("Right")
        if name in value:
            expression[:, column] = value[name]
        elif whole in HALVES:
            expression[:, column] = value[whole]
    jaw, eyes = np.zeros((len(expression), 3)), np.zeros((len(expression), 6))
    jaw[:, 0] = np.arcsin(np.clip(value["jawOpen"] * np.sin(JAW_OPEN), -1, 1))
    jaw[:, 1] = (value["jawLeft"] - value["jawRight"]) * JAW_SIDE
    for side, first, out in (("Left", 0, 1), ("Right", 3, -1)):
        eyes[:, first] = (value[f"eyeLookDown{side}"] - value[f"eyeLookUp{side}"]) * EYE_LOOK
        aside = value[f"eyeLookOut{side}"] - value[f"eyeLookIn{side}"]
        eyes[:, first + 1] = out * aside * EYE_LOOK
    return expression, jaw, eyes


def resampled(curves: Curves, fps: float) -> Curves:
    """The curves at an even rate from the first frame to the last, linearly."""
    first, last = float(curves.times[0]), float(curves.times[-1])
    times = first + np.arange(int(np.floor((last - first) * fps + 1e-6)) + 1) / fps

    def at(values: np.ndarray) -> np.ndarray:
        columns = np.unwrap(values, axis=0).T if values.shape[1] == 3 else values.T
        return np.stack([np.interp(times, curves.times, c) for c in columns], axis=1)

    return replace(
        curves, times=times, values=at(curves.values), head=at(curves.head),
        left_eye=at(curves.left_eye), right_eye=at(curves.right_eye), fps=fps,
    )  # fmt: skip


def yaw_pitch_roll(axis_angle: np.ndarray) -> np.ndarray:
    """Angles of R = Ry(yaw) Rx(pitch) Rz(roll): (T, 3) axis-angle -> (T, 3)."""
    angle = np.linalg.norm(axis_angle, axis=1)
    half = angle / 2
    w = np.cos(half)
    x, y, z = (np.sinc(half / np.pi)[:, None] / 2 * axis_angle).T
    pitch = np.arcsin(np.clip(2 * (w * x - y * z), -1, 1))
    yaw = np.arctan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    roll = np.arctan2(2 * (x * y + w * z), 1 - 2 * (x * x + z * z))
    return np.stack([yaw, pitch, roll], axis=1)


def axis_angle_of(angles: np.ndarray) -> np.ndarray:
    """The way back from `yaw_pitch_roll`: (T, 3) -> (T, 3)."""
    (cy, cx, cz), (sy, sx, sz) = np.cos(angles / 2).T, np.sin(angles / 2).T
    w = cy * cx * cz + sy * sx * sz
    vector = np.stack(
        [
            cy * sx * cz + sy * cx * sz,
            sy * cx * cz - cy * sx * sz,
            cy * cx * sz - sy * sx * cz,
        ],
        axis=1,
    )
    vector, w = np.where(w[:, None] < 0, -vector, vector), np.abs(w)
    length = np.linalg.norm(vector, axis=1)
    scale = np.where(length < 1e-9, 2.0, 2 * np.arctan2(length, w) / np.maximum(length, 1e-12))
    return vector * scale[:, None]
