"""What a tracker makes of a face: points with lasting and passing errors, and what it imagines.

Stands for trackers whose errors are not our own network's, and for which no picture is drawn.
"""

from functools import cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from ..models.landmarks import LIPS, POINTS
from .people.stage import build_stage
from .point_head import point_head, pose_points, smooth_fields
from .sights import Sights

_LASTING = (0.028, 0.012)  # of the face's radius: smooth over the face, of each point
_PASSING = (0.007, 0.006)
_AMOUNT = (0.2, 1.8)
_BY_TURN = 2.0  # errors grow with the head's turn
_CALM = 1.0  # frames: a tracker's errors come and go
_UNSEEN = 0.05  # of the radius, where something is before the point
_LIPS = [POINTS.index(p) for p in LIPS]
_MOUTH_UNITS = ("mouth", "lips", "tongue", "cheek")


def track_points(sights: Sights, clip: int, generator: np.random.Generator) -> np.ndarray:
    """A tracker's points of one clip of a shard, (N, L, 2) in half crops.

    Where the lips are covered the tracker imagines a mouth, somebody else's or one at rest.
    """
    true, covered = sights.true_points[clip].astype(float), sights.covered[clip]
    share = gaussian_filter1d(covered[:, _LIPS].mean(1), 1.0)
    out = true.copy()
    if share.max() > 0.1:
        sure = generator.uniform(0.5, 1.0) * share.clip(0, 1)
        out += sure[:, None, None] * _imagined(sights, clip, generator)
    radius = np.sqrt(((true - true.mean(1, keepdims=True)) ** 2).sum(2).mean(1))
    turned = np.abs(sights.turn[clip][:, 0, 2])
    error = _errors(generator, 1, *_LASTING) + _errors(generator, len(true), *_PASSING)
    error *= (1 + _BY_TURN * turned)[:, None, None]
    lost = generator.normal(0, _UNSEEN, true.shape)
    lost = gaussian_filter1d(lost, 2.0, axis=0) * 2
    return out + radius[:, None, None] * (error + covered[..., None] * lost)


def _imagined(sights: Sights, clip: int, generator: np.random.Generator) -> np.ndarray:
    """How the points move when the mouth is taken for another one, (N, L, 2) half crops."""
    units, jaw = sights.units[clip].copy(), sights.jaw[clip].copy()
    other = int(generator.integers(len(sights.units)))
    t = int(generator.integers(units.shape[0]))
    resting = generator.random() < 0.5
    mouth = np.array([n.startswith(_MOUTH_UNITS) for n in build_stage().head.file.expression_names])
    units[:, mouth] = 0 if resting else sights.units[other, t][mouth]
    jaw[:] = jaw.mean(0) * generator.random() if resting else sights.jaw[other, t]
    both = []
    for e, j in ((units, jaw), (sights.units[clip], sights.jaw[clip])):
        both.append(_seen(sights, clip, e, j))
    return both[0] - both[1]


def _seen(sights: Sights, clip: int, units: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    """The person's points with another expression as the camera sees them, in half crops."""
    gaze = sights.eyes[clip][:, [0, 1, 3, 4]]
    tensors = [torch.from_numpy(v.astype(np.float32))[None] for v in (units, jaw, gaze)]
    shape = torch.from_numpy(sights.shape[clip].astype(np.float32))[None]
    points = pose_points(_head(), shape, *tensors)[0].numpy()
    placed = np.einsum("tij,tlj->tli", sights.turn[clip], points)
    placed += sights.translation[clip][:, None]
    flat = placed[..., :2] / -placed[..., 2:] * [1, -1]
    return flat * _zoom(sights, clip)


def _zoom(sights: Sights, clip: int) -> np.ndarray:
    """Half crops of a tangent, (N, 1, 1)."""
    from ..faces.seen import crop_size

    return sights.focal[clip][:, None, None] * 2 / crop_size()


@cache
def _head() -> dict[str, torch.Tensor]:
    return point_head(build_stage()).tensors()


def _errors(generator: np.random.Generator, count: int, smooth: float, each: float) -> np.ndarray:
    """(count, L, 2) in the radius."""
    waves = _fields()
    field = generator.normal(size=(count, 2, waves.shape[1])) @ waves.T
    error = smooth * np.swapaxes(field, 1, 2)
    error = error + each * generator.normal(size=(count, len(waves), 2))
    if count > 1:
        error = gaussian_filter1d(error, _CALM, axis=0) * np.sqrt(2 * np.sqrt(np.pi) * _CALM)
    return generator.uniform(*_AMOUNT) * error


@cache
def _fields() -> np.ndarray:
    return smooth_fields(point_head(build_stage()).template)
