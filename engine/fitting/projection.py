"""Landmarks of one frame and their derivatives, compiled. Conventions: `engine.exchange.take`.

Letters: L points, U units, P point pairs, D = 13 + U unknowns of a frame in the order that
`engine.fitting.landmark_head` holds.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_LIP_CROSSING_SD = 1e-4  # m: how far lips may pass through each other


class Model(NamedTuple):
    """The part of a head that never changes."""

    unit_basis: np.ndarray  # (3 L, U)
    pose_basis: np.ndarray  # (3 L, 27)
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
    robust: float  # m: a residual of this size counts half
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

    y: np.ndarray  # (3 L,) before skinning, m
    corrective: np.ndarray  # (3 L,) the part of y that the joints' turns add
    dy: np.ndarray  # (3 L, 7) y by the joint unknowns
    q: np.ndarray  # (L, 3) head space, m
    dq: np.ndarray  # (L, 3, 7) by jaw and eyes
    dq_rest: np.ndarray  # (L, 3, 3) by the point's place at rest
    uv: np.ndarray  # (L, 2) px
    J: np.ndarray  # (2 L, D) of uv by the unknowns
    J_rest: np.ndarray  # (2 L, 3) of uv by the point's place at rest
    residual: np.ndarray  # (rows,) float32, weighted: points, pairs, lips that cross
    rows: np.ndarray  # (rows, D) float32, weighted derivatives
    root: np.ndarray  # (rows,) what weighs a row, per px; 0 for lips that cross


@njit(cache=True)
def rotate(r, R):
    """Rodrigues' formula: fills R (3, 3) from axis-angle r (3,). Spelt out: it compiles faster."""
    x, y, z = r[0], r[1], r[2]
    angle = np.sqrt(x * x + y * y + z * z)
    a = np.sin(angle) / angle if angle > 1e-7 else 1.0
    b = (1 - np.cos(angle)) / angle**2 if angle > 1e-7 else 0.5
    R[0, 0], R[0, 1], R[0, 2] = 1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y
    R[1, 0], R[1, 1], R[1, 2] = b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x
    R[2, 0], R[2, 1], R[2, 2] = b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y)


@njit(cache=True)
def left_jacobian(r, J):
    """Fills J (3, 3) with R(r + d) = R(J d) R(r) to first order."""
    x, y, z = r[0], r[1], r[2]
    angle = np.sqrt(x * x + y * y + z * z)
    a = (1 - np.cos(angle)) / angle**2 if angle > 1e-4 else 0.5
    b = (angle - np.sin(angle)) / angle**3 if angle > 1e-4 else 1 / 6
    J[0, 0], J[0, 1], J[0, 2] = 1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y
    J[1, 0], J[1, 1], J[1, 2] = b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x
    J[2, 0], J[2, 1], J[2, 2] = b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y)


@njit(cache=True)
def workspace(model):
    """Room for one frame."""
    L, units = len(model.weights), model.unit_basis.shape[1]
    D, rows = 13 + units, 2 * L + 2 * model.pairs.shape[0] + model.lip_pairs
    return Workspace(
        np.zeros(3 * L),
        np.zeros(3 * L),
        np.zeros((3 * L, 7)),
        np.zeros((L, 3)),
        np.zeros((L, 3, 7)),
        np.zeros((L, 3, 3)),
        np.zeros((L, 2)),
        np.zeros((2 * L, D)),
        np.zeros((2 * L, 3)),
        np.zeros(rows, np.float32),
        np.zeros((rows, D), np.float32),
        np.zeros(rows),
    )


@njit(cache=True)
def _joint_rotations(x, turn, dturn):
    """R - I of jaw, left and right eye as rows (3, 9), and by the seven joint unknowns (27, 7)."""
    r, R, J = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    dturn[:] = 0.0
    for j in range(3):
        first = (0, 3, 5)[j]
        angles = 3 if j == 0 else 2  # an eye doesn't roll
        for k in range(3):
            r[k] = x[6 + first + k] if k < angles else 0.0
        rotate(r, R)
        left_jacobian(r, J)
        for b in range(3):
            for a in range(3):
                turn[j, 3 * a + b] = R[a, b] - (1.0 if a == b else 0.0)
            for k in range(angles):  # column b of (J e_k) x R
                column = dturn[9 * j + b : 9 * j + 9 : 3, first + k]
                column[0] = J[1, k] * R[2, b] - J[2, k] * R[1, b]
                column[1] = J[2, k] * R[0, b] - J[0, k] * R[2, b]
                column[2] = J[0, k] * R[1, b] - J[1, k] * R[0, b]


@njit(cache=True, fastmath=True)
def pose_points(x, person, model, wanted, work):
    """Points in head space: fills `work.q` and, where wanted, `work.dq` and `work.dq_rest`."""
    turn, dturn = np.empty((3, 9)), np.empty((27, 7))
    _joint_rotations(x, turn, dturn)
    y, dy = work.y, work.dy
    np.dot(model.unit_basis, x[13:], y)
    np.dot(model.pose_basis, turn.reshape(27), work.corrective)
    if wanted:
        np.dot(model.pose_basis, dturn, dy)
    weights, joints = model.weights, person.joints
    q, dq, M = work.q, work.dq, np.empty((3, 3))
    for i in range(len(person.points)):
        for c in range(3):
            y[3 * i + c] += person.points[i, c] + work.corrective[3 * i + c]
        for a in range(3):
            q[i, a] = y[3 * i + a]
            for b in range(3):
                M[a, b] = 1.0 if a == b else 0.0
                for j in range(3):
                    swing = weights[i, j] * turn[j, 3 * a + b]
                    M[a, b] += swing
                    q[i, a] += swing * (y[3 * i + b] - joints[j, b])
        if not wanted:
            continue
        for a in range(3):
            m0, m1, m2 = M[a, 0], M[a, 1], M[a, 2]
            for b in range(3):
                work.dq_rest[i, a, b] = M[a, b]
            for k in range(7):
                swing = 0.0
                j = 0 if k < 3 else (1 if k < 5 else 2)
                for b in range(3):
                    swing += dturn[9 * j + 3 * a + b, k] * (y[3 * i + b] - joints[j, b])
                dq[i, a, k] = weights[i, j] * swing + (
                    m0 * dy[3 * i, k] + m1 * dy[3 * i + 1, k] + m2 * dy[3 * i + 2, k]
                )


@njit(cache=True, fastmath=True)
def project_points(x, camera, model, wanted, work):
    """Head space to pixels: fills `work.uv` and, where wanted, `work.J` and `work.J_rest`."""
    R, turn = np.empty((3, 3)), np.empty((3, 3))
    rotate(x, R)
    left_jacobian(x, turn)
    q, dq, dq_rest, J, J_rest = work.q, work.dq, work.dq_rest, work.J, work.J_rest
    c, b, basis = np.empty(3), np.empty(3), model.unit_basis
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
            for k in range(7):
                J[row, 6 + k] = b[0] * dq[i, 0, k] + b[1] * dq[i, 1, k] + b[2] * dq[i, 2, k]
            for k in range(3):
                J_rest[row, k] = (
                    b[0] * dq_rest[i, 0, k] + b[1] * dq_rest[i, 1, k] + b[2] * dq_rest[i, 2, k]
                )
            r0, r1, r2 = J_rest[row, 0], J_rest[row, 1], J_rest[row, 2]
            for k in range(basis.shape[1]):
                J[row, 13 + k] = (
                    r0 * basis[3 * i, k] + r1 * basis[3 * i + 1, k] + r2 * basis[3 * i + 2, k]
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
        size = (du * du + dv * dv) / evidence.robust**2
        cost += weight * evidence.robust**2 * np.log1p(size)
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
            apart = (uv[a, r] - uv[b, r] - evidence.pair_offset[t, p, r]) * root
            work.residual[row], work.root[row] = apart, root
            cost += apart * apart
            if wanted:
                for k in range(J.shape[1]):
                    rows[row, k] = (J[2 * a + r, k] - J[2 * b + r, k]) * root
            row += 1
    return cost


@njit(cache=True, fastmath=True)
def _weigh_contact(model, wanted, work):
    """Rows of lips that would pass through each other; 0 where they don't."""
    q, dq, rows, basis = work.q, work.dq, work.rows, model.unit_basis
    row, cost = 2 * len(work.uv) + 2 * len(model.pairs), 0.0
    for p in range(model.lip_pairs):
        a, b = model.pairs[p, 0], model.pairs[p, 1]
        crossing = q[a, 1] - q[b, 1] - model.lip_floor[p]
        root = 1 / _LIP_CROSSING_SD if crossing < 0 else 0.0
        work.residual[row] = crossing * root
        cost += (crossing * root) ** 2
        if wanted:
            for k in range(7):
                rows[row, 6 + k] = (dq[a, 1, k] - dq[b, 1, k]) * root
            for k in range(basis.shape[1]):
                change = 0.0
                for c in range(3):
                    change += work.dq_rest[a, 1, c] * basis[3 * a + c, k]
                    change -= work.dq_rest[b, 1, c] * basis[3 * b + c, k]
                rows[row, 13 + k] = change * root
        row += 1
    return cost


@njit(cache=True)
def linearize(x, t, subject, evidence, wanted, work):
    """The cost of frame t; fills `work` with its weighted residuals and, where wanted, rows."""
    person, camera, model = subject
    pose_points(x, person, model, wanted, work)
    project_points(x, camera, model, wanted, work)
    cost = _weigh_points(t, evidence, wanted, work)
    cost += _weigh_pairs(t, evidence, model, wanted, work)
    return cost + _weigh_contact(model, wanted, work)


@njit(cache=True)
def accumulate(X, subject, evidence, wanted, H, G):
    """The data terms of n frames: cost, and where wanted H (n, D, D) = J'WJ, G (n, D) = J'Wr."""
    work = workspace(subject.model)
    D = work.rows.shape[1]
    h, g = np.empty((D, D), np.float32), np.empty(D, np.float32)
    cost = 0.0
    for t in range(len(X)):
        cost += linearize(X[t], t, subject, evidence, wanted, work)
        if wanted:
            np.dot(work.rows.T, work.rows, h)
            np.dot(work.rows.T, work.residual, g)
            H[t], G[t] = h, g
    return cost


@njit(cache=True)
def project(X, subject):
    """Pixels (n, L, 2) and head-space points (n, L, 3) of n frames."""
    work = workspace(subject.model)
    uv, q = np.empty((len(X), *work.uv.shape)), np.empty((len(X), *work.q.shape))
    for t in range(len(X)):
        pose_points(X[t], subject.person, subject.model, False, work)
        project_points(X[t], subject.camera, subject.model, False, work)
        uv[t], q[t] = work.uv, work.q
    return uv, q
