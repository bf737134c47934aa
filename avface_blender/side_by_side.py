"""The film beside the head: two views through the clip's camera, one without the head.

Blender hides a camera's background with a view's overlays, and meshes by the view: so the same
frame is seen twice, whatever the rates are, and what is dragged in one view moves in the other.
"""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false

import math
from typing import Any

import bpy

from ..engine.exchange.protocol import AVFaceError
from . import landmarks, overlay
from .selection import selected_head
from .take_operators import FilmedTakeAction
from .views import largest, main_region, views_of

_FACE_OF_VIEW = 0.6  # its landmarks, of the narrower view
_LEAST_WIDTH_PX = 400  # of a view that can be halved
_SOON_SECONDS = 0.05  # between two looks Blender lays out and draws what was changed

_framing: tuple[float, tuple[float, ...]] | None = None  # the view's zoom and offset before


class AVFACE_OT_side_by_side(FilmedTakeAction, bpy.types.Operator):
    """Show the film beside the head, in a second view; once more takes it away"""

    bl_idname = "avface.side_by_side"
    bl_label = "Film beside the Head"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        if context.window is None or bpy.app.background:
            return "Views stand side by side in a window"
        if film_area(context.screen):
            return ""
        if reason := super().disabled_reason(context):
            return reason
        return "" if views_of(context.screen) else "There is no 3D view in this workspace"

    def act(self, context):
        film = film_area(context.screen)
        if film is not None:
            _join(context, film)
            return "The head stands over the film again"
        _split(context, largest(views_of(context.screen)))
        return "The film stands beside the head"


CLASSES = (AVFACE_OT_side_by_side,)


def draw(layout, context) -> None:
    """The button, pressed in while the film has a view of its own."""
    is_on = film_area(context.screen) is not None
    layout.operator("avface.side_by_side", icon="MOD_MIRROR", depress=is_on)


def film_area(screen: Any) -> Any | None:
    """The view of this screen that shows the film alone, beside one that shows the head alone."""
    views = _camera_views(screen)
    films = [area for area in views if not area.spaces.active.show_object_viewport_mesh]
    return films[0] if films and _head_area(screen) else None


def _head_area(screen: Any) -> Any | None:
    """The view that shows the head without the film."""
    views = _camera_views(screen)
    return next((a for a in views if not a.spaces.active.overlay.show_overlays), None)


def _camera_views(screen: Any) -> list[Any]:
    return [a for a in views_of(screen) if a.spaces.active.region_3d.view_perspective == "CAMERA"]


def _split(context: Any, area: Any) -> None:
    """Halve a view: the film on the left, the head on the right, where the sidebar stays.

    Raises AVFaceError where the view is too narrow.
    """
    if area.width < _LEAST_WIDTH_PX:
        raise AVFaceError("The 3D view is too narrow to be halved.", "Widen it.")
    global _framing
    view = area.spaces.active.region_3d
    _framing = view.view_camera_zoom, tuple(view.view_camera_offset)
    before = set(context.screen.areas)
    with context.temp_override(area=area, region=main_region(area)):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=_share(area))
    film = next(item for item in context.screen.areas if item not in before)  # on the left
    head = area
    camera = landmarks.clip_camera(context.scene, selected_head(context))
    for item in (film, head):
        landmarks.look_through(item.spaces.active, context.scene, camera)
        item.spaces.active.region_3d.view_camera_offset = 0, 0
    space = film.spaces.active
    for name in landmarks.IN_THE_WAY:
        setattr(space, name, False)
    space.show_region_ui = space.show_region_toolbar = False
    space.overlay.show_overlays = True
    head.spaces.active.overlay.show_overlays = False
    _frame(context)


def _join(context: Any, film: Any) -> None:
    """Close the film's view; the head stands over the film in the other."""
    head: Any = _head_area(context.screen)
    head.spaces.active.overlay.show_overlays = True
    with context.temp_override(area=film, region=main_region(film)):
        bpy.ops.screen.area_close()
    if _framing is None:  # the file was saved with both views
        _frame(context)
    else:
        view = head.spaces.active.region_3d
        view.view_camera_zoom, view.view_camera_offset = _framing


def _share(area: Any) -> float:
    """Of the view's width, for the film: as much as the sidebar leaves to the head."""
    covered = next(r.width for r in area.regions if r.type == "UI")
    return 0.5 * (area.width - (covered if covered > 1 else 0)) / area.width


def _frame(context: Any) -> None:
    """Frame what the views show, once Blender has laid them out."""
    window, looks = context.window, iter((_SOON_SECONDS,))  # the first may come before that

    def fit() -> float | None:
        again = next(looks, None)
        if again is None:
            with bpy.context.temp_override(window=window):
                _close_up(window)
        return again

    bpy.app.timers.register(fit, first_interval=_SOON_SECONDS)


def _close_up(window: Any) -> None:
    """The face in the middle of what can be seen of each view, as large in both.

    The whole picture where there is one view, or no face.
    """
    head, scene = selected_head(bpy.context), window.scene
    camera = landmarks.clip_camera(scene, head) if head else None
    at = landmarks.shown(scene, head) if head and camera else None
    areas = _camera_views(window.screen)
    if at is None or camera is None or film_area(window.screen) is None:
        for area in areas:
            with bpy.context.temp_override(window=window, area=area, region=main_region(area)):
                bpy.ops.view3d.view_center_camera()
        return
    free = [(overlay.free_width(area), main_region(area).height) for area in areas]
    low, high = at.captured.min(axis=0), at.captured.max(axis=0)
    wanted = min(side / size for view in free for side, size in zip(view, high - low, strict=True))
    for area, (width, height) in zip(areas, free, strict=True):
        region, view = main_region(area), area.spaces.active.region_3d
        layout = landmarks.layout_of(at, camera, region, view)
        larger = wanted * _FACE_OF_VIEW / layout.scale
        root = (math.sqrt(2) + view.view_camera_zoom / 50) * math.sqrt(larger)
        view.view_camera_zoom = 50 * (root - math.sqrt(2))  # Blender's factor is root ** 2 / 4
        x, y = layout.to_view(*(low + high) / 2)
        aside = larger * (x - region.width / 2) - (width - region.width) / 2
        above = larger * (y - region.height / 2) - (height - region.height) / 2
        halves = region.width * root**2 / 2, region.height * root**2 / 2
        view.view_camera_offset = aside / halves[0], above / halves[1]
