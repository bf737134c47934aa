"""Frames of a take that an artist has corrected: Smooth passes through them as they are.

They are kept on the take's armature action, as numbers of its captured frames, from 0, so that they
move with the take: by data path where a control was corrected, by region where landmarks were.
"""

import json

import bpy
import numpy as np

from .captured import frames_of
from .takes import CLIP_START_PROPERTY

# Data path or region -> the corrected frames (or seconds of the clip).
Pins = dict[str, list[int]]

_PROPERTY = "avface_corrected"  # on an armature action, JSON
_NEAR = 0.5  # frames: a corrected time is that of a captured frame


def pins_of(action: bpy.types.Action) -> Pins:
    """The corrected frames of a take."""
    return json.loads(action.get(_PROPERTY, "{}"))


def pin(
    action: bpy.types.Action, seconds: dict[str, list[float]], frames_per_second: float
) -> None:
    """Note that a take was corrected at these times of its clip."""
    start = int(action[CLIP_START_PROPERTY])
    _add(action, {k: [start + t * frames_per_second for t in seconds[k]] for k in seconds})


def hand_on(source: bpy.types.Action, to: bpy.types.Action) -> None:
    """What was corrected in a take is so in the one that follows it, where it has the frame."""
    frames, own = frames_of(source), pins_of(source)
    _add(to, {name: [float(frames[k]) for k in own[name] if k < len(frames)] for name in own})


def _add(action: bpy.types.Action, wanted: dict[str, list[float]]) -> None:
    """Pin frames of the scene, those of them that were captured."""
    found, own = pins_of(action), frames_of(action)
    for name, frames in wanted.items():
        nearest = {frame: int(np.argmin(np.abs(own - frame))) for frame in frames}
        new = {k for frame, k in nearest.items() if abs(own[k] - frame) <= _NEAR}
        found[name] = sorted({*found.get(name, ()), *new})
    if found:
        action[_PROPERTY] = json.dumps(found)
