"""The takes of a head: which there are, which one plays, and how to part from one.

A take lies on the NLA of the armature and of the shape keys, each on a track of its own. All of
them stay; the ones that don't play are muted. What an artist corrects lies above them, as the
active action, and is no part of any take (`corrections`).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.files import take_stem
from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take
from . import review
from .head_builder import shape_keys
from .keyframes import TAKE_PROPERTY
from .rig import rig_of
from .shot import STRIP_PROPERTY, silence, strips_of

FILE_PROPERTY = "avface_take_file"  # on a take's actions: where the take was imported from
CLIP_START_PROPERTY = "avface_clip_start"  # the scene frame of the clip's time 0
CLIP_PROPERTY, QUALITY_PROPERTY = "avface_clip", "avface_quality"


@dataclass(frozen=True)
class Entry:
    """One take on a head, as the list shows it."""

    name: str
    clip: str
    quality: str
    file: Path
    frames: tuple[int, int]  # the first and the last in the scene
    plays: bool

    @property
    def date(self) -> str:
        """The day when its file was written; empty when that is gone."""
        try:
            return time.strftime("%Y-%m-%d", time.localtime(self.file.stat().st_mtime))
        except OSError:
            return ""


def takes_of(head: bpy.types.Object) -> list[Entry]:
    """The takes on a head, the lowest of its NLA first."""
    found: dict[str, Entry] = {}
    for track, action in _tracks(head):
        name = action[TAKE_PROPERTY]
        strip = track.strips[0]
        found[name] = Entry(
            name=name,
            clip=str(action.get(CLIP_PROPERTY, "")),
            quality=str(action.get(QUALITY_PROPERTY, "")),
            file=file_of(action),
            frames=(round(strip.frame_start), round(strip.frame_end)),
            plays=not track.mute and (name not in found or found[name].plays),
        )
    return list(found.values())


def playing(head: bpy.types.Object) -> str:
    """The name of the topmost take that plays; empty when none does."""
    return next((entry.name for entry in reversed(takes_of(head)) if entry.plays), "")


def actions_of(head: bpy.types.Object, name: str) -> list[bpy.types.Action]:
    """The actions of a take: of the armature, of the shape keys."""
    return [action for _, action in _tracks(head) if action[TAKE_PROPERTY] == name]


def armature_action(head: bpy.types.Object) -> bpy.types.Action | None:
    """That of the take which plays: it holds the take's filters."""
    rig = rig_of(head)
    tracks = rig.animation_data.nla_tracks if rig and rig.animation_data else ()
    name = playing(head)
    return next((t.strips[0].action for t in tracks if name and _take_name(t) == name), None)


def take_file(head: bpy.types.Object | None) -> Path | None:
    """The file of the take that plays on a head; None where there is none any more."""
    actions = actions_of(head, playing(head)) if head is not None else []
    file = file_of(actions[0]) if actions else None
    return file if file is not None and file.is_file() else None


def file_of(action: bpy.types.Action) -> Path:
    """A take's file: where it was imported from, or beside the .blend, which may have moved."""
    recorded = Path(str(action.get(FILE_PROPERTY, "")))
    beside = Path(bpy.data.filepath).parent / recorded.name
    has_moved = bool(bpy.data.filepath) and not recorded.is_file() and beside.is_file()
    return beside if has_moved else recorded


def load(path: Path) -> Take:
    """A take's file, read once while it stays as it is. Raises AVFaceError."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise AVFaceError(
            f"The take's file {path.name} is gone.", "Put it back, or capture the clip again."
        ) from error


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> Take:
    """`changed` (ns) lets a file be read anew."""
    return Take.load(path)


def is_range(head: bpy.types.Object, name: str) -> bool:
    """Whether a take counts only where it has frames: the one below plays on around it."""
    tracks = [track for track, action in _tracks(head) if action[TAKE_PROPERTY] == name]
    return any(track.strips[0].extrapolation == "NOTHING" for track in tracks)


def show(head: bpy.types.Object, name: str) -> None:
    """Let a take play alone, one of a range with what it was laid over."""
    wanted = _with_those_below(head, name)
    for track, action in _tracks(head):
        track.mute = action[TAKE_PROPERTY] not in wanted
    rig = rig_of(head)
    if rig:
        _show_shot(rig, _of_one_clip(head, name))
    if rig and review.shown(rig):
        review.show_confidence(rig, name)


def delete(head: bpy.types.Object, name: str, with_files: bool = False) -> int:
    """Take a take off the head, with its camera, its sound and, when asked, its files.

    The take below plays then. Camera and sound stay where another take of the clip goes by them.
    Gives the number of files that were deleted.
    """
    played = playing(head) == name
    others = [other for other in _of_one_clip(head, name) if other != name]
    actions = actions_of(head, name)
    if not actions:
        raise AVFaceError(f"There is no take {name} on {head.name}.", "Choose one from the list.")
    file = file_of(actions[0])
    for owner in owners(head):
        tracks = owner.animation_data.nla_tracks
        for track in [t for t in tracks if _take_name(t) == name]:
            tracks.remove(track)
    rig, confidence = rig_of(head), review.confidence_of(name)
    is_shown = rig is not None and review.shown(rig) is not None
    if rig is not None:
        review.hide_confidence(rig)
    for action in [*actions, *([confidence] if confidence else [])]:
        bpy.data.actions.remove(action)
    left = takes_of(head)
    if played and left:
        show(head, left[-1].name)
    if all(_camera_of(other) for other in others):
        _delete_shot(name)
    if rig is not None and is_shown:
        review.show_confidence(rig, playing(head))
    return _delete_files(file) if with_files else 0


def owners(head: bpy.types.Object) -> list[Any]:
    """The data-blocks of a head that takes animate and that are animated now."""
    rig = rig_of(head)
    every: list[Any] = [*([rig] if rig else []), shape_keys(head)]
    return [owner for owner in every if owner.animation_data]


def _tracks(head: bpy.types.Object) -> Iterator[tuple[Any, bpy.types.Action]]:
    """Each NLA track of a take on the head, with the take's action."""
    for owner in owners(head):
        for track in owner.animation_data.nla_tracks:
            if _take_name(track):
                yield track, track.strips[0].action


def _take_name(track: Any) -> str:
    """The take that a track plays; empty when it isn't one's."""
    action = track.strips[0].action if len(track.strips) else None
    return "" if action is None else str(action.get(TAKE_PROPERTY, ""))


def _with_those_below(head: bpy.types.Object, name: str) -> set[str]:
    """A take and, as far as it is one of a range, those below it down to a whole one."""
    names = [entry.name for entry in takes_of(head)]
    below = names[: names.index(name) + 1] if name in names else []
    wanted: set[str] = set()
    for lower in reversed(below):
        wanted.add(lower)
        if not is_range(head, lower):
            break
    return wanted


def _of_one_clip(head: bpy.types.Object, name: str) -> list[str]:
    """A take, then the others of its clip, the newest first."""
    clips = {entry.name: entry.clip for entry in takes_of(head)}
    same = [other for other in clips if clips[other] == clips.get(name) and other != name]
    return [name, *reversed(same)]


def _camera_of(name: str) -> bpy.types.Object | None:
    """The camera that came with a take; a refined one has none."""
    cameras = (item for item in bpy.data.objects if item.type == "CAMERA")
    return next((camera for camera in cameras if camera.get(TAKE_PROPERTY) == name), None)


def _show_shot(rig: bpy.types.Object, names: list[str]) -> None:
    """Let scenes that show one of a head's clips show, and sound, that of the first of the takes.

    What an artist has silenced, or another camera, stays.
    """
    camera = next(filter(None, map(_camera_of, names)), None)
    for scene in bpy.data.scenes:
        if camera and scene.camera and scene.camera.parent == rig:
            scene.camera = camera
        strips = {s.name: s for s in strips_of(scene) if s.get(STRIP_PROPERTY) == rig}
        heard = next((name for name in names if name in strips), None)
        if heard and not all(strip.mute for strip in strips.values()):
            for name, strip in strips.items():
                strip.mute = name != heard


def _delete_shot(name: str) -> None:
    """The camera and the sound strips that came with a take."""
    camera = _camera_of(name)
    if camera is not None:
        bpy.data.objects.remove(camera)
    for scene in bpy.data.scenes:
        for strip in [s for s in strips_of(scene) if s.type == "SOUND" and s.name == name]:
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
