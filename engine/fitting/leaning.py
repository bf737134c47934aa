"""Where a mouth is covered, other witnesses than the fit's picture lead: sound, AVFace's networks.

What two witnesses differ by while the mouth is clear (another person, another range) is carried
beneath the cover, so that nothing jumps (`fitting.carrying`). The networks have learnt on covered
faces, but on drawn ones, most of whom speak: of a mouth that they can't see they say little but
that it is half open. So they are taken at a quarter of their word, go no further than the clip has
shown, and keep out where sound has led the fit. A voice that is this face's tells by its silence,
too: the mouth rests.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation, Slerp

from ..exchange.take import REGIONS
from ..head.model import FaceParams, Head
from .carrying import carry_difference

if TYPE_CHECKING:
    from ..faces import FaceTrack

_CLEAR, _COVERED = 0.75, 0.35  # confidence of the mouth that is all the fit's, all the other's
_CLEARLY = 0.01  # share that is hidden, below which a frame is clear
_BESIDE_FRAMES, _FADE_FRAMES = 2, 1.5  # what comes before a mouth disturbs it before it hides it
_HARDLY = 0.25  # share of the clip: clear for less, it doesn't tell what the networks are off by
_TELLS_FRAMES = 100  # beside a cover, which tell what the networks and the fit differ by
_NETWORKS_RANGE = 0.25  # of their motion, beneath a real cover
_NEUTRAL_FRAMES = 8  # of a person's mouth that the head's own rest counts as much as
_LIVELY_JAW = 0.1  # rad, in lively speech
_WITH_MOTION = 0.4  # deviation of what the witnesses differ by in lively speech
_MOUTH = ("mouth", "lips", "tongue", "cheek")


def hidden_mouth(track: "FaceTrack") -> np.ndarray:
    """How far the mouth is hidden, (T,) 0..1; frames without a face are led over already."""
    mouth = np.nan_to_num(track.confidence[:, REGIONS.index("mouth")])
    return hidden_share(np.where(track.seen, mouth, 1.0))


def hardly_clear(hidden: np.ndarray) -> bool:
    """Whether a mouth is hidden for most of a clip: the networks' people are other people."""
    return bool((hidden < _CLEARLY).mean() < _HARDLY)


def near_covers(track: "FaceTrack", hidden: np.ndarray) -> "FaceTrack":
    """The track seen in those frames alone that the networks are to look at.

    `hidden` (T,) 0..1: how far the mouth is.
    """
    near = maximum_filter1d(hidden, 2 * _TELLS_FRAMES + 1, mode="nearest") > 0
    return replace(track, seen=track.seen & near)


def lean_on_networks(
    fit: FaceParams,
    networks: FaceParams | None,
    hidden: np.ndarray,
    looked: np.ndarray,
    sound: np.ndarray,
    silent: np.ndarray,
    times: np.ndarray,
    head: Head,
) -> FaceParams:
    """The fit's performance, its mouth at rest or led by the networks where something is before it.

    Args:
        fit, networks: Of the same T frames; without networks mouths that speak are the fit's.
        hidden: (T,) 0..1, how far the mouth is.
        looked: (T,) bool, frames at which the networks looked.
        sound: (T,) 0..1, how far sound has led the fit already.
        silent: (T,) 0..1, how surely this face says nothing.
        times: (T,) s.
        head: Whose parameters they are.
    """
    unknown, share = np.where(looked, hidden, 1.0), hidden * (1 - sound)
    clear = unknown < _CLEARLY
    own, units = _mouth_of(fit), fit.expression.shape[1]
    if networks is None:
        share, word = share * silent, np.zeros_like(own)
    else:
        word = _as_far_as_seen(_mouth_of(networks), clear)
    said = _NETWORKS_RANGE * word
    # Two mouths of one person, each at its own usual place: one that rests, one that may speak.
    said += _usual(own - said, clear * (1 - silent), 1)
    rest = _usual(own, clear * silent, _NEUTRAL_FRAMES)
    led = said + silent[:, None] * (rest - said)
    lively = np.abs(word[:, units : units + 1]) / _LIVELY_JAW
    motion = _WITH_MOTION * (1 - silent[:, None]) * lively
    other = fit.replace(expression=led[:, :units], jaw=led[:, units:])
    return lead_mouth(fit, other, unknown, share, motion, times, head)


def _mouth_of(params: FaceParams) -> np.ndarray:
    """Units and jaw, (T, E + 3)."""
    return np.concatenate([params.expression, params.jaw], axis=1)


def _as_far_as_seen(values: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Values (T, C) within what they are in the frames `clear` (T,) bool, if there are any."""
    if not clear.any():
        return values
    return np.clip(values, values[clear].min(axis=0), values[clear].max(axis=0))


def _usual(values: np.ndarray, weight: np.ndarray, zeros: float) -> np.ndarray:
    """The mean of values (T, C) by `weight` (T,), and of so many `zeros` beside them."""
    mean: np.ndarray = weight @ values / (weight.sum() + zeros)
    return mean


def lead_mouth(
    fit: FaceParams,
    other: FaceParams,
    hidden: np.ndarray,
    share: np.ndarray,
    goes_with: np.ndarray,
    times: np.ndarray,
    head: Head,
) -> FaceParams:
    """The fit with jaw and mouth led by another witness as far as `share` (T,) says.

    `hidden` (T,) 0..1: where the fit can't tell what the two differ by; `goes_with` (T, K): what
    that may go with, as in `carry_difference`.
    """
    if not (share > 0).any():
        return fit
    apart = carry_difference(
        np.concatenate([fit.expression - other.expression, fit.jaw - other.jaw], axis=1),
        (hidden < _CLEARLY).astype(float),
        goes_with,
        times,
    )
    units = fit.expression.shape[1]
    low, high = head.file.expression_low, head.file.expression_high
    led = np.clip(other.expression + apart[:, :units], low, high)
    mouth = np.array([name.startswith(_MOUTH) for name in head.file.expression_names])
    by = share[:, None]
    return fit.replace(
        expression=np.where(mouth, fit.expression + by * (led - fit.expression), fit.expression),
        jaw=fit.jaw + by * (other.jaw + apart[:, units:] - fit.jaw),
    )


def across_covers(params: FaceParams, hidden: np.ndarray, head: Head, mouth: bool) -> FaceParams:
    """The head straight across covers of the mouth, and the `mouth` too: read there they jump.

    `hidden` (T,) 0..1: the mouth. Before the first clear frame and after the last, as read.
    """
    clear = np.flatnonzero(hidden < _CLEARLY)
    if len(clear) < 2 or len(clear) == len(params):
        return params
    between = np.arange(clear[0], clear[-1] + 1)

    def across(values: np.ndarray) -> np.ndarray:
        led = values.copy()
        led[between] = np.column_stack([np.interp(between, clear, c) for c in values[clear].T])
        return led

    pose, turns = params.head_pose.copy(), Rotation.from_rotvec(params.head_pose[clear])
    pose[between] = Slerp(clear, turns)(between).as_rotvec()
    params = params.replace(head_pose=pose, head_translation=across(params.head_translation))
    if not mouth:
        return params
    spoken = [name.startswith(_MOUTH) for name in head.file.expression_names]
    units = np.where(spoken, across(params.expression), params.expression)
    return params.replace(expression=units, jaw=across(params.jaw))


def hidden_share(confidence: np.ndarray) -> np.ndarray:
    """How far a mouth is hidden, (T,) 0..1; it fades in and out beside the cover, not within it."""
    hidden = ((_CLEAR - confidence) / (_CLEAR - _COVERED)).clip(0, 1)
    wide = maximum_filter1d(hidden, 2 * _BESIDE_FRAMES + 1, mode="nearest")
    return gaussian_filter1d(wide, _FADE_FRAMES, mode="nearest", truncate=2.0)
