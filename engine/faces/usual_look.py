"""What a part of the face usually looks like in a clip, and what the head's turning explains of it.

Where a part has two very different looks in one clip, one of them is a cover, and not always the
rarer one: the look with edges where the mesh puts lips, lids or brows is the clean one.
"""

from dataclasses import dataclass, replace

import numpy as np

from .looks import COLOUR_NOISE, SKIN
from .parts import Part

_POSE_UNIT = 15.0  # degrees
_BLACK = 41.0  # Lab's lightness of 8 bits is this much above a pure cube root
_MIDDLE_LIGHT = 170.0  # likewise, of well lit skin, with _BLACK
_SHADE_UNIT = 0.12  # log lightness: a light change of shade
_LARGEST_CHANGE = 8.0  # that a turn of the head makes
_LOOKS_APART = 0.85  # two looks of a part this far apart: one of them is a cover
_LOOKS_TURNED = 15.0  # unless the head looks so many degrees elsewhere
_LOOK_EDGES = 1.4  # and the one whose features are so much clearer is clean
_ROUNDS = 30  # of the power iteration


@dataclass(frozen=True)
class UsualLook:
    """What a part looks like when nothing is before it, and how much that varies."""

    colours: np.ndarray  # (P, 3)
    slopes: np.ndarray  # (3, P, 3) per _POSE_UNIT of yaw, pitch, roll
    spread: np.ndarray  # (P, 3)
    pose: np.ndarray  # (3,) degrees, to which `colours` belong


def median(values: np.ndarray, axis: int = 0, keepdims: bool = False) -> np.ndarray:
    """`np.median` without NaN, by sorting: that has vector instructions, its partition hasn't."""
    count = values.shape[axis]
    low, high = (count - 1) // 2, count // 2
    ordered = np.sort(values, axis=axis)
    middle = ordered.take(low, axis) / 2 + ordered.take(high, axis) / 2
    return np.expand_dims(middle, axis) if keepdims else middle


def against_skin(colours: np.ndarray) -> np.ndarray:
    """Lightness and chroma of all points against the frame's own skin: Lab -> (n, 478, 3).

    A smile or a turn of the head shades skin, but hardly changes its chroma: Lab's a and b over
    the lightness are the same under any strength of light. So shade counts little. In units of
    what any camera's noise amounts to, which is more in the shade.
    """
    light = colours[..., 0].astype(np.float32) + np.float32(_BLACK)  # (n, 478)
    brightness = np.float32(_MIDDLE_LIGHT) / light
    looks = np.empty(colours.shape, np.float32)
    looks[..., 0] = np.log(light) / np.float32(_SHADE_UNIT)
    looks[..., 1:] = (colours[..., 1:] - np.float32(128)) / COLOUR_NOISE[1:]
    looks[..., 1:] *= brightness[..., None]  # as they were in middle light
    looks -= median(looks[:, SKIN], axis=1, keepdims=True)
    looks[..., 1:] /= np.maximum(brightness, 1)[..., None]
    return looks


def usual_look(
    looks: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    part: Part,
) -> UsualLook:
    """What a part looks like in the frames that show it.

    Args:
        looks: (M, P, 3) of its points, `against_skin`.
        edges: (M, 478) steepness of lightness at all points.
        pose: (M, 3) degrees.
        part: Which.
    """
    first = _look_of(looks, pose)
    clean = _clean_frames(residual(looks, pose, first), edges, pose, part)
    return first if clean.all() else _look_of(looks[clean], pose[clean])


def _look_of(looks: np.ndarray, pose: np.ndarray) -> UsualLook:
    """The look common to frames (M, P, 3), and what their poses (M, 3) change in it."""
    usual, middle = median(looks, axis=0), median(pose, axis=0)
    turn = _turn(pose, middle)
    target = np.clip(looks - usual, -_LARGEST_CHANGE, _LARGEST_CHANGE)
    # The ridge asks for a real range of poses before a slope is believed.
    gram = turn.T @ turn + (0.1 * len(turn) + 1.0) * np.eye(3)
    slopes = np.linalg.solve(gram, turn.T @ target.reshape(len(turn), -1))
    look = UsualLook(usual, slopes.reshape(3, *usual.shape), np.ones_like(usual), middle)
    spread = 1.48 * median(np.abs(residual(looks, pose, look)), axis=0)
    return replace(look, spread=np.maximum(spread, 1.0))


def _turn(pose: np.ndarray, middle: np.ndarray) -> np.ndarray:
    return np.clip((pose - middle) / _POSE_UNIT, -3, 3)


def residual(looks: np.ndarray, pose: np.ndarray, usual: UsualLook) -> np.ndarray:
    """What differs from the usual look in a pose, (n, P, 3), not yet in spreads."""
    turned = _turn(pose, usual.pose) @ usual.slopes.reshape(3, -1)
    return looks - (usual.colours + turned.reshape(looks.shape)).astype(looks.dtype)


def _clean_frames(
    looks: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    part: Part,
) -> np.ndarray:
    """Which frames show the part itself: all of them, or one of two groups. (N,) bool."""
    everything = np.ones(len(looks), bool)
    first = _two_groups(looks)
    if first is None or min(first.sum(), (~first).sum()) < max(4, len(looks) // 25):
        return everything
    if first.sum() * 2 < len(first):
        first = ~first  # now the commoner one
    groups = (first, ~first)
    yaw = [median(pose[group, 0]) for group in groups]
    if abs(yaw[0] - yaw[1]) > _LOOKS_TURNED:
        return everything  # the head turns into its own shadow
    middles = [median(looks[group], axis=0) for group in groups]
    spreads = [
        1.48 * median(np.abs(looks[group] - middle), axis=0)
        for group, middle in zip(groups, middles, strict=True)
    ]
    steadier = min(spreads, key=np.median)
    apart = (middles[0] - middles[1]) / np.maximum(steadier, 1.0)
    if median(np.sqrt((apart**2).mean(-1))) < _LOOKS_APART:
        return everything
    # Lips, lids and brows make edges where the mesh puts them; a hand has none just there. If both
    # looks have them, neither is a cover: the same mouth smiles.
    common, rare = (_feature_edges(edges[group], part) for group in groups)
    if rare > _LOOK_EDGES * common:
        return ~first
    return first if common > _LOOK_EDGES * rare else everything


def _feature_edges(edges: np.ndarray, part: Part) -> float:
    """Steepness on the part's feature over that of the face's skin."""
    skin = float(np.median(edges[:, SKIN]))
    return float(np.median(edges[:, part.feature])) / max(skin, 1.0)


def _two_groups(looks: np.ndarray) -> np.ndarray | None:
    """Two-means along the direction of the largest change: (N,) bool; None without any."""
    flat = np.clip(looks - median(looks, axis=0), -8, 8).reshape(len(looks), -1)
    flat = flat - flat.mean(0)
    value = flat @ _largest_change(flat)
    if np.ptp(value) < 1e-6:
        return None
    border = float(value.mean())
    for _ in range(20):
        border = (value[value <= border].mean() + value[value > border].mean()) / 2
    return value > border


def _largest_change(rows: np.ndarray) -> np.ndarray:
    """The unit direction along which rows (N, K) differ most, by power iteration."""
    direction = rows[np.argmax(np.linalg.norm(rows, axis=1))]
    for _ in range(_ROUNDS):
        direction = (rows @ direction) @ rows
        direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
    return direction
