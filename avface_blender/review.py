"""Where a take can't be trusted: its confidence as curves on the armature, and the next such place.

The curves are `["confidence_mouth"]` and so on; the Graph Editor shows them beside the motion.
"""

from typing import Any

import bpy
import numpy as np

from ..engine.exchange.take import REGIONS, Take
from .keyframes import Curves, curves_in
from .timeline import low_ranges

_PREFIX = "confidence_"
_SOUND = "trust_in_sound"
_BRIDGE_FRAMES = 4  # stretches parted by so few are one


def confidence_curves(
    rig: bpy.types.Object, take: Take, take_frames: np.ndarray, frames: np.ndarray
) -> Curves:
    """The take's confidence at the scene's frames (N,), as properties of the armature."""
    columns = {f"{_PREFIX}{name}": take.confidence[:, k] for k, name in enumerate(REGIONS)}
    columns[_SOUND] = take.trust_sound
    curves: Curves = {}
    for name, values in columns.items():
        rig[name] = 1.0
        look: Any = rig.id_properties_ui(name)
        look.update(min=0.0, max=1.0)
        curves[f'["{name}"]', 0] = np.interp(frames, take_frames, values)
    return curves


def unsure_ranges(action: bpy.types.Action, threshold: float) -> list[tuple[int, int, str]]:
    """First frame, last frame and region of each stretch below `threshold`, in order."""
    found = []
    for curve in curves_in(action):
        name = curve.data_path.removeprefix('["').removesuffix('"]')
        if not name.startswith(_PREFIX) or not len(curve.keyframe_points):
            continue
        frames, values = _points(curve)
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


def _points(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    frames, values = flat.reshape(-1, 2).T
    return frames, values
