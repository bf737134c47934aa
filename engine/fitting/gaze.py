"""Eyes that nobody sees, behind dark glasses or a hand: they rest.

The fit guesses them from the moments beside, and where there are none they drift and half shut.
What is known of unseen eyes is what all eyes do: they look where they usually look, straight ahead
and open if nobody has seen them at all, and stay there while the head makes a quick turn (the
vestibulo-ocular reflex).
"""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from ..easing import ease
from ..exchange.take import REGIONS, frame_seconds
from ..head.model import FaceParams, Head

_SEEN = 0.5  # confidence in an eye
_EASE_SECONDS = 0.5  # from the last moment in which an eye is seen: shorter covers are bridged
_LEAST_SEEN_SECONDS = 0.5  # of a clip that tell where its eyes usually look
_FOLLOW_SECONDS = 0.35  # within which the gaze follows a head that has turned
REFLEX = 0.6  # of the head's quick turn: the rest is a glance along with it
_LIDS = ("eyeBlink", "eyeSquint", "eyeWide")


def rest_unseen(
    params: FaceParams, confidence: np.ndarray, times: np.ndarray, head: Head
) -> FaceParams:
    """The performance with gaze and lids at rest where neither eye is seen; itself where one is.

    Args:
        params: T frames.
        confidence: (T, R) of `exchange.take.REGIONS`, of the track.
        times: (T,) s, rising.
        head: Whose parameters they are.
    """
    columns = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]
    seen = np.nan_to_num(confidence[:, columns]).max(axis=1) >= _SEEN
    if seen.all():
        return params
    step = frame_seconds(times, alone=_EASE_SECONDS)
    share = _resting(seen, step)[:, None]
    gaze, lids = np.zeros(6), np.zeros(len(head.file.expression_names))
    if seen.sum() * step >= _LEAST_SEEN_SECONDS:
        gaze, lids = np.median(params.eyes[seen], axis=0), np.median(params.expression[seen], 0)
    slow = gaussian_filter1d(params.head_pose, _FOLLOW_SECONDS / step, axis=0, mode="nearest")
    reflex = -REFLEX * (params.head_pose - slow) * [1, 1, 0]  # an eye doesn't roll
    of_lids = [k for k, name in enumerate(head.file.expression_names) if name.startswith(_LIDS)]
    expression = params.expression.copy()
    expression[:, of_lids] += share * (lids[of_lids] - expression[:, of_lids])
    eyes = params.eyes + share * (gaze + np.tile(reflex, 2) - params.eyes)
    return params.replace(eyes=eyes, expression=expression)


def _resting(seen: np.ndarray, step: float) -> np.ndarray:
    """How far unseen eyes have come to rest, (T,) 0..1, by frames (T,) `step` seconds apart."""
    if not seen.any():
        return np.ones(len(seen))
    away = np.asarray(distance_transform_edt(~seen)) * step  # s, to a moment that shows them
    return ease(away / _EASE_SECONDS)
