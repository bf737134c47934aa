"""Landmarks of one frame and their derivatives, compiled. Conventions: `engine.exchange.take`.

Letters: L points, U units, P point pairs, D = 13 + U unknowns of a frame in the order that
`engine.fitting.landmark_head` holds. Arrays go along the points, as the processor's vectors do:
coordinates (3, L), derivatives (unknowns, coordinates, L) in single precision.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_LIP_CROSSING_SD = 1e-4  # m: how far lips may pass through each other
_AT_ONCE = 8  # frames whose bases are mixed by one product; more no longer fit beside the bases
_JOINTS = 7  # unknowns of jaw and eyes; an eye doesn't roll
_ANGLES = ((0, 3), (3, 5), (5, 7))  # of jaw, left and right eye among them
_FIXED = 6 + _JOINTS  # unknowns before the units


class Workspace(NamedTuple):
    """A few frames' bases mixed; of one of them points, derivatives and rows of its system.

    Rows of the system: points across, points down, pairs across, pairs down, lips that cross.
    """

    y: np.ndarray  # (n, 3 L) before skinning, m
    turn: np.ndarray  # (n, 27) R - I of jaw, left and right eye, row by row
    dturn: np.ndarray  # (7, n, 9) of each angle's own joint by it, float32
    dy: np.ndarray  # (7, n, 3 L) y by the joint unknowns, float32
    q: np.ndarray  # (3, L) head space, m
    dq: np.ndarray  # (7, 3, L) by jaw and eyes, float32
    dq_rest: np.ndarray  # (3, 3, L) by the point's place at rest, float32
    c: np.ndarray  # (3, L) turned as the camera sees the head, about the head's origin, m
    scale: np.ndarray  # (L,) px / m
    uv: np.ndarray  # (2, L) px
    J: np.ndarray  # (13, 2, L) of uv by pose, translation, jaw and eyes, float32
    J_rest: np.ndarray  # (2, 3, L) of uv by the point's place at rest, float32
    residual: np.ndarray  # (rows,) float32, weighted
    rows: np.ndarray  # (D, rows) float32, weighted derivatives
    root: np.ndarray  # (rows,) float32, what weighs a row, per px; 0 for lips that cross


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
    """Room for a few frames."""
    L, units = model.weights.shape[1], len(model.units)
    D, rows = _FIXED + units, 2 * L + 2 * len(model.pairs) + len(model.lip_floor)
    return Workspace(
        np.zeros((_AT_ONCE, 3 * L)),
        np.zeros((_AT_ONCE, 27)),
        np.zeros((_JOINTS, _AT_ONCE, 9), np.float32),
        np.zeros((_JOINTS, _AT_ONCE, 3 * L), np.float32),
        np.zeros((3, L)),
        np.zeros((_JOINTS, 3, L), np.float32),
        np.zeros((3, 3, L), np.float32),
        np.zeros((3, L)),
        np.zeros(L),
        np.zeros((2, L)),
        np.zeros((_FIXED, 2, L), np.float32),
        np.zeros((2, 3, L), np.float32),
        np.zeros(rows, np.float32),
        np.zeros((D, rows), np.float32),
        np.zeros(rows, np.float32),
    )


@njit(cache=True)
def _joint_rotations(x, turn, dturn):
    """R - I of jaw, left and right eye as rows, turn (27,), and by each joint unknown (7, 9)."""
    r, R, J = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    for j in range(3):
        first, last = _ANGLES[j]
        for k in range(3):
            r[k] = x[6 + first + k] if k < last - first else 0.0
        rotate(r, R)
        left_jacobian(r, J)
        for b in range(3):
            for a in range(3):
                turn[9 * j + 3 * a + b] = R[a, b] - (1.0 if a == b else 0.0)
            for k in range(last - first):  # column b of (J e_k) x R
                column = dturn[first + k, b:9:3]
                column[0] = J[1, k] * R[2, b] - J[2, k] * R[1, b]
                column[1] = J[2, k] * R[0, b] - J[0, k] * R[2, b]
                column[2] = J[0, k] * R[1, b] - J[1, k] * R[0, b]


@njit(cache=True)
def mix(X, model, wanted, work):
    """The bases of a few frames (n, D), n <= 8: fills `work.y`, `turn` and, where wanted, `dy`."""
    n = len(X)
    for t in range(n):
        _joint_rotations(X[t], work.turn[t], work.dturn[:, t])
    np.dot(np.ascontiguousarray(X[:, _FIXED:]), model.units, work.y[:n])
    work.y[:n] += np.dot(work.turn[:n], model.pose)
    if wanted:
        for j in range(3):
            basis = model.pose_single[9 * j : 9 * j + 9]
            for k in range(*_ANGLES[j]):
                np.dot(work.dturn[k], basis, work.dy[k])


@njit(cache=True, fastmath=True)
def _mixed(share, values, to):
    """Three rows of `values` (3, L), each by its `share` (3,), into `to` (L,)."""
    s0, s1, s2 = share[0], share[1], share[2]
    for i in range(len(to)):
        to[i] = s0 * values[0, i] + s1 * values[1, i] + s2 * values[2, i]


@njit(cache=True, fastmath=True)
def _dot(a, b, to):
    """The products of vectors (3, L), point by point, into `to` (L,)."""
    for i in range(len(to)):
        to[i] = a[0, i] * b[0, i] + a[1, i] * b[1, i] + a[2, i] * b[2, i]


@njit(cache=True, fastmath=True)
def _swing(share, joint, y, weight, to):
    """What one coordinate gets of a joint's turn, weighed by the skinning (L,), added to `to`."""
    s0, s1, s2 = share[0], share[1], share[2]
    away = s0 * joint[0] + s1 * joint[1] + s2 * joint[2]
    for i in range(len(to)):
        to[i] += weight[i] * (s0 * y[0, i] + s1 * y[1, i] + s2 * y[2, i] - away)


@njit(cache=True, fastmath=True)
def pose_points(place, person, model, work):
    """Frame `place` of those mixed, in head space: fills `work.q`."""
    turn, weights, y = work.turn[place], model.weights, work.y[place].reshape(work.q.shape)
    for a in range(3):
        for i in range(y.shape[1]):
            y[a, i] += person.points[i, a]
    work.q[:] = y
    for j in range(3):
        for a in range(3):
            share = turn[9 * j + 3 * a : 9 * j + 3 * a + 3]
            _swing(share, person.joints[j], y, weights[j], work.q[a])


@njit(cache=True, fastmath=True)
def _swing_points(place, person, model, work):
    """Derivatives of the points that `pose_points` left: fills `work.dq` and `work.dq_rest`."""
    turn, weights, y = work.turn[place], model.weights, work.y[place].reshape(work.q.shape)
    M = work.dq_rest
    for a in range(3):
        for b in range(3):
            _mixed(turn[3 * a + b :: 9], weights, M[a, b])
        M[a, a] += np.float32(1)
    for j in range(3):
        for k in range(*_ANGLES[j]):
            dy, dturn = work.dy[k, place].reshape(work.q.shape), work.dturn[k, place]
            for a in range(3):
                _dot(M[a], dy, work.dq[k, a])
                share = dturn[3 * a : 3 * a + 3]
                _swing(share, person.joints[j], y, weights[j], work.dq[k, a])


@njit(cache=True, fastmath=True)
def project_points(x, camera, work):
    """Head space to the camera's and to pixels: fills `work.c`, `work.scale` and `work.uv`."""
    R, c, scale, uv = np.empty((3, 3)), work.c, work.scale, work.uv
    rotate(x, R)
    for a in range(3):
        _mixed(R[a], work.q, c[a])
    for i in range(len(scale)):
        scale[i] = -camera.focal / (c[2, i] + x[5])
    for i in range(len(scale)):
        uv[0, i] = camera.centre_x + scale[i] * (c[0, i] + x[3])
    for i in range(len(scale)):
        uv[1, i] = camera.centre_y - scale[i] * (c[1, i] + x[4])


@njit(cache=True, fastmath=True)
def _slopes(x, camera, work):
    """Derivatives of the pixels that `project_points` left: fills `work.J` and `work.J_rest`."""
    R, turn, c, J = np.empty((3, 3)), np.empty((3, 3)), work.c, work.J
    rotate(x, R)
    left_jacobian(x, turn)
    away, b = np.empty(c.shape, np.float32), np.empty(c.shape, np.float32)
    for r in range(2):
        away[1 - r] = 0  # by the point's place in camera space
        sign = 1.0 - 2 * r
        for i in range(c.shape[1]):
            away[r, i] = sign * work.scale[i]
        for i in range(c.shape[1]):
            away[2, i] = sign * work.scale[i] ** 2 / camera.focal * (c[r, i] + x[3 + r])
        J[3:6, r] = away
        for k in range(3):
            _turned(turn[:, k], c, away, J[k, r])
            _mixed(R[:, k], away, b[k])
        for k in range(_JOINTS):
            _dot(b, work.dq[k], J[6 + k, r])
        for k in range(3):
            _dot(b, work.dq_rest[:, k], work.J_rest[r, k])


@njit(cache=True, fastmath=True)
def _turned(axis, c, away, to):
    """What a turn about `axis` (3,) does to points `c` (3, L), along `away` (3, L), into `to`."""
    t0, t1, t2 = axis[0], axis[1], axis[2]
    for i in range(len(to)):
        across = away[0, i] * (t1 * c[2, i] - t2 * c[1, i])
        down = away[1, i] * (t2 * c[0, i] - t0 * c[2, i])
        to[i] = across + down + away[2, i] * (t0 * c[1, i] - t1 * c[0, i])


@njit(cache=True, fastmath=True)
def _weigh_points(t, evidence, work):
    """Residuals of the points; Cauchy's cost, c^2 log(1 + r^2 / c^2) with c = `robust`."""
    metre, L = evidence.metre_per_px[t], work.uv.shape[1]
    cost = 0.0
    for i in range(L):
        weight = evidence.point_weight[t, i]
        du = (work.uv[0, i] - evidence.points[t, i, 0]) * metre
        dv = (work.uv[1, i] - evidence.points[t, i, 1]) * metre
        size = (du * du + dv * dv) / evidence.robust**2
        cost += weight * evidence.robust**2 * np.log1p(size)
        root = np.sqrt(weight / (1 + size))
        work.residual[i], work.residual[L + i] = du * root, dv * root
        work.root[i] = work.root[L + i] = root * metre
    return cost


@njit(cache=True, fastmath=True)
def _weigh_pairs(t, evidence, model, work):
    """Residuals of the apertures, by their difference as a vector in the picture."""
    uv, row = work.uv, 2 * work.uv.shape[1]
    cost = 0.0
    for r in range(2):
        for p in range(len(model.pairs)):
            a, b = model.pairs[p, 0], model.pairs[p, 1]
            root = np.sqrt(evidence.pair_weight[t, p]) * evidence.metre_per_px[t]
            apart = (uv[r, a] - uv[r, b] - evidence.pair_offset[t, p, r]) * root
            work.residual[row], work.root[row] = apart, root
            cost += apart * apart
            row += 1
    return cost


@njit(cache=True, fastmath=True)
def _weigh_contact(model, wanted, work):
    """Residuals and rows of lips that would pass through each other; 0 where they don't."""
    q, dq, rows, units = work.q, work.dq, work.rows, model.units_single
    row, cost = 2 * (work.uv.shape[1] + len(model.pairs)), 0.0
    for p in range(len(model.lip_floor)):
        a, b = model.pairs[p, 0], model.pairs[p, 1]
        crossing = q[1, a] - q[1, b] - model.lip_floor[p]
        root = 1 / _LIP_CROSSING_SD if crossing < 0 else 0.0
        work.residual[row] = crossing * root
        cost += (crossing * root) ** 2
        if wanted:
            rows[:, row] = 0
        if wanted and root:
            for k in range(_JOINTS):
                rows[6 + k, row] = (dq[k, 1, a] - dq[k, 1, b]) * root
            for k in range(len(units)):
                change = 0.0
                for c in range(3):
                    change += work.dq_rest[1, c, a] * units[k, c, a]
                    change -= work.dq_rest[1, c, b] * units[k, c, b]
                rows[_FIXED + k, row] = change * root
        row += 1
    return cost


@njit(cache=True, fastmath=True)
def _weigh(by, r, pairs, root, rows):
    """Derivatives `by` (L,) of coordinate r, weighed into one unknown's `rows`: points, pairs."""
    L, P = len(by), len(pairs)
    to, weight = rows[r * L : (r + 1) * L], root[r * L : (r + 1) * L]
    for i in range(L):
        to[i] = by[i] * weight[i]
    first = 2 * L + r * P
    for p in range(P):
        rows[first + p] = (by[pairs[p, 0]] - by[pairs[p, 1]]) * root[first + p]


@njit(cache=True, fastmath=True)
def fill_rows(basis, pairs, work, rows):
    """Weighted rows (K, rows) of the points and pairs by a `basis` (K, 3, L) of places at rest."""
    by = np.empty(basis.shape[2], np.float32)
    for k in range(len(basis)):
        for r in range(2):
            _dot(work.J_rest[r], basis[k], by)
            _weigh(by, r, pairs, work.root, rows[k])


@njit(cache=True)
def _linearize(x, t, place, subject, evidence, wanted, work):
    """The cost of frame t, mixed at `place`; its weighted residuals and, where wanted, rows."""
    person, camera, model = subject
    pose_points(place, person, model, work)
    project_points(x, camera, work)
    cost = _weigh_points(t, evidence, work) + _weigh_pairs(t, evidence, model, work)
    if wanted:
        _swing_points(place, person, model, work)
        _slopes(x, camera, work)
        for k in range(_FIXED):
            for r in range(2):
                _weigh(work.J[k, r], r, model.pairs, work.root, work.rows[k])
        fill_rows(model.units_single, model.pairs, work, work.rows[_FIXED:])
    return cost + _weigh_contact(model, wanted, work)


@njit(cache=True)
def linearize(x, t, subject, evidence, work):
    """The cost of frame t at `x` (D,); fills `work` with its weighted residuals and rows."""
    mix(x.reshape(1, len(x)), subject.model, True, work)
    return _linearize(x, t, 0, subject, evidence, True, work)


@njit(cache=True)
def accumulate(X, subject, evidence, wanted, H, G):
    """The data terms of n frames: cost, and where wanted H (n, D, D) = J'WJ, G (n, D) = J'Wr."""
    work = workspace(subject.model)
    D = len(work.rows)
    h, g = np.empty((D, D), np.float32), np.empty(D, np.float32)
    cost = 0.0
    for first in range(0, len(X), _AT_ONCE):
        some = X[first : first + _AT_ONCE]
        mix(some, subject.model, wanted, work)
        for place in range(len(some)):
            t = first + place
            cost += _linearize(X[t], t, place, subject, evidence, wanted, work)
            if wanted:
                np.dot(work.rows, work.rows.T, h)
                np.dot(work.rows, work.residual, g)
                H[t], G[t] = h, g
    return cost


@njit(cache=True)
def project(X, subject):
    """Pixels (n, L, 2) and head-space points (n, L, 3) of n frames."""
    work = workspace(subject.model)
    L = work.uv.shape[1]
    uv, q = np.empty((len(X), L, 2)), np.empty((len(X), L, 3))
    for first in range(0, len(X), _AT_ONCE):
        some = X[first : first + _AT_ONCE]
        mix(some, subject.model, False, work)
        for place in range(len(some)):
            pose_points(place, subject.person, subject.model, work)
            project_points(some[place], subject.camera, work)
            uv[first + place], q[first + place] = work.uv.T, work.q.T
    return uv, q
