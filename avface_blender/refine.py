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
from .keyframes import curves_in
from .rig import REST_AXES, rig_of
from .rotations import axis_angles
from .stretches import as_text
from .timeline import rate_of

_BONES = {"jaw": "jaw", "left_eye": "eyes", "right_eye": "eyes"}


def refine_job(context: bpy.types.Context, head: bpy.types.Object, folder: Path) -> CaptureJob:
    """The job that fits the playing take anew round the frames that were corrected by hand.

    Raises AVFaceError when nothing was, or the take's file is gone.
    """
    name = takes.playing(head)
    actions = takes.actions_of(head, name)
    path = takes.file_of(actions[0]) if actions else Path()
    take = Take.load(path)
    with filters.as_captured(actions[0]):  # the new take is filtered as this one is
        rows = _rows(context.scene, head, take, int(actions[0][takes.CLIP_START_PROPERTY]))
    rows = _with_landmarks(rows, landmarks.dragged_in(head, name), take)
    if not rows:
        raise AVFaceError(
            "No frame of this take has been corrected.",
            "Drag landmarks in a frame or two, or pose the face and key it (Correct by Hand).",
        )
    file = folder / "corrections.json"
    try:
        write_whole(file, json.dumps({"corrections": rows}))
    except OSError as error:
        raise AVFaceError(
            f"The corrections can't be written to {folder} ({error.strerror}).",
            "Free some disk space or choose another Takes Folder in AVFace's preferences.",
        ) from error
    return CaptureJob(
        clip=take.source["path"], out=str(free_path(path)), refines=str(path),
        corrections=str(file), head=head_path(take),
        options={"trust": as_text(trust.stretches_of(head))} if trust.is_new(head) else {},
    )  # fmt: skip


def corrected_frames(head: bpy.types.Object) -> list[float]:
    """The scene frames that have a key in the corrections."""
    frames = {
        float(key.co[0])
        for action in corrections.playing(head)
        for curve in curves_in(action)
        for key in curve.keyframe_points
    }
    return sorted(frames)


def _rows(scene: Any, head: bpy.types.Object, take: Take, clip_start: int) -> list[dict[str, Any]]:
    """What each corrected frame shows of the controls that were corrected anywhere."""
    units, bones = _controls(head, take)
    rig: Any = rig_of(head)
    rate, now, rows = rate_of(scene).frames_per_second, scene.frame_current, []
    for frame in corrected_frames(head):
        seconds = (frame - clip_start) / rate
        if not take.times[0] - 1e-6 <= seconds <= take.times[-1] + 1e-6:
            continue
        scene.frame_set(int(frame), subframe=frame % 1)
        blocks = shape_keys(head).key_blocks
        row: dict[str, Any] = {
            "time": seconds,
            "expression": {name: float(blocks[name].value) for name in units},
        }
        if "jaw" in bones:
            row["jaw"] = _axis_angle(rig, "jaw")
        if "eyes" in bones:
            row["eyes"] = _axis_angle(rig, "left_eye") + _axis_angle(rig, "right_eye")
        rows.append(row)
    scene.frame_set(now)
    return rows


def _with_landmarks(
    rows: list[dict[str, Any]], dragged: dict[int, dict[int, tuple[float, float]]], take: Take
) -> list[dict[str, Any]]:
    """The rows, with the landmarks that were dragged (the take's frame -> them) in their frames."""
    by_frame = {int(np.argmin(np.abs(take.times - row["time"]))): row for row in rows}
    for frame, places in dragged.items():
        if frame < take.frame_count:
            row = by_frame.setdefault(frame, {"time": float(take.times[frame])})
            row["landmarks"] = {str(number): list(place) for number, place in places.items()}
    return [by_frame[frame] for frame in sorted(by_frame)]


def _controls(head: bpy.types.Object, take: Take) -> tuple[list[str], set[str]]:
    """The units and the kinds of bones that the corrections hold."""
    units: set[str] = set()
    bones: set[str] = set()
    for action in corrections.playing(head):
        for curve in curves_in(action):
            name = curve.data_path.split('"')[1] if '"' in curve.data_path else ""
            if name in take.expression_names and curve.data_path.startswith("key_blocks"):
                units.add(name)
            elif name in _BONES and curve.data_path.endswith("rotation_quaternion"):
                bones.add(_BONES[name])
    return sorted(units), bones


def _axis_angle(rig: Any, bone: str) -> list[float]:
    """A bone's own turn in head axes, axis times radians."""
    turn = np.array(rig.pose.bones[bone].rotation_quaternion.normalized())
    return (REST_AXES[bone] @ axis_angles(turn)).tolist()


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
