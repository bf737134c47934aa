"""How far the hair stands off the skull, by the film's outline of it, and how far down it hangs.

The skull under the hair is the model's guess; from its outline in the picture rays go outward
over hair into the background. Where on a ray the colour turns from that of its inner end to that
of its outer one, the hair ends. One thickness a direction, the same left and right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..geometry import project, rotation_matrix, vertex_normals
from ..head.albedo import load_albedo
from ..head.model import FaceParams, Head
from ..weights import FOLDER
from .hairline import model_cover, upper_head
from .hanging import (
    DARKEST,
    UNSEEN,
    Palette,
    Sides,
    away_from,
    log_colours,
    see_sides,
)

_DIRECTIONS = np.arange(-60.0, 61, 10)  # degrees from the top of the head towards the ears
_SECTOR = 7.0  # degrees either side, in which the outline is looked for
_STEP_MM = 1.5
_STEPS_MM = np.arange(-14.0, 80, _STEP_MM)  # along a ray, 0 on the skull's outline
_INNER_MM, _OUTER_MM = -4.0, 14.0  # hair for sure; length of the background's stretch
_NEAREST_BACK_MM = 26.0  # the background's stretch begins no nearer
_WHOLE = 0.7  # share of the stretch that the picture must show
_FEWEST_SAMPLES = 30  # of hair, of background
_FACING = 0.5  # cosine: skin seen more slantwise may lie under hair
_USUAL_MM, _DOUBT = 12.0, 0.02  # of a sample for each mm
_THINNEST, _THICKEST = 3.0, 32.0  # mm
_FEWEST = 2  # rays of a direction
_LOWER = 1.5  # times the direction: at the sides a strand's tip lies so much lower than its root
_NAPE_MM, _AT_NAPE = 60.0, 0.4  # below the ears hair gets thinner, down to this share
# Share of the thickness at the hairline, and how far behind it is whole, beside and in front: over
# a forehead hair stands up. In front begins, m before the ears, and is.
_AT_EDGE, _RISE_MM, _IN_FRONT = (0.25, 0.3), (30.0, 20.0), (0.02, 0.06)
_CLEARLY_MM, _CLEAR_SHARE = 24.0, 70  # percentile of the rays that end farther out: no bald skull
# What stands on top of the skull: degrees from the top, mm above the outline, and the log contrast
# to skin and background from which on it is hair.
_TOP, _STANDS_MM, _UNLIKE = 30, 5.0, 0.4


@dataclass(frozen=True)
class Outline:
    """What a frame tells of the hair's outline; NaN where it can't tell."""

    ends: np.ndarray  # (D,) mm above the skull where hair ends on each ray
    sides: Sides  # what lies over the ears and beside the neck
    standing: np.ndarray  # (n, 3) linear colours above the skull's outline; NaN where no hair is


def see_outline(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> Outline:
    """The outline of the hair in a picture (H, W, 3) uint8 of a frame."""
    rays = _rays(picture, params, head, rest, frame)
    hair, back = _ends_of_rays(rays)
    if min(len(hair), len(back)) < _FEWEST_SAMPLES:
        return Outline(np.full(len(rays), np.nan), UNSEEN, np.zeros((0, 3)))
    skin = log_colours(picture, _bare_skin(picture, params, head, rest, frame))
    skin = skin[np.isfinite(skin[:, 0])]
    if len(skin) < _FEWEST_SAMPLES:
        return Outline(_ends(rays, hair, back), UNSEEN, np.zeros((0, 3)))
    sides = see_sides(picture, params, head, rest, frame, Palette(hair, back, skin))
    return Outline(_ends(rays, hair, back), sides, _standing(rays, back, skin))


def _bare_skin(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> np.ndarray:
    """Places (n, 2) px of cheeks and nose; over the cheeks' rims may lie hair."""
    masks = head.file.masks
    skin = masks["cheeks"] | masks["nose"]
    posed = head.camera_frame(params, frame, rest)
    normals = vertex_normals(posed, head.file.faces)[skin]
    towards = -posed[skin] / np.linalg.norm(posed[skin], axis=1, keepdims=True)
    seen = (normals * towards).sum(1) > _FACING
    return project(posed[skin][seen], params.focal, picture.shape[1::-1])


def _standing(rays: np.ndarray, back: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Linear colours (n, 3) on top of the skull by rays (D, m, 3); NaN where like skin or back."""
    above = (_STEPS_MM >= 0) & (_STEPS_MM < _STANDS_MM)
    seen = rays[np.abs(_DIRECTIONS) <= _TOP][:, above].reshape(-1, 3)
    seen = seen[np.isfinite(seen[:, 0])]
    unlike = np.minimum(away_from(back, seen), away_from(skin, seen)) > _UNLIKE
    return np.where(unlike[:, None], np.exp(seen) - DARKEST, np.nan)


def _rays(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> np.ndarray:
    """Log colours along rays from the skull's outline (D, n, 3); NaN outside the picture."""
    size = np.array(picture.shape[1::-1])
    upper = upper_head(head)
    vertices = head.camera_frame(params, frame, rest)
    middle = vertices[head.file.masks["ears"]].mean(0)
    places = project(np.vstack([vertices[upper], middle]), params.focal, tuple(size))
    centre, away = places[-1], places[:-1] - places[-1]
    turn = rotation_matrix(params.head_pose[frame])
    up, side = (turn[:2, k] * [1, -1] for k in (1, 0))  # on the picture
    angle = np.degrees(np.arctan2(away @ side, away @ up))
    radius = np.linalg.norm(away, axis=1)
    per_mm = 1e-3 * params.focal / -middle[2]  # px
    rays = np.full((len(_DIRECTIONS), len(_STEPS_MM), 3), np.nan)
    for ray, direction in zip(rays, _DIRECTIONS, strict=True):
        near = np.abs(angle - direction) < _SECTOR
        if not near.any():
            continue
        outward = np.cos(np.radians(direction)) * up + np.sin(np.radians(direction)) * side
        outward /= np.linalg.norm(outward)
        along = centre + outward * (radius[near].max() + per_mm * _STEPS_MM[:, None])
        ray[:] = log_colours(picture, along)
    return rays


def _outer(rays: np.ndarray) -> np.ndarray:
    """Which samples (D, n) of rays are the background's for sure."""
    whole = np.isfinite(rays[..., 0])
    last = np.where(whole, _STEPS_MM, -np.inf).max(1)
    return whole & (np.maximum(last[:, None] - _OUTER_MM, _NEAREST_BACK_MM) < _STEPS_MM)


def _ends_of_rays(rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The samples (m, 3) of rays that are hair for sure, and those of the background."""
    return rays[np.isfinite(rays[..., 0]) & (_STEPS_MM < _INNER_MM)], rays[_outer(rays)]


def _ends(rays: np.ndarray, hair: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Where log colours along rays (D, n, 3) turn from hair's to the background's, mm (D,)."""
    whole, ends = np.isfinite(rays[..., 0]), np.full(len(rays), np.nan)
    for k in np.flatnonzero(_outer(rays).sum(1) * _STEP_MM > _WHOLE * _OUTER_MM):
        colours, steps = rays[k, whole[k]], _STEPS_MM[whole[k]]
        to_hair, to_back = away_from(hair, colours), away_from(back, colours)
        haired = to_back / (to_hair + to_back + 1e-6)
        wrong = np.abs(haired - (steps < steps[:, None])).sum(1)
        wrong += _DOUBT * np.abs(steps - _USUAL_MM)
        ends[k] = steps[np.argmin(wrong)]
    return ends


def stand_off(
    outlines: list[Outline], heights: np.ndarray, cover: np.ndarray, head: Head, rest: np.ndarray
) -> np.ndarray:
    """How far the hair stands off the skin at each vertex, mm (V,); 0 where none grows.

    Args:
        outlines: Of some frames.
        heights: (V,) mm above the person's hairline.
        cover: (V,) how much hair the model has, in [0, 1].
        head: The head.
        rest: (V, 3) m, the person.
    """
    masks = head.file.masks
    skin = masks["skin"] & ~masks["ears"]
    haired = skin & (cover > 0.5) & (heights > 0)
    if not haired.any():
        return np.zeros(len(rest), np.float32)
    away = rest - rest[masks["ears"]].mean(0)
    degrees = np.degrees(np.arctan2(np.abs(away[:, 0]), away[:, 1]))
    half = len(_DIRECTIONS) // 2
    thick = np.interp(_LOWER * degrees, _DIRECTIONS[half:], _thickness(outlines))
    thick *= np.clip(1 + 1e3 * away[:, 1] / _NAPE_MM, _AT_NAPE, 1)
    inside = 1e3 * KDTree(rest[skin & ~haired]).query(rest)[0]
    edge, rise = (np.interp(away[:, 2], _IN_FRONT, ends) for ends in (_AT_EDGE, _RISE_MM))
    thick *= np.clip(edge + inside / rise, 0, 1)
    return np.where(haired, thick, 0).astype(np.float32)


def stands_clear(outlines: list[Outline]) -> bool:
    """Whether so much hair stands off the skull that no bald head would look so."""
    ends = np.array([o.ends for o in outlines]).reshape(-1, len(_DIRECTIONS))
    known = np.isfinite(ends).sum(0) >= _FEWEST
    if not known.any():
        return False
    far = np.percentile(np.nanmedian(ends[:, known], axis=0), _CLEAR_SHARE)
    return bool(far > _CLEARLY_MM)


def usual_hair(head: Head, shape: np.ndarray) -> np.ndarray | None:
    """Hair (V,) mm of somebody nobody has seen, identity (S,); None on heads without colours."""
    if not head.file.albedo_file:
        return None
    cover = model_cover(load_albedo(FOLDER / head.file.albedo_file), head)
    return stand_off([], np.full(len(cover), np.inf), cover, head, head.rest(shape)[0])


def _thickness(outlines: list[Outline]) -> np.ndarray:
    """mm by direction from the top towards the ears, (D // 2 + 1,), both sides together."""
    half = len(_DIRECTIONS) // 2
    sides = [side for o in outlines for side in (o.ends[half:], o.ends[half::-1])]
    both = np.array(sides).reshape(-1, half + 1)
    known = np.isfinite(both).sum(0) >= _FEWEST
    if not known.any():
        return np.full(half + 1, _USUAL_MM)
    full = np.full(half + 1, np.nan)
    full[known] = np.nanmedian(both[:, known], axis=0)
    full = np.clip(np.where(known, full, np.nanmedian(full)), _THINNEST, _THICKEST)
    beside = np.pad(full, 1, mode="edge")
    return np.median([beside[:-2], beside[1:-1], beside[2:]], axis=0)
