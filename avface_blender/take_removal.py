"""Parting from a take, or from a head: off it, with what came with it alone."""

from pathlib import Path

import bpy

from ..engine.exchange.files import take_stem
from ..engine.exchange.protocol import AVFaceError
from . import corrections, review, shot
from .captured import forget_twin
from .hair import shave
from .head_builder import heads
from .keyframes import TAKE_PROPERTY
from .material import is_made_for
from .rig import rig_of
from .strips import STRIP_PROPERTY, silence, strips_of
from .takes import (
    actions_of,
    camera_of,
    file_of,
    of_one_clip,
    owners,
    playing,
    show,
    take_name_of,
    takes_of,
)


def delete(head: bpy.types.Object, name: str, with_files: bool = False) -> int:
    """Take a take off the head, with its camera, its sound and, when asked, its files.

    The take below plays then. Camera and sound stay where another take of the clip goes by them,
    all else where a copy of the head has it. Gives the number of files that were deleted.
    """
    played = playing(head) == name
    others = [other for other in of_one_clip(head, name) if other != name]
    actions = actions_of(head, name)
    if not actions:
        raise AVFaceError(f"There is no take {name} on {head.name}.", "Choose one from the list.")
    file, rig = file_of(actions[0]), rig_of(head)
    is_shown = rig is not None and review.shown(rig) is not None
    if rig is not None:
        review.hide_confidence(rig)
    for owner in owners(head):
        tracks = owner.animation_data.nla_tracks
        for track in [t for t in tracks if take_name_of(t) == name]:
            tracks.remove(track)
    _forget(actions, name)
    left = takes_of(head)
    if played and left:
        show(head, left[-1].name)
    if rig is not None:
        if all(camera_of(rig, other) for other in others):
            _delete_shot(rig, name)
        if is_shown:
            review.show_confidence(rig, playing(head))
    return _delete_files(file) if with_files else 0


def delete_head(head: bpy.types.Object, with_files: bool = False) -> int:
    """Take a head out of the file, with its takes and what came with them.

    What an artist hung on its armature stays. Gives the number of files that were deleted.
    """
    names = [entry.name for entry in takes_of(head)]
    files = sum(delete(head, name, with_files) for name in names)
    for action in corrections.kept(head):
        bpy.data.actions.remove(action)
    shave(head)
    rig, collections, removed = rig_of(head), head.users_collection, [head]
    if rig is not None:
        for scene in bpy.data.scenes:
            for marker in shot.markers_of(scene, rig):
                scene.timeline_markers.remove(marker)
        removed += [*shot.lights_of(rig), rig]
    for object_ in removed:
        data = object_.data
        bpy.data.objects.remove(object_)
        if data is not None and data.users == 0:
            bpy.data.batch_remove([data])
    for collection in collections:
        if not (collection.all_objects or collection.children):
            bpy.data.collections.remove(collection)
    _forget_looks(names)
    return files


def _forget(actions: list[bpy.types.Action], name: str) -> None:
    """Remove a take's actions from the file, where no other head plays them."""
    for action in actions:
        if action.users == int(action.use_fake_user):
            forget_twin(action)
            bpy.data.actions.remove(action)
    confidence = review.confidence_of(name)
    if confidence and not any(actions_of(head, name) for head in heads()):
        bpy.data.actions.remove(confidence)


def _forget_looks(names: list[str]) -> None:
    """Remove the materials of takes and what moved them, where nothing shows them any more."""
    looks = [m for m in bpy.data.materials if is_made_for(m, names)]
    bpy.data.batch_remove([m for m in looks if m.users == int(m.use_fake_user)])
    moves = [a for a in bpy.data.actions if a.users == 0 and a.get(TAKE_PROPERTY) in names]
    bpy.data.batch_remove(moves)  # an artist's own of such a name, or kept by hand, stays


def _delete_shot(rig: bpy.types.Object, name: str) -> None:
    """The camera and the sound strips that came with a take."""
    camera = camera_of(rig, name)
    if camera is not None:
        bpy.data.objects.remove(camera)
    for scene in bpy.data.scenes:
        for strip in list(strips_of(scene)):
            if strip.name == name and strip.get(STRIP_PROPERTY) == rig:
                silence(strip, scene)


def _delete_files(take: Path) -> int:
    """A take's file and what a capture wrote beside it, but pictures that a refined take shows."""
    stem = take_stem(take)
    kinds = ("take.npz", "report.json", "preview.mp4", "sheet.png")
    files = [take.with_name(f"{stem}.{kind}") for kind in kinds]
    normals = take.with_name(f"{stem}.normals")
    refined = f"{stem} refined"
    if not any(file.name.startswith(refined) for file in take.parent.glob("*.take.npz")):
        files += [take.with_name(f"{stem}.albedo.png"), *normals.glob("*.png")]
    present = [file for file in files if file.is_file()]
    for file in present:
        file.unlink()
    if normals.is_dir() and not any(normals.iterdir()):
        normals.rmdir()
    return len(present)
