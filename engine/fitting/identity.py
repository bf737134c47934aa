"""Who it is: one shape for the whole clip, from key frames that differ in pose and mouth.

A landmark's standard deviation says how exactly the tracker follows its motion. Where it lies on
this head in all frames alike is another matter: the mouth's corners are followed to a tenth of a
millimetre, and no head has its corners just there. So in what lasts, which is what tells a person,
such points count for less; eyes and brows keep their weight, as lids and brows are measured there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .landmark_head import JOINTS_END, LEFT_PUPIL, RIGHT_PUPIL, LandmarkHead
from .projection import accumulate, fill_rows, linearize
from .solver import Problem, solve
from .subject import Person, Subject
from .terms import EYE_CORNERS, LEFT_BROW, LID_CORNER_PAIRS, PAIRS, RIGHT_BROW
from .workspace import Workspace, workspace

_KEY_FRAMES = 16
_LASTING_SD = 0.35e-3  # m: of a landmark about the head's own point in all frames alike
_MEASURED_FROM = EYE_CORNERS + LEFT_BROW + RIGHT_BROW
# m: what a person's points differ by from the shape basis (`places` says where the tracker puts
# everybody's). Depth shows only where the head turns, when the mouth moves too: more of it would
# be expression.
_OFFSET_SD = np.array([1e-3, 1e-3, 0.5e-3])
_OFFSET_SHARE = 0.3  # of the offsets' prior, for each key frame
_OFFSET_ROUNDS = 2
_SHAPE_ROUNDS, _FRAME_ROUNDS = 14, 3
_PER_FRAME = 0.5  # of the identity priors' weight, for each key frame
_LEAST_GAIN = 1e-3
_LONGEST_SHAPE_STEP, _LONGEST_UNIT_STEP = 1.5, 0.4
_STEP_SHARES = (1.0, 0.5, 0.25, 0.1, 0.03)  # of a step, tried in turn until one leads down


@dataclass(frozen=True)
class Identity:
    """A person in numbers, and the key frames' unknowns."""

    shape: np.ndarray  # (S,)
    offsets: np.ndarray  # (L, 3) m, of the landmarks only
    x: np.ndarray  # (K, D)


def frame_features(pose: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """What makes frames differ: pose (T, 3) in radians and lip gap (T,) in metres -> (T, 4)."""
    return np.column_stack([pose * [1, 1, 0.5], 20 * np.clip(gap, 0, 0.04)])


def choose_key_frames(feature: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Usable frames (at most 16, sorted) that differ most, and some spread over the clip."""
    frames = np.flatnonzero(usable)
    feature = feature[frames]
    chosen = [int(np.argmin(np.linalg.norm(feature - np.median(feature, 0), axis=1)))]
    distance = np.linalg.norm(feature - feature[chosen[0]], axis=1)
    while len(chosen) < min(_KEY_FRAMES, len(frames)):
        golden = int(len(frames) * (len(chosen) * 0.618 % 1))
        chosen.append(int(np.argmax(distance)) if len(chosen) % 2 else golden)
        distance = np.minimum(distance, np.linalg.norm(feature - feature[chosen[-1]], axis=1))
    return frames[np.unique(chosen)]


def nearest_key(feature: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """For each frame (T,) the place in `keys` (K,) of the key frame most like it."""
    apart = feature[:, None] - feature[keys]  # (T, K, 4)
    return np.linalg.norm(apart, axis=2).argmin(1)


def frontal_weight(pose: np.ndarray) -> np.ndarray:
    """How much a frame says about identity: in profile half of the mesh is a guess, (n,)."""
    turned = np.linalg.norm(pose * [0.7, 1, 0], axis=1)
    return np.clip((np.cos(turned) - 0.6) / 0.3, 0.05, 1)


def fit_identity(
    problem: Problem,
    head: LandmarkHead,
    x: np.ndarray,
    shape_sd: float,
    shape: np.ndarray | None = None,
) -> Identity:
    """Shape and static offsets of the person in the key frames of `problem`.

    A `shape` (S,) that is known already stays as it is.
    """
    begin = np.zeros(head.shape_basis.shape[2]) if shape is None else shape
    identity, lasting = Identity(begin, np.zeros_like(head.template), x), as_lasting(problem)
    if shape is None:
        identity = _fit_shape(lasting, head, identity, shape_sd)
    identity = _fit_frames(problem, head, identity)
    for _ in range(_OFFSET_ROUNDS):
        identity = _fit_offsets(lasting, head, identity)
        identity = _fit_frames(problem, head, identity)
    return identity


def as_lasting(problem: Problem) -> Problem:
    """The problem with its points weighed for what lasts: an error that all frames share."""
    evidence = problem.evidence
    shared = np.full(evidence.points.shape[1], len(evidence.points) * _LASTING_SD**2)
    shared[_MEASURED_FROM] = 0
    weight = evidence.point_weight / (1 + evidence.point_weight * shared)
    return replace(problem, evidence=evidence._replace(point_weight=weight))


def _fit_frames(problem: Problem, head: LandmarkHead, identity: Identity) -> Identity:
    """The key frames of the person as it stands."""
    problem = replace(problem, subject=_subject(problem, head, identity))
    return replace(identity, x=solve(problem, identity.x, _FRAME_ROUNDS))


def _subject(problem: Problem, head: LandmarkHead, identity: Identity) -> Subject:
    person = Person(*head.person(identity.shape, identity.offsets))
    return problem.subject._replace(person=person)


def _fit_shape(
    problem: Problem,
    head: LandmarkHead,
    identity: Identity,
    shape_sd: float,
) -> Identity:
    """Gauss-Newton over shape and key frames; each frame's unknowns are eliminated (Schur)."""
    strength = _PER_FRAME * len(identity.x) / shape_sd**2
    damping = 1e-3
    for _ in range(_SHAPE_ROUNDS):
        system = _ShapeSystem(problem, head, identity, strength, damping)
        for share in _STEP_SHARES:
            tried = system.stepped(identity, problem, damping, share)
            tried_cost = _total_cost(problem, head, tried, strength)
            if tried_cost <= system.cost:
                break
        else:
            break
        identity, damping = tried, max(damping / 5, 1e-5) if share == 1 else damping * 10
        if system.cost - tried_cost < _LEAST_GAIN * system.cost:
            break
    return identity


def _total_cost(problem: Problem, head: LandmarkHead, identity: Identity, strength: float) -> float:
    subject, prior, targets = _subject(problem, head, identity), problem.prior, problem.targets
    x, (K, D) = identity.x, identity.x.shape
    system = np.zeros((K, D, D)), np.zeros((K, D))
    cost = strength * np.sum(identity.shape**2) + np.sum(targets.weight * (x - targets.value) ** 2)
    cost += accumulate(x, subject, problem.evidence, False, *system)
    return float(cost + np.sum((x @ prior.precision) * x) + 2 * np.sum(x @ prior.linear))


class _ShapeSystem:
    """The linear system of the shape after each frame's unknowns have been eliminated."""

    def __init__(
        self,
        problem: Problem,
        head: LandmarkHead,
        identity: Identity,
        strength: float,
        damping: float,
    ) -> None:
        prior, targets, (K, D) = problem.prior, problem.targets, identity.x.shape
        S, wish = len(identity.shape), targets.weight * (identity.x - targets.value)
        self.cost = strength * np.sum(identity.shape**2)
        self.cost += np.sum(wish * (identity.x - targets.value))
        self.right = strength * identity.shape
        subject = _subject(problem, head, identity)
        work = workspace(subject.model)
        basis = np.moveaxis(head.shape_basis, 2, 0).swapaxes(1, 2).astype(np.float32, order="C")
        rows = np.zeros((S, len(work.root)), np.float32)
        by_shape = _ShapeProduct(basis, len(PAIRS), K)
        H, cross, gradient = np.empty((K, D, D)), np.empty((K, D, S)), np.empty((K, D, 1))
        for t, x in enumerate(identity.x):
            self.cost += linearize(x, t, subject, problem.evidence, work)
            self.cost += x @ prior.precision @ x + 2 * x @ prior.linear
            fill_rows(basis, subject.model.pairs, work, rows)
            slope = (work.rows @ work.residual).astype(float) + prior.precision @ x + prior.linear
            slope += wish[t]
            free = ~(
                ((x <= prior.low + 1e-9) & (slope > 0)) | ((x >= prior.high - 1e-9) & (slope < 0))
            )
            gradient[t, :, 0] = np.where(free, slope, 0)
            own = work.rows * free[:, None]
            H[t], cross[t] = own @ own.T, own @ rows.T
            H[t] += (prior.precision + np.diag(targets.weight[t])) * np.outer(free, free)
            H[t][np.diag_indices(D)] += damping * np.maximum(np.diag(H[t]), 1e-2) + ~free
            by_shape.add(t, work, rows)
            self.right += rows @ work.residual
        self.matrix = strength * np.eye(S) + by_shape.whole()
        # The frames' own unknowns, eliminated all at once.
        solved = np.linalg.solve(H, np.concatenate([cross, gradient], axis=2))
        self._by_shape, self._alone = solved[..., :S], solved[..., S]  # (K, D, S), (K, D)
        flat = cross.reshape(K * D, S)
        self.matrix -= flat.T @ self._by_shape.reshape(K * D, S)
        self.right -= self._alone.ravel() @ flat

    def stepped(
        self, identity: Identity, problem: Problem, damping: float, share: float
    ) -> Identity:
        """The identity after a `share` of one damped step."""
        damped = self.matrix + damping * np.diag(np.diag(self.matrix))
        step = -np.linalg.solve(damped, self.right)
        dx = -(self._alone + self._by_shape @ step)
        step = np.clip(step, -_LONGEST_SHAPE_STEP, _LONGEST_SHAPE_STEP)
        reach = _LONGEST_UNIT_STEP * (problem.prior.high - problem.prior.low)[JOINTS_END:]
        dx[:, JOINTS_END:] = np.clip(dx[:, JOINTS_END:], -reach, reach)
        return replace(
            identity,
            shape=identity.shape + share * step,
            x=np.clip(identity.x + share * dx, problem.prior.low, problem.prior.high),
        )


class _ShapeProduct:
    """The product of all frames' rows by the shape with themselves.

    At one point a frame's rows are its basis (3, S) turned into the picture and weighed, so what
    all frames do to it is a matrix (3, 3), and one product over the points is enough.
    """

    def __init__(self, basis: np.ndarray, pairs: int, frames: int) -> None:
        S, _, L = basis.shape
        self._basis, self._points = basis, np.zeros((3, 3, L))
        self._apart = np.zeros((S, frames, 2 * pairs), np.float32)

    def add(self, frame: int, work: Workspace, rows: np.ndarray) -> None:
        """A frame's derivatives, and its weighted `rows` by the shape."""
        L = self._points.shape[2]
        weighed = work.J_rest * work.root[: 2 * L].reshape(2, 1, L)
        self._points += np.einsum("rcl,rdl->cdl", weighed, weighed)
        self._apart[:, frame] = rows[:, 2 * L : 2 * L + self._apart.shape[2]]

    def whole(self) -> np.ndarray:
        """The product (S, S)."""
        S = len(self._basis)
        weighed = np.einsum("cdl,sdl->scl", self._points.astype(np.float32), self._basis)
        apart = self._apart.reshape(S, -1)
        product = weighed.reshape(S, -1) @ self._basis.reshape(S, -1).T + apart @ apart.T
        return product.astype(float)


def _fit_offsets(problem: Problem, head: LandmarkHead, identity: Identity) -> Identity:
    """Static places of the landmarks that the shape basis can't say, each by itself.

    Upper and lower points of a lid or lip share theirs, so that apertures stay the mesh's own; of
    the pupils only the distance between the eyes is kept: the rest is gaze.
    """
    L, subject = len(head.template), _subject(problem, head, identity)
    work = workspace(subject.model)
    A, b = np.zeros((L, 3, 3)), np.zeros((L, 3))
    for t, x in enumerate(identity.x):
        linearize(x, t, subject, problem.evidence, work)
        base = np.moveaxis(work.J_rest, 2, 0).astype(float)  # (L, 2, 3)
        weight = problem.evidence.point_weight[t] * problem.evidence.metre_per_px[t] ** 2
        residual = problem.evidence.points[t] - work.uv.T
        residual += np.einsum("lrc,lc->lr", base, identity.offsets)
        A += np.einsum("l,lra,lrb->lab", weight, base, base)
        b += np.einsum("l,lra,lr->la", weight, base, residual)
    for i, j in [*PAIRS, *LID_CORNER_PAIRS]:
        A[i] = A[j] = (A[i] + A[j]) / 2
        b[i] = b[j] = (b[i] + b[j]) / 2
    strength = _OFFSET_SHARE * len(identity.x) / _OFFSET_SD**2
    offsets = np.linalg.solve(A + np.diag(strength), b[:, :, None])[:, :, 0]
    apart = (offsets[LEFT_PUPIL, 0] - offsets[RIGHT_PUPIL, 0]) / 2
    offsets[[LEFT_PUPIL, RIGHT_PUPIL]] = 0
    offsets[LEFT_PUPIL, 0], offsets[RIGHT_PUPIL, 0] = apart, -apart
    return replace(identity, offsets=offsets)
