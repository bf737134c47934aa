"""Per-clip FLAME trackers: metrical-tracker, VHAP, flame-head-tracker.

metrical-tracker, `checkpoint/00000.frame` (torch archives): `flame` with jaw (6) and eyes (12) as
the first two rows of rotation matrices (Zhou et al. 2019), eyelids (2); `opencv` with R, t, K of a
camera whose y is down and that looks along +z.
VHAP, `tracked_flame_params_*.npz`: axis-angle rotation, neck_pose, jaw_pose, eyes_pose (left,
right), translation in metres; camera at (0, 0, 1) looking along -z, focal_length in larger sides.
flame-head-tracker, an `.npz` for each frame: head_pose, jaw_pose, eye_pose axis-angle; `cam` is the
camera's own turn, Rz(c) Ry(a) Rx(b) of (a, b, c) radians, and place; `K` in pixels.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..exchange.protocol import AVFaceError
from ..head.unpickle import read_torch
from .sequence import FlameSequence, rows

_OPENCV = np.diag([1.0, -1.0, -1.0])
_VHAP_SIDE = 512  # px: its file doesn't say how large the pictures were


def is_vhap(content: dict) -> bool:
    """Whether an archive is VHAP's."""
    return {"expr", "rotation", "translation", "jaw_pose"} <= set(content)


def is_head_tracker(content: dict) -> bool:
    """Whether an archive is a frame of flame-head-tracker."""
    return {"exp", "jaw_pose", "cam", "K"} <= set(content)


def read_vhap(content: dict, source: str) -> FlameSequence:
    """Raises AVFaceError."""
    expression = rows(content["expr"], None, "expr", source)
    count = len(expression)

    def turn(key: str, columns: int) -> np.ndarray:
        values = rows(content[key], columns, key, source) if key in content else None
        if values is None:
            return np.zeros((count, columns))
        if len(values) not in (1, count):
            raise AVFaceError(f"{key} in {source} differs in length.", "Export it once more.")
        return np.broadcast_to(values, (count, columns))

    focal = float(np.ravel(content["focal_length"])[0]) if "focal_length" in content else 2.0
    return FlameSequence(
        shape=rows(content["shape"], None, "shape", source),
        expression=expression, root=turn("rotation", 3), jaw=turn("jaw_pose", 3),
        neck=turn("neck_pose", 3), eyes=turn("eyes_pose", 6), moved=turn("translation", 3),
        camera_shift=np.tile([0.0, 0.0, -1.0], (count, 1)), focal=focal * _VHAP_SIDE,
        size=(_VHAP_SIDE, _VHAP_SIDE), tool="VHAP",
    )  # fmt: skip


def read_head_tracker(frames: list[dict], source: str) -> FlameSequence:
    """Raises AVFaceError."""

    def all_of(key: str, columns: int | None) -> np.ndarray:
        return np.concatenate([rows(frame[key], columns, key, source) for frame in frames])

    try:
        camera, intrinsics = all_of("cam", 6), all_of("K", 9).reshape(-1, 3, 3)
        eyes = all_of("eye_pose", 6) if "eye_pose" in frames[0] else None
        root = all_of("head_pose", 3) if "head_pose" in frames[0] else np.zeros((len(camera), 3))
        shape, expression = all_of("shape", None), all_of("exp", None)
        jaw = all_of("jaw_pose", 3)
    except KeyError as error:
        raise AVFaceError(f"A frame of {source} lacks {error}.", "Track it once more.") from error
    own = Rotation.from_euler("ZYX", camera[:, [2, 0, 1]]).as_matrix()  # the camera's axes
    back = np.swapaxes(own, 1, 2)
    side = round(2 * float(intrinsics[0, 0, 2]))
    return FlameSequence(
        shape=shape, expression=expression, root=root, jaw=jaw, eyes=eyes, camera=back,
        camera_shift=-np.einsum("tab,tb->ta", back, camera[:, 3:]),
        focal=float(intrinsics[:, 0, 0].mean()), size=(side, side), tool="flame-head-tracker",
    )  # fmt: skip


def read_metrical(paths: list[Path], source: str) -> FlameSequence:
    """Raises AVFaceError."""
    frames = [read_torch(path) for path in paths]
    try:
        flame = [frame["flame"] for frame in frames]
        seen = [frame["opencv"] for frame in frames]
        size = np.ravel(frames[0]["img_size"]).astype(int)
        turn = np.concatenate([np.reshape(s["R"], (1, 3, 3)) for s in seen]).astype(float)
        shift = np.concatenate([np.reshape(s["t"], (1, 3)) for s in seen]).astype(float)
        focal = float(np.mean([np.reshape(s["K"], (-1, 3, 3))[0, 0, 0] for s in seen]))
        eyes = np.concatenate([np.reshape(f["eyes"], (1, 2, 6)) for f in flame])
        parts = {
            key: np.concatenate([rows(f[key], None, key, source) for f in flame])
            for key in ("shape", "exp", "jaw", "eyelids")
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AVFaceError(
            f"{source} is no checkpoint of metrical-tracker ({error}).", "Track it once more."
        ) from error
    return FlameSequence(
        shape=parts["shape"], expression=parts["exp"], root=np.zeros((len(turn), 3)),
        jaw=_from_six(rows(parts["jaw"], 6, "jaw", source)),
        eyes=_from_six(eyes.reshape(-1, 6)).reshape(-1, 6),
        eyelids=rows(parts["eyelids"], 2, "eyelids", source),
        camera=_OPENCV @ turn, camera_shift=shift @ _OPENCV, focal=focal,
        size=(int(size[-1]), int(size[0])), tool="metrical-tracker",
    )  # fmt: skip


def _from_six(rows_of: np.ndarray) -> np.ndarray:
    """Axis-angle (N, 3) of the first two rows (N, 6) of rotation matrices."""
    a, b = rows_of[:, :3], rows_of[:, 3:]
    first = a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-9)
    second = b - np.sum(first * b, axis=1, keepdims=True) * first
    second /= np.maximum(np.linalg.norm(second, axis=1, keepdims=True), 1e-9)
    matrix = np.stack([first, second, np.cross(first, second)], axis=1)
    return Rotation.from_matrix(matrix).as_rotvec()
