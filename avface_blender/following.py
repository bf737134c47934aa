"""How a face follows landmarks while they are dragged: one linear step, in a millisecond.

What moves a landmark in the picture is known where the face stands; from there it goes straight.
The engine's own way (Refine) goes by the same measures, in several steps. No Blender here.
"""

from dataclasses import dataclass

import numpy as np

# As the engine has them (engine/mending/dragged.py).
HEADS_OWN = frozenset((*range(7), *range(10, 17), *range(27, 36)))  # jaw line but the chin, nose
_DRAGGED_SD_PX = 0.3
_HELD_SD = 0.03  # of the face's height in the picture
_EXPRESSION_SD = 0.25  # of a column's range
_TURN_SD = np.array([0.08, 0.02, 0.02, 0.05, 0.05, 0.05])  # rad: jaw, head
_JAW_LOW, _JAW_HIGH = np.array([-0.05, -0.12, -0.1]), np.array([0.6, 0.12, 0.1])  # rad
_PLACE_SD = 0.01  # m
_ROUNDS = 12  # of taking what has come to its end out of the solve
_POSE = 6  # the last unknowns: the head's turn and place


@dataclass(frozen=True)
class Slopes:
    """A face's landmarks in one picture and what moves them: E units, the jaw, the head."""

    places: np.ndarray  # (68, 2) px
    slopes: np.ndarray  # (136, E + 9) px per unit, rad (jaw, head: about the head's axes), m
    expression: np.ndarray  # (E,) where the units stand
    jaw: np.ndarray  # (3,) rad, likewise
    low: np.ndarray  # (E,)
    high: np.ndarray  # (E,)


def follow(face: Slopes, dragged: dict[int, tuple[float, float]]) -> np.ndarray:
    """How far everything moves so that landmarks come to where they are dragged, (E + 9,).

    The others hold their places as far as they may; units stay in their range.
    """
    sd = np.full((68, 2), _HELD_SD * max(np.ptp(face.places[:, 1]), 1.0))
    way = np.zeros((68, 2))
    for number, place in dragged.items():
        way[number], sd[number] = np.asarray(place) - face.places[number], _DRAGGED_SD_PX
    scale, low, high = _bounds(face)
    rows = face.slopes / sd.reshape(-1, 1)  # (136, E + 9)
    wish = way.reshape(-1) / sd.reshape(-1)
    free = (high > low) & (scale > 0)
    if not HEADS_OWN & dragged.keys():
        free[-_POSE:] = False
    moved = np.zeros(len(scale))
    for _ in range(_ROUNDS):
        part = rows[:, free]
        system = part.T @ part + np.diag(scale[free] ** -2)
        moved[free] = np.linalg.solve(system, part.T @ (wish - rows[:, ~free] @ moved[~free]))
        ended = free & ((moved < low) | (moved > high))
        moved = np.clip(moved, low, high)
        if not ended.any():
            break
        free &= ~ended
    return moved


def _bounds(face: Slopes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Usual, lowest and highest changes, (E + 9,) each."""
    endless = np.full(_POSE, np.inf)
    usual = np.concatenate([_EXPRESSION_SD * (face.high - face.low), _TURN_SD, [_PLACE_SD] * 3])
    low = np.concatenate([face.low - face.expression, _JAW_LOW - face.jaw, -endless])
    high = np.concatenate([face.high - face.expression, _JAW_HIGH - face.jaw, endless])
    return usual, np.minimum(low, 0), np.maximum(high, 0)


def seen(points: np.ndarray, focal: float, size: tuple[int, int]) -> np.ndarray:
    """Points in camera axes (N, 3) m in the picture: (N, 2) px."""
    depth = -points[:, 2]
    across = size[0] / 2 + focal * points[:, 0] / depth
    return np.stack([across, size[1] / 2 - focal * points[:, 1] / depth], axis=1)


def seen_slopes(points: np.ndarray, moves: np.ndarray, focal: float) -> np.ndarray:
    """How fast points (N, 3) go in the picture when they move so, (N, 3, K): (N, 2, K) px."""
    depth = -points[:, 2, None]
    nearer = moves[:, 2] / depth  # (N, K)
    across = (moves[:, 0] + points[:, :1] * nearer) / depth
    down = -(moves[:, 1] + points[:, 1:2] * nearer) / depth
    return focal * np.stack([across, down], axis=1)
