"""What the panels show of work that goes on. Each is written by the part of its name alone."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)


class AVFACE_Line(bpy.types.PropertyGroup):
    """One sentence for the panel."""

    text: StringProperty()


class AVFACE_JobState(bpy.types.PropertyGroup):
    """What the panel shows of the running or the last capture; written by `job_display` alone."""

    status: EnumProperty(
        items=[(name, name.title(), "") for name in ("IDLE", "RUNNING", "DONE", "FAILED")]
    )
    clip: StringProperty()
    stage: StringProperty()
    fraction: FloatProperty()
    seconds: IntProperty()  # since the start
    seconds_left: IntProperty(default=-1)  # estimated; -1: nobody knows yet
    prepares: BoolProperty()  # the engine's first capture on this machine
    message: StringProperty()
    hint: StringProperty()
    notes: CollectionProperty(type=AVFACE_Line)
    folder: StringProperty()  # of the job: its log, its take
    take: StringProperty()  # path of the result; empty until there is one
    imported: BoolProperty()


class AVFACE_JobRow(bpy.types.PropertyGroup):
    """A job in the panel's list (its clip is `name`); written by `job_display` alone."""

    state: EnumProperty(
        items=[
            (name, name.title(), "") for name in ("WAITING", "INTERRUPTED", "CAPTURED", "FAILED")
        ]
    )
    message: StringProperty()
    folder: StringProperty()


class AVFACE_FaceBox(bpy.types.PropertyGroup):
    """A face in the picture that was looked at."""

    box: FloatVectorProperty(size=4)  # px of the clip: left, top, right, bottom


class AVFACE_FacesState(bpy.types.PropertyGroup):
    """The picture in which faces were looked for; written by `faces` alone."""

    status: EnumProperty(
        items=[(name, name.title(), "") for name in ("IDLE", "RUNNING", "DONE", "FAILED")]
    )
    clip: StringProperty()
    time: FloatProperty()  # seconds of the clip
    size: IntVectorProperty(size=2)  # px of the clip
    picture: StringProperty()  # path
    boxes: CollectionProperty(type=AVFACE_FaceBox)  # the largest and most central first
    message: StringProperty()


class AVFACE_SetupState(bpy.types.PropertyGroup):
    """What the preferences show of an installation; written by `engine_setup` alone."""

    status: EnumProperty(
        items=[(name, name.title(), "") for name in ("IDLE", "RUNNING", "DONE", "FAILED")]
    )
    stage: StringProperty()
    detail: StringProperty()
    fraction: FloatProperty()
    message: StringProperty()
    hint: StringProperty()
    log: StringProperty()


CLASSES = (
    AVFACE_Line,
    AVFACE_JobState,
    AVFACE_JobRow,
    AVFACE_FaceBox,
    AVFACE_FacesState,
    AVFACE_SetupState,
)


def register() -> None:
    """On the window manager, which no file keeps and undo leaves."""
    bpy.types.WindowManager.avface_job = PointerProperty(type=AVFACE_JobState)
    bpy.types.WindowManager.avface_jobs = CollectionProperty(type=AVFACE_JobRow)
    bpy.types.WindowManager.avface_faces = PointerProperty(type=AVFACE_FacesState)
    bpy.types.WindowManager.avface_setup = PointerProperty(type=AVFACE_SetupState)


def unregister() -> None:
    """Take them away again."""
    del bpy.types.WindowManager.avface_setup
    del bpy.types.WindowManager.avface_faces
    del bpy.types.WindowManager.avface_jobs
    del bpy.types.WindowManager.avface_job
