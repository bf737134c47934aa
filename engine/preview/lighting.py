"""The studio's light, and a film's, on one point of skin, eyes, lips or teeth.

Kernels that `shading` puts into its own: a point is the vertex table's row (`vertices`) there.
"""

from typing import NamedTuple

import numpy as np

from ..compiled import kernels
from ..head import mouth_light
from ..render import occlusion
from . import vertices
from .vertices import AMBIENT, FACE, FINISH, LIT, NORMAL, THROUGH

kernel, inlined = kernels(occlusion, vertices, mouth_light)


def _unit(*direction: float) -> np.ndarray:
    """The direction as a unit vector, float32."""
    return (np.array(direction) / np.linalg.norm(direction)).astype(np.float32)


def _rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


class Lights(NamedTuple):
    """What shines on it."""

    exposure: np.float32  # of the studio's camera
    film: np.ndarray  # (9, 3) float32: a clip's own light (`engine.geometry.harmonics`), or (0, 3)
    from_film: np.ndarray  # (3,) float32: towards where most of that light comes from
    through: np.ndarray  # (3,) float32: out of the mouth, straight through the lips


# Towards each light (x right, y up, z towards the camera), and its colour.
KEY, KEY_COLOUR = _unit(-0.52, 0.6, 0.72), _rgb(1.72, 1.46, 1.43)
FILL, FILL_COLOUR = _unit(0.78, 0.0, 0.62), _rgb(0.23, 0.225, 0.235)
RIM_LEFT, RIM_RIGHT = _unit(-0.85, 0.25, -0.5), _unit(0.85, 0.35, -0.5)
RIM_COLOUR = _rgb(0.2, 0.205, 0.22)
SKY, GROUND = _rgb(0.15, 0.15, 0.155), _rgb(0.24, 0.2, 0.19)
_WRAP = _rgb(0.2, 0.11, 0.09)  # red light travels farther under the skin

_KEY_WRAPPED, _FILL_WRAPPED = KEY_COLOUR / (1 + _WRAP), FILL_COLOUR / (1 + _WRAP)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)  # int literals would widen
_TWO, _THREE = np.float32(2), np.float32(3)
LEAST_FILMED = np.float32(0.05)  # share of the face: beyond it only the studio is looked at
# What the soft shoulder takes of colours, in brighter light more: so skin keeps its own.
_PALED, _MOST_PALED = np.float32(0.25), np.float32(0.14)
_OPEN_LIPS = np.float32(mouth_light.OPEN_LIPS)
_BROAD, _SHARP = np.float32(0.09), np.float32(0.03)  # shares of the lobes, in all 0.12
# Whites of eyes in a film's light: what lids throw on them, and veins, are red. Nearer to the hue
# that they have beside the cheeks in films of ten people; by their green they are told.
_BETWEEN_LIDS, _WHITE_FROM, _WHITE_STEP = _rgb(1.03, 0.8, 0.77), np.float32(0.1), np.float32(6)
# Half of how light a clip's whites are is painted (`engine.detail.whites`): the other half is here.
_SCLERA, _PAINTED_FROM, _PAINTED_STEP = np.float32(0.71), np.float32(0.3), np.float32(10)
_BETWEEN_LIPS = _rgb(*mouth_light.BETWEEN_LIPS)
_RED_IN_HOLLOWS = np.float32(occlusion.RED_IN_HOLLOWS)
_RED_IN_MOUTH = np.float32(mouth_light.RED_IN_MOUTH)
_FILM_GLOSS = np.float32(2)  # a clip's lamps are smaller than the harmonics tell
_DARKEST = np.float32(0.1)  # of a film's even light: harmonics go dark beyond their data

# sRGB byte by the square root of the light: soft shoulder, no band in the shadows
_TONE_STEPS = np.float32(2047 / 2.4)
TONE = np.round(
    255 * (1 - np.exp(-0.95 * (np.arange(2048) / _TONE_STEPS) ** 2)) ** (1 / 2.2)
).astype(np.float32)
_PLAIN_TONE = np.minimum(255 * (np.arange(2048) / _TONE_STEPS) ** (2 / 2.2), 255).astype(np.float32)
_LAST_STEP = len(TONE) - 1


@kernel
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


@kernel
def rim_light(point):
    """How much light from behind grazes the surface here."""
    nx, ny, nz = point[NORMAL], point[NORMAL + 1], point[NORMAL + 2]
    away = np.sqrt(point[0] * point[0] + point[1] * point[1] + point[2] * point[2])
    facing = max(-(nx * point[0] + ny * point[1] + nz * point[2]) / away, _ZERO)
    left = nx * RIM_LEFT[0] + ny * RIM_LEFT[1] + nz * RIM_LEFT[2]
    right = nx * RIM_RIGHT[0] + ny * RIM_RIGHT[1] + nz * RIM_RIGHT[2]
    rim = (max(left, _ZERO) + max(right, _ZERO)) * point[AMBIENT]
    rim *= np.float32(0.1) + (_ONE - facing) * (_ONE - facing)
    return rim * min(point[FINISH] * np.float32(2.4), _ONE)  # dull hair has no bright rim


@inlined
def _window(point, vx, vy, vz):
    """The key's soft box, mirrored by the cornea: the window in every eye."""
    nx, ny, nz = point[NORMAL], point[NORMAL + 1], point[NORMAL + 2]
    twice = _TWO * max(nx * vx + ny * vy + nz * vz, _ZERO)
    window = (twice * nx - vx) * KEY[0] + (twice * ny - vy) * KEY[1] + (twice * nz - vz) * KEY[2]
    window = min(max((window - np.float32(0.955)) * np.float32(60), _ZERO), _ONE)
    return point[FINISH + 2] * point[LIT] * window


@inlined
def _towards_camera(point):
    """The unit vector from a point to the camera."""
    vx, vy, vz = -point[0], -point[1], -point[2]
    scale = _ONE / np.sqrt(vx * vx + vy * vy + vz * vz)
    return vx * scale, vy * scale, vz * scale


@inlined
def _lit_from(point, through):
    """The way a surface would look that is lit from where this point's light comes.

    In the mouth that is through the lips: what looks up there sees the palate and no sky.
    """
    share = point[THROUGH]
    x = point[NORMAL] + share * (through[0] - point[NORMAL])
    y = point[NORMAL + 1] + share * (through[1] - point[NORMAL + 1])
    z = point[NORMAL + 2] + share * (through[2] - point[NORMAL + 2])
    return x, y, z


@inlined
def studio_light(point, albedo, rim, lights):
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


@inlined
def tone_step(light):
    """Where a light stands in the tables of tones."""
    return min(int(np.sqrt(max(light, _ZERO)) * _TONE_STEPS), _LAST_STEP)


@inlined
def film_light(point, albedo, lights):
    """The colour of one point of a face in a clip's own light: three sRGB bytes as floats."""
    film = lights.film
    if len(film) == 0 or point[FACE] < LEAST_FILMED:
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
