"""Whom the fit looks at, with what, and what it sees: arrays as compiled code wants them.

Letters: L points, U units, P point pairs, D = 13 + U unknowns of a frame in the order that
`engine.fitting.landmark_head` holds.
"""

from typing import NamedTuple

import numpy as np

from .landmark_head import LandmarkHead


class Model(NamedTuple):
    """The part of a head that never changes."""

    units: np.ndarray  # (U, 3 L), each coordinate of all points after the other
    pose: np.ndarray  # (27, 3 L): jaw, left eye, right eye; each R - I row by row
    units_single: np.ndarray  # (U, 3, L) float32, for derivatives
    pose_single: np.ndarray  # (27, 3 L) float32
    weights: np.ndarray  # (3, L) skinning
    pairs: np.ndarray  # (P, 2) points whose difference is a term of its own
    lip_floor: np.ndarray  # (lips,) m: inner lips, the first pairs, that touch are this far apart


class Person(NamedTuple):
    """One person at rest."""

    points: np.ndarray  # (L, 3) m
    joints: np.ndarray  # (3, 3) m


class Camera(NamedTuple):
    """Pinhole; pixels."""

    focal: float
    centre_x: float
    centre_y: float


class Evidence(NamedTuple):
    """What the picture says, for n frames. Weights are 1 / m^2 (1 / sigma^2)."""

    points: np.ndarray  # (n, L, 2) px
    point_weight: np.ndarray  # (n, L)
    robust: float  # m: a residual of this size counts half
    pair_offset: np.ndarray  # (n, P, 2) px
    pair_weight: np.ndarray  # (n, P)
    metre_per_px: np.ndarray  # (n,)


class Subject(NamedTuple):
    """Whom we look at, with what."""

    person: Person
    camera: Camera
    model: Model


def model_of(head: LandmarkHead, pairs: np.ndarray, lip_floor: np.ndarray) -> Model:
    """A head as it is computed with; the first `pairs` (P, 2) are inner lips, `lip_floor` (lips,) m
    apart where they touch.
    """
    points = len(head.template)
    units = np.ascontiguousarray(head.unit_basis.transpose(2, 1, 0))  # (U, 3, L)
    pose = np.ascontiguousarray(head.pose_basis.transpose(2, 1, 0)).reshape(-1, 3 * points)
    return Model(
        units=units.reshape(-1, 3 * points),
        pose=pose,
        units_single=units.astype(np.float32),
        pose_single=pose.astype(np.float32),
        weights=np.ascontiguousarray(head.weights.T),
        pairs=pairs,
        lip_floor=lip_floor,
    )
