"""Where the hair begins: the model's hairline raised to the person's, or its hair taken off.

The head's own texture has one hairline for everybody. A clip tells by the colour of each vertex
above the brows whether hair or skin lies there; round the head that gives one height a direction,
the same left and right. Hair that hangs lower than the model's hairline isn't painted: it would be
a flat fringe.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry import embed, harmonics, project, vertex_normals
from ..head.albedo import Albedo
from ..head.model import FaceParams, Head
from ..render import interpolate, rasterize
from ..srgb import linear_from_srgb, srgb_from_linear

_FACING = 0.25  # cosine: what is seen more slantwise may be the background
_SHADE = 0.5, 1.2  # of the light on a surface that faces the camera: harmonics err up there
_DARKEST = 4e-3  # linear reflectance
_BARE = 0.25  # share of the scalp's vertices unlike skin, below which it is bald
_LIKE_SKIN = 0.35  # log contrast to the skin below which nothing is hair
_FEWEST = 8  # vertices of a direction
_BIN, _REACH = 8.0, 48.0  # degrees from the front: width of a direction, and the last one
_HIGHEST_MM = 50.0  # above the model's hairline; beyond that lies the crown
_DOUBT = 0.03  # of a vertex for each mm: hairlines are near the model's
_AS_GOOD = 0.3  # of a vertex: lines that differ by less are equally likely
_SIDES, _SIDES_MM = (42.0, 58.0), 50.0  # degrees from which the model's line at the ears stays
_SOFT_MM = -3.0, 12.0  # over which hair gets dense
_RAGGED_MM = 2.0  # standard deviation of where single strands begin
_BALD = 1e3  # mm


@dataclass(frozen=True)
class Crown:
    """The upper head in F frames: n vertices."""

    vertices: np.ndarray  # (n,)
    colour: np.ndarray  # (F, n, 3) linear RGB; NaN where the frame doesn't show it
    normal: np.ndarray  # (F, n, 3) unit, camera axes


def upper_head(head: Head) -> np.ndarray:
    """The vertices of the skin above the brows, without the ears, (n,)."""
    file = head.file
    none = np.zeros(len(file.template), bool)
    skin = file.masks.get("skin", none) & ~file.masks.get("ears", none)
    brows = embed(file.template, file.faces, file.landmarks_68)[17:27, 1].max()
    return np.flatnonzero(skin & (file.template[:, 1] > brows))


def see_crown(
    picture: np.ndarray, params: FaceParams, head: Head, rest: tuple, frame: int
) -> tuple[np.ndarray, np.ndarray]:
    """Colours and normals (n, 3) of the upper head in a picture (H, W, 3) uint8."""
    upper = upper_head(head)
    vertices = head.camera_frame(params, frame, rest)
    normals = vertex_normals(vertices, head.file.faces)[upper]
    towards = -vertices[upper] / np.linalg.norm(vertices[upper], axis=1, keepdims=True)
    size = np.array(picture.shape[1::-1])
    place = np.floor(project(vertices[upper], params.focal, tuple(size))).astype(int)
    seen = ((normals * towards).sum(1) > _FACING) & (place >= 0).all(1) & (place < size).all(1)
    column, row = np.clip(place, 0, size - 1).T
    colour = linear_from_srgb(picture[row, column])
    return np.where(seen[:, None], colour, np.nan), normals


def hairline_heights(
    crown: Crown,
    head: Head,
    rest: np.ndarray,
    albedo: Albedo,
    light: np.ndarray,
    skin: np.ndarray,
    hair: np.ndarray | None,
) -> np.ndarray:
    """How far above this person's hairline each vertex lies, mm (V,); the model's where in doubt.

    Args:
        crown: What the frames show.
        head: The head.
        rest: (V, 3) the person at rest.
        albedo: The head's colours.
        light: (9, 3).
        skin: (3,) log reflectance of the skin.
        hair: (3,) of the hair; None where the scalp shows none or can't be told.
    """
    own, known = _reflectance(crown, light)
    cover = model_cover(albedo, head)
    height, degrees = _round_head(head, rest, cover)
    height = height + _SIDES_MM * np.clip((degrees - _SIDES[0]) / (_SIDES[1] - _SIDES[0]), 0, 1)
    inside = known & (cover[crown.vertices] > 0.5)
    if hair is None:
        unlike = (np.abs(own - skin).max(1) > _LIKE_SKIN)[inside]
        bald = len(unlike) >= _FEWEST and unlike.mean() < _BARE
        return np.full(len(rest), -_BALD) if bald else height
    towards = hair - skin
    if np.linalg.norm(towards) < _LIKE_SKIN:
        return height
    haired = np.clip((own - skin) @ towards / (towards @ towards), 0, 1)
    at = crown.vertices[known]
    rise = _rises(height[at], degrees[at], haired[known])
    middles = np.arange(len(rise)) * _BIN
    return height - np.interp(degrees, [*middles, _REACH + _BIN], [*rise, 0])


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
    file, side = head.file, len(texture)
    corners = np.column_stack(
        [file.uv[:, 0] * side, (1 - file.uv[:, 1]) * side, np.ones(len(file.uv))]
    )
    face_id, weights = rasterize(corners, file.uv_faces, (side, side))
    here = interpolate(heights[:, None], file.faces, face_id, weights)[..., 0]
    ragged = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    ragged = cv2.GaussianBlur(ragged, (0, 0), 0.6 * side / 1024, sigmaY=5 * side / 1024)
    here += ragged * (_RAGGED_MM / ragged.std())
    dense = np.clip((here - _SOFT_MM[0]) / (_SOFT_MM[1] - _SOFT_MM[0]), 0, 1)
    shaven = np.where(face_id >= 0, 1 - dense * dense * (3 - 2 * dense), 0)
    grown = cv2.dilate(shaven, np.ones((5, 5)))  # over the seams between the sheet's pieces
    shaven = np.where(face_id >= 0, shaven, grown)[..., None]
    rows = shaven[..., 0].any(1)
    out = texture.copy()
    mixed = [linear_from_srgb(picture[rows]) for picture in (texture, bare)]
    out[rows] = srgb_from_linear(mixed[0] + shaven[rows] * (mixed[1] - mixed[0]))
    return out


def _reflectance(crown: Crown, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median log reflectance (n, 3), and which vertices at least a third of the frames show."""
    usual = harmonics(np.array([[0.0, 0, 1]])) @ light
    shade = np.clip(harmonics(crown.normal) @ light, _SHADE[0] * usual, _SHADE[1] * usual)
    own = np.log(np.clip(crown.colour / shade, _DARKEST, 1))
    known = np.isfinite(crown.colour[..., 0]).mean(0) > 1 / 3
    middle = np.zeros((len(crown.vertices), 3))
    middle[known] = np.nanmedian(own[:, known], axis=0)
    return middle, known


def model_cover(albedo: Albedo, head: Head) -> np.ndarray:
    """How much hair the model's cap has at each vertex, (V,) in [0, 1]."""
    file = head.file
    uv = np.zeros((len(file.template), 2))
    uv[file.faces.ravel()] = file.uv[file.uv_faces.ravel()]
    return albedo.read(uv)[albedo.maps.index("hair")]


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


def _rises(height: np.ndarray, degrees: np.ndarray, haired: np.ndarray) -> np.ndarray:
    """How far the hairline lies above the model's in each direction, mm (K,)."""
    steps, rises = np.arange(_HIGHEST_MM), []
    for middle in np.arange(0, _REACH + _BIN, _BIN):
        near = np.abs(degrees - middle) < _BIN
        wrong = np.abs(haired[near] - (height[near] > steps[:, None])).sum(1) + _DOUBT * steps
        best = steps[wrong < wrong.min() + _AS_GOOD]  # vertices lie 1 cm apart
        rises.append(best.mean() if near.sum() >= _FEWEST else 0.0)
    beside = np.pad(rises, 1, mode="edge")
    return (beside[:-2] + 2 * beside[1:-1] + beside[2:]) / 4
