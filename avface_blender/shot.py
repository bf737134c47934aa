"""What stands around a captured head: the clip's camera with the clip behind it, its sound, and
markers where the capture is unsure.
"""

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.take import REGIONS, Take
from .keyframes import make_action, object_curves, play
from .rig import object_turns
from .timeline import low_ranges

SENSOR_WIDTH_MM = 36.0
_CLIP_START_M = 0.01
_MARKER_BRIDGE_FRAMES = 5
_STRIP_PROPERTY = "avface_rig"  # on a sound strip: the armature that it belongs to


def add_camera(
    take: Take, name: str, rig: bpy.types.Object, collection: bpy.types.Collection
) -> bpy.types.Object:
    """The clip's camera, at rest at its own origin: lens, sensor and axes, a child of the rig."""
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH_MM
    data.lens = take.focal * SENSOR_WIDTH_MM / take.size[0]
    data.clip_start = _CLIP_START_M
    camera = bpy.data.objects.new(name, data)
    collection.objects.link(camera)
    camera.parent = rig
    camera.rotation_mode = "QUATERNION"
    return camera


def place_camera(camera: bpy.types.Object, location: np.ndarray) -> None:
    """Stand the camera still: (3,) in the rig's space; it looks along the rig's +y, z is up."""
    camera.location = location.tolist()
    camera.rotation_quaternion = object_turns(np.array([[1.0, 0, 0, 0]]))[0].tolist()


def move_camera(
    camera: bpy.types.Object, name: str, frames: np.ndarray, turns: np.ndarray, places: np.ndarray
) -> None:
    """Move the camera: at each frame (N,) its rotation (N, 4) and location (N, 3)."""
    play(camera, make_action(camera, name, frames, object_curves(turns, places)))


def show_clip(camera: bpy.types.Object, path: Path, start_frame: int) -> None:
    """The clip as the camera's background, its first picture at `start_frame`.

    Raises RuntimeError when Blender can't read it.
    """
    clip = bpy.data.movieclips.load(str(first_picture(path)))
    if clip.frame_duration == 0:
        bpy.data.movieclips.remove(clip)
        raise RuntimeError("no pictures in it")
    clip.frame_start = start_frame
    assert isinstance(camera.data, bpy.types.Camera)
    camera.data.show_background_images = True
    background = camera.data.background_images.new()
    background.source = "MOVIE_CLIP"
    background.clip = clip
    background.alpha = 1.0
    background.frame_method = "FIT"


def first_picture(path: Path) -> Path:
    """What Blender opens for a clip: the file, or the first picture of a folder of pictures."""
    if path.is_dir():
        return min((item for item in path.iterdir() if item.is_file()), default=path)
    return path


def add_sound(
    scene: bpy.types.Scene, rig: bpy.types.Object, path: Path, name: str, start_frame: int
) -> bool:
    """The clip's sound in the sequencer from `start_frame` on; the rig's earlier takes go mute.

    False when the clip has no sound. Raises RuntimeError when this Blender can't play any.
    """
    if not bpy.app.build_options.audaspace:
        raise RuntimeError("this Blender was built without sound")
    sound = bpy.data.sounds.load(str(path))
    if sound.channels == "INVALID":
        bpy.data.sounds.remove(sound)
        return False
    strips = _strips(scene)
    for strip in strips:
        if strip.get(_STRIP_PROPERTY) == rig.name:
            strip.mute = True
    channel = max((strip.channel for strip in strips), default=0) + 1
    bpy.data.sounds.remove(sound)
    strip = strips.new_sound(name, str(path), channel, start_frame)
    strip[_STRIP_PROPERTY] = rig.name
    return True


def add_markers(
    scene: bpy.types.Scene, rig: bpy.types.Object, take: Take, frames: np.ndarray, threshold: float
) -> int:
    """A marker at each stretch where a region's confidence is below `threshold`: how many.

    `frames` (T,) are the scene frames of the take. The rig's earlier markers make room.
    """
    prefix = f"{rig.name}: "
    for marker in [m for m in scene.timeline_markers if m.name.startswith(prefix)]:
        scene.timeline_markers.remove(marker)
    face = take.confidence[:, REGIONS.index("face")]
    count = 0
    for column, region in enumerate(REGIONS):
        confidence = take.confidence[:, column]
        if region != "face":  # where the whole face is lost, one marker says so
            confidence = np.where(face < threshold, 1.0, confidence)
        for first, last in low_ranges(confidence, threshold, _MARKER_BRIDGE_FRAMES):
            start, end = round(float(frames[first])), round(float(frames[last]))
            text = f"{prefix}{region.replace('_', ' ')} unsure to {end}"
            scene.timeline_markers.new(text, frame=start)
            count += 1
    return count


def _strips(scene: bpy.types.Scene) -> Any:
    """The sequencer's strips, which Blender 4.4 renamed."""
    editor: Any = scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences
