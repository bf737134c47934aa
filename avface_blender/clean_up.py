"""What a filter does to a take's values, region by region: pure functions on arrays over time.

A region's values are moved in time, smoothed, strengthened and held, in that order. Smoothing
passes through the frames that are pinned: those that an artist has corrected. Rotations are unit
quaternions (w, x, y, z). T frames, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .rotations import inverse, one_sign, product

REGIONS = ("mouth", "eyes", "brows", "head")
_BONES = {"jaw": "mouth", "left_eye": "eyes", "right_eye": "eyes", "root": "head", "neck": "head"}
_LEAST_DEVIATION = 0.1  # frames: less reaches no neighbour
_KEYS = (("eye", "eyes"), ("brow", "brows"), ("forehead", "brows"))  # all others are the mouth's


@dataclass(frozen=True)
class Filter:
    """What to do to one region; as it stands here it does nothing."""

    smooth: float = 0.0  # frames: standard deviation of the Gaussian
    strength: float = 1.0  # 2 moves twice as far, 0 not at all
    offset: float = 0.0  # frames: above 0 is later
    hold: int = 1  # frames for which a pose stands: 2 is "on twos"

    @property
    def is_neutral(self) -> bool:
        """Whether it changes nothing."""
        return self == Filter()


_LEAST_ROOM = 0.5  # between the neutral and 1: a key that rests higher isn't stretched further


def from_rest(values: np.ndarray, rest: np.ndarray, is_share: bool) -> np.ndarray:
    """Values (T, C) with those at rest (C,) as 0; a share of 1 (shut lids) stays 1: (T, C)."""
    return (values - rest) / _room(rest, is_share)


def onto_rest(values: np.ndarray, rest: np.ndarray, is_share: bool) -> np.ndarray:
    """The way back."""
    return values * _room(rest, is_share) + rest


def _room(rest: np.ndarray, is_share: bool) -> np.ndarray:
    return np.maximum(1 - rest, _LEAST_ROOM) if is_share else np.ones_like(rest)


def turns_from_rest(turns: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Rotations (T, 4) with that at rest (4,) as none: (T, 4)."""
    return one_sign(product(inverse(rest), turns))


def region_of_key(name: str) -> str:
    """The region of a shape key, by its name."""
    return next((region for start, region in _KEYS if name.lower().startswith(start)), "mouth")


def region_of_bone(name: str) -> str:
    """The region of a bone; other bones go with the head."""
    return _BONES.get(name, "head")


def filtered(values: np.ndarray, filter_: Filter, pinned: Sequence[int] = ()) -> np.ndarray:
    """Values (T, C) whose rest is 0, filtered: (T, C). `pinned` frames, from 0, aren't smoothed."""
    values = _smoothed_between(_moved(values, filter_.offset), filter_, pinned)
    return _held(values * filter_.strength, filter_.hold)


def filtered_about_mean(
    values: np.ndarray, filter_: Filter, pinned: Sequence[int] = ()
) -> np.ndarray:
    """Places (T, C), strengthened about their own mean, filtered: (T, C)."""
    middle = values.mean(axis=0)
    return filtered(values - middle, filter_, pinned) + middle


def filtered_turns(
    turns: np.ndarray, filter_: Filter, about_mean: bool = False, pinned: Sequence[int] = ()
) -> np.ndarray:
    """Rotations (T, 4), filtered, strengthened about rest or about their mean: (T, 4)."""
    turns = one_sign(turns)
    middle = mean_turn(turns) if about_mean else np.array([1.0, 0, 0, 0])
    turns = _unit(_smoothed_between(_moved(turns, filter_.offset), filter_, pinned))
    if filter_.strength != 1:
        turns = strengthened(turns, filter_.strength, middle)
    return _held(one_sign(turns), filter_.hold)


def mean_turn(turns: np.ndarray) -> np.ndarray:
    """The middle of rotations that are near each other: (T, 4) -> (4,)."""
    middle = one_sign(turns).mean(axis=0)
    return middle / np.linalg.norm(middle)


def strengthened(turns: np.ndarray, strength: float, middle: np.ndarray) -> np.ndarray:
    """Rotations (T, 4) that go `strength` times as far from `middle` (4,): (T, 4)."""
    return product(middle, _powered(product(inverse(middle), turns), strength))


def source_index(index: float, filter_: Filter) -> float:
    """Which of the captured frames, counted from 0, the filter shows in one of them."""
    held = index if filter_.hold <= 1 else round(index) // filter_.hold * filter_.hold
    return held - filter_.offset


def _moved(values: np.ndarray, frames: float) -> np.ndarray:
    """Values as they were `frames` earlier; the ends stand."""
    if not frames:
        return values
    at = np.arange(len(values)) - frames
    return np.stack([np.interp(at, np.arange(len(values)), c) for c in values.T], axis=1)


def _smoothed_between(values: np.ndarray, filter_: Filter, pinned: Sequence[int]) -> np.ndarray:
    """Smoothed but in the pinned frames, moved as the values are; what is near them follows."""
    smooth = _smoothed(values, filter_.smooth)
    numbers = np.arange(len(values))
    pins = np.array(sorted(pinned), float) + filter_.offset
    pins = pins[(pins >= 0) & (pins <= len(values) - 1)]
    if not len(pins) or filter_.smooth < _LEAST_DEVIATION:
        return smooth
    # What smoothing has taken off, from pin to pin in a straight line, dying off beyond them.
    taken = [np.interp(pins, numbers, channel) for channel in (values - smooth).T]
    back = np.stack([np.interp(numbers, pins, channel) for channel in taken], axis=1)
    away = np.abs(numbers[:, None] - pins).min(axis=1)
    return smooth + back * np.exp(-0.5 * (away / filter_.smooth) ** 2)[:, None]


def _smoothed(values: np.ndarray, deviation: float) -> np.ndarray:
    """A Gaussian mean; the ends are continued by their mirror image through the end's point."""
    if deviation < _LEAST_DEVIATION or len(values) < 2:
        return values
    reach = min(max(1, int(np.ceil(3 * deviation))), len(values) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    before = 2 * values[:1] - values[reach:0:-1]
    after = 2 * values[-1:] - values[-2 : -reach - 2 : -1]
    padded = np.concatenate([before, values, after])
    return np.stack([np.convolve(c, weights, "valid") for c in padded.T], axis=1)


def _held(values: np.ndarray, frames: int) -> np.ndarray:
    if frames <= 1:
        return values
    return values[np.arange(len(values)) // frames * frames]


def _unit(turns: np.ndarray) -> np.ndarray:
    return turns / np.maximum(np.linalg.norm(turns, axis=1, keepdims=True), 1e-12)


def _powered(turns: np.ndarray, power: float) -> np.ndarray:
    """The same turns, `power` times as far: (T, 4)."""
    turns = np.where(turns[:, :1] < 0, -turns, turns)
    half = np.arctan2(np.linalg.norm(turns[:, 1:], axis=1), turns[:, 0])
    scale = np.where(half > 1e-9, np.sin(power * half) / np.maximum(np.sin(half), 1e-12), power)
    return np.concatenate([np.cos(power * half)[:, None], scale[:, None] * turns[:, 1:]], axis=1)
