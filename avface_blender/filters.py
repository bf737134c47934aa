"""Filters on a take's curves that can be set anew at any time: the captured values are kept.

First the rest is taken off (`neutral`), then each region is filtered, then keys that the motion
doesn't need are left out. The settings lie on the take's armature action
(`Action.avface_filters`). While a filter is set, each action of the take keeps a twin with the
values as captured; without any, the twins are gone.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportOperatorIssue=false

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty, IntProperty, PointerProperty

from ..engine.exchange.protocol import AVFaceError
from . import neutral, pins
from .captured import forget_twin, frames_of, keep_twin, motions_of, parts_of
from .clean_up import (
    REGIONS,
    Filter,
    filtered,
    filtered_about_mean,
    filtered_turns,
    mean_turn,
    region_of_bone,
    region_of_key,
    source_index,
    strengthened,
)
from .keyframes import curves_in, set_keys, thin

_REGION_FIELDS = ("smooth", "strength", "offset", "hold")


def _changed(settings, context):
    apply(settings.id_data)


class AVFACE_RegionFilter(bpy.types.PropertyGroup):
    """A `clean_up.Filter`, as an artist sets it."""

    smooth: FloatProperty(
        name="Smooth",
        description="Take out tremor: frames over which a motion is averaged",
        min=0.0, soft_max=5.0, max=50.0, update=_changed,
    )  # fmt: skip
    strength: FloatProperty(
        name="Strength",
        description="How far the region moves; 1 is as captured",
        default=1.0, min=0.0, soft_max=2.0, max=5.0, update=_changed,
    )  # fmt: skip
    offset: FloatProperty(
        name="Offset",
        description="Frames by which the region moves later, or earlier below 0",
        soft_min=-10.0, soft_max=10.0, min=-1000.0, max=1000.0, update=_changed,
    )  # fmt: skip
    hold: IntProperty(
        name="Hold",
        description="Frames for which a pose stands; 2 is animation on twos",
        default=1, min=1, soft_max=4, max=100, update=_changed,
    )  # fmt: skip

    @property
    def filter(self) -> Filter:
        """The settings as a value."""
        return Filter(self.smooth, self.strength, self.offset, self.hold)


class AVFACE_Filters(bpy.types.PropertyGroup):
    """One filter for each region, and what goes for the whole take."""

    tolerance: FloatProperty(
        name="Fewer Keys",
        description="Leave out keys that the motion doesn't need: how far a shape key may be off."
        " 0 keeps a key in every frame, 0.02 leaves about a fifth",
        min=0.0, soft_max=0.1, max=0.5, precision=3, step=1, update=_changed,
    )  # fmt: skip
    mouth: PointerProperty(type=AVFACE_RegionFilter)
    eyes: PointerProperty(type=AVFACE_RegionFilter)
    brows: PointerProperty(type=AVFACE_RegionFilter)
    head: PointerProperty(type=AVFACE_RegionFilter)


CLASSES = (AVFACE_RegionFilter, AVFACE_Filters)


def register() -> None:
    """The settings, on every action."""
    bpy.types.Action.avface_filters = PointerProperty(type=AVFACE_Filters)


def unregister() -> None:
    """The reverse."""
    del bpy.types.Action.avface_filters


@dataclass(frozen=True)
class _TakeFilter:
    """The settings of a take, as a value; as it stands here it does nothing."""

    rest: neutral.Rest = field(default_factory=dict)
    pinned: pins.Pins = field(default_factory=dict)
    tolerance: float = 0.0
    regions: tuple[Filter, ...] = (Filter(),) * len(REGIONS)

    def of(self, region: str) -> Filter:
        """What it does to one region."""
        return self.regions[REGIONS.index(region)]


def apply(action: bpy.types.Action) -> None:
    """Filter the take of an armature action as its settings say, from the captured values."""
    settings = _settings_of(action)
    for part in parts_of(action):
        _filter_action(part, settings)
        if settings == _TakeFilter(pinned=settings.pinned):
            forget_twin(part)


def reset(action: bpy.types.Action) -> None:
    """Set every filter of a take back to nothing."""
    settings = action.avface_filters
    neutral.forget(action)
    settings.property_unset("tolerance")
    for name in REGIONS:
        for field_ in _REGION_FIELDS:
            getattr(settings, name).property_unset(field_)
    apply(action)


def hand_on(source: bpy.types.Action, to: bpy.types.Action) -> None:
    """Filter a take as another one is: `source` and `to` are their armature actions."""
    old, new = source.avface_filters, to.avface_filters
    pairs = [(old, new, ("tolerance",))]
    pairs += [(getattr(old, name), getattr(new, name), _REGION_FIELDS) for name in REGIONS]
    for theirs, ours, fields in pairs:
        for name in fields:
            if getattr(theirs, name) != getattr(ours, name):  # each one filters the take anew
                setattr(ours, name, getattr(theirs, name))
    neutral.hand_on(source, to)
    pins.hand_on(source, to)
    apply(to)


def set_neutral(actions: list[bpy.types.Action], frame: int) -> bool:
    """Let takes that play together rest as the topmost of them that has the frame shows it there.

    `actions` are their armature actions, the topmost first. Whether one has the frame.
    """
    first = next((a for a in actions if a.frame_range[0] <= frame <= a.frame_range[1]), None)
    if first is None:
        return False
    captured = [motion for part in parts_of(first) for motion in motions_of(part)]
    rest = {
        motion.path: motion.values[np.argmin(np.abs(motion.frames - frame))].tolist()
        for motion in captured
        if neutral.has_rest(motion.path)
    }
    for action in actions:
        neutral.keep(action, frame, rest)
        apply(action)
    return True


def clear_neutral(actions: list[bpy.types.Action]) -> None:
    """Let takes rest as they were captured."""
    for action in actions:
        neutral.forget(action)
        apply(action)


@contextmanager
def with_all_keys(action: bpy.types.Action) -> Iterator[None]:
    """The take with all its keys, for the moment, where there are fewer.

    Then what is seen in a corrected frame can be captured (`captured_as` tells how): smoothing
    leaves such frames as they are.
    """
    settings = _settings_of(action)
    unmixed = replace(settings, tolerance=0.0)
    for part in parts_of(action) if unmixed != settings else ():
        _filter_action(part, unmixed)
    try:
        yield
    finally:
        if unmixed != settings:
            apply(action)


def captured_as(action: bpy.types.Action, path: str, value: np.ndarray) -> np.ndarray:
    """What of a curve must be captured to be seen as `value` in a frame: (C,), (C,).

    Raises AVFaceError where the region's strength is 0: nothing is seen of what is captured.
    """
    region, settings = _region_of(path), _settings_of(action)
    strength = settings.of(region).strength
    if strength == 0:
        raise AVFaceError(
            f"The Strength of {region} is 0: a refined take can't show what you corrected there.",
            "Raise it in Clean-Up, or leave the corrections as they are, on top of the take.",
        )
    if strength == 1 or not path.endswith("rotation_quaternion"):
        before = value[None] / strength
    else:
        before = strengthened(value[None], 1 / strength, _middle(action, path, region))
    return neutral.put_back(path, before, settings.rest)[0]


def source_frame(action: bpy.types.Action, path: str, frame: float) -> float:
    """The scene's frame whose captured value of a curve is seen in another: Offset and Hold."""
    frames = frames_of(action)
    numbers = np.arange(len(frames))
    index = float(np.interp(frame, frames, numbers))
    shown = source_index(index, _settings_of(action).of(_region_of(path)))
    return float(np.interp(shown, numbers, frames))


def _middle(action: Any, path: str, region: str) -> np.ndarray:
    """About what a curve's turns are strengthened, (4,)."""
    if not _is_about_mean(path, region):
        return np.array([1.0, 0, 0, 0])
    turns = next(m.values for part in parts_of(action) for m in motions_of(part) if m.path == path)
    return mean_turn(turns)


def _settings_of(action: Any) -> _TakeFilter:
    settings = action.avface_filters
    regions = tuple(getattr(settings, name).filter for name in REGIONS)
    return _TakeFilter(neutral.rest_of(action), pins.pins_of(action), settings.tolerance, regions)


def _filter_action(action: Any, settings: _TakeFilter) -> None:
    keep_twin(action)
    shown = {(c.data_path, c.array_index): c for c in curves_in(action)}
    for motion in motions_of(action):
        path, region = motion.path, _region_of(motion.path)
        if not region or any((path, index) not in shown for index in motion.indices):
            continue
        values = neutral.taken_off(path, motion.values, settings.rest)
        pinned = [k for name in (path, region) for k in settings.pinned.get(name, ())]
        values = _filter_values(path, region, values, settings.of(region), pinned)
        for index, column in zip(motion.indices, values.T, strict=True):
            set_keys(shown[path, index], motion.frames, column)
    if settings.tolerance:
        thin(action, settings.tolerance)


def _filter_values(
    path: str, region: str, values: np.ndarray, filter_: Filter, pinned: list[int]
) -> np.ndarray:
    if filter_.is_neutral:
        return values
    if path.endswith("rotation_quaternion"):
        return filtered_turns(values, filter_, _is_about_mean(path, region), pinned)
    if path.endswith("location"):
        return filtered_about_mean(values, filter_, pinned)
    return filtered(values, filter_, pinned)


def _is_about_mean(path: str, region: str) -> bool:
    """Head and gaze are strengthened about where they mostly are; the jaw about rest."""
    return region == "head" or "eye" in path


def _region_of(path: str) -> str:
    """The region that a curve moves; empty for what isn't motion (confidence, say)."""
    name = path.split('"')[1] if '"' in path else ""
    if path.startswith("key_blocks"):
        return region_of_key(name)
    if path.startswith("pose.bones"):
        return region_of_bone(name)
    return ""
