"""Where the hair begins: the model's hairline raised to the person's, or its hair taken off.

The head's own texture has one hairline for everybody. Hair that is seen lower than that falls over
the forehead and isn't painted: it would be a flat fringe.
"""

import cv2
import numpy as np

from ..easing import ease
from ..exchange.fringe import FRINGE_AT
from ..exchange.head_file import HeadFile
from ..exchange.skull import from_skull
from ..geometry import embed
from ..head.albedo import Albedo
from ..head.model import Head
from ..render import interpolate, rasterize
from ..srgb import linear_from_srgb, srgb_from_linear
from .forehead import COLUMNS, Front

_BIN, _REACH = 8.0, 48.0  # degrees from the front: width of a direction, and the last one
_SIDES, _SIDES_MM = (42.0, 58.0), 200.0  # degrees from which the model's line stays, to the nape
_SOFT_MM = -3.0, 16.0  # over which hair gets dense
_RAGGED_MM = 2.0  # standard deviation of where single strands begin
_BALD = 1e3  # mm
# The model's own hair ends where it changes the skin by less than a share of what it does where it
# is full, a percentile of all; gaps between its strands, texels; how wide a head the sheet shows.
_HAIRED, _FULL, _STRANDS_APART, _SHEET_MM = 0.3, 97, 5, 420.0
_LINE_POINTS = 5  # of a line within a triangle


def upper_head(head: Head) -> np.ndarray:
    """The vertices of the skin above the brows, without the ears, (n,)."""
    file = head.file
    none = np.zeros(len(file.template), bool)
    skin = file.masks.get("skin", none) & ~file.masks.get("ears", none)
    brows = embed(file.template, file.faces, file.landmarks_68)[17:27, 1].max()
    return np.flatnonzero(skin & (file.template[:, 1] > brows))


def hairline_heights(front: Front, head: Head, rest: np.ndarray, albedo: Albedo) -> np.ndarray:
    """How far above this person's hairline each vertex lies, mm (V,); the model's where in doubt.

    Args:
        front: Where hair ends on the forehead.
        head: The head.
        rest: (V, 3) the person at rest.
        albedo: The head's colours.
    """
    if front.bald:
        return np.full(len(rest), -_BALD)
    height, degrees = _round_head(head, rest, model_cover(albedo, head))
    height = height + _SIDES_MM * np.clip((degrees - _SIDES[0]) / (_SIDES[1] - _SIDES[0]), 0, 1)
    _, beside, away = from_skull(head.file, rest, rest)
    rises = np.radians(np.interp(beside, COLUMNS, front.rises)) * 1e3 * away
    height -= rises * np.clip((_SIDES[1] - np.abs(beside)) / (_SIDES[1] - _REACH), 0, 1)
    if front.falls is not None:  # under what falls hair is dense from its line on
        height += _SOFT_MM[1] * np.interp(beside, FRINGE_AT, front.falls > 0)
    return height


def paint_hairline(
    texture: np.ndarray, bare: np.ndarray, heights: np.ndarray, head: Head
) -> np.ndarray:
    """The texture with skin below the person's hairline.

    Args:
        texture: (n, n, 3) uint8 sRGB.
        bare: (n, n, 3) uint8 sRGB, the same person without hair on the scalp.
        heights: (V,) mm above the hairline.
        head: The head.
    """
    side = len(texture)
    face_id, weights = _skin_on_sheet(head.file, side)
    here = interpolate(heights[:, None], head.file.faces, face_id, weights)[..., 0]
    ragged = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    ragged = cv2.GaussianBlur(ragged, (0, 0), 0.6 * side / 1024, sigmaY=5 * side / 1024)
    ragged *= _RAGGED_MM / ragged.std()
    here = np.minimum(here, _within_cap(texture, bare, face_id >= 0)) + ragged
    dense = ease((here - _SOFT_MM[0]) / (_SOFT_MM[1] - _SOFT_MM[0]))
    shaven = np.where(face_id >= 0, 1 - dense, 0)
    grown = cv2.dilate(shaven, np.ones((5, 5)))  # over the seams between the sheet's pieces
    shaven = np.where(face_id >= 0, shaven, grown)[..., None]
    rows = shaven[..., 0].any(1)
    out = texture.copy()
    mixed = [linear_from_srgb(picture[rows]) for picture in (texture, bare)]
    out[rows] = srgb_from_linear(mixed[0] + shaven[rows] * (mixed[1] - mixed[0]))
    return out


def _within_cap(texture: np.ndarray, bare: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """How far each texel lies within the hair that `texture` has and `bare` hasn't, mm (n, n).

    `skin` (n, n) is where the sheet has any: its edge is none of the hair's, and no other piece's.
    """
    change = np.abs(texture.astype(np.float32) - bare).mean(2)
    change = cv2.blur(change, (_STRANDS_APART, _STRANDS_APART))
    haired = change > _HAIRED * np.percentile(change, _FULL)
    haired |= ~_pieces_with(haired, skin)
    inside = cv2.distanceTransform(haired.astype(np.uint8), cv2.DIST_L2, 5)  # texels
    return inside * (_SHEET_MM / len(haired))


def model_cover(albedo: Albedo, head: Head) -> np.ndarray:
    """How much hair the model's cap has at each vertex, (V,) in [0, 1]."""
    return albedo.read(head.file.vertex_uv)[albedo.maps.index("hair")]


def model_depth(albedo: Albedo, head: Head) -> np.ndarray:
    """How far each vertex lies within the model's cap, negative without, mm (V,).

    About: the sheet has no one scale.
    """
    cover = albedo.sharp[albedo.maps.index("hair")]
    low, high = albedo.ranges[albedo.maps.index("hair")]
    side = len(cover)
    smooth = cv2.blur(low + (high - low) / 255 * cover.astype(np.float32), (_STRANDS_APART,) * 2)
    skin = _skin_on_sheet(head.file, side)[0] >= 0
    inside, outside = (
        cv2.distanceTransform((~of).astype(np.uint8), cv2.DIST_L2, 5)
        for of in (skin & (smooth <= 0.5), skin & (smooth > 0.5))
    )
    places = head.file.vertex_uv * [1, -1] + [0, 1]
    column, row = np.clip(places * side, 0, side - 1).astype(int).T
    return (inside - outside)[row, column] * (_SHEET_MM / side)


def _pieces_with(hair: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """The pieces of the sheet's skin that have any hair, (n, n) bool all."""
    pieces = cv2.connectedComponents(skin.astype(np.uint8))[1]
    return skin & np.isin(pieces, np.unique(pieces[skin & hair]))


def _skin_on_sheet(file: HeadFile, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangle (side, side), -1 where none is, and weights in it, of the skin at each texel.

    Of the skin alone: the sheet's pieces of teeth and tongue lie over the scalp's.
    """
    skin = file.masks["skin"][file.faces].all(axis=1, keepdims=True)
    return rasterize(file.on_sheet(side), np.where(skin, file.uv_faces, 0), (side, side))


def zero_line(values: np.ndarray, faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Points (n, 3) along which values at vertices (V,) change their sign, by triangles (F, 3)."""
    value = values[faces]
    crossed = (value > 0).any(1) & (value <= 0).any(1)
    corners, value = vertices[faces[crossed]], value[crossed]
    odd = np.where((value > 0).sum(1) == 1, (value > 0).argmax(1), (value <= 0).argmax(1))
    rows = np.arange(len(odd))
    ends = []
    for other in ((odd + 1) % 3, (odd + 2) % 3):
        first, second = value[rows, odd], value[rows, other]
        share = (first / (first - second))[:, None]
        ends.append(corners[rows, odd] + share * (corners[rows, other] - corners[rows, odd]))
    along = np.linspace(0, 1, _LINE_POINTS)[:, None, None]
    return (ends[0] + along * (ends[1] - ends[0])).reshape(-1, 3)


def _round_head(head: Head, rest: np.ndarray, cover: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each vertex's height above the model's hairline, mm, and degrees from the front, (V,)."""
    upper = upper_head(head)
    middle = rest[head.file.masks["ears"]].mean(0)
    away = 1e3 * (rest - middle)
    degrees = np.degrees(np.arctan2(np.abs(away[:, 0]), away[:, 2]))
    edges = np.arange(0, _REACH + _BIN, _BIN)
    line = []
    for edge in edges:
        near = upper[np.abs(degrees[upper] - edge) < _BIN]
        heights = np.sort(away[near, 1])
        wrong = np.abs(cover[near] - (away[near, 1] > heights[:, None])).sum(1)
        line.append(float(heights[np.argmin(wrong)]) if len(near) else np.nan)
    return away[:, 1] - np.interp(degrees, edges, line), degrees
