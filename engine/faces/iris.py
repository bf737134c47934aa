"""The irises, found in the picture: a disc of the iris's size behind the lids.

The mesh network follows an iris across the eye with four fifths of its movement, up and down with
half of it (measured on rendered faces). Here a disc with a darker middle, the pupil, on a bright
ground is laid over what the lids leave open, at every place around the network's; the place that
leaves least of the picture unexplained is taken, weighed against the network's by how well it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from ..compiled import inner

if TYPE_CHECKING:
    from .views import View

# Upper and lower lid from the picture's left corner to the right one, and the iris: its middle,
# then four points of its rim.
_EYES = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133),
     (468, 469, 470, 471, 472)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263),
     (473, 474, 475, 476, 477)),
)  # fmt: skip
_LID, _MIDDLE, _RIM_FROM, _RIM_POINTS = 9, 18, 19, 4  # places of an eye: lids', iris's points
_PLACES = np.array([[*upper, *lower, *iris] for upper, lower, iris in _EYES])
_IRIS, _IRIS_POINTS = 468, 5  # the first one's middle; it and its rim's points
_EYE_PX = 28  # from corner to corner in the upright patch in which an iris is sought
_WIDTH, _HEIGHT = 38, 22  # px of that patch
_REACH = (5, 4)  # px around the network's place, across and down
_USUAL_MISS = 3.1  # px, standard deviation of the network's place: weighs it against the picture
_PIXELS_AS_ONE = 40.0  # neighbouring pixels err together
_GLINTS = 0.95  # share of the eye's pixels above which one glints
_PUPIL = 0.4  # of the iris's radius
_UPPER_MARGIN, _LOWER_MARGIN = 0.8, 0.5  # px that lashes and the lids' rims take
_CORNER = 1.5  # px, likewise at the corners
_EDGE = 1.2  # px across which an edge is blurred
_LEAST_PIXELS = 24.0  # of the open eye; less is a shut one
# px wide: up to here the network knows as much, from there on the picture does.
_SMALL_EYE, _LARGE_EYE = 28.0, 38.0


def find_irises(view: View, points: np.ndarray) -> np.ndarray:
    """The face's points (478, 3) px with each iris moved to where the picture shows it."""
    out = points.copy()
    _move_irises(view.pixels, view.inside(points[_PLACES, :2]).astype(float), view.scale, out)
    return out


@njit(cache=True)
def _move_irises(pixels, eyes, scale, points):
    """Move the irises of `points` (478, 3) in place; `eyes` (2, 23, 2) px of `pixels`."""
    radius = 0.0  # one for both
    for eye in eyes:
        for rim in eye[_RIM_FROM:]:
            radius += np.hypot(rim[0] - eye[_MIDDLE, 0], rim[1] - eye[_MIDDLE, 1])
    radius /= 2 * _RIM_POINTS
    for k, eye in enumerate(eyes):
        across = eye[_LID - 1] - eye[0]
        width = np.hypot(across[0], across[1]) / scale
        sure = min((width - _SMALL_EYE) / (_LARGE_EYE - _SMALL_EYE), 1.0)
        if sure > 0:
            shift = sure * _shift(pixels, eye, radius) / scale
            for point in range(_IRIS + _IRIS_POINTS * k, _IRIS + _IRIS_POINTS * (k + 1)):
                points[point, 0] += shift[0]
                points[point, 1] += shift[1]


@inner()
def _shift(pixels, eye, radius):
    """How far the iris lies from the network's place, (2,) px of `pixels`; (23, 2) of `_PLACES`."""
    along = eye[_LID - 1] - eye[0]
    width = np.hypot(along[0], along[1])
    right, down = along[0] / width, along[1] / width
    scale = _EYE_PX / width
    middle = (eye[0] + eye[_LID - 1]) / 2
    patch = np.empty_like(eye)  # the same places in the upright patch
    for k in range(len(eye)):
        x, y = eye[k, 0] - middle[0], eye[k, 1] - middle[1]
        patch[k, 0] = _WIDTH / 2 + (right * x + down * y) * scale
        patch[k, 1] = _HEIGHT / 2 + (right * y - down * x) * scale
    red = np.empty((_HEIGHT, _WIDTH))
    for row in range(_HEIGHT):
        for column in range(_WIDTH):
            x, y = (column + 0.5 - _WIDTH / 2) / scale, (row + 0.5 - _HEIGHT / 2) / scale
            red[row, column] = _red_at(
                pixels, middle[0] + right * x - down * y, middle[1] + right * y + down * x
            )
    columns = np.arange(_WIDTH) + 0.5
    upper, lower = patch[:_LID], patch[_LID : 2 * _LID]
    top = np.interp(columns, upper[:, 0], upper[:, 1]) + _UPPER_MARGIN
    bottom = np.interp(columns, lower[:, 0], lower[:, 1]) - _LOWER_MARGIN
    for k in range(_WIDTH):
        if not upper[0, 0] + _CORNER < columns[k] < upper[-1, 0] - _CORNER:
            bottom[k] = -1.0  # beyond the corners
    x, y = _best_place(red, top, bottom, patch[_MIDDLE], radius * scale) / scale
    return np.array([right * x - down * y, right * y + down * x])


@inner()
def _red_at(pixels, x, y):
    """The light in which an iris of any colour is dark, between the pixels; edges are repeated."""
    height, width = pixels.shape[:2]
    x, y = min(max(x - 0.5, 0.0), width - 1.0), min(max(y - 0.5, 0.0), height - 1.0)
    left, top = int(x), int(y)
    right, below = min(left + 1, width - 1), min(top + 1, height - 1)
    x, y = x - left, y - top
    over = (1 - x) * pixels[top, left, 0] + x * pixels[top, right, 0]
    under = (1 - x) * pixels[below, left, 0] + x * pixels[below, right, 0]
    return (1 - y) * over + y * under


@inner()
def _best_place(picture, top, bottom, guess, radius):
    """The iris's place relative to `guess`, (2,) px, by whole steps and then between them."""
    height, width = picture.shape
    weight, light = np.empty(picture.size), np.empty(picture.size)
    across, down = np.empty(picture.size), np.empty(picture.size)
    count, total = 0, 0.0
    for row in range(height):
        for column in range(width):
            depth = min(row + 0.5 - top[column], bottom[column] - row - 0.5)
            w = min(max(0.5 + depth / (2 * _EDGE), 0.0), 1.0)
            if w > 0.05:
                weight[count], light[count] = w, picture[row, column]
                across[count], down[count] = column + 0.5, row + 0.5
                count, total = count + 1, total + w
    answer = np.zeros(2)
    if total < _LEAST_PIXELS:
        return answer
    weight, light = weight[:count], light[:count]
    across, down = across[:count], down[:count]
    ordered, rank = np.sort(light), _GLINTS * (count - 1)
    low = int(rank)
    glints = ordered[low] + (rank - low) * (ordered[min(low + 1, count - 1)] - ordered[low])
    for k in range(count):
        light[k] = min(light[k], glints)
    reach_x, reach_y = _REACH
    cost = np.empty((2 * reach_y + 1, 2 * reach_x + 1))
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            x, y = guess[0] + j - reach_x, guess[1] + i - reach_y
            cost[i, j] = _unexplained(weight, light, across, down, x, y, radius)
    scale = 1 / (_PIXELS_AS_ONE * max(cost.min() / total, 1e-6))
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            far = (j - reach_x) ** 2 + (i - reach_y) ** 2
            cost[i, j] = cost[i, j] * scale + far / _USUAL_MISS**2
    i, j = divmod(cost.argmin(), cost.shape[1])
    answer[0], answer[1] = j - reach_x, i - reach_y
    if 0 < j < cost.shape[1] - 1:
        answer[0] += _valley(cost[i, j - 1], cost[i, j], cost[i, j + 1])
    if 0 < i < cost.shape[0] - 1:
        answer[1] += _valley(cost[i - 1, j], cost[i, j], cost[i + 1, j])
    return answer


@inner(fastmath=True)
def _unexplained(weight, light, across, down, x, y, radius):
    """The weighted squares left by ground + iris + pupil at (x, y), their lights chosen best."""
    n00 = n01 = n02 = n11 = n12 = n22 = 0.0
    b0 = b1 = b2 = squares = 0.0
    for k in range(len(weight)):
        away = np.sqrt((across[k] - x) ** 2 + (down[k] - y) ** 2)
        iris = min(max(0.5 + (radius - away) / _EDGE, 0.0), 1.0)
        pupil = min(max(0.5 + (_PUPIL * radius - away) / _EDGE, 0.0), 1.0)
        w, v = weight[k], light[k]
        squares += w * v * v
        n00 += w
        n01 += w * iris
        n02 += w * pupil
        n11 += w * iris * iris
        n12 += w * iris * pupil
        n22 += w * pupil * pupil
        b0 += w * v
        b1 += w * v * iris
        b2 += w * v * pupil
    n11 += 1e-3
    n22 += 0.006 * n00  # a pupil is small: noise may not pass for one
    # The three lights by elimination, spelt out: a call of LAPACK takes longer than the sums.
    low1, low2 = n01 / n00, n02 / n00
    left1, mixed = n11 - low1 * n01, n12 - low2 * n01
    low21 = mixed / left1
    left2 = n22 - low2 * n02 - low21 * mixed
    z1 = b1 - low1 * b0
    z2 = b2 - low2 * b0 - low21 * z1
    pupils = z2 / left2
    irises = z1 / left1 - low21 * pupils
    if irises > 0:  # brighter than the white
        return squares - b0 * b0 / n00
    ground = b0 / n00 - low1 * irises - low2 * pupils
    return squares - (ground * b0 + irises * b1 + pupils * b2)


@inner()
def _valley(before, here, after):
    """Where a parabola through three values is lowest, -0.5..0.5 from the middle one."""
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend > 1e-12 else 0.0
