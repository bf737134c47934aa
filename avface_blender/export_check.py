"""Read an export back and measure how far its surface is from the head's, in mm."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils.kdtree import KDTree

from ..engine.exchange.protocol import AVFaceError

_FRAMES = 12  # that are compared, spread over the range


def _read_gltf(path: str) -> None:
    """Blender's importer leaves what it reads on NLA tracks that don't play."""
    bpy.ops.import_scene.gltf(filepath=path)
    scene: Any = bpy.context.scene
    for object_ in scene.objects:
        keys = object_.data.shape_keys if object_.type == "MESH" else None
        for owner in filter(None, (object_, keys)):
            for track in owner.animation_data.nla_tracks if owner.animation_data else ():
                track.mute = False


_READERS: dict[str, Callable[[str], Any]] = {
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0),
    ".abc": lambda path: bpy.ops.wm.alembic_import(filepath=path, as_background_job=False),
    ".glb": _read_gltf,
    ".usd": lambda path: bpy.ops.wm.usd_import(filepath=path, set_frame_range=False),
}


def largest_error_mm(head: bpy.types.Object, path: Path, scale: float = 1.0) -> float:
    """The largest distance of a vertex of the export from the head's, over some frames, mm.

    The file is read into a scene of its own, which is gone afterwards.
    Raises AVFaceError when it can't be read, or holds no mesh.
    """
    window: Any = bpy.context.window
    assert window is not None
    shown: Any = window.scene
    first, last, now = shown.frame_start, shown.frame_end, shown.frame_current
    frames = np.unique(np.linspace(first, last, _FRAMES).astype(int)).tolist()
    wanted = {frame: _surface(shown, head, frame) * scale for frame in frames}
    shown.frame_set(now)
    before, views = _everything(), _perspectives(window)
    scene: Any = bpy.data.scenes.new("AVFace check")
    scene.render.fps, scene.render.fps_base = shown.render.fps, shown.render.fps_base
    unit = scene.unit_settings.scale_length = shown.unit_settings.scale_length  # m
    window.scene = scene
    try:
        kind = path.suffix.lower()
        _READERS[".usd" if kind.startswith(".usd") else kind](str(path.resolve()))
        read = next((o for o in scene.objects if o.type == "MESH"), None)
        if read is None:
            raise AVFaceError(f"{path.name} holds no mesh.", "Export it once more.")
        _free_sliders(read)
        far = max(_distance(wanted[f], _surface(scene, read, f)) for f in frames)
        return far * unit * 1e3
    except RuntimeError as error:
        raise AVFaceError(
            f"{path.name} can't be read back ({str(error).strip()}).", "Export it once more."
        ) from error
    finally:
        window.scene = shown
        for view, perspective in views:  # no view looks through the camera of a scene without one
            view.view_perspective = perspective
        bpy.data.batch_remove([item for item in _everything() if item not in before])


def _surface(scene: Any, object_: bpy.types.Object, frame: int) -> np.ndarray:
    """World places of an object's evaluated vertices at a frame, (V, 3) in the scene's units."""
    scene.frame_set(frame)
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated: Any = object_.evaluated_get(graph)
    mesh = evaluated.to_mesh()
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    evaluated.to_mesh_clear()
    matrix = np.array(evaluated.matrix_world)
    return places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def _distance(wanted: np.ndarray, seen: np.ndarray) -> float:
    """Vertex by vertex; to the nearest one where a format has split vertices at seams."""
    if len(wanted) == len(seen):
        return float(np.linalg.norm(wanted - seen, axis=1).max())
    tree = KDTree(len(seen))
    for index, place in enumerate(seen):
        tree.insert(place, index)
    tree.balance()
    return max(tree.find(place)[2] for place in wanted)


def _free_sliders(object_: Any) -> None:
    """Some importers end sliders at 0 and 1; the file's own values aren't judged by that."""
    if object_.data.shape_keys:
        for key in object_.data.shape_keys.key_blocks:
            key.slider_min, key.slider_max = -10, 10


def _perspectives(window: Any) -> list[tuple[Any, str]]:
    """How each 3D view of a window looks on its scene."""
    spaces: list[Any] = [area.spaces.active for area in window.screen.areas]
    views = [s.region_3d for s in spaces if s and s.type == "VIEW_3D" and s.region_3d]
    return [(view, view.view_perspective) for view in views]


def _everything() -> set[Any]:
    """All data-blocks of the kinds that importers make."""
    kinds = ("scenes", "objects", "meshes", "armatures", "actions", "materials", "images",
             "collections", "cameras", "lights", "shape_keys", "cache_files", "worlds")  # fmt: skip
    return {item for kind in kinds for item in getattr(bpy.data, kind)}
