"""An artist's corrections of a few frames, and how they teach the rest of the clip.

A frame is corrected by the values of its units and joints, or by landmarks that were dragged over
the clip (`dragged` finds the values). What a correction moves in the picture is what the tracker
had got wrong there. It will have got it wrong in the same way in frames that are near in time and
alike in expression: their landmarks are moved likewise, and the clip is fitted anew. The corrected
frames then stand exactly as given.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from ..easing import ease
from ..exchange.protocol import AVFaceError
from ..exchange.take import frame_seconds
from ..fitting.landmark_head import landmark_head
from ..geometry import embed, project
from ..head.model import FaceParams, Head
from .dragged import Dragged, pose_to_landmarks

if TYPE_CHECKING:
    from ..faces import FaceTrack

_NEAR_SECONDS = 0.6  # how far in time a correction is believed (standard deviation)
_ALIKE = 0.35  # likewise in expression: length of the difference, in units (jaw: 0.2 rad)
_JAW_UNIT = 0.2  # rad
_LANDING_SECONDS = 0.06  # over which what the fit leaves of a correction fades
_REACH_SECONDS = (1.2, 1.8)  # from a correction: up to here as fitted, from here on as captured
_LEAST_TOLD = 0.1  # of a correction: a frame that was taught less stays nearer to the capture
_LEAK_SECONDS = 0.1  # how far the motion model carries a lesson on
_BESIDE_SECONDS = 0.5  # beyond the take a correction may lie: it is its first or last frame's
_LANDMARKS = 68
_LEAST_CHANGE = 1e-4  # of a unit: less was not corrected


@dataclass(frozen=True)
class Correction:
    """What one frame should be; what isn't named stays as it was captured."""

    frame: int
    expression: dict[str, float] = field(default_factory=dict)  # unit -> value
    jaw: tuple[float, float, float] | None = None  # rad
    eyes: tuple[float, ...] | None = None  # 6 rad, left, right
    head_pose: tuple[float, float, float] | None = None  # rad
    head_translation: tuple[float, float, float] | None = None  # m
    landmarks: Dragged = field(default_factory=dict)  # px of the clip; on top of the rest


def load_corrections(path: Path, names: tuple[str, ...], times: np.ndarray) -> list[Correction]:
    """Read `{"corrections": [{"time": s, "expression": {...}, "landmarks": {...}, ...}]}`.

    The whole of it is in docs/fileformats.md. Times are the take's own. Raises AVFaceError when the
    file isn't one, or names unknown units or landmarks.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["corrections"]
        found = [
            Correction(
                frame=_frame_at(_number(row["time"]), times),
                expression={str(k): _number(v) for k, v in row.get("expression", {}).items()},
                jaw=_numbers(row.get("jaw"), 3),
                eyes=_numbers(row.get("eyes"), 6),
                landmarks={int(k): _numbers(v, 2) for k, v in row.get("landmarks", {}).items()},
            )
            for row in rows
        ]
    except OSError as error:
        raise AVFaceError(f"{path} can't be read ({error.strerror}).", "Check the path.") from error
    except ValueError as error:
        raise AVFaceError(
            f"{path} holds no corrections ({error}).", "Correct some frames and refine again."
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise AVFaceError(
            f"{path} holds no corrections.", "docs/fileformats.md says how they are written."
        ) from error
    unknown = sorted({name for row in found for name in row.expression} - set(names))
    if unknown:
        raise AVFaceError(
            f"The head has no unit {', '.join(unknown)}.", "Correct the head of this take."
        )
    strange = sorted({k for row in found for k in row.landmarks} - set(range(_LANDMARKS)))
    if strange:
        raise AVFaceError(
            f"There is no landmark {strange[0]}.", f"Landmarks count from 0 to {_LANDMARKS - 1}."
        )
    if not found:
        raise AVFaceError("There are no corrections.", "Correct some frames and refine again.")
    return found


def posed(
    params: FaceParams, corrections: list[Correction], head: Head, size: tuple[int, int]
) -> list[Correction]:
    """The corrections in values alone: those that drag landmarks say which values do it."""
    return [_posed(params, row, head, size) if row.landmarks else row for row in corrections]


def _posed(
    params: FaceParams, correction: Correction, head: Head, size: tuple[int, int]
) -> Correction:
    before = corrected(params, correction, head)
    after = pose_to_landmarks(before, correction.landmarks, head, size)
    change = after.expression[0] - params.expression[correction.frame]
    moved = np.flatnonzero(np.abs(change) > _LEAST_CHANGE)
    names = head.file.expression_names
    return replace(
        correction,
        expression=correction.expression | {names[k]: float(after.expression[0, k]) for k in moved},
        jaw=tuple(map(float, after.jaw[0])),
        head_pose=tuple(map(float, after.head_pose[0])),
        head_translation=tuple(map(float, after.head_translation[0])),
    )


def corrected(params: FaceParams, correction: Correction, head: Head) -> FaceParams:
    """The one frame as the artist wants it."""
    frame = params[correction.frame : correction.frame + 1]
    expression = frame.expression.copy()
    for name, value in correction.expression.items():
        expression[0, head.unit[name]] = value
    jaw = frame.jaw if correction.jaw is None else np.array([correction.jaw])
    eyes = frame.eyes if correction.eyes is None else np.array([correction.eyes])
    pose = correction.head_pose
    place = correction.head_translation
    return frame.replace(
        expression=expression,
        jaw=jaw,
        eyes=eyes,
        head_pose=frame.head_pose if pose is None else np.array([pose]),
        head_translation=frame.head_translation if place is None else np.array([place]),
    )


def teach_track(
    track: FaceTrack, params: FaceParams, corrections: list[Correction], head: Head
) -> FaceTrack:
    """The track with its landmarks moved as the corrections say.

    Args:
        track: as the tracker saw the clip.
        params: the capture that the artist corrected, (T,) frames.
        corrections: of its frames.
        head: what was captured.
    """
    moves = np.stack([_move_px(params, row, head, track.size) for row in corrections])
    depth = -params.head_translation[:, 2]
    shares = spread(track.times, params, corrections)  # (K, T)
    nearer = depth[[row.frame for row in corrections], None] / depth  # (K, T) larger when nearer
    landmarks = track.landmarks.copy()
    landmarks[..., :2] += np.einsum("kt,klc->tlc", shares * nearer, moves).astype(np.float32)
    return replace(track, landmarks=landmarks)


def spread(times: np.ndarray, params: FaceParams, corrections: list[Correction]) -> np.ndarray:
    """How far each correction holds in each frame, (K, T) in 0..1; together at most 1."""
    form = np.column_stack([params.expression, params.jaw[:, :1] / _JAW_UNIT])  # (T, E + 1)
    frames = np.array([row.frame for row in corrections])
    away = (times[None] - times[frames, None]) / _NEAR_SECONDS
    apart = np.linalg.norm(form[None] - form[frames, None], axis=2) / _ALIKE
    weight = np.exp(-0.5 * (away**2 + apart**2))
    return weight / np.maximum(weight.sum(axis=0, keepdims=True), 1.0)


def taught(
    captured: FaceParams,
    first: FaceParams,
    again: FaceParams,
    corrections: list[Correction],
    head: Head,
    times: np.ndarray,
) -> FaceParams:
    """The capture, moved as teaching has moved the fit: from `first` to `again`.

    So what the capture has beyond a fit stays, and what was not taught too: a fit decides some
    things for the whole clip (what is heard, say), and a lesson may turn them elsewhere.
    """
    near, far = _REACH_SECONDS
    frames = [row.frame for row in corrections]
    away = np.abs(times[:, None] - times[frames]).min(axis=1)
    told = _told(times, captured, corrections)
    share = (ease((far - away) / (far - near)) * ease(told / _LEAST_TOLD))[:, None]
    names = ("expression", "head_pose", "head_translation", "jaw", "eyes")
    moved = {
        name: getattr(captured, name) + share * (getattr(again, name) - getattr(first, name))
        for name in names
    }
    low = np.minimum(head.file.expression_low, captured.expression)
    high = np.maximum(head.file.expression_high, captured.expression)
    moved["expression"] = np.clip(moved["expression"], low, high)
    return captured.replace(**moved)


def _told(times: np.ndarray, captured: FaceParams, corrections: list[Correction]) -> np.ndarray:
    """How much of a correction each frame or one close to it was taught, (T,) in 0..1."""
    reach = max(round(_LEAK_SECONDS / frame_seconds(times)), 1)
    told = spread(times, captured, corrections).sum(axis=0)
    return gaussian_filter1d(maximum_filter1d(told, 4 * reach + 1), reach, mode="nearest")


def land(
    fitted: FaceParams,
    captured: FaceParams,
    corrections: list[Correction],
    head: Head,
    times: np.ndarray,
) -> FaceParams:
    """The new fit with the corrected frames exactly as given.

    Units that no landmark shows (tongue, cheeks) follow their corrections by `spread` alone.
    """
    seen = set(landmark_head(head.file).unit_names)
    expression, jaw, eyes = fitted.expression.copy(), fitted.jaw.copy(), fitted.eyes.copy()
    for share, row in zip(spread(times, captured, corrections), corrections, strict=True):
        for name in set(row.expression) - seen:
            k = head.unit[name]
            expression[:, k] += share * (row.expression[name] - captured.expression[row.frame, k])
    pose, place = fitted.head_pose.copy(), fitted.head_translation.copy()
    shares = landing(times, np.array([row.frame for row in corrections]))[..., None]  # (K, T, 1)
    for share, row in zip(shares, corrections, strict=True):
        wanted = corrected(captured, row, head)
        columns = [head.unit[name] for name in row.expression]
        rest = wanted.expression[0, columns] - expression[row.frame, columns]
        expression[:, columns] += share * rest
        if row.jaw is not None:
            jaw += share * (wanted.jaw[0] - jaw[row.frame])
        if row.eyes is not None:
            eyes += share * (wanted.eyes[0] - eyes[row.frame])
        pose += share * (wanted.head_pose[0] - pose[row.frame])
        place += share * (wanted.head_translation[0] - place[row.frame])
    return fitted.replace(
        expression=expression, jaw=jaw, eyes=eyes, head_pose=pose, head_translation=place
    )


def landing(times: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """How far the rest of each correction counts in each frame, (K, T) in 0..1.

    1 at its own frame, 0 at every other corrected one, so that all of them stand.
    """
    shares = np.exp(-0.5 * ((times - times[frames, None]) / _LANDING_SECONDS) ** 2)
    for share, frame in zip(shares, frames, strict=True):
        for other in frames[frames != frame]:
            share *= np.clip((times - times[other]) / (times[frame] - times[other]), 0, 1)
    return shares


def _move_px(
    params: FaceParams, correction: Correction, head: Head, size: tuple[int, int]
) -> np.ndarray:
    """What a correction moves in its frame's picture: the tracker's 478 points, (478, 2) px."""
    before = params[correction.frame : correction.frame + 1]
    after = corrected(params, correction, head)
    places = [_points_px(frame, head, size) for frame in (before, after)]
    return places[1] - places[0]


def _points_px(frame: FaceParams, head: Head, size: tuple[int, int]) -> np.ndarray:
    vertices = head.camera_frame(frame, 0)
    mesh, iris = head.file.landmarks_468, head.file.iris
    faces = np.concatenate([mesh[0], iris[0]])
    weights = np.concatenate([mesh[1], iris[1]])
    return project(embed(vertices, head.file.faces, (faces, weights)), frame.focal, size)


def _frame_at(seconds: float, times: np.ndarray) -> int:
    """The frame that is nearest to a time of the take. Raises ValueError."""
    if not times[0] - _BESIDE_SECONDS <= seconds <= times[-1] + _BESIDE_SECONDS:
        raise ValueError(f"{seconds:g} s is not in the take")
    return int(np.argmin(np.abs(times - seconds)))


def _number(value: Any) -> float:
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


def _numbers(values: Any, count: int) -> Any:
    if values is None:
        return None
    numbers = tuple(map(_number, values))
    if len(numbers) != count:
        raise ValueError(f"{len(numbers)} numbers for {count}")
    return numbers
