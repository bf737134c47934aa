"""The hair's colour: what lies on the scalp or stands above it, without its sheen."""

from collections.abc import Iterable

import numpy as np

from ..geometry import harmonics, project, vertex_normals
from ..head.albedo import Albedo
from ..head.model import FaceParams, Head
from ..srgb import linear_from_srgb
from .parts import DARKEST, Sight, hue_of, joined, log_reflectance

_HAIR_FACING = 0.25  # cosine: hair seen more slantwise may be the background
_HAIR_SHADE = 0.8, 1.2  # of the face's median shading: harmonics err where none was fitted
# Percentiles of lightness: what is lighter shines, as white as the light; what is darker shows its
# own hue.
_SHEEN, _OWN_HUE = 80, 35
_COLOURED = 1.1  # red over blue, from which on sheen can be told
_CAST = 0.75  # of a warm light's hue: the rest may be skin that is tanned
_BRIGHTEST_HAIR = -0.4  # log reflectance: white hair is darker, hats are not
_LIKE_SKIN = 0.35  # log contrast to the skin below which it is no hair
_HAIR_SHARE = 0.6  # of what is seen of the scalp, for its colour to count as the hair's
_FEWEST_ON_SCALP, _FEW = 20, 8  # samples; so few count where nothing else tells
_ALIKE = 0.9  # share of the few that must be hair
_ON_TOP = np.array([[0.0, 0.8, 0.6]])  # where what stands on top of the head looks


def see_hair(picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int) -> Sight:
    """What a picture (H, W, 3) uint8 shows where the head's scalp faces the camera."""
    scalp = np.flatnonzero(head.file.masks.get("scalp", np.zeros(len(rest[0]), bool)))
    vertices = head.camera_frame(params, frame, rest)
    normals = vertex_normals(vertices, head.file.faces)[scalp]
    towards = -vertices[scalp] / np.linalg.norm(vertices[scalp], axis=1, keepdims=True)
    size = picture.shape[1::-1]
    column, row = np.floor(project(vertices[scalp], params.focal, size)).astype(int).T
    seen = ((normals * towards).sum(1) > _HAIR_FACING) & (np.minimum(column, row) >= 0)
    seen &= (column < size[0]) & (row < size[1])
    return Sight(linear_from_srgb(picture[row[seen], column[seen]]), normals[seen])


def hair_samples(
    sights: Iterable[Sight],
    standing: np.ndarray,
    light: np.ndarray,
    skin: np.ndarray,
    as_skin: bool = False,
) -> np.ndarray | None:
    """Log reflectances (n, 3) of the hair; None when the scalp is bare, unseen or in doubt.

    Args:
        sights: What lies on the scalp.
        standing: (n, 3) linear colours above the skull's outline, NaN where no hair is: they tell
            of the hair on heads seen from below.
        light: (9, 3).
        skin: (3,) log reflectance of the skin.
        as_skin: Whether it is hair though it looks like skin: white hair in a film without colours.
    """
    colour, normal = joined(sights)
    share = _HAIR_SHARE
    if len(colour) < _FEWEST_ON_SCALP:
        hairy = np.isfinite(standing[:, 0])
        if hairy.sum() >= _FEWEST_ON_SCALP and hairy.mean() >= _HAIR_SHARE:
            colour, normal = standing[hairy], _ON_TOP
        elif len(colour) >= _FEW:
            share = _ALIKE
        else:
            return None
    usual = harmonics(np.array([[0.0, 0, 1]])) @ light  # of a surface that faces the camera
    shade = np.clip(harmonics(normal) @ light, _HAIR_SHADE[0] * usual, _HAIR_SHADE[1] * usual)
    own = log_reflectance(colour / shade)
    hair = np.abs(own - skin).max(1) > _LIKE_SKIN
    if hair.mean() > share:
        own = own[hair]
    elif not as_skin:
        return None
    return own if np.median(own, axis=0).mean() < _BRIGHTEST_HAIR else None


def matt_hair(samples: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The hair's own log reflectance (3,) by samples (n, 3), without its sheen, in a light (9, 3).

    What shines is as white as the light (Shafer 1985): brown hair is the browner the darker it is
    seen, white hair is not. A warm light is in part skin that is tanned or made up,
    which the model takes for light: hair under it keeps a share of that hue.
    """
    lightness = samples.mean(1)
    usual, dark = (
        np.median(samples[lightness <= np.percentile(lightness, share)], axis=0)
        for share in (_SHEEN, _OWN_HUE)
    )
    own = dark - dark.mean() + np.clip(_body(usual, dark), dark.mean(), usual.mean())
    hue = hue_of(light)
    return own + _CAST * hue if hue[0] > hue[2] else own


def _body(usual: np.ndarray, dark: np.ndarray) -> float:
    """How light (log) hair is whose sheen turns the red over blue of `dark` (3,) into `usual`'s."""
    ratio = np.exp(dark[0] - dark[2])
    if ratio < _COLOURED:
        return float(usual.mean())
    red, _, blue = np.exp(usual)
    sheen = max((ratio * blue - red) / (ratio - 1), 0.0)
    return float(np.log(np.maximum(np.exp(usual) - sheen, DARKEST)).mean())


def hair_maps(albedo: Albedo, head: Head) -> np.ndarray:
    """(M + K,) the albedo's maps, their mean over the scalp where hair covers it."""
    file = head.file
    corners = file.uv_faces[file.masks["scalp"][file.faces].all(1)]
    values = albedo.read(file.uv[np.unique(corners)])
    covered = values[0] < 0.5 * albedo.ranges[0, 1]  # the first map is bare skin
    return values[:, covered if covered.any() else slice(None)].mean(1)
