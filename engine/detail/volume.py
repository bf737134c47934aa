"""How far the hair stands off the skull, by the film's outline of it, and how far down it hangs.

The skull under the hair is the model's guess; from its outline in the picture rays go outward
over hair into the background. Where on a ray the colour turns from that of its inner end to that
of its outer one, the hair ends; of all rays in all frames the likeliest smooth outline is taken.
One thickness a direction, the same left and right.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.spatial import KDTree

from ..geometry import project, rotation_matrix, vertex_normals
from ..head.albedo import load_albedo
from ..head.model import FaceParams, Head
from ..weights import FOLDER
from .hairline import model_depth, zero_line
from .hanging import (
    DARKEST,
    UNSEEN,
    Palette,
    Sides,
    away_from,
    log_colours,
    see_sides,
)
from .viterbi import likeliest_line

_DIRECTIONS = np.arange(-60.0, 61, 10)  # degrees from the top of the head towards the ears
_SECTOR, _OUTLINE_PLACES = 3.0, 360  # degrees either side, in which the outline is looked for
_STEP_MM = 1.5
_STEPS_MM = np.arange(-14.0, 80, _STEP_MM)  # along a ray, 0 on the skull's outline
_SHAPE = len(_DIRECTIONS), len(_STEPS_MM)
_INNER_MM, _OUTER_MM = 0.0, 14.0  # hair for sure; length of the background's stretch
_NEAREST_BACK_MM = 26.0  # the background's stretch begins no nearer
_WHOLE = 0.7  # share of the stretch that the picture must show
_FEWEST_SAMPLES = 30  # of hair, of background
_FACING = 0.5  # cosine: skin seen more slantwise may lie under hair
_USUAL_MM, _DOUBT = 16.0, (0.05, 0.02)  # of a sample for each mm less, more
_WIDEST = 1.0  # times what stands on top of the head: beside it more is a seat's back, or the nape
_BEND = 0.1  # of a sample for each mm between neighbouring rays
_THINNEST, _THICKEST = 6.0, 55.0  # mm
_FEWEST = 2  # rays of a direction
_LOWER = 1.5  # times the direction: at the sides a strand's tip lies so much lower than its root
_NAPE_MM, _AT_NAPE = 60.0, 0.4  # below the ears hair gets thinner, down to this share
# Behind the ears too, which no outline from before tells: from so far above them down, mm; whole
# beside them, least so far behind, m; how much full hair loses there.
_BACK_MM, _BEHIND, _LESS_BEHIND = 110.0, (-0.02, -0.08), 0.5
# Share of the thickness at the hairline, and how far behind it is whole, beside and in front: over
# a forehead hair stands up. In front begins, m before the ears, and is.
_AT_EDGE, _RISE_MM, _IN_FRONT = (0.25, 0.3), (30.0, 20.0), (0.02, 0.06)
_CLEARLY_MM, _CLEAR_SHARE = 26.0, 70  # percentile of the rays that end farther out: no bald skull
# What stands on the skull: mm above its outline that are looked at wherever hair ends, mm within
# its own outline, and the log contrast to skin and background from which on it is hair.
_STANDS_MM, _WITHIN_MM, _UNLIKE = 5.0, 4.0, 0.4


@dataclass(frozen=True)
class Outline:
    """What a frame tells of the hair's outline; NaN where it can't tell."""

    wrong: np.ndarray  # (D, n) samples of a ray that are mistaken if hair ends at each step
    sides: Sides  # what lies over the ears and beside the neck
    rays: np.ndarray  # (D, n, 3) log colours from the skull's outline outward
    unlike: np.ndarray  # (D, n) bool, which of them differ from skin and background


def see_outline(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> Outline:
    """The outline of the hair in a picture (H, W, 3) uint8 of a frame."""
    rays = _rays(picture, params, head, rest, frame)
    nothing = Outline(np.full(_SHAPE, np.nan), UNSEEN, rays, np.zeros(_SHAPE, bool))
    hair, back = _ends_of_rays(rays)
    if min(len(hair), len(back)) < _FEWEST_SAMPLES:
        return nothing
    told = replace(nothing, wrong=_mistakes(rays, hair, back))
    skin = log_colours(picture, _bare_skin(picture, params, head, rest, frame))
    skin = skin[np.isfinite(skin[:, 0])]
    if len(skin) < _FEWEST_SAMPLES:
        return told
    sides = see_sides(picture, params, head, rest, frame, Palette(hair, back, skin))
    return replace(told, sides=sides, unlike=_unlike(rays, back, skin))


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


def _unlike(rays: np.ndarray, back: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Which log colours (D, n, 3) are far from those of background and skin, (D, n) bool."""
    out, seen = np.zeros(rays.shape[:2], bool), np.isfinite(rays[..., 0])
    out[seen] = np.minimum(*(away_from(x, rays[seen]) for x in (back, skin))) > _UNLIKE
    return out


def _rays(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> np.ndarray:
    """Log colours along rays from the skull's outline (D, n, 3); NaN outside the picture."""
    size = picture.shape[1::-1]
    vertices = head.camera_frame(params, frame, rest)
    middle = vertices[head.file.masks["ears"]].mean(0)
    centre = project(middle[None], params.focal, size)[0]
    turn = rotation_matrix(params.head_pose[frame])
    up, side = (turn[:2, k] * [1, -1] for k in (1, 0))  # on the picture
    places = project(vertices, params.focal, size)
    begins = _skull_radii(head, places, centre, up, side)
    per_mm = 1e-3 * params.focal / -middle[2]  # px
    rays = np.full((*_SHAPE, 3), np.nan)
    for k in np.flatnonzero(np.isfinite(begins)):
        angle = np.radians(_DIRECTIONS[k])
        outward = np.cos(angle) * up + np.sin(angle) * side
        outward /= np.linalg.norm(outward)
        rays[k] = log_colours(picture, centre + outward * (begins[k] + per_mm * _STEPS_MM[:, None]))
    return rays


def _skull_radii(
    head: Head, places: np.ndarray, centre: np.ndarray, up: np.ndarray, side: np.ndarray
) -> np.ndarray:
    """How far the skull's outline lies from `centre` (2,) in each direction, px (D,); NaN: nowhere.

    `places` (V, 2) px are the head's vertices, `up` and `side` (2,) its axes on the picture.
    """
    skin = head.file.masks["skin"] & ~head.file.masks["ears"]
    away = _even(cv2.convexHull(places[skin].astype(np.float32))[:, 0]) - centre
    angle = np.degrees(np.arctan2(away @ side, away @ up))
    radius = np.linalg.norm(away, axis=1)
    near = np.abs(angle - _DIRECTIONS[:, None]) < _SECTOR  # (D, m)
    return np.array([np.median(radius[here]) if here.any() else np.nan for here in near])


def _even(outline: np.ndarray) -> np.ndarray:
    """Places (m, 2) px evenly along an outline (n, 2) that closes."""
    ring = np.vstack([outline, outline[:1]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))])
    at = np.linspace(0, along[-1], _OUTLINE_PLACES)
    return np.stack([np.interp(at, along, axis) for axis in ring.T], 1)


def _outer(rays: np.ndarray) -> np.ndarray:
    """Which samples (D, n) of rays are the background's for sure."""
    whole = np.isfinite(rays[..., 0])
    last = np.where(whole, _STEPS_MM, -np.inf).max(1)
    return whole & (np.maximum(last[:, None] - _OUTER_MM, _NEAREST_BACK_MM) < _STEPS_MM)


def _ends_of_rays(rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The samples (m, 3) of rays that are hair for sure, and those of the background."""
    return rays[np.isfinite(rays[..., 0]) & (_STEPS_MM < _INNER_MM)], rays[_outer(rays)]


def _mistakes(rays: np.ndarray, hair: np.ndarray, back: np.ndarray) -> np.ndarray:
    """How many samples of log colours along rays (D, n, 3) are mistaken where hair ends, (D, n).

    They count by how well hair and background are told apart where they are known.
    """
    whole, out = np.isfinite(rays[..., 0]), np.full(rays.shape[:2], np.nan)
    inner, outer = (float(_nearer_hair(x, hair, back).mean()) for x in (hair, back))
    apart = max(inner - outer, 0.0)
    for k in np.flatnonzero(_outer(rays).sum(1) * _STEP_MM > _WHOLE * _OUTER_MM):
        colours, steps = rays[k, whole[k]], _STEPS_MM[whole[k]]
        haired = np.clip((_nearer_hair(colours, hair, back) - outer) / (apart + 1e-6), 0, 1)
        out[k] = apart * np.abs(haired - (steps < _STEPS_MM[:, None])).sum(1)
    return out


def _nearer_hair(colours: np.ndarray, hair: np.ndarray, back: np.ndarray) -> np.ndarray:
    """How much nearer colours (n, 3) are to hair's than to the background's, (n,) from 0 to 1."""
    to_hair, to_back = away_from(hair, colours), away_from(back, colours)
    return to_back / (to_hair + to_back + 1e-6)


def stand_off(
    outlines: list[Outline], heights: np.ndarray, depth: np.ndarray, head: Head, rest: np.ndarray
) -> np.ndarray:
    """How far the hair stands off the skin at each vertex, mm (V,); what `comb` takes.

    Args:
        outlines: Of some frames.
        heights: (V,) mm above the person's hairline.
        depth: (V,) mm within the model's cap.
        head: The head.
        rest: (V, 3) m, the person.
    """
    masks = head.file.masks
    skin = masks["skin"] & ~masks["ears"]
    within = np.where(skin, np.minimum(heights, depth), -np.abs(depth))
    haired = within > 0
    if not haired.any():
        return np.zeros(len(rest), np.float32)
    line = zero_line(within, head.file.faces[masks["skin"][head.file.faces].all(1)], rest)
    inside = 1e3 * KDTree(line).query(rest)[0]
    away = rest - rest[masks["ears"]].mean(0)
    degrees = np.degrees(np.arctan2(np.abs(away[:, 0]), away[:, 1]))
    half = len(_DIRECTIONS) // 2
    thick = np.interp(_LOWER * degrees, _DIRECTIONS[half:], _thickness(outlines))
    thick *= np.clip(1 + 1e3 * away[:, 1] / _NAPE_MM, _AT_NAPE, 1)
    behind = np.clip((away[:, 2] - _BEHIND[0]) / (_BEHIND[1] - _BEHIND[0]), 0, 1)
    thick *= 1 - _LESS_BEHIND * behind * np.clip(1 - 1e3 * away[:, 1] / _BACK_MM, 0, 1)
    edge, rise = (np.interp(away[:, 2], _IN_FRONT, ends) for ends in (_AT_EDGE, _RISE_MM))
    thick *= np.clip(edge + inside / rise, 0, 1)
    return np.where(haired, thick, -inside).astype(np.float32)


def standing_hair(outlines: list[Outline]) -> np.ndarray:
    """Linear colours (n, 3) between the skull's outline and the hair's; NaN where no hair is."""
    half = len(_DIRECTIONS) // 2
    ends = np.maximum(_thickness(outlines) - _WITHIN_MM, _STANDS_MM)
    ends = ends[np.abs(np.arange(-half, half + 1))]  # (D,)
    within = (_STEPS_MM >= 0) & (ends[:, None] > _STEPS_MM)
    rays, unlike = (
        np.concatenate([getattr(outline, name)[within] for outline in outlines])
        for name in ("rays", "unlike")
    )
    seen = np.isfinite(rays[:, 0])
    return np.where(unlike[seen, None], np.exp(rays[seen]) - DARKEST, np.nan)


def stands_clear(outlines: list[Outline]) -> bool:
    """Whether so much hair stands off the skull that no bald head would look so."""
    wrong = np.array([o.wrong for o in outlines]).reshape(-1, *_SHAPE)
    known = np.isfinite(wrong[..., 0]).sum(0) >= _FEWEST
    if not known.any():
        return False
    wrong = np.nanmean(wrong[:, known], axis=0) + _doubt()
    return bool(np.percentile(_STEPS_MM[wrong.argmin(1)], _CLEAR_SHARE) > _CLEARLY_MM)


def _doubt() -> np.ndarray:
    """What speaks against hair that ends at each step, (n,), as mistaken samples do."""
    beyond = _STEPS_MM - _USUAL_MM
    return np.maximum(-_DOUBT[0] * beyond, _DOUBT[1] * beyond)


def usual_hair(head: Head, shape: np.ndarray) -> np.ndarray | None:
    """Hair (V,) mm of somebody nobody has seen, identity (S,); None on heads without colours."""
    if not head.file.albedo_file:
        return None
    depth = model_depth(load_albedo(FOLDER / head.file.albedo_file), head)
    return stand_off([], np.full(len(depth), np.inf), depth, head, head.rest(shape)[0])


def _thickness(outlines: list[Outline]) -> np.ndarray:
    """mm by direction from the top towards the ears, (D // 2 + 1,), both sides together."""
    half = len(_DIRECTIONS) // 2
    both = [side for o in outlines for side in (o.wrong[half:], o.wrong[half::-1])]
    wrong = np.array(both).reshape(-1, half + 1, len(_STEPS_MM))
    known = np.isfinite(wrong[..., 0]).sum(0) >= _FEWEST
    cost = np.tile(_doubt(), (half + 1, 1))
    cost[known] += np.nanmean(wrong[:, known], axis=0)
    bend = np.abs(_STEPS_MM - _STEPS_MM[:, None])
    full = np.clip(_STEPS_MM[likeliest_line(cost, _BEND * bend)], _THINNEST, _THICKEST)
    beside = np.pad(full, 1, mode="reflect")  # one ray alone that goes far out has seen a shelf
    full = np.median([beside[:-2], beside[1:-1], beside[2:]], axis=0)
    return np.minimum(full, _WIDEST * np.median(full[: half // 2 + 1]))
