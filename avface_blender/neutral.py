"""The face that a take has at rest: what one frame of it shows is taken off the whole of it.

It is kept as values on the take's armature action: a retake or a refined take, whose frames are
others, rests as the take before it.
"""

import json
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.arkit import ARKIT_NAMES
from .clean_up import from_rest, onto_rest, turns_from_rest
from .rotations import product
from .takes import CLIP_START_PROPERTY

_PROPERTY = "avface_rest"  # on an armature action, JSON

# data path -> the value of each of its channels, as captured
Rest = dict[str, list[float]]


def keep(action: bpy.types.Action, frame: float, rest: Rest) -> None:
    """Let a take rest as it was captured at a frame of the scene."""
    after_start = frame - int(action[CLIP_START_PROPERTY])
    action[_PROPERTY] = json.dumps({"frame": after_start, "rest": rest})


def hand_on(source: bpy.types.Action, to: bpy.types.Action) -> None:
    """Let a take rest as another one: `source` and `to` are their armature actions."""
    forget(to)
    if _PROPERTY in source:
        to[_PROPERTY] = source[_PROPERTY]


def forget(action: bpy.types.Action) -> None:
    """The take's own rest again."""
    if _PROPERTY in action:
        del action[_PROPERTY]


def rest_of(action: bpy.types.Action) -> Rest:
    """What a take's rest was captured as; empty where it rests as captured."""
    return _kept(action).get("rest", {})


def frame_of(action: bpy.types.Action) -> float | None:
    """The scene's frame that is neutral, which another take of the clip may hold; None without."""
    kept = _kept(action)
    return kept["frame"] + int(action[CLIP_START_PROPERTY]) if kept else None


def has_rest(path: str) -> bool:
    """Whether a curve moves what rests: the face, not gaze nor head."""
    return path.startswith("key_blocks") or _is_jaw(path)


def taken_off(path: str, values: np.ndarray, rest: Rest) -> np.ndarray:
    """Captured values (T, C) of a curve with its rest taken off."""
    if path not in rest:
        return values
    own = np.array(rest[path])
    if _is_jaw(path):
        return turns_from_rest(values, own)
    return from_rest(values, own, is_share=_name(path) in ARKIT_NAMES)


def put_back(path: str, values: np.ndarray, rest: Rest) -> np.ndarray:
    """The way back: (T, C)."""
    if path not in rest:
        return values
    own = np.array(rest[path])
    if _is_jaw(path):
        return product(own, values)
    return onto_rest(values, own, is_share=_name(path) in ARKIT_NAMES)


def _kept(action: bpy.types.Action) -> dict[str, Any]:
    return json.loads(action.get(_PROPERTY, "{}"))


def _is_jaw(path: str) -> bool:
    return path == 'pose.bones["jaw"].rotation_quaternion'


def _name(path: str) -> str:
    return path.split('"')[1]
