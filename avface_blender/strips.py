"""The clips' sound in the sequencer."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from pathlib import Path
from typing import Any

import bpy

from .action import said_by
from .timeline import rate_of

STRIP_PROPERTY = "avface_rig"  # on a sound strip: the armature that it belongs to
_HEARD_SECONDS = 0.01  # so far may sound be from its picture, without a word about it


def add_sound(
    scene: bpy.types.Scene, rig: bpy.types.Object, path: Path, name: str, start_frame: float
) -> str | None:
    """The clip's sound in the sequencer from `start_frame` on; the rig's earlier takes go mute.

    Where another head lets the same sound be heard at the same time, this one is mute: twice is
    too loud. Blender plays a file's first sample at once, whatever time the file gives it:
    `start_frame` is that sample's. Gives a sentence when there is no sound.
    """
    if path.is_dir():
        return None
    if not bpy.app.build_options.audaspace:
        return "The clip's sound is left out: this Blender was built without sound."
    try:
        sound = bpy.data.sounds.load(str(path))
    except RuntimeError as error:
        return f"The clip's sound is left out ({said_by(error).rstrip('.')})."
    silent = sound.channels == "INVALID"
    bpy.data.sounds.remove(sound)
    if silent:
        return f"{path.name} has no sound."
    scene.sequence_editor_create()
    strips = strips_of(scene)
    for strip in strips:
        if strip.get(STRIP_PROPERTY) == rig:
            strip.mute = True
    channel = max((strip.channel for strip in strips), default=0) + 1
    whole = round(start_frame)
    strip = strips.new_sound(name, str(path), channel, whole)
    strip.mute = any(not other.mute for other in _same_sound(strips, strip))
    late = (start_frame - whole) / rate_of(scene).frames_per_second
    if hasattr(strip, "sound_offset"):  # the rest of a frame, in seconds; Blender 4.2 can't
        strip.sound_offset = late
        late = 0.0
    strip[STRIP_PROPERTY] = rig
    if abs(late) > _HEARD_SECONDS:
        return (
            f"The sound is {abs(late) * 1000:.0f} ms {'early' if late > 0 else 'late'}: this"
            " Blender starts it on whole frames only, Blender 4.5 between them too."
        )
    return None


def silence(strip: Any, scene: bpy.types.Scene) -> None:
    """Remove a sound strip; another head's that was mute because of it is heard then."""
    strips = strips_of(scene)
    others = _same_sound(strips, strip)
    if others and not strip.mute and all(other.mute for other in others):
        others[-1].mute = False
    strips.remove(strip)


def _same_sound(strips: Any, strip: Any) -> list[Any]:
    """The takes' other strips that play a strip's file at the same time, the newest last."""
    file = bpy.path.abspath(strip.sound.filepath)
    others = (o for o in strips if o.type == "SOUND" and o != strip and o.get(STRIP_PROPERTY))
    return [
        other
        for other in others
        if bpy.path.abspath(other.sound.filepath) == file and other.frame_start == strip.frame_start
    ]


def strips_of(scene: bpy.types.Scene) -> Any:
    """The sequencer's strips, which Blender 4.4 renamed; none where it has never been used."""
    editor: Any = scene.sequence_editor
    return getattr(editor, "strips" if hasattr(editor, "strips") else "sequences", ())
