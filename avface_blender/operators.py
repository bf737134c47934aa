"""What the artist can do: each operator checks, calls, and reports."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..engine.exchange.files import TAKE_SUFFIX
from ..engine.exchange.protocol import AVFaceError
from . import (
    character_panel,
    corrections,
    filters,
    job_folders,
    jobs,
    pins,
    refine,
    takes,
    trust,
)
from .action import Action
from .capture_request import capture_job, clip_problem
from .capture_settings import TIMINGS
from .preferences import engine_problem, engine_python, jobs_folder
from .selection import capture_head, head_named, selected_head
from .take_importer import ImportOptions, import_take
from .timeline import rate_of


class AVFACE_OT_capture(Action, bpy.types.Operator):
    """Capture the face in the clip; the head comes into the scene when it is done"""

    bl_idname = "avface.capture"
    bl_label = "Capture from Video"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        settings = context.scene.avface
        if problem := clip_problem(settings):
            return problem
        if settings.use_end and settings.end <= settings.start:
            return "The end lies before the start"
        return engine_problem(context)

    def act(self, context):
        settings, python = context.scene.avface, engine_python(context)
        folder = job_folders.new_folder(jobs_folder(context), settings.clip)
        waits = jobs.is_running()
        head = capture_head(context)
        job = trust.by_trust(capture_job(settings, folder, takes.take_file(head)), head)
        jobs.start(job, folder, python, head)
        if waits:
            return "It waits for the captures before it"
        if not bpy.app.background:
            return "Capturing; go on working, Esc over the 3D view cancels"
        jobs.follow()
        state = context.window_manager.avface_job
        if state.status != "DONE":
            raise AVFaceError(state.message, state.hint)
        return f"Captured {state.clip}"


class AVFACE_OT_cancel(Action, bpy.types.Operator):
    """End the running capture"""

    bl_idname = "avface.cancel"
    bl_label = "Cancel Capture"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if jobs.is_running() else "No capture is running"

    def act(self, context):
        jobs.cancel()
        return "The capture was cancelled"


class AVFACE_OT_resume_job(Action, bpy.types.Operator):
    """Capture this clip after all: it was interrupted"""

    bl_idname = "avface.resume_job"
    bl_label = "Resume Capture"
    bl_options = {"REGISTER"}

    folder: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        jobs.resume(Path(self.folder), engine_python(context))
        if bpy.app.background:
            jobs.follow()
        return "Capturing again"


class AVFACE_OT_import_job(Action, bpy.types.Operator):
    """Bring this capture's take in, onto the selected head: a retake over its range"""

    bl_idname = "avface.import_job"
    bl_label = "Import the Take"
    bl_options = {"REGISTER"}  # the import within is the step of undo

    folder: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        jobs.bring_in(Path(self.folder))
        return "Imported"


class AVFACE_OT_dismiss_job(Action, bpy.types.Operator):
    """Take this capture off the list; what it has made stays in its folder"""

    bl_idname = "avface.dismiss_job"
    bl_label = "Dismiss Capture"
    bl_options = {"REGISTER"}

    folder: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        jobs.dismiss(Path(self.folder))
        return "Dismissed"


class AVFACE_OT_import_take(Action, ImportHelper, bpy.types.Operator):
    """Bring in a take: onto the selected AVFace head, or onto a new one"""

    bl_idname = "avface.import_take"
    bl_label = "Import Take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default=f"*{TAKE_SUFFIX}", options={"HIDDEN"})

    new_head: BoolProperty(name="New Head", description="Make a new head even when one is selected")
    identity: BoolProperty(
        name="Shape of the Person", default=True, description="Give the head the person's shape"
    )
    look: BoolProperty(
        name="Skin and Wrinkles", default=True, description="Give the head the take's pictures"
    )
    moves: EnumProperty(
        name="Moves",
        description="What moves when the head and the camera move against each other",
        items=[
            ("head", "Head", "The camera stands still, the head moves"),
            ("camera", "Camera", "The head stands still, the camera moves round it"),
        ],
    )
    timing: EnumProperty(
        name="Frame Rate",
        description="How the clip's frames meet the scene's; as the panel Clip has it, unless set",
        items=TIMINGS,
        options={"SKIP_SAVE"},
    )
    over: BoolProperty(
        name="Only Its Range",
        description="The take that plays now plays on before and after this one",
    )
    camera: BoolProperty(
        name="Camera", default=True, description="Add the clip's camera, the clip behind it"
    )
    sound: BoolProperty(name="Sound", default=True, description="Add the clip's sound")
    markers: BoolProperty(
        name="Markers", default=True, description="Mark where the capture is unsure"
    )
    head: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # its name; empty: the selected one
    told: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # folder of a job that knew corrections
    keeps_clean_up: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})  # of the take that plays now

    @classmethod
    def disabled_reason(cls, context):
        return "" if context.mode == "OBJECT" else "Takes come in in Object Mode: change to it"

    def invoke(self, context, event):
        self.timing = self._timing(context)
        return super().invoke(context, event)

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for name in ("new_head", "identity", "look", "moves", "timing", "over"):
            layout.prop(self, name)
        column = layout.column(heading="Add")
        for name in ("camera", "sound", "markers"):
            column.prop(self, name)

    def act(self, context):
        path = Path(bpy.path.abspath(self.filepath))
        names = ("new_head", "identity", "look", "moves", "over", "camera", "sound", "markers")
        scene: Any = context.scene
        settings = scene.avface
        options = ImportOptions(
            **{name: getattr(self, name) for name in names},
            head=head_named(self.head) if self.head else None,
            timing=self._timing(context),
            start_frame=settings.start_frame if settings.use_start_frame else None,
        )
        head = options.head or (None if self.new_head else selected_head(context))
        cleaned = takes.armature_action(head) if head and self.keeps_clean_up else None
        result = import_take(path, context, options)
        new = takes.armature_action(result.head)
        if self.told and new is not None:
            rate = rate_of(scene).frames_per_second
            pins.pin(new, refine.corrected_in(Path(self.told)), rate)
        if cleaned is not None and new is not None:
            filters.hand_on(cleaned, new)
        for note in result.notes:
            self.report({"WARNING"}, note)
        trust.adopt(result.head, scene)
        told = corrections.read_told(Path(self.told)) if self.told else None
        if told and new is not None:
            corrections.retire(result.head, told, int(new[takes.CLIP_START_PROPERTY]))
        character_panel.offer(scene.avface_character, result.head, path)
        jobs.imported(path, result.notes)
        return f"Imported {result.name}"

    def _timing(self, context) -> Any:
        """As it was asked for, else as the panel has it."""
        chosen = self.properties.is_property_set("timing")
        return self.timing if chosen else context.scene.avface.timing


CLASSES = (
    AVFACE_OT_capture,
    AVFACE_OT_cancel,
    AVFACE_OT_resume_job,
    AVFACE_OT_import_job,
    AVFACE_OT_dismiss_job,
    AVFACE_OT_import_take,
)
