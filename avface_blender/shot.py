"""What stands around a captured head: the clip's camera with the clip behind it, its sound, and
markers where the capture is unsure.
"""

import re
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np

from ..engine.exchange.take import REGIONS, Take
from .action import said_by
from .keyframes import TAKE_PROPERTY, make_action, object_curves, play
from .rig import object_turns
from .timeline import low_ranges, rate_of

SENSOR_WIDTH_MM = 36.0
_CLIP_START_M, _CLIP_END_M = 0.01, 100.0
_CAMERA_DRAWN_M = 0.1
_SAME_RATE = 1e-3
_SAME_SHAPE = 0.02  # of widths over heights: sizes are rounded to whole blocks
# Name, place in metres, watts, radius in metres, whether it is mirrored. Soft points: an area's
# axis is drawn as a line through the whole view, across the film. The fill would stand as a pale
# disc in the whites of eyes, beside the key's catchlight.
_LIGHTS = (
    ("Key", (0.5, -0.8, 0.35), 36.0, 0.2, True),
    ("Fill", (-0.8, -0.6, 0.1), 16.0, 0.3, False),
    ("Rim", (-0.5, 0.5, 0.3), 12.0, 0.2, True),
)
_WORLD_GREY = (0.05, 0.05, 0.05)
_MARKER_BRIDGE_FRAMES = 5
_MARKERS_PROPERTY = "avface_markers"  # on an armature: how its markers' names begin
_LIGHT_PROPERTY = "avface_light"  # on a light: it came with a head


def add_camera(
    take: Take, name: str, rig: bpy.types.Object, collection: bpy.types.Collection
) -> bpy.types.Object:
    """The clip's camera, at rest at its own origin: lens, sensor and axes, a child of the rig."""
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH_MM
    data.lens = take.focal * SENSOR_WIDTH_MM / take.size[0]
    size = rig.matrix_world.median_scale
    data.clip_start, data.clip_end = size * _CLIP_START_M, size * _CLIP_END_M
    data.display_size = size * _CAMERA_DRAWN_M  # Blender's metre would stand across the head
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
    curves = object_curves(turns, places)
    play(camera, make_action(camera, name, frames, curves, take=camera[TAKE_PROPERTY]))


def show_clip(
    camera: bpy.types.Object,
    name: str,
    take: Take,
    path: Path,
    start_frame: int,
    scene: bpy.types.Scene,
) -> str | None:
    """The clip as the camera's background, its first picture at `start_frame`.

    `name` is the take's. At the clip's own rate the background is a movie clip, of which Blender
    shows one picture in each frame of the scene; at another rate it is an image whose picture is
    animated.

    Gives a sentence when the background isn't as it should.
    """
    try:
        clip = bpy.data.movieclips.load(str(_first_picture(path)))
    except RuntimeError as error:
        return f"{path.name} can't be shown behind the camera ({said_by(error).rstrip('.')})."
    if clip.frame_duration == 0:
        bpy.data.movieclips.remove(clip)
        return f"{path.name} can't be shown behind the camera (Blender finds no pictures in it)."
    clip.display_aspect = pixel = _pixel_shape(clip, take)
    data: Any = camera.data
    data.show_background_images = True
    background = data.background_images.new()
    background.alpha = 1.0
    background.frame_method = _method(scene, take)
    scene_rate = rate_of(scene).frames_per_second
    # Blender counts a film's pictures at a rate of its own choice (a varying one's highest).
    clip_rate = clip.fps if clip.source == "MOVIE" else take.fps
    numbers = _picture_numbers(path, clip.frame_duration)
    has_its_rate = abs(scene_rate / clip_rate - 1) < _SAME_RATE
    if has_its_rate or numbers is None:
        background.source, background.clip = "MOVIE_CLIP", clip
        clip.frame_start = start_frame
    else:
        bpy.data.movieclips.remove(clip)
        _show_at_its_times(camera, name, path, numbers, start_frame, scene_rate / clip_rate)
        background.image.display_aspect = pixel
    if has_its_rate or numbers is not None:
        return None
    return (
        "The clip behind the camera runs away from the head: Blender shows one picture in each "
        "frame of the scene, and finds no others by names without numbers."
    )


def _pixel_shape(clip: bpy.types.MovieClip, take: Take) -> tuple[float, float]:
    """Width and height of the clip's pixels; the take's are square."""
    stored, shown = clip.size[0] / clip.size[1], take.size[0] / take.size[1]
    is_turned = abs(stored * shown - 1) < _SAME_SHAPE
    return (1.0, 1.0) if is_turned else (shown / stored, 1.0)


def _method(scene: bpy.types.Scene, take: Take) -> Literal["FIT", "CROP"]:
    """How the clip lies in the camera's frame: as wide, for so the lens is measured."""
    render = scene.render
    width, height = render.resolution_x * render.pixel_aspect_x, render.resolution_y
    frame = width / (height * render.pixel_aspect_y)
    return "FIT" if take.size[0] / take.size[1] >= frame else "CROP"


def _show_at_its_times(
    camera: bpy.types.Object,
    name: str,
    path: Path,
    numbers: np.ndarray,
    start_frame: int,
    scene_frames: float,
) -> None:
    """Let each frame of the scene show the picture that is nearest in time.

    Blender's numbers of the pictures (K,); how many frames of the scene one of them lasts.
    """
    data: Any = camera.data
    background = data.background_images[-1]
    background.source = "IMAGE"
    background.image = bpy.data.images.load(str(_first_picture(path)))
    if path.is_dir():
        background.image.source = "SEQUENCE"
    user = background.image_user
    user.frame_duration, user.use_cyclic = 1, True  # so that it shows 1 + offset in every frame
    frames = np.arange(start_frame, start_frame + np.ceil(len(numbers) * scene_frames) + 1)
    shown = np.rint((frames - start_frame) / scene_frames).astype(int)
    offsets = numbers[np.minimum(shown, len(numbers) - 1)] - 1
    curve = f"{user.path_from_id()}.frame_offset"
    values, stepped = {(curve, 0): offsets}, frozenset([curve])
    play(data, make_action(data, f"{name} clip", frames, values, stepped=stepped, take=name))


def add_lights(
    rig: bpy.types.Object, collection: bpy.types.Collection, scene: bpy.types.Scene
) -> None:
    """Key, fill and rim light, at rest round the rig, and a dim world where the scene has none."""
    size = rig.matrix_world.median_scale
    for name, place, watts, radius, is_mirrored in _LIGHTS:
        data: Any = bpy.data.lights.new(name, "POINT")
        data.energy, data.shadow_soft_size = watts * size**2, radius * size
        data.specular_factor = float(is_mirrored)  # of EEVEE
        light = bpy.data.objects.new(name, data)
        light.visible_glossy = is_mirrored  # of Cycles
        collection.objects.link(light)
        light.parent = rig
        light.location = place
        light[_LIGHT_PROPERTY] = True
    if scene.world is None:
        scene.world = bpy.data.worlds.new("World")
        scene.world.color = _WORLD_GREY


def lights_of(rig: bpy.types.Object) -> list[bpy.types.Object]:
    """The portrait lights that came with a rig."""
    return [child for child in rig.children if _LIGHT_PROPERTY in child]


def add_markers(
    scene: bpy.types.Scene, rig: bpy.types.Object, take: Take, frames: np.ndarray, threshold: float
) -> int:
    """A marker at each stretch where a region's confidence is below `threshold`: how many.

    `frames` (T,) are the scene frames of the take. The rig's earlier markers make room.
    """
    for marker in markers_of(scene, rig):
        scene.timeline_markers.remove(marker)
    rig[_MARKERS_PROPERTY] = prefix = f"{rig.name}: "
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


def markers_of(scene: bpy.types.Scene, rig: bpy.types.Object) -> list[Any]:
    """The markers of a rig's takes, whatever it is called now."""
    prefix = rig.get(_MARKERS_PROPERTY)
    return [m for m in scene.timeline_markers if prefix and m.name.startswith(prefix)]


def look_through_camera(scene: bpy.types.Scene) -> None:
    """Turn the file's 3D views to the scene's camera, with materials shown in the file's light."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            space: Any = area.spaces.active
            if space is not None and space.type == "VIEW_3D":
                show_lit(space, scene)
                space.region_3d.view_perspective = "CAMERA"


def show_lit(space: Any, scene: bpy.types.Scene) -> None:
    """Show materials in a 3D view, by the portrait lights where they leave the film to be seen."""
    space.shading.type = "MATERIAL"
    has_lights = any(item.type == "LIGHT" and item.parent for item in scene.objects)
    if has_lights and scene.render.film_transparent:  # or the scene's world would hide the film
        space.shading.use_scene_lights = space.shading.use_scene_world = True
    for name in ("relationship_lines", "cursor", "floor", "axis_x", "axis_y"):  # across the film
        setattr(space.overlay, f"show_{name}", False)


def _first_picture(path: Path) -> Path:
    """What Blender opens for a clip: the file, or the first picture of a folder of pictures."""
    if path.is_dir():
        return min((item for item in path.iterdir() if item.is_file()), default=path)
    return path


def _picture_numbers(path: Path, count: int) -> np.ndarray | None:
    """By which numbers Blender finds a clip's pictures, (K,): a film's, or in files' names."""
    if not path.is_dir():
        return np.arange(1, count + 1)
    stems = [re.search(r"(\d+)$", item.stem) for item in path.iterdir() if item.is_file()]
    return np.array(sorted(int(found[1]) for found in stems if found)) if all(stems) else None
