"""The hair's colour: of what lies on the scalp and of what stands above it."""

from collections.abc import Iterable

import cv2
import numpy as np

from ..geometry import harmonics, project, vertex_normals
from ..head.albedo import Albedo
from ..head.model import FaceParams, Head
from ..srgb import linear_from_srgb, srgb_from_linear
from .light import hue_of
from .paint import DARKEST, own_hues
from .parts import Sight, joined, log_reflectance

_HAIR_FACING = 0.25  # cosine: hair seen more slantwise may be the background
_HAIR_SHADE = 0.8, 1.2  # of the face's median shading: harmonics err where none was fitted
_BRIGHTEST_HAIR = -0.3  # log reflectance: white hair is darker, hats are not
_LIKE_SKIN = 0.35  # log contrast to the skin below which it is no hair
_HAIR_SHARE = 0.6  # of what is seen of the scalp, for its colour to count as the hair's
_FEWEST_ON_SCALP, _FEW = 20, 8  # samples; so few count where nothing else tells
_ALIKE = 0.9  # share of the few that must be hair
UNMIRRORED = 0.7  # share of it, the darker one: the rest may mirror the light
_CAST, _TAN = 0.5, 0.4  # the share of a slight hue; log: how far skins' own go
# How much of the way from red to blue green lies, from and to; log: what is farther off is dyed.
_GREENS, _DYED = (0.65, 0.35), 0.5
_DENSE = 0.9  # of the cap: no skin shines through
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


def hair_colour(
    sights: Iterable[Sight],
    standing: np.ndarray,
    light: np.ndarray,
    skin: np.ndarray,
    as_skin: bool = False,
    darker: float = 1.0,
) -> np.ndarray | None:
    """Log reflectance (3,) of the hair; None when the scalp is bare, unseen or in doubt.

    That of hair as it looks, with its shades and its sheen: of what lies on the scalp and of what
    stands above it, in equal parts where both are seen. A slightly warm light is in part skin that
    is tanned or made up, taken for light: hair under it keeps a share of that hue. A strong hue is
    the light's.

    Args:
        sights: What lies on the scalp.
        standing: (n, 3) linear colours above the skull's outline, NaN where no hair is: they tell
            of the hair on heads seen from below.
        light: (9, 3).
        skin: (3,) log reflectance of the skin.
        as_skin: Whether it is hair though it looks like skin: white hair in a film without colours.
        darker: Share of it that tells: `UNMIRRORED` for hair beneath its sheen, 1 as it looks.
    """
    seen = _seen_colour(sights, standing, light, skin, as_skin, darker)
    if seen is None or seen.mean() > _BRIGHTEST_HAIR:
        return None
    hue = hue_of(light)
    kept = _CAST / np.hypot(1, np.abs(hue).max() / _TAN)
    return _natural(seen + kept * hue if hue[0] > hue[2] else seen)


def _seen_colour(
    sights: Iterable[Sight],
    standing: np.ndarray,
    light: np.ndarray,
    skin: np.ndarray,
    as_skin: bool,
    darker: float,
) -> np.ndarray | None:
    """Log reflectance (3,) of what lies on the scalp and stands above it, where that is hair.

    Arguments as `hair_colour`'s.
    """
    lying, normal = joined(sights)
    lying = _own(lying, normal, light)
    hairy = np.isfinite(standing[:, 0])
    stands = hairy.sum() >= _FEWEST_ON_SCALP and hairy.mean() >= _HAIR_SHARE
    standing = _own(standing[hairy], _ON_TOP, light)
    if len(lying) < _FEWEST_ON_SCALP and stands:
        lying, share = standing, _HAIR_SHARE
    elif len(lying) >= _FEW:
        share = _HAIR_SHARE if len(lying) >= _FEWEST_ON_SCALP else _ALIKE
    else:
        return None
    hair = _unlike(lying, skin)
    if hair.mean() > share:
        lying = lying[hair]
    elif not as_skin:
        return None
    found = _usual(lying, darker)
    beside = standing[_unlike(standing, skin)]
    if stands and len(beside) >= _FEWEST_ON_SCALP:
        found = (found + _usual(beside, darker)) / 2
    return found


def _usual(own: np.ndarray, darker: float) -> np.ndarray:
    """The median (3,) of the darker share of log reflectances (n, 3)."""
    first = np.argsort(own.mean(1))[: max(int(darker * len(own)), 1)]
    return np.median(own[first], axis=0)


def _natural(own: np.ndarray) -> np.ndarray:
    """A log reflectance (3,) of hair in a hue that hair has.

    Pigment and white strands throw back less blue than red and a share between of green: what
    differs a little is light's, what differs much is dye.
    """
    red, green, blue = own
    blue = min(red, blue)
    low, high = (red + share * (blue - red) for share in _GREENS)
    natural = np.array([red, np.clip(green, low, high), blue])
    return own if np.abs(natural - own).max() > _DYED else natural - natural.mean() + own.mean()


def _own(colour: np.ndarray, normal: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Log reflectance (n, 3) of what is seen in linear colours (n, 3) in a light (9, 3)."""
    usual = harmonics(np.array([[0.0, 0, 1]])) @ light  # of a surface that faces the camera
    shade = np.clip(harmonics(normal) @ light, _HAIR_SHADE[0] * usual, _HAIR_SHADE[1] * usual)
    return log_reflectance(colour / shade)


def _unlike(own: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Which log reflectances (n, 3) differ from the skin's (3,), (n,) bool."""
    return np.abs(own - skin).max(1) > _LIKE_SKIN


def paint_hair(texture: np.ndarray, seen: np.ndarray, grey: float, albedo: Albedo) -> np.ndarray:
    """The texture with the scalp's hair in the clip's colour.

    The albedo's components end before black hair, red or dyed.

    Args:
        texture: (n, n, 3) uint8 sRGB, the whole sheet.
        seen: (3,) log reflectance of the hair.
        grey: 0 to 1, how far the film has no hues of its own.
        albedo: Whose sheet it is.

    Returns:
        (n, n, 3) uint8 sRGB.
    """
    side = (len(texture), len(texture))
    cap = albedo.sharp[albedo.maps.index("hair")]
    share = cv2.resize(cap, side, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    where = share > 0
    before = linear_from_srgb(texture[where])
    model = np.log(np.maximum(np.median(before[share[where] > _DENSE], axis=0), DARKEST))
    change = (own_hues(seen, model, grey) - model) * share[where][:, None]
    out = texture.copy()
    out[where] = srgb_from_linear(before * np.exp(change))
    return out


def hair_maps(albedo: Albedo, head: Head) -> np.ndarray:
    """(M + K,) the albedo's maps, their mean over the scalp where hair covers it."""
    file = head.file
    corners = file.uv_faces[file.masks["scalp"][file.faces].all(1)]
    values = albedo.read(file.uv[np.unique(corners)])
    covered = values[0] < 0.5 * albedo.ranges[0, 1]  # the first map is bare skin
    return values[:, covered if covered.any() else slice(None)].mean(1)
