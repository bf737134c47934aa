"""Locks: strands that grow side by side, come together towards their tips and lie as one.

Fine locks lie in broad ones, so that there are locks of several sizes. What hair does it does lock
by lock, strands of one lock differ little.
"""

from dataclasses import dataclass

import numpy as np

_BROAD_MM, _FINE_MM = 19.0, 6.5  # how wide a lock is at its roots
_WARPED, _WAVE = 0.45, 2.6  # of that: how far its rims waver, and over what length
# How far tips come together, of the way to their lock's middle, and by what power of the way.
_GATHERED = ((0.85, 1.1), (0.6, 1.6))  # in fine locks, in broad ones
_UNLIKE, _ALIKE = 0.2, 0.6  # lengths of a strand and its lock, the less over the more
_LAYERS = 0.5  # of that share do they come together in height, too
_LENGTHS = 0.3  # of what strands of a lock differ in along their way stays
_RIM = 0.6  # of a lock's deviation from its middle: there its rim begins


@dataclass(frozen=True)
class Locks:
    """Which lock each of N roots belongs to."""

    fine: np.ndarray  # (N,) number of its fine lock
    broad: np.ndarray  # (N,) number of the broad one
    rim: np.ndarray  # (N,) 0 within its fine lock, 1 at its rim

    def vary(self, by_broad: float, by_fine: float, draw: np.random.Generator) -> np.ndarray:
        """Normal numbers, (N,), of these deviations from lock to lock."""
        broad = by_broad * draw.normal(size=self.broad.max() + 1)
        return broad[self.broad] + by_fine * draw.normal(size=self.fine.max() + 1)[self.fine]

    def pick(self, broad: float, fine: float, draw: np.random.Generator) -> np.ndarray:
        """Factors, (N,), evenly from these to 1, of broad locks and of fine ones."""
        factor = draw.uniform(broad, 1, self.broad.max() + 1)
        return factor[self.broad] * draw.uniform(fine, 1, self.fine.max() + 1)[self.fine]

    def of(self, some: np.ndarray) -> "Locks":
        """Those of some of the roots, (N,) bool."""
        return Locks(self.fine[some], self.broad[some], self.rim[some])


def divide(roots: np.ndarray, draw: np.random.Generator) -> Locks:
    """Locks of roots (N, 3), m."""
    broad = _cells(roots, 1e-3 * _BROAD_MM, draw)
    cells = np.column_stack([broad, _cells(roots, 1e-3 * _FINE_MM, draw)])
    fine = _numbers(cells)
    away = np.linalg.norm(roots - _middles(roots, fine)[fine], axis=1)
    usual = np.sqrt(_middles(away[:, None] ** 2, fine)[fine, 0])
    rim = np.clip((away / np.maximum(usual, 1e-6) - _RIM) / (2 - _RIM), 0, 1)
    return Locks(fine, _numbers(broad[:, None]), rim)


def gather(points: np.ndarray, locks: Locks, share: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Strands (N, P, 3) about the skull's `middle` (3,) whose tips come together in their locks.

    `share` (N,) is how far they do, from 0 to 1; short ones among long ones and long ones among
    short ones don't.
    """
    along = np.linspace(0, 1, points.shape[1])
    length = np.maximum(np.linalg.norm(np.diff(points, axis=1), axis=2).sum(1), 1e-6)
    for number, (most, power) in zip((locks.fine, locks.broad), _GATHERED, strict=True):
        usual = _middles(length[:, None], number)[number, 0]
        alike = np.minimum(length / usual, usual / length)
        alike = np.clip((alike - _UNLIKE) / (_ALIKE - _UNLIKE), 0, 1)
        pull = most * (share * alike)[:, None, None] * along[:, None] ** power
        goes = np.gradient(points, axis=1)
        goes /= np.maximum(np.linalg.norm(goes, axis=2, keepdims=True), 1e-9)
        flat = points.reshape(len(points), 3 * len(along))
        middles = _middles(flat, number)[number].reshape(points.shape)
        away, wanted = (
            np.linalg.norm(places - middle, axis=2, keepdims=True) for places in (points, middles)
        )
        aside = middles - points
        aside -= _LENGTHS * (aside * goes).sum(2, keepdims=True) * goes
        way = points + pull * aside - middle
        away = away + _LAYERS * pull * (wanted - away)
        points = middle + way * (away / np.linalg.norm(way, axis=2, keepdims=True))
    return points


def _cells(roots: np.ndarray, size: float, draw: np.random.Generator) -> np.ndarray:
    """The number of each root's cell, (N,): a grid whose lines waver."""
    turn = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    phase = draw.uniform(0, 2 * np.pi, 3)
    along = roots @ turn.T
    waver = _WARPED * size * np.sin(2 * np.pi * along / (_WAVE * size) + phase)
    return _numbers(np.floor((along + np.roll(waver, 1, axis=1)) / size))


def _numbers(cells: np.ndarray) -> np.ndarray:
    """A number for each row (N, k) that is alike, (N,)."""
    return np.unique(cells, axis=0, return_inverse=True)[1].ravel()


def _middles(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The mean of the values (N, k) of each number, (n, k)."""
    sums = np.stack([np.bincount(number, column) for column in values.T], 1)
    return sums / np.maximum(np.bincount(number), 1)[:, None]
