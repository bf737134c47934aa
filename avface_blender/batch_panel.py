"""A folder of clips in the sidebar: its settings, its table of states, its engine."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false
# pyright: reportIncompatibleMethodOverride=false

from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..engine.exchange.protocol import Done, Event, Failed, Item
from . import watch
from .action import Action
from .capture_request import shared_options
from .engine_client import BatchRequest, EngineJob, start_batch
from .head_files import panel_head
from .install import ROOT
from .paths import file_property, folder_property
from .preferences import engine_python
from .sidebar import SidebarPanel, paragraph

STATES = {  # of a clip: the engine's word -> the artist's, an icon
    "WAITING": ("waits", "TIME"),
    "RUNNING": ("", "PLAY"),
    "DONE": ("done", "CHECKMARK"),
    "SKIPPED": ("stands already", "CHECKMARK"),
    "FAILED": ("failed", "ERROR"),
}


class AVFACE_BatchSettings(bpy.types.PropertyGroup):
    """What the artist asks of a batch; how each clip is captured, the other panels say."""

    source: file_property(
        name="Clips",
        description="Folder of clips, or a list of them (CSV or JSON) with actor, in and out",
    )
    out: folder_property(name="Results", description="Where takes, sheets and the report go")
    workers: IntProperty(
        name="At a Time",
        min=1,
        soft_max=16,
        default=2,
        description="Captures that run at once: each takes a core and about a gigabyte",
    )
    previews: BoolProperty(name="Previews", description="Draw a preview film of each capture")


class AVFACE_BatchRow(bpy.types.PropertyGroup):
    """One clip of the batch; written by the batch alone."""

    state: EnumProperty(items=[(name, name.title(), "") for name in STATES])
    stage: StringProperty()
    fraction: FloatProperty()
    message: StringProperty()
    take: StringProperty()


class AVFACE_BatchState(bpy.types.PropertyGroup):
    """What the panel shows of the running or the last batch."""

    rows: CollectionProperty(type=AVFACE_BatchRow)
    index: IntProperty()
    message: StringProperty()
    hint: StringProperty()
    report: StringProperty()


class AVFACE_UL_batch(bpy.types.UIList):
    """Clip, and how far it is."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property):
        words, symbol = STATES[item.state]
        row = layout.row()
        row.label(text=item.name, icon=symbol)
        if item.state == "RUNNING":
            row.progress(factor=item.fraction, text=f"{item.stage}  {item.fraction:.0%}")
        else:
            row.label(text=words)


class AVFACE_OT_start_batch(Action, bpy.types.Operator):
    """Capture all clips of the folder or list; what is done already is skipped"""

    bl_idname = "avface.start_batch"
    bl_label = "Capture All"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        settings = context.scene.avface_batch
        if work.engine:
            return "A batch is running: wait for it, or cancel it"
        if not settings.source or not Path(bpy.path.abspath(settings.source)).exists():
            return "Choose a folder of clips, or a list of them"
        return "" if settings.out else "Choose a folder for the results"

    def act(self, context):
        start(context)
        if bpy.app.background:
            watch.finish(work.poll)
            return context.window_manager.avface_batch.message
        return "Capturing; go on working"


class AVFACE_OT_cancel_batch(Action, bpy.types.Operator):
    """End the batch; what is done stays, and the rest can be captured later"""

    bl_idname = "avface.cancel_batch"
    bl_label = "Cancel Batch"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if work.engine else "No batch is running"

    def act(self, context):
        work.cancel()
        return "The batch was cancelled"


class AVFACE_PT_batch(SidebarPanel, bpy.types.Panel):
    bl_label = "Batch"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 90

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface_batch
        state = context.window_manager.avface_batch
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("source", "out", "workers", "previews"):
            column.prop(settings, name)
        if work.engine:
            layout.operator("avface.cancel_batch", icon="X")
        else:
            layout.operator("avface.start_batch", icon="PLAY")
        if state.rows:
            layout.template_list("AVFACE_UL_batch", "", state, "rows", state, "index")
            _draw_chosen(layout, state, context)
        for text in filter(None, (state.message, state.hint)):
            paragraph(layout, text, context)
        if state.report:
            layout.operator("wm.path_open", text="Open the Report").filepath = state.report


CLASSES = (
    AVFACE_BatchSettings,
    AVFACE_BatchRow,
    AVFACE_BatchState,
    AVFACE_UL_batch,
    AVFACE_OT_start_batch,
    AVFACE_OT_cancel_batch,
    AVFACE_PT_batch,
)


def start(context: bpy.types.Context) -> None:
    """Start the engine on the batch that the panel asks for. Raises AVFaceError."""
    settings = context.scene.avface_batch
    request = BatchRequest(
        source=Path(bpy.path.abspath(settings.source)),
        out=Path(bpy.path.abspath(settings.out)),
        workers=settings.workers,
        previews=settings.previews,
        head=panel_head(context),
        options=shared_options(context.scene.avface),
    )
    work.engine = start_batch(request, engine_python(context), ROOT)
    state = context.window_manager.avface_batch
    state.rows.clear()
    state.message = state.hint = state.report = ""
    watch.add(work.poll)


def register() -> None:
    """One place on the scene, one on the window manager."""
    bpy.types.Scene.avface_batch = PointerProperty(type=AVFACE_BatchSettings)
    bpy.types.WindowManager.avface_batch = PointerProperty(type=AVFACE_BatchState)


def unregister() -> None:
    """Take them away again."""
    del bpy.types.WindowManager.avface_batch
    del bpy.types.Scene.avface_batch


def _hear(news: list[Event]) -> None:
    """Take in what was said."""
    for event in news:
        if isinstance(event, Item):
            _show(bpy.context.window_manager.avface_batch, event)
    if news:
        watch.redraw()


def _show(state: Any, item: Item) -> None:
    row = state.rows.get(item.name)
    if row is None:
        row = state.rows.add()
        row.name = item.name
    row.state, row.fraction, row.take = item.state.upper(), item.fraction, item.result
    row.stage, row.message = (item.message, "") if item.state == "running" else ("", item.message)


def _end(engine: EngineJob) -> None:
    """How the batch ended, in one line."""
    state, outcome = bpy.context.window_manager.avface_batch, engine.outcome
    states = [row.state for row in state.rows]
    good = states.count("DONE") + states.count("SKIPPED")
    if isinstance(outcome, Done):
        state.message = f"{good} of {len(states)} captured, {states.count('FAILED')} failed."
        state.report = outcome.result
    elif isinstance(outcome, Failed):
        state.message, state.hint = outcome.message, outcome.hint
    for row in state.rows:
        if row.state == "RUNNING":
            row.state = "WAITING"
    watch.redraw()


work = watch.Work(_hear, _end)


def _draw_chosen(layout, state, context) -> None:
    """What can be done with the chosen clip's take, or why there is none."""
    if not 0 <= state.index < len(state.rows):
        return
    row = state.rows[state.index]
    if row.take:
        line = layout.row()
        line.operator_context = "EXEC_DEFAULT"
        line.operator("avface.import_take", text=f"Import {row.name}").filepath = row.take
    elif row.message:
        paragraph(layout, row.message, context, "ERROR")
