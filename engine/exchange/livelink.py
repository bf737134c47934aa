"""ARKit curves as files: Live Link Face's CSV and JSON.

The CSV has that app's columns in its order. Timecodes are HH:MM:SS:FF.mmm with FF counted at 60 a
second whatever the clip's rate: so the app writes them and so its readers count (Unreal's importer,
Faceit). Angles are radians, all yaws positive to the subject's right: the head's pitch is positive
up and its roll towards the subject's left shoulder (as Faceit reads them), the eyes' pitch is
positive down (in the app's recordings an eye's yaw falls as EyeLookOutLeft and EyeLookInRight rise,
its pitch falls as EyeLookUp rises, and its roll is minus that of a turn about the face's axis).
"""

import csv
import json
import re
from pathlib import Path

import numpy as np

from .arkit import ARKIT_NAMES, Curves
from .protocol import AVFaceError
from .saving import save
from .take import frame_seconds

TIMECODE_RATE = 60
_TURNS = (
    "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
    "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
)  # fmt: skip
HEADER = (
    "Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in ARKIT_NAMES), *_TURNS,
)  # fmt: skip
_SENSE = np.array([-1, -1, -1, -1, 1, -1, -1, 1, -1.0])  # the file's angles over those of Curves
_MOST_ROWS = 10_000_000


def write_livelink(curves: Curves, path: Path, start_seconds: float = 0.0) -> None:
    """Write the CSV; its first frame's timecode is `start_seconds` plus the clip's own time."""
    turns = _SENSE * np.concatenate([curves.head, curves.left_eye, curves.right_eye], axis=1)
    lines = [",".join(HEADER)]
    for time, values, angles in zip(curves.times, curves.values, turns, strict=True):
        numbers = ",".join(f"{value:.10f}" for value in [*values, *angles])
        lines.append(f"{timecode(start_seconds + float(time))},{len(HEADER) - 2},{numbers}")
    save(path, "\n".join(lines) + "\n")


def timecode(seconds: float) -> str:
    """HH:MM:SS:FF.mmm, frames at 60 a second: 3661.5 -> 01:01:01:30.000."""
    thousandths = round(seconds * TIMECODE_RATE * 1000)
    frames, rest = divmod(thousandths, 1000)
    whole, frame = divmod(frames, TIMECODE_RATE)
    hour, minute, second = whole // 3600 % 24, whole // 60 % 60, whole % 60
    return f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{rest:03d}"


def write_json(curves: Curves, path: Path) -> None:
    """Names, rate, and one list of numbers a frame."""
    content = {
        "format": "ARKit",
        "fps": curves.fps,
        "names": list(ARKIT_NAMES),
        "axes": "yaw to the subject's left, pitch down, roll; radians, R = Ry Rx Rz",
        "frames": [
            {
                "time": round(float(time), 6),
                "values": np.round(values, 6).tolist(),
                "head": np.round(head, 6).tolist(),
                "left_eye": np.round(left, 6).tolist(),
                "right_eye": np.round(right, 6).tolist(),
            }
            for time, values, head, left, right in zip(
                curves.times, curves.values, curves.head, curves.left_eye, curves.right_eye,
                strict=True,
            )
        ],
    }  # fmt: skip
    save(path, json.dumps(content, indent=None, separators=(",", ":")))


def read_livelink(path: Path) -> Curves:
    """Read a CSV with such columns, in any order and any case. Raises AVFaceError."""
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="strict") as file:
            rows = [row for row in csv.reader(file) if row]
    except FileNotFoundError as error:
        raise AVFaceError(f"There is no file at {path}.", "Check the path.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AVFaceError(f"{path.name} is not a table of curves.", "Choose a CSV.") from error
    return parse_table(rows, path.name)


def parse_table(rows: list[list[str]], name: str) -> Curves:
    """The curves of a table whose first row names the columns. Raises AVFaceError."""
    column = {title.strip().lower(): k for k, title in enumerate(rows[0])} if rows else {}
    known = [n for n in ARKIT_NAMES if n.lower() in column]
    if "timecode" not in column or len(known) < 10 or len(rows) > _MOST_ROWS:
        raise AVFaceError(
            f"{name} has no columns of Live Link Face.", "Choose a CSV that it has written."
        )
    body = [row for row in rows[1:] if len(row) == len(rows[0]) and _has_values(row, column)]
    if not body:
        raise AVFaceError(f"{name} holds no frames.", "Record with face tracking on.")
    try:
        times = np.array([_seconds(row[column["timecode"]]) for row in body])
        numbers = {
            n: np.array([float(row[column[n.lower()]]) for row in body])
            for n in (*known, *(t for t in _TURNS if t.lower() in column))
        }
    except ValueError as error:
        raise AVFaceError(f"{name} has a cell that is no number.", "Choose another.") from error
    zero = np.zeros(len(body))
    values = np.stack([numbers.get(n, zero) for n in ARKIT_NAMES], axis=1)
    turns = _SENSE * np.stack([numbers.get(n, zero) for n in _TURNS], axis=1)
    if not (np.isfinite(values).all() and np.isfinite(turns).all()):
        raise AVFaceError(f"{name} has a cell that is no number.", "Choose another.")
    times = _onwards(times)
    step = frame_seconds(times, alone=1 / TIMECODE_RATE)
    return Curves(times, values, *np.split(turns, 3, axis=1), fps=1 / max(step, 1e-3))


def _has_values(row: list[str], column: dict[str, int]) -> bool:
    """Rows without a face say that they hold no shapes."""
    count = row[column["blendshapecount"]] if "blendshapecount" in column else "1"
    return count.strip() not in ("0", "0.0", "")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d+)?)\s*", text)
    if not found:
        raise ValueError(text)
    hour, minute, second, frame = found.groups()
    return 3600 * int(hour) + 60 * int(minute) + int(second) + float(frame) / TIMECODE_RATE


def _onwards(times: np.ndarray) -> np.ndarray:
    """Seconds from the first frame, across midnight, never backwards."""
    times = times + 86400 * np.concatenate([[0], np.cumsum(np.diff(times) < -43200)])
    return np.maximum.accumulate(times - times[0]) + 1e-6 * np.arange(len(times)) * (
        np.diff(times, prepend=-1) <= 0
    )
