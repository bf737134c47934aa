"""Pose correctives: what the skin does when jaw and eyes turn, beyond turning with them.

Columns as FLAME's: joints neck, jaw, left eye, right eye; each R - I row by row. A turn by `a`
about x gives sin a in R[2, 1] and cos a - 1 in R[1, 1]; about y sin a in R[0, 2] and cos a - 1 in
R[0, 0]. So a corrective that is odd in the angle goes to the first, an even one to the second.
"""

import numpy as np

from .anatomy import Anatomy
from .joints import Rig, turn_x, turn_y
from .source import Source

COLUMNS = 36
SINE = {"x": (2, 1), "y": (0, 2)}
COSINE = {"x": (1, 1), "y": (0, 0)}
EYE_ANGLE = np.radians(25.0)  # that the eyeLook units mean
JAW, LEFT_EYE, RIGHT_EYE = 2, 3, 4


def column(joint: int, element: tuple[int, int]) -> int:
    """Column of the element of R - I of a joint (1 to 4)."""
    return 9 * (joint - 1) + 3 * element[0] + element[1]


def put(
    basis: np.ndarray, joint: int, axis: str, angle: float, there: np.ndarray, back: np.ndarray
) -> None:
    """Add the corrective that is `there` (V, 3) at `angle` and `back` at minus `angle`."""
    basis[:, :, column(joint, SINE[axis])] += (there - back) / 2 / np.sin(angle)
    basis[:, :, column(joint, COSINE[axis])] += (there + back) / 2 / (np.cos(angle) - 1)


def before_turning(
    moved: np.ndarray, rest: np.ndarray, pivot: np.ndarray, weight: np.ndarray, turn: np.ndarray
) -> np.ndarray:
    """The displacement that, turned with `weight` about `pivot`, carries `rest` to `moved`."""
    blend = np.eye(3) + weight[:, None, None] * (turn - np.eye(3))  # (V, 3, 3)
    return np.linalg.solve(blend, (moved - pivot)[..., None])[..., 0] + pivot - rest


def build_correctives(source: Source, anatomy: Anatomy, mean: np.ndarray, rig: Rig) -> np.ndarray:
    """(V, 3, 36) m, from the CC0 units of jaw and gaze."""
    basis = np.zeros((*mean.shape, COLUMNS))

    def unit(name: str) -> np.ndarray:
        move = anatomy.lift(source.face_unit(name))
        move[len(anatomy.skin.vertices) :] = 0
        return move

    def jaw_residual(name: str, turn: np.ndarray) -> np.ndarray:
        weight = rig.weights[:, JAW]
        return before_turning(mean + unit(name), mean, rig.joints[JAW], weight, turn)

    opening = jaw_residual("jawOpen", turn_x(rig.jaw_open))
    put(basis, JAW, "x", rig.jaw_open, opening, -opening)
    left = jaw_residual("jawLeft", turn_y(rig.jaw_side))
    right = jaw_residual("jawRight", turn_y(-rig.jaw_side))
    put(basis, JAW, "y", rig.jaw_side, left, right)
    for joint, side, to_left, to_right in (
        (LEFT_EYE, "Left", "eyeLookOut", "eyeLookIn"),
        (RIGHT_EYE, "Right", "eyeLookIn", "eyeLookOut"),
    ):
        down, up = unit(f"eyeLookDown{side}"), unit(f"eyeLookUp{side}")
        put(basis, joint, "x", EYE_ANGLE, down, up)
        put(basis, joint, "y", EYE_ANGLE, unit(to_left + side), unit(to_right + side))
    basis[len(anatomy.skin.vertices) :] = 0
    return basis
