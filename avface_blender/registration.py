"""What Blender must know of the add-on while it is enabled."""

from typing import Any

import bpy

from . import (
    batch,
    batch_panel,
    capture_presets,
    capture_settings,
    character_operators,
    character_panel,
    duplicates,
    export_operators,
    face_picker,
    filters,
    jobs,
    landmark_dragger,
    landmark_operators,
    landmarks,
    offset,
    operators,
    panel,
    preferences,
    review_operators,
    setup_operators,
    side_by_side,
    states,
    take_operators,
    take_panels,
    trust,
    trust_painter,
    watch,
)

# In this order: what others point to first. A part has CLASSES, or more to make known (`register`),
# or something to end (`unregister`), which goes the other way round: what goes on ends first.
_PARTS: tuple[Any, ...] = (
    preferences,
    capture_settings,
    states,
    setup_operators,
    operators,
    capture_presets,
    face_picker,
    filters,
    landmarks,
    landmark_operators,
    landmark_dragger,
    offset,
    side_by_side,
    take_operators,
    review_operators,
    trust,
    trust_painter,
    panel,
    batch_panel,
    take_panels,
    character_panel,
    character_operators,
    export_operators,
    duplicates,
    jobs,
    watch,
)

CLASSES = tuple(cls for part in _PARTS for cls in getattr(part, "CLASSES", ()))

_commands: list[object] = []
_keys: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Every part, `blender --command avface`, the Esc key, and the jobs that are left."""
    for part in _PARTS:
        for cls in getattr(part, "CLASSES", ()):
            bpy.utils.register_class(cls)
        getattr(part, "register", _nothing)()
    _commands.append(bpy.utils.register_cli_command("avface", batch.main))
    _register_escape()
    watch.add(_list_jobs)  # not now: enabling must be quick, and has no window yet


def _list_jobs() -> bool:
    jobs.list_jobs()
    return False


def _nothing() -> None:
    """What a part without more to make known has to do."""


def unregister() -> None:
    """The same in reverse."""
    _unregister_escape()
    bpy.utils.unregister_cli_command(_commands.pop())
    for part in reversed(_PARTS):
        getattr(part, "unregister", _nothing)()
        for cls in reversed(getattr(part, "CLASSES", ())):
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
