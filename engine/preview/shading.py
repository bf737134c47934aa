"""The studio's light on skin, eyes, lips and teeth: the kernels behind `engine.preview.studio`.

Each vertex carries a row of numbers (`vertices`); each pixel averages what its 2 x 2 samples see of
them and is lit once, twice on an edge. Small functions are put into their callers: as calls they
cost half as much again.
"""

from typing import NamedTuple

import numba
import numpy as np

from ..render.occlusion import RED_IN_HOLLOWS
from .vertices import AMBIENT, COLUMNS, FACE, FINISH, GONE, LIT, NORMAL, TANGENT, THROUGH

_U, _V = COLUMNS, COLUMNS + 1  # carried beside the table: the corners' UVs
# Of the samples of a pixel (turned: `engine.render`), by their bits: how many, and their middle.
_BITS = (np.arange(16)[:, None] >> np.arange(4)) & 1
_COUNT = _BITS.sum(1).astype(np.float32)
_ACROSS, _DOWN = (
    ((_BITS @ place) / np.maximum(_COUNT, 1)).astype(np.float32)
    for place in ((0.25, 1.25, 0.75, 1.75), (0.75, 0.25, 1.75, 1.25))
)
_PATCH_M = np.float32(0.004)  # samples of a pixel this close in depth are one surface


def unit(*direction: float) -> np.ndarray:
    """The direction as a unit vector, float32."""
    return (np.array(direction) / np.linalg.norm(direction)).astype(np.float32)


def _rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


class Maps(NamedTuple):
    """What is painted on it: `first` fades to `second` as `mix` goes from 0 to 1."""

    texture: np.ndarray  # (h, w, 3) uint8, sRGB
    first: np.ndarray  # (h, w, 4) uint8: normal map, light left in cavities; of 1 px: unread
    second: np.ndarray
    mix: np.float32


class Lights(NamedTuple):
    """What shines on it."""

    exposure: np.float32  # of the studio's camera
    film: np.ndarray  # (9, 3) float32: a clip's own light (`engine.geometry.harmonics`), or (0, 3)
    from_film: np.ndarray  # (3,) float32: towards where most of that light comes from
    through: np.ndarray  # (3,) float32: out of the mouth, straight through the lips


# Towards each light (x right, y up, z towards the camera), and its colour.
KEY, KEY_COLOUR = unit(-0.52, 0.6, 0.72), _rgb(1.72, 1.46, 1.43)
FILL, FILL_COLOUR = unit(0.78, 0.0, 0.62), _rgb(0.23, 0.225, 0.235)
RIM_LEFT, RIM_RIGHT = unit(-0.85, 0.25, -0.5), unit(0.85, 0.35, -0.5)
RIM_COLOUR = _rgb(0.2, 0.205, 0.22)
SKY, GROUND = _rgb(0.15, 0.15, 0.155), _rgb(0.24, 0.2, 0.19)
_WRAP = _rgb(0.2, 0.11, 0.09)  # red light travels farther under the skin

_KEY_WRAPPED, _FILL_WRAPPED = KEY_COLOUR / (1 + _WRAP), FILL_COLOUR / (1 + _WRAP)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)  # int literals would widen
_TWO, _THREE = np.float32(2), np.float32(3)
_LEAST_FILMED = np.float32(0.05)  # share of the face: beyond it only the studio is looked at
# What the soft shoulder takes of colours, in brighter light more: so skin keeps its own.
_PALED, _MOST_PALED = np.float32(0.25), np.float32(0.14)
_OPEN_LIPS = np.float32(1.3)  # 1 / the openness of the lips
_BROAD, _SHARP = np.float32(0.09), np.float32(0.03)  # shares of the lobes, in all 0.12
# Whites of eyes in a film's light: what lids throw on them, and veins, are red. Nearer to the hue
# that they have beside the cheeks in films of ten people; by their green they are told.
_BETWEEN_LIDS, _WHITE_FROM, _WHITE_STEP = _rgb(1.03, 0.8, 0.77), np.float32(0.1), np.float32(6)
# Half of how light a clip's whites are is painted (`engine.detail.whites`): the other half is here.
_SCLERA, _PAINTED_FROM, _PAINTED_STEP = np.float32(0.71), np.float32(0.3), np.float32(10)
_BETWEEN_LIPS = _rgb(1.08, 0.94, 0.98)  # the same of lips: teeth beside skin in 17 of 18 films
_RED_IN_HOLLOWS = np.float32(RED_IN_HOLLOWS)
# More so in the mouth, whose light has met flesh all round: six films' teeth, tongues and hollows.
_RED_IN_MOUTH = np.float32(0.7)
_FILM_GLOSS = np.float32(2)  # a clip's lamps are smaller than the harmonics tell
_DARKEST = np.float32(0.1)  # of a film's even light: harmonics go dark beyond their data

_LINEAR = ((np.arange(257) / 255) ** 2.2).astype(np.float32)
# sRGB byte by the square root of the light: soft shoulder, no band in the shadows
_TONE_STEPS = np.float32(2047 / 2.4)
TONE = np.round(
    255 * (1 - np.exp(-0.95 * (np.arange(2048) / _TONE_STEPS) ** 2)) ** (1 / 2.2)
).astype(np.float32)
_PLAIN_TONE = np.minimum(255 * (np.arange(2048) / _TONE_STEPS) ** (2 / 2.2), 255).astype(np.float32)
_LAST_STEP = len(TONE) - 1


@numba.njit(cache=True, fastmath=True, nogil=True)
def develop(face_id, nearness, surface, maps, lights):
    """Picture (H, W, 3), the same in a film's light, coverage (H, W), share of the face (H, W).

    All uint8; the film's picture is black without its light, and off the face. And where outlines
    run, of the head and within it, (H, W) bool.

    Args:
        face_id: (2 H, 2 W) int32, 2 x 2 samples to a pixel.
        nearness: (2 H, 2 W) float32, 1 / depth.
        surface: a Surface.
        maps: Maps.
        lights: Lights.
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
                rim = _rim(point)  # of the smooth surface: on wrinkles it would glitter
                light_left = _bend(point, maps) if len(maps.first) > 1 else _ONE
                albedo = _reflectance(maps.texture, point[_U], point[_V], light_left)
                _add(total, 0, _light(point, albedo, rim, lights), share)
                _add(total, 3, _film_light(point, albedo, lights), share)
                inner += point[FACE] * share
                gone += point[GONE] * share
                in_film += share if point[FACE] >= _LEAST_FILMED else _ZERO
                covered += int(share)
                outline[y, x] = patch < 15
            if covered > 0:
                part, film_part = _ONE / np.float32(covered), _ONE / max(in_film, _ONE)
                for k in range(3):
                    picture[y, x, k] = int(total[k] * part + _HALF)
                    filmed[y, x, k] = int(total[3 + k] * film_part + _HALF)
                coverage[y, x] = int((np.float32(covered) - gone) * np.float32(63.75) + _HALF)
                face_share[y, x] = int(inner * part * np.float32(255.0) + _HALF)
    return picture, filmed, coverage, face_share, outline


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
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


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _add(total, first, colour, share):
    """Add a colour's three numbers, times a share, from number `first` on."""
    total[first] += colour[0] * share
    total[first + 1] += colour[1] * share
    total[first + 2] += colour[2] * share


@numba.njit(cache=True, fastmath=True, nogil=True)
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


@numba.njit(cache=True, fastmath=True, nogil=True)
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


@numba.njit(cache=True, fastmath=True, nogil=True)
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


@numba.njit(cache=True, fastmath=True, nogil=True)
def _highlight(point, vx, vy, vz, light, exponent):
    """Two glossy lobes about the half vector, times Schlick's Fresnel.

    Skin's oil mirrors broadly, its wet ridges four times as sharply.
    """
    nx, ny, nz = point[NORMAL], point[NORMAL + 1], point[NORMAL + 2]
    hx, hy, hz = vx + light[0], vy + light[1], vz + light[2]
    scale = _ONE / np.sqrt(hx * hx + hy * hy + hz * hz)
    cosine = (nx * hx + ny * hy + nz * hz) * scale
    grazing = _ONE - (vx * hx + vy * hy + vz * hz) * scale
    fresnel = np.float32(0.03) + np.float32(0.97) * grazing * grazing * grazing * grazing * grazing
    broad = np.exp(exponent * (cosine - _ONE))
    sharp = broad * broad
    sharp *= sharp
    lobe = _BROAD * broad * (exponent + np.float32(8))
    lobe += _SHARP * sharp * (np.float32(4) * exponent + np.float32(8))
    lit_side = nx * light[0] + ny * light[1] + nz * light[2] + np.float32(0.05)
    return fresnel * lobe * min(max(lit_side * np.float32(8), _ZERO), _ONE)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _rim(point):
    """How much light from behind grazes the surface here."""
    nx, ny, nz = point[NORMAL], point[NORMAL + 1], point[NORMAL + 2]
    away = np.sqrt(point[0] * point[0] + point[1] * point[1] + point[2] * point[2])
    facing = max(-(nx * point[0] + ny * point[1] + nz * point[2]) / away, _ZERO)
    left = nx * RIM_LEFT[0] + ny * RIM_LEFT[1] + nz * RIM_LEFT[2]
    right = nx * RIM_RIGHT[0] + ny * RIM_RIGHT[1] + nz * RIM_RIGHT[2]
    rim = (max(left, _ZERO) + max(right, _ZERO)) * point[AMBIENT]
    rim *= np.float32(0.1) + (_ONE - facing) * (_ONE - facing)
    return rim * min(point[FINISH] * np.float32(2.4), _ONE)  # dull hair has no bright rim


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _reflectance(texture, u, v, light_left):
    """The texture's linear reflectance at (u, v) where so much light is left: three numbers."""
    red, green, blue, _ = _read(texture, u, v)
    return _linear(red) * light_left, _linear(green) * light_left, _linear(blue) * light_left


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _linear(byte):
    """An sRGB byte, a float, as light."""
    low = int(byte)
    return _LINEAR[low] + (_LINEAR[low + 1] - _LINEAR[low]) * (byte - np.float32(low))


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _window(point, vx, vy, vz):
    """The key's soft box, mirrored by the cornea: the window in every eye."""
    nx, ny, nz = point[NORMAL], point[NORMAL + 1], point[NORMAL + 2]
    twice = _TWO * max(nx * vx + ny * vy + nz * vz, _ZERO)
    window = (twice * nx - vx) * KEY[0] + (twice * ny - vy) * KEY[1] + (twice * nz - vz) * KEY[2]
    window = min(max((window - np.float32(0.955)) * np.float32(60), _ZERO), _ONE)
    return point[FINISH + 2] * point[LIT] * window


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _towards_camera(point):
    """The unit vector from a point to the camera."""
    vx, vy, vz = -point[0], -point[1], -point[2]
    scale = _ONE / np.sqrt(vx * vx + vy * vy + vz * vz)
    return vx * scale, vy * scale, vz * scale


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _lit_from(point, through):
    """The way a surface would look that is lit from where this point's light comes.

    In the mouth that is through the lips: what looks up there sees the palate and no sky.
    """
    share = point[THROUGH]
    x = point[NORMAL] + share * (through[0] - point[NORMAL])
    y = point[NORMAL + 1] + share * (through[1] - point[NORMAL + 1])
    z = point[NORMAL + 2] + share * (through[2] - point[NORMAL + 2])
    return x, y, z


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _light(point, albedo, rim, lights):
    """The colour of one point under the studio's lights: three sRGB bytes as floats."""
    nx, ny, nz = _lit_from(point, lights.through)
    exposure = lights.exposure
    vx, vy, vz = _towards_camera(point)
    ambient, lit = point[AMBIENT], point[LIT]
    gloss, exponent = point[FINISH], point[FINISH + 1]
    key = nx * KEY[0] + ny * KEY[1] + nz * KEY[2]
    fill = nx * FILL[0] + ny * FILL[1] + nz * FILL[2]
    up = _HALF + _HALF * ny
    key_mirror = gloss * lit * _highlight(point, vx, vy, vz, KEY, exponent)
    fill_mirror = gloss * ambient * _highlight(point, vx, vy, vz, FILL, exponent)
    window = _window(point, vx, vy, vz)
    # light that has crossed the skin is red: shadows and cavities lose the other colours first
    if _ZERO < point[FINISH + 2] < _HALF:  # in the mouth
        red_lit = lit * (_ONE + _RED_IN_MOUTH * (_ONE - lit) * (_ONE - lit))
        red_ambient = ambient * (_ONE + _RED_IN_MOUTH * (_ONE - ambient) * (_ONE - ambient))
    else:
        red_lit, red_ambient = lit * (np.float32(1.25) - lit * np.float32(0.25)), ambient
        ambient *= np.float32(0.9) + np.float32(0.1) * ambient
    light0 = light1 = light2 = _ZERO
    for k in range(3):
        open_, lit_ = (red_ambient, red_lit) if k == 0 else (ambient, lit)
        light = max(key + _WRAP[k], _ZERO) * lit_ * _KEY_WRAPPED[k]
        light += max(fill + _WRAP[k], _ZERO) * open_ * _FILL_WRAPPED[k]
        light += (GROUND[k] + (SKY[k] - GROUND[k]) * up) * open_
        light = albedo[k] * light * exposure + rim * RIM_COLOUR[k] + window
        light += key_mirror * KEY_COLOUR[k] + fill_mirror * FILL_COLOUR[k]
        light0, light1, light2 = light1, light2, light
    grey = (light0 + light1 + light2) / _THREE
    paled = min(_PALED * grey, _MOST_PALED)
    return (
        TONE[tone_step(light0 + paled * (light0 - grey))],
        TONE[tone_step(light1 + paled * (light1 - grey))],
        TONE[tone_step(light2 + paled * (light2 - grey))],
    )


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def tone_step(light):
    """Where a light stands in the tables of tones."""
    return min(int(np.sqrt(max(light, _ZERO)) * _TONE_STEPS), _LAST_STEP)


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def _film_light(point, albedo, lights):
    """The colour of one point of a face in a clip's own light: three sRGB bytes as floats."""
    film = lights.film
    if len(film) == 0 or point[FACE] < _LEAST_FILMED:
        return _ZERO, _ZERO, _ZERO
    x, y, z = _lit_from(point, lights.through)
    xy, xz, yz = x * y, x * z, y * z
    across, along = x * x - y * y, _THREE * z * z - _ONE
    vx, vy, vz = _towards_camera(point)
    open_ = point[AMBIENT]
    open_red = open_ * (_ONE + _RED_IN_HOLLOWS * (_ONE - open_))
    white = inside = _ZERO
    if point[FINISH + 2] > _ZERO:  # eyes and mouth: shade of their own, none of it in the light
        open_ = open_red = min(open_ * _OPEN_LIPS, _ONE)
        if point[FINISH + 2] > _HALF:  # eyes
            white = min(max((albedo[1] - _WHITE_FROM) * _WHITE_STEP, _ZERO), _ONE)
            painted = min(max((albedo[1] - _PAINTED_FROM) * _PAINTED_STEP, _ZERO), _ONE)
            reached = _ONE + painted * (albedo[1] / _SCLERA - _ONE)
            open_ *= reached
            open_red *= reached
        else:
            inside = _ONE
            open_red = open_ * (_ONE + _RED_IN_MOUTH * (_ONE - open_) * (_ONE - open_))
    mirror = _HALF * _window(point, vx, vy, vz)
    gloss = _FILM_GLOSS * point[FINISH]
    mirror += gloss * _highlight(point, vx, vy, vz, lights.from_film, point[FINISH + 1])
    tone0 = tone1 = tone2 = _ZERO
    for k in range(3):
        shade = film[0, k] + film[1, k] * x + film[2, k] * y + film[3, k] * z + film[4, k] * xy
        shade += film[5, k] * xz + film[6, k] * yz + film[7, k] * across + film[8, k] * along
        light = max(shade, _DARKEST * film[0, k])
        tint = _ONE + (_BETWEEN_LIDS[k] - _ONE) * white + (_BETWEEN_LIPS[k] - _ONE) * inside
        light *= (open_red if k == 0 else open_) * (albedo[k] * tint + mirror)
        tone = _PLAIN_TONE[tone_step(light)]
        tone0, tone1, tone2 = tone1, tone2, tone
    return tone0, tone1, tone2
