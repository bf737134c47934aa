"""Exports of the selected head: the buttons, and the entries of File > Export."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ..engine.exchange.livelink import write_json, write_livelink
from .action import HeadAction
from .curves import scene_curves
from .export import (
    ExportOptions,
    export_alembic,
    export_fbx,
    export_gltf,
    export_usd,
    missing_part,
)
from .export_check import largest_error_mm
from .selection import the_head


class _ExportAction(HeadAction, ExportHelper):
    """Shared by the exports of one head."""

    bl_options = {"REGISTER", "PRESET"}
    fields = ("range", "scale", "check")

    range: EnumProperty(
        name="Frames",
        description="Which frames of the scene are written",
        items=[
            ("scene", "Scene", "The scene's frame range"),
            ("preview", "Preview Range", "The timeline's preview range, where one is set"),
        ],
    )
    scale: FloatProperty(
        name="Scale",
        default=1.0,
        min=1e-3,
        max=1e3,
        description="Size in the file over the size in the scene, where a head is some 0.3 m high",
    )
    target: EnumProperty(
        name="For",
        description="Whom the file is for",
        items=[
            ("any", "Any Program", "Values as captured, also below 0 and above 1"),
            ("unreal", "Unreal Engine", "Expression keys between 0 and 1, face smoothing"),
            ("unity", "Unity", "Expression keys between 0 and 1, Unity's scale"),
        ],
    )
    check: BoolProperty(
        name="Read It Back",
        description="Read the file again and report how far its surface is from this one",
    )

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        for name in self.fields:
            layout.prop(self, name)

    def act(self, context):
        head, scene = the_head(context), context.scene
        path = Path(bpy.path.abspath(self.filepath))
        preview = (scene.frame_preview_start, scene.frame_preview_end)
        options = ExportOptions(
            frames=preview if self.range == "preview" and scene.use_preview_range else None,
            scale=self.scale if "scale" in self.fields else 1.0,
            target=self.target if "target" in self.fields else "any",
        )
        self.write(head, path, context, options)
        if "check" not in self.fields or not self.check:
            return f"Wrote {path}"
        error = largest_error_mm(head, path, options.scale)
        return f"Wrote {path}; read back, it differs by at most {error:.4f} mm"


class AVFACE_OT_export_fbx(_ExportAction, bpy.types.Operator):
    """Write the selected head with its rig, shape keys and animation to an FBX file"""

    bl_idname = "avface.export_fbx"
    bl_label = "Export FBX"

    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx", options={"HIDDEN"})
    fields = ("target", "range", "scale", "check")
    write = staticmethod(export_fbx)


class AVFACE_OT_export_alembic(_ExportAction, bpy.types.Operator):
    """Write the selected head's moving surface to an Alembic file"""

    bl_idname = "avface.export_alembic"
    bl_label = "Export Alembic"

    filename_ext = ".abc"
    filter_glob: StringProperty(default="*.abc", options={"HIDDEN"})
    write = staticmethod(export_alembic)

    @classmethod
    def disabled_reason(cls, context):
        return missing_part("Alembic") or super().disabled_reason(context)


class AVFACE_OT_export_gltf(_ExportAction, bpy.types.Operator):
    """Write the selected head with its rig, shape keys and animation to a glTF file"""

    bl_idname = "avface.export_gltf"
    bl_label = "Export glTF"

    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb", options={"HIDDEN"})
    fields = ("target", "range", "check")
    write = staticmethod(export_gltf)


class AVFACE_OT_export_usd(_ExportAction, bpy.types.Operator):
    """Write the selected head with its skeleton, blend shapes and animation to a USD file"""

    bl_idname = "avface.export_usd"
    bl_label = "Export USD"

    filename_ext = ".usdc"
    filter_glob: StringProperty(default="*.usdc;*.usd", options={"HIDDEN"})
    fields = ("target", "range", "check")
    write = staticmethod(export_usd)

    @classmethod
    def disabled_reason(cls, context):
        return missing_part("USD") or super().disabled_reason(context)


class AVFACE_OT_export_curves(HeadAction, ExportHelper, bpy.types.Operator):
    """Write ARKit's 52 curves of the selected head, for Live Link Face's receivers, or as JSON"""

    bl_idname = "avface.export_curves"
    bl_label = "Export ARKit Curves"

    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv;*.json", options={"HIDDEN"})  # type: ignore
    check_extension = None

    def act(self, context):
        path = Path(bpy.path.abspath(self.filepath))
        write = write_json if path.suffix.lower() == ".json" else write_livelink
        write(scene_curves(the_head(context), context), path)
        return f"Wrote {path}"


CLASSES = (
    AVFACE_OT_export_fbx,
    AVFACE_OT_export_alembic,
    AVFACE_OT_export_gltf,
    AVFACE_OT_export_usd,
    AVFACE_OT_export_curves,
)


def register() -> None:
    """The entries of File > Export."""
    bpy.types.TOPBAR_MT_file_export.append(draw_export)


def unregister() -> None:
    """Take them away again."""
    bpy.types.TOPBAR_MT_file_export.remove(draw_export)


def draw_export(self, context):
    self.layout.operator("avface.export_fbx", text="AVFace Head (.fbx)")
    self.layout.operator("avface.export_alembic", text="AVFace Head (.abc)")
    self.layout.operator("avface.export_gltf", text="AVFace Head (.glb)")
    self.layout.operator("avface.export_usd", text="AVFace Head (.usdc)")
    self.layout.operator("avface.export_curves", text="AVFace ARKit Curves (.csv, .json)")
