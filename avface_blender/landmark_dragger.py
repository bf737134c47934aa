"""Dragging landmarks over the clip: what the face didn't follow is shown to the engine."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

import textwrap
from typing import Any

import bpy
from bpy.props import FloatVectorProperty, IntProperty

from ..engine.exchange.protocol import AVFaceError
from . import ghost, landmarks, live_pose, overlay, side_by_side, takes, watch
from .following import HEADS_OWN
from .picking import Layout
from .selection import selected_head, the_head
from .take_operators import FilmedTakeAction
from .views import all_areas, main_region

_STILL, _FREE = (1.0, 1.0, 1.0, 0.5), (1.0, 1.0, 1.0, 0.9)
_RIM, _NEAR, _DRAGGED = (0.0, 0.0, 0.0, 0.6), (0.35, 0.75, 1.0, 1.0), (1.0, 0.75, 0.1, 1.0)
_EARLIER, _LATER = (0.35, 1.0, 0.45), (0.75, 0.5, 1.0)
_HELP = (
    "Drag a landmark to where the clip shows it.  X: put it back.  H: head.  O: onion.  Esc: done"
)

_view: Any = None  # the area in which landmarks are dragged now
_handles: list[Any] = []  # of what is drawn in it
_showed: dict[str, bool] = {}  # what stands in the clip's way, and whether that view showed it
_is_to_end = False
_LETTER_PX = 8  # mean width of the help's letters
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
            _shown(context)
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
        scale = bpy.context.preferences.system.ui_scale
        places = [layout.to_view(*place) for place in at.places]
        captured = [layout.to_view(*place) for place in at.captured]
        if self._held is not None:
            places[self._held] = self._mouse
        if bpy.context.scene.avface.use_onion:
            _draw_onion(at, layout, bpy.context.scene.avface.onion_frames, scale)
        moved = {*at.dragged, *([self._held] if self._held is not None else [])}
        for number in moved:
            overlay.line(captured[number], places[number], _DRAGGED, 1.5 * scale)
        face = [k for k in range(len(places)) if k not in HEADS_OWN]
        overlay.discs([places[k] for k in sorted(HEADS_OWN - moved)], 2.5 * scale, _STILL)
        overlay.discs([places[k] for k in face], 4.5 * scale, _RIM)
        overlay.discs([places[k] for k in face if k not in moved], 3 * scale, _FREE)
        overlay.discs([places[k] for k in sorted(moved)], 4 * scale, _DRAGGED)
        near = self._held
        if near is None:
            near = landmarks.nearest(at, layout, self._mouse)
        if near is not None:
            overlay.discs([places[near]], 5 * scale, _NEAR)
        width = overlay.free_width(_view)
        lines = textwrap.wrap(_HELP, max(int(width / (_LETTER_PX * scale)), 20))
        for k, line in enumerate(reversed(lines)):
            overlay.words(line, (width / 2, (48 + 20 * k) * scale), 14 * scale, _FREE, centred=True)


class AVFACE_OT_move_landmark(FilmedTakeAction, bpy.types.Operator):
    """Say where a landmark belongs in this frame; Refine goes by it"""

    bl_idname = "avface.move_landmark"
    bl_label = "Move Landmark"
    bl_options = {"REGISTER", "UNDO"}

    landmark: IntProperty(name="Landmark", min=0, max=67, description="One of the 68, from 0")
    place: FloatVectorProperty(
        name="Place", size=2, description="Pixels of the clip, from its upper left corner"
    )

    def act(self, context):
        landmarks.drag(the_head(context), _shown(context), self.landmark, tuple(self.place))
        return f"Landmark {self.landmark} was dragged; Refine lets the face follow"


class AVFACE_OT_forget_landmarks(FilmedTakeAction, bpy.types.Operator):
    """Put back the landmarks that were dragged in this frame"""

    bl_idname = "avface.forget_landmarks"
    bl_label = "Put Landmarks Back"
    bl_options = {"REGISTER", "UNDO"}

    landmark: IntProperty(
        name="Landmark", default=-1, min=-1, max=67, description="Only this one; -1: all",
        options={"SKIP_SAVE"},
    )  # fmt: skip

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason:
            return reason
        try:
            at = _shown(context)
        except AVFaceError as error:
            return str(error)
        return "" if at.dragged else "No landmark was dragged in this frame"

    def act(self, context):
        one = None if self.landmark < 0 else self.landmark
        count = landmarks.forget(the_head(context), _shown(context), one)
        return f"{count} landmark{'' if count == 1 else 's'} put back"


CLASSES = (AVFACE_OT_drag_landmarks, AVFACE_OT_move_landmark, AVFACE_OT_forget_landmarks)


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


def _draw_onion(at: landmarks.Shown, layout: Layout, count: int, scale: float) -> None:
    """The landmarks of the frames around, fainter the farther, and the ways between them."""
    views = {k: [layout.to_view(*place) for place in at.around[k]] for k in at.around}
    views[0] = [layout.to_view(*place) for place in at.places]
    for step, colour in ((-1, _EARLIER), (1, _LATER)):
        for k in range(count, 0, -1):
            there, nearer = views.get(k * step), views.get((k - 1) * step)
            if there is None or nearer is None:
                continue
            strength = 0.85 * (1 - (k - 1) / (count + 0.5))
            overlay.lines(list(zip(there, nearer, strict=True)), (*colour, 0.5 * strength))
            overlay.discs(there, 2.2 * scale, (*colour, strength))


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


def _shown(context) -> landmarks.Shown:
    """The landmarks at the scene's frame. Raises AVFaceError outside the take."""
    at = landmarks.shown(context.scene, the_head(context))
    if at is None:
        raise AVFaceError("The take has no picture in this frame.", "Go to a frame of the take.")
    return at


def _is_over(event, region) -> bool:
    """Whether the mouse is over the view's picture, not over its sidebar or another view."""
    x, y = event.mouse_x - region.x, event.mouse_y - region.y
    return 0 <= x < overlay.free_width(_view) and 0 <= y < region.height
