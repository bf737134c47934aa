"""What each pixel sees of a head, lit: the kernel behind `engine.preview.studio`.

Each vertex carries a row of numbers (`vertices`); each pixel averages what its 2 x 2 samples see of
them and is lit once (`lighting`), twice on an edge. Small functions are put into their callers: as
calls they cost half as much again.
"""

from typing import NamedTuple

import numpy as np

from ..compiled import kernels
from ..head import mouth_light
from ..render import occlusion
from . import lighting, vertices
from .lighting import LEAST_FILMED, film_light, rim_light, studio_light
from .vertices import COLUMNS, FACE, GONE, NORMAL, TANGENT

kernel, inlined = kernels(lighting, occlusion, vertices, mouth_light)

_U, _V = COLUMNS, COLUMNS + 1  # carried beside the table: the corners' UVs
# Of the samples of a pixel (turned: `engine.render`), by their bits: how many, and their middle.
_BITS = (np.arange(16)[:, None] >> np.arange(4)) & 1
_COUNT = _BITS.sum(1).astype(np.float32)
_ACROSS, _DOWN = (
    ((_BITS @ place) / np.maximum(_COUNT, 1)).astype(np.float32)
    for place in ((0.25, 1.25, 0.75, 1.75), (0.75, 0.25, 1.75, 1.25))
)
_PATCH_M = np.float32(0.004)  # samples of a pixel this close in depth are one surface
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)  # int literals would widen
_LINEAR = ((np.arange(257) / 255) ** 2.2).astype(np.float32)  # of sRGB bytes


class Maps(NamedTuple):
    """What is painted on it: `first` fades to `second` as `mix` goes from 0 to 1."""

    texture: np.ndarray  # (h, w, 3) uint8, sRGB
    first: np.ndarray  # (h, w, 4) uint8: normal map, light left in cavities; of 1 px: unread
    second: np.ndarray
    mix: np.float32


@kernel
def develop(face_id, nearness, surface, maps, lights):
    """Picture (H, W, 3), the same in a film's light, coverage (H, W), share of the face (H, W).

    All uint8; the film's picture is black without its light, and off the face. And where outlines
    run, of the head and within it, (H, W) bool.

    Args:
        face_id: (2 H, 2 W) int32, 2 x 2 samples to a pixel.
        nearness: (2 H, 2 W) float32, 1 / depth.
        surface: a Surface.
        maps: Maps.
        lights: `lighting.Lights`.
    """
    islands = surface.islands
    height, width = face_id.shape[0] // 2, face_id.shape[1] // 2
    picture = np.zeros((height, width, 3), np.uint8)
    filmed = np.zeros((height, width, 3), np.uint8)
    coverage = np.zeros((height, width), np.uint8)
    face_share = np.zeros((height, width), np.uint8)
    outline = np.zeros((height, width), np.bool_)
    point, total = np.zeros(COLUMNS + 2, np.float32), np.zeros(6, np.float32)
    for y in range(height):
        for x in range(width):
            covered, taken = 0, 0  # samples, and their bits
            inner, in_film, gone = _ZERO, _ZERO, _ZERO
            for start in range(4):
                face = face_id[2 * y + (start >> 1), 2 * x + (start & 1)]
                if face < 0 or taken & (1 << start):
                    continue
                patch = _patch(face_id, nearness, islands, x, y, start) & ~taken
                if taken == 0:
                    for k in range(6):
                        total[k] = _ZERO
                taken |= patch
                share = _COUNT[patch]
                middle_x = np.float32(2 * x) + _ACROSS[patch]
                middle_y = np.float32(2 * y) + _DOWN[patch]
                _carry(face, middle_x, middle_y, surface, point)
                rim = rim_light(point)  # of the smooth surface: on wrinkles it would glitter
                light_left = _bend(point, maps) if len(maps.first) > 1 else _ONE
                albedo = _reflectance(maps.texture, point[_U], point[_V], light_left)
                _add(total, 0, studio_light(point, albedo, rim, lights), share)
                _add(total, 3, film_light(point, albedo, lights), share)
                inner += point[FACE] * share
                gone += point[GONE] * share
                in_film += share if point[FACE] >= LEAST_FILMED else _ZERO
                covered += int(share)
                outline[y, x] = patch < 15
            if covered > 0:
                part, film_part = _ONE / np.float32(covered), _ONE / max(in_film, _ONE)
                for k in range(3):
                    picture[y, x, k] = int(total[k] * part + _HALF)
                    filmed[y, x, k] = int(total[3 + k] * film_part + _HALF)
                coverage[y, x] = int((np.float32(covered) - gone) * np.float32(255 / 4) + _HALF)
                face_share[y, x] = int(inner * part * np.float32(255.0) + _HALF)
    return picture, filmed, coverage, face_share, outline


@inlined
def _patch(face_id, nearness, islands, x, y, start):
    """The samples of a pixel, as bits, that show one surface with sample `start`."""
    row, column = 2 * y + (start >> 1), 2 * x + (start & 1)
    face, near = face_id[row, column], nearness[row, column]
    bits = 1 << start
    for k in range(start + 1, 4):
        row, column = 2 * y + (k >> 1), 2 * x + (k & 1)
        beside = face_id[row, column]
        if beside != face:
            if beside < 0 or islands[beside] != islands[face]:
                continue
            if abs(nearness[row, column] - near) > _PATCH_M * near * near:
                continue
        bits |= 1 << k
    return bits


@inlined
def _add(total, first, colour, share):
    """Add a colour's three numbers, times a share, from number `first` on."""
    total[first] += colour[0] * share
    total[first + 1] += colour[1] * share
    total[first + 2] += colour[2] * share


@kernel
def _carry(face, x, y, surface, point):
    """The table's columns, u and v of a triangle at (x, y), or at its nearest inner point."""
    faces, uv_faces, uv, table = surface.faces, surface.uv_faces, surface.uv, surface.table
    samples = surface.samples
    a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
    ax, ay = samples[a, 0], samples[a, 1]
    bx, by, cx, cy = samples[b, 0] - ax, samples[b, 1] - ay, samples[c, 0] - ax, samples[c, 1] - ay
    # straight across the triangle: over its few millimetres the perspective does not show
    area = bx * cy - by * cx
    area = min(area, np.float32(-1e-4))  # seen from the front; edge-on it comes out as 0
    w1 = min(max(((x - ax) * cy - (y - ay) * cx) / area, _ZERO), _ONE)
    w2 = min(max((bx * (y - ay) - by * (x - ax)) / area, _ZERO), _ONE)
    w0 = max(_ONE - w1 - w2, _ZERO)
    scale = _ONE / (w0 + w1 + w2)
    w0, w1, w2 = w0 * scale, w1 * scale, w2 * scale
    for d in range(COLUMNS):
        point[d] = w0 * table[a, d] + w1 * table[b, d] + w2 * table[c, d]
    scale = np.float32(1.0) / np.sqrt(
        point[NORMAL] ** 2 + point[NORMAL + 1] ** 2 + point[NORMAL + 2] ** 2 + np.float32(1e-18)
    )
    for d in range(NORMAL, NORMAL + 3):
        point[d] *= scale
    a, b, c = uv_faces[face, 0], uv_faces[face, 1], uv_faces[face, 2]
    point[_U] = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
    point[_V] = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]


@kernel
def _read(texture, u, v):
    """A uint8 texture at (u, v), bilinear, clamped: R, G, B and the last channel, 0 to 255."""
    rows, columns = texture.shape[0], texture.shape[1]
    wide, tall = np.float32(columns), np.float32(rows)
    x = min(max(u * wide - _HALF, _ZERO), wide - _ONE)
    y = min(max((_ONE - v) * tall - _HALF, _ZERO), tall - _ONE)
    x0, y0 = int(x), int(y)
    x1, y1 = min(x0 + 1, columns - 1), min(y0 + 1, rows - 1)
    right, down = x - np.float32(x0), y - np.float32(y0)
    left, up = _ONE - right, _ONE - down
    w00, w01, w10, w11 = left * up, right * up, left * down, right * down
    last = texture.shape[2] - 1
    red = green = blue = alpha = _ZERO
    for row, column, share in ((y0, x0, w00), (y0, x1, w01), (y1, x0, w10), (y1, x1, w11)):
        red += np.float32(texture[row, column, 0]) * share
        green += np.float32(texture[row, column, 1]) * share
        blue += np.float32(texture[row, column, 2]) * share
        alpha += np.float32(texture[row, column, last]) * share
    return red, green, blue, alpha


@kernel
def _bend(point, maps):
    """Turn a point's normal by the normal maps, in place; the share of light left there."""
    r, g, b, a = _read(maps.first, point[_U], point[_V])
    if maps.mix > 0:
        r2, g2, b2, a2 = _read(maps.second, point[_U], point[_V])
        r, g, b = r + (r2 - r) * maps.mix, g + (g2 - g) * maps.mix, b + (b2 - b) * maps.mix
        a += (a2 - a) * maps.mix
    step = np.float32(1 / 127.5)
    x, y, z = r * step - _ONE, g * step - _ONE, b * step - _ONE
    nx, ny, nz = point[NORMAL], point[NORMAL + 1], point[NORMAL + 2]
    tx, ty, tz = point[TANGENT], point[TANGENT + 1], point[TANGENT + 2]
    along = tx * nx + ty * ny + tz * nz
    tx, ty, tz = tx - along * nx, ty - along * ny, tz - along * nz
    scale = np.float32(1.0) / max(np.sqrt(tx * tx + ty * ty + tz * tz), np.float32(1e-9))
    tx, ty, tz = tx * scale, ty * scale, tz * scale
    bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
    point[NORMAL] = tx * x + bx * y + nx * z
    point[NORMAL + 1] = ty * x + by * y + ny * z
    point[NORMAL + 2] = tz * x + bz * y + nz * z
    scale = np.float32(1.0) / np.sqrt(
        point[NORMAL] ** 2 + point[NORMAL + 1] ** 2 + point[NORMAL + 2] ** 2 + np.float32(1e-18)
    )
    for d in range(NORMAL, NORMAL + 3):
        point[d] *= scale
    return a * np.float32(1 / 255)


@inlined
def _reflectance(texture, u, v, light_left):
    """The texture's linear reflectance at (u, v) where so much light is left: three numbers."""
    red, green, blue, _ = _read(texture, u, v)
    return _linear(red) * light_left, _linear(green) * light_left, _linear(blue) * light_left


@inlined
def _linear(byte):
    """An sRGB byte, a float, as light."""
    low = int(byte)
    return _LINEAR[low] + (_LINEAR[low + 1] - _LINEAR[low]) * (byte - np.float32(low))
