"""The landmarks of the take that plays, and where the artist has dragged some of them.

A landmark is one of 68 points of the face; its place is in pixels of the clip, from the upper left.
What is dragged belongs to one frame of one take and is kept on the head, as `avface_dragged`.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.props import CollectionProperty, FloatVectorProperty, IntProperty, StringProperty

from . import takes
from .picking import Layout
from .rig import rig_of
from .timeline import rate_of

ONION_FRAMES = 5  # before and after: more would hide the face
# What of a head a 3D view shows before the clip: its surface, its hair, its bones.
IN_THE_WAY = tuple(f"show_object_viewport_{kind}" for kind in ("mesh", "curves", "armature"))
GRASP_PX = 14  # of the view: so near the mouse takes hold of a landmark


class AVFACE_DraggedLandmark(bpy.types.PropertyGroup):
    """Where one landmark of one frame belongs."""

    take: StringProperty()
    frame: IntProperty()  # of the take, from 0
    landmark: IntProperty()
    place: FloatVectorProperty(size=2)  # px of the clip


CLASSES = (AVFACE_DraggedLandmark,)


@dataclass(frozen=True)
class Shown:
    """The frame of the playing take that the scene shows, L = 68."""

    take: str  # its name
    frame: int
    seconds: float  # of the clip
    captured: np.ndarray  # (L, 2) px
    dragged: dict[int, tuple[float, float]]
    size: tuple[int, int]  # of the clip's picture, px
    focal: float  # px
    around: dict[int, np.ndarray]  # frames from here, -1 is the one before -> (L, 2) px

    @property
    def places(self) -> np.ndarray:
        """Where the landmarks are or were dragged to, (L, 2) px."""
        places = self.captured.copy()
        for number, place in self.dragged.items():
            places[number] = place
        return places


def shown(scene: bpy.types.Scene, head: bpy.types.Object) -> Shown | None:
    """What the scene's frame shows of the take that plays; None outside the take.

    Raises AVFaceError when the take's file is gone.
    """
    name = takes.playing(head)
    actions = takes.actions_of(head, name)
    if not actions:
        return None
    take = takes.load(takes.file_of(actions[0]))
    rate = rate_of(scene).frames_per_second
    seconds = (scene.frame_current - int(actions[0][takes.CLIP_START_PROPERTY])) / rate
    frame = int(np.argmin(np.abs(take.times - seconds)))
    if abs(take.times[frame] - seconds) > max(1 / rate, 1 / take.fps):
        return None
    frames = dragged_in(head, name)

    def places(number: int) -> np.ndarray:
        marks = take.landmarks_px[number].astype(float)
        for landmark, place in frames.get(number, {}).items():
            marks[landmark] = place
        return marks

    near = range(-ONION_FRAMES, ONION_FRAMES + 1)
    return Shown(
        take=name,
        frame=frame,
        seconds=float(take.times[frame]),
        captured=take.landmarks_px[frame].astype(float),
        dragged=frames.get(frame, {}),
        size=take.size,
        focal=take.focal,
        around={k: places(frame + k) for k in near if k and 0 <= frame + k < take.frame_count},
    )


def dragged_in(head: bpy.types.Object, take: str) -> dict[int, dict[int, tuple[float, float]]]:
    """What was dragged in a take: its frame -> landmark -> place."""
    found: dict[int, dict[int, tuple[float, float]]] = {}
    for item in head.avface_dragged:
        if item.take == take:
            found.setdefault(item.frame, {})[item.landmark] = tuple(item.place)
    return found


def drag(head: bpy.types.Object, at: Shown, landmark: int, place: tuple[float, float]) -> None:
    """Say where a landmark belongs in the shown frame."""
    forget(head, at, landmark)
    item = head.avface_dragged.add()
    item.take, item.frame, item.landmark, item.place = at.take, at.frame, landmark, place


def forget(head: bpy.types.Object, at: Shown, landmark: int | None = None) -> int:
    """Let a landmark of the shown frame, or all of them, be as captured; how many it were."""
    items: Any = head.avface_dragged
    gone = [
        k
        for k, item in enumerate(items)
        if (item.take, item.frame) == (at.take, at.frame) and landmark in (None, item.landmark)
    ]
    for k in reversed(gone):
        items.remove(k)
    return len(gone)


def clip_camera(scene: Any, head: Any) -> bpy.types.Object | None:
    """The camera in whose picture landmarks lie: the scene's where it is the clip's.

    In a scene that keeps its own it is the one of the take that plays, or the last that came.
    """
    rig = rig_of(head)
    own = [child for child in rig.children if child.type == "CAMERA"] if rig else []
    of_take = takes.camera_of(rig, takes.playing(head)) if rig else None
    return scene.camera if scene.camera in own else of_take or (own[-1] if own else None)


def look_through(space: Any, scene: Any, camera: bpy.types.Object | None) -> None:
    """Let a 3D view look through the clip's camera, also where the scene has another."""
    space.region_3d.view_perspective = "CAMERA"
    if scene.camera != camera:
        space.use_local_camera, space.camera = True, camera


def layout_of(at: Shown, camera: bpy.types.Object, region: Any, view: Any) -> Layout:
    """Where the clip's picture lies in a view through its camera (a region and its 3D data)."""
    width, height = at.size
    corners = np.array([[0.0, 0.0], [width, height]])
    rays = np.ones((2, 4))
    rays[:, 0] = (corners[:, 0] - width / 2) / at.focal
    rays[:, 1] = (height / 2 - corners[:, 1]) / at.focal
    rays[:, 2] = -1.0
    seen = rays @ (np.array(view.perspective_matrix) @ np.array(camera.matrix_world)).T
    x, y = ((seen[:, :2] / seen[:, 3:] + 1) / 2 * [region.width, region.height]).T
    return Layout(at.size, float(x[0]), float(y[1]), float(x[1] - x[0]) / width)


def nearest(at: Shown, layout: Layout, mouse: tuple[float, float]) -> int | None:
    """The landmark under the mouse."""
    views = np.array([layout.to_view(*place) for place in at.places])
    away = np.linalg.norm(views - mouse, axis=1)
    best = int(np.argmin(away))
    return best if away[best] <= GRASP_PX else None


def register() -> None:
    """A list on each head."""
    bpy.types.Object.avface_dragged = CollectionProperty(type=AVFACE_DraggedLandmark)


def unregister() -> None:
    """Take it away again."""
    del bpy.types.Object.avface_dragged
