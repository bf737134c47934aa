"""Where one shot ends and another begins: at once (a cut), or while both are seen (a dissolve)."""

from collections import deque
from statistics import median

import cv2
import numpy as np

_SIZE = (32, 18)  # px of the pictures that are compared
_CUT_CHANGE = 0.045  # of the brightness range, mean over the picture
_USUAL_PICTURES = 12
# A dissolve mixes two pictures in shares that change evenly. Half of what is looked at, s.
_HALVES_SECONDS = (0.16, 0.32)
_LEAST_CHANGE = 0.3  # from the first picture to the last, of their contrast
# What of the pictures between is no mixture, of that change: dissolves .1 and less, motion .2 on.
_MOST_UNMIXED = 0.14
_MOST_UNEVEN = 0.06
_MOST_LIGHT = 0.4  # what light leaves of the change: a lamp or an iris that opens is no dissolve


class ShotFinder:
    """Looks at pictures one after the other, `fps` in a second."""

    def __init__(self, fps: float) -> None:
        self._halves = sorted({max(2, round(seconds * fps)) for seconds in _HALVES_SECONDS})
        self._recent: deque[np.ndarray] = deque(maxlen=2 * self._halves[-1] + 1)
        self._changes: deque[float] = deque(maxlen=_USUAL_PICTURES)
        self._frame = -1
        self.dissolves: list[tuple[int, int]] = []  # last frame of a shot, first one of the next

    def is_cut(self, picture: np.ndarray) -> bool:
        """Whether a new shot begins with the next picture, (H, W, 3) uint8: all of it changes."""
        self._frame += 1
        step = max(1, picture.shape[1] // 64)
        small = cv2.resize(picture[::step, ::step], _SIZE, interpolation=cv2.INTER_AREA)
        small = small.astype(np.float32)
        is_cut = bool(self._recent) and self._is_sudden(small)
        if is_cut:
            self._recent.clear()
        self._recent.append(small)
        self._look_for_dissolve()
        return is_cut

    def _is_sudden(self, small: np.ndarray) -> bool:
        change = cv2.norm(small, self._recent[-1], cv2.NORM_L1) / small.size / 255
        usual = median(self._changes) if self._changes else 0.0
        self._changes.append(change)
        return change > max(_CUT_CHANGE, 4 * usual)

    def _look_for_dissolve(self) -> None:
        for half in self._halves:
            first = self._frame - 2 * half
            if len(self._recent) <= 2 * half or not is_dissolve(
                list(self._recent)[-2 * half - 1 :]
            ):
                continue
            if self.dissolves and first <= self.dissolves[-1][1]:
                first = min(first, self.dissolves.pop()[0])
            self.dissolves.append((first, self._frame))


def is_dissolve(pictures: list[np.ndarray]) -> bool:
    """Whether pictures (H, W, 3) float, evenly spaced, turn from the first into the last by mixing.

    What moves is seldom where a mixture of its two ends would have it.
    """
    first, last = pictures[0], pictures[-1]
    change = last - first
    power = float(np.vdot(change, change))
    if (
        power < _LEAST_CHANGE**2 * (_variance(first) + _variance(last)) / 2 * change.size
        or power == 0
    ):
        return False
    count = len(pictures) - 1
    for k in (count // 4, count // 2, count - count // 4):
        since = pictures[k] - first
        share = float(np.vdot(since, change)) / power
        unmixed = since - share * change
        if abs(share - k / count) > _MOST_UNEVEN:
            return False
        if float(np.vdot(unmixed, unmixed)) > _MOST_UNMIXED**2 * power:
            return False
    return _unlit(first, last) > _MOST_LIGHT**2 * power


def _variance(picture: np.ndarray) -> float:
    return float(cv2.meanStdDev(picture.reshape(-1, 1))[1][0, 0]) ** 2  # a tenth of numpy's time


def _unlit(first: np.ndarray, last: np.ndarray) -> float:
    """Sum of squares that no change of brightness and contrast explains."""
    one, other = first - first.mean(), last - last.mean()
    own = float(np.vdot(one, one))
    return float(np.vdot(other, other)) - float(np.vdot(one, other)) ** 2 / max(own, 1e-6)
