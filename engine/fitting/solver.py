"""The banded, bounded Gauss-Newton solver: all frames of a run at once."""

from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from scipy.linalg import cho_solve_banded, cholesky_banded

from .landmark_head import JAW, JOINTS_END, POSE
from .motion import Motion, TimeTerms
from .projection import accumulate
from .subject import Evidence, Subject
from .terms import Prior

_MOST_TRIES = 8  # of a step, with ten times the damping each time: one must end where lips meet
_LEAST_GAIN = 2e-3  # of the cost, relative; less ends the search
_LONGEST_TURN, _LONGEST_UNIT_STEP = 0.3, 0.5  # rad; of a unit's range


@dataclass(frozen=True)
class Targets:
    """Values that unknowns should have, each by itself, in each of n frames."""

    value: np.ndarray  # (n, D)
    weight: np.ndarray  # (n, D) 1 / sd^2, 0 where nothing is known

    def __add__(self, other: "Targets") -> "Targets":
        """Both wishes as one: the weighted mean, with the weight of both."""
        weight = self.weight + other.weight
        sum_ = self.weight * self.value + other.weight * other.value
        return Targets(np.where(weight > 0, sum_ / np.maximum(weight, 1e-12), 0.0), weight)


@dataclass(frozen=True)
class Guide:
    """A motion known from elsewhere: where it leads, the motion model holds for what differs."""

    path: np.ndarray  # (n, D)
    leads: np.ndarray  # (n, D) bool


@dataclass(frozen=True)
class Problem:
    """Everything about a run of n frames but the unknowns themselves."""

    subject: Subject
    evidence: Evidence
    prior: Prior
    motion: Motion
    targets: Targets
    guide: Guide | None = None


def solve(problem: Problem, x: np.ndarray, iterations: int) -> np.ndarray:
    """The unknowns (n, D) that fit best, searched from `x`; every one within its bounds."""
    n, D = x.shape
    prior = problem.prior
    H, G = np.zeros((n, D, D)), np.zeros((n, D))
    band = np.zeros((n * D, 2 * D + 1))
    damping, time = 1e-3, problem.motion.terms()
    pull = _pull(problem)
    for done in range(iterations):
        if done == 1:
            problem = _sharpened(problem, x)
            time, pull = problem.motion.terms(), _pull(problem)
        cost = _cost(problem, time, pull, x, (True, H, G))
        gradient = G + _prior_gradient(problem, time, x) - pull
        fixed = ((x <= prior.low + 1e-9) & (gradient > 0)) | (
            (x >= prior.high - 1e-9) & (gradient < 0)
        )
        H += prior.precision
        for _ in range(_MOST_TRIES):
            step = _step(problem, time, H, gradient, fixed, damping, band)
            tried = np.clip(x + step, prior.low, prior.high)
            tried_cost = _cost(problem, time, pull, tried, (False, H, G))
            if tried_cost <= cost:
                break
            damping *= 10
        else:
            break
        x, damping = tried, max(damping / 5, 1e-5)
        if done and cost - tried_cost < _LEAST_GAIN * cost:
            break
    return x


def _sharpened(problem: Problem, x: np.ndarray) -> Problem:
    """The problem with its motion model by the first step's solution, but where a guide leads."""
    free = np.ones(x.shape, bool) if problem.guide is None else ~problem.guide.leads
    return replace(problem, motion=problem.motion.sharpened(x, free))


def _pull(problem: Problem) -> np.ndarray:
    """What the guide adds to the right side, (n, D): the motion model's terms of its path."""
    guide = problem.guide
    if guide is None:
        return np.zeros_like(problem.targets.value)
    return problem.motion.terms(guide.leads).apply(guide.path)


def _cost(
    problem: Problem, time: TimeTerms, pull: np.ndarray, x: np.ndarray, system: tuple
) -> float:
    """All terms at `x`, up to a constant; `system` is what `accumulate` fills."""
    prior, targets = problem.prior, problem.targets
    data = accumulate(x, problem.subject, problem.evidence, *system)
    quadratic = np.sum((x @ prior.precision) * x) + np.sum((time.apply(x) - 2 * pull) * x)
    target = np.sum(targets.weight * (x - targets.value) ** 2)
    return float(data + quadratic + 2 * np.sum(x @ prior.linear) + target)


def _prior_gradient(problem: Problem, time: TimeTerms, x: np.ndarray) -> np.ndarray:
    """Half the derivative of all terms but the data's, (n, D)."""
    targets = problem.targets
    gradient = x @ problem.prior.precision + problem.prior.linear + time.apply(x)
    return gradient + targets.weight * (x - targets.value)


def _step(
    problem: Problem,
    time: TimeTerms,
    H: np.ndarray,
    gradient: np.ndarray,
    fixed: np.ndarray,
    damping: float,
    band: np.ndarray,
) -> np.ndarray:
    """The damped Newton step (n, D) of the unknowns that no bound holds."""
    n, D = gradient.shape
    prior = problem.prior
    curvature = np.einsum("tii->ti", H)
    extra = time.diagonal + damping * np.maximum(curvature, 1e-2)
    extra += problem.targets.weight
    _fill_band(H, extra, time.first, time.second, fixed, band)
    # Column by column, as LAPACK has it: in place, without a copy.
    factor = cholesky_banded(band.T, overwrite_ab=True, lower=True, check_finite=False)
    right = np.where(fixed, 0.0, -gradient).ravel()
    step = cho_solve_banded((factor, True), right, check_finite=False).reshape(n, D)
    reach = _LONGEST_UNIT_STEP * (prior.high - prior.low)[JOINTS_END:]
    step[:, JOINTS_END:] = np.clip(step[:, JOINTS_END:], -reach, reach)
    for part in (POSE, slice(JAW.start, JOINTS_END)):
        step[:, part] = np.clip(step[:, part], -_LONGEST_TURN, _LONGEST_TURN)
    return step


@njit(cache=True)
def _fill_band(H, extra, first, second, fixed, band):
    """Lower band (n D, 2 D + 1) of the frames' blocks and the time terms: a column a row.

    A fixed unknown gets a row of its own with 1 on the diagonal.
    """
    n, D = extra.shape
    band[:] = 0
    for t in range(n):
        for i in range(D):
            column = t * D + i
            if fixed[t, i]:
                band[column, 0] = 1.0
                continue
            band[column, 0] = H[t, i, i] + extra[t, i]
            for j in range(i + 1, D):
                if not fixed[t, j]:
                    band[column, j - i] = H[t, j, i]
            if t + 1 < n and not fixed[t + 1, i]:
                band[column, D] = first[t, i]
            if t + 2 < n and not fixed[t + 2, i]:
                band[column, 2 * D] = second[t, i]
