"""The AVFace head that the artist works on."""

from typing import Any

import bpy

from .head_builder import HEAD_PROPERTY


def selected_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The AVFace head that is active or selected, by its mesh or its armature."""
    layer: Any = context.view_layer
    for object_ in [layer.objects.active, *layer.objects.selected]:
        if object_ is None:
            continue
        for item in (object_, *object_.children):
            if HEAD_PROPERTY in item and item.type == "MESH":
                return item
    return None


def the_head(context: bpy.types.Context) -> bpy.types.Object:
    """The selected head, where a poll has asked for one."""
    head = selected_head(context)
    assert head is not None, "poll asks for one"
    return head
