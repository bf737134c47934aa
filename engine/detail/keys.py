"""When relief is read: the key frames of a take, and which of them show the same map.

Maps are blended from key to key. Keys grow with a film's length, different expressions hardly do:
a long film's keys share the maps of a few hundred of them, each that of the expression nearest to
its own.
"""

from itertools import pairwise

import numpy as np

from ..faces import FaceTrack
from ..head.model import FaceParams
from .skin import JAW_UNIT, activity

QUICK = 0.3  # of a unit between two keys: maps blended over more show a fold too late or early
MOST_MAPS = 400  # of a take: a minute of film has fewer keys, ten minutes have 3,000 and more
_ALIKE = 0.1  # of a unit: maps of expressions this near differ as those of keys side by side do
_SEEN = 0.5  # confidence in each region from which a frame may lend its map


def key_frames(track: FaceTrack, spacing_seconds: float) -> np.ndarray:
    """Frames (K,), about `spacing_seconds` apart, in which the face is seen."""
    seen = np.flatnonzero(track.seen)
    if not len(seen):
        return seen
    first, last = track.times[seen[0]], track.times[seen[-1]]
    wanted = np.linspace(first, last, max(2, round(float(last - first) / spacing_seconds) + 1))
    after = np.searchsorted(track.times[seen], wanted).clip(1, max(len(seen) - 1, 1))
    before, after = seen[after - 1], seen[np.minimum(after, len(seen) - 1)]
    nearer = wanted - track.times[before] <= track.times[after] - wanted
    frames = np.unique(np.where(nearer, before, after))
    return frames[np.abs(track.times[frames][:, None] - wanted).min(1) < spacing_seconds]


def denser(keys: np.ndarray, params: FaceParams, track: FaceTrack) -> np.ndarray:
    """Key frames (K,) with more of them, each a frame with a face, where an expression is quick."""
    seen, out = np.flatnonzero(track.seen), [keys[:1]]
    for start, stop in pairwise(keys):
        between = seen[(seen > start) & (seen < stop)]
        change = np.abs(params.expression[stop] - params.expression[start]).max()
        count = min(int(change / QUICK), len(between))
        picks = np.linspace(0, len(between), count + 2)[1:-1].astype(int)
        out += [between[picks], [stop]]
    return np.unique(np.concatenate(out)).astype(int)


def lenders(
    keys: np.ndarray, params: FaceParams, track: FaceTrack, most: int = MOST_MAPS
) -> np.ndarray:
    """For each key frame (K,) the one whose map it shows, (K,): itself where there are few keys.

    Of more than `most`, whole faces lend: the calmest, and ever the one whose expression is
    farthest from those chosen (Gonzalez 1985), until none is left that looks different.
    """
    if len(keys) <= most:
        return keys
    looks = np.column_stack([params.expression[keys], params.jaw[keys] / JAW_UNIT])
    whole = track.confidence[keys].min(1) > _SEEN
    able = np.flatnonzero(whole if whole.any() else ~whole)
    next_one = able[np.argmin(activity(params, keys[able]))]
    lender, apart = np.zeros(len(keys), int), np.full(len(keys), np.inf)
    for _ in range(most):
        to_it = np.abs(looks - looks[next_one]).max(1)
        lender = np.where(to_it < apart, next_one, lender)
        apart = np.minimum(apart, to_it)
        next_one = able[np.argmax(apart[able])]
        if apart[next_one] <= _ALIKE:
            break
    return keys[lender]
