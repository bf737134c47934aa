"""What every operator of the add-on shares."""

# Attributes that Blender adds to an operator can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false

import bpy

from ..engine.exchange.protocol import AVFaceError
from .selection import selected_head


class Action:
    """Shared by all: a button that says why it is grey, and errors in the artist's words."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why this can't be done now; empty when it can."""
        return ""

    @classmethod
    def poll(cls, context):
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def act(self, context: bpy.types.Context) -> str:
        """Do it; what to tell the artist."""
        raise NotImplementedError

    def execute(self, context):
        try:
            sentence = self.act(context)
        except AVFaceError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, sentence)
        return {"FINISHED"}


def said_by(error: RuntimeError) -> str:
    """What an operator of Blender's said that could not."""
    return str(error).rpartition(".poll() ")[2].strip().removeprefix("Error: ").strip()


class HeadAction(Action):
    """Shared by what is done to the selected head."""

    @classmethod
    def disabled_reason(cls, context):
        return "" if selected_head(context) else "Select an AVFace head or its armature"
