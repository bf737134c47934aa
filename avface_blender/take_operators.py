"""What the artist can do with takes: show, compare, delete, filter, review, correct."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from ..engine.exchange.files import TAKE_SUFFIX
from ..engine.exchange.protocol import AVFaceError, CaptureJob, take_name
from ..engine.exchange.take import Take
from . import corrections, filters, job_folders, jobs, landmarks, review, shot, takes, trust
from .action import Action, HeadAction
from .head_builder import HEAD_PROPERTY
from .preferences import engine_python, jobs_folder
from .properties import capture_job
from .refine import head_path, refine_job
from .rig import rig_of
from .selection import is_linked, selected_head, the_head
from .timeline import rate_of
from .views import largest, main_region, views_of

_GRAPH_SHARE = 0.3  # of the 3D view's height that curves get


def filtered_action(context: bpy.types.Context) -> bpy.types.Action | None:
    """The armature action of the take that plays on the selected head: it holds the filters."""
    head = selected_head(context)
    return takes.armature_action(head) if head else None


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


class FilmedTakeAction(TakeAction):
    """Shared by what looks through the clip's camera."""

    @classmethod
    def disabled_reason(cls, context):
        reason = super().disabled_reason(context)
        if reason or landmarks.clip_camera(context.scene, selected_head(context)) is not None:
            return reason
        return "The take came without its camera: import it once more, with Camera ticked"


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
        for object_ in list(layer.objects.selected):
            object_.select_set(False)
        heads[-1].select_set(True)
        layer.objects.active = heads[-1]
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
        other = before if before in names and before != now else names[names.index(now) - 1]
        head["avface_compared"] = now
        takes.show(head, other)
        return f"{other} plays, instead of {now}"


class AVFACE_OT_delete_take(TakeAction, bpy.types.Operator):
    """Take this take off the head, with its camera and sound"""

    bl_idname = "avface.delete_take"
    bl_label = "Delete Take"
    bl_options = {"REGISTER", "UNDO"}

    take: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    with_files: BoolProperty(
        name="Files Too",
        description="Also delete what the capture wrote to the disk; that can't be undone",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context):
        files = takes.delete(the_head(context), self.take, self.with_files)
        return f"Deleted {self.take}" + (f" and {files} files" if files else "")


class AVFACE_OT_retake(TakeAction, bpy.types.Operator):
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
        clip, python = take.source["path"], engine_python(context)
        folder = job_folders.new_folder(jobs_folder(context), clip)
        job = capture_job(scene.avface, folder)
        if Path(job.clip) != Path(clip):  # the panel is set for another clip
            out = folder / f"{take_name(Path(clip))}{TAKE_SUFFIX}"
            told = take.made_by["options"] | {"trust": ""}  # what is painted says it
            job = CaptureJob(clip, str(out), head=head_path(take), options=told)
        options = job.options | {
            "start": max(start, 0.0), "end": end, "person": str(path),
        }  # fmt: skip
        job = trust.by_trust(replace(job, options=options), head)
        jobs.start(job, folder, python, head, over=True)
        if bpy.app.background:
            jobs.follow()
        return f"Capturing frames {first} to {last} again"


class AVFACE_OT_reset_filters(TakeAction, bpy.types.Operator):
    """Show the take as it was captured"""

    bl_idname = "avface.reset_filters"
    bl_label = "Back to As Captured"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        action = filtered_action(context)
        assert action is not None, "a head with a take has an armature action"
        filters.reset(action)
        return "As captured"


class AVFACE_OT_set_neutral(TakeAction, bpy.types.Operator):
    """The face in this frame is the neutral one: what it shows becomes rest in the whole take"""

    bl_idname = "avface.set_neutral"
    bl_label = "This Frame Is Neutral"
    bl_options = {"REGISTER", "UNDO"}

    clear: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        action = filtered_action(context)
        assert action is not None, "a head with a take has an armature action"
        if self.clear:
            action.avface_filters.neutral = -1
            return "The take's own rest"
        frame = context.scene.frame_current
        first, last = action.frame_range
        if not first <= frame <= last:
            raise AVFaceError(
                f"The take has no frame {frame}.", "Go to a frame of the take with a resting face."
            )
        action.avface_filters.neutral = filters.index_of(action, frame)
        return f"The face of frame {frame} is neutral: gaze and head stay"


class AVFACE_OT_next_unsure(TakeAction, bpy.types.Operator):
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


class AVFACE_OT_show_confidence(TakeAction, bpy.types.Operator):
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
        corrections.start(the_head(context))
        return "Pose and key: what you key is added to the take"


class AVFACE_OT_stop_corrections(TakeAction, bpy.types.Operator):
    """Take the corrections off for a look; nothing of them is lost"""

    bl_idname = "avface.stop_corrections"
    bl_label = "Without Corrections"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        corrections.stop(the_head(context))
        return "The corrections are off"


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


class AVFACE_OT_refine(TakeAction, bpy.types.Operator):
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
        head, python = the_head(context), engine_python(context)
        name = takes.playing(head)
        clip = takes.actions_of(head, name)[0][takes.CLIP_PROPERTY]
        folder = job_folders.new_folder(jobs_folder(context), clip)
        job = refine_job(context, head, folder)
        jobs.start(job, folder, python, head, over=takes.is_range(head, name))
        if bpy.app.background:
            jobs.follow()
        return "Fitting the clip anew round your corrections"


CLASSES = (
    AVFACE_OT_select_head,
    AVFACE_OT_show_take,
    AVFACE_OT_compare_takes,
    AVFACE_OT_delete_take,
    AVFACE_OT_retake,
    AVFACE_OT_reset_filters,
    AVFACE_OT_set_neutral,
    AVFACE_OT_next_unsure,
    AVFACE_OT_show_confidence,
    AVFACE_OT_start_corrections,
    AVFACE_OT_stop_corrections,
    AVFACE_OT_refine,
    AVFACE_OT_add_lights,
)
