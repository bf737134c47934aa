"""The hair that falls over a forehead: strands from behind the hairline down to where it ends."""

import numpy as np

from .locks import Locks

FRINGE_AT = np.arange(-48.0, 49, 8)  # degrees round the head: the columns of a fringe
_SEEN_FROM = 0.5  # share of a column that falls, from which on a strand there does
_DEEP, _SHALLOWEST, _DEEPEST = 1.6, 16.0, 45.0  # degrees: of how far it falls; from, to
_HAIRLINE, _BELOW_HAIRLINE = 97, 4.0  # percentile of the roots in a column; degrees
_ASIDE, _UNEVEN = 16.0, 30.0  # degrees that strands go aside, where its ends differ by so many
_STRAY = 3.0  # degrees, fine lock by fine lock
_SWEEPS = 0.8  # degrees away from a parting for each that a root lies behind the hairline
# It ends in points: degrees from one to the next; how far strands come together in them, and what
# those beside them lack, of the way; the shortest and the longest, fine lock and strand, of it.
_POINTS_APART, _POINTED, _BETWEEN = (5.0, 13.0), 0.75, 0.13
_POINTS = 40  # no fringe has as many
_POINTS_END, _LOCKS_END, _STRANDS_END = (0.92, 1.12), 0.95, 0.9
_TIP_MM, _TIP_SHARE = 2.0, 0.25  # above the skin; of the hair's height
_RISEN, _ROUNDED = 0.12, 1.5  # of the way: there it is as high as the hair; power: it bends there


class Fringe:
    """Where a person's hair falls over the forehead.

    Args:
        falls: (len(FRINGE_AT),) degrees from the top of the head where it ends; 0 where none does.
        top: (N,) the roots' degrees from the top of the head.
        beside: (N,) their degrees round it.
        parting: Degrees round the head, or None.
        everywhere: Whether it covers the hairline where it falls no lower.
        parted: Whether it comes from the parting as other hair does.
    """

    def __init__(
        self,
        falls: np.ndarray,
        top: np.ndarray,
        beside: np.ndarray,
        parting: float | None,
        everywhere: bool,
        parted: bool,
    ):
        self._top, self._beside = top, beside
        half = np.diff(FRINGE_AT)[0] / 2
        begins = [top[np.abs(beside - column) < half] for column in FRINGE_AT]
        self._begins = np.array([np.percentile(b, _HAIRLINE) if len(b) else 90.0 for b in begins])
        if everywhere:
            falls = np.where(falls > 0, falls, self._begins + _BELOW_HAIRLINE)
        ends = np.maximum(np.where(falls > 0, falls, 0), self._begins)
        uneven = np.clip(np.ptp(ends - self._begins) / _UNEVEN, 0, 1)
        if parting is None:
            highest = ends - self._begins < np.ptp(ends - self._begins) / 4
            parting = float(FRINGE_AT[highest].mean()) if highest.any() else 0.0
        begin = np.interp(beside, FRINGE_AT, self._begins)
        behind = np.maximum(begin - top, 0) if parted else 0.0
        self._aside = (_ASIDE * uneven + _SWEEPS * behind) * np.clip((beside - parting) / 8, -1, 1)
        goes = np.interp(beside + self._aside, FRINGE_AT, falls > 0, left=0, right=0)
        fallen = np.flatnonzero(falls)
        self._end = np.interp(beside + self._aside, FRINGE_AT[fallen], falls[fallen])
        deep = np.clip(_DEEP * (self._end - begin), _SHALLOWEST, _DEEPEST)
        self.strands = np.flatnonzero((goes > _SEEN_FROM) & (top > begin - deep))
        """Numbers of the roots whose strands fall."""

    def ways(
        self, locks: Locks, points: int, draw: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Unit directions (n, points, 3) from the skull's middle that its strands go, and ends.

        How far along each strand is, (n, points): 1 at the longest one's tip. `locks` are those of
        all roots.
        """
        here = self.strands
        stray = self._aside[here] + locks.vary(0, _STRAY, draw)[here]
        ends = locks.pick(1, _LOCKS_END, draw)[here] * draw.uniform(_STRANDS_END, 1, len(here))
        for some in (locks.broad[here] % 2 == half for half in (0, 1)):  # one lies over the other
            pulled, reaches = _pointed(self._beside[here[some]] + stray[some], draw)
            stray[some] += pulled
            ends[some] *= reaches
        share = np.linspace(0, 1, points) ** _ROUNDED * ends[:, None]
        top = self._top[here, None] + (self._end[here] - self._top[here])[:, None] * share
        beside = self._beside[here, None] + stray[:, None] * share
        top, beside = np.radians(top), np.radians(beside)
        level = np.sin(top)
        ways = np.stack([level * np.sin(beside), np.cos(top), level * np.cos(beside)], -1)
        return ways, share


def _pointed(beside: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How far strands go aside to the next of the points that a fringe ends in, degrees (n,).

    And how far of the way each reaches, (n,). `beside` (n,) are the degrees round the head at which
    they would end.
    """
    at = FRINGE_AT[0] - 2 * _POINTS_APART[1] + np.cumsum(draw.uniform(*_POINTS_APART, _POINTS))
    reach = draw.uniform(*_POINTS_END, len(at))
    edges = (at[1:] + at[:-1]) / 2
    own = np.searchsorted(edges, beside)
    away = at[own] - beside
    wide = np.diff(edges, prepend=at[0] - _POINTS_APART[1], append=at[-1] + _POINTS_APART[1])[own]
    return _POINTED * away, reach[own] * (1 - _BETWEEN * np.abs(2 * away / wide))


def lifted(share: np.ndarray, height: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """How high (n, P) m strands lie above the skin, by how far along they are (n, P).

    `height` (n,) mm is the hair's at their roots, `layer` (n,) how far out in it they lie.
    """
    rises = np.minimum(share / _RISEN, 1) * (1 - share) * height[:, None]
    tips = share * (_TIP_MM + _TIP_SHARE * height)[:, None]
    return 1e-3 * layer[:, None] * (rises + tips)
