"""What two witnesses differ by, carried from where both are good to where one of them is gone.

A Gaussian process (Rasmussen and Williams 2006, chapter 2): the difference has a lasting part
(another rest), one that drifts within seconds (a mood), one that is forgotten within a few tenths
of a second, and one that goes with what is known of all frames (another range, other shapes for
the same sounds). So a cover is entered and left without a step, and deep beneath it stands what
the clip tells of the person.
"""

from collections.abc import Iterator

import numpy as np

# Standard deviations, in that of the part that is forgotten (docs/log.md).
_LASTING, _DRIFT, _NOISE = 5.0, 0.4, 0.1
_FORGOTTEN_SECONDS, _DRIFT_SECONDS = 0.16, 2.0
_SURE = 0.95  # of a witness so good the difference stands as it is
_NEAR = 300  # frames on each side of a gap that tell what to carry into it
_PIECE = 100  # frames at once: memory doesn't grow with the clip


def carry_difference(
    difference: np.ndarray, weight: np.ndarray, goes_with: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """A difference (T, C) of two witnesses in all T frames; zeros when it is nowhere known.

    Args:
        difference: As measured; it may be anything where the weight is 0.
        weight: (T,) 0..1, how good the worse of the two is.
        goes_with: (T, K) what the difference may go with, each times the deviation of its share.
        times: (T,) s, rising.
    """
    out = np.array(difference, float)
    known, unsure = np.flatnonzero(weight > 0), np.flatnonzero(weight < _SURE)
    if not len(known):
        return np.zeros_like(out)
    for part in _pieces(unsure):
        first, last = np.searchsorted(known, [part[0], part[-1] + 1])
        near = known[max(first - _NEAR, 0) : last + _NEAR]
        noise = np.diag(_NOISE**2 + 1 - weight[near])
        among = _together(near, near, goes_with, times) + noise
        told = np.linalg.solve(among, difference[near])
        out[part] = _together(part, near, goes_with, times) @ told
    return out


def _pieces(frames: np.ndarray) -> Iterator[np.ndarray]:
    """Runs of neighbouring `frames`, long ones in pieces."""
    for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
        for start in range(0, len(run), _PIECE):
            yield run[start : start + _PIECE]


def _together(a: np.ndarray, b: np.ndarray, goes_with: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Covariance of the difference in the frames `a` and `b`, (len(a), len(b))."""
    away = np.abs(times[a][:, None] - times[b])
    drift = _DRIFT**2 * _remembered(away / _DRIFT_SECONDS)
    return (
        _LASTING**2 + drift + _remembered(away / _FORGOTTEN_SECONDS) + goes_with[a] @ goes_with[b].T
    )


def _remembered(away: np.ndarray) -> np.ndarray:
    """Matern's covariance, once differentiable: no step in speed."""
    return (1 + np.sqrt(3) * away) * np.exp(-np.sqrt(3) * away)
