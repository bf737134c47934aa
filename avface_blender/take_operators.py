"""What the artist can do with takes: show, compare, delete, filter, review, correct."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..engine.exchange.files import TAKE_SUFFIX
from ..engine.exchange.protocol import AVFaceError, CaptureJob, take_name
from ..engine.exchange.take import Take
from . import (
    filters,
    job_folders,
    jobs,
    landmarks,
    shot,
    take_removal,
    takes,
    trust,
)
from .action import Action, HeadAction
from .capture_request import capture_job
from .head_builder import HEAD_PROPERTY
from .preferences import engine_python, jobs_folder
from .refine import head_path
from .rig import rig_of
from .selection import is_linked, select_only, selected_head, the_head
from .timeline import rate_of


def filtered_action(context: bpy.types.Context) -> bpy.types.Action | None:
    """The armature action of the take that plays on the selected head: it holds the filters."""
    head = selected_head(context)
    return takes.armature_action(head) if head else None


class TakeAction(HeadAction):
    """Shared by what needs a head with a take."""

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason:
            return reason
        head = the_head(context)
        if is_linked(head):
            return "The head is linked from another file: make it local, or work on it there"
        return "" if takes.takes_of(head) else "The head has no take yet: capture or import one"


class PlayingTakeAction(TakeAction):
    """Shared by what is done to the take that plays."""

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason or filtered_action(context) is not None:
            return reason
        if takes.playing(the_head(context)):
            return "The take has lost its track on the armature: import it once more"
        return "No take plays: click one under Takes"


class FilmedTakeAction(PlayingTakeAction):
    """Shared by what looks through the clip's camera."""

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason or landmarks.clip_camera(context.scene, selected_head(context)) is not None:
            return reason
        return "The take came without its camera: import it once more, with Camera ticked"


def start_again(
    context: bpy.types.Context, clip: str, job_in: Callable[[Path], CaptureJob], over: bool
) -> None:
    """Let the engine work on the selected head's take again, in a new folder for the `clip`.

    `job_in` makes the job in that folder; `over`: the playing take plays on where it has no frames.
    """
    head, python = the_head(context), engine_python(context)
    folder = job_folders.new_folder(jobs_folder(context), clip)
    jobs.start(job_in(folder), folder, python, head, over=over)
    if bpy.app.background:
        jobs.follow()


class AVFACE_OT_select_head(Action, bpy.types.Operator):
    """Select the AVFace head of this scene"""

    bl_idname = "avface.select_head"
    bl_label = "Select the Head"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        layer: Any = context.view_layer
        heads = [o for o in layer.objects if HEAD_PROPERTY in o and o.visible_get()]
        if not heads:
            raise AVFaceError("No AVFace head is visible here.", "Capture or import a take.")
        select_only(context, heads[-1])
        return f"Selected {heads[-1].name}"


class AVFACE_OT_show_take(TakeAction, bpy.types.Operator):
    """Play this take; the others stay on the NLA, silent"""

    bl_idname = "avface.show_take"
    bl_label = "Show Take"
    bl_options = {"REGISTER", "UNDO"}

    take: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        takes.show(the_head(context), self.take)
        return f"{self.take} plays"


class AVFACE_OT_compare_takes(TakeAction, bpy.types.Operator):
    """Change to the take that played before this one, and back"""

    bl_idname = "avface.compare_takes"
    bl_label = "Compare with the Other Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason:
            return reason
        return "" if len(takes.takes_of(the_head(context))) > 1 else "There is only one take"

    def act(self, context):
        head = the_head(context)
        names, now = [entry.name for entry in takes.takes_of(head)], takes.playing(head)
        before = head.get("avface_compared", "")
        if before not in names or before == now:
            before = names[names.index(now) - 1] if now else names[-1]
        head["avface_compared"] = now
        takes.show(head, before)
        return f"{before} plays, instead of {now or 'none'}"


class AVFACE_OT_delete_take(TakeAction, bpy.types.Operator):
    """Take this take off the head, with its camera and sound; the last one with its head"""

    bl_idname = "avface.delete_take"
    bl_label = "Delete Take"
    bl_options = {"REGISTER", "UNDO"}

    take: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    with_head: BoolProperty(
        name="The Head Too",
        description="Also delete the head with its armature, hair, lights and corrections",
        options={"SKIP_SAVE"},
    )
    with_files: BoolProperty(
        name="Files Too",
        description="Also delete what the capture wrote to the disk; that can't be undone",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context):
        if len(takes.takes_of(the_head(context))) == 1:
            self.layout.prop(self, "with_head")
        self.layout.prop(self, "with_files")

    def act(self, context):
        head = the_head(context)
        if self.with_head:
            files = take_removal.delete_head(head, self.with_files)
        else:
            files = take_removal.delete(head, self.take, self.with_files)
        return f"Deleted {self.take}" + (f" and {files} files" if files else "")


class AVFACE_OT_retake(PlayingTakeAction, bpy.types.Operator):
    """Capture the preview range again, as Clip and Capture are set now; the rest stays"""

    bl_idname = "avface.retake"
    bl_label = "Retake the Preview Range"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason or context.scene.use_preview_range:
            return reason
        return "Set a preview range in the timeline first (P)"

    def act(self, context):
        scene, head = context.scene, the_head(context)
        action = takes.actions_of(head, takes.playing(head))[0]
        path = takes.file_of(action)
        take = Take.load(path)
        rate = rate_of(scene).frames_per_second
        first, last = scene.frame_preview_start, scene.frame_preview_end
        start, end = ((f - action[takes.CLIP_START_PROPERTY]) / rate for f in (first, last + 1))
        clip = takes.clip_of(take, path)

        def job_in(folder: Path) -> CaptureJob:
            job = capture_job(scene.avface, folder)
            if Path(job.clip) != Path(clip):  # the panel is set for another clip
                out = folder / f"{take_name(Path(clip))}{TAKE_SUFFIX}"
                told = take.made_by["options"] | {"trust": ""}  # what is painted says it
                job = CaptureJob(clip, str(out), head=head_path(take), options=told)
            part = {"start": max(start, 0.0), "end": end, "person": str(path)}
            return trust.by_trust(replace(job, options=job.options | part), head)

        start_again(context, clip, job_in, over=True)
        return f"Capturing frames {first} to {last} again"


class AVFACE_OT_reset_filters(PlayingTakeAction, bpy.types.Operator):
    """Show the take as it was captured"""

    bl_idname = "avface.reset_filters"
    bl_label = "Back to As Captured"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        action = filtered_action(context)
        assert action is not None, "a head with a take has an armature action"
        filters.reset(action)
        return "As captured"


class AVFACE_OT_set_neutral(PlayingTakeAction, bpy.types.Operator):
    """The face in this frame is the neutral one: what it shows becomes rest in the whole take"""

    bl_idname = "avface.set_neutral"
    bl_label = "This Frame Is Neutral"
    bl_options = {"REGISTER", "UNDO"}

    clear: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        actions = takes.armature_actions(the_head(context))
        if self.clear:
            filters.clear_neutral(actions)
            return "The take's own rest"
        frame = context.scene.frame_current
        if not filters.set_neutral(actions, frame):
            raise AVFaceError(
                f"The take has no frame {frame}.", "Go to a frame of the take with a resting face."
            )
        return f"The face of frame {frame} is neutral: gaze and head stay"


class AVFACE_OT_add_lights(TakeAction, bpy.types.Operator):
    """Three lights round the head, and a dim world where the scene has none"""

    bl_idname = "avface.add_lights"
    bl_label = "Add Portrait Lights"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        rig = None if reason else rig_of(the_head(context))
        if rig and any(child.type == "LIGHT" for child in rig.children):
            return "The head has its lights already"
        return reason

    def act(self, context):
        rig = rig_of(the_head(context))
        assert rig is not None, "a head with a take has an armature"
        scene: Any = context.scene
        shot.add_lights(rig, rig.users_collection[0], scene)
        return "Added key, fill and rim light"


CLASSES = (
    AVFACE_OT_select_head,
    AVFACE_OT_show_take,
    AVFACE_OT_compare_takes,
    AVFACE_OT_delete_take,
    AVFACE_OT_retake,
    AVFACE_OT_reset_filters,
    AVFACE_OT_set_neutral,
    AVFACE_OT_add_lights,
)
