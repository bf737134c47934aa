"""How unknowns of the fit may move in time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .terms import REFERENCE_SECONDS, Prior

_TAIL = 0.3  # degrees of freedom of an unknown's second difference: a part's are many times that


@dataclass(frozen=True)
class TimeTerms:
    """A symmetric band over n frames for each unknown: x' A x, diagonals 0, 1 and 2."""

    diagonal: np.ndarray  # (n, D)
    first: np.ndarray  # (n, D): between t and t + 1
    second: np.ndarray  # (n, D): between t and t + 2

    def apply(self, x: np.ndarray) -> np.ndarray:
        """A x, (n, D)."""
        out = self.diagonal * x
        out[:-1] += self.first[:-1] * x[1:]
        out[1:] += self.first[:-1] * x[:-1]
        out[:-2] += self.second[:-2] * x[2:]
        out[2:] += self.second[:-2] * x[:-2]
        return out


@dataclass(frozen=True)
class Motion:
    """How unknowns may move in time, at any frame rate and for uneven times.

    Velocity wanders: its change over a time h has variance q h (white acceleration). A region that
    rests is held still and one that moves is let go: `pace` scales the standard deviation, by what
    the track shows before anything is solved, `sharpened` then by the solution itself.
    Where the face is hidden the step itself is small too, so that a gap is crossed nearly straight.
    """

    times: np.ndarray  # (n,) s
    prior: Prior
    weight: float  # of all of it; 0 lets each frame stand alone
    pace: np.ndarray  # (n, D)
    hidden: np.ndarray  # (n, D) in [0, 1]
    parts: tuple[np.ndarray, ...] = ()  # (D,) bool each: unknowns that rest and move together

    def sharpened(self, x: np.ndarray, of: np.ndarray) -> Motion:
        """The model by how each of `parts` goes at `x` (n, D): rests quiet, events let go.

        Second differences have long tails: Student's t, a scale for each frame and part, one step
        of its expectation maximisation (Lange, Little and Taylor 1989). For the unknowns `of`.
        """
        if len(x) < 3 or self.weight == 0:
            return self
        a, b, c, w = self._second_difference()
        size = w * (a * x[:-2] + b * x[1:-1] + c * x[2:]) ** 2
        pace = self.pace.copy()
        for part in self.parts:
            mean = size[:, part].mean(1, keepdims=True)
            eased = pace[1:-1, part] * np.sqrt((_TAIL + mean) / (_TAIL + 1))
            pace[1:-1, part] = np.where(of[1:-1, part], eased, pace[1:-1, part])
        return replace(self, pace=pace)

    def _second_difference(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Its coefficients of a frame, the next and the one after, and 1 / sd^2, (n - 2, D)."""
        h = np.diff(self.times)
        a, c = 1 / h[:-1, None], 1 / h[1:, None]
        across = REFERENCE_SECONDS**3 / (0.5 * (h[:-1] + h[1:]))
        sd = self.prior.acceleration * self.pace[1:-1]
        return a, -(a + c), c, self.weight * across[:, None] / sd**2

    def terms(self, of: np.ndarray | None = None) -> TimeTerms:
        """The motion model as quadratic terms; only those that touch the unknowns `of` (n, D)."""
        n, D = self.pace.shape
        of = np.ones((n, D), bool) if of is None else of
        diagonal, first, second = np.zeros((n, D)), np.zeros((n, D)), np.zeros((n, D))
        h = np.diff(self.times)
        if n > 2 and self.weight > 0:
            a, b, c, w = self._second_difference()
            w = w * (of[:-2] | of[1:-1] | of[2:])
            diagonal[:-2] += w * a * a
            diagonal[1:-1] += w * b * b
            diagonal[2:] += w * c * c
            first[:-2] += w * a * b
            first[1:-1] += w * b * c
            second[:-2] += w * a * c
        if n > 1 and self.weight > 0:
            still = np.maximum(self.hidden[:-1], self.hidden[1:])
            w = still * (REFERENCE_SECONDS / h)[:, None] / self.prior.step**2 * (of[:-1] | of[1:])
            diagonal[:-1] += w
            diagonal[1:] += w
            first[:-1] -= w
        return TimeTerms(diagonal, first, second)
