"""What Blender must know of the add-on while it is enabled."""

import bpy

from . import (
    batch,
    batch_panel,
    capture_presets,
    character_operators,
    character_panel,
    export_operators,
    face_picker,
    filters,
    jobs,
    landmark_dragger,
    landmarks,
    offset,
    operators,
    panel,
    preferences,
    properties,
    review_operators,
    setup_operators,
    side_by_side,
    take_operators,
    take_panels,
    trust,
    trust_painter,
    watch,
)

CLASSES = (
    *preferences.CLASSES,
    *properties.CLASSES,
    *setup_operators.CLASSES,
    *operators.CLASSES,
    *capture_presets.CLASSES,
    *face_picker.CLASSES,
    *filters.CLASSES,
    *landmarks.CLASSES,
    *offset.CLASSES,
    *side_by_side.CLASSES,
    *landmark_dragger.CLASSES,
    *take_operators.CLASSES,
    *review_operators.CLASSES,
    *trust.CLASSES,
    *trust_painter.CLASSES,
    *panel.CLASSES,
    *batch_panel.CLASSES,
    *take_panels.CLASSES,
    *character_panel.CLASSES,
    *character_operators.CLASSES,
    *export_operators.CLASSES,
)

# Modules with more than classes to make known, in this order; the last goes first.
_PARTS = (
    capture_presets,
    properties,
    batch_panel,
    filters,
    landmarks,
    offset,
    trust,
    trust_painter,
    character_panel,
)

_commands: list[object] = []
_keys: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Classes, pointers, menus, `blender --command avface`, and what a running job must hear."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    for part in _PARTS:
        part.register()
    bpy.types.TOPBAR_MT_file_import.append(panel.draw_import)
    bpy.types.TOPBAR_MT_file_export.append(export_operators.draw_export)
    bpy.app.handlers.load_post.append(jobs.keep_out_of_another_file)
    _commands.append(bpy.utils.register_cli_command("avface", batch.main))
    _register_escape()
    watch.add(_list_jobs)  # not now: enabling must be quick, and has no window yet


def _list_jobs() -> bool:
    jobs.list_jobs()
    return False


def unregister() -> None:
    """The same in reverse."""
    _unregister_escape()
    bpy.utils.unregister_cli_command(_commands.pop())
    bpy.app.handlers.load_post.remove(jobs.keep_out_of_another_file)
    bpy.types.TOPBAR_MT_file_export.remove(export_operators.draw_export)
    bpy.types.TOPBAR_MT_file_import.remove(panel.draw_import)
    for part in (watch, landmark_dragger, jobs):  # end what goes on
        part.unregister()
    for part in reversed(_PARTS):
        part.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)


def _register_escape() -> None:
    """Esc over the 3D view: a key, not a modal operator, which would keep Blender from autosaving.

    Its operator's poll lets the key through when no capture runs.
    """
    configuration = bpy.context.window_manager.keyconfigs.addon  # type: ignore
    if configuration:  # `blender -b` has none
        keymap = configuration.keymaps.new(name="3D View Generic", space_type="VIEW_3D")
        _keys.append((keymap, keymap.keymap_items.new("avface.cancel", "ESC", "PRESS")))


def _unregister_escape() -> None:
    while _keys:
        keymap, item = _keys.pop()
        keymap.keymap_items.remove(item)
