"""The sidebar tab AVFace, in working order, and the entries of the File menu. No logic."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

from pathlib import Path

import bpy

from . import capture_presets, engine_setup, job_panel, jobs
from .install import DEMO_CLIP
from .operators import AVFACE_OT_capture
from .paths import lately
from .preferences import EXTENSION, engine_problem
from .selection import capture_head, head_left_out, selected_head
from .sidebar import SidebarPanel, optional, paragraph


class AVFACE_PT_clip(SidebarPanel, bpy.types.Panel):
    bl_label = "Clip"

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "clip", text="", placeholder="Video or pictures")
        if not settings.clip and DEMO_CLIP.is_file():
            demo = layout.operator("wm.context_set_string", text="Use the Demo Clip")
            demo.data_path, demo.value = "scene.avface.clip", str(DEMO_CLIP)
        column = layout.column(align=True)
        column.prop(settings, "start")
        optional(column, settings, "end")
        if _is_pictures(settings.clip):
            optional(layout, settings, "fps")
        frames = layout.column(align=True)
        frames.prop(settings, "timing")
        optional(frames, settings, "start_frame")
        _draw_faces(layout, context)


class AVFACE_PT_which_face(SidebarPanel, bpy.types.Panel):
    bl_label = "By Number or Region"
    bl_parent_id = "AVFACE_PT_clip"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface
        layout.use_property_split = True
        layout.use_property_decorate = False
        optional(layout, settings, "face")
        layout.prop(settings, "use_region")
        region = layout.column(align=True)
        region.active = settings.use_region
        for index, text in enumerate(("Left", "Top", "Width", "Height")):
            region.prop(settings, "region", index=index, text=text)


class AVFACE_PT_actor(SidebarPanel, bpy.types.Panel):
    bl_label = "Actor"

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "actor", text="Name")
        layout.prop(settings, "same_person")
        layout.prop(settings, "consent")
        layout.prop(settings, "head")
        head = capture_head(context)
        text = f"Goes onto {head.name}" if head else "Makes a new head"
        layout.label(text=text, icon="USER")
        if other := "" if head else head_left_out(context, settings.actor):
            said = layout.column()
            said.active = False
            paragraph(said, other, context)


class AVFACE_PT_capture(SidebarPanel, bpy.types.Panel):
    bl_label = "Capture"

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface
        state = context.window_manager.avface_job
        capture_presets.draw(layout)
        options = layout.column()
        options.use_property_split = True
        options.use_property_decorate = False
        for name in ("quality", "detail", "skin", "use_hair"):
            options.prop(settings, name)
        if jobs.is_running():
            job_panel.draw_running(layout, state, context)
            layout.operator("avface.capture", text="Capture This Clip Next", icon="PLAY")
        else:
            button = layout.row()
            button.scale_y = 1.5
            button.operator("avface.capture", icon="PLAY")
            if _draw_setup(layout, context):
                return
            if reason := AVFACE_OT_capture.disabled_reason(context):
                said = layout.column()
                said.active = False
                paragraph(said, reason, context)
        job_panel.draw_outcome(layout, state, context)
        job_panel.draw_jobs(layout, context)


class AVFACE_PT_options(SidebarPanel, bpy.types.Panel):
    bl_label = "Options"
    bl_parent_id = "AVFACE_PT_capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "smoothing", slider=True)
        layout.prop(settings, "method")
        if settings.method == "spectre" and settings.quality != "draft":
            layout.prop(settings, "lip_reader")
            layout.prop(settings, "emotion_network")
        layout.prop(settings, "senses")
        if settings.senses == "both":
            layout.prop(settings, "trust")
        if settings.senses != "picture":
            layout.prop(settings, "fix_sync")
            layout.prop(settings, "refine_lips")
        optional(layout, settings, "focal")


class AVFACE_PT_export(SidebarPanel, bpy.types.Panel):
    bl_label = "Export"
    bl_order = 8

    @classmethod
    def poll(cls, context):
        return selected_head(context) is not None

    def draw(self, context):
        layout = self.layout
        row = layout.row(align=True)
        row.operator("avface.export_fbx", text="FBX")
        row.operator("avface.export_alembic", text="Alembic")
        row.operator("avface.export_gltf", text="glTF")
        row.operator("avface.export_usd", text="USD")
        layout.operator("avface.export_curves", text="ARKit Curves")


CLASSES = (
    AVFACE_PT_clip,
    AVFACE_PT_which_face,
    AVFACE_PT_actor,
    AVFACE_PT_capture,
    AVFACE_PT_options,
    AVFACE_PT_export,
)


def register() -> None:
    """The entry of File > Import."""
    bpy.types.TOPBAR_MT_file_import.append(draw_import)


def unregister() -> None:
    """Take it away again."""
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)


def draw_import(self, context):
    self.layout.operator("avface.import_take", text="AVFace Take (.take.npz)")


@lately
def _is_pictures(clip: str) -> bool:
    path = Path(bpy.path.abspath(clip))
    is_picture = path.suffix.lower() in bpy.path.extensions_image
    return bool(clip) and (is_picture or path.is_dir())


def _draw_faces(layout, context) -> None:
    """Whom the capture looks at, and the faces to choose from."""
    settings, state = context.scene.avface, context.window_manager.avface_faces
    row = layout.row(align=True)
    text = "Looking for Faces ..." if state.status == "RUNNING" else "Choose the Face"
    row.operator("avface.find_faces", text=text, icon="VIEWZOOM")
    time = row.row(align=True)
    time.use_property_split = False
    time.scale_x = 0.8
    time.prop(settings, "look_at", text="at")
    if state.status == "FAILED":
        paragraph(layout, state.message, context, "ERROR")
    if state.status == "DONE" and state.clip == bpy.path.abspath(settings.clip):
        found = layout.row(align=True)
        found.operator("avface.pick_face", text="Picture", icon="RESTRICT_SELECT_OFF")
        for number in range(1, len(state.boxes) + 1):
            found.operator("avface.pick_face", text=f"Face {number}").face = number
    if settings.use_region:
        _, _, width, height = settings.region
        layout.prop(settings, "use_region", text=f"Only in {width} x {height} Pixels")


def _draw_setup(layout, context) -> bool:
    """What is wrong with the engine, and how to mend it; whether there was something."""
    setup = context.window_manager.avface_setup
    if engine_setup.is_running():
        text = f"{setup.stage}  {setup.fraction:.0%}"
        layout.progress(factor=setup.fraction, text=text)
        return True
    problem = engine_problem(context)
    if problem:
        paragraph(layout, problem, context, "ERROR")
        button = layout.operator(
            "preferences.addon_show", text="Set Up the Engine", icon="PREFERENCES"
        )
        button.module = EXTENSION
    return bool(problem)
