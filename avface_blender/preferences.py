"""What the artist sets once for this machine, and where the add-on's own folders are."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..engine.exchange.protocol import AVFaceError
from .install import find_engine_python

# Blender names an extension `bl_ext.<repository>.<id>`: nobody but it knows the name.
EXTENSION = (__package__ or "").rpartition(".")[0]


class AVFACE_Preferences(bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    engine_python: StringProperty(
        name="Engine Python",
        subtype="FILE_PATH",
        description="Python that runs the capture engine. Empty: the one that was installed",
    )
    jobs_folder: StringProperty(
        name="Takes Folder",
        subtype="DIR_PATH",
        description="Where captures are kept, one folder each. Empty: the extension's own folder",
    )

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_python")
        layout.prop(self, "jobs_folder")
        try:
            layout.label(text=f"Engine: {engine_python(context)}", icon="CHECKMARK")
        except AVFaceError as error:
            layout.label(text=error.message, icon="ERROR")
            layout.label(text=error.hint)


def engine_python(context: bpy.types.Context) -> Path:
    """The interpreter that runs the engine. Raises AVFaceError when there is none."""
    return find_engine_python(_path(context, "engine_python"), _user_folder())


def jobs_folder(context: bpy.types.Context) -> Path:
    """Where each capture gets its folder."""
    chosen = _path(context, "jobs_folder")
    return Path(chosen) if chosen else _user_folder() / "takes"


def _path(context: bpy.types.Context, name: str) -> str:
    """A path of the preferences; empty where the code runs without being an enabled extension."""
    addon = context.preferences.addons.get(EXTENSION)
    return bpy.path.abspath(getattr(addon.preferences, name)) if addon else ""


def _user_folder() -> Path:
    """Survives updates; the extension's own folder is replaced by each."""
    return Path(bpy.utils.extension_path_user(EXTENSION))


CLASSES = (AVFACE_Preferences,)
