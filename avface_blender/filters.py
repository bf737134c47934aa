"""Filters on a take's curves that can be set anew at any time: the captured values are kept.

First the face of a frame is made the neutral one, then each region is filtered, then keys that
the motion doesn't need are left out. The settings lie on the take's armature action
(`Action.avface_filters`). While a filter is set, each action of the take keeps a twin with the
values as captured; without any, the twins are gone.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportOperatorIssue=false

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty, IntProperty, PointerProperty

from ..engine.exchange.arkit import ARKIT_NAMES
from .clean_up import (
    REGIONS,
    Filter,
    filtered,
    filtered_about_mean,
    filtered_turns,
    from_neutral,
    region_of_bone,
    region_of_key,
    turns_from_neutral,
)
from .keyframes import TAKE_PROPERTY, curves_in, keys_of, set_keys, thin
from .review import CONFIDENCE_PROPERTY

_REGION_FIELDS = ("smooth", "strength", "offset", "hold")
_TAKE_FIELDS = ("neutral", "tolerance")
TWIN_PROPERTY = "avface_as_captured"  # on an action: the action with its captured values


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

    neutral: IntProperty(default=-1, update=_changed)  # of the take's frames; -1: none
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

    neutral: int = -1
    tolerance: float = 0.0
    regions: tuple[Filter, ...] = (Filter(),) * len(REGIONS)


def apply(action: bpy.types.Action) -> None:
    """Filter the take of an armature action as its settings say, from the captured values."""
    settings = _settings_of(action)
    for part in _parts(action):
        _filter_action(part, settings)
        if settings == _TakeFilter():
            _forget_twin(part)


def reset(action: bpy.types.Action) -> None:
    """Set every filter of a take back to nothing."""
    settings = action.avface_filters
    for field in _TAKE_FIELDS:
        settings.property_unset(field)
    for name in REGIONS:
        for field in _REGION_FIELDS:
            getattr(settings, name).property_unset(field)
    apply(action)


def hand_on(source: bpy.types.Action, to: bpy.types.Action) -> None:
    """Filter a take as another one is: `source` and `to` are their armature actions.

    The neutral frame only where both have the same frames.
    """
    old, new = source.avface_filters, to.avface_filters
    has_same_frames = np.array_equal(_frames(source), _frames(to))
    pairs = [(old, new, _TAKE_FIELDS if has_same_frames else ("tolerance",))]
    pairs += [(getattr(old, name), getattr(new, name), _REGION_FIELDS) for name in REGIONS]
    for theirs, ours, fields in pairs:
        for field in fields:
            if getattr(theirs, field) != getattr(ours, field):  # each one filters the take anew
                setattr(ours, field, getattr(theirs, field))


@contextmanager
def as_captured(action: bpy.types.Action) -> Iterator[None]:
    """The take of an armature action without its filters, for the moment."""
    is_filtered = _settings_of(action) != _TakeFilter()
    for part in _parts(action) if is_filtered else ():
        _filter_action(part, _TakeFilter())
    try:
        yield
    finally:
        if is_filtered:
            apply(action)


def index_of(action: Any, frame: float) -> int:
    """Which of the take's frames, from 0, is nearest to one of the scene."""
    return int(np.argmin(np.abs(_frames(action) - frame)))


def frame_of(action: Any, index: int) -> float:
    """Where one of the take's frames, counted from 0, is in the scene."""
    frames = _frames(action)
    return float(frames[min(index, len(frames) - 1)])


def _frames(action: Any) -> np.ndarray:
    """The scene's frames that were captured, (T,)."""
    return keys_of(curves_in(action.get(TWIN_PROPERTY, action))[0])[:, 0]


def _settings_of(action: Any) -> _TakeFilter:
    settings = action.avface_filters
    regions = tuple(getattr(settings, name).filter for name in REGIONS)
    return _TakeFilter(settings.neutral, settings.tolerance, regions)


def _parts(action: bpy.types.Action) -> list[bpy.types.Action]:
    """All actions of a take that move something."""
    take = action.get(TAKE_PROPERTY)
    parts = [a for a in bpy.data.actions if take and a.get(TAKE_PROPERTY) == take]
    return [part for part in parts if CONFIDENCE_PROPERTY not in part]


def _filter_action(action: Any, settings: _TakeFilter) -> None:
    captured = {(c.data_path, c.array_index): c for c in curves_in(_twin(action))}
    shown = {(c.data_path, c.array_index): c for c in curves_in(action)}
    paths: dict[str, list[int]] = {}
    for path, index in captured:
        paths.setdefault(path, []).append(index)
    for path, indices in paths.items():
        region = _region_of(path)
        if not region or any((path, index) not in shown for index in indices):
            continue
        indices = sorted(indices)
        points = np.stack([keys_of(captured[path, index]) for index in indices], axis=1)
        frames, values = points[:, 0, 0], points[..., 1]  # (T,), (T, C)
        values = _from_neutral(path, values, settings.neutral)
        values = _filter_values(path, region, values, settings.regions[REGIONS.index(region)])
        for index, column in zip(indices, values.T, strict=True):
            set_keys(shown[path, index], frames, column)
    if settings.tolerance:
        thin(action, settings.tolerance)


def _from_neutral(path: str, values: np.ndarray, frame: int) -> np.ndarray:
    """The face of a frame as rest; gaze and head stay as they were."""
    if not 0 <= frame < len(values):
        return values
    name = path.split('"')[1]
    if path.startswith("key_blocks"):
        return from_neutral(values, frame, is_share=name in ARKIT_NAMES)
    return turns_from_neutral(values, frame) if name == "jaw" else values


def _filter_values(path: str, region: str, values: np.ndarray, filter_: Filter) -> np.ndarray:
    if filter_.is_neutral:
        return values
    if path.endswith("rotation_quaternion"):
        return filtered_turns(values, filter_, about_mean=region == "head" or "eye" in path)
    if path.endswith("location"):
        return filtered_about_mean(values, filter_)
    return filtered(values, filter_)


def _region_of(path: str) -> str:
    """The region that a curve moves; empty for what isn't motion (confidence, say)."""
    name = path.split('"')[1] if '"' in path else ""
    if path.startswith("key_blocks"):
        return region_of_key(name)
    if path.startswith("pose.bones"):
        return region_of_bone(name)
    return ""


def _twin(action: Any) -> Any:
    """The action with the captured values; made from what stands now when there is none."""
    twin = action.get(TWIN_PROPERTY)
    if twin is None:
        twin = action.copy()
        twin.name = f"{action.name} as captured"
        twin.use_fake_user = True
        del twin[TAKE_PROPERTY]
        action[TWIN_PROPERTY] = twin
    return twin


def _forget_twin(action: Any) -> None:
    twin = action.get(TWIN_PROPERTY)
    if twin is not None:
        del action[TWIN_PROPERTY]
        bpy.data.actions.remove(twin)
