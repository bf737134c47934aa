"""Compiled drawing of strands: each posed, shaded piece by piece, drawn as a soft line.

A strand mirrors and scatters light by the angle between it and the light (Kajiya, Kay 1989); how a
whole head of hair is shaded comes from the skull beneath; roots and inner layers lie in the shade
of the others.
"""

from typing import NamedTuple

import numpy as np

from ..compiled import kernels
from . import lighting
from .lighting import (
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

kernel, inlined = kernels(lighting)

_WIDTH_M = np.float32(0.0004)  # of a strand: thicker than hair, as there are fewer
_AT_TIP = np.float32(0.35)  # of the width
_TURNED_AWAY = np.float32(-0.4)  # cosine: roots behind the head
# Tips so far below the skull's middle hang: strands behind the neck are seen beside it. They are
# wider, as fewer lie one over another; behind the neck half of them, from where they are seen, do.
_HANGS_M, _HIDDEN_M = np.float32(0.1), np.float32(0.05)
_HANGING, _BEHIND = np.float32(1.3), np.float32(2.2)
_ROOT_SHADE, _LIT_FROM = np.float32(0.6), np.float32(0.25)  # of the light; of the length
_INNER_SHADE = np.float32(0.55)  # what the innermost layer lacks
_WRAP_KEY, _WRAP_FILL = np.float32(0.25), np.float32(0.3)
_GLOSS, _SHARP = np.float32(0.3), 24
# Of the gloss: what mirrors off the surface, and what has been through the strand, by its colour.
_CLEAR, _THROUGH = np.float32(0.012), np.float32(4)
_RIM = np.float32(0.25)
_OVER_SKIN = np.float32(1.004)  # nearness beside the skin's: roots lie in it
_PIECES = 8  # straight ones of a strand's piece, at most
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


class Motion(NamedTuple):
    """posed = (rest - before) @ turn + after, float32."""

    before: np.ndarray  # (3,)
    turn: np.ndarray  # (3, 3)
    after: np.ndarray  # (3,)


class Strands(NamedTuple):
    """What the kernel draws, in this order."""

    points: np.ndarray  # (N, P, 3) m
    colour: np.ndarray  # (N, 3)
    width: np.ndarray  # (N,)
    depth: np.ndarray  # (N,)
    middle: np.ndarray  # (3,) m, about which they lie
    order: np.ndarray  # (N,)


@kernel
def draw_strands(layer, nearness, strands, motion, lens):
    """Strands into a layer (H, W, 4): colour times alpha, sRGB bytes as floats, and alpha."""
    points = np.zeros(strands.points.shape[1:], np.float32)  # camera axes
    places = np.zeros(strands.points.shape[1:], np.float32)  # x, y in px, 1 / depth
    middle, normal = np.zeros(3, np.float32), np.zeros(3, np.float32)
    before, after = np.zeros(3, np.float32), np.zeros(3, np.float32)
    scratch = np.zeros((8, 3), np.float32)
    _pose(strands.middle, motion, middle)
    last = len(points) - 1
    for i in strands.order:
        _pose(strands.points[i, 0], motion, points[0])
        _pose(strands.points[i, last], motion, points[last])
        facing = max(_facing(points[0], middle, normal), _facing(points[last], middle, normal))
        hangs = strands.points[i, last, 1] < strands.middle[1] - _HANGS_M
        behind = facing < _TURNED_AWAY
        if behind and (not hangs or i % 2):
            continue
        wide = lens[0] * _WIDTH_M * strands.width[i]
        if hangs:
            wide *= _BEHIND if behind else _HANGING
        for k in range(last + 1):
            _pose(strands.points[i, k], motion, points[k])
            _project(points[k], lens, places[k])
        for k in range(last):
            if behind and strands.points[i, k + 1, 1] > strands.middle[1] - _HIDDEN_M:
                continue
            facing = _facing(points[k], middle, normal)
            along = (np.float32(k) + _HALF) / np.float32(last)
            shade = (_ONE - _ROOT_SHADE) * (_ONE - min(along / _LIT_FROM, _ONE))
            shade *= strands.width[i] * strands.width[i]  # at the hairline none lie above
            deep = (_ONE - shade) * (_ONE - _INNER_SHADE * strands.depth[i])
            _shade(points, k, normal, facing, deep, strands.colour[i], lens[2], after)
            if k == 0 or (behind and strands.points[i, k, 1] > strands.middle[1] - _HIDDEN_M):
                before[:] = after
            thin = along * along
            if hangs:  # no veil: it thins out at its end alone
                thin *= thin * thin
            width = wide * (_ONE - (_ONE - _AT_TIP) * thin)
            fine = _ONE - strands.width[i]  # at the hairline roots are, too
            width *= _ONE - fine * (_ONE - along) * (_ONE - along)
            _bow(places, k, before, after, width, nearness, layer, scratch)
            before[:] = after


@inlined
def _facing(point, middle, normal):
    """How far a point's outward normal, which is filled in, looks to the camera: its cosine."""
    x, y, z = point[0] - middle[0], point[1] - middle[1], point[2] - middle[2]
    scale = _ONE / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    normal[0], normal[1], normal[2] = x * scale, y * scale, z * scale
    away = np.sqrt(point[0] * point[0] + point[1] * point[1] + point[2] * point[2])
    return -(normal[0] * point[0] + normal[1] * point[1] + normal[2] * point[2]) / away


@inlined
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


@inlined
def _project(point, lens, out):
    """A point's place on the picture, and 1 / depth."""
    scale, middle, _ = lens
    out[2] = -_ONE / point[2]
    out[0] = middle[0] + scale * point[0] * out[2]
    out[1] = middle[1] - scale * point[1] * out[2]


@inlined
def _shade(strand, k, normal, facing, deep, colour, exposure, out):
    """The colour of the strand's piece k, three sRGB bytes as floats, into `out`."""
    x, y, z = (
        strand[k + 1, 0] - strand[k, 0],
        strand[k + 1, 1] - strand[k, 1],
        strand[k + 1, 2] - strand[k, 2],
    )
    scale = _ONE / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    x, y, z = x * scale, y * scale, z * scale
    px, py, pz = strand[k, 0], strand[k, 1], strand[k, 2]
    view = _ONE / np.sqrt(px * px + py * py + pz * pz)
    nx, ny, nz = normal[0], normal[1], normal[2]
    to_key = nx * KEY[0] + ny * KEY[1] + nz * KEY[2]
    to_fill = nx * FILL[0] + ny * FILL[1] + nz * FILL[2]
    along_key = x * KEY[0] + y * KEY[1] + z * KEY[2]
    along_fill = x * FILL[0] + y * FILL[1] + z * FILL[2]
    key = np.sqrt(max(_ONE - along_key * along_key, _ZERO))
    key *= max(_WRAP_KEY + (_ONE - _WRAP_KEY) * to_key, _ZERO)
    fill = np.sqrt(max(_ONE - along_fill * along_fill, _ZERO))
    fill *= max(_WRAP_FILL + (_ONE - _WRAP_FILL) * to_fill, _ZERO)
    hx, hy, hz = KEY[0] - px * view, KEY[1] - py * view, KEY[2] - pz * view
    half = (x * hx + y * hy + z * hz) / np.sqrt(hx * hx + hy * hy + hz * hz)
    mirror = _GLOSS * deep * max(_ONE - half * half, _ZERO) ** _SHARP
    mirror *= max(to_key + np.float32(0.1), _ZERO)
    rim = max(nx * RIM_LEFT[0] + ny * RIM_LEFT[1] + nz * RIM_LEFT[2], _ZERO)
    rim += max(nx * RIM_RIGHT[0] + ny * RIM_RIGHT[1] + nz * RIM_RIGHT[2], _ZERO)
    rim *= (_ONE - max(facing, _ZERO)) ** 2 * _RIM * deep
    up = _HALF + _HALF * ny
    for c in range(3):
        light = key * KEY_COLOUR[c] + fill * FILL_COLOUR[c] + GROUND[c] + (SKY[c] - GROUND[c]) * up
        light *= colour[c] * deep * exposure
        gloss = _CLEAR + _THROUGH * colour[c]
        light += mirror * KEY_COLOUR[c] * gloss + rim * RIM_COLOUR[c] * min(_TWO * gloss, _ONE)
        out[c] = TONE[tone_step(light)]


@inlined
def _bow(places, k, before, after, width, nearness, layer, scratch):
    """The piece from the strand's place k on as a curve through all of them (Catmull, Rom 1974).

    `scratch` (8, 3) is overwritten.
    """
    last = len(places) - 1
    bow = scratch[:4]  # its power series
    for c in range(3):
        start, end = places[k, c], places[k + 1, c]
        behind = places[k - 1, c] if k > 0 else start
        ahead = places[k + 2, c] if k + 1 < last else end
        bow[0, c], bow[1, c] = start, _HALF * (end - behind)
        bow[2, c] = behind - np.float32(2.5) * start + _TWO * end - _HALF * ahead
        bow[3, c] = _HALF * (ahead - behind) + np.float32(1.5) * (start - end)
    bent = max(abs(bow[2, 0]) + abs(bow[3, 0]), abs(bow[2, 1]) + abs(bow[3, 1]))
    pieces = min(1 + int(np.sqrt(bent * _HALF * _HALF)), _PIECES)
    start, end, first, second = scratch[4], scratch[5], scratch[6], scratch[7]
    start[:], first[:] = places[k], before
    for piece in range(1, pieces + 1):
        share = np.float32(piece) / np.float32(pieces)
        for c in range(3):
            end[c] = bow[0, c] + share * (bow[1, c] + share * (bow[2, c] + share * bow[3, c]))
            second[c] = before[c] + share * (after[c] - before[c])
        _line(start, end, first, second, width, nearness, layer)
        start[:], first[:] = end, second


@inlined
def _line(start, end, before, after, width, nearness, layer):
    """One straight piece, its colour going from `before` to `after`, where nothing is nearer.

    Pixel by pixel along its longer side; across it each pixel gets the share that it covers.
    """
    level = abs(end[0] - start[0]) > abs(end[1] - start[1])
    main, side = (0, 1) if level else (1, 0)
    long, slant = end[main] - start[main], end[side] - start[side]
    if long == _ZERO:
        return
    reach = _HALF * width * np.sqrt(_ONE + (slant / long) * (slant / long))
    low, high = min(start[main], end[main]), max(start[main], end[main])
    first, last = int(np.ceil(low - _HALF)), int(np.ceil(high - _HALF))
    first, last = max(first, 0), min(last, layer.shape[1] if level else layer.shape[0])
    sides = layer.shape[0] if level else layer.shape[1]
    for m in range(first, last):
        share = (np.float32(m) + _HALF - start[main]) / long
        centre = start[side] + slant * share
        near = (start[2] + (end[2] - start[2]) * share) * _OVER_SKIN
        for n in range(max(int(centre - reach), 0), min(int(centre + reach), sides - 1) + 1):
            covered = min(centre + reach, np.float32(n + 1)) - max(centre - reach, np.float32(n))
            row, column = (n, m) if level else (m, n)
            seen = 0
            for s in range(4):
                seen += near >= nearness[2 * row + (s >> 1), 2 * column + (s & 1)]
            if seen == 0:
                continue
            pixel = layer[row, column]
            open_share = np.float32(seen) * np.float32(0.25)  # what lies behind shows there alone
            hidden = min(max(covered, _ZERO), _ONE)
            alpha = hidden * open_share
            hidden = hidden if pixel[3] <= open_share else alpha
            for c in range(3):
                colour = before[c] + (after[c] - before[c]) * share
                pixel[c] += alpha * colour - hidden * pixel[c]
            pixel[3] += alpha - hidden * pixel[3]


@kernel
def lay_over(picture, coverage, layer):
    """The layer over the head's picture and coverage; beside the head it fills what is left."""
    full = np.float32(255)
    for y in range(len(picture)):
        for x in range(picture.shape[1]):
            alpha = layer[y, x, 3]
            if alpha <= _ZERO:
                continue
            head = min(np.float32(coverage[y, x]) / full, _ONE - alpha)
            scale = _ONE / (alpha + head)
            for c in range(3):
                mixed = layer[y, x, c] + head * np.float32(picture[y, x, c])
                picture[y, x, c] = np.uint8(mixed * scale + _HALF)
            coverage[y, x] = np.uint8((alpha + head) * full + _HALF)
