"""What the artist can do about a doubtful take: find the places, correct them, refine it."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from functools import partial
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty

from . import corrections, landmarks, review, takes
from .refine import refine_job
from .rig import rig_of
from .selection import select_only, the_head
from .take_operators import PlayingTakeAction, TakeAction, start_again
from .views import largest, main_region, views_of

_GRAPH_SHARE = 0.3  # of the 3D view's height that curves get


class AVFACE_OT_next_unsure(PlayingTakeAction, bpy.types.Operator):
    """Go to the next place where the capture is unsure"""

    bl_idname = "avface.next_unsure"
    bl_label = "Next Unsure Place"
    bl_options = {"REGISTER"}

    forward: BoolProperty(
        name="Forward", default=True, description="Go on in time; else back, to the one before"
    )
    threshold: FloatProperty(
        name="Below",
        description="A region is unsure below this confidence",
        default=0.5, min=0.0, max=1.0,
    )  # fmt: skip

    def act(self, context):
        confidence = review.confidence_of(takes.playing(the_head(context)))
        ranges = review.unsure_ranges(confidence, self.threshold)
        found = review.step(ranges, context.scene.frame_current, self.forward)
        if found is None:
            return "The capture is sure everywhere"
        context.scene.frame_set(found[0])
        return f"The {found[2]} is unsure from {found[0]} to {found[1]}"


class AVFACE_OT_show_confidence(PlayingTakeAction, bpy.types.Operator):
    """Confidence of face, mouth, eyes, brows and the sound's share in the Graph Editor, or away"""

    bl_idname = "avface.show_confidence"
    bl_label = "Confidence Curves"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason:
            return reason
        if bpy.app.background or context.window is None:
            return "There is no window to show curves in"
        kept = review.confidence_of(takes.playing(the_head(context)))
        return "" if kept else "This take was imported without confidence"

    def act(self, context):
        head = the_head(context)
        rig = rig_of(head)
        assert rig is not None, "a head with a take has an armature"
        if review.shown(rig):
            review.hide_confidence(rig)
            return "The curves are away"
        review.show_confidence(rig, takes.playing(head))
        rig.hide_set(False)
        rig.select_set(True)  # the editor shows what is selected
        area = _graph_editor(context)
        regions = {region.type: region for region in area.regions}
        with context.temp_override(area=area, region=regions["CHANNELS"]):
            bpy.ops.anim.channels_expand(all=True)
        with context.temp_override(area=area, region=regions["WINDOW"]):
            bpy.ops.graph.view_all()
        return "1 is sure, 0 is not: the curves are in the Graph Editor"


class AVFACE_OT_start_corrections(TakeAction, bpy.types.Operator):
    """Key corrections on top of the takes; no take is changed, and new takes keep them"""

    bl_idname = "avface.start_corrections"
    bl_label = "Correct by Hand"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        head = the_head(context)
        corrections.start(head)
        for item in filter(None, (head, rig_of(head))):  # editors show the keys of what is selected
            if item.visible_get():
                item.select_set(True)
        return "Pose and key: what you key is added to the take"


class AVFACE_OT_stop_corrections(TakeAction, bpy.types.Operator):
    """Take the corrections off for a look; nothing of them is lost"""

    bl_idname = "avface.stop_corrections"
    bl_label = "Without Corrections"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        head = the_head(context)
        corrections.stop(head)
        select_only(context, head)
        return "The corrections are off"


class AVFACE_OT_refine(PlayingTakeAction, bpy.types.Operator):
    """Fit the clip anew round the frames that you corrected: their neighbours follow"""

    bl_idname = "avface.refine"
    bl_label = "Refine by These Corrections"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason:
            return reason
        head = the_head(context)
        if corrections.are_on(head) or landmarks.dragged_in(head, takes.playing(head)):
            return ""
        return "Drag landmarks in a frame or two, or pose the face and key it (Correct by Hand)"

    def act(self, context):
        head = the_head(context)
        name = takes.playing(head)
        clip = takes.actions_of(head, name)[0][takes.CLIP_PROPERTY]
        job_in = partial(refine_job, context, head)
        start_again(context, clip, job_in, over=takes.is_range(head, name))
        return "Fitting the clip anew round your corrections"


CLASSES = (
    AVFACE_OT_next_unsure,
    AVFACE_OT_show_confidence,
    AVFACE_OT_start_corrections,
    AVFACE_OT_stop_corrections,
    AVFACE_OT_refine,
)


def _graph_editor(context: bpy.types.Context) -> Any:
    """The window's Graph Editor; without one, the lower part of its largest 3D view becomes one."""
    screen: Any = context.screen
    for area in screen.areas:
        if area.type == "GRAPH_EDITOR":
            return area
    before = set(screen.areas)
    halved: Any = largest(views_of(screen) or list(before))
    with context.temp_override(area=halved, region=main_region(halved)):
        bpy.ops.screen.area_split(direction="HORIZONTAL", factor=_GRAPH_SHARE)
    new = next(area for area in screen.areas if area not in before)
    lower = min((halved, new), key=lambda area: area.y)
    lower.type = "GRAPH_EDITOR"
    return lower
