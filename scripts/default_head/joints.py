"""Joints and skinning: root, neck, jaw and eyes (FLAME's five)."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from .anatomy import Anatomy
from .eyes import unit_sphere
from .source import Source

PARENTS = np.array([-1, 0, 1, 1, 1])
# How much of each neck bone goes with the head.
NECK_SHARES = {"neck03": 0.80, "neck02": 0.45, "neck01": 0.12}


@dataclass(frozen=True)
class Rig:
    """`regressor` (5, V), `weights` (V, 5), `joints` (5, 3) m of the mean head."""

    regressor: np.ndarray
    weights: np.ndarray
    joints: np.ndarray
    jaw_open: float  # rad that the unit jawOpen means
    jaw_side: float  # rad that jawLeft means


def build_rig(source: Source, anatomy: Anatomy, mean: np.ndarray) -> Rig:
    """Fit the jaw's axis to the CC0 jawOpen unit, take the neck from the CC0 rig."""
    opening = anatomy.lift(source.face_unit("jawOpen"))
    lower = anatomy.parts["lower_teeth"]
    jaw_joint, jaw_open = _hinge(anatomy.rest[lower], opening[lower])
    side = anatomy.lift(source.face_unit("jawLeft"))[lower, 0].mean()
    jaw_side = np.arctan2(side, (anatomy.rest[lower] - jaw_joint)[:, 2].mean())
    weights = _weights(source, anatomy, opening, jaw_joint, jaw_open)
    cube = np.unique(source.quads("joint-neck"))
    upper_neck = source.bones["neck03"]["head"]["vertex_indices"]
    places = np.stack(
        [
            anatomy.base[cube].mean(0) + np.array([0, 0.010, 0]),
            anatomy.base[upper_neck].mean(0),
            jaw_joint,
            anatomy.left_eye.centre,
            anatomy.right_eye.centre,
        ]
    )
    places[:3, 0] = 0
    regressor = _regressor(anatomy, mean, places, weights)
    return Rig(regressor, weights, regressor @ mean, jaw_open, jaw_side)


def _hinge(points: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, float]:
    """The x-axis hinge that turns `points` by `move`: its place (3,) and angle."""
    before, after = points - points.mean(0), points + move
    left, _, right = np.linalg.svd(before.T @ (after - after.mean(0)))
    turn = (left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right).T
    shift = after.mean(0) - turn @ points.mean(0)
    place = np.linalg.lstsq((np.eye(3) - turn)[1:, 1:], shift[1:], rcond=None)[0]
    return np.array([0.0, *place]), float(np.arctan2(turn[2, 1], turn[2, 2]))


def turn_x(angle: float) -> np.ndarray:
    """(3, 3) rotation about x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(angle: float) -> np.ndarray:
    """(3, 3) rotation about y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _weights(source, anatomy, opening, jaw_joint, jaw_open) -> np.ndarray:
    rest, parts = anatomy.rest, anatomy.parts
    swing = (rest - jaw_joint) @ turn_x(jaw_open).T + jaw_joint - rest
    jaw = (opening * swing).sum(1) / np.maximum((swing**2).sum(1), 1e-11)
    jaw[np.linalg.norm(opening, axis=1) < 1e-5] = 0
    jaw = np.clip(jaw, 0, 1)
    rigid = {"upper_teeth": 0.0, "lower_teeth": 1.0, "left_eye": 0.0, "right_eye": 0.0}
    for _ in range(3):
        for name, value in rigid.items():
            jaw[parts[name]] = value
        jaw = (jaw + anatomy.neighbours @ jaw) / 2
    jaw = (jaw + jaw[anatomy.mirror]) / 2
    for name, value in rigid.items():
        jaw[parts[name]] = value
    head = _head_share(source, anatomy)
    weights = np.stack([1 - head, head * (1 - jaw), head * jaw], 1)
    weights = np.concatenate([weights, np.zeros((len(rest), 2))], 1)
    for joint, name in ((3, "left_eye"), (4, "right_eye")):
        weights[parts[name]] = np.eye(5)[joint]
    return weights


def _head_share(source: Source, anatomy: Anatomy) -> np.ndarray:
    """How much each vertex goes with the neck joint, (V,)."""
    total = np.zeros(len(anatomy.base))
    for bone in _descendants(source.bones, "head"):
        _add_bone(source, bone, 1.0, total)
    for bone, share in NECK_SHARES.items():
        _add_bone(source, bone, share, total)
    skin = anatomy.parts["skin"]
    share = np.ones(len(anatomy.rest))
    share[skin] = np.clip(total[anatomy.skin.vertices], 0, 1)
    for _ in range(3):
        share[skin] = ((share + anatomy.neighbours @ share) / 2)[skin]
    return (share + share[anatomy.mirror]) / 2


def _descendants(bones: dict, name: str) -> list[str]:
    children = [child for child, row in bones.items() if row.get("parent") == name]
    return [name, *(bone for child in children for bone in _descendants(bones, child))]


def _add_bone(source: Source, bone: str, share: float, total: np.ndarray) -> None:
    rows = source.bone_weights.get(bone, [])
    for vertex, weight in rows:
        total[vertex] += share * weight


def _regressor(anatomy, mean, places, weights) -> np.ndarray:
    """Joints as convex mixtures of nearby vertices, so that they follow the identity."""
    skin = anatomy.parts["skin"]
    near = np.linalg.norm(anatomy.rest[skin, None] - places[None], axis=2)  # (skin, 5)
    drift = mean - anatomy.rest
    for k in range(3):  # where the mean head has moved to
        places[k, 1:] += drift[skin[np.argsort(near[:, k])[:200]], 1:].mean(0)
    height = np.abs(mean[skin, 1] - places[:, None, 1])  # (5, skin)
    depth = np.abs(mean[skin, 2] - places[2, 2])
    beside = np.abs(mean[skin, 0]) > 0.035
    candidates = (
        skin[mean[skin, 1] < places[0, 1] + 0.05],
        skin[(height[1] < 0.035) & (weights[skin, 0] > 0.1)],
        skin[(height[2] < 0.045) & (depth < 0.045) & beside],
    )
    out = np.zeros((5, len(mean)))
    for k, own in enumerate(candidates):
        out[k, own] = _mixture(mean[own], places[k])
    directions = unit_sphere()[0]
    middle = np.flatnonzero(directions[:, 2] < 0.6)
    for k, name in ((3, "left_eye"), (4, "right_eye")):
        own = anatomy.parts[name][middle]
        out[k, own] = _mixture(directions[middle] * 0.01, np.zeros(3))
    symmetric = out[[0, 1, 2, 4, 3]][:, anatomy.mirror]
    return (out + symmetric) / 2


def _mixture(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Weights (N,) >= 0, sum 1, as even as can be, with `weights @ points == place`."""
    count = len(points)
    even = 0.02
    system = np.concatenate([points.T * 100, np.full((1, count), 100.0), np.eye(count) * even])
    wished = np.concatenate([place * 100, [100.0], np.full(count, even / count)])
    weights = nnls(system, wished)[0]
    return weights / weights.sum()
