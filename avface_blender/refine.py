"""Corrected frames as the engine wants to hear of them: which controls, where, in head axes."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.files import TAKE_SUFFIX, take_stem, write_whole
from ..engine.exchange.protocol import AVFaceError, CaptureJob
from ..engine.exchange.take import Take
from . import corrections, filters, landmarks, takes, trust
from .head_builder import shape_keys
from .head_files import DEFAULT_HEAD, find_head
from .rig import REST_AXES, rig_of
from .rotations import axis_angles
from .stretches import as_text
from .timeline import rate_of

_TURNS = {
    bone: f'pose.bones["{bone}"].rotation_quaternion' for bone in ("jaw", "left_eye", "right_eye")
}
_FILE = "corrections.json"
_LANDMARKS = ((17, "mouth"), (27, "brows"), (36, ""), (48, "eyes"))  # up to which; then lips
_ON_FRAME = 1e-3  # frames: so near a key is on the take's first or last


def refine_job(context: bpy.types.Context, head: bpy.types.Object, folder: Path) -> CaptureJob:
    """The job that fits the playing take anew round the frames that were corrected by hand.

    Raises AVFaceError when nothing was, or the take's file is gone.
    """
    action = takes.armature_action(head)
    path = takes.file_of(action) if action else Path()
    take = Take.load(path)
    assert action is not None, "a take that has a file plays"
    told = _told(context.scene, head, take, action)
    with filters.with_all_keys(action):
        rows = _rows(context.scene, head, take, action, told)
    _add_landmarks(rows, landmarks.dragged_in(head, takes.playing(head)), take)
    if not rows:
        raise AVFaceError(
            "No frame of this take has been corrected.",
            "Drag landmarks in a frame or two, or pose the face and key it (Correct by Hand).",
        )
    file = folder / _FILE
    try:
        write_whole(file, json.dumps({"corrections": [rows[k] for k in sorted(rows)]}))
        corrections.write_told(folder, told)
    except OSError as error:
        raise AVFaceError(
            f"The corrections can't be written to {folder} ({error.strerror}).",
            "Free some disk space or choose another Takes Folder in AVFace's preferences.",
        ) from error
    return CaptureJob(
        clip=takes.clip_of(take, path), out=str(free_path(path)), refines=str(path),
        corrections=str(file), head=head_path(take),
        options={"trust": as_text(trust.stretches_of(head))} if trust.is_new(head) else {},
    )  # fmt: skip


def _told(
    scene: Any, head: bpy.types.Object, take: Take, action: bpy.types.Action
) -> corrections.Told:
    """Which keys of the corrections a take can hold: of its units, jaw and eyes, in its time."""
    start, rate = int(action[takes.CLIP_START_PROPERTY]), rate_of(scene).frames_per_second
    first, last = take.times[0] * rate - _ON_FRAME, take.times[-1] * rate + _ON_FRAME
    keys = corrections.keys_on(head)
    frames = {frame - start for frames in keys.values() for frame in frames}
    return corrections.Told(
        paths=tuple(sorted(path for path in keys if _is_held(path, take))),
        frames=tuple(sorted(frame for frame in frames if first <= frame <= last)),
    )


def _is_held(path: str, take: Take) -> bool:
    """Whether a take holds what a curve moves."""
    name = path.split('"')[1] if '"' in path else ""
    if path.startswith("key_blocks"):
        return name in take.expression_names
    return path in _TURNS.values()


def _rows(
    scene: Any, head: bpy.types.Object, take: Take, action: Any, told: corrections.Told
) -> dict[int, dict[str, Any]]:
    """The take's frame -> what must be captured there, for the corrected ones to look as now."""
    start, rate = int(action[takes.CLIP_START_PROPERTY]), rate_of(scene).frames_per_second
    now, found = scene.frame_current, {}
    for frame in told.frames if told.paths else ():
        scene.frame_set(int(np.floor(frame)) + start, subframe=frame % 1)
        for path in _with_both_eyes(told.paths):
            value = filters.captured_as(action, path, _seen(head, path))
            seconds = (filters.source_frame(action, path, frame + start) - start) / rate
            index = int(np.argmin(np.abs(take.times - seconds)))
            found.setdefault(index, {})[path] = value
    scene.frame_set(now)
    return {index: _row(float(take.times[index]), found[index]) for index in found}


def _with_both_eyes(paths: tuple[str, ...]) -> list[str]:
    """The engine is told of both or none."""
    eyes = [_TURNS["left_eye"], _TURNS["right_eye"]]
    others = [path for path in paths if path not in eyes]
    return others + (eyes if len(others) < len(paths) else [])


def _seen(head: bpy.types.Object, path: str) -> np.ndarray:
    """What a curve's control shows now, (C,)."""
    name = path.split('"')[1]
    if path.startswith("key_blocks"):
        return np.array([shape_keys(head).key_blocks[name].value])
    rig: Any = rig_of(head)
    return np.array(rig.pose.bones[name].rotation_quaternion.normalized())


def _row(seconds: float, values: dict[str, np.ndarray]) -> dict[str, Any]:
    """A corrected frame in the engine's words: data path -> value, turns in head axes (rad)."""
    row: dict[str, Any] = {"time": seconds}
    turns = {
        bone: (REST_AXES[bone] @ axis_angles(values[path])).tolist()
        for bone, path in _TURNS.items()
        if path in values
    }
    units = {p.split('"')[1]: float(v[0]) for p, v in values.items() if p.startswith("key_blocks")}
    if units:
        row["expression"] = units
    if "jaw" in turns:
        row["jaw"] = turns["jaw"]
    if "left_eye" in turns:
        row["eyes"] = turns["left_eye"] + turns["right_eye"]
    return row


def _add_landmarks(
    rows: dict[int, dict[str, Any]], dragged: dict[int, dict[int, tuple[float, float]]], take: Take
) -> None:
    """Add what was dragged (the take's frame -> landmarks) to the rows of its frames."""
    for frame, places in dragged.items():
        if frame < take.frame_count:
            row = rows.setdefault(frame, {"time": float(take.times[frame])})
            row["landmarks"] = {str(number): list(place) for number, place in places.items()}


def corrected_in(folder: Path) -> dict[str, list[float]]:
    """Data path or region -> seconds of the clip at which a job was told of it; empty without."""
    try:
        rows = json.loads((folder / _FILE).read_text(encoding="utf-8"))["corrections"]
    except (OSError, ValueError, KeyError):
        return {}
    found: dict[str, list[float]] = {}
    for row in rows:
        names = {f'key_blocks["{unit}"].value' for unit in row.get("expression", ())}
        names |= {_TURNS["jaw"]} if "jaw" in row else set()
        names |= {_TURNS["left_eye"], _TURNS["right_eye"]} if "eyes" in row else set()
        names |= {_region_of(int(number)) for number in row.get("landmarks", ())}
        for name in filter(None, names):
            found.setdefault(name, []).append(row["time"])
    return found


def _region_of(landmark: int) -> str:
    """The region that follows one of the 68 landmarks; none the nose, which moves the head."""
    return next((region for end, region in _LANDMARKS if landmark < end), "mouth")


def head_path(take: Take) -> str:
    """The panel's head file where the take was captured on it; empty for our own head."""
    path = find_head(take.head["sha256"])
    return "" if path in (None, DEFAULT_HEAD) else str(path)


def free_path(take: Path) -> Path:
    """Beside the take, whose pictures the refined one shares."""
    stem = take_stem(take).split(" refined")[0]
    number = 1
    while (path := take.with_name(f"{stem} refined {number:02d}{TAKE_SUFFIX}")).exists():
        number += 1
    return path
