"""What a take's curves were captured as, whatever filters have made of them since.

While a take is filtered, each of its actions keeps a twin with the captured values; one that isn't
filtered has none, and holds them itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .head_builder import heads
from .keyframes import TAKE_PROPERTY, curves_in, keys_of
from .takes import actions_of

TWIN_PROPERTY = "avface_as_captured"  # on an action: the action with its captured values


@dataclass(frozen=True)
class Motion:
    """A curve as captured, all its channels."""

    path: str
    indices: list[int]  # of its C channels
    frames: np.ndarray  # (T,) of the scene
    values: np.ndarray  # (T, C)


def parts_of(action: bpy.types.Action) -> list[bpy.types.Action]:
    """The actions of an armature action's take: itself and that of the shape keys.

    A head that was appended once more has a take of the same name, in actions of its own.
    """
    found = (actions_of(head, action.get(TAKE_PROPERTY, "")) for head in heads())
    return next((parts for parts in found if action in parts), [])


def motions_of(action: Any) -> Iterator[Motion]:
    """Each curve of an action."""
    curves: dict[str, dict[int, Any]] = {}
    for curve in curves_in(action.get(TWIN_PROPERTY, action)):
        curves.setdefault(curve.data_path, {})[curve.array_index] = curve
    for path, channels in curves.items():
        indices = sorted(channels)
        keys = [keys_of(channels[index]) for index in indices]
        frames = np.unique(np.concatenate([own[:, 0] for own in keys]))
        if all(len(own) == len(frames) for own in keys):
            values = np.stack([own[:, 1] for own in keys], axis=1)
        else:  # somebody has taken keys out of a channel
            every = [[channels[k].evaluate(frame) for frame in frames] for k in indices]
            values = np.array(every).T
        yield Motion(path, indices, frames, values)


def frames_of(action: Any) -> np.ndarray:
    """The scene's frames that were captured, (T,)."""
    return keys_of(curves_in(action.get(TWIN_PROPERTY, action))[0])[:, 0]


def keep_twin(action: Any) -> None:
    """Before an action is changed: keep its values, which are the captured ones without a twin."""
    if action.get(TWIN_PROPERTY) is None:
        twin = action.copy()
        twin.name = f"{action.name} as captured"
        twin.use_fake_user = True
        del twin[TAKE_PROPERTY]
        action[TWIN_PROPERTY] = twin


def forget_twin(action: Any) -> None:
    """The action holds the captured values itself again."""
    twin = action.get(TWIN_PROPERTY)
    if twin is not None:
        del action[TWIN_PROPERTY]
        bpy.data.actions.remove(twin)
