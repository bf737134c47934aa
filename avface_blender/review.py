"""Where a take can't be trusted: its confidence as curves, and the next such place.

Each take has them in an action of its own. While an artist looks at them it moves properties of the
armature's data (`["confidence_mouth"]` and so on): the Graph Editor doesn't show what lies on the
NLA. At other times it rests, or the timeline would be full of its keys.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.take import REGIONS, Take
from .keyframes import TAKE_PROPERTY, Curves, curves_in, keys_of, make_action
from .timeline import low_ranges

GROUP = "AVFace confidence"
CONFIDENCE_PROPERTY = "avface_confidence"  # on an action: it holds a take's confidence
_PREFIX = "confidence_"
_SOUND = "trust_in_sound"
_BRIDGE_FRAMES = 4  # stretches parted by so few are one
_COLOURS = {
    "confidence_face": (0.9, 0.9, 0.9), "confidence_mouth": (0.95, 0.35, 0.3),
    "confidence_left_eye": (0.3, 0.85, 0.95), "confidence_right_eye": (0.2, 0.6, 0.8),
    "confidence_brows": (0.95, 0.75, 0.25), _SOUND: (0.35, 0.5, 1.0),
}  # fmt: skip


def lay_confidence(
    rig: bpy.types.Object, take: Take, take_frames: np.ndarray, frames: np.ndarray, name: str,
    below: str = "",
) -> None:  # fmt: skip
    """Keep the confidence of the take `name` at the scene's frames (N,); shown if one was.

    That of the take `below`, if there is one, counts before and after.
    """
    columns = {f"{_PREFIX}{region}": take.confidence[:, k] for k, region in enumerate(REGIONS)}
    columns[_SOUND] = take.trust_sound
    curves: Curves = {
        (f'["{column}"]', 0): np.interp(frames, take_frames, values)
        for column, values in columns.items()
    }
    lower = confidence_of(below)
    if lower is not None:
        frames, curves = _laid_over(lower, frames, curves)
    data: Any = rig.data
    action = make_action(data, f"{name} confidence", frames, curves, group=GROUP, take=name)
    action[CONFIDENCE_PROPERTY] = True
    action.use_fake_user = True
    for curve in curves_in(action):
        curve.color_mode, curve.color = "CUSTOM", _COLOURS[_name_of(curve)]
        curve.lock = True  # it tells of the capture: there is nothing to edit
    if shown(rig):
        show_confidence(rig, name)


def shown(rig: bpy.types.Object) -> bpy.types.Action | None:
    """The confidence that an armature shows now."""
    animation = rig.data.animation_data if rig.data else None
    action = animation.action if animation else None
    return action if action is not None and CONFIDENCE_PROPERTY in action else None


def confidence_of(take: str) -> bpy.types.Action | None:
    """The confidence of a take, by its name."""
    kept = (a for a in bpy.data.actions if CONFIDENCE_PROPERTY in a)
    return next((action for action in kept if action[TAKE_PROPERTY] == take), None)


def show_confidence(rig: bpy.types.Object, take: str) -> None:
    """Let the confidence of a take move its properties; they are made where they miss."""
    action = confidence_of(take)
    data: Any = rig.data
    if action is None or data is None:
        return
    for curve in curves_in(action):
        name = _name_of(curve)
        if name not in data:
            data[name] = 1.0
            data.id_properties_ui(name).update(min=0.0, max=1.0)
    animation: Any = data.animation_data_create()
    animation.action = action
    if hasattr(animation, "action_slot") and len(action.slots):
        animation.action_slot = action.slots[0]


def hide_confidence(rig: bpy.types.Object) -> None:
    """Nothing of it on the armature any more; its action rests."""
    if shown(rig) is None or rig.data is None or rig.data.animation_data is None:
        return
    rig.data.animation_data.action = None
    for name in _COLOURS:
        rig.data.pop(name, None)


@contextmanager
def without_confidence(rig: bpy.types.Object) -> Iterator[None]:
    """Nothing of it on the armature for a while: exporters write whatever they find."""
    action = shown(rig)
    hide_confidence(rig)
    try:
        yield
    finally:
        if action is not None:
            show_confidence(rig, action[TAKE_PROPERTY])


def unsure_ranges(action: bpy.types.Action | None, threshold: float) -> list[tuple[int, int, str]]:
    """First frame, last frame and region of each stretch below `threshold`, in order."""
    found = []
    for curve in curves_in(action) if action else ():
        name = _name_of(curve)
        if not name.startswith(_PREFIX) or not len(curve.keyframe_points):
            continue
        frames, values = keys_of(curve).T
        for first, last in low_ranges(values, threshold, _BRIDGE_FRAMES):
            region = name.removeprefix(_PREFIX).replace("_", " ")
            found.append((round(float(frames[first])), round(float(frames[last])), region))
    return sorted(found)


def step(
    ranges: list[tuple[int, int, str]], frame: int, forward: bool
) -> tuple[int, int, str] | None:
    """The next stretch after `frame`, or the one before it; round the end. None without any."""
    if not ranges:
        return None
    if forward:
        return next((r for r in ranges if r[0] > frame), ranges[0])
    return next((r for r in reversed(ranges) if r[0] < frame), ranges[-1])


def _laid_over(
    below: bpy.types.Action, frames: np.ndarray, curves: Curves
) -> tuple[np.ndarray, Curves]:
    """Frames and curves of `below`, with these in the place of what it has from end to end."""
    merged: Curves = {}
    for curve in curves_in(below):
        own = curves[curve.data_path, curve.array_index]
        at, values = keys_of(curve).T
        before, after = at < frames[0], at > frames[-1]
        every = np.concatenate([at[before], frames, at[after]])
        merged[curve.data_path, curve.array_index] = np.concatenate(
            [values[before], own, values[after]]
        )
    return every, merged


def _name_of(curve: Any) -> str:
    return curve.data_path.removeprefix('["').removesuffix('"]')
