"""A head that was duplicated, or appended once more, gets takes of its own.

Blender lets a duplicate's NLA play the same actions, and a take's parts find one another by its
name: what was done to one head's takes (Clean-Up, another start, their removal) was done to the
other's. A linked duplicate has one face with the first and keeps sharing it.
"""

import re
from collections.abc import Iterator
from typing import Any

import bpy

from . import corrections, review, takes
from .captured import TWIN_PROPERTY
from .head_builder import heads, shape_keys
from .keyframes import TAKE_PROPERTY
from .material import sign
from .rig import rig_of
from .selection import is_linked

_COPY = re.compile(r"\.\d{3}$")  # as Blender ends the names of copies

_seen = -1  # how many objects the file had when heads were last looked at


def part_all() -> list[bpy.types.Object]:
    """Let each take belong to one head, the one that was there first; the heads that parted."""
    taken: set[str] = set()
    moved: set[Any] = set()  # data-blocks that an earlier head's takes move
    parted = []
    ours = [head for head in heads() if shape_keys(head) and not is_linked(head)]
    for head in sorted(ours, key=lambda item: item.session_uid):
        owners = takes.owners(head)
        if not moved.isdisjoint(owners):
            continue
        moved.update(owners)
        shared = [entry.name for entry in takes.takes_of(head) if entry.name in taken]
        if shared:
            _part(head, shared, taken)
            parted.append(head)
        taken.update(entry.name for entry in takes.takes_of(head))
    return parted


def _part(head: bpy.types.Object, shared: list[str], taken: set[str]) -> None:
    """Give a head copies of all that belongs to the takes of these names, under new ones."""
    names: dict[str, str] = {}
    for name in shared:
        names[name] = _free_name(name, taken | set(names.values()))
    _copy_materials(head, names)
    rig = rig_of(head)
    copies: dict[bpy.types.Action, bpy.types.Action] = {}
    for owner in _owners(head):
        owner.animation_data.use_tweak_mode = False
        for track in owner.animation_data.nla_tracks:
            if takes.take_name_of(track) in names:
                for strip in track.strips:
                    _give_copy(strip, names, copies)
    dragged: Any = getattr(head, "avface_dragged", ())
    for item in dragged:
        item.take = names.get(item.take, item.take)
    for camera in _cameras(rig):
        if camera.get(TAKE_PROPERTY) in names:
            camera[TAKE_PROPERTY] = names[camera[TAKE_PROPERTY]]
            _copy_clips(camera)
    if rig is not None:
        _part_confidence(rig, names, copies, takes.playing(head))
    corrections.part(head)


def _free_name(name: str, taken: set[str]) -> str:
    """A take's name with a number at its end, as Blender names copies."""
    stem, number = _COPY.sub("", name), 1
    while f"{stem}.{number:03d}" in taken:
        number += 1
    return f"{stem}.{number:03d}"


def _give_copy(
    strip: Any, names: dict[str, str], copies: dict[bpy.types.Action, bpy.types.Action]
) -> None:
    """Let a strip play a copy of its action, at the same frames."""
    action = strip.action
    if action is None or action.get(TAKE_PROPERTY) not in names:
        return
    places = ("frame_start_raw", "frame_end_raw", "action_frame_start", "action_frame_end", "scale")
    stood = {place: getattr(strip, place) for place in places}
    if action not in copies:
        copies[action] = _copied(action, names)
    slot = getattr(strip, "action_slot", None)
    strip.action = copies[action]
    if slot is not None:
        strip.action_slot = copies[action].slots[slot.identifier]
    for place, value in stood.items():
        if getattr(strip, place) != value:
            setattr(strip, place, value)


def _copied(action: Any, names: dict[str, str]) -> bpy.types.Action:
    """A copy of a take's action, with what it was captured as, under the take's new name."""
    take = action[TAKE_PROPERTY]
    copy = action.copy()
    copy[TAKE_PROPERTY] = names[take]
    if action.name.startswith(take):
        copy.name = names[take] + action.name.removeprefix(take)
    twin = action.get(TWIN_PROPERTY)
    if twin is not None:
        copy[TWIN_PROPERTY] = twin.copy()
        copy[TWIN_PROPERTY].name = f"{copy.name} as captured"
    return copy


def _owners(head: bpy.types.Object) -> Iterator[Any]:
    """All data-blocks of a head that takes animate."""
    rig, mesh = rig_of(head), head.data
    assert isinstance(mesh, bpy.types.Mesh)
    every: list[Any] = [rig, shape_keys(head)]
    every += [material.node_tree for material in mesh.materials if material]
    for camera in _cameras(rig):
        every += [camera, camera.data]
    yield from (owner for owner in every if owner is not None and owner.animation_data)


def _cameras(rig: bpy.types.Object | None) -> list[bpy.types.Object]:
    return [item for item in rig.children if item.type == "CAMERA"] if rig else []


def _copy_materials(head: bpy.types.Object, names: dict[str, str]) -> None:
    """Materials whose wrinkles a take moves; their pictures too, of which EEVEE shows one frame."""
    assert isinstance(head.data, bpy.types.Mesh)
    slots: Any = head.data.materials
    for index, material in enumerate(slots):
        tree = material.node_tree if material else None
        tracks = tree.animation_data.nla_tracks if tree and tree.animation_data else ()
        if not any(takes.take_name_of(track) in names for track in tracks):
            continue
        slots[index] = copy = material.copy()
        sign(copy, names.get(material.get(TAKE_PROPERTY), ""))
        for node in copy.node_tree.nodes:
            if getattr(node, "image", None) and node.image.source == "SEQUENCE":
                node.image = node.image.copy()


def _copy_clips(camera: Any) -> None:
    """The films behind a camera, which begin at a frame of their own."""
    for background in camera.data.background_images:
        if background.clip is not None:
            background.clip = background.clip.copy()


def _part_confidence(
    rig: bpy.types.Object, names: dict[str, str], copies: dict[Any, Any], playing: str
) -> None:
    """How sure the takes are; what is shown of it stays shown."""
    shown = review.shown(rig)
    for name in names:
        kept = review.confidence_of(name)
        if kept is not None and kept not in copies:
            copies[kept] = _copied(kept, names)
    if shown is None:
        return
    review.hide_confidence(rig)
    if shown not in copies and shown.users == int(shown.use_fake_user):
        bpy.data.actions.remove(shown)  # Blender's own copy of what the first head shows
    review.show_confidence(rig, playing)


@bpy.app.handlers.persistent
def _look(*_arguments: Any) -> None:
    """After a change: only where objects came or went."""
    global _seen
    if len(bpy.data.objects) != _seen:
        part_all()
        _seen = len(bpy.data.objects)


@bpy.app.handlers.persistent
def _look_again(*_arguments: Any) -> None:
    """After another file or state was opened, with as many objects perhaps."""
    global _seen
    _seen = -1
    _look()


def register() -> None:
    """Hear of objects that come."""
    handlers = bpy.app.handlers
    handlers.depsgraph_update_post.append(_look)
    for states in (handlers.load_post, handlers.undo_post, handlers.redo_post):
        states.append(_look_again)


def unregister() -> None:
    """The reverse."""
    handlers = bpy.app.handlers
    for states in (handlers.redo_post, handlers.undo_post, handlers.load_post):
        if _look_again in states:
            states.remove(_look_again)
    if _look in handlers.depsgraph_update_post:
        handlers.depsgraph_update_post.remove(_look)
