"""A take's performance on the scene's frames. No Blender here.

Where the take's own frames lie between the scene's, values are read off between them. A closure of
lips or lids that is shorter than a frame of the scene would be missed by that: the scene frame that
is nearest to it shows it whole, less than half a frame early or late.
"""

from dataclasses import dataclass

import numpy as np

from ..engine.exchange.take import Take
from .clean_up import region_of_key
from .rotations import quaternions
from .timeline import resample, resample_rotations, whole_frames

# Pairs of the 68 landmarks, upper and lower: inner lips, right lids, left lids.
_LIPS = ((61, 67), (62, 66), (63, 65))
_LIDS = (((37, 41), (38, 40)), ((43, 47), (44, 46)))
_HALF_A_FRAME = 0.5 + 1e-6
_SEEN_GAP = 0.005  # of the face's height, brows to chin: half a millimetre


@dataclass(frozen=True)
class Performance:
    """A take on the scene's frames, in head axes: N frames."""

    frames: np.ndarray  # (N,)
    expression: np.ndarray  # (N, E)
    lips: np.ndarray  # (N, K) weights of the take's lip shapes; K is 0 without
    head_turns: np.ndarray  # (N, 4) unit quaternions, here and below
    head_places: np.ndarray  # (N, 3) m, from the camera
    jaw: np.ndarray  # (N, 4)
    left_eye: np.ndarray  # (N, 4)
    right_eye: np.ndarray  # (N, 4)


def on_frames(take: Take, frames: np.ndarray, exact: bool) -> Performance:
    """The take at its own scene frames (T,), or on whole ones where its own lie between."""
    lips = np.zeros((len(frames), 0)) if take.lip_weights is None else take.lip_weights
    turns, jaw = quaternions(take.head_pose), quaternions(take.jaw)
    left, right = quaternions(take.eyes[:, :3]), quaternions(take.eyes[:, 3:])
    if exact or np.all(frames == np.round(frames)):
        places = take.head_translation
        return Performance(frames, take.expression, lips, turns, places, jaw, left, right)
    at = whole_frames(frames)
    mouth = keep_closures(at, frames, [_gap(take, _LIPS)])
    lids = keep_closures(at, frames, [_gap(take, pairs) for pairs in _LIDS])
    expression = resample(take.expression, frames, at)
    regions = np.array([region_of_key(name) for name in take.expression_names])
    for region, moments in (("mouth", mouth), ("eyes", lids)):
        own = regions == region
        expression[:, own] = resample(take.expression[:, own], frames, moments)
    return Performance(
        frames=at,
        expression=expression,
        lips=resample(lips, frames, mouth),
        head_turns=resample_rotations(turns, frames, at),
        head_places=resample(take.head_translation, frames, at),
        jaw=resample_rotations(jaw, frames, mouth),
        left_eye=resample_rotations(left, frames, at),
        right_eye=resample_rotations(right, frames, at),
    )


def keep_closures(at: np.ndarray, frames: np.ndarray, gaps: list[np.ndarray]) -> np.ndarray:
    """The moment that each whole frame shows: its own, or a closure's that would be missed.

    Args:
        at: whole frames without a hole, (N,).
        frames: of the take, increasing, (T,).
        gaps: how far something stands open at the take's frames, each (T,), of the face's height.

    Returns:
        (N,) frames, each within half a frame of `at`.
    """
    moments = at.astype(float)
    found = []
    for gap in gaps:
        shown = np.interp(at, frames, gap)
        shuts = 1 + np.flatnonzero((gap[1:-1] <= gap[:-2]) & (gap[1:-1] < gap[2:]))
        before = np.clip(np.floor(frames[shuts] - at[0]).astype(int), 0, len(at) - 1)
        after = np.minimum(before + 1, len(at) - 1)
        missed = np.minimum(shown[before], shown[after]) - gap[shuts] > _SEEN_GAP
        found += [(gap[k], frames[k]) for k in shuts[missed]]
    for _, moment in sorted(found, reverse=True):  # of two in one frame the tighter one stays
        nearest = min(max(round(moment - at[0]), 0), len(at) - 1)
        if abs(at[nearest] - moment) <= _HALF_A_FRAME:
            moments[nearest] = moment
    return moments


def _gap(take: Take, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    """How far these landmarks stand apart at each of the take's frames, (T,), of its height."""
    marks = take.landmarks_px
    height = np.maximum(np.ptp(marks[..., 1], axis=1), 1.0)
    apart = [np.linalg.norm(marks[:, a] - marks[:, b], axis=1) for a, b in pairs]
    return np.mean(apart, axis=0) / height
