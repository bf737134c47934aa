"""Dragging landmarks over the clip: what the face didn't follow is shown to the engine."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

from typing import Any

import bpy

from ..engine.exchange.protocol import AVFaceError
from . import ghost, landmark_drawing, landmarks, live_pose, overlay, side_by_side, takes, watch
from .landmark_operators import shown_here
from .picking import Layout
from .selection import selected_head, the_head
from .take_operators import FilmedTakeAction
from .views import all_areas, main_region

_view: Any = None  # the area in which landmarks are dragged now
_handles: list[Any] = []  # of what is drawn in it
_showed: dict[str, bool] = {}  # what stands in the clip's way, and whether that view showed it
_is_to_end = False
_SWITCHES = {"H": "see_head", "O": "use_onion"}  # keys over the view
_has_changed = False  # another frame, or undone: the head may stand as it plays


def is_on() -> bool:
    """Whether landmarks are shown and can be dragged."""
    return _view is not None


class AVFACE_OT_drag_landmarks(FilmedTakeAction, bpy.types.Operator):
    """Show the face's landmarks over the clip, without the head, to drag those that are wrong"""

    bl_idname = "avface.drag_landmarks"
    bl_label = "Drag Landmarks"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        area = context.area
        if area is None or area.type != "VIEW_3D":
            return "Landmarks are dragged in a 3D view"
        return super().disabled_reason(context)

    def invoke(self, context, event):
        global _view, _is_to_end
        if is_on():
            _is_to_end = True
            return {"FINISHED"}
        try:
            shown_here(context)
        except AVFaceError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _view = side_by_side.film_area(context.screen) or context.area
        _is_to_end = False
        space = _view.spaces.active
        scene: Any = context.scene
        for name in (*landmarks.IN_THE_WAY, "use_local_camera"):
            _showed[name] = getattr(space, name)
        for name in landmarks.IN_THE_WAY:
            setattr(space, name, False)
        landmarks.look_through(space, scene, landmarks.clip_camera(scene, the_head(context)))
        live_pose.prepare(the_head(context))
        self._mouse, self._held, self._followed = (0.0, 0.0), None, None
        for handlers in _changes():
            handlers.append(_note_change)
        drawn = bpy.types.SpaceView3D.draw_handler_add
        _handles.append(drawn(self._draw_head, (), "WINDOW", "POST_VIEW"))
        _handles.append(drawn(self._draw, (), "WINDOW", "POST_PIXEL"))
        context.window_manager.modal_handler_add(self)
        _view.tag_redraw()
        return {"RUNNING_MODAL"}

    def execute(self, context):
        self.report({"ERROR"}, "Landmarks are dragged in a window; a script calls move_landmark.")
        return {"CANCELLED"}

    def modal(self, context, event):
        there = self._look()
        if _is_to_end or there is None:
            return _leave()
        at, layout, region = there
        self._mouse = (event.mouse_x - region.x, event.mouse_y - region.y)
        if self._held is not None:
            return self._drag(event, at, layout, self._held)
        self._follow(at, {})
        near = landmarks.nearest(at, layout, self._mouse) if _is_over(event, region) else None
        if event.type == "MOUSEMOVE":
            _view.tag_redraw()
        elif event.value == "PRESS":
            if event.type == "ESC":
                return _leave()
            if event.type == "LEFTMOUSE" and near is not None:
                self._held = near
                return {"RUNNING_MODAL"}
            if event.type in {"X", "DEL"} and near in at.dragged:
                live_pose.leave(context.scene)  # a step of undo holds no look
                bpy.ops.avface.forget_landmarks("EXEC_DEFAULT", True, landmark=near)
                return {"RUNNING_MODAL"}
            if event.type in _SWITCHES and _is_over(event, region):
                settings, name = context.scene.avface, _SWITCHES[event.type]
                setattr(settings, name, not getattr(settings, name))
                return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def cancel(self, context):
        _leave()

    def _drag(self, event, at: landmarks.Shown, layout: Layout, held: int) -> set[str]:
        """A landmark is held: it goes with the mouse until the button is let go."""
        _view.tag_redraw()
        place = layout.to_clip(*self._mouse)
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._held = None
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._held = None
            live_pose.leave(bpy.context.scene)  # a step of undo holds no look
            bpy.ops.avface.move_landmark("EXEC_DEFAULT", True, landmark=held, place=place)
        else:
            self._follow(at, {held: place})
        return {"RUNNING_MODAL"}

    def _follow(self, at: landmarks.Shown, held: dict[int, tuple[float, float]]) -> None:
        """Let the head follow what is dragged, where that or the frame is another than before."""
        global _has_changed
        dragged = at.dragged | held
        wanted = at.take, at.frame, dragged
        head, screen = selected_head(bpy.context), bpy.context.screen
        if head is None or (wanted == self._followed and not _has_changed):
            return
        if screen is not None and screen.is_animation_playing:
            live_pose.forget()
        else:
            live_pose.update(bpy.context.scene, head, at, dragged)
        self._followed, _has_changed = wanted, False

    def _look(self) -> tuple[landmarks.Shown, Layout, Any] | None:
        """What is to be seen, where in the view, and the view's region; None: no more."""
        if _view not in all_areas() or _view.type != "VIEW_3D":
            return None
        head, view = selected_head(bpy.context), _view.spaces.active.region_3d
        if head is None or view.view_perspective != "CAMERA":
            return None
        scene: Any = bpy.context.scene
        camera = landmarks.clip_camera(scene, head)
        try:
            at = landmarks.shown(scene, head)
        except AVFaceError:
            return None
        if camera is None or at is None:
            return None
        region = main_region(_view)
        return at, landmarks.layout_of(at, camera, region, view), region

    def _draw_head(self) -> None:
        scene: Any = bpy.context.scene
        stands_beside = side_by_side.film_area(bpy.context.screen) is not None
        if bpy.context.area != _view or stands_beside or not scene.avface.see_head:
            return
        head = selected_head(bpy.context)
        if head is not None and self._look() is not None:
            ghost.draw(head, _view.spaces.active.region_3d)

    def _draw(self) -> None:
        there = self._look() if bpy.context.area == _view else None
        if there is None:
            return
        at, layout, _ = there
        settings: Any = bpy.context.scene.avface
        mouse, onion = self._mouse, settings.onion_frames if settings.use_onion else 0
        landmark_drawing.draw(at, layout, overlay.free_width(_view), mouse, self._held, onion)


CLASSES = (AVFACE_OT_drag_landmarks,)


def draw(layout, head: bpy.types.Object | None) -> None:
    """The button, what is shown beside, and what has been dragged in the take that plays."""
    settings: Any = bpy.context.scene.avface  # type: ignore
    row = layout.row(align=True)
    text = "Done Dragging" if is_on() else "Drag Landmarks"
    row.operator("avface.drag_landmarks", text=text, icon="TRACKER", depress=is_on())
    row.operator("avface.forget_landmarks", text="", icon="LOOP_BACK")
    if is_on():
        shown = layout.row(align=True)
        shown.prop(settings, "see_head", toggle=True)
        shown.prop(settings, "use_onion", toggle=True)
        count = shown.row(align=True)
        count.active = settings.use_onion
        count.prop(settings, "onion_frames", text="")
    frames = landmarks.dragged_in(head, takes.playing(head)) if head else {}
    if frames:
        count = sum(len(places) for places in frames.values())
        said = layout.row()
        said.active = False
        said.label(text=f"{count} dragged, in {len(frames)} frame{'' if len(frames) == 1 else 's'}")


def unregister() -> None:
    """End what goes on when the add-on is disabled."""
    _leave()


@bpy.app.handlers.persistent
def _note_change(*_arguments) -> None:
    global _has_changed
    _has_changed = True


def _leave() -> set[str]:
    """Take the landmarks off the view; the operator ends with the next event, if not now."""
    global _view
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
    if _view in all_areas() and _view.type == "VIEW_3D":
        for name, before in _showed.items():
            setattr(_view.spaces.active, name, before)
    for handlers in _changes():
        if _note_change in handlers:
            handlers.remove(_note_change)
    if _view is not None:
        live_pose.leave(bpy.context.scene)
    _view = None
    watch.redraw(whole=True)
    return {"FINISHED"}


def _changes() -> tuple[Any, Any, Any]:
    """Blender's lists of whom to call when another frame is shown, or something is undone."""
    handlers = bpy.app.handlers
    return handlers.frame_change_post, handlers.undo_post, handlers.redo_post


def _is_over(event, region) -> bool:
    """Whether the mouse is over the view's picture, not over its sidebar or another view."""
    x, y = event.mouse_x - region.x, event.mouse_y - region.y
    return 0 <= x < overlay.free_width(_view) and 0 <= y < region.height
