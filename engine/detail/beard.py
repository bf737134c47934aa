"""The beard's components: as dark as the clip shows lip, chin and jaw."""

import numpy as np

from ..head.albedo import Albedo
from .albedo_fit import BEARD_GROUND, Colours
from .parts import fit_part
from .residual import LUMINANCE

_FEWEST = 30  # texels
_SHARE = 35  # percentile of lightness on a beard's ground: not all of it is beard
_FAINT = 0.15  # log darkness below which a place is bare; twice that is hair for sure


def fit_beard(
    colours: Colours, albedo: Albedo, effective: np.ndarray, own: np.ndarray, lips: np.ndarray
) -> np.ndarray:
    """Effective coefficients (A,) with the beard as dark as the clip shows it on lip, chin, jaw.

    `own` (P, 3) is the log reflectance that the clip shows, `lips` (P,) where it isn't skin.
    """
    names = ("moustache", "goatee", "beard")
    ground = colours.maps[[albedo.maps.index(name) for name in names]] > BEARD_GROUND
    ground[2] &= ~ground[:2].any(0)
    ground &= ~lips
    bare = ~ground.any(0) & ~lips
    zones = [zone for zone in ground if zone.sum() >= _FEWEST]
    if not zones or bare.sum() < _FEWEST:
        return effective
    model = -np.log1p(np.exp(-colours.mean - np.tensordot(effective, colours.basis, 1)))
    missed = np.median((own - model)[bare], axis=0)
    seen, usual, sure = (
        np.array(values)
        for values in zip(*(_hairy(own[zone] - missed, model[zone]) for zone in zones), strict=True)
    )
    sure *= max(0.0, 1 - 2 * colours.burnt)  # of skin that is burnt only what is dark is left
    if len(zones) == len(names):  # a jaw dark by itself is one that hair hangs before
        sure[2] = min(sure[2], sure[:2].max())
    seen = usual + sure[:, None] * (seen - usual)
    maps = np.array([colours.maps[:, zone].mean(1) for zone in zones])
    return fit_part(albedo, effective, "beard", maps, seen)


def _hairy(own: np.ndarray, model: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """A place where hair may grow, by log reflectances (N, 3) seen and the model's.

    Its colour (3,), the median's hue at the lightness of _SHARE; the model's; and how sure it is
    that the first is hair's.
    """
    lightness = own @ LUMINANCE
    seen = np.median(own, axis=0) + np.percentile(lightness, _SHARE) - np.median(lightness)
    usual = np.median(model, axis=0)
    return seen, usual, float(np.clip((usual - seen) @ LUMINANCE / _FAINT - 1, 0, 1))
