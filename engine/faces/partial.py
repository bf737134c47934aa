"""Which points of the mouth something is before: a finger, a hand at the corner, the rim of a cup.

Where most of a mouth is seen, what is free of it still tells what it does. The cover network says
log odds at each point. It learnt on drawn people and is surer of their hands than of real ones, but
of each clip's usual face it says nearly the same in all frames: so odds count against the clip's
own, and by themselves where they are high.
"""

import numpy as np
from scipy.ndimage import median_filter

from .belief import fall
from .upright import upright

# The lips' points, line by line from one corner to the other: backwards it is its mirror image.
LIP_LINES = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (409, 270, 269, 267, 0, 37, 39, 40, 185),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    (415, 310, 311, 312, 13, 82, 81, 80, 191),
)
LIPS = tuple(point for line in LIP_LINES for point in line)
MIRRORED_LIPS = tuple(point for line in LIP_LINES for point in reversed(line))


# In log odds above the usual, but for the shares.
_USUAL = 30.0  # percentile of a point's odds that are its usual ones in the clip
_UNLIKELY = -3.0  # odds that are usual for any face: those of a cover of a whole clip
# Of the point of the lips that is hidden most; with nothing before nine faces 4.6 at most.
SOMETHING = (5.0, 6.0)
_NEAR = (4.2, 5.2)  # likewise; worth a look
# A point is hidden from such a share of the most hidden one's, within bounds, give or take.
_OF_MOST = 0.5
_LEAST = (3.0, 6.0)
_SOFT = 0.7
_TURNED = (30.0, 40.0)  # degrees of yaw: what is usual doesn't hold beyond
_COVERED = (0.65, 0.9)  # hidden share of the lips: too little is left
# Of the lips' usual point, as they are: free up to the first, maybe hidden from the second on.
# Painted things that hide the mouth leave -.7 in one of 100 pictures, a woman's real hand .1.
_FREE = (-1.2, -0.3)
_SHOWN = 2.0  # higher where lips are seen as such: free beards and blue light leave 1.1 at most


def usual_lips(points: np.ndarray) -> np.ndarray:
    """Where the lips usually lie under the eyes of N faces, (N, 478, >=2) px: (N, 40, 2) px.

    A tracker draws a corner back from a hand that lies on it: there nothing is hidden, but here.
    """
    shapes, axes, middles = upright(points[..., :2].astype(float), LIPS)
    return np.median(shapes, axis=0) @ axes + middles


def hidden_lips(odds: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """How far each point of the lips is hidden, (N, 478) in 0..1; 0 for all other points.

    Args:
        odds: (N, 478) log odds of the points in some frames of a clip, in order.
        yaw: (N,) degrees.
    """
    above = _above_usual(odds[:, list(LIPS)])
    most = above.max(axis=1, keepdims=True)  # (N, 1)
    from_here = np.clip(_OF_MOST * most, *_LEAST)
    share = np.clip((above - from_here) / (2 * _SOFT) + 0.5, 0, 1)
    share *= 1 - fall(most, *SOMETHING)
    share *= fall(np.abs(yaw), *_TURNED)[:, None]
    out = np.zeros(odds.shape, np.float32)
    out[:, list(LIPS)] = share
    return out


def something_near(odds: np.ndarray) -> np.ndarray:
    """How far something may be before the lips, (N,) in 0..1, by log odds as `hidden_lips`'."""
    return 1 - fall(_above_usual(odds[:, list(LIPS)]).max(axis=1), *_NEAR)


def _above_usual(odds: np.ndarray) -> np.ndarray:
    """How much more likely than usual something is before points by their log odds, (N, P)."""
    return np.maximum(odds - _usual(odds), odds - _UNLIKELY)


def _usual(odds: np.ndarray) -> np.ndarray:
    return np.minimum(np.percentile(odds, _USUAL, axis=0), 0)


def lips_free(odds: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """How surely nothing is before the lips as a whole, (N,) in 0..1.

    Args:
        odds: (N, 478) log odds.
        shown: (N,) how surely lips are seen as such (`mouth.lips_shown`).
    """
    return fall(np.median(odds[:, list(LIPS)], axis=1) - _SHOWN * shown, *_FREE)


def steady(odds: np.ndarray) -> np.ndarray:
    """Log odds (N, 478) of N frames in order without single ones: a cover stays longer."""
    out: np.ndarray = median_filter(odds, (3, 1), mode="nearest")
    return out


def touched_share(hidden: np.ndarray) -> np.ndarray:
    """The share of the lips' points that are hidden: (N, 478) of `hidden_lips` -> (N,)."""
    share: np.ndarray = (hidden[:, list(LIPS)] > 0.5).mean(axis=1)
    return share


def too_little_left(hidden: np.ndarray) -> np.ndarray:
    """How far so much of the lips is hidden that the mouth counts as covered, (N,) in 0..1."""
    return 1 - fall(touched_share(hidden), *_COVERED)
