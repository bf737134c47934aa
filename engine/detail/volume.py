"""How far the hair stands off the skull, by the film's outline of it.

The skull under the hair is the model's guess; from its outline in the picture rays go outward
over hair into the background. Where on a ray the colour turns from that of its inner end to that
of its outer one, the hair ends. One thickness a direction, the same left and right.
"""

import numpy as np
from scipy.spatial import KDTree

from ..geometry import project, rotation_matrix
from ..head.albedo import load_albedo
from ..head.model import FaceParams, Head
from ..srgb import linear_from_srgb
from ..weights import FOLDER
from .hairline import model_cover, upper_head

_DIRECTIONS = np.arange(-60.0, 61, 10)  # degrees from the top of the head towards the ears
_SECTOR = 7.0  # degrees either side, in which the outline is looked for
_STEP_MM = 1.5
_STEPS_MM = np.arange(-14.0, 80, _STEP_MM)  # along a ray, 0 on the skull's outline
_INNER_MM, _OUTER_MM = -4.0, 14.0  # hair for sure; length of the background's stretch
_NEAREST_BACK_MM = 26.0  # the background's stretch begins no nearer
_WHOLE = 0.7  # share of the stretch that the picture must show
_DARKEST = 4e-3  # linear
_FEWEST_SAMPLES, _NEAREST = 30, 4  # of hair, of background; the neighbour whose distance counts
_USUAL_MM, _DOUBT = 12.0, 0.02  # of a sample for each mm
_THINNEST, _THICKEST = 3.0, 32.0  # mm
_FEWEST = 2  # rays of a direction
_HANGS = 1.5  # times the direction: at the sides a strand's tip lies so much lower than its root
_NAPE_MM, _AT_NAPE = 60.0, 0.4  # below the ears hair gets thinner, down to this share
_AT_EDGE, _RISE_MM = 0.25, 30.0  # share of the thickness at the hairline; where it is whole


def see_outline(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> np.ndarray:
    """Where hair ends on each ray of a frame, mm above the skull (D,); NaN where none can tell."""
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
        inside = ((along >= 0) & (along < size)).all(1)
        column, row = along[inside].astype(int).T
        ray[inside] = np.log(linear_from_srgb(picture[row, column]) + _DARKEST)
    return _ends(rays)


def _ends(rays: np.ndarray) -> np.ndarray:
    """Where log colours along rays (D, n, 3) turn from hair's to the background's, mm (D,)."""
    whole = np.isfinite(rays[..., 0])
    last = np.where(whole, _STEPS_MM, -np.inf).max(1)
    begins = np.maximum(last[:, None] - _OUTER_MM, _NEAREST_BACK_MM)
    outer = whole & (begins < _STEPS_MM)
    ends = np.full(len(rays), np.nan)
    hair, back = rays[whole & (_STEPS_MM < _INNER_MM)], rays[outer]
    if min(len(hair), len(back)) < _FEWEST_SAMPLES:
        return ends
    for k in np.flatnonzero(outer.sum(1) * _STEP_MM > _WHOLE * _OUTER_MM):
        colours, steps = rays[k, whole[k]], _STEPS_MM[whole[k]]
        to_hair, to_back = (KDTree(x).query(colours, k=_NEAREST)[0][:, -1] for x in (hair, back))
        haired = to_back / (to_hair + to_back + 1e-6)
        wrong = np.abs(haired - (steps < steps[:, None])).sum(1)
        wrong += _DOUBT * np.abs(steps - _USUAL_MM)
        ends[k] = steps[np.argmin(wrong)]
    return ends


def stand_off(
    outlines: np.ndarray, heights: np.ndarray, cover: np.ndarray, head: Head, rest: np.ndarray
) -> np.ndarray:
    """How far the hair stands off the skin at each vertex, mm (V,); 0 where none grows.

    Args:
        outlines: (F, D) of `see_outline`.
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
    thick = np.interp(_HANGS * degrees, _DIRECTIONS[half:], _thickness(outlines))
    thick *= np.clip(1 + 1e3 * away[:, 1] / _NAPE_MM, _AT_NAPE, 1)
    inside = 1e3 * KDTree(rest[skin & ~haired]).query(rest)[0]
    thick *= np.clip(_AT_EDGE + inside / _RISE_MM, 0, 1)
    return np.where(haired, thick, 0).astype(np.float32)


def usual_hair(head: Head, shape: np.ndarray) -> np.ndarray | None:
    """Hair (V,) mm of somebody nobody has seen, identity (S,); None on heads without colours."""
    if not head.file.albedo_file:
        return None
    cover = model_cover(load_albedo(FOLDER / head.file.albedo_file), head)
    unseen = np.zeros((0, len(_DIRECTIONS)))
    return stand_off(unseen, np.full(len(cover), np.inf), cover, head, head.rest(shape)[0])


def _thickness(outlines: np.ndarray) -> np.ndarray:
    """mm by direction from the top towards the ears, (D // 2 + 1,), both sides together."""
    half = len(_DIRECTIONS) // 2
    both = np.stack([outlines[:, half:], outlines[:, half::-1]], 1).reshape(-1, half + 1)
    known = np.isfinite(both).sum(0) >= _FEWEST
    if not known.any():
        return np.full(half + 1, _USUAL_MM)
    full = np.full(half + 1, np.nan)
    full[known] = np.nanmedian(both[:, known], axis=0)
    full = np.clip(np.where(known, full, np.nanmedian(full)), _THINNEST, _THICKEST)
    beside = np.pad(full, 1, mode="edge")
    return np.median([beside[:-2], beside[1:-1], beside[2:]], axis=0)
