"""A fringe on the head's texture: what renderers show beneath its strands, or without them."""

import cv2
import numpy as np

from ..exchange.fringe import FRINGE_AT
from ..exchange.skull import from_skull
from ..head.model import Head
from ..render import interpolate, rasterize
from ..srgb import linear_from_srgb, srgb_from_linear

_SHORTER, _SOFT = 2.0, 4.0  # degrees: of the strands, whose tips stand out; over which it ends
_RAGGED, _TONE = 1.2, 0.2  # degrees; log: standard deviations from strand to strand
_LOCKS_END = 3.0  # degrees: so much earlier do locks end
# Texels of a sheet of 1024: how wide a strand is, and how long; the same of what its end goes by,
# longer than it ends over: else specks lie below it; and of a lock.
_STREAK, _END, _LOCK = (0.8, 9.0), (0.8, 60.0), (4.0, 60.0)
_HAIR_MM = 28.0  # above the hairline: from there on the texture has hair as dense as it gets
_DENSE = 0.97  # of it hides the skin


def paint_fringe(
    texture: np.ndarray, falls: np.ndarray, heights: np.ndarray, head: Head, rest: np.ndarray
) -> np.ndarray:
    """The texture with hair over the forehead.

    Args:
        texture: (n, n, 3) uint8 sRGB.
        falls: (len(FRINGE_AT),) degrees from the top of the head where it ends, 0 where none does.
        heights: (V,) mm above the hairline.
        head: The head.
        rest: (V, 3) the person at rest.
    """
    file, side = head.file, len(texture)
    scalp = file.masks["scalp"] & (heights > _HAIR_MM)
    if not scalp.any():
        return texture
    top, beside, _ = from_skull(file, rest, rest)
    face_id, weights = rasterize(file.on_sheet(side), file.uv_faces, (side, side))
    inside = file.masks["skin"] & ~file.masks["ears"] & (np.abs(beside) < 90)
    values = np.column_stack([top, beside, heights, inside])
    top, beside, heights, inside = np.moveaxis(
        interpolate(values, file.faces, face_id, weights), -1, 0
    )
    fallen = np.flatnonzero(falls)
    ends = np.interp(beside, FRINGE_AT[fallen], falls[fallen])
    share = np.interp(beside, FRINGE_AT, falls > 0, left=0, right=0)
    streaks = _streaks(side, _STREAK)
    ragged = _RAGGED * _streaks(side, _END) - _LOCKS_END * np.abs(_streaks(side, _LOCK))
    over = np.clip((ends - _SHORTER + ragged - top) / _SOFT, 0, 1)
    over *= np.clip(2 * share - 0.5, 0, 1) * (inside > 0.9) * (heights < _HAIR_MM)
    rows = over.any(1)
    over = _DENSE * over[rows, :, None]
    hair = _hair_of(texture, scalp, head) * np.exp(_TONE * streaks[rows])[..., None]
    out, before = texture.copy(), linear_from_srgb(texture[rows])
    out[rows] = srgb_from_linear(before + over * (np.minimum(hair, before) - before))
    return out


def _hair_of(texture: np.ndarray, scalp: np.ndarray, head: Head) -> np.ndarray:
    """The median linear colour (3,) of the texture at some vertices (V,) bool."""
    file = head.file
    uv = file.uv[np.unique(file.uv_faces[scalp[file.faces].all(1)])]
    place = np.clip(uv * [1, -1] + [0, 1], 0, 1) * (len(texture) - 1)
    column, row = place.astype(int).T
    return np.median(linear_from_srgb(texture[row, column]), axis=0)


def _streaks(side: int, size: tuple[float, float]) -> np.ndarray:
    """Noise (side, side) of deviation 1, along the sheet's columns as strands lie."""
    noise = np.random.default_rng(1).normal(size=(side, side)).astype(np.float32)
    wide, long = (texels * side / 1024 for texels in size)
    noise = cv2.GaussianBlur(noise, (0, 0), wide, sigmaY=long)
    return noise / noise.std()
