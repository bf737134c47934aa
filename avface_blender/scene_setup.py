"""Scenes as their clips want them: rate, length and size."""

from typing import Any

import bpy

from .takes import CLIP_START_PROPERTY
from .timeline import SceneRate, scene_rate

_SAME_RATE = 1e-3


def set_rate(scene: bpy.types.Scene, frames_per_second: float) -> SceneRate:
    """Give the scene a rate."""
    rate = scene_rate(frames_per_second)
    scene.render.fps, scene.render.fps_base = rate.fps, rate.base
    return rate


def other_speed(before: SceneRate, rate: SceneRate) -> str | None:
    """A sentence when what is animated already plays faster or slower now."""
    old, new = before.frames_per_second, rate.frames_per_second
    actions: Any = bpy.data.actions
    if abs(new / old - 1) < _SAME_RATE or not any(CLIP_START_PROPERTY in a for a in actions):
        return None
    return (
        f"The scene shows {new:.4g} frames a second now, not {old:.4g}: takes that were there "
        "before have lost their time. Frame Rate: Resample keeps the scene's rate."
    )


def set_shot(
    scene: Any, size: tuple[int, int], camera: bpy.types.Object | None, first: int, last: int
) -> None:
    """Give the scene the clip's length and size (px), and show its first frame."""
    scene.frame_start, scene.frame_end = first, last
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.camera = camera or scene.camera
    scene.sync_mode = "AUDIO_SYNC"  # or the playback falls behind its sound
    scene.frame_set(first)
