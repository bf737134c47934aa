"""Mends of the CC0 mouth units: cheeks without creases, an open mouth that is round."""

import numpy as np
import scipy.sparse as sp

from .anatomy import Anatomy
from .fairing import pick, smooth_field
from .rims import Rim

CREASED = ("mouthSmile", "mouthDimple", "mouthStretch", "mouthUpperUp")
CHEEK_START = 0.007  # m from the lips' line, where smoothing begins
CHEEK_BESIDE = 0.018  # m from the middle: chin and philtrum stay
CHEEK_END = 0.075  # m, where it ends
CHEEK_HOLD = 0.002  # how much of the original form stays: less is smoother
ROUNDNESS = 0.75  # power of 1 - u^2: 0.5 an ellipse, 1 a parabola
ROLL_DEPTH = 0.003  # m that a rolled lip goes back at most
ROUND_REACH = 0.018  # m from the lips' line that follows
CHIN_REACH = (0.012, 0.027, 0.040)  # m from the lips' line: lip, chin's pad, beyond
CHIN_SHARE = 0.1  # of the lip's way that the pad goes


def smooth_cheeks(
    anatomy: Anatomy, units: dict[str, np.ndarray], distance: np.ndarray, kept: np.ndarray
) -> None:
    """Take the creases out of the CREASED units beside the mouth, in place.

    `distance` (V,) m to the lips' line; `kept` (V,) bool: skin that stays as it is.
    """
    beside = np.abs(anatomy.rest[:, 0]) > CHEEK_BESIDE
    region = beside & (distance > CHEEK_START) & (distance < CHEEK_END) & ~kept
    nothing = sp.csr_matrix((0, len(distance)))
    for name, move in units.items():
        if name.startswith(CREASED):
            move[:] = smooth_field(
                anatomy, region, nothing, np.zeros((0, 3)), start=move, hold=CHEEK_HOLD
            )


def hold_rolled_lips(
    anatomy: Anatomy, units: dict[str, np.ndarray], lips: Rim, distance: np.ndarray
) -> None:
    """Keep lips that roll inward before the teeth, in place: the CC0 units go through them."""
    for name, chain in (("mouthRollUpper", lips.upper), ("mouthRollLower", lips.lower)):
        move = units[name]
        back = move[chain, 2]
        wished = np.where(back < 0, ROLL_DEPTH * np.tanh(back / ROLL_DEPTH), back)
        change = np.zeros((len(chain), 3))
        change[:, 2] = wished - back
        region = (distance < ROUND_REACH) & (np.abs(move).max(1) > 0)
        move += smooth_field(anatomy, region, pick(chain, len(move)), change)


def round_mouth(
    anatomy: Anatomy, points: np.ndarray, lips: Rim, distance: np.ndarray
) -> np.ndarray:
    """A smooth displacement (V, 3) that makes the open lips of `points` (V, 3) arcs.

    Corners and middles stay; between them each lip's height follows (1 - u^2) ** ROUNDNESS.
    """
    ends = points[lips.upper[[0, -1]]]
    chains = (lips.upper[1:-1], lips.lower)
    wished = []
    for chain in chains:
        x = points[chain, 0]
        u = (2 * x - ends[0, 0] - ends[1, 0]) / (ends[1, 0] - ends[0, 0])
        base = np.interp(x, ends[:, 0], ends[:, 1])
        middle = np.argmin(np.abs(u))
        drop = points[chain[middle], 1] - base[middle]
        arc = base + drop * np.clip(1 - u**2, 0, 1) ** ROUNDNESS
        wished.append(arc - points[chain, 1])
    rows = np.concatenate([*chains, lips.upper[[0, -1]]])
    lift = np.concatenate([*wished, np.zeros(2)])
    move = np.zeros_like(points)
    region = distance < ROUND_REACH
    move[:, 1:2] = smooth_field(anatomy, region, pick(rows, len(points)), lift[:, None])
    return (move + move[anatomy.mirror]) / 2


def hold_chin(units: dict[str, np.ndarray], distance: np.ndarray) -> None:
    """Lower the lip without the chin, in place: the CC0 mouthLowerDown takes it along by 4.8 mm.

    `distance` (V,) m to the lips' line.
    """
    share = np.interp(distance, CHIN_REACH, (1, CHIN_SHARE, 0))
    for side in ("Left", "Right"):
        units[f"mouthLowerDown{side}"] *= share[:, None]
