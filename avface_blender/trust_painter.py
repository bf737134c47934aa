"""Painting whom to trust over the timeline: bands, the brush, and the buttons of the panel."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty

from ..engine.exchange.protocol import AVFaceError, CaptureJob
from ..engine.exchange.take import Take
from . import overlay, takes, trust
from .refine import free_path, head_path
from .selection import selected_head, the_head
from .stretches import as_text
from .take_operators import PlayingTakeAction, start_again

_COLOURS: dict[str, tuple[float, float, float]] = {
    "picture": (0.25, 0.75, 0.35), "sound": (0.25, 0.55, 1.0),
}  # fmt: skip
_WIPED = (0.6, 0.6, 0.6)
_VEIL, _BAR, _WORD = 0.14, 0.9, 1.0  # alpha of a band's body, of the bar at its top, of its name
_TOP_PX, _BAR_PX = 24, 6  # below the editor's upper edge, where frames are numbered; at scale 1
_LEAST_NAMED_PX = 60
_SPACES = ("SpaceDopeSheetEditor", "SpaceGraphEditor", "SpaceNLA", "SpaceSequenceEditor")
_HELP = "Drag over the frames in a timeline or another animation editor.  Esc: don't"

_handles: list[tuple[Any, Any]] = []  # of what is drawn, each with its kind of editor
_turn = 0  # counts the brushes that were taken up: the last one paints
_stroke: tuple[int, int, str] | None = None  # first and last frame, and sense, while it is drawn


class AVFACE_OT_paint_trust(PlayingTakeAction, bpy.types.Operator):
    """Say what moves the mouth in the preview range or, without one, where the mouse is dragged"""

    bl_idname = "avface.paint_trust"
    bl_label = "Paint Trust"
    bl_options = {"REGISTER", "UNDO"}

    sense: EnumProperty(
        name="Trust",
        description="What moves the mouth in these frames",
        items=[
            *trust.SENSES,
            ("neither", "Neither", "The capture finds out which of the two is better", "X", 2),
        ],
    )
    first: IntProperty(
        name="First", description="Frame of the scene; the preview range's, unless it is set",
        options={"SKIP_SAVE"},
    )  # fmt: skip
    last: IntProperty(
        name="Last", description="Frame of the scene; the preview range's, unless it is set",
        options={"SKIP_SAVE"},
    )  # fmt: skip

    @classmethod
    def description(cls, context, properties):
        rna = cls.bl_rna.properties["sense"].enum_items[properties.sense]
        where = "In the preview range or, without one, where the mouse is dragged over the timeline"
        return f"{rna.description}. {where}"

    def invoke(self, context, event):
        global _turn
        if context.scene.use_preview_range:
            return self.execute(context)
        if not any(area.type in trust.EDITORS for area in context.screen.areas):
            self.report({"ERROR"}, "There is no timeline to paint on. Open one, or set a preview"
                        " range.")  # fmt: skip
            return {"CANCELLED"}
        _turn += 1
        self._number, self._region = _turn, None
        context.workspace.status_text_set(_HELP)
        context.window.cursor_modal_set("PAINT_BRUSH")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        global _stroke
        if self._number != _turn:  # another brush was taken up
            return {"CANCELLED"}
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            return self._leave(context, {"CANCELLED"})
        if self._region is None:
            region = _region_under(context.screen, event)
            if region is None or event.type != "LEFTMOUSE" or event.value != "PRESS":
                return {"PASS_THROUGH"}
            self._region, self._from = region, _frame_at(region, event)
        self.first, self.last = sorted((self._from, _frame_at(self._region, event)))
        _stroke = self.first, self.last, self.sense
        trust.redraw()
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            return self._leave(context, self.execute(context))
        return {"RUNNING_MODAL"}

    def cancel(self, context):
        self._leave(context, {"CANCELLED"})

    def act(self, context):
        scene, told = context.scene, self.properties.is_property_set
        if not (told("first") and told("last")):
            if not scene.use_preview_range:
                raise AVFaceError("No frames are named.", "Set a preview range, or first and last.")
            self.first, self.last = scene.frame_preview_start, scene.frame_preview_end
        sense = None if self.sense == "neither" else self.sense
        trust.paint(the_head(context), self.first, self.last, sense)
        where = f"from {self.first} to {self.last}"
        return f"The mouth goes by the {sense} {where}" if sense else f"Nothing is painted {where}"

    def _leave(self, context, result: set[str]) -> set[str]:
        global _stroke
        _stroke = None
        context.workspace.status_text_set(None)
        context.window.cursor_modal_restore()
        trust.redraw()
        return result


class AVFACE_OT_solve_trust(PlayingTakeAction, bpy.types.Operator):
    """Solve the mouth anew where what is painted differs from the take; all else stays"""

    bl_idname = "avface.solve_trust"
    bl_label = "Solve the Painted Again"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason:
            return reason
        head = the_head(context)
        if takes.take_file(head) is None:
            return "The take's file is gone: capture the clip again"
        return "" if trust.is_new(head) else "The take goes by what is painted: paint some trust"

    def act(self, context):
        head = the_head(context)
        name, path = takes.playing(head), takes.take_file(head)
        assert path is not None, "poll asks for it"
        take = Take.load(path)
        clip = takes.clip_of(take, path)
        job = CaptureJob(
            clip=clip, out=str(free_path(path)), refines=str(path),
            head=head_path(take), options={"trust": as_text(trust.stretches_of(head))},
        )  # fmt: skip
        start_again(context, clip, lambda folder: job, over=takes.is_range(head, name))
        return "Solving the mouth anew where trust has changed"


def draw_stretches(layout, head: bpy.types.Object) -> None:
    """The list of what is painted, each to be changed or taken away."""
    for item in sorted(trust.items_of(head), key=lambda item: item.start):
        row = layout.row(align=True)
        row.prop(item, "sense", text="", icon_only=True)
        row.prop(item, "first", text="")
        row.prop(item, "last", text="")
        gone = row.row(align=True)
        gone.operator_context = "EXEC_DEFAULT"  # these frames, not the preview range
        wipe = gone.operator("avface.paint_trust", text="", icon="X")
        wipe.sense, wipe.first, wipe.last = "neither", item.first, item.last


CLASSES = (AVFACE_OT_paint_trust, AVFACE_OT_solve_trust)


def register() -> None:
    """Draw the bands in every editor that shows time."""
    for name in _SPACES:
        space: Any = getattr(bpy.types, name)
        _handles.append((space, space.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")))


def unregister() -> None:
    """The reverse."""
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")


def _draw() -> None:
    """The bands of the selected head, and the one that is being painted."""
    context = bpy.context
    head = selected_head(context)
    clock = trust.clock_of(head) if head else None
    if head is None or clock is None:
        return
    for stretch in trust.stretches_of(head):
        first, last = clock.frames(stretch.start, stretch.end)
        _draw_band(context.region, first, last, _COLOURS[stretch.sense], stretch.sense)
    if _stroke is not None:
        first, last, sense = _stroke
        _draw_band(context.region, first, last, _COLOURS.get(sense, _WIPED), "")


def _draw_band(
    region: Any, first: int, last: int, colour: tuple[float, float, float], name: str
) -> None:
    scale = bpy.context.preferences.system.ui_scale
    x0, x1 = (region.view2d.view_to_region(f, 0, clip=False)[0] for f in (first - 0.5, last + 0.5))
    if x1 < 0 or x0 > region.width:
        return
    top = region.height - _TOP_PX * scale
    foot = top - _BAR_PX * scale
    overlay.rectangle((x0, 0), (x1, foot), (*colour, _VEIL))
    overlay.rectangle((x0, foot), (x1, top), (*colour, _BAR))
    if name and x1 - x0 > _LEAST_NAMED_PX * scale:
        place = (max(x0, 0) + 6 * scale, 6 * scale)
        overlay.words(name, place, 11 * scale, (*colour, _WORD))


def _region_under(screen: Any, event: Any) -> Any:
    """The part of an animation editor, right of its channels, that the mouse is over."""
    for area in screen.areas:
        if area.type not in trust.EDITORS:
            continue
        for region in area.regions:
            x, y = event.mouse_x - region.x, event.mouse_y - region.y
            if region.type == "WINDOW" and 0 <= x < region.width and 0 <= y < region.height:
                return region
    return None


def _frame_at(region: Any, event: Any) -> int:
    return round(region.view2d.region_to_view(event.mouse_x - region.x, 0)[0])
