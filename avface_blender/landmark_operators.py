"""Landmarks of a frame said to lie elsewhere, or put back: what dragging calls, and scripts can."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

import bpy
from bpy.props import FloatVectorProperty, IntProperty

from ..engine.exchange.protocol import AVFaceError
from . import landmarks
from .selection import the_head
from .take_operators import FilmedTakeAction


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
        landmarks.drag(the_head(context), shown_here(context), self.landmark, tuple(self.place))
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
            at = shown_here(context)
        except AVFaceError as error:
            return str(error)
        return "" if at.dragged else "No landmark was dragged in this frame"

    def act(self, context):
        one = None if self.landmark < 0 else self.landmark
        count = landmarks.forget(the_head(context), shown_here(context), one)
        return f"{count} landmark{'' if count == 1 else 's'} put back"


CLASSES = (AVFACE_OT_move_landmark, AVFACE_OT_forget_landmarks)


def shown_here(context) -> landmarks.Shown:
    """The landmarks at the scene's frame. Raises AVFaceError outside the take."""
    at = landmarks.shown(context.scene, the_head(context))
    if at is None:
        raise AVFaceError("The take has no picture in this frame.", "Go to a frame of the take.")
    return at
