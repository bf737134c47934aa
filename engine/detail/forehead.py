"""How low hair comes on the forehead: a line over its columns, by colour.

Seen from the head's middle the forehead is a map of directions. In each of its columns colour turns
from hair to skin somewhere; neighbours agree where. Hair that begins no lower than the model's is
left to `hairline`; lower hair has to be seen clearly, as shade is no fringe.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from ..exchange.fringe import FRINGE_AT
from ..exchange.skull import from_skull
from ..geometry import embed, harmonics, project, vertex_normals
from ..head.model import FaceParams, Head
from ..render import interpolate, rasterize
from ..srgb import linear_from_srgb
from .not_hair import is_bald, is_hat
from .strand_flow import parting_by_flow, see_flow
from .viterbi import likeliest_line

COLUMNS = np.arange(-60.0, 61, 4)  # degrees round the head, from the front
_ROWS = np.arange(24.0, 100, 1.5)  # degrees from the top of the head
_FACING = 0.25  # cosine: what is seen more slantwise may be the background
_SHADE = 0.5, 1.2  # of the light on a surface that faces the camera: harmonics err up there
_LIT = 0.3, 2.0  # of it: with less skin looks as dark as hair, with more hair as light as skin
_DARKEST = 4e-3  # linear reflectance
_CONTRAST = 0.8  # log between hair and skin: with less of it shade passes for hair
_ABOVE_BROWS = 3.0  # degrees that aren't looked at
_DOUBT = 0.03  # of a row for each degree: hair is near where the model has it
_BEND, _STEP = 0.12, 1.5  # of a row for each degree between neighbours; rows: the most
_LEAST = 5.0  # degrees of hair below the model's line, in some columns
_HAIRED, _BARE = 0.6, 0.4  # means of how like hair it is above the line and below it
_FEWEST, _CLEARLY = 4, 8.0  # columns side by side, and degrees in one of them
_LIKE_SKIN = 0.35  # log contrast to the skin below which nothing is hair
_HIGHEST = 28.0  # degrees above the model's hairline; beyond that lies the crown
_PARTING_COLUMNS, _BESIDE_PARTING = 5, 9  # columns: wider than it, and with what lies beside it
_PARTING_REACHES = 18.0  # degrees to either side
_PARTED, _PARTED_WITHIN = 6.0, 36.0  # degrees: how high, and how far from the front
_LYING = 4.0, 22.0  # degrees above the line: the hair that tells which way it lies
_SOFT, _SOFTER = np.array([1, 2, 1]) / 4, np.array([1, 2, 3, 2, 1]) / 9


@dataclass(frozen=True)
class Forehead:
    """The map of a person's forehead: R rows, C columns."""

    places: tuple[np.ndarray, np.ndarray]  # faces (R, C) and barycentric weights (R, C, 3)
    line: np.ndarray  # (C,) degrees from the top down to which the model has hair
    brows: np.ndarray  # (C,) degrees from the top above which it is looked at


@dataclass(frozen=True)
class ForeheadSight:
    """What a frame shows of that map."""

    colour: np.ndarray  # (R, C, 3) linear; NaN where it is unseen
    normal: np.ndarray  # (R, C, 3) unit, camera axes
    flow: np.ndarray  # (R, C, 2) `see_flow`'s


@dataclass(frozen=True)
class Front:
    """Where hair ends over a face: C columns."""

    rises: np.ndarray  # (C,) degrees that it begins above the model's line
    falls: np.ndarray | None = None  # (len(FRINGE_AT),) as `comb` takes it
    parting: float | None = None  # degrees round the head, 0 in the middle; None: not parted
    bald: bool = False


def map_forehead(head: Head, rest: np.ndarray, cover: np.ndarray) -> Forehead:
    """The forehead of a person (V, 3) at rest; `cover` (V,) is the model's hair, 0 to 1."""
    file = head.file
    top, round_, away = from_skull(file, rest, rest)
    corners = np.column_stack(
        [
            (round_ - COLUMNS[0]) / np.diff(COLUMNS)[0] + 0.5,
            (top - _ROWS[0]) / np.diff(_ROWS)[0] + 0.5,
            1 - away,
        ]
    )
    front = np.abs(round_) < 100  # degrees: not across the back of the head
    front &= file.masks["skin"] & ~file.masks["ears"]
    used = front[file.faces].all(axis=1, keepdims=True)
    faces = np.where(used, file.faces, 0)  # 0, 0, 0 covers nothing
    places = rasterize(corners, faces, (len(COLUMNS), len(_ROWS)))
    haired = interpolate(cover[:, None], file.faces, *places)[..., 0] > 0.5
    edges = embed(rest, file.faces, file.landmarks_68)[17:27]
    lowest, beside, _ = from_skull(file, rest, edges)
    order = np.argsort(beside)
    brows = np.interp(COLUMNS, beside[order], lowest[order]) - _ABOVE_BROWS
    line = _ROWS[np.argmin(np.vstack([haired, np.zeros(haired.shape[1])]), axis=0) - 1]
    return Forehead(places, np.minimum(line, brows), brows)


def see_forehead(
    picture: np.ndarray,
    params: FaceParams,
    head: Head,
    rest: tuple,
    frame: int,
    forehead: Forehead,
) -> ForeheadSight:
    """What a picture (H, W, 3) uint8 sRGB shows of the forehead."""
    vertices, faces = head.camera_frame(params, frame, rest), head.file.faces
    normals = interpolate(vertex_normals(vertices, faces), faces, *forehead.places)
    points = interpolate(vertices, faces, *forehead.places)
    size = picture.shape[1::-1]
    shown = forehead.places[0] >= 0
    points[~shown] = (0, 0, -1)
    towards = -points / np.linalg.norm(points, axis=-1, keepdims=True)
    place = project(points.reshape(-1, 3), params.focal, size).reshape(*shown.shape, 2)
    seen = shown & ((normals * towards).sum(-1) > _FACING)
    seen &= ((place >= 0) & (place < size)).all(-1)
    column, row = np.moveaxis(np.where(seen[..., None], place, 0).astype(int), -1, 0)
    colour = linear_from_srgb(picture[row, column])
    flow = see_flow(picture, place, seen, _ROWS, COLUMNS)
    return ForeheadSight(np.where(seen[..., None], colour, np.nan), normals, flow)


def find_front(
    sights: list[ForeheadSight],
    forehead: Forehead,
    light: np.ndarray,
    skin: np.ndarray,
    hair: np.ndarray | None,
    stands: bool = False,
) -> Front:
    """Where hair ends on the forehead; where the model has it, in doubt.

    Args:
        sights: Of some frames.
        forehead: The map.
        light: (9, 3).
        skin: (3,) log reflectance of the skin.
        hair: (3,) of the hair; None where the head shows none or can't be told.
        stands: Whether something is seen to stand off the skull: then nobody is bald.
    """
    own, known = _reflectance(sights, light)
    if hair is None:
        bald = not stands and is_bald(own, known, _ROWS, forehead.line, forehead.brows)
        return Front(np.zeros(len(COLUMNS)), bald=bald)
    contrast, haired = _likeness(own, skin, hair)
    if contrast < _LIKE_SKIN:
        return Front(np.zeros(len(COLUMNS)))
    known = known & (_ROWS[:, None] < forehead.brows)
    if contrast < _CONTRAST:  # both sides together
        both = np.stack([np.where(known, haired, np.nan)[:, ::way] for way in (1, -1)])
        count = np.isfinite(both).sum(0)
        haired, known = np.nansum(both, 0) / np.maximum(count, 1), count > 0
    line = _line(haired, known, forehead)
    if contrast < _CONTRAST:
        return Front(_rises(line, forehead))
    dark = (hair - skin).mean() < 0  # a shine on the forehead is no fair fringe
    falls = _falls(line, haired, known, forehead) if dark else None
    parting = _parting(line)
    if parting is None:
        above = line - _ROWS[:, None]
        lying = known & (haired > _HAIRED) & (above > _LYING[0]) & (above < _LYING[1])
        parting = parting_by_flow(np.mean([sight.flow for sight in sights], 0), lying, COLUMNS)
    return Front(_rises(line, forehead, parting), falls, parting)


def find_hat(
    sights: list[ForeheadSight],
    forehead: Forehead,
    light: np.ndarray,
    skin: np.ndarray,
    hair: np.ndarray,
) -> bool:
    """Whether what passes for hair, (3,) log reflectance, is a hat; arguments as `find_front`'s."""
    own, known = _reflectance(sights, light)
    known &= _ROWS[:, None] < forehead.brows
    contrast, haired = _likeness(own, skin, hair)
    if contrast < _LIKE_SKIN:
        return False
    line = _line(haired, known, forehead)
    return is_hat(own, known, _ROWS, line, forehead.line, forehead.brows)


def _likeness(own: np.ndarray, skin: np.ndarray, hair: np.ndarray) -> tuple[float, np.ndarray]:
    """The log contrast of hair (3,) to skin (3,); how like hair places (R, C, 3) are, (R, C)."""
    towards = hair - skin
    share = (own - skin) @ towards / max(float(towards @ towards), 1e-9)
    return float(np.sqrt(np.mean(towards**2))), np.clip(share, 0, 1)


def _rises(line: np.ndarray, forehead: Forehead, parting: float | None = None) -> np.ndarray:
    """Degrees that hair begins above the model's line, (C,): a parting is no hairline."""
    broad = median_filter(line, _PARTING_COLUMNS, mode="nearest")
    rises = np.clip(forehead.line - broad, 0, _HIGHEST)
    if parting is not None:
        beside = np.abs(COLUMNS - parting) > _PARTING_REACHES
        rises = np.minimum(rises, np.interp(COLUMNS, COLUMNS[beside], rises[beside]))
    return np.convolve(np.pad(rises, 2, mode="edge"), _SOFTER, mode="valid")


def _falls(
    line: np.ndarray, haired: np.ndarray, known: np.ndarray, forehead: Forehead
) -> np.ndarray | None:
    """Degrees from the top of the head where hair ends at `FRINGE_AT`, 0 where it doesn't fall.

    None where it nowhere does.
    """
    above = known & (_ROWS[:, None] < line) & (_ROWS[:, None] > forehead.line)
    below = known & (_ROWS[:, None] > line)
    sure = (_mean(haired, above, 0) > _HAIRED) & (_mean(haired, below, 0) < _BARE)
    lower = line - forehead.line
    falls = sure & (lower > _LEAST) & (np.abs(COLUMNS) <= FRINGE_AT[-1])
    falls = _runs(falls, lower)
    if not falls.any():
        return None
    lower = np.convolve(np.pad(np.where(falls, lower, 0), 1, mode="edge"), _SOFT, mode="valid")
    lower, model = (np.interp(FRINGE_AT, COLUMNS, x) for x in (lower, forehead.line))
    return np.where(lower > _LEAST / 2, model + lower, 0).astype(np.float32)


def _parting(line: np.ndarray) -> float | None:
    """Degrees round the head where skin goes up into the hair, None where it does nowhere."""
    up = median_filter(line, _BESIDE_PARTING, mode="nearest") - line
    up[np.abs(COLUMNS) > _PARTED_WITHIN] = 0
    return float(COLUMNS[np.argmax(up)]) if up.max() > _PARTED else None


def _reflectance(sights: list[ForeheadSight], light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median log reflectance (R, C, 3), and whether enough frames show it in the light, (R, C)."""
    colour = np.stack([sight.colour for sight in sights])
    normal = np.stack([sight.normal for sight in sights])
    usual = harmonics(np.array([[0.0, 0, 1]])) @ light
    shade = harmonics(normal.reshape(-1, 3)) @ light
    bright = (shade / usual).mean(1).reshape(normal.shape[:3])
    shade = np.clip(shade, _SHADE[0] * usual, _SHADE[1] * usual).reshape(colour.shape)
    known = np.isfinite(colour[..., 0]).mean(0) > 1 / 3
    own = np.zeros((*known.shape, 3))
    seen = np.log(np.clip(colour[:, known] / shade[:, known], _DARKEST, 1))
    own[known] = np.nanmedian(seen, axis=0)
    lit = np.median(bright, axis=0)
    return own, known & (lit > _LIT[0]) & (lit < _LIT[1])


def _line(haired: np.ndarray, known: np.ndarray, forehead: Forehead) -> np.ndarray:
    """Degrees from the top where hair ends in each column, (C,): the likeliest line of all."""
    ends = _ROWS[:, None]  # (R, 1)
    above = _ROWS[None] < ends  # (R ends, R rows)
    wrong = np.where(known[None], np.abs(haired[None] - above[..., None]), 0).sum(1)  # (R, C)
    wrong += _DOUBT * np.abs(ends - forehead.line)
    wrong[(ends > forehead.brows) & (ends > forehead.line)] = 1e3
    bend = np.minimum(_BEND * np.abs(ends - ends.T), _STEP)
    return _ROWS[likeliest_line(wrong.T, bend)]


def _mean(values: np.ndarray, where: np.ndarray, empty: float) -> np.ndarray:
    """Each column's mean (C,) of values (R, C) where they count; `empty` where none does."""
    count = where.sum(0)
    return np.where(count, (values * where).sum(0) / np.maximum(count, 1), empty)


def _runs(falls: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """What falls in so many neighbours at once, and clearly in one of them, (C,) bool."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], falls, [0]])))
    out = np.zeros(len(falls), bool)
    for first, last in ends.reshape(-1, 2):
        out[first:last] = last - first >= _FEWEST and lower[first:last].max() > _CLEARLY
    return out
