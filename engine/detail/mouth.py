"""The light in the person's own mouth on the head's texture: as light as the clip shows, by half.

Films differ: lamps, beards, lips and gums leave teeth and tongue .4 to 1.3 of the light that
`engine.head.mouth_light` expects. Half of that is painted, so that a head in any other light has
a natural mouth.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..faces.looks import mouth_places
from ..geometry import harmonics, project, vertex_normals
from ..head.albedo import Albedo
from ..head.model import FaceParams, Head
from ..head.mouth_light import (
    BETWEEN_LIPS,
    OPEN_LIPS,
    RED_IN_MOUTH,
    in_mouth,
    light_in_mouth,
    out_of_mouth,
)
from ..render import interpolate, rasterize
from ..srgb import linear_from_srgb, srgb_from_linear
from .residual import LUMINANCE
from .skin import Canvas

_BELIEVED = 0.5  # confidence in a mouth
_MIDDLE, _OFF_LIPS = slice(2, 7), slice(1, -1)  # columns, rows of what is read between lips
_EYES_CORNERS = [33, 263]  # outer
_PARTED, _PARTED_PX = 0.045, 3.0  # the lips, of the eyes' width and at least
_FEWEST = 10  # samples of a frame: the head has to show its mouth where the film does
_DOUBT = 2.0  # frames: so much counts what is usual
_LOWEST, _HIGHEST = -1.2, 0.6  # log, of what is seen over what is expected
_SHARE = 0.5  # of it, for any light
_BRIGHTEST = 0.97  # linear reflectance


@dataclass(frozen=True)
class MouthSight:
    """What is seen between the lips in one frame, in the film and on the head: N samples."""

    luminance: float  # linear, the film's mean
    normal: np.ndarray  # (N, 3) unit, camera axes: towards where the light comes from
    reached: np.ndarray  # (N,) share of the light in the open
    uv: np.ndarray  # (N, 2) place on the head's sheet


def see_mouth(
    picture: np.ndarray,
    track: FaceTrack,
    params: FaceParams,
    canvas: Canvas,
    frame: int,
) -> MouthSight | None:
    """What a picture (H, W, 3) uint8 shows between parted lips; None of a mouth that is not."""
    points = track.landmarks[frame, :, :2].astype(np.float64)
    size = picture.shape[1], picture.shape[0]
    if track.confidence[frame, REGIONS.index("mouth")] < _BELIEVED or not _parted(points, size):
        return None
    column, row = mouth_places(points)[_OFF_LIPS, _MIDDLE].reshape(-1, 2).astype(int).T
    file = canvas.head.file
    vertices = canvas.head.camera_frame(params, frame, canvas.rest)
    corner = np.array([column.min(), row.min()])
    pixels = project(vertices, params.focal, size) - corner
    window = int(np.ptp(column)) + 1, int(np.ptp(row)) + 1
    face_id, weights = rasterize(
        np.column_stack([pixels, -vertices[:, 2]]), file.faces, window, cull_back=True
    )
    inside = in_mouth(file)
    normal, reached = vertex_normals(vertices, file.faces), np.zeros(len(vertices))
    _, flesh, reached[inside] = light_in_mouth(file, vertices)
    normal[np.flatnonzero(inside)[flesh]] = out_of_mouth(file, vertices)
    laid = interpolate(np.column_stack([normal, reached, inside]), file.faces, face_id, weights)
    uv = interpolate(file.uv, file.uv_faces, face_id, weights)
    at = row - corner[1], column - corner[0]
    told = laid[at][:, 4] > 0.99
    if told.sum() < _FEWEST:
        return None
    seen = linear_from_srgb(picture[row, column][told]) @ LUMINANCE
    at = at[0][told], at[1][told]
    return MouthSight(float(seen.mean()), laid[at][:, :3], laid[at][:, 3], uv[at])


def _parted(points: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether the lips among points (478, 2) are parted, in a picture of `size` that shows them."""
    places = mouth_places(points)[:, _MIDDLE]
    gap = float(np.linalg.norm(places[-1] - places[0], axis=1).mean())
    eyes = float(np.linalg.norm(np.diff(points[_EYES_CORNERS], axis=0)))
    shown = (places >= 0).all() and (places < size).all()
    return bool(shown and gap > max(_PARTED * eyes, _PARTED_PX))


def mouth_lightness(
    sights: Iterable[MouthSight], light: np.ndarray, albedo: Albedo, effective: np.ndarray
) -> float:
    """Log of the light that is seen in the mouth over what is expected; 0 where none is seen.

    Args:
        sights: One a frame.
        light: (9, 3) the clip's.
        albedo: The model of the head's colours.
        effective: (A,) the person's coefficients (`Albedo.effective`).
    """
    found = []
    for sight in sights:
        logit = albedo.read(sight.uv).T @ (albedo.mean + np.tensordot(effective, albedo.basis, 1))
        shade = np.maximum(harmonics(sight.normal) @ light, 0.1 * light[0])
        reached = np.minimum(OPEN_LIPS * sight.reached, 1)[:, None]
        reached = reached * (1 + np.array([RED_IN_MOUTH, 0, 0]) * (1 - reached) ** 2)
        expected = shade * reached * np.array(BETWEEN_LIPS) / (1 + np.exp(-logit))
        found.append(np.log(max(sight.luminance, 1e-4) / max((expected @ LUMINANCE).mean(), 1e-4)))
    if not found:
        return 0.0
    sure = len(found) / (len(found) + _DOUBT)
    return sure * float(np.clip(np.median(found), _LOWEST, _HIGHEST))


def paint_mouth(texture: np.ndarray, seen: float, head: Head) -> np.ndarray:
    """The texture with teeth, tongue and lining as light as the clip's, by half; hues stay.

    Args:
        texture: (n, n, 3) uint8 sRGB, the whole sheet.
        seen: `mouth_lightness`.
        head: Whose sheet it is.

    Returns:
        (n, n, 3) uint8 sRGB.
    """
    file, side = head.file, len(texture)
    inside = in_mouth(file).astype(np.float32)[:, None]
    if not inside.any():
        return texture
    face_id, weights = rasterize(file.on_sheet(side), file.uv_faces, (side, side))
    share = interpolate(inside, file.faces, face_id, weights)[..., 0]
    beyond = cv2.dilate(share, np.ones((9, 9), np.uint8))  # what is read at the edges of pieces
    share = np.where(face_id < 0, beyond, share)
    there = share > 0
    linear = linear_from_srgb(texture[there])
    lit = linear * np.exp(_SHARE * seen * share[there])[:, None]
    out = texture.copy()
    out[there] = srgb_from_linear(np.minimum(lit, np.maximum(linear, _BRIGHTEST)))
    return out
