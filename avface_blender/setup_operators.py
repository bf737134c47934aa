"""Buttons of the preferences: install, verify and remove the engine."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false

import bpy

from ..engine.exchange.installation import InstallPlan
from ..engine.exchange.protocol import AVFaceError
from . import engine_setup, jobs, watch
from .action import Action
from .preferences import (
    EXTENSION,
    chosen_path,
    download_problem,
    engine_folder,
    engine_problem,
    engine_python,
)


class _SetupAction(Action):
    """Shared by what is done to the engine."""

    @classmethod
    def disabled_reason(cls, context):
        if engine_setup.is_running():
            return "An installation is running: wait for it, or cancel it"
        return ""

    def plan(self, context: bpy.types.Context) -> InstallPlan:
        raise NotImplementedError

    def act(self, context):
        engine_setup.start(self.plan(context))
        if bpy.app.background:
            watch.finish(engine_setup.work.poll)
            state = context.window_manager.avface_setup
            if state.status != "DONE":
                raise AVFaceError(state.message, state.hint)
            return state.message
        return "Begun; Blender stays free meanwhile"


class AVFACE_OT_install_engine(_SetupAction, bpy.types.Operator):
    """Make the engine's own Python environment; Blender's is not touched"""

    bl_idname = "avface.install_engine"
    bl_label = "Install Engine"

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if not reason and jobs.is_running():
            reason = "A capture is running: wait for it, or cancel it"
        return reason or download_problem(context)

    def plan(self, context):
        addon = context.preferences.addons.get(EXTENSION)
        assert addon is not None, "operators exist only where the extension is enabled"
        ours = addon.preferences
        return InstallPlan(
            str(engine_folder(context)),
            torch=ours.torch,
            torch_index=ours.torch_index.strip(),
            wheels=chosen_path(context, "wheels"),
            online=bpy.app.online_access,
        )


class AVFACE_OT_verify_engine(_SetupAction, bpy.types.Operator):
    """Check versions and weights, and capture a moment of the demo clip"""

    bl_idname = "avface.verify_engine"
    bl_label = "Verify"

    @classmethod
    def disabled_reason(cls, context):
        return super().disabled_reason(context) or engine_problem(context)

    def plan(self, context):
        python = str(engine_python(context))
        return InstallPlan(str(engine_folder(context)), action="verify", python=python)


class AVFACE_OT_remove_engine(_SetupAction, bpy.types.Operator):
    """Delete the engine's environment; takes stay"""

    bl_idname = "avface.remove_engine"
    bl_label = "Remove"

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if not reason and jobs.is_running():
            reason = "A capture is running: wait for it, or cancel it"
        if not reason and not any(engine_folder(context).glob("engine*")):
            reason = "AVFace has installed no engine here"
        return reason

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def plan(self, context):
        return InstallPlan(str(engine_folder(context)), action="remove")


class AVFACE_OT_cancel_installation(Action, bpy.types.Operator):
    """End the installation; what has been downloaded is kept for the next attempt"""

    bl_idname = "avface.cancel_installation"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context):
        return "" if engine_setup.is_running() else "No installation is running"

    def act(self, context):
        engine_setup.cancel()
        return "The installation was cancelled"


CLASSES = (
    AVFACE_OT_install_engine,
    AVFACE_OT_verify_engine,
    AVFACE_OT_remove_engine,
    AVFACE_OT_cancel_installation,
)
