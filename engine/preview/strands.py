"""Hair in the studio: strands drawn as thin lines over the head's picture.

A strand mirrors and scatters light by the angle between it and the light (Kajiya, Kay 1989); how a
whole head of hair is shaded comes from the skull beneath, and roots lie in the shade of the others.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from ..exchange.hair import Groom
from .shading import (
    FILL,
    FILL_COLOUR,
    GROUND,
    KEY,
    KEY_COLOUR,
    RIM_COLOUR,
    RIM_LEFT,
    RIM_RIGHT,
    SKY,
    TONE,
    tone_step,
)

_WIDTH_M = np.float32(0.00045)  # of a strand: thicker than hair, as there are fewer
_TURNED_AWAY = np.float32(-0.25)  # cosine: roots behind the head
_ROOT_SHADE = np.float32(0.35)  # of the light
_WRAP_KEY, _WRAP_FILL = np.float32(0.25), np.float32(0.3)
_GLOSS, _SHARP = np.float32(0.05), 20
_RIM = np.float32(0.25)
_OVER_SKIN = np.float32(1.004)  # nearness beside the skin's: roots lie in it
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


@dataclass(frozen=True)
class Hair:
    """A person's strands and their colours."""

    groom: Groom
    colour: np.ndarray  # (N, 3) float32 linear reflectance
    carried_by: np.ndarray  # numbers of the vertices that the hair moves with


class Lens(NamedTuple):
    """How the studio's camera sees."""

    focal: float  # px
    middle: np.ndarray  # (2,) the principal point, px
    exposure: np.float32


class _Motion(NamedTuple):
    """posed = (rest - before) @ turn + after, float32."""

    before: np.ndarray  # (3,)
    turn: np.ndarray  # (3, 3)
    after: np.ndarray  # (3,)


def draw_hair(
    picture: np.ndarray,
    coverage: np.ndarray,
    mesh: tuple[np.ndarray, np.ndarray],
    hair: Hair,
    moved: tuple[np.ndarray, np.ndarray],
    lens: Lens,
) -> None:
    """Draw hair into a picture (H, W, 3) and its coverage (H, W), both uint8, in place.

    Args:
        picture: What the lens sees of the head.
        coverage: Where that is.
        mesh: (2 H, 2 W) the head's triangles there, and 1 / depth.
        hair: The strands.
        moved: (V, 3) the person at rest, and the same vertices in camera space.
        lens: The camera.
    """
    motion = _motion(*(place[hair.carried_by] for place in moved))
    middle = 2 * np.asarray(lens.middle, np.float32)
    groom, scale = hair.groom, np.float32(2 * lens.focal)
    strands = groom.points, groom.normals @ motion.turn, hair.colour
    _draw(picture, coverage, *mesh, strands, motion, (scale, middle, lens.exposure))


def _motion(rest: np.ndarray, posed: np.ndarray) -> _Motion:
    """The rigid motion of points (n, 3) from rest to posed (Kabsch 1976)."""
    before, after = rest.mean(0), posed.mean(0)
    left, _, right = np.linalg.svd((rest - before).T @ (posed - after))
    left[:, 2] *= np.linalg.det(left @ right)
    return _Motion(*(a.astype(np.float32) for a in (before, left @ right, after)))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _draw(picture, coverage, face_id, depths, hair, motion, lens):
    grown, normals, colours = hair
    scale, _, exposure = lens
    nearness, width = depths.copy(), scale * _WIDTH_M
    drawn = np.zeros((*nearness.shape, 3), np.uint8)
    mine = np.zeros(nearness.shape, np.bool_)
    points = np.zeros(grown.shape[1:], np.float32)  # camera axes
    samples = np.zeros(grown.shape[1:], np.float32)  # x, y of the doubled picture, 1 / depth
    before, after = np.zeros(3, np.float32), np.zeros(3, np.float32)
    for i in range(len(grown)):
        _pose(grown[i, 0], motion, points[0])
        root, normal = points[0], normals[i]
        view = _ONE / np.sqrt(root[0] * root[0] + root[1] * root[1] + root[2] * root[2])
        facing = -(normal[0] * root[0] + normal[1] * root[1] + normal[2] * root[2]) * view
        if facing < _TURNED_AWAY:
            continue
        for k in range(len(points)):
            _pose(grown[i, k], motion, points[k])
            _project(points[k], lens, samples[k])
        for k in range(len(points) - 1):
            _shade(points, k, normal, view, facing, colours[i], exposure, after)
            if k == 0:
                before[:] = after
            _line(samples[k], samples[k + 1], before, after, width, nearness, mine, drawn)
            before[:] = after
    _lay_over(picture, coverage, face_id, mine, drawn)


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _pose(point, motion, out):
    """A point at rest, before the camera."""
    x, y, z = (
        point[0] - motion.before[0],
        point[1] - motion.before[1],
        point[2] - motion.before[2],
    )
    for c in range(3):
        out[c] = x * motion.turn[0, c] + y * motion.turn[1, c] + z * motion.turn[2, c]
        out[c] += motion.after[c]


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _project(point, lens, out):
    """A point's place on the doubled picture, and 1 / depth."""
    scale, middle, _ = lens
    out[2] = -_ONE / point[2]
    out[0] = middle[0] + scale * point[0] * out[2]
    out[1] = middle[1] - scale * point[1] * out[2]


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _shade(strand, k, normal, view, facing, colour, exposure, out):
    """The colour of the strand's piece k, three sRGB bytes as floats, into `out`."""
    x, y, z = (
        strand[k + 1, 0] - strand[k, 0],
        strand[k + 1, 1] - strand[k, 1],
        strand[k + 1, 2] - strand[k, 2],
    )
    scale = _ONE / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    x, y, z = x * scale, y * scale, z * scale
    along = (np.float32(k) + _HALF) / np.float32(len(strand) - 1)
    deep = _ROOT_SHADE + (_ONE - _ROOT_SHADE) * along
    nx, ny, nz = normal[0], normal[1], normal[2]
    to_key = nx * KEY[0] + ny * KEY[1] + nz * KEY[2]
    to_fill = nx * FILL[0] + ny * FILL[1] + nz * FILL[2]
    along_key = x * KEY[0] + y * KEY[1] + z * KEY[2]
    along_fill = x * FILL[0] + y * FILL[1] + z * FILL[2]
    key = np.sqrt(max(_ONE - along_key * along_key, _ZERO))
    key *= max(_WRAP_KEY + (_ONE - _WRAP_KEY) * to_key, _ZERO)
    fill = np.sqrt(max(_ONE - along_fill * along_fill, _ZERO))
    fill *= max(_WRAP_FILL + (_ONE - _WRAP_FILL) * to_fill, _ZERO)
    hx, hy, hz = (
        KEY[0] - strand[0, 0] * view,
        KEY[1] - strand[0, 1] * view,
        KEY[2] - strand[0, 2] * view,
    )
    half = (x * hx + y * hy + z * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)
    mirror = _GLOSS * deep * max(_ONE - half * half, _ZERO) ** _SHARP
    mirror *= max(to_key + np.float32(0.1), _ZERO)
    rim = max(nx * RIM_LEFT[0] + ny * RIM_LEFT[1] + nz * RIM_LEFT[2], _ZERO)
    rim += max(nx * RIM_RIGHT[0] + ny * RIM_RIGHT[1] + nz * RIM_RIGHT[2], _ZERO)
    rim *= (_ONE - max(facing, _ZERO)) ** 2 * _RIM * along
    up = _HALF + _HALF * ny
    for c in range(3):
        light = key * KEY_COLOUR[c] + fill * FILL_COLOUR[c] + GROUND[c] + (SKY[c] - GROUND[c]) * up
        light *= colour[c] * deep * exposure
        light += mirror * KEY_COLOUR[c] * (np.float32(0.3) + _TWO * colour[c]) + rim * RIM_COLOUR[c]
        out[c] = TONE[tone_step(light)]


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _line(start, end, before, after, width, nearness, mine, drawn):
    """One straight piece, its colour going from `before` to `after`, where nothing is nearer."""
    tall, wide = nearness.shape
    dx, dy = end[0] - start[0], end[1] - start[1]
    level = abs(dx) > abs(dy)
    steps = int(max(abs(dx), abs(dy))) + 1
    thick = max(int(width * start[2]), 1)
    first = -_HALF * np.float32(thick - 1)
    for s in range(steps):
        share = (np.float32(s) + _HALF) / np.float32(steps)
        x, y = start[0] + dx * share, start[1] + dy * share
        near = start[2] + (end[2] - start[2]) * share
        for t in range(thick):
            aside = first + np.float32(t)
            column = int(x if level else x + aside)
            row = int(y + aside if level else y)
            if row < 0 or column < 0 or row >= tall or column >= wide:
                continue
            over = near if mine[row, column] else near * _OVER_SKIN
            if over < nearness[row, column]:
                continue
            nearness[row, column] = near
            mine[row, column] = True
            for c in range(3):
                drawn[row, column, c] = np.uint8(before[c] + (after[c] - before[c]) * share)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _lay_over(picture, coverage, face_id, mine, drawn):
    """The samples with hair averaged with what is left of the head in their pixel."""
    for y in range(len(picture)):
        for x in range(picture.shape[1]):
            hairy = head = red = green = blue = 0
            for s in range(4):
                row, column = 2 * y + (s >> 1), 2 * x + (s & 1)
                if mine[row, column]:
                    hairy += 1
                    red += drawn[row, column, 0]
                    green += drawn[row, column, 1]
                    blue += drawn[row, column, 2]
                elif face_id[row, column] >= 0:
                    head += 1
            if hairy == 0:
                continue
            all_ = hairy + head
            picture[y, x, 0] = (red + head * picture[y, x, 0]) // all_
            picture[y, x, 1] = (green + head * picture[y, x, 1]) // all_
            picture[y, x, 2] = (blue + head * picture[y, x, 2]) // all_
            coverage[y, x] = (all_ * 255 + 2) // 4
