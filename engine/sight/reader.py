"""Landmarks of a clip read as parameters of the default head, in milliseconds, without a fit.

The network sees points as a camera would that looks straight at the face, in units of the points'
own radius; how that camera is turned and how far the face is are worked out here, exactly.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter1d

from ..exchange.head_file import HeadFile
from ..head.model import FaceParams
from ..weights import load_head, load_network

if TYPE_CHECKING:
    from ..models.reader import ReaderNet

_LONGEST = 1500  # frames decoded at once; a longer clip is read in pieces of about equal length
_HIDDEN_SHARE = 0.1  # of the points, more than in the clearest frame: half a mouth, or an eye
_BESIDE_FRAMES, _LEAST_CLEAR = 2, 8  # a cover disturbs points before it hides any
NETWORK = "reader"


@dataclass(frozen=True)
class FaceReading:
    """What the points say, frame by frame; frames without points are bridged from their neighbours.

    `FaceParams.albedo` and `.light` are not read: they stay at 0.
    """

    params: FaceParams
    unit_sd: np.ndarray  # (T, E) the network's own standard deviations
    jaw_sd: np.ndarray  # (T, 3) rad
    gaze_sd: np.ndarray  # (T, 4) rad: pitch and yaw, left then right
    read: np.ndarray  # (T,) bool: frames that had points
    seen: np.ndarray  # (T, inputs) the points themselves, whitened, and how they differ from usual


@dataclass(frozen=True)
class Normalised:
    """Points as the network takes them."""

    points: np.ndarray  # (T, L, 2) about their mean, in their radius; x right, y down
    log_radius: np.ndarray  # (T,) of the radius, as tangents
    look: np.ndarray  # (T, 3, 3) rows: axes of the camera that looks at the points' mean


def read_landmarks(
    points: np.ndarray,
    size: tuple[int, int],
    focal: float,
    trust: np.ndarray | None = None,
) -> FaceReading:
    """The performance that the points show, on the default head.

    Args:
        points: (T, 478, 2) or (T, 478, 3) pixels in MediaPipe's order, NaN where there is no face.
        size: width, height of the picture, px.
        focal: px.
        trust: (T, 478) 0 to 1, how far each point is to be believed; all when None.
    """
    from ..models.landmarks import POINTS

    assert points.shape[1] == 478, points.shape
    chosen = points[:, list(POINTS), :2].astype(float)  # (T, L, 2)
    read: np.ndarray = np.isfinite(chosen).all((1, 2))  # type: ignore[assignment]
    assert read.any(), "no frame has points"
    normal = normalise(chosen[read], size, focal)
    believed = np.ones(chosen.shape[:2]) if trust is None else trust[:, list(POINTS)]
    stacked = np.concatenate(
        [normal.points * believed[read][..., None], believed[read][..., None]], 2
    )
    said, shape = _say(stacked, normal.log_radius)
    clear = _clear(believed[read])
    if not clear.all():
        alone, shape = _say(stacked[clear], normal.log_radius[clear])
        for name, values in alone.items():
            said[name][clear] = values
    return _assemble(said, shape, normal, read, focal)


def _clear(believed: np.ndarray) -> np.ndarray:
    """Frames (T,) that tell who it is: hardly a point is hidden there, (T, L) 0..1, nor beside it.

    What the network says of a clip it says of all its frames together: a cover in some would turn
    and swell the head in all. All frames, where too few are clear.
    """
    share = believed.mean(1)
    hidden = share < share.max() - _HIDDEN_SHARE
    clear = ~np.asarray(maximum_filter1d(hidden, 2 * _BESIDE_FRAMES + 1), bool)
    return clear if clear.sum() >= _LEAST_CLEAR else np.ones(len(clear), bool)


def _say(points: np.ndarray, log_radius: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The network's numbers of each frame by name, and the person's shape (S,)."""
    import torch

    net, pieces, readings = _network(), max(1, round(len(points) / _LONGEST)), []
    with torch.no_grad():
        for part, radius in zip(
            np.array_split(points, pieces), np.array_split(log_radius, pieces), strict=True
        ):
            out = net(torch.from_numpy(part).float()[None], torch.from_numpy(radius).float()[None])
            readings.append({name: value[0].numpy() for name, value in out._asdict().items()})
    shape = np.mean([r["shape"] for r in readings], axis=0)
    joined = {k: np.concatenate([r[k] for r in readings]) for k in readings[0] if k != "shape"}
    return joined, shape


def normalise(points: np.ndarray, size: tuple[int, int], focal: float) -> Normalised:
    """Points (T, L, 2) px seen from a camera that looks at their mean."""
    middle = np.array(size) / 2
    rays = np.concatenate([(points - middle) / focal, np.full((*points.shape[:2], 1), -1.0)], 2)
    rays[..., 1] *= -1  # y up
    towards = rays.mean(1)
    back = -towards / np.linalg.norm(towards, axis=1, keepdims=True)  # the camera's +z, (T, 3)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    look = np.stack([right, np.cross(back, right), back], 1)  # (T, 3, 3)
    seen = np.einsum("tij,tlj->tli", look, rays)
    flat = np.stack([seen[..., 0], -seen[..., 1]], -1) / -seen[..., 2:]
    return Normalised(*centre(flat), look)


def centre(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tangents (T, L, 2) about their mean in units of their radius, and the log of that radius."""
    away = flat - flat.mean(1, keepdims=True)
    radius = np.sqrt((away**2).sum(2).mean(1))
    return away / radius[:, None, None], np.log(radius)


@cache
def head_read() -> HeadFile:
    """The head whose parameters are read."""
    return load_head()


@cache
def _network() -> "ReaderNet":
    from ..models.reader import ReaderConfig, ReaderNet

    tensors, _ = load_network(NETWORK)
    net = ReaderNet(ReaderConfig())
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return net.eval()


def _assemble(
    out: dict[str, np.ndarray],
    shape: np.ndarray,
    normal: Normalised,
    read: np.ndarray,
    focal: float,
) -> FaceReading:
    """The network's numbers in the clip's camera, bridged over frames without a face."""
    file = head_read()
    distance = np.exp(out["log_size"] - normal.log_radius)  # m
    tangent = out["offset"] * np.exp(normal.log_radius)[:, None]
    place = np.column_stack([tangent[:, 0], -tangent[:, 1], np.full(len(tangent), -1.0)])
    place = place * distance[:, None]
    turn = np.einsum("tji,tjk->tik", normal.look, out["turn"])
    place = np.einsum("tji,tj->ti", normal.look, place)
    gaze = out["gaze"]
    eyes = np.zeros((len(gaze), 6))
    eyes[:, [0, 1, 3, 4]] = gaze
    counts = np.cumsum([out["units"].shape[1], 3])
    unit_sd, jaw_sd, gaze_sd = np.split(np.exp(out["log_sd"]), counts, axis=1)
    spread = lambda values: _bridge(values, read)  # noqa: E731
    params = FaceParams(
        shape=shape.astype(float), albedo=np.zeros(50),
        expression=spread(_within(out["units"], file)), head_pose=spread(_axis_angles(turn)),
        head_translation=spread(place), jaw=spread(out["jaw"]), eyes=spread(eyes), focal=focal,
        light=np.zeros((9, 3)),
    )  # fmt: skip
    return FaceReading(
        params, spread(unit_sd), spread(jaw_sd), spread(gaze_sd), read, spread(out["seen"])
    )


def _within(units: np.ndarray, file: HeadFile) -> np.ndarray:
    return np.clip(units, file.expression_low, file.expression_high)


def _axis_angles(turn: np.ndarray) -> np.ndarray:
    """(T, 3, 3) -> (T, 3), without jumps of a whole turn."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(turn).as_rotvec()


def _bridge(values: np.ndarray, read: np.ndarray) -> np.ndarray:
    """(n, C) of the frames that were read -> (T, C), linear between them, held at the ends."""
    if read.all():
        return values.astype(float)
    at = np.flatnonzero(read)
    frames = np.arange(len(read))
    return np.stack([np.interp(frames, at, column) for column in values.T], 1)
