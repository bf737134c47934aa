"""Filters on a take's curves that can be set anew at any time: the captured values are kept.

The settings lie on the take's armature action (`Action.avface_filters`). While a filter is set,
each action of the take keeps a twin with the values as captured; without any, the twins are gone.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportOperatorIssue=false

from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty, IntProperty, PointerProperty

from .clean_up import (
    REGIONS,
    Filter,
    filtered,
    filtered_about_mean,
    filtered_turns,
    region_of_bone,
    region_of_key,
)
from .keyframes import TAKE_PROPERTY, curves_in
from .review import CONFIDENCE_PROPERTY

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
    """One filter for each region."""

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


def apply(action: bpy.types.Action) -> None:
    """Filter the take of an armature action as its settings say, from the captured values."""
    wanted = {name: getattr(action.avface_filters, name).filter for name in REGIONS}
    neutral = all(filter_.is_neutral for filter_ in wanted.values())
    take = action.get(TAKE_PROPERTY)
    parts = [a for a in bpy.data.actions if take and a.get(TAKE_PROPERTY) == take]
    for part in [a for a in parts if CONFIDENCE_PROPERTY not in a]:
        _filter_action(part, wanted)
        if neutral:
            _forget_twin(part)


def reset(action: bpy.types.Action) -> None:
    """Set every filter of a take back to nothing."""
    for name in REGIONS:
        settings = getattr(action.avface_filters, name)
        for field in ("smooth", "strength", "offset", "hold"):
            settings.property_unset(field)
    apply(action)


def _filter_action(action: Any, wanted: dict[str, Filter]) -> None:
    captured = {(c.data_path, c.array_index): c for c in curves_in(_twin(action))}
    shown = {(c.data_path, c.array_index): c for c in curves_in(action)}
    paths: dict[str, list[int]] = {}
    for path, index in captured:
        paths.setdefault(path, []).append(index)
    for path, indices in paths.items():
        region = _region_of(path)
        if not region or any((path, index) not in shown for index in indices):
            continue
        curves = [captured[path, index] for index in sorted(indices)]
        points = np.stack([_points(curve) for curve in curves], axis=1)  # (T, C, 2)
        values = _filter_values(path, region, points[..., 1], wanted[region])
        for index, column in zip(sorted(indices), values.T, strict=True):
            _write(shown[path, index], points[:, 0, 0], column)


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


def _points(curve: Any) -> np.ndarray:
    """Frame and value of each key, (T, 2)."""
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    return flat.reshape(-1, 2).astype(float)


def _write(curve: Any, frames: np.ndarray, values: np.ndarray) -> None:
    missing = len(frames) - len(curve.keyframe_points)
    if missing > 0:
        curve.keyframe_points.add(missing)
    while len(curve.keyframe_points) > len(frames):
        curve.keyframe_points.remove(curve.keyframe_points[-1], fast=True)
    points = np.column_stack([frames, values]).astype(np.float32)
    curve.keyframe_points.foreach_set("co", points.ravel())
    curve.update()


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
