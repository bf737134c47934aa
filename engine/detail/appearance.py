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
from ..weights import FOLDER
from .folds import bare_of_eyes
from .light import fit_light
from .residual import LUMINANCE
from .skin import Canvas, median_of_seen, prepare_canvas, sample_frames, views
from .unwrap import cut_window

_FRAMES = 12
_TEXELS = 160  # across the face: colours don't need more
_ROUNDS = 4
# Log contrast of what no component explains: the coarse light errs in shade, hardly in hue.
_SHADE_NOISE, _HUE_NOISE = 0.3, 0.1
_EFFECTIVE_TEXELS = 25  # independent observations in a face: neighbours repeat each other
_EXPOSURE, _EXPOSURE_SPREAD = np.log(0.85), 0.1  # light on the brighter skin, white = 1
_TINT_SPREAD = 0.4  # log: many clips are badly white-balanced
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


def estimate_appearance(
    clip: Clip, track: FaceTrack, params: FaceParams, head: Head
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo coefficients (A,) and light (9, 3) RGB, camera axes (`light.harmonics`).

    The light lights linear reflectance: linear picture = reflectance * (harmonics @ light).
    Zeros and a plain frontal light when the clip shows too little skin.
    """
    albedo = load_albedo(FOLDER / head.file.albedo_file) if head.file.albedo_file else None
    count = len(albedo.names) if albedo else len(params.albedo)
    frames = sample_frames(track, _FRAMES)
    if not len(frames):
        return np.zeros(count), _plain_light()
    canvas = prepare_canvas(head, params, frames, _TEXELS)
    colours = _gather(clip, track, params, canvas, frames, albedo)
    if len(colours.seen) < 200:
        return np.zeros(count), _plain_light()
    effective, light = _solve(colours)
    if not albedo:
        return np.zeros(count), light
    return np.where(effective > 0, effective + colours.threshold, effective), light


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
    albedo: Albedo | None,
) -> _Colours:
    size = canvas.sheet.size
    pictures = np.zeros((3, len(frames), size, size), np.float32)
    weights = np.zeros((len(frames), size, size), np.float32)
    normals = np.zeros((size, size, 3), np.float32)
    for k, view in enumerate(views(clip, track, params, canvas, frames)):
        pictures[:, k] = np.moveaxis(view.colour, -1, 0)
        weights[k] = view.seen
        normals += view.surface.normal * view.seen[..., None]
    medians = [median_of_seen(picture, weights > 0.3) for picture in pictures]
    colour, trust = (
        np.stack([m for m, _ in medians], -1),
        medians[0][1] * bare_of_eyes(canvas.sheet),
    )
    used = (trust > 0.3) & (colour.max(-1) < 0.95)  # burnt-out texels have lost their colour
    length = np.linalg.norm(normals[used], axis=1, keepdims=True)
    mean, basis, least, threshold = _model(albedo, canvas, used)
    return _Colours(
        np.log(np.maximum(colour[used], 2e-3)), normals[used] / np.maximum(length, 1e-6),
        trust[used], mean, basis, least, threshold,
    )  # fmt: skip


def _model(
    albedo: Albedo | None, canvas: Canvas, used: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean (P, 3) and basis (A, P, 3) at the used texels, and the coefficients' bounds."""
    if albedo is None:
        mean = np.tile(np.log(_PLAIN_SKIN / (1 - _PLAIN_SKIN)), (int(used.sum()), 1))
        return mean, np.zeros((0, len(mean), 3)), np.zeros(0), np.zeros(0)
    maps = _sample_maps(albedo, canvas)[:, used]  # (M + K, P)
    mean = maps.T @ albedo.mean
    basis = np.einsum("mp,amc->apc", maps, albedo.basis, optimize=True)
    return mean, basis, np.minimum(albedo.low, 0), np.maximum(albedo.low, 0)


def _sample_maps(albedo: Albedo, canvas: Canvas) -> np.ndarray:
    """Every map of the model in the face's window, (M + K, R, R), with its gate."""
    window, size = canvas.sheet.window, canvas.sheet.size
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
        shape = fit_light(colours.normals, lit)
        shading = np.maximum(harmonics(colours.normals) @ shape, 1e-3)
        bright = np.percentile(shading, 80)
        shape, shading = shape / bright, np.maximum(shading / bright, 0.05)
        gap = colours.seen - np.log(reflectance) - np.log(shading)[:, None] - tint  # (P, 3)
        effective, tint = _step(colours, reflectance, gap, effective, tint)
    tint = tint + np.median(gap, axis=0)  # what is left over all skin is light
    return effective, shape[:, None] * np.exp(tint)


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
