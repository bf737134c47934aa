"""The hair that falls over a forehead: strands from behind the hairline down to where it ends."""

import numpy as np

FRINGE_AT = np.arange(-48.0, 49, 8)  # degrees round the head: the columns of a fringe
_SEEN_FROM = 0.5  # share of a column that falls, from which on a strand there does
_DEEP, _SHALLOWEST, _DEEPEST = 1.6, 16.0, 45.0  # degrees: of how far it falls; from, to
_HAIRLINE = 97  # percentile of the roots in a column
_ASIDE, _UNEVEN = 16.0, 30.0  # degrees that strands go aside, where its ends differ by so many
_STRAY = 4.0  # degrees, lock by lock
_LOCKS_END, _STRANDS_END = (0.78, 1.05), (0.9, 1.0)  # of the way: lock by lock; of its lock's
_TIP_MM, _TIP_SHARE = 2.0, 0.25  # above the skin; of the hair's height
_RISEN = 0.12  # of the way: there it is as high as the hair


class Fringe:
    """Where a person's hair falls over the forehead.

    Args:
        falls: (len(FRINGE_AT),) degrees from the top of the head where it ends; 0 where none does.
        top: (N,) the roots' degrees from the top of the head.
        beside: (N,) their degrees round it.
        parting: Degrees round the head, or None.
    """

    def __init__(
        self, falls: np.ndarray, top: np.ndarray, beside: np.ndarray, parting: float | None
    ):
        self._falls, self._top, self._beside = falls, top, beside
        half = np.diff(FRINGE_AT)[0] / 2
        begins = [top[np.abs(beside - column) < half] for column in FRINGE_AT]
        self._begins = np.array([np.percentile(b, _HAIRLINE) if len(b) else 90.0 for b in begins])
        ends = np.maximum(np.where(falls > 0, falls, 0), self._begins)
        uneven = np.clip(np.ptp(ends - self._begins) / _UNEVEN, 0, 1)
        if parting is None:
            highest = ends - self._begins < np.ptp(ends - self._begins) / 4
            parting = float(FRINGE_AT[highest].mean()) if highest.any() else 0.0
        self._aside = _ASIDE * uneven * np.clip((beside - parting) / 8, -1, 1)
        goes = np.interp(beside + self._aside, FRINGE_AT, falls > 0, left=0, right=0)
        fallen = np.flatnonzero(falls)
        self._end = np.interp(beside + self._aside, FRINGE_AT[fallen], falls[fallen])
        begin = np.interp(beside, FRINGE_AT, self._begins)
        deep = np.clip(_DEEP * (self._end - begin), _SHALLOWEST, _DEEPEST)
        self.strands = np.flatnonzero((goes > _SEEN_FROM) & (top > begin - deep))
        """Numbers of the roots whose strands fall."""

    def ways(
        self, lock: np.ndarray, points: int, draw: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Unit directions (n, points, 3) from the skull's middle that its strands go, and ends.

        How far along each strand is, (n, points): 1 at the longest one's tip. `lock` (N,) is the
        number of each root's lock.
        """
        here = self.strands
        stray = _STRAY * draw.normal(size=lock.max() + 1)[lock[here]]
        ends = draw.uniform(*_LOCKS_END, lock.max() + 1)[lock[here]]
        ends *= draw.uniform(*_STRANDS_END, len(here))
        share = np.linspace(0, 1, points) * ends[:, None]
        top = self._top[here, None] + (self._end[here] - self._top[here])[:, None] * share
        beside = self._beside[here, None] + (self._aside[here] + stray)[:, None] * share
        top, beside = np.radians(top), np.radians(beside)
        level = np.sin(top)
        ways = np.stack([level * np.sin(beside), np.cos(top), level * np.cos(beside)], -1)
        return ways, share


def lifted(share: np.ndarray, height: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """How high (n, P) m strands lie above the skin, by how far along they are (n, P).

    `height` (n,) mm is the hair's at their roots, `layer` (n,) how far out in it they lie.
    """
    rises = np.minimum(share / _RISEN, 1) * (1 - share) * height[:, None]
    tips = share * (_TIP_MM + _TIP_SHARE * height)[:, None]
    return 1e-3 * layer[:, None] * (rises + tips)
