"""The takes of a head: which there are, and which one plays.

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

from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take, find_clip
from . import review
from .head_builder import shape_keys
from .keyframes import TAKE_PROPERTY
from .paths import lately, where_now
from .rig import rig_of
from .strips import STRIP_PROPERTY, strips_of

FILE_PROPERTY = "avface_take_file"  # on a take's actions: where the take was imported from
CLIP_START_PROPERTY = "avface_clip_start"  # the scene frame of the clip's time 0
CLIP_PROPERTY, QUALITY_PROPERTY = "avface_clip", "avface_quality"

_MOVED, _STRETCHED = 0.01, 1e-4  # frames; shares of the length: less is rounding


@dataclass(frozen=True)
class Entry:
    """One take on a head, as the list shows it."""

    name: str
    clip: str
    quality: str
    recorded: str  # where its file was imported from
    frames: tuple[int, int]  # the first and the last in the scene
    plays: bool
    moved: bool  # by hand in the NLA: its clip, sound and landmarks have stayed

    @property
    def file(self) -> Path:
        """Where its file is now."""
        return where_now(self.recorded)

    @property
    def date(self) -> str:
        """The day when its file was written; empty when that is gone."""
        return _day_of(self.recorded)


@lately
def _day_of(recorded: str) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.localtime(where_now(recorded).stat().st_mtime))
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
            recorded=str(action.get(FILE_PROPERTY, "")),
            frames=(round(strip.frame_start), round(strip.frame_end)),
            plays=not track.mute and (name not in found or found[name].plays),
            moved=_is_moved(strip) or (name in found and found[name].moved),
        )
    return list(found.values())


def _is_moved(strip: Any) -> bool:
    """Whether a strip shows its action at other frames than the action's own."""
    shift = strip.frame_start - strip.action_frame_start
    return abs(shift) > _MOVED or abs(strip.scale - 1) > _STRETCHED


def playing(head: bpy.types.Object) -> str:
    """The name of the topmost take that plays; empty when none does."""
    return next((entry.name for entry in reversed(takes_of(head)) if entry.plays), "")


def actions_of(head: bpy.types.Object, name: str) -> list[bpy.types.Action]:
    """The actions of a take: of the armature, of the shape keys."""
    return [action for _, action in _tracks(head) if action[TAKE_PROPERTY] == name]


def armature_action(head: bpy.types.Object) -> bpy.types.Action | None:
    """That of the take which plays: it holds the take's filters."""
    return next(iter(armature_actions(head)), None)


def armature_actions(head: bpy.types.Object) -> list[bpy.types.Action]:
    """Those of all takes that play together, the topmost first: a range lies over others."""
    rig, name = rig_of(head), playing(head)
    tracks = list(rig.animation_data.nla_tracks) if rig and rig.animation_data else []
    wanted = _with_those_below(head, name) if name else set()
    taken = [track.strips[0].action for track in reversed(tracks) if take_name_of(track) in wanted]
    return [action for action in taken if action is not None]


def take_file(head: bpy.types.Object | None) -> Path | None:
    """The file of the take that plays on a head; None where there is none any more."""
    actions = actions_of(head, playing(head)) if head is not None else []
    file = file_of(actions[0]) if actions else None
    return file if file is not None and file.is_file() else None


def file_of(action: bpy.types.Action) -> Path:
    """A take's file: where it was imported from, or with the .blend, which may have moved."""
    return where_now(str(action.get(FILE_PROPERTY, "")))


def clip_of(take: Take, file: Path) -> str:
    """The clip of a take that lies in `file`, to be read again. Raises AVFaceError."""
    recorded = take.source["path"]
    place = where_now(recorded)
    if place.exists() or "#" in place.name:  # shot.####.png
        return str(place)
    clip = find_clip(take, file.parent)
    if clip is None:
        raise AVFaceError(
            f"The clip {Path(recorded).name} is not there any more.",
            f"Put it back where it was, or beside the take ({file.parent}).",
        )
    return str(clip)


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
        _show_shot(rig, of_one_clip(head, name))
    if rig and review.shown(rig):
        review.show_confidence(rig, name)


def owners(head: bpy.types.Object) -> list[Any]:
    """The data-blocks of a head that takes animate and that are animated now."""
    rig = rig_of(head)
    every: list[Any] = [*([rig] if rig else []), shape_keys(head)]
    return [owner for owner in every if owner.animation_data]


def _tracks(head: bpy.types.Object) -> Iterator[tuple[Any, bpy.types.Action]]:
    """Each NLA track of a take on the head, with the take's action."""
    for owner in owners(head):
        for track in owner.animation_data.nla_tracks:
            if take_name_of(track):
                yield track, track.strips[0].action


def take_name_of(track: Any) -> str:
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


def of_one_clip(head: bpy.types.Object, name: str) -> list[str]:
    """A take, then the others of its clip, the newest first."""
    clips = {entry.name: entry.clip for entry in takes_of(head)}
    same = [other for other in clips if clips[other] == clips.get(name) and other != name]
    return [name, *reversed(same)]


def camera_of(rig: bpy.types.Object, name: str) -> bpy.types.Object | None:
    """The camera that came with a take on a rig; a refined one has none."""
    cameras = (item for item in rig.children if item.type == "CAMERA")
    return next((camera for camera in cameras if camera.get(TAKE_PROPERTY) == name), None)


def _show_shot(rig: bpy.types.Object, names: list[str]) -> None:
    """Let scenes that show one of a head's clips show, and sound, that of the first of the takes.

    What an artist has silenced, or another camera, stays.
    """
    camera = next(filter(None, (camera_of(rig, name) for name in names)), None)
    for scene in bpy.data.scenes:
        if camera and scene.camera and scene.camera.parent == rig:
            scene.camera = camera
        strips = {s.name: s for s in strips_of(scene) if s.get(STRIP_PROPERTY) == rig}
        heard = next((name for name in names if name in strips), None)
        if heard and not all(strip.mute for strip in strips.values()):
            for name, strip in strips.items():
                strip.mute = name != heard
