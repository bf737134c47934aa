"""Landmarks of one frame and their derivatives, compiled. Conventions: `engine.exchange.take`.

Letters: L points, U units, P point pairs, D = 13 + U unknowns of a frame in the order that
`engine.fitting.landmark_head` holds. Arrays go along the points, as the processor's vectors do:
coordinates (3, L), derivatives (unknowns, coordinates, L) in single precision. Sizes are the
workspace's own. Why all of this is one file: `engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ..compiled import inner
from .workspace import Workspace, workspace

if TYPE_CHECKING:
    from .subject import Evidence, Subject

_LIP_CROSSING_SD = 1e-4  # m: how far lips may pass through each other
_ANGLES = ((0, 3), (3, 5), (5, 7))  # of jaw, left and right eye among the joints' unknowns


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


@inner()
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
    n, more = len(X), np.empty((len(X), work.y.shape[1]))
    units = np.empty((n, len(model.units)))
    for t in range(n):
        _joint_rotations(X[t], work.turn[t], work.dturn[:, t])
        for k in range(units.shape[1]):
            units[t, k] = X[t, len(work.J) + k]
    np.dot(units, model.units, work.y[:n])
    np.dot(work.turn[:n], model.pose, more)
    for t in range(n):
        for i in range(more.shape[1]):
            work.y[t, i] += more[t, i]
    if wanted:
        for j in range(3):
            basis = model.pose_single[9 * j : 9 * j + 9]
            for k in range(*_ANGLES[j]):
                np.dot(work.dturn[k], basis, work.dy[k])


@inner(fastmath=True)
def _mixed(share, values, to):
    """Three rows of `values` (3, L), each by its `share` (3,), into `to` (L,)."""
    s0, s1, s2 = share[0], share[1], share[2]
    for i in range(len(to)):
        to[i] = s0 * values[0, i] + s1 * values[1, i] + s2 * values[2, i]


@inner(fastmath=True)
def _dot(a, b, to):
    """The products of vectors (3, L), point by point, into `to` (L,)."""
    for i in range(len(to)):
        to[i] = a[0, i] * b[0, i] + a[1, i] * b[1, i] + a[2, i] * b[2, i]


@inner(fastmath=True)
def _swing(share, joint, y, weight, to):
    """What one coordinate gets of a joint's turn, weighed by the skinning (L,), added to `to`."""
    s0, s1, s2 = share[0], share[1], share[2]
    away = s0 * joint[0] + s1 * joint[1] + s2 * joint[2]
    for i in range(len(to)):
        to[i] += weight[i] * (s0 * y[0, i] + s1 * y[1, i] + s2 * y[2, i] - away)


@inner(fastmath=True)
def pose_points(place, person, model, work):
    """Frame `place` of those mixed, in head space: fills `work.q`."""
    turn, weights, y = work.turn[place], model.weights, work.y[place].reshape(work.q.shape)
    for a in range(3):
        for i in range(y.shape[1]):
            y[a, i] += person.points[i, a]
            work.q[a, i] = y[a, i]
    for j in range(3):
        for a in range(3):
            share = turn[9 * j + 3 * a : 9 * j + 3 * a + 3]
            _swing(share, person.joints[j], y, weights[j], work.q[a])


@inner(fastmath=True)
def _swing_points(place, person, model, work):
    """Derivatives of the points that `pose_points` left: fills `work.dq` and `work.dq_rest`."""
    turn, weights, y = work.turn[place], model.weights, work.y[place].reshape(work.q.shape)
    M = work.dq_rest
    for a in range(3):
        for b in range(3):
            _mixed(turn[3 * a + b :: 9], weights, M[a, b])
        for i in range(M.shape[2]):
            M[a, a, i] += np.float32(1)
    for j in range(3):
        for k in range(*_ANGLES[j]):
            dy, dturn = work.dy[k, place].reshape(work.q.shape), work.dturn[k, place]
            for a in range(3):
                _dot(M[a], dy, work.dq[k, a])
                share = dturn[3 * a : 3 * a + 3]
                _swing(share, person.joints[j], y, weights[j], work.dq[k, a])


@inner(fastmath=True)
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


@inner(fastmath=True)
def _slopes(x, camera, work):
    """Derivatives of the pixels that `project_points` left: fills `work.J` and `work.J_rest`."""
    R, turn, c, J = np.empty((3, 3)), np.empty((3, 3)), work.c, work.J
    rotate(x, R)
    left_jacobian(x, turn)
    away, b = np.empty(c.shape, np.float32), np.empty(c.shape, np.float32)
    for r in range(2):
        sign = 1.0 - 2 * r
        for i in range(c.shape[1]):  # by the point's place in camera space
            away[1 - r, i] = 0
            away[r, i] = sign * work.scale[i]
        for i in range(c.shape[1]):
            away[2, i] = sign * work.scale[i] ** 2 / camera.focal * (c[r, i] + x[3 + r])
        for a in range(3):
            for i in range(c.shape[1]):
                J[3 + a, r, i] = away[a, i]
        for k in range(3):
            _turned(turn[:, k], c, away, J[k, r])
            _mixed(R[:, k], away, b[k])
        for k in range(len(work.dq)):
            _dot(b, work.dq[k], J[6 + k, r])
        for k in range(3):
            _dot(b, work.dq_rest[:, k], work.J_rest[r, k])


@inner(fastmath=True)
def _turned(axis, c, away, to):
    """What a turn about `axis` (3,) does to points `c` (3, L), along `away` (3, L), into `to`."""
    t0, t1, t2 = axis[0], axis[1], axis[2]
    for i in range(len(to)):
        across = away[0, i] * (t1 * c[2, i] - t2 * c[1, i])
        down = away[1, i] * (t2 * c[0, i] - t0 * c[2, i])
        to[i] = across + down + away[2, i] * (t0 * c[1, i] - t1 * c[0, i])


@inner(fastmath=True)
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


@inner(fastmath=True)
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


@inner(fastmath=True)
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
            for k in range(len(rows)):
                rows[k, row] = 0
        if wanted and root:
            for k in range(len(dq)):
                rows[6 + k, row] = (dq[k, 1, a] - dq[k, 1, b]) * root
            for k in range(len(units)):
                change = 0.0
                for c in range(3):
                    change += work.dq_rest[1, c, a] * units[k, c, a]
                    change -= work.dq_rest[1, c, b] * units[k, c, b]
                rows[len(work.J) + k, row] = change * root
        row += 1
    return cost


@inner(fastmath=True)
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
        for k in range(len(work.J)):
            for r in range(2):
                _weigh(work.J[k, r], r, model.pairs, work.root, work.rows[k])
        fill_rows(model.units_single, model.pairs, work, work.rows[len(work.J) :])
    return cost + _weigh_contact(model, wanted, work)


def linearize(
    x: np.ndarray, t: int, subject: Subject, evidence: Evidence, work: Workspace
) -> float:
    """The cost of frame t at `x` (D,); fills `work` with its weighted residuals and rows."""
    mix(x[None], subject.model, True, work)
    return _linearize(x, t, 0, subject, evidence, True, work)


def accumulate(
    X: np.ndarray,
    subject: Subject,
    evidence: Evidence,
    wanted: bool,
    H: np.ndarray,
    G: np.ndarray,
) -> float:
    """The data terms of n frames: cost, and where wanted H (n, D, D) = J'WJ, G (n, D) = J'Wr."""
    return _accumulate(X, subject, evidence, wanted, H, G, workspace(subject.model))


@njit(cache=True)
def _accumulate(X, subject, evidence, wanted, H, G, work):
    D = len(work.rows)
    h, g = np.empty((D, D), np.float32), np.empty(D, np.float32)
    cost = 0.0
    for first in range(0, len(X), len(work.y)):
        some = X[first : first + len(work.y)]
        mix(some, subject.model, wanted, work)
        for place in range(len(some)):
            t = first + place
            cost += _linearize(X[t], t, place, subject, evidence, wanted, work)
            if wanted:
                np.dot(work.rows, work.rows.T, h)
                np.dot(work.rows, work.residual, g)
                for i in range(D):
                    G[t, i] = g[i]
                    for j in range(D):
                        H[t, i, j] = h[i, j]
    return cost


def project(X: np.ndarray, subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, L, 2) and head-space points (n, L, 3) of n frames."""
    work = workspace(subject.model)
    uv, q = np.empty((len(X), *work.uv.shape)), np.empty((len(X), *work.q.shape))
    _project(X, subject, work, uv, q)
    return np.swapaxes(uv, 1, 2).copy(), np.swapaxes(q, 1, 2).copy()


@njit(cache=True)
def _project(X, subject, work, uv, q):
    for first in range(0, len(X), len(work.y)):
        some = X[first : first + len(work.y)]
        mix(some, subject.model, False, work)
        for place in range(len(some)):
            pose_points(place, subject.person, subject.model, work)
            project_points(some[place], subject.camera, work)
            for a in range(3):
                for i in range(q.shape[2]):
                    q[first + place, a, i] = work.q[a, i]
                    if a < 2:
                        uv[first + place, a, i] = work.uv[a, i]
