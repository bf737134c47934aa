"""Where a mouth is covered, the fit goes by what AVFace's networks say.

A fit has no evidence there but a tracker's guess; the networks have learnt on covered faces. What
the two differ by while the face is clear (another identity) is taken out first, so that nothing
jumps; where the face is hardly ever clear, the whole person is the networks'.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .head.model import FaceParams, Head

_CLEAR, _COVERED = 0.75, 0.35  # confidence of the mouth that is all the fit's, all the networks'
_FADE_FRAMES = 1.5
_HARDLY = 0.25  # share of the clip: clear for less, a fit knows neither person nor distance
_MOUTH = ("mouth", "lips", "tongue", "cheek")
_MOUTH_REGION = 1  # of `exchange.take.REGIONS`


def lean_on_networks(
    fit: FaceParams, networks: FaceParams, confidence: np.ndarray, head: Head
) -> FaceParams:
    """The fit's performance, the networks' where something is before the mouth.

    Args:
        fit, networks: Of the same T frames.
        confidence: (T, R) of the track's regions.
        head: Whose parameters they are.
    """
    share = _covered(confidence[:, _MOUTH_REGION])
    clear = share < 0.01
    if clear.all():
        return fit
    if clear.mean() < _HARDLY:
        return networks.replace(albedo=fit.albedo, light=fit.light)
    mouth = np.array([name.startswith(_MOUTH) for name in head.file.expression_names])
    units = _mix(fit.expression, networks.expression, share, clear)
    units = np.clip(units, head.file.expression_low, head.file.expression_high)
    return fit.replace(
        expression=np.where(mouth, units, fit.expression),
        jaw=_mix(fit.jaw, networks.jaw, share, clear),
    )


def _covered(confidence: np.ndarray) -> np.ndarray:
    """How far the networks lead, (T,) 0..1; it fades in and out beside the cover, not within it."""
    hidden = ((_CLEAR - confidence) / (_CLEAR - _COVERED)).clip(0, 1)
    wide = maximum_filter1d(hidden, 2 * round(2 * _FADE_FRAMES) + 1, mode="nearest")
    return gaussian_filter1d(wide, _FADE_FRAMES, mode="nearest")


def _mix(fit: np.ndarray, networks: np.ndarray, share: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """(T, C) twice: the networks' by their share (T,), moved by the median difference."""
    apart = np.median(fit[clear] - networks[clear], axis=0)
    return fit + share[:, None] * (networks + apart - fit)
