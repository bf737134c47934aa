"""Tables of curves: Live Link Face, MediaPipe's blendshapes, OpenSeeFace's log.

MediaPipe: columns named as ARKit's curves (`_neutral` is left out) and a time (`timestamp_ms`,
`ms`, `timestamp`, `time`, `seconds`) or a frame number; scores 0 to 1.
OpenSeeFace (`--log-data`): RightOpen and LeftOpen 1 open; eyebrow_updown 1 up; mouth_open 0 to 1;
mouth_wide 1 wide, -1 narrow; mouth_corner_updown 1 up; Time in seconds. Its head's turn is read
relative to the middle of the recording, where the face is taken to look at the camera: RVec, whose
axes are OpenCV's.
"""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..exchange.arkit import ARKIT_NAMES, Curves, axis_angle_of, units_of, yaw_pitch_roll
from ..exchange.head_file import HeadFile
from ..exchange.livelink import parse_table
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take, frame_seconds
from ..head.model import FaceParams, Head
from .sequence import MOST_FRAMES, SIZE, plain_take

_MEDIAPIPE_LEAST = 30  # of ARKit's names among the columns
_TIMES = {
    "timestamp_ms": 1e-3, "time_ms": 1e-3, "ms": 1e-3, "timestamp": 1.0, "time": 1.0,
    "seconds": 1.0, "time_s": 1.0,
}  # fmt: skip
_OPENCV = np.diag([1.0, -1.0, -1.0])
_FOCAL, _DISTANCE = 1000.0, 0.6


def read_table(path: Path, fps: float) -> tuple[Curves, str]:
    """The curves of a table and the tool that wrote it. Raises AVFaceError."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AVFaceError(f"{path.name} is not a table of curves.", "Choose a CSV.") from error
    if len(table) < 2 or len(table) > MOST_FRAMES:
        raise AVFaceError(f"{path.name} holds no frames.", "Choose another CSV.")
    names = [name.strip().lower() for name in table[0]]
    known = {name.lower() for name in ARKIT_NAMES}
    if "timecode" in names:
        return parse_table(table, path.name), "Live Link Face"
    if {"rightopen", "leftopen", "rvec.x"} <= set(names):
        return _openseeface(_columns(table, names, path.name), path.name), "OpenSeeFace"
    if len(known.intersection(names)) >= _MEDIAPIPE_LEAST:
        return _mediapipe(_columns(table, names, path.name), fps, path.name), "MediaPipe"
    raise AVFaceError(
        f"{path.name} is no table of Live Link Face, MediaPipe or OpenSeeFace.",
        "Its first row must name the columns.",
    )


def take_of_curves(curves: Curves, file: HeadFile, source: str, tool: str) -> Take:
    """A take on the default head: the head where a camera at arm's length sees it."""
    if "eyeBlinkLeft" not in file.expression_names:
        raise AVFaceError(
            f"{file.name} has no units with ARKit's names.",
            "Import curves without --head, then `transfer` the take to that head.",
        )
    expression, jaw, eyes = units_of(curves, file.expression_names)
    head = Head(file)
    params = FaceParams.neutral(head, len(expression), _FOCAL, _DISTANCE).replace(
        expression=expression, jaw=jaw, eyes=eyes, head_pose=axis_angle_of(curves.head)
    )
    rest = head.rest(params.shape)
    marks = [head.landmarks_px(params, t, SIZE, rest) for t in range(len(params))]
    take = plain_take(params, np.asarray(marks), file, source, curves.fps, tool)
    return replace(take, times=curves.times)


def _columns(table: list[list[str]], names: list[str], source: str) -> dict[str, np.ndarray]:
    """Numbers by column; text columns and rows that are cut short are left out."""
    body = [row for row in table[1:] if len(row) >= len(names) - 1]
    if not body:
        raise AVFaceError(f"{source} holds no frames.", "Choose another CSV.")
    out = {}
    for k, name in enumerate(names):
        try:
            values = np.array([float(row[k]) for row in body if k < len(row)])
        except ValueError:
            continue
        if len(values) == len(body) and np.isfinite(values).all():
            out[name] = values
    return out


def _mediapipe(columns: dict[str, np.ndarray], fps: float, source: str) -> Curves:
    missing = [n for n in ARKIT_NAMES if n.lower() not in columns and n != "tongueOut"]
    if len(missing) > len(ARKIT_NAMES) - _MEDIAPIPE_LEAST:
        raise AVFaceError(f"{source} has cells that are no numbers.", "Write it once more.")
    count = len(next(iter(columns.values())))
    values = np.stack([columns.get(n.lower(), np.zeros(count)) for n in ARKIT_NAMES], axis=1)
    key = next((name for name in _TIMES if name in columns), None)
    times = np.arange(count) / fps if key is None else columns[key] * _TIMES[key]
    zero = np.zeros((count, 3))
    return _timed(Curves(times, np.clip(values, 0, 1), zero, zero, zero, fps), source)


def _openseeface(columns: dict[str, np.ndarray], source: str) -> Curves:
    needed = ("time", "rightopen", "leftopen", "rvec.x", "rvec.y", "rvec.z")
    if any(name not in columns for name in needed):
        raise AVFaceError(f"{source} has cells that are no numbers.", "Write it once more.")
    faces = columns.get("faceid", columns.get("face"))
    if faces is not None:  # several people: the first
        columns = {name: values[faces == faces[0]] for name, values in columns.items()}
    count = len(columns["time"])
    curve = {name: np.zeros(count) for name in ARKIT_NAMES}

    def of(name: str) -> np.ndarray:
        return columns.get(name, np.zeros(count))

    curve["jawOpen"] = of("mouth_open")
    for side, letter, lid in (("Left", "l", "leftopen"), ("Right", "r", "rightopen")):
        corner, brow = of(f"mouth_corner_updown_{letter}"), of(f"eyebrow_updown_{letter}")
        curve[f"eyeBlink{side}"] = 1 - columns[lid]
        curve[f"mouthSmile{side}"], curve[f"mouthFrown{side}"] = corner, -corner
        curve[f"browOuterUp{side}"], curve[f"browDown{side}"] = brow, -brow
        curve[f"mouthStretch{side}"] = 0.5 * of("mouth_wide")
    curve["browInnerUp"] = (of("eyebrow_updown_l") + of("eyebrow_updown_r")) / 2
    curve["mouthPucker"] = -of("mouth_wide")
    values = np.clip(np.stack([curve[name] for name in ARKIT_NAMES], axis=1), 0, 1)
    turns = Rotation.from_rotvec(np.stack([columns[f"rvec.{axis}"] for axis in "xyz"], axis=1))
    from_middle = (turns * turns.mean().inv()).as_matrix()
    pose = Rotation.from_matrix(_OPENCV @ from_middle @ _OPENCV).as_rotvec()
    zero = np.zeros((count, 3))
    return _timed(Curves(columns["time"], values, yaw_pitch_roll(pose), zero, zero, 0.0), source)


def _timed(curves: Curves, source: str) -> Curves:
    """Times from 0, the rate from their middle step."""
    times = curves.times - curves.times[0]
    step = frame_seconds(times)
    if np.any(np.diff(times) <= 0) or step <= 0:
        raise AVFaceError(f"The times in {source} do not go forward.", "Write it once more.")
    return replace(curves, times=times, fps=1 / step)
