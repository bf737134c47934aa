"""The beard's components: as dark as the clip shows lip, chin and jaw, where that is hair.

The shade below a nose, in the folds of a smile and under a chin is as dark as stubble, and in a
blurred or noisy film no hairs show. Two things tell: light that comes out of skin in shade is red,
while hair takes red most; and a beard grows on the upper lip and below it, shade lies on one of
them. Where they don't the face is shaven.
"""

import numpy as np

from ..head.albedo import Albedo
from .albedo_fit import BEARD_GROUND, Colours
from .parts import fit_part
from .residual import LUMINANCE

_GROUNDS = ("moustache", "goatee", "beard")  # maps: upper lip, chin, jaw
_COMPONENTS = ("stubble", *_GROUNDS)
_FEWEST = 30  # texels
_SHARE = 35  # percentile of lightness on a beard's ground: not all of it is beard
# Log darkness, less what is redder than skin, from which on it may be hair and is for sure: of the
# upper lip and another place both, and of one of upper lip and chin. A jaw dark by itself is one
# that hair of the head hangs before.
_GROWN, _ALONE = (0.21, 0.31), (0.5, 0.7)


def fit_beard(
    colours: Colours, albedo: Albedo, effective: np.ndarray, own: np.ndarray, lips: np.ndarray
) -> np.ndarray:
    """Effective coefficients (A,) with the beard as dark as the clip shows it on lip, chin and jaw.

    `own` (P, 3) is the log reflectance that the clip shows, `lips` (P,) where it isn't skin.
    """
    shaven = effective.copy()
    shaven[[albedo.names.index(name) for name in _COMPONENTS if name in albedo.names]] = 0
    ground = colours.maps[[albedo.maps.index(name) for name in _GROUNDS]] > BEARD_GROUND
    ground[2] &= ~ground[:2].any(0)
    ground &= ~lips
    bare = ~ground.any(0) & ~lips
    shown = ground.sum(1) >= _FEWEST
    if not shown.any() or bare.sum() < _FEWEST:
        return shaven
    model, solved = (colours.reflectance(skin) for skin in (shaven, effective))
    missed = np.median((own - model)[bare], axis=0)
    usual = np.array([np.median(model[zone], axis=0) for zone in ground[shown]])
    seen = usual + np.array([_change((own - model)[zone] - missed) for zone in ground[shown]])
    darkness = np.zeros(len(_GROUNDS))
    darkness[shown] = _hairiness(seen - usual)
    sure = _sure(darkness)[shown]
    if not sure.any():
        return shaven
    burnt = min(2 * colours.burnt, 1.0)  # of skin that is burnt only what is dark is left
    left = np.array([np.median(solved[zone], axis=0) for zone in ground[shown]])
    seen = usual + sure[:, None] * (seen + burnt * (left - seen) - usual)
    maps = np.array([colours.maps[:, zone].mean(1) for zone in ground[shown]])
    return fit_part(albedo, shaven, "beard", maps, seen)


def is_shaven(albedo: Albedo, effective: np.ndarray) -> bool:
    """Whether a person of effective coefficients (A,) has no beard at all."""
    return not any(effective[albedo.names.index(n)] for n in _COMPONENTS if n in albedo.names)


def _change(change: np.ndarray) -> np.ndarray:
    """Of log contrasts (N, 3) at a place: the median's hue at the lightness of _SHARE, (3,)."""
    lightness = change @ LUMINANCE
    return np.median(change, axis=0) + np.percentile(lightness, _SHARE) - np.median(lightness)


def _hairiness(change: np.ndarray) -> np.ndarray:
    """How much darker places are, log contrasts (Z, 3), without what light from within explains."""
    return -(change @ LUMINANCE) - (change[:, 0] - change[:, 1])


def _sure(darkness: np.ndarray) -> np.ndarray:
    """How sure it is that hair grows on upper lip, chin and jaw, by their darkness (3,): (3,)."""
    lip, chin, jaw = darkness
    pair = np.interp(min(lip, max(chin, jaw)), _GROWN, (0, 1))
    return np.maximum(pair, np.interp(max(lip, chin), _ALONE, (0, 1))) * (darkness > 0)
