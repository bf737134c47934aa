"""The person's colours and the clip's light: albedo coefficients of the head, and (9, 3) harmonics.

The median picture of a dozen frames, laid on the sheet, tells skin and light (`albedo_fit`); lips,
eyes, teeth, hair and beard then get the colours that are seen of them.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..faces import FaceTrack
from ..geometry import harmonics
from ..head.albedo import Albedo, load_albedo
from ..head.model import FaceParams, Head
from ..media import Clip
from ..weights import FOLDER
from .albedo_fit import (
    Colours,
    beardless,
    light_by_whites,
    light_on_shaven,
    solve_albedo,
    variation,
)
from .beard import fit_beard, is_shaven
from .face_sheet import cut_window
from .folds import bare_of_eyes, lip_skin, round_lips
from .forehead import (
    Forehead,
    Front,
    find_front,
    find_hat,
    map_forehead,
)
from .hair_colour import UNMIRRORED, hair_colour, hair_maps
from .hairline import hairline_heights, model_cover, model_depth
from .hanging import hanging_down
from .median import Median, gather
from .mouth import mouth_lightness
from .paint import own_hues
from .parts import (
    cast_of,
    fit_part,
    iris_colour,
    iris_maps,
    teeth_colour,
    teeth_maps,
)
from .skin import Canvas, prepare_canvas, sample_frames
from .volume import Outline, stand_off, standing_hair, stands_clear
from .whites import whites_lightness

_FRAMES = 12
_TEXELS = 320  # most, across the face: what brows and lips need
_SOLVED = 160  # of them: skin's colours don't need more
_NIGHT, _BURNT = 2e-3, 0.95  # linear: beyond them a texel has lost its colour
_COLOURLESS = 0.5  # a film of one hue shows whites of its own
_FEWEST_LIPS = 20  # texels
_MOST_MISSED = 0.3  # log: a beard beside the lips is no light


@dataclass(frozen=True)
class Face:
    """The face as the clip shows it, on a canvas of R x R texels."""

    canvas: Canvas
    own: np.ndarray  # (R, R, 3) log reflectance: the median picture without the light
    known: np.ndarray  # (R, R) in [0, 1], how well
    albedo: np.ndarray  # (A,) coefficients
    hairline: np.ndarray | None = None  # (V,) mm above it; None to leave the model's
    hair: np.ndarray | None = None  # (V,) mm that it stands off the skin
    hair_hangs: float = 0.0  # mm below the ears
    hair_falls: np.ndarray | None = None  # degrees from the top at FRINGE_AT; None: no fringe
    hair_parting: float | None = None  # degrees round the head; None: not parted
    hair_colour: np.ndarray | None = None  # (3,) log reflectance; None where none is told
    hat: bool = False  # what covers the head isn't hair
    grey: float = 0.0  # 1 where the film has no colours of its own: hues are the model's then
    irises: np.ndarray | None = None  # (3,) log reflectance; None when hardly any was seen
    eye_whites: float | None = None  # log reflectance; None when they were hardly seen
    mouth: float = 0.0  # log of the light in it over what is expected there


@dataclass(frozen=True)
class Appearance:
    """A person's colours and the light on them."""

    albedo: np.ndarray  # (A,) coefficients
    light: np.ndarray  # (9, 3) RGB, camera axes: picture = reflectance * (harmonics @ light)
    face: Face | None = None  # None when the clip shows too little of it


@dataclass(frozen=True)
class _OnHead:
    """What is on the head: hair, a hat, or nothing that tells."""

    colour: np.ndarray | None  # (3,) log reflectance of hair; None where none is told
    beneath: np.ndarray | None  # the same without its sheen
    hat: bool
    apart: bool  # it stands clear of what lies behind it, or is a hat


def estimate_appearance(clip: Clip, track: FaceTrack, params: FaceParams, head: Head) -> Appearance:
    """What the clip says of the person's colours.

    Zeros and a plain frontal light when it shows too little skin.
    """
    albedo = load_albedo(FOLDER / head.file.albedo_file) if head.file.albedo_file else None
    count = len(albedo.names) if albedo else len(params.albedo)
    frames = sample_frames(track, _FRAMES)
    if not len(frames):
        return Appearance(np.zeros(count), _plain_light())
    canvas = prepare_canvas(head, params, frames, _TEXELS)
    cover = model_cover(albedo, head) if albedo else np.zeros(len(head.file.template))
    forehead = map_forehead(head, canvas.rest[0], cover)
    median = gather(clip, track, params, canvas, frames, forehead)
    colours = _colours(median, canvas, albedo)
    if len(colours.seen) < 200:
        return Appearance(np.zeros(count), _plain_light())
    effective, fitted = solve_albedo(colours)
    light = light_by_whites(fitted, colours.whites)
    own = _unlit(median, light)
    known = np.clip(2 * median.trust, 0, 1) * (median.colour.max(-1) < _BURNT)
    known = known.astype(np.float32)
    if not albedo:
        return Appearance(
            np.zeros(count), light, Face(canvas, own, known, np.zeros(count), grey=median.grey)
        )
    skin = np.median(own[known > 0.5], axis=0)
    hair = _on_head(median, forehead, light, skin)
    irises = iris_colour(median.irises, light)
    effective = _refine_parts(
        colours, median, canvas, albedo, effective, fitted, hair.colour, irises
    )
    if is_shaven(albedo, effective):
        fitted = light_on_shaven(colours, effective, fitted)
        light = light_by_whites(fitted, colours.whites)
        own = _unlit(median, light)
    coefficients = np.where(effective > 0, effective + colours.threshold, effective)
    face = Face(
        canvas, own, known, coefficients, hair_colour=hair.beneath, hat=hair.hat, grey=median.grey,
        irises=irises, eye_whites=whites_lightness(median.eye_whites, light),
    )  # fmt: skip
    if median.grey < _COLOURLESS:
        face = replace(face, mouth=mouth_lightness(median.mouths, light, albedo, effective))
    front = find_front(median.foreheads, forehead, light, skin, hair.colour, hair.apart)
    face = _with_hairstyle(face, front, [] if hair.hat else median.outlines, albedo)
    face = replace(face, hair_hangs=hanging_down([outline.sides for outline in median.outlines]))
    return Appearance(coefficients, light, face)


def _on_head(median: Median, forehead: Forehead, light: np.ndarray, skin: np.ndarray) -> _OnHead:
    """Hair's colours in a light (9, 3) beside skin of log reflectance (3,), or that it is a hat."""
    clear = stands_clear(median.outlines)
    as_skin = clear and median.grey > _COLOURLESS
    seen = median.hair, standing_hair(median.outlines), light, skin, as_skin
    colour = hair_colour(*seen)
    if colour is None:
        return _OnHead(None, None, False, clear)
    if find_hat(median.foreheads, forehead, light, skin, colour):
        return _OnHead(None, None, True, True)
    return _OnHead(colour, hair_colour(*seen, UNMIRRORED), False, clear)


def _with_hairstyle(face: Face, front: Front, outlines: list[Outline], albedo: Albedo) -> Face:
    """The face with its hairline, and with hair as high and as far forward as `outlines` show."""
    head, rest = face.canvas.head, face.canvas.rest[0]
    hairline = hairline_heights(front, head, rest, albedo)
    stands = stand_off(outlines, hairline, model_depth(albedo, head), head, rest)
    return replace(
        face, hairline=hairline, hair=stands, hair_falls=front.falls, hair_parting=front.parting
    )


def _unlit(median: Median, light: np.ndarray) -> np.ndarray:
    """Log reflectance (R, R, 3) of the median picture in a light (9, 3)."""
    shade = np.maximum(harmonics(median.normal) @ light, 1e-2) * median.openness
    return (np.log(np.maximum(median.colour, _NIGHT)) - np.log(shade)).astype(np.float32)


def _plain_light() -> np.ndarray:
    light = np.zeros((9, 3))
    light[0], light[3] = 0.6, 0.4
    return light


def _colours(median: Median, canvas: Canvas, albedo: Albedo | None) -> Colours:
    """The texels of skin that say something about colours, fewer than the canvas has."""
    coarse = _coarse(canvas)
    colour, normal = median.colour[coarse], median.normal[coarse]
    trust = (median.trust * bare_of_eyes(canvas.sheet))[coarse]
    skin = trust > 0.3
    used = skin & (colour.max(-1) < _BURNT)
    count = int(used.sum())
    maps = _sample_maps(albedo, canvas, len(used))[:, used] if albedo else np.zeros((0, count))
    mean, basis, least, threshold = variation(albedo, maps, count)
    return Colours(
        np.log(np.maximum(colour[used], _NIGHT) / median.openness[coarse][used]),
        normal[used], trust[used],
        mean, basis, least, threshold, maps, beardless(albedo, maps), used,
        median.white, 1 - count / max(int(skin.sum()), 1),
        median.whites if median.grey < _COLOURLESS else None,
    )  # fmt: skip


def _coarse(canvas: Canvas) -> tuple[slice, slice]:
    """The rows and columns of the canvas at about _SOLVED texels."""
    every = slice(None, None, max(1, round(canvas.sheet.size / _SOLVED)))
    return every, every


def _sample_maps(albedo: Albedo, canvas: Canvas, size: int) -> np.ndarray:
    """Every map of the model in the face's window, (M + K, size, size), with its gate."""
    window = canvas.sheet.window
    maps = np.empty((len(albedo.ranges), size, size), np.float32)
    for k, picture in enumerate([*albedo.sharp, *albedo.smooth]):
        low, high = albedo.ranges[k]
        maps[k] = low + (high - low) * cut_window(picture, window, size) / 255
    gate = (maps[0] - albedo.ranges[0, 0]) / max(float(np.ptp(albedo.ranges[0])), 1e-6)
    maps[len(albedo.sharp) :] *= gate
    return maps


def _refine_parts(
    colours: Colours,
    median: Median,
    canvas: Canvas,
    albedo: Albedo,
    effective: np.ndarray,
    light: np.ndarray,
    hair: np.ndarray | None,
    irises: np.ndarray | None,
) -> np.ndarray:
    """Effective coefficients (A,) with lips, irises and hair as the clip shows them."""
    shade = np.maximum(harmonics(colours.normals) @ light, 1e-2)
    own = colours.seen - np.log(shade)  # (P, 3) log reflectance
    model = colours.reflectance(effective)
    own = own_hues(own, model, median.grey)
    coarse = _coarse(canvas)
    lips, beside = (zone(canvas.sheet)[coarse][colours.used] for zone in (lip_skin, round_lips))
    if lips.sum() >= _FEWEST_LIPS:
        # what light the coarse harmonics missed there, read off the skin beside
        missed = np.median((model - own)[beside], axis=0) if beside.any() else np.zeros(3)
        seen = np.median(own[lips], axis=0) + np.clip(missed, -_MOST_MISSED, _MOST_MISSED)
        effective = fit_part(albedo, effective, "lips", colours.maps[:, lips].mean(1), seen)
    if irises is not None:
        effective = fit_part(albedo, effective, "irises", iris_maps(albedo, canvas.head), irises)
    teeth = teeth_colour(median.teeth, light)
    if teeth is not None:
        maps = teeth_maps(albedo)
        logit = maps @ (albedo.mean + np.tensordot(effective, albedo.basis, 1))
        teeth = own_hues(teeth, -np.log1p(np.exp(-logit)), median.grey)
        effective = fit_part(albedo, effective, "teeth", maps, teeth)
    if hair is not None:
        maps = hair_maps(albedo, canvas.head)
        effective = fit_part(albedo, effective, "hair", maps, hair, cast_of(light))
    return fit_beard(colours, albedo, effective, own, lips)
