"""The AVFace head that the artist works on."""

import json
from typing import Any

import bpy

from ..engine.exchange.provenance import PROVENANCE_PROPERTY
from .hair import HAIR_PROPERTY
from .head_builder import HEAD_PROPERTY, heads
from .head_files import DEFAULT_HEAD, panel_head, sha256_of
from .rig import rig_of


def selected_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The AVFace head that is active or selected, by its mesh, its armature or its hair."""
    layer: Any = context.view_layer
    for object_ in [layer.objects.active, *layer.objects.selected]:
        if object_ is None:
            continue
        wearer = object_.get(HAIR_PROPERTY)
        for item in (wearer or object_, *object_.children):
            if HEAD_PROPERTY in item and item.type == "MESH":
                return item
    return None


def capture_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head onto which the next capture goes: the selected one, if it is of the head file."""
    head = selected_head(context)
    if head is None or is_linked(head):
        return None
    return head if head[HEAD_PROPERTY] == sha256_of(panel_head(context) or DEFAULT_HEAD) else None


def head_left_out(context: bpy.types.Context, actor: str) -> str:
    """Why a capture doesn't go onto the head that an actor has in the scene; empty without one."""
    scene: Any = context.scene
    file = sha256_of(panel_head(context) or DEFAULT_HEAD)
    ours = [o for o in heads() if o.name in scene.objects and not is_linked(o)]
    mine = [o for o in ours if o[HEAD_PROPERTY] == file and _actor_of(o) == actor]
    if not mine:
        return ""
    head = mine[-1]
    layer: Any = context.view_layer
    if head.name not in layer.objects:
        return f"{head.name} lies in a collection that this view layer leaves out: tick it first."
    return f"Select {head.name} to capture onto it."


def _actor_of(head: bpy.types.Object) -> str | None:
    """Whose take a head was given last."""
    return json.loads(head.get(PROVENANCE_PROPERTY, "{}")).get("actor")


def select_only(context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Make a head the active object, with its armature selected in its place.

    So moves take hair, camera and lights along, and no outline of the skull lies over the hair.
    """
    for object_ in context.selected_objects:
        object_.select_set(False)
    rig = rig_of(head)
    (rig if rig and rig.visible_get() else head).select_set(True)
    layer: Any = context.view_layer
    layer.objects.active = head


def is_linked(head: bpy.types.Object) -> bool:
    """Whether a head is another file's, so that nothing can be laid on it here."""
    return bool(head.library or head.override_library)


def head_named(name: str) -> bpy.types.Object | None:
    """The AVFace head of this name; None where it has gone."""
    head = bpy.data.objects.get(name)
    return head if head is not None and HEAD_PROPERTY in head else None


def the_head(context: bpy.types.Context) -> bpy.types.Object:
    """The selected head, where a poll has asked for one."""
    head = selected_head(context)
    assert head is not None, "poll asks for one"
    return head
