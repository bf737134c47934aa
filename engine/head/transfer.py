"""A performance from one head to another: identity, expression, jaw, eyes.

Both heads are compared at the same points (`bridge`). The person first: ridge least squares of the
identity, rigid motion free. Then every frame by bounded Gauss-Newton: how far points have moved
from rest, how far lips and lids stand apart, the jaw starting from the other head's. Derivatives
are those at rest; the surfaces themselves are exact in each round.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..exchange.head_file import HeadFile
from ..exchange.take import Take
from ..geometry import Similarity, align_points, rotation_matrix
from .bridge import (
    APERTURES,
    LIP_APERTURES,
    CommonPoints,
    PointHead,
    common_points,
    default_head,
    point_head,
)
from .model import FaceParams, Head, params_of

_POINT_SD, _APERTURE_SD = 1e-3, 0.3e-3  # m
_SHAPE_SD, _SHAPE_POINT_SD = 2.0, 2e-3  # m: of a point of the person
_JAW_SD = 0.05  # rad: how far the jaw's angle may differ between the heads
_RIDGE = 0.05  # weight of units' own prior against the surface's
_LEAST_SHOWN = 0.02  # of a coefficient
_PERSON_ROUNDS, _ROUNDS, _SWEEPS, _CHUNK = 30, 8, 30, 64


@dataclass(frozen=True)
class Person:
    """One person on the target head: v_source = turn v_target + shift."""

    shape: np.ndarray  # (S,)
    turn: np.ndarray  # (3, 3)
    shift: np.ndarray  # (3,) m
    error_mm: float  # root mean square at the common points


@dataclass(frozen=True)
class Pair:
    """Two heads at the same points."""

    source: PointHead
    target: PointHead
    target_file: HeadFile
    points: CommonPoints
    measure: Any  # (M, N) sparse: weighted points and apertures
    displaced: np.ndarray  # (M,) bool: rows that count from rest


def make_pair(source: HeadFile, target: HeadFile) -> Pair:
    """The bridge between two heads."""
    default = default_head()
    points = common_points(default)
    return Pair(
        point_head(source, default, points),
        point_head(target, default, points),
        target,
        points,
        *_measure(points),
    )


def _measure(points: CommonPoints) -> tuple[Any, np.ndarray]:
    count, pairs = points.count, len(APERTURES)
    weight = np.sqrt(points.weight * points.moving) / _POINT_SD
    weight *= np.sqrt(400 / points.count)  # neighbours repeat each other
    kept = np.flatnonzero(weight)
    rows = np.arange(len(kept))
    single = sp.csr_matrix((weight[kept], (rows, kept)), (len(kept), count + 2 * pairs))
    across = np.arange(pairs)
    upper = sp.csr_matrix((np.ones(pairs), (across, count + across)), (pairs, count + 2 * pairs))
    lower = sp.csr_matrix(
        (np.ones(pairs), (across, count + pairs + across)), (pairs, count + 2 * pairs)
    )
    measure = sp.csr_matrix(sp.vstack([single, (upper - lower) / _APERTURE_SD]))
    return measure, np.arange(len(kept) + pairs) < len(kept)


def carry_person(pair: Pair, shape: np.ndarray) -> Person:
    """The person with identity `shape` (S,) of the source, on the target."""
    count, target = pair.points.count, pair.target
    wanted = pair.source.person(shape)[0][:count]
    columns = int(target.shape_basis.shape[2])
    basis = target.shape_basis[:count].reshape(-1, columns)
    weight = np.repeat(np.sqrt(pair.points.weight), 3) / _SHAPE_POINT_SD * np.sqrt(400 / count)
    A = basis * weight[:, None]
    system = A.T @ A + np.eye(columns) / _SHAPE_SD**2
    own, motion = np.zeros(columns), Similarity(np.eye(3), np.zeros(3))
    for _ in range(_PERSON_ROUNDS):
        rest = target.template[:count] + (basis @ own).reshape(-1, 3)
        motion = align_points(rest, wanted, pair.points.weight, with_scale=False)
        back = (wanted - motion.shift) @ motion.turn
        right = A.T @ (weight * (back - target.template[:count]).ravel())
        own = np.linalg.solve(system, right)
    rest = target.template[:count] + (basis @ own).reshape(-1, 3)
    apart = np.linalg.norm(motion(rest) - wanted, axis=1)
    return Person(own, motion.turn, motion.shift, float(1e3 * np.sqrt(np.mean(apart**2))))


def carry_frames(
    pair: Pair, shape: np.ndarray, person: Person, params: FaceParams, still_jaw: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expression (T, E), jaw (T, 3) and eyes (T, 6) of the target that look as the source's do.

    `still_jaw`: leave the target's jaw shut.
    """
    eyes = np.concatenate([params.eyes[:, :3] @ person.turn, params.eyes[:, 3:] @ person.turn], 1)
    jaw = params.jaw @ person.turn
    solver = _FrameSolver(pair, person, still_jaw)
    rest = pair.source.person(shape)
    expression, jaws = [], []
    for first in range(0, len(jaw), _CHUNK):
        part = slice(first, first + _CHUNK)
        lips = params.lips and params.lips[part]
        seen = pair.source.pose(
            rest, params.expression[part], params.jaw[part], params.eyes[part], lips
        )
        found = solver.solve(
            (seen - person.shift) @ person.turn,
            (rest[0] - person.shift) @ person.turn,
            jaw[part],
            eyes[part],
        )
        expression.append(found[:, :-3])
        jaws.append(found[:, -3:])
    return np.concatenate(expression), np.concatenate(jaws), eyes


class _FrameSolver:
    """The target's normal equations at rest, once; then frames by the chunk."""

    def __init__(self, pair: Pair, person: Person, still_jaw: bool) -> None:
        file, head = pair.target_file, pair.target
        self._pair = pair
        self._rest = head.person(person.shape)
        units = head.unit_basis.shape[2]
        self._J = np.concatenate([head.unit_basis, self._jaw_columns()], axis=2)  # (N, 3, E + 3)
        flat = np.stack([pair.measure @ self._J[:, c] for c in range(3)], 1)  # (M, 3, E + 3)
        self._flat = flat.reshape(-1, units + 3)
        low, high = file.expression_low.astype(float), file.expression_high.astype(float)
        reach = np.maximum(np.abs(low), np.abs(high))
        scale = np.where(low < 0, reach / 5, reach)  # a standard deviation of FLAME's columns
        self._prior = np.concatenate([_RIDGE / scale**2, np.full(3, 1 / _JAW_SD**2)])
        self._H = self._flat.T @ self._flat + np.diag(self._prior)
        still = still_jaw or head.weights[:, 0].max() < 1e-3  # or a head whose jaw does not turn
        bound = np.zeros(3) if still else np.array([0.7, 0.25, 0.25])
        self._low, self._high = np.concatenate([low, -bound]), np.concatenate([high, bound])

    def _jaw_columns(self) -> np.ndarray:
        """Derivative of points by the jaw's turn at rest: (N, 3, 3)."""
        head, (points, joints) = self._pair.target, self._rest
        zero = np.zeros((1, head.unit_basis.shape[2]))
        step, columns = 1e-3, []
        for axis in np.eye(3) * step:
            ends = [
                head.pose((points, joints), zero, sign * axis[None], np.zeros((1, 6)))[0]
                for sign in (1, -1)
            ]
            columns.append((ends[0] - ends[1]) / (2 * step))
        return np.stack(columns, axis=2)

    def solve(
        self, seen: np.ndarray, rest: np.ndarray, jaw: np.ndarray, eyes: np.ndarray
    ) -> np.ndarray:
        """Unknowns (n, E + 3) from the source's points (n, N, 3), both in the target's axes."""
        pair, frames = self._pair, len(seen)
        moved, still = self._measured(seen), self._measured(rest[None])
        own_still = self._measured(self._rest[0][None])
        wanted = np.where(pair.displaced[:, None], moved - still + own_still, moved)
        units = len(self._low) - 3
        base = np.concatenate([np.zeros((frames, units)), jaw], axis=1)
        x = np.clip(base, self._low, self._high)
        for _ in range(_ROUNDS):
            posed = pair.target.pose(self._rest, x[:, :-3], x[:, -3:], eyes)
            apart = (wanted - self._measured(posed)).reshape(frames, -1)
            gradient = apart @ self._flat - self._prior * (x - base)
            x = x + bounded_step(self._H, gradient, self._low - x, self._high - x)
        return x

    def _measured(self, points: np.ndarray) -> np.ndarray:
        """(n, N, 3) -> (n, M, 3)."""
        flat = np.moveaxis(points, 1, 0).reshape(points.shape[1], -1)
        out = (self._pair.measure @ flat).reshape(-1, len(points), 3)
        return np.moveaxis(out, 0, 1)


def bounded_step(
    H: np.ndarray, gradient: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """argmin 1/2 d'Hd - g'd with low <= d <= high, for many g: (K, K), (n, K) x 3 -> (n, K).

    Coordinate descent from the clipped free solution.
    """
    d = np.clip(np.linalg.solve(H, gradient.T).T, low, high)
    slope = gradient - d @ H
    diagonal = np.diag(H)
    for _ in range(_SWEEPS):
        largest = 0.0
        for k in range(len(H)):
            new = np.clip(d[:, k] + slope[:, k] / diagonal[k], low[:, k], high[:, k])
            change = new - d[:, k]
            if np.any(change):
                slope -= change[:, None] * H[k]
                d[:, k] = new
                largest = max(largest, float(np.abs(change).max()))
        if largest < 1e-4:
            break
    return d


def carry_params(pair: Pair, params: FaceParams) -> tuple[FaceParams, Person]:
    """A performance of the source's person, on the target."""
    person = carry_person(pair, params.shape)
    expression, jaw, eyes = carry_frames(pair, params.shape, person, params)
    turns = rotation_matrix(params.head_pose)
    from scipy.spatial.transform import Rotation

    pose = Rotation.from_matrix(turns @ person.turn).as_rotvec()
    moved = params.replace(
        shape=person.shape,
        albedo=np.zeros_like(params.albedo),
        expression=expression,
        jaw=jaw,
        eyes=eyes,
        head_pose=pose,
        head_translation=params.head_translation + turns @ person.shift,
        lips=None,
    )
    return moved, person


def transfer_take(take: Take, source: HeadFile, target: HeadFile) -> Take:
    """A take on another head. Pictures stay behind: they belong to the source's texture sheet."""
    moved, person = carry_params(make_pair(source, target), params_of(take))
    head = Head(target)
    rest = head.rest(moved.shape)
    marks = [head.landmarks_px(moved, t, take.size, rest) for t in range(len(moved))]
    told = [
        f"Carried over from {take.head['name']}: the person to {person.error_mm:.1f} mm; capture "
        "the clip with this head where that is possible."
    ]
    if take.albedo_image or take.static_normals:
        told.append("Skin and wrinkles go over by `transfer --pictures` only.")
    return replace(
        take,
        shape=moved.shape, albedo=moved.albedo, expression=moved.expression,
        head_pose=moved.head_pose, head_translation=moved.head_translation, jaw=moved.jaw,
        eyes=moved.eyes, landmarks_px=np.asarray(marks, np.float32),
        expression_names=target.expression_names,
        head={"name": target.name, "sha256": target.sha256},
        lip_vertices=None, lip_shapes=None, lip_weights=None, hair=None, hair_falls=None,
        albedo_image="", static_normals="", dynamic_normals=(), detail_times=None,
        warnings=(*take.warnings, *told),
    )  # fmt: skip


def carried_units(file: HeadFile, shape: np.ndarray | None = None) -> tuple[list[str], np.ndarray]:
    """Names (U,) of the default head's units and the expression (U, E) that looks as each does.

    On a head whose columns have no names, for its mean person or the one with identity `shape`.
    Units that show nowhere on it (tongues) are left out.
    """
    default = default_head()
    back, there = make_pair(file, default), make_pair(default, file)
    person = carry_person(back, np.zeros(file.shape_basis.shape[2]) if shape is None else shape)
    count = len(default.expression_names)
    params = FaceParams.neutral(Head(default), count, 1000.0).replace(
        shape=person.shape, expression=np.eye(count)
    )
    mix, _, _ = carry_frames(there, person.shape, carry_person(there, person.shape), params, True)
    shown = np.abs(mix).max(1) > _LEAST_SHOWN
    names = [name for name, shows in zip(default.expression_names, shown, strict=True) if shows]
    return names, mix[shown].astype(np.float32)


def aperture_mm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lips' and lids' openings of a point head's points (..., N, 3): (..., 9), (..., 10) mm."""
    pairs = len(APERTURES)
    upper, lower = points[..., -2 * pairs : -pairs, :], points[..., -pairs:, :]
    gap = 1e3 * np.linalg.norm(upper - lower, axis=-1)
    return gap[..., :LIP_APERTURES], gap[..., LIP_APERTURES:]
