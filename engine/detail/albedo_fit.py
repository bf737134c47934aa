"""A head's albedo coefficients and the light on it, told apart by what is likely.

log picture = log albedo(coefficients) + log shading + exposure. Coefficients lie near 0 (a unit
each), light near white, skin is exposed as films expose it, less in a film that lacks white. Where
a film shows something white the light's hue is its hue: then skin's own hue tells how dark it is
better than its brightness, as films open their lens for dark faces.
Ridge least squares in the logarithm, bounded where nobody has less than none of a component; the
shape of the shading and the colours in turns.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from ..geometry import harmonics
from ..head.albedo import Albedo
from .light import fit_light, hue_of, refine_light
from .residual import LUMINANCE

BEARD_GROUND = 0.3  # of the beard's map: where one grows
_BEARD_SAYS = 0.2  # what is dark there may be hair and says little of the light
_ROUNDS = 4
_SHADE_OUTLIER = 0.3  # wide: a side light is no outlier, and half a face may lie in its shade
# Log contrast of what no component explains: the coarse light errs in shade, hardly in hue.
# Sheen and cameras turn the hue of a whole face: many texels don't make it much surer.
_SHADE_NOISE, _HUE_NOISE = 0.3, 0.2
_EFFECTIVE_TEXELS = 25  # independent observations in a face: neighbours repeat each other
# Light on the brighter skin, from this percentile on, white = 1. Above lie lamps from the side, and
# gloss, of which dark skin shows most.
_BRIGHTER, _EXPOSURE, _EXPOSURE_SPREAD = 65, np.log(0.85), 0.1
# Linear: films have something brighter. What one lacks of it, its light lacks; how much, in
# logarithms, is as uncertain as this share of it.
_LEAST_WHITE, _LACK_SPREAD = 0.5, 0.35
_BURNING = 0.6  # log: so much more light than usual makes skin too bright for a film
_DIMMEST = -6.0  # log of the light
_TINT_SPREAD = 0.4  # log: many clips are badly white-balanced
# What is brightest in a film is white for sure, or surely not, by its log hue. The light's hue lies
# so near to that of whites, and faces are exposed as differently as lenses are opened.
_WHITE_FOR_SURE, _WHITES_SPREAD, _LENS_SPREAD = (0.12, 0.25), 0.15, 0.25
_HUE_OF_WHITES = 0.7  # share of what skin tells of the light's hue against them
_GREY = np.full((3, 3), 1 / 3)
_PLAIN_SKIN = np.array([0.50, 0.25, 0.16])  # linear reflectance, for heads without a model


@dataclass(frozen=True)
class Colours:
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
    white: float  # linear: how bright the film gets anywhere
    burnt: float  # share of the skin that is too bright for it: none of the P texels
    whites: np.ndarray | None = None  # (3,) log hue of what is brightest; None: it tells nothing

    def reflectance(self, effective: np.ndarray) -> np.ndarray:
        """Log reflectance (P, 3) of a person whose effective coefficients are (A,)."""
        return -np.log1p(np.exp(-self.mean - np.tensordot(effective, self.basis, 1)))


def variation(
    albedo: Albedo | None, maps: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean (P, 3) and basis (A, P, 3) where the maps are (M + K, P), and the bounds."""
    if albedo is None:
        mean = np.tile(np.log(_PLAIN_SKIN / (1 - _PLAIN_SKIN)), (count, 1))
        return mean, np.zeros((0, len(mean), 3)), np.zeros(0), np.zeros(0)
    mean = maps.T @ albedo.mean
    basis = np.einsum("mp,amc->apc", maps, albedo.basis, optimize=True)
    return mean, basis, np.minimum(albedo.low, 0), np.maximum(albedo.low, 0)


def beardless(albedo: Albedo | None, maps: np.ndarray) -> np.ndarray:
    """What texels (P,) whose maps are (M + K, P) say of the light."""
    if albedo is None:
        return np.ones(maps.shape[1])
    return np.where(maps[albedo.maps.index("beard")] > BEARD_GROUND, _BEARD_SAYS, 1.0)


def solve_albedo(colours: Colours) -> tuple[np.ndarray, np.ndarray]:
    """Effective coefficients (A,) and light (9, 3), RGB, in the camera's axes."""
    count = len(colours.basis)
    effective, tint = np.zeros(count), np.zeros(3)
    shape = np.zeros(9)
    for _ in range(_ROUNDS):
        logit = colours.mean + np.tensordot(effective, colours.basis, 1)
        reflectance = 1 / (1 + np.exp(-logit))
        lit = np.exp(colours.seen - np.log(reflectance)) @ LUMINANCE
        shape = fit_light(colours.normals, lit, _SHADE_OUTLIER, colours.smooth)
        shading = np.maximum(harmonics(colours.normals) @ shape, 1e-3)
        bright = np.percentile(shading, _BRIGHTER)
        shape, shading = shape / bright, np.maximum(shading / bright, 0.05)
        gap = colours.seen - np.log(reflectance) - np.log(shading)[:, None] - tint  # (P, 3)
        effective, tint = _step(colours, reflectance, gap, effective, tint)
    tint = tint + np.median(gap, axis=0)  # what is left over all skin is light
    light = shape[:, None] * np.exp(tint)
    ratio = colours.seen - np.log(reflectance)
    return effective, refine_light(colours.normals, ratio, light, colours.trust * colours.smooth)


def light_on_shaven(colours: Colours, effective: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The light (9, 3) once it is known that no beard grows, for effective coefficients (A,).

    What is dark on lip, chin and jaw was no hair then: it tells of the light as all skin does.
    """
    ratio = colours.seen - colours.reflectance(effective)
    return refine_light(colours.normals, ratio, light, colours.trust)


def light_by_whites(light: np.ndarray, whites: np.ndarray | None) -> np.ndarray:
    """The light (9, 3) nearer to the hue of what is surely white (3,).

    What skin has beyond that is its own: a camera's colours may be stronger than any component's.
    """
    hue, sure = _hue_by_whites(whites)
    own = hue_of(light)
    change = _HUE_OF_WHITES * sure * (hue - hue.mean() - own)
    return light * np.exp(change - change @ LUMINANCE)


def _step(
    colours: Colours,
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
    hue, sure = _hue_by_whites(colours.whites)
    precise = (1 - sure) / _TINT_SPREAD**2 + sure / _WHITES_SPREAD**2
    cast_precision = precise * cast.T @ cast
    unusual = min(float(np.log(colours.white / _LEAST_WHITE)), 0.0) + _BURNING * colours.burnt
    spread = _EXPOSURE_SPREAD + sure * (_LENS_SPREAD - _EXPOSURE_SPREAD)
    spread = np.hypot(spread, _LACK_SPREAD * unusual)
    normal[count:, count:] += np.outer(LUMINANCE, LUMINANCE) / spread**2 + cast_precision
    right[count:] += (_EXPOSURE + unusual) * LUMINANCE / spread**2 + cast_precision @ hue

    root = np.linalg.cholesky(normal).T
    low = np.concatenate([colours.least, np.full(3, _DIMMEST)])
    high = np.concatenate([np.full(count, 3.0), np.full(3, 3.0)])
    found = lsq_linear(root, np.linalg.solve(root.T, right), (low, high)).x
    return found[:count], found[count:]


def _hue_by_whites(whites: np.ndarray | None) -> tuple[np.ndarray, float]:
    """The likely log hue (3,) of the light by that of a film's whites, and how sure it is."""
    if whites is None:
        return np.zeros(3), 0.0
    low, high = _WHITE_FOR_SURE
    sure = float(np.clip((high - np.abs(whites).max()) / (high - low), 0, 1))
    return sure * whites, sure
