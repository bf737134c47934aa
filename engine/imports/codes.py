"""Code dictionaries of DECA, EMOCA, SPECTRE and SMIRK, as their users save them.

DECA, SPECTRE: `shape` 100, `exp` 50, `pose` 6 (root turn, then jaw turn, axis-angle), `cam` 3.
EMOCA: the same as `shapecode`, `expcode`, `posecode`, or `shape.npy`, `exp.npy`, `pose.npy` in a
folder for each frame. SMIRK: `shape_params` 300, `expression_params` 50, `pose_params` 3,
`jaw_params` 3, `eyelid_params` 2 (left, right, 1 shut).
`cam` is (s, x, y) of an orthographic camera on the 224 px crop: a point is seen at s (v + (x, y)),
-1 to 1, y up. It becomes a far pinhole camera of that crop; where the crop lies in the picture is
in none of these files.
"""

from typing import Any

import numpy as np

from ..exchange.protocol import AVFaceError
from .sequence import FlameSequence, rows

CROP, _FOCAL = 224, 10_000.0  # px; long: nearly parallel, as the tools' own camera
_FACE_AHEAD = 0.06  # m before FLAME's origin: there both cameras see the same size
_NAMES = {
    "shape": ("shape", "shapecode", "shape_params"),
    "expression": ("exp", "expcode", "expression_params", "expression"),
    "pose": ("pose", "posecode"),
    "root": ("pose_params", "global_pose"),
    "jaw": ("jaw_params",),
    "eyelids": ("eyelid_params",),
    "camera": ("cam",),
}
_TOOLS = {"shapecode": "EMOCA", "expression_params": "SMIRK"}


def is_codes(content: Any) -> bool:
    """Whether a dictionary holds such codes."""
    keys = set(content) if isinstance(content, dict) else set()
    has_pose = keys & {*_NAMES["pose"], *_NAMES["root"]}
    return bool(keys.intersection(_NAMES["expression"]) and has_pose)


def read_codes(frames: list[dict], source: str) -> FlameSequence:
    """A sequence of one dictionary with all frames, or of one for each. Raises AVFaceError."""
    found = {part: _stacked(frames, names, source) for part, names in _NAMES.items()}
    expression = found["expression"]
    if expression is None:
        raise AVFaceError(f"{source} has no expression codes.", "Choose another file.")
    count = len(expression)
    root, jaw = found["root"], found["jaw"]
    if found["pose"] is not None:
        pose = rows(found["pose"], 6, "pose", source)
        root, jaw = pose[:, :3], pose[:, 3:]
    root = np.zeros((count, 3)) if root is None else rows(root, 3, "pose", source)
    jaw = np.zeros((count, 3)) if jaw is None else rows(jaw, 3, "jaw", source)
    shape = found["shape"] if found["shape"] is not None else np.zeros((1, 100))
    camera = found["camera"] if found["camera"] is not None else np.tile([8.0, 0, 0], (count, 1))
    camera = rows(camera, 3, "cam", source)
    lids = found["eyelids"]
    parts = (root, jaw, camera) if lids is None else (root, jaw, camera, lids)
    if any(len(part) != count for part in parts):
        raise AVFaceError(f"The codes in {source} differ in length.", "Save them once more.")
    if np.any(camera[:, 0] <= 0):
        raise AVFaceError(f"cam in {source} has no size.", "Save the codes once more.")
    keys = {key for frame in frames for key in frame}
    return FlameSequence(
        shape=shape, expression=expression, root=root, jaw=jaw, eyelids=lids,
        camera_shift=_far(camera), focal=_FOCAL, size=(CROP, CROP),
        tool=next((tool for key, tool in _TOOLS.items() if key in keys), "DECA"),
    )  # fmt: skip


def _far(camera: np.ndarray) -> np.ndarray:
    """Where the pinhole camera sees FLAME's origin, (T, 3) m."""
    scale, x, y = camera.T
    return np.stack([x, y, -_FOCAL / (scale * CROP / 2) - _FACE_AHEAD], axis=1)


def _stacked(frames: list[dict], names: tuple[str, ...], source: str) -> np.ndarray | None:
    key = next((name for name in names if name in frames[0]), None)
    if key is None:
        return None
    parts = []
    for frame in frames:
        if key not in frame:
            raise AVFaceError(f"A frame of {source} lacks {key}.", "Save it once more.")
        parts.append(rows(frame[key], None, key, source))
    if len({part.shape[1] for part in parts}) > 1:
        raise AVFaceError(f"{key} in {source} changes its length.", "Save it once more.")
    return np.concatenate(parts)
