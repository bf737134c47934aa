"""What the artist sets once for this machine, and where the add-on's own folders are."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

import textwrap
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..engine.exchange.installation import read_record
from ..engine.exchange.protocol import AVFaceError
from . import engine_setup
from .install import describe, find_engine_python
from .paths import folder_property

# Blender names an extension `bl_ext.<repository>.<id>`: nobody but it knows the name.
EXTENSION = (__package__ or "").rpartition(".")[0]
_LINE_LETTERS = 90


class AVFACE_Preferences(bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    engine_folder: StringProperty(
        name="Engine Folder",
        subtype="DIR_PATH",
        description="Where the engine is installed, 2 GB (with CUDA 7). Empty: the extension's own"
        " folder. On Windows choose a short one, such as C:\\avface",
    )
    torch: EnumProperty(
        name="Runs on",
        description="Which build of PyTorch is installed",
        items=[
            ("auto", "Automatic", "The graphics card where there is an NVIDIA one"),
            ("cpu", "Processor", "A small download; on a Mac it can use the graphics card too"),
            ("cuda", "NVIDIA Card", "A large download"),
        ],
    )
    torch_index: StringProperty(
        name="PyTorch Index",
        description="Address of the package index that PyTorch is taken from. Empty: PyPI, or"
        " PyTorch's own index where PyPI lacks the build (Windows with CUDA, Linux without)",
    )
    wheels: StringProperty(
        name="Folder of Wheels",
        subtype="DIR_PATH",
        description="Install from the wheels in this folder, without a network",
    )
    engine_python: StringProperty(
        name="Engine Python",
        subtype="FILE_PATH",
        description="Python that runs the capture engine. Empty: the one that was installed",
    )
    jobs_folder: folder_property(
        name="Takes Folder",
        description="Where captures are kept, one folder each; //takes lies beside the .blend."
        " Empty: the extension's own folder",
    )

    def draw(self, context):
        layout = self.layout
        _draw_engine(layout, context)
        layout.use_property_split = True
        column = layout.column()
        column.enabled = not engine_setup.is_running()
        for name in ("torch", "torch_index", "wheels", "engine_folder"):
            column.prop(self, name)
        layout.separator()
        layout.prop(self, "engine_python")
        layout.prop(self, "jobs_folder")


CLASSES = (AVFACE_Preferences,)


def engine_python(context: bpy.types.Context) -> Path:
    """The interpreter that runs the engine. Raises AVFaceError when there is none."""
    return find_engine_python(chosen_path(context, "engine_python"), engine_folder(context))


def engine_problem(context: bpy.types.Context) -> str:
    """Why nothing can be captured; empty where there is an engine."""
    try:
        engine_python(context)
    except AVFaceError as error:
        return error.message
    return ""


def download_problem(context: bpy.types.Context) -> str:
    """Why no engine can be installed from anywhere; empty when one can."""
    if bpy.app.online_access or chosen_path(context, "wheels"):
        return ""
    return "Allow Online Access in Preferences > System, or choose a folder of wheels"


def engine_folder(context: bpy.types.Context) -> Path:
    """Where the engine is installed."""
    chosen = chosen_path(context, "engine_folder")
    return Path(chosen) if chosen else _user_folder()


def jobs_folder(context: bpy.types.Context) -> Path:
    """Where each capture gets its folder."""
    chosen = chosen_path(context, "jobs_folder")
    return Path(chosen) if chosen else _user_folder() / "takes"


def _draw_engine(layout, context) -> None:
    """What engine there is, what can be done to it, and how that goes."""
    state = context.window_manager.avface_setup
    box = layout.box()
    row = box.row()
    installed = describe(engine_folder(context))
    problem = engine_problem(context)
    if problem:
        row.label(text=problem, icon="ERROR")
    else:
        row.label(text=installed or f"Engine: {engine_python(context)}", icon="CHECKMARK")
    if engine_setup.is_running():
        bar = box.row(align=True)
        bar.progress(factor=state.fraction, text=f"{state.stage}  {state.fraction:.0%}")
        bar.operator("avface.cancel_installation", text="", icon="X")
        box.label(text=state.detail)
    else:
        buttons = box.row(align=True)
        record = read_record(engine_folder(context))
        buttons.operator(
            "avface.install_engine",
            text="Install Engine Again" if record else "Install Engine",
            icon="IMPORT",
        )
        buttons.operator("avface.verify_engine")
        buttons.operator("avface.remove_engine")
        if problem and (reason := download_problem(context)):
            box.label(text=reason, icon="INFO")
    for text, icon in ((state.message, "INFO"), (state.hint, "BLANK1")):
        for line in textwrap.wrap(text, _LINE_LETTERS):
            box.label(text=line, icon=icon)
    if state.log and state.status == "FAILED":
        box.operator("wm.path_open", text="Open Its Log").filepath = state.log


def chosen_path(context: bpy.types.Context, name: str) -> str:
    """A path of the preferences; empty too where the code is no enabled extension.

    And where it lies beside a .blend that hasn't been saved yet.
    """
    addon = context.preferences.addons.get(EXTENSION)
    path = getattr(addon.preferences, name) if addon else ""
    is_nowhere = path.startswith("//") and not bpy.data.filepath
    return "" if is_nowhere else bpy.path.abspath(path)


def _user_folder() -> Path:
    """Survives updates; the extension's own folder is replaced by each."""
    return Path(bpy.utils.extension_path_user(EXTENSION))
