"""The person's colours and the clip's light: albedo coefficients of the head, and (9, 3) harmonics.

log picture = log albedo(coefficients) + log shading + exposure. Albedo and light can only be told
apart by what is likely: coefficients near 0 (a unit each), light near white, skin exposed as films
expose it. Ridge least squares in the logarithm, bounded where nobody has less than none of a
component; the shape of the shading and the colours in turns.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from ..faces import FaceTrack
from ..geometry import harmonics
from ..head.albedo import Albedo, load_albedo
from ..head.model import FaceParams, Head
from ..media import Clip
from ..media.hues import colourless
from ..weights import FOLDER
from .folds import bare_of_eyes, lip_skin, round_lips
from .hairline import Crown, hairline_heights, model_cover, see_crown, upper_head
from .light import fit_light, refine_light
from .paint import own_hues
from .parts import (
    Sight,
    fit_part,
    hair_colour,
    hair_maps,
    iris_colour,
    iris_maps,
    see_hair,
    see_irises,
)
from .residual import LUMINANCE
from .skin import Canvas, median_of_seen, openness, prepare_canvas, sample_frames, views
from .unwrap import cut_window
from .volume import Outline, hanging_down, see_outline, stand_off

_FRAMES = 12
_OUTLINED = 2  # every so many of them tells how far hair stands off
_TEXELS = 320  # most, across the face: what brows and lips need
_SOLVED = 160  # of them: skin's colours don't need more
_ROUNDS = 4
_SHADE_OUTLIER = 0.3  # wide: a side light is no outlier, and half a face may lie in its shade
# Log contrast of what no component explains: the coarse light errs in shade, hardly in hue.
_SHADE_NOISE, _HUE_NOISE = 0.3, 0.1
_EFFECTIVE_TEXELS = 25  # independent observations in a face: neighbours repeat each other
_EXPOSURE, _EXPOSURE_SPREAD = np.log(0.85), 0.1  # light on the brighter skin, white = 1
_TINT_SPREAD = 0.4  # log: many clips are badly white-balanced
_NIGHT, _BURNT = 2e-3, 0.95  # linear: beyond them a texel has lost its colour
_FEWEST_LIPS = 20  # texels
_MOST_MISSED = 0.3  # log: a beard beside the lips is no light
# Of the beard's map: where one grows. What is dark there may be hair and says little of the light.
_BEARD_GROUND, _BEARD_SAYS, _FEWEST_BEARD = 0.3, 0.2, 30
_BEARD_SHARE = 35  # percentile of lightness on that ground: not all of it is beard
_FAINT_BEARD = 0.15  # log darkness below which a place is bare; twice that is hair for sure
_GREY = np.full((3, 3), 1 / 3)
_PLAIN_SKIN = np.array([0.50, 0.25, 0.16])  # linear reflectance, for heads without a model


@dataclass(frozen=True)
class _Colours:
    """What the clip shows of P texels, and how the head's albedo varies there."""

    seen: np.ndarray  # (P, 3) log linear RGB
    normals: np.ndarray  # (P, 3)
    trust: np.ndarray  # (P,)
    mean: np.ndarray  # (P, 3) logit of reflectance
    basis: np.ndarray  # (A, P, 3)
    least: np.ndarray  # (A,) smallest effective coefficient
    threshold: np.ndarray  # (A,) what a coefficient must pass before it counts
    maps: np.ndarray  # (M + K, P) the model's maps there
    smooth: np.ndarray  # (P,) how much each says of the light: little where beards grow
    used: np.ndarray  # (r, r) bool: the P texels in the face's window, coarser than the canvas


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
    grey: float = 0.0  # 1 where the film has no colours of its own: hues are the model's then
    irises: np.ndarray | None = None  # (3,) log reflectance; None when hardly any was seen


@dataclass(frozen=True)
class Appearance:
    """A person's colours and the light on them."""

    albedo: np.ndarray  # (A,) coefficients
    light: np.ndarray  # (9, 3) RGB, camera axes: picture = reflectance * (harmonics @ light)
    face: Face | None = None  # None when the clip shows too little of it


@dataclass(frozen=True)
class _Median:
    """The median picture of the face, R x R texels."""

    colour: np.ndarray  # (R, R, 3) linear
    normal: np.ndarray  # (R, R, 3) unit
    openness: np.ndarray  # (R, R) share of the sky that reaches the face at rest
    trust: np.ndarray  # (R, R) the share of the frames that show a texel
    irises: list[Sight]
    hair: list[Sight]
    crown: Crown
    outlines: list[Outline]
    grey: float  # 1 where the pictures have one hue all over


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
    median = _gather(clip, track, params, canvas, frames)
    colours = _colours(median, canvas, albedo)
    if len(colours.seen) < 200:
        return Appearance(np.zeros(count), _plain_light())
    effective, light = _solve(colours)
    shade = np.maximum(harmonics(median.normal) @ light, 1e-2)
    own = np.log(np.maximum(median.colour, _NIGHT)) - np.log(shade * median.openness[..., None])
    known = np.clip(2 * median.trust, 0, 1) * (median.colour.max(-1) < _BURNT)
    own, known = own.astype(np.float32), known.astype(np.float32)
    if not albedo:
        return Appearance(
            np.zeros(count), light, Face(canvas, own, known, np.zeros(count), grey=median.grey)
        )
    skin = np.median(own[known > 0.5], axis=0)
    standing = np.concatenate([outline.standing for outline in median.outlines])
    hair = hair_colour(median.hair, standing, light, skin)
    irises = iris_colour(median.irises, light)
    effective = _refine_parts(colours, median, canvas, albedo, effective, light, hair, irises)
    coefficients = np.where(effective > 0, effective + colours.threshold, effective)
    hairline = hairline_heights(
        median.crown, canvas.head, canvas.rest[0], albedo, light, skin, hair
    )
    cover = model_cover(albedo, canvas.head)
    stands = stand_off(median.outlines, hairline, cover, canvas.head, canvas.rest[0])
    face = Face(
        canvas, own, known, coefficients, hairline, stands, hanging_down(median.outlines),
        median.grey, irises,
    )  # fmt: skip
    return Appearance(coefficients, light, face)


def _plain_light() -> np.ndarray:
    light = np.zeros((9, 3))
    light[0], light[3] = 0.6, 0.4
    return light


def _gather(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    canvas: Canvas,
    frames: np.ndarray,
) -> _Median:
    size = canvas.sheet.size
    pictures = np.zeros((3, len(frames), size, size), np.float32)
    weights = np.zeros((len(frames), size, size), np.float32)
    normals = np.zeros((size, size, 3), np.float32)
    irises, hair, crown, outlines, grey = [], [], [], [], []
    for k, view in enumerate(views(clip, track, params, canvas, frames)):
        pictures[:, k] = np.moveaxis(view.colour, -1, 0)
        weights[k] = view.seen
        normals += view.surface.normal * view.seen[..., None]
        grey.append(colourless(view.picture))
        irises.append(see_irises(view.picture, track, params, view.frame))
        sight = view.picture, params, canvas.head, canvas.rest, view.frame
        hair.append(see_hair(*sight))
        crown.append(see_crown(*sight))
        if k % _OUTLINED == 0:
            outlines.append(see_outline(*sight))
    medians = [median_of_seen(picture, weights > 0.3) for picture in pictures]
    colour = np.stack([middle for middle, _ in medians], -1)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals /= np.maximum(length, 1e-6)
    return _Median(
        colour, normals, openness(canvas), medians[0][1], irises, hair, _crown(canvas, crown),
        outlines, float(np.median(grey)),
    )  # fmt: skip


def _crown(canvas: Canvas, frames: list[tuple[np.ndarray, np.ndarray]]) -> Crown:
    colours, normals = (np.stack(values) for values in zip(*frames, strict=True))
    return Crown(upper_head(canvas.head), colours, normals)


def _colours(median: _Median, canvas: Canvas, albedo: Albedo | None) -> _Colours:
    """The texels of skin that say something about colours, fewer than the canvas has."""
    coarse = _coarse(canvas)
    colour, normal = median.colour[coarse], median.normal[coarse]
    trust = (median.trust * bare_of_eyes(canvas.sheet))[coarse]
    used = (trust > 0.3) & (colour.max(-1) < _BURNT)
    count = int(used.sum())
    maps = _sample_maps(albedo, canvas, len(used))[:, used] if albedo else np.zeros((0, count))
    mean, basis, least, threshold = _model(albedo, maps, count)
    return _Colours(
        np.log(np.maximum(colour[used], _NIGHT) / median.openness[coarse][used, None]),
        normal[used], trust[used],
        mean, basis, least, threshold, maps, _beardless(albedo, maps), used,
    )  # fmt: skip


def _beardless(albedo: Albedo | None, maps: np.ndarray) -> np.ndarray:
    """What texels (P,) whose maps are (M + K, P) say of the light."""
    if albedo is None:
        return np.ones(maps.shape[1])
    return np.where(maps[albedo.maps.index("beard")] > _BEARD_GROUND, _BEARD_SAYS, 1.0)


def _coarse(canvas: Canvas) -> tuple[slice, slice]:
    """The rows and columns of the canvas at about _SOLVED texels."""
    every = slice(None, None, max(1, round(canvas.sheet.size / _SOLVED)))
    return every, every


def _model(
    albedo: Albedo | None, maps: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean (P, 3) and basis (A, P, 3) where the maps are (M + K, P), and the bounds."""
    if albedo is None:
        mean = np.tile(np.log(_PLAIN_SKIN / (1 - _PLAIN_SKIN)), (count, 1))
        return mean, np.zeros((0, len(mean), 3)), np.zeros(0), np.zeros(0)
    mean = maps.T @ albedo.mean
    basis = np.einsum("mp,amc->apc", maps, albedo.basis, optimize=True)
    return mean, basis, np.minimum(albedo.low, 0), np.maximum(albedo.low, 0)


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


def _solve(colours: _Colours) -> tuple[np.ndarray, np.ndarray]:
    """Effective coefficients (A,) and light (9, 3)."""
    count = len(colours.basis)
    effective, tint = np.zeros(count), np.zeros(3)
    shape = np.zeros(9)
    for _ in range(_ROUNDS):
        logit = colours.mean + np.tensordot(effective, colours.basis, 1)
        reflectance = 1 / (1 + np.exp(-logit))
        lit = np.exp(colours.seen - np.log(reflectance)) @ LUMINANCE
        shape = fit_light(colours.normals, lit, _SHADE_OUTLIER, colours.smooth)
        shading = np.maximum(harmonics(colours.normals) @ shape, 1e-3)
        bright = np.percentile(shading, 80)
        shape, shading = shape / bright, np.maximum(shading / bright, 0.05)
        gap = colours.seen - np.log(reflectance) - np.log(shading)[:, None] - tint  # (P, 3)
        effective, tint = _step(colours, reflectance, gap, effective, tint)
    tint = tint + np.median(gap, axis=0)  # what is left over all skin is light
    light = shape[:, None] * np.exp(tint)
    ratio = colours.seen - np.log(reflectance)
    return effective, refine_light(colours.normals, ratio, light, colours.trust * colours.smooth)


def _refine_parts(
    colours: _Colours,
    median: _Median,
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
    model = -np.log1p(np.exp(-colours.mean - np.tensordot(effective, colours.basis, 1)))
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
    if hair is not None:
        effective = fit_part(albedo, effective, "hair", hair_maps(albedo, canvas.head), hair)
    return _fit_beard(colours, albedo, effective, own, lips)


def _fit_beard(
    colours: _Colours, albedo: Albedo, effective: np.ndarray, own: np.ndarray, lips: np.ndarray
) -> np.ndarray:
    """Effective coefficients (A,) with the beard as dark as the clip shows it on lip, chin, jaw.

    `own` (P, 3) is the log reflectance that the clip shows, `lips` (P,) where it isn't skin.
    """
    names = ("moustache", "goatee", "beard")
    ground = colours.maps[[albedo.maps.index(name) for name in names]] > _BEARD_GROUND
    ground[2] &= ~ground[:2].any(0)
    ground &= ~lips
    bare = ~ground.any(0) & ~lips
    zones = [zone for zone in ground if zone.sum() >= _FEWEST_BEARD]
    if not zones or bare.sum() < _FEWEST_BEARD:
        return effective
    model = -np.log1p(np.exp(-colours.mean - np.tensordot(effective, colours.basis, 1)))
    missed = np.median((own - model)[bare], axis=0)
    seen = np.array([_hairy(own[zone] - missed, model[zone]) for zone in zones])
    maps = np.array([colours.maps[:, zone].mean(1) for zone in zones])
    return fit_part(albedo, effective, "beard", maps, seen)


def _hairy(own: np.ndarray, model: np.ndarray) -> np.ndarray:
    """The colour (3,) of a place where hair may grow, log reflectances (N, 3) and the model's.

    The median's hue at the lightness of _BEARD_SHARE; the model's where that is hardly darker.
    """
    lightness = own @ LUMINANCE
    seen = np.median(own, axis=0) + np.percentile(lightness, _BEARD_SHARE) - np.median(lightness)
    usual = np.median(model, axis=0)
    sure = np.clip((usual - seen) @ LUMINANCE / _FAINT_BEARD - 1, 0, 1)
    return usual + sure * (seen - usual)


def _step(
    colours: _Colours,
    reflectance: np.ndarray,
    gap: np.ndarray,
    effective: np.ndarray,
    tint: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """One bounded Gauss-Newton step on the coefficients and the log light's colour (3,)."""
    count = len(effective)
    rows = np.moveaxis(colours.basis * (1 - reflectance), 0, -1)  # (P, 3, A): d log R = 1 - R
    design = np.concatenate([rows, np.tile(np.eye(3), (len(gap), 1, 1))], axis=2)
    now = np.concatenate([effective, tint])
    target = gap + design @ now  # (P, 3)
    precision = _GREY / _SHADE_NOISE**2 + (np.eye(3) - _GREY) / _HUE_NOISE**2
    size = np.sqrt(np.einsum("pc,cd,pd->p", gap, precision, gap))
    trust = colours.trust / np.maximum(1, size / 2)
    trust *= _EFFECTIVE_TEXELS / trust.sum()
    weighted = np.einsum("p,cd,pdk->pck", trust, precision, design)
    normal = np.einsum("pck,pcl->kl", design, weighted, optimize=True)
    right = np.einsum("pck,pc->k", weighted, target)

    normal[np.arange(count), np.arange(count)] += 1.0
    right[:count] -= colours.threshold  # the coefficient is effective + threshold, and near 0
    cast = np.eye(3) - LUMINANCE  # of the light: what differs from its own luminance
    normal[count:, count:] += np.outer(LUMINANCE, LUMINANCE) / _EXPOSURE_SPREAD**2
    normal[count:, count:] += cast.T @ cast / _TINT_SPREAD**2
    right[count:] += _EXPOSURE * LUMINANCE / _EXPOSURE_SPREAD**2

    root = np.linalg.cholesky(normal).T
    low = np.concatenate([colours.least, np.full(3, -3.0)])
    high = np.concatenate([np.full(count, 3.0), np.full(3, 3.0)])
    found = lsq_linear(root, np.linalg.solve(root.T, right), (low, high)).x
    return found[:count], found[count:]
