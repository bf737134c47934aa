"""Presets of the capture's options: ours beside this file, the artist's in Blender's own folder."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportInvalidTypeForm=false

from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase  # pyright: ignore[reportMissingImports]
from bpy.props import StringProperty

from .action import Action

FOLDER = "avface/capture"  # below `presets/`
_PLACE = str(Path(__file__).parent)  # Blender looks for presets/ in it

# What a preset keeps: how to capture, not what. The camera's focal length is a studio's, not a
# clip's.
OPTIONS = ("quality", "detail", "skin", "use_hair", "method", "smoothing", "senses", "fix_sync",
           "refine_lips", "lip_reader", "emotion_network", "use_focal", "focal")  # fmt: skip


class AVFACE_MT_capture_presets(bpy.types.Menu):
    """Options of a capture that belong together"""

    bl_label = "Presets"
    preset_subdir = FOLDER
    preset_operator = "avface.use_preset"
    draw = bpy.types.Menu.draw_preset  # type: ignore


class AVFACE_OT_use_preset(Action, bpy.types.Operator):
    """Set the capture's options as this preset has them"""

    bl_idname = "avface.use_preset"
    bl_label = "Use Capture Preset"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    menu_idname: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context):
        menu = AVFACE_MT_capture_presets.__name__
        bpy.ops.script.execute_preset(filepath=self.filepath, menu_idname=menu)
        return f"Options as {AVFACE_MT_capture_presets.bl_label}"


class AVFACE_OT_save_preset(AddPresetBase, bpy.types.Operator):
    """Keep the capture's options under a name of your own"""

    bl_idname = "avface.save_preset"
    bl_label = "Save Capture Preset"
    bl_options = {"REGISTER", "INTERNAL"}

    preset_menu = "AVFACE_MT_capture_presets"
    preset_subdir = FOLDER
    preset_defines = ("settings = bpy.context.scene.avface",)
    preset_values = tuple(f"settings.{name}" for name in OPTIONS)


class AVFACE_OT_remove_preset(Action, bpy.types.Operator):
    """Delete the preset that the menu shows"""

    bl_idname = "avface.remove_preset"
    bl_label = "Remove Capture Preset"
    bl_options = {"REGISTER", "INTERNAL"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if _own_file() else "Choose a preset that you have saved; AVFace's own stay"

    def act(self, context):
        file, menu = _own_file(), AVFACE_MT_capture_presets
        assert file is not None, "poll asks for one"
        file.unlink(missing_ok=True)
        name, menu.bl_label = menu.bl_label, "Presets"
        return f"Removed {name}"


CLASSES = (
    AVFACE_MT_capture_presets,
    AVFACE_OT_use_preset,
    AVFACE_OT_save_preset,
    AVFACE_OT_remove_preset,
)


def draw(layout) -> None:
    """The menu, and the buttons that save and remove."""
    row = layout.row(align=True)
    menu = AVFACE_MT_capture_presets
    row.menu(menu.__name__, text=menu.bl_label, icon="PRESET")
    row.operator("avface.save_preset", text="", icon="ADD")
    row.operator("avface.remove_preset", text="", icon="REMOVE")


def _own_file() -> Path | None:
    """The file of the shown preset, where it is the artist's."""
    shown = AVFACE_MT_capture_presets.bl_label
    folder = Path(bpy.utils.user_resource("SCRIPTS", path=f"presets/{FOLDER}"))
    files = folder.glob("*.py")
    return next(
        (f for f in files if bpy.path.display_name(f.name, title_case=False) == shown), None
    )


def register() -> None:
    """Let Blender find our presets."""
    bpy.utils.register_preset_path(_PLACE)


def unregister() -> None:
    """Let it forget them."""
    bpy.utils.unregister_preset_path(_PLACE)
    AVFACE_MT_capture_presets.bl_label = "Presets"
