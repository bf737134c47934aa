"""Choosing the face over a picture of the clip: click on a face, or drag a box round it."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

from pathlib import Path
from typing import Any

import bpy
import gpu
from bpy.props import IntProperty, IntVectorProperty

from ..engine.exchange.protocol import AVFaceError
from . import faces, overlay, watch
from .action import Action
from .capture_request import clip_problem
from .picking import Layout, dragged_region, face_at, is_drag, region_round
from .preferences import engine_python
from .views import largest, main_region, views_of

_BACKDROP = (0.05, 0.05, 0.05, 0.85)
_FACE, _NEAR, _DRAGGED = (1.0, 1.0, 1.0, 0.9), (0.35, 0.75, 1.0, 1.0), (1.0, 0.8, 0.2, 1.0)
_LABEL = (0.0, 0.0, 0.0, 0.75)
_HELP = "Click on a face, or drag a box round it.  Esc: leave it as it is"
_handles: list[Any] = []  # of what is drawn
_NUMBERS = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")


class AVFACE_OT_find_faces(Action, bpy.types.Operator):
    """Show a picture of the clip with the faces in it, to choose one"""

    bl_idname = "avface.find_faces"
    bl_label = "Choose the Face"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        if problem := clip_problem(context.scene.avface):
            return problem
        return "The engine is looking for faces" if faces.is_running() else ""

    def act(self, context):
        settings = context.scene.avface
        clip = Path(bpy.path.abspath(settings.clip))
        rate = settings.fps if settings.use_fps else None
        faces.start(clip, settings.look_at, rate, engine_python(context), _show)
        if not bpy.app.background:
            return "Looking for faces"
        watch.finish(faces.work.poll)
        state = context.window_manager.avface_faces
        if state.status != "DONE":
            raise AVFaceError(state.message)
        return f"Found {_count(len(state.boxes))} at {state.time:.2f} s"


class AVFACE_OT_pick_face(Action, bpy.types.Operator):
    """Choose a face, or a part of the picture, for the capture to look at"""

    bl_idname = "avface.pick_face"
    bl_label = "Pick a Face"
    bl_options = {"REGISTER", "UNDO"}

    face: IntProperty(
        name="Face", min=0, description="Counted from 1, the largest first", options={"SKIP_SAVE"}
    )
    region: IntVectorProperty(
        name="Region",
        size=4,
        description="Left edge, upper edge, width and height; where no face is named",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context):
        state = context.window_manager.avface_faces
        if state.status != "DONE":
            return "Look for the faces first"
        if state.clip != bpy.path.abspath(context.scene.avface.clip):
            return "The faces are another clip's: look for them again"
        return ""

    def act(self, context):
        state, found = context.window_manager.avface_faces, faces.boxes()
        if self.face > len(found):
            raise AVFaceError(f"The picture shows {_count(len(found))}.", "Choose another.")
        if not self.face and not (self.region[2] and self.region[3]):
            raise AVFaceError("No face was chosen.", "Click on one, or drag a box round it.")
        settings = context.scene.avface
        if self.face:
            settings.region = region_round(self.face - 1, found, tuple(state.size))
        else:
            settings.region = self.region
        settings.use_region, settings.use_face = True, False
        where = f"face {self.face}" if self.face else "the face in the box"
        return f"The capture follows {where}"

    def invoke(self, context, event):
        if bpy.app.background or self.face or self.region[2]:
            return self.execute(context)
        self._area, self._begin, self._mouse = context.area, None, (0.0, 0.0)
        state = context.window_manager.avface_faces
        try:
            self._texture: Any = _texture(Path(state.picture))
        except RuntimeError as error:  # how Blender says that it can't read a picture
            self.report({"ERROR"}, f"The picture can't be shown ({str(error).strip()}).")
            return {"CANCELLED"}
        unregister()  # an earlier picture makes room
        drawn = bpy.types.SpaceView3D.draw_handler_add
        self._handle: Any = drawn(self._draw, (), "WINDOW", "POST_PIXEL")
        _handles.append(self._handle)
        context.window_manager.modal_handler_add(self)
        context.window.cursor_modal_set("CROSSHAIR")
        self._area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        region = self._region()
        if region is None or self._handle not in _handles or self.disabled_reason(context):
            return self._leave(context, {"CANCELLED"})
        x, y = event.mouse_x - region.x, event.mouse_y - region.y
        inside = 0 <= x < overlay.free_width(self._area) and 0 <= y < region.height
        self._mouse = (x, y)
        self._area.tag_redraw()
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            return self._leave(context, {"CANCELLED"})
        if event.type in _NUMBERS and event.value == "PRESS":
            self.face = _NUMBERS.index(event.type) + 1
            return self._leave(context, self.execute(context))
        if event.type == "LEFTMOUSE" and event.value == "PRESS" and inside:
            self._begin = self._mouse
            return {"RUNNING_MODAL"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._begin is not None:
            begin, self._begin = self._begin, None
            return self._picked(context, begin)
        return {"RUNNING_MODAL"} if inside else {"PASS_THROUGH"}

    def cancel(self, context):
        self._leave(context, {"CANCELLED"})

    def _picked(self, context, begin: tuple[float, float]) -> set[str]:
        """The mouse was pressed at `begin` and let go where it is now."""
        layout = self._layout()
        if is_drag(begin, self._mouse):
            corners = layout.to_clip(*begin), layout.to_clip(*self._mouse)
            self.region = dragged_region(*corners, layout.size)
            return self._leave(context, self.execute(context))
        face = face_at(*layout.to_clip(*self._mouse), faces.boxes())
        if face is None:
            return {"RUNNING_MODAL"}
        self.face = face + 1
        return self._leave(context, self.execute(context))

    def _leave(self, context, result: set[str]) -> set[str]:
        """Take the picture off the view."""
        if self._handle in _handles:
            unregister()
            context.window.cursor_modal_restore()
            self._area.tag_redraw()
        return result

    def _region(self) -> Any:
        """The view's main region; None when the view has gone."""
        window: Any = bpy.context.window
        there = window is not None and self._area in views_of(window.screen)
        return main_region(self._area) if there else None

    def _layout(self) -> Layout:
        state = bpy.context.window_manager.avface_faces
        view = overlay.free_width(self._area), self._region().height
        return Layout.fit(tuple(state.size), view)

    def _draw(self) -> None:
        if bpy.context.area != self._area:
            return
        region, layout, found = self._region(), self._layout(), faces.boxes()
        overlay.rectangle((0, 0), (region.width, region.height), _BACKDROP)
        width = overlay.free_width(self._area)
        low, high = layout.to_view(0, layout.size[1]), layout.to_view(layout.size[0], 0)
        overlay.picture(self._texture, low, high)
        near = None if self._begin else face_at(*layout.to_clip(*self._mouse), found)
        scale = bpy.context.preferences.system.ui_scale
        for k, (x0, y0, x1, y1) in enumerate(found):
            colour = _NEAR if k == near else _FACE
            low, high = layout.to_view(x0, y1), layout.to_view(x1, y0)
            overlay.frame(low, high, colour, (3 if k == near else 2) * scale)
            side = 22 * scale
            overlay.rectangle((low[0], high[1] - side), (low[0] + side, high[1]), _LABEL)
            place = (low[0] + side / 2, high[1] - 0.75 * side)
            overlay.words(str(k + 1), place, 15 * scale, colour, centred=True)
        if self._begin and is_drag(self._begin, self._mouse):
            (x0, x1), (y0, y1) = (sorted((self._begin[k], self._mouse[k])) for k in (0, 1))
            overlay.frame((x0, y0), (x1, y1), _DRAGGED, 2 * scale)
        state = bpy.context.window_manager.avface_faces
        text = f"{_count(len(found))} at {state.time:.2f} s.  {_HELP}"
        overlay.words(text, (width / 2, 48 * scale), 14 * scale, _FACE, centred=True)


CLASSES = (AVFACE_OT_find_faces, AVFACE_OT_pick_face)


def unregister() -> None:
    """Take the picture off the view, also when the add-on is disabled while it lies there."""
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")


def _count(faces_found: int) -> str:
    return f"{faces_found or 'no'} face{'' if faces_found == 1 else 's'}"


def _show() -> None:
    """Lay the picture over the largest 3D view, where there is a window."""
    if bpy.app.background:
        return
    window: Any = bpy.context.window or bpy.context.window_manager.windows[0]
    area = largest(views_of(window.screen))
    if area is None:
        return
    with bpy.context.temp_override(window=window, area=area, region=main_region(area)):
        if bpy.ops.avface.pick_face.poll():
            bpy.ops.avface.pick_face("INVOKE_DEFAULT", True)


def _texture(path: Path) -> gpu.types.GPUTexture:
    """A picture for the overlay; the image itself leaves the file again."""
    image = bpy.data.images.load(str(path))
    try:
        return gpu.texture.from_image(image)
    finally:
        bpy.data.images.remove(image)
