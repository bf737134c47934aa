"""Landmarks of one frame and their derivatives, compiled. Conventions: `engine.exchange.take`.

Letters: L points, U units, D = 13 + U unknowns of a frame (`engine.fit_head` holds their order),
P point pairs.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_JOINT_COLUMNS = ((0, 3), (3, 5), (5, 7))  # jaw, left eye, right eye, counted after the rigid six
_LIP_CROSSING_SD = 1e-4  # m: how far lips may pass through each other


class Model(NamedTuple):
    """The part of a head that never changes."""

    unit_basis: np.ndarray  # (L, 3, U)
    pose_basis: np.ndarray  # (L, 3, 27)
    weights: np.ndarray  # (L, 3)
    pairs: np.ndarray  # (P, 2) points whose difference is a term of its own
    lip_pairs: int  # the first so many pairs are upper and lower lip
    lip_floor: np.ndarray  # (lip_pairs,) m: inner lips that touch are this far apart


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
    robust: np.ndarray  # (L,) m: a residual of this size counts half
    pair_offset: np.ndarray  # (n, P, 2) px
    pair_weight: np.ndarray  # (n, P)
    metre_per_px: np.ndarray  # (n,)


class Subject(NamedTuple):
    """Whom we look at, with what."""

    person: Person
    camera: Camera
    model: Model


class Workspace(NamedTuple):
    """One frame's points, derivatives and the rows of its system."""

    q: np.ndarray  # (L, 3) head space, m
    dq: np.ndarray  # (L, 3, D - 6) by jaw, eyes, units
    dq_rest: np.ndarray  # (L, 3, 3) by the point's place at rest
    uv: np.ndarray  # (L, 2) px
    J: np.ndarray  # (2 L, D) of uv by the unknowns
    J_rest: np.ndarray  # (2 L, 3) of uv by the point's place at rest
    residual: np.ndarray  # (rows,) weighted: points, pairs, lips that cross
    rows: np.ndarray  # (rows, D) weighted derivatives
    root: np.ndarray  # (rows,) what weighs a row, per px; 0 for lips that cross


@njit(cache=True)
def rotate(r):
    """Rodrigues' formula, (3,) -> (3, 3)."""
    angle = np.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
    if angle < 1e-7:
        a, b = 1.0, 0.5
    else:
        a, b = np.sin(angle) / angle, (1 - np.cos(angle)) / angle**2
    K = np.array([[0.0, -r[2], r[1]], [r[2], 0.0, -r[0]], [-r[1], r[0], 0.0]])
    return np.eye(3) + a * K + b * (K @ K)


@njit(cache=True)
def left_jacobian(r):
    """J with R(r + d) = R(J d) R(r) to first order, (3, 3)."""
    angle = np.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
    K = np.array([[0.0, -r[2], r[1]], [r[2], 0.0, -r[0]], [-r[1], r[0], 0.0]])
    if angle < 1e-4:
        return np.eye(3) + 0.5 * K + (K @ K) / 6
    a, b = (1 - np.cos(angle)) / angle**2, (angle - np.sin(angle)) / angle**3
    return np.eye(3) + a * K + b * (K @ K)


@njit(cache=True)
def rotation_derivatives(r, R):
    """d R / d r_k for k = 0..2, (3, 3, 3)."""
    J = left_jacobian(r)
    out = np.empty((3, 3, 3))
    for k in range(3):
        a, b, c = J[0, k], J[1, k], J[2, k]
        out[k] = np.array([[0.0, -c, b], [c, 0.0, -a], [-b, a, 0.0]]) @ R
    return out


@njit(cache=True)
def workspace(model):
    """Room for one frame."""
    L, units = model.unit_basis.shape[0], model.unit_basis.shape[2]
    D, rows = 13 + units, 2 * L + 2 * model.pairs.shape[0] + model.lip_pairs
    return Workspace(
        np.zeros((L, 3)),
        np.zeros((L, 3, D - 6)),
        np.zeros((L, 3, 3)),
        np.zeros((L, 2)),
        np.zeros((2 * L, D)),
        np.zeros((2 * L, 3)),
        np.zeros(rows),
        np.zeros((rows, D)),
        np.zeros(rows),
    )


@njit(cache=True, fastmath=True)
def _place(i, x, person, model, turn, y, M):
    """Point i in head space: fills y (before skinning) and M (skinning's linear part), gives q."""
    units = model.unit_basis.shape[2]
    for c in range(3):
        s = person.points[i, c]
        for k in range(units):
            s += model.unit_basis[i, c, k] * x[13 + k]
        for k in range(27):
            s += model.pose_basis[i, c, k] * turn[k // 9, (k % 9) // 3, k % 3]
        y[c] = s
    q = np.empty(3)
    for a in range(3):
        s = y[a]
        for b in range(3):
            M[a, b] = 1.0 if a == b else 0.0
            for j in range(3):
                swing = model.weights[i, j] * turn[j, a, b]
                M[a, b] += swing
                s += swing * (y[b] - person.joints[j, b])
        q[a] = s
    return q


@njit(cache=True, fastmath=True)
def _differentiate_joint(i, j, person, model, dR, y, M):
    """How point i moves as joint j's rotation changes by dR: the swing and the corrective."""
    d0 = d1 = d2 = 0.0
    for c in range(3):
        corrective = 0.0
        for n in range(9):
            corrective += model.pose_basis[i, c, 9 * j + n] * dR[n // 3, n % 3]
        lever = model.weights[i, j] * (y[c] - person.joints[j, c])
        d0 += M[0, c] * corrective + dR[0, c] * lever
        d1 += M[1, c] * corrective + dR[1, c] * lever
        d2 += M[2, c] * corrective + dR[2, c] * lever
    return d0, d1, d2


@njit(cache=True, fastmath=True)
def pose_points(x, person, model, wanted, work):
    """Points in head space: fills `work.q` and, where wanted, `work.dq` and `work.dq_rest`."""
    turn, dturn = np.empty((3, 3, 3)), np.empty((3, 3, 3, 3))  # R - I of jaw, left, right eye
    for j in range(3):
        first, last = _JOINT_COLUMNS[j]
        r = np.zeros(3)
        r[: last - first] = x[6 + first : 6 + last]
        R = rotate(r)
        turn[j] = R - np.eye(3)
        dturn[j] = rotation_derivatives(r, R)
    y, M = np.empty(3), np.empty((3, 3))
    basis, dq = model.unit_basis, work.dq
    for i in range(len(person.points)):
        work.q[i] = _place(i, x, person, model, turn, y, M)
        if not wanted:
            continue
        work.dq_rest[i] = M
        for a in range(3):
            for k in range(basis.shape[2]):
                dq[i, a, 7 + k] = (
                    M[a, 0] * basis[i, 0, k] + M[a, 1] * basis[i, 1, k] + M[a, 2] * basis[i, 2, k]
                )
        for j in range(3):
            first, last = _JOINT_COLUMNS[j]
            for k in range(last - first):
                dq[i, 0, first + k], dq[i, 1, first + k], dq[i, 2, first + k] = (
                    _differentiate_joint(i, j, person, model, dturn[j, k], y, M)
                )


@njit(cache=True, fastmath=True)
def project_points(x, camera, wanted, work):
    """Head space to pixels: fills `work.uv` and, where wanted, `work.J` and `work.J_rest`."""
    R, turn = rotate(x[:3]), left_jacobian(x[:3])
    q, dq, dq_rest, J, J_rest = work.q, work.dq, work.dq_rest, work.J, work.J_rest
    c, b = np.empty(3), np.empty(3)
    for i in range(len(q)):
        for a in range(3):
            c[a] = R[a, 0] * q[i, 0] + R[a, 1] * q[i, 1] + R[a, 2] * q[i, 2]
        inverse = -1.0 / (c[2] + x[5])
        scale = camera.focal * inverse
        px, py = c[0] + x[3], c[1] + x[4]
        work.uv[i, 0] = camera.centre_x + scale * px
        work.uv[i, 1] = camera.centre_y - scale * py
        if not wanted:
            continue
        for r in range(2):
            # (ax, ay, az): derivative of this coordinate by the point in camera space
            ax = scale if r == 0 else 0.0
            ay = -scale if r == 1 else 0.0
            az = scale * inverse * (px if r == 0 else -py)
            row = 2 * i + r
            for k in range(3):
                t0, t1, t2 = turn[0, k], turn[1, k], turn[2, k]
                J[row, k] = (
                    ax * (t1 * c[2] - t2 * c[1])
                    + ay * (t2 * c[0] - t0 * c[2])
                    + az * (t0 * c[1] - t1 * c[0])
                )
                b[k] = ax * R[0, k] + ay * R[1, k] + az * R[2, k]
            J[row, 3], J[row, 4], J[row, 5] = ax, ay, az
            for k in range(dq.shape[2]):
                J[row, 6 + k] = b[0] * dq[i, 0, k] + b[1] * dq[i, 1, k] + b[2] * dq[i, 2, k]
            for k in range(3):
                J_rest[row, k] = (
                    b[0] * dq_rest[i, 0, k] + b[1] * dq_rest[i, 1, k] + b[2] * dq_rest[i, 2, k]
                )


@njit(cache=True, fastmath=True)
def _weigh_points(t, evidence, wanted, work):
    """Rows of the points; Cauchy's cost, c^2 log(1 + r^2 / c^2) with c = `evidence.robust`."""
    metre, J, rows = evidence.metre_per_px[t], work.J, work.rows
    cost = 0.0
    for i in range(len(work.uv)):
        weight = evidence.point_weight[t, i]
        du = (work.uv[i, 0] - evidence.points[t, i, 0]) * metre
        dv = (work.uv[i, 1] - evidence.points[t, i, 1]) * metre
        size = (du * du + dv * dv) / evidence.robust[i] ** 2
        cost += weight * evidence.robust[i] ** 2 * np.log1p(size)
        root = np.sqrt(weight / (1 + size))
        work.residual[2 * i] = du * root
        work.residual[2 * i + 1] = dv * root
        for r in range(2 * i, 2 * i + 2):
            work.root[r] = root * metre
            if wanted:
                for k in range(J.shape[1]):
                    rows[r, k] = J[r, k] * root * metre
    return cost


@njit(cache=True, fastmath=True)
def _weigh_pairs(t, evidence, model, wanted, work):
    """Rows of the apertures, by their difference as a vector in the picture."""
    uv, J, rows, row = work.uv, work.J, work.rows, 2 * len(work.uv)
    cost = 0.0
    for p in range(len(model.pairs)):
        a, b = model.pairs[p, 0], model.pairs[p, 1]
        root = np.sqrt(evidence.pair_weight[t, p]) * evidence.metre_per_px[t]
        for r in range(2):
            work.residual[row] = (uv[a, r] - uv[b, r] - evidence.pair_offset[t, p, r]) * root
            work.root[row] = root
            cost += work.residual[row] ** 2
            if wanted:
                for k in range(J.shape[1]):
                    rows[row, k] = (J[2 * a + r, k] - J[2 * b + r, k]) * root
            row += 1
    return cost


@njit(cache=True, fastmath=True)
def _weigh_contact(model, wanted, work):
    """Rows of lips that would pass through each other; 0 where they don't."""
    q, dq, rows = work.q, work.dq, work.rows
    row, cost = 2 * len(work.uv) + 2 * len(model.pairs), 0.0
    for p in range(model.lip_pairs):
        a, b = model.pairs[p, 0], model.pairs[p, 1]
        crossing = q[a, 1] - q[b, 1] - model.lip_floor[p]
        root = 1 / _LIP_CROSSING_SD if crossing < 0 else 0.0
        work.residual[row] = crossing * root
        cost += work.residual[row] ** 2
        if wanted:
            for k in range(dq.shape[2]):
                rows[row, 6 + k] = (dq[a, 1, k] - dq[b, 1, k]) * root
        row += 1
    return cost


@njit(cache=True)
def linearize(x, t, subject, evidence, wanted, work):
    """The cost of frame t; fills `work` with its weighted residuals and, where wanted, rows."""
    person, camera, model = subject
    pose_points(x, person, model, wanted, work)
    project_points(x, camera, wanted, work)
    cost = _weigh_points(t, evidence, wanted, work)
    cost += _weigh_pairs(t, evidence, model, wanted, work)
    return cost + _weigh_contact(model, wanted, work)


@njit(cache=True)
def accumulate(X, subject, evidence, wanted, H, G):
    """The data terms of n frames: cost, and where wanted H (n, D, D) = J'WJ, G (n, D) = J'Wr."""
    work = workspace(subject.model)
    cost = 0.0
    for t in range(len(X)):
        cost += linearize(X[t], t, subject, evidence, wanted, work)
        if wanted:
            H[t] = work.rows.T @ work.rows
            G[t] = work.residual @ work.rows
    return cost


@njit(cache=True)
def project(X, subject):
    """Pixels (n, L, 2) and head-space points (n, L, 3) of n frames."""
    work = workspace(subject.model)
    uv, q = np.empty((len(X), *work.uv.shape)), np.empty((len(X), *work.q.shape))
    for t in range(len(X)):
        pose_points(X[t], subject.person, subject.model, False, work)
        project_points(X[t], subject.camera, False, work)
        uv[t], q[t] = work.uv, work.q
    return uv, q
