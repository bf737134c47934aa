"""A take into the scene: head, armature, keys, materials, camera, sound, markers. The recipe."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np

from ..engine.exchange.head_file import HeadFile
from ..engine.exchange.provenance import PROVENANCE_PROPERTY, provenance
from ..engine.exchange.take import Take, find_clip
from . import shot, startup
from .hair import grow_hair
from .head_builder import existing_lip_keys, lip_keys, set_identity, shape_keys, to_blender
from .keyframes import TAKE_PROPERTY, Curves, bone_curves, make_action, play, shape_key_curves
from .lashes import put_lashes
from .material import dress, dress_hair
from .paths import where_now
from .resampling import Performance, on_frames
from .review import lay_confidence
from .rig import bone_moves, bone_turns, object_turns, place_joints
from .rotations import turned
from .scene_setup import other_speed, set_rate, set_shot
from .selection import select_only, selected_head
from .strips import add_sound
from .take_head import NAME_LENGTH, head_and_rig, head_file_for
from .take_pictures import find_pictures
from .takes import (
    CLIP_PROPERTY,
    CLIP_START_PROPERTY,
    FILE_PROPERTY,
    QUALITY_PROPERTY,
    actions_of,
    playing,
)
from .timeline import SceneRate, rate_of, to_frames

Timing = Literal["set_scene", "resample", "exact"]


@dataclass(frozen=True)
class ImportOptions:
    """What to do with a take."""

    head_path: Path | None = None  # of a new head; None: the default head
    head: bpy.types.Object | None = None  # onto which it goes; None: the selected one
    new_head: bool = False  # even when a head is selected
    identity: bool = True  # give the head the person's shape (False: keep the head's own)
    look: bool = True  # give the head the take's skin and wrinkles
    moves: Literal["head", "camera"] = "head"

    # set_scene: the scene takes the clip's rate, size and length; resample: it keeps its own, keys
    # on its whole frames; exact: it keeps them, keys at the clip's own times, between its frames
    timing: Timing = "set_scene"
    over: bool = False  # the take below plays on before and after; the scene stays as it is
    start_frame: int | None = None  # where the take begins; None: the scene's first frame

    camera: bool = True
    clip: Path | None = None  # where the clip is, when it has moved since the capture
    sound: bool = True
    lights: bool = True  # three round a new head and the film's colours, where nobody has lit
    markers: bool = True
    marker_threshold: float = 0.5  # of a region's confidence


@dataclass(frozen=True)
class ImportResult:
    """What an import has made, and what the artist should know."""

    name: str  # of the take: the actions' names begin with it
    head: bpy.types.Object
    rig: bpy.types.Object
    camera: bpy.types.Object | None
    first_frame: int
    last_frame: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Import:
    """What every step of an import needs to know."""

    take: Take
    path: Path  # where the take lies
    options: ImportOptions
    name: str
    scene: Any
    head: bpy.types.Object
    head_file: HeadFile
    rig: bpy.types.Object
    is_new: bool  # the head, made for this take
    rate: SceneRate
    clip_start: int  # scene frame of the clip's time 0
    middle: np.ndarray  # (3,) m, from the camera: the place in the clip where the rig stands

    @property
    def folder(self) -> Path:
        """Where the take's pictures lie."""
        return self.path.parent

    @property
    def take_frames(self) -> np.ndarray:
        """The scene frame of each of the take's own, (T,)."""
        return to_frames(self.take.times, self.rate, self.clip_start)


def import_take(
    path: Path, context: bpy.types.Context, options: ImportOptions | None = None
) -> ImportResult:
    """Import a take onto the selected AVFace head, or onto a new one.

    Raises AVFaceError when the file isn't a take, or was made for another head. Nothing in the
    scene has been changed then. Pushes no undo step: the operator does.
    """
    before = rate_of(context.scene)
    job = _begin(path, context, options or ImportOptions())
    performance = on_frames(job.take, job.take_frames, exact=job.options.timing == "exact")
    _animate(job, performance)
    said = [startup.hide_startup_cube(job.scene), other_speed(before, job.rate)]
    said += _dress(job) if job.options.look else []
    camera = _add_camera(job, performance) if job.options.camera else None
    said += _show_and_sound(job, camera)
    if job.options.lights and job.is_new and startup.is_unlit(job.scene):
        _light(job)
    if job.options.markers:
        threshold = job.options.marker_threshold
        shot.add_markers(job.scene, job.rig, job.take, job.take_frames, threshold)
    first, last = int(np.floor(job.take_frames[0])), int(np.ceil(job.take_frames[-1]))
    if job.options.timing == "set_scene":
        set_shot(job.scene, job.take.size, camera, first, last)
    elif camera and (job.scene.camera is None or job.scene.camera.parent == job.rig):
        job.scene.camera = camera
    startup.hide_startup_camera(job.scene)
    _sign(job, camera)
    select_only(context, job.head)
    notes = _once([*job.take.warnings, *filter(None, said)])
    return ImportResult(job.name, job.head, job.rig, camera, first, last, notes)


def _begin(path: Path, context: bpy.types.Context, options: ImportOptions) -> _Import:
    """The take, the head that it goes onto, and the scene at its rate."""
    take = Take.load(path)
    old = None if options.new_head else options.head or selected_head(context)
    head_file = head_file_for(take, path, old, options.head_path)
    head, rig = head_and_rig(take, head_file, old, context)
    if options.identity or old is None:
        set_identity(head, take.shape)
        place_joints(rig, head_file, take.shape)
    if options.over:
        timing = "resample" if options.timing == "set_scene" else options.timing
        options = replace(options, timing=timing, camera=False, sound=False, markers=False)
    scene: Any = context.scene
    rate = set_rate(scene, take.fps) if options.timing == "set_scene" else rate_of(scene)
    return _Import(
        take=take,
        path=path,
        options=options,
        name=_free_name(take),
        scene=scene,
        head=head,
        head_file=head_file,
        rig=rig,
        is_new=old is None,
        rate=rate,
        clip_start=_clip_start(take, head, scene, rate, options),
        middle=np.median(take.head_translation, axis=0),
    )


def _once(sentences: list[str]) -> tuple[str, ...]:
    """Without those that another one says in more words: the capture's own come first."""
    kept: list[str] = []
    for sentence in sentences:
        if not any(known.startswith(sentence.removesuffix(".")) for known in kept):
            kept.append(sentence)
    return tuple(kept)


def _clip_start(
    take: Take, head: bpy.types.Object, scene: Any, rate: SceneRate, options: ImportOptions
) -> int:
    """The scene frame of the clip's time 0: in a kept scene, that of a take of the same clip."""
    below = actions_of(head, playing(head)) if options.timing != "set_scene" else []
    if below and below[0].get(CLIP_PROPERTY) == Path(take.source.get("path", "")).name:
        return int(below[0][CLIP_START_PROPERTY])
    start = scene.frame_start if options.start_frame is None else options.start_frame
    return start - round(float(take.times[0]) * rate.frames_per_second)


def _free_name(take: Take) -> str:
    """Actor, clip and a number that no take in this file has yet."""
    clip = Path(take.source.get("path", "")).stem or "clip"
    number, base = 1, f"{take.actor} {clip}"[:NAME_LENGTH].strip()
    taken = {word for a in bpy.data.actions for word in (a.name, str(a.get(TAKE_PROPERTY, "")))}
    while any(word.startswith(f"{base} {number:02d}") for word in taken):
        number += 1
    return f"{base} {number:02d}"


def _animate(job: _Import, performance: Performance) -> None:
    """One action on the armature, one on the shape keys, both on top of the NLA."""
    curves: Curves = {}
    for bone in ("jaw", "left_eye", "right_eye"):
        curves |= bone_curves(bone, bone_turns(bone, getattr(performance, bone)))
    turns, places = performance.head_turns, performance.head_places - job.middle
    if job.options.moves == "camera":  # said to the root, or it keeps an earlier take's last pose
        turns, places = np.zeros_like(turns), np.zeros_like(places)
        turns[:, 0] = 1.0
    curves |= bone_curves("root", bone_turns("root", turns), bone_moves("root", places))
    below = playing(job.head) if job.options.over else ""
    lay_confidence(job.rig, job.take, job.take_frames, performance.frames, job.name, below)
    name = f"{job.name} rig"
    action = make_action(job.rig, name, performance.frames, curves, take=job.name)
    play(job.rig, action, job.options.over)

    keys = shape_keys(job.head)
    units = shape_key_curves(job.take.expression_names, performance.expression)
    if job.take.lip_vertices is not None and job.take.lip_shapes is not None:
        own = lip_keys(job.head, job.take.lip_vertices, job.take.lip_shapes)
        units |= shape_key_curves(tuple(own), performance.lips)
    else:
        own = []
    others = tuple(key for key in existing_lip_keys(job.head) if key not in own)
    units |= shape_key_curves(others, np.zeros((len(performance.frames), len(others))))
    name = f"{job.name} face"
    action = make_action(keys, name, performance.frames, units, group="Expression", take=job.name)
    play(keys, action, job.options.over)


def _dress(job: _Import) -> list[str]:
    """Skin, wrinkles, hair and lashes; what can't be had, as sentences."""
    pictures, lack = find_pictures(job.take, job.folder, job.rate, job.clip_start)
    dress(job.head, job.name, pictures)
    hair = grow_hair(job.head, job.head_file, job.take, job.name, pictures.albedo)
    for strands in filter(None, (hair, put_lashes(job.head, job.head_file, job.name))):
        dress_hair(strands, job.name)
    return [lack] if lack else []


def _light(job: _Import) -> None:
    """Portrait lights, and the film's colours."""
    shot.add_lights(job.rig, job.rig.users_collection[0], job.scene)
    startup.hide_startup_light(job.scene)
    startup.show_as_filmed(job.scene)


def _add_camera(job: _Import, performance: Performance) -> bpy.types.Object:
    """The clip's camera, still before a moving head or moving round a still one."""
    name = f"{job.name} camera"
    camera = shot.add_camera(job.take, name, job.rig, job.rig.users_collection[0])
    camera[TAKE_PROPERTY] = job.name
    if job.options.moves == "head":
        shot.place_camera(camera, to_blender(-job.middle))
        return camera
    # c = R v + t: the camera stands at v = -R^T t in head axes and is turned by R^T
    back = performance.head_turns * np.array([1.0, -1, -1, -1])
    places = to_blender(-turned(back, performance.head_places))
    shot.move_camera(camera, name, performance.frames, object_turns(back), places)
    return camera


def _sign(job: _Import, camera: bpy.types.Object | None) -> None:
    """Note what made the take on what it has made or moved."""
    text = json.dumps(provenance(job.take), ensure_ascii=False)
    made: list[Any] = [job.head, job.rig, *([camera] if camera else [])]
    actions: list[Any] = [a for a in bpy.data.actions if a.get(TAKE_PROPERTY) == job.name]
    for action in actions:
        action[FILE_PROPERTY] = str(job.path)
        action[CLIP_START_PROPERTY] = job.clip_start
        action[CLIP_PROPERTY] = Path(job.take.source.get("path", "")).name
        action[QUALITY_PROPERTY] = str(job.take.made_by.get("options", {}).get("quality", ""))
    made += actions
    for item in made:
        item[PROVENANCE_PROPERTY] = text


def _show_and_sound(job: _Import, camera: bpy.types.Object | None) -> list[str | None]:
    """The clip behind the camera and in the sequencer; what can't be had, as sentences."""
    if not (job.options.camera or job.options.sound):
        return []
    take, rate = job.take, job.rate.frames_per_second
    moved_to = job.options.clip or where_now(take.source.get("path", ""))
    clip = find_clip(take, job.folder, moved_to)
    if clip is None:
        missing = Path(take.source.get("path", "")).name
        return [f"The clip {missing} was not found: no background and no sound."]
    said = []
    if camera is not None and take.source.get("kind") != "sound":
        said.append(shot.show_clip(camera, job.name, take, clip, job.clip_start, job.scene))
    if job.options.sound:
        first_sample = job.clip_start + take.sound_offset * rate
        said.append(add_sound(job.scene, job.rig, clip, job.name, first_sample))
    return said
