"""Pictures laid onto the head's texture sheet: `face_sheet`."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry import embed, project, vertex_normals
from ..head.model import Head
from ..head.places import tracked_points
from ..render import depth_map
from ..srgb import linear_from_srgb
from .face_sheet import FaceSheet, Surface, lay_surface

_VISIBILITY_TOLERANCE = 0.004  # m: a texel this far behind the nearest surface is hidden
_DEPTH_MAP_SIDE = 384  # px: of the visibility test; a face's triangles are about 5 px there
_WARP_LIMIT = 0.03  # of the face's width in the picture: a larger residual isn't a warp


@dataclass(frozen=True)
class Unwrapped:
    """One frame on the sheet."""

    colour: np.ndarray  # (R, R, 3) linear RGB, 1 = display white
    weight: np.ndarray  # (R, R) in [0, 1]: seen, and how squarely
    surface: Surface


def unwrap(
    sheet: FaceSheet,
    head: Head,
    vertices: np.ndarray,
    focal: float,
    picture: np.ndarray,
    turn: np.ndarray,
    landmarks_px: np.ndarray | None,
) -> Unwrapped:
    """One frame of the clip on the sheet.

    Args:
        sheet: the face's window.
        head: the head.
        vertices: (V, 3) of the frame, camera space.
        focal: px.
        picture: (H, W, 3) uint8 RGB.
        turn: (3, 3) of the head, from its axes to the camera's.
        landmarks_px: (468, 2) where the tracker has its points in the picture. The difference from
            where they lie on the head bends the look-up, so that each texel meets its own skin.
    """
    size = (picture.shape[1], picture.shape[0])
    pixels = project(vertices, focal, size)
    bent = pixels
    if landmarks_px is not None:
        *places, aside = tracked_points(head.file)
        points = embed(vertices, head.file.faces, tuple(places)) + aside @ turn.T
        here = project(points, focal, size)
        limit = _WARP_LIMIT * np.ptp(here[:, 0])
        residual = np.clip(landmarks_px - here, -limit, limit)
        bent = pixels + sheet.spread @ residual.astype(np.float32)
    normals = vertex_normals(vertices, head.file.faces)
    facing = -(normals * vertices).sum(1) / np.linalg.norm(vertices, axis=1)
    seen = _seen(head, vertices, pixels)
    seen &= ((bent > 1) & (bent < np.array(size) - 2)).all(1)
    extra = np.column_stack([bent, np.clip((facing - 0.3) / 0.3, 0, 1), seen])
    surface, laid = lay_surface(sheet, vertices, normals, extra)
    weight = laid[..., 2] * (laid[..., 3] > 0.99)  # all three corners seen
    colour = _look_up_colour(picture, laid[..., 0], laid[..., 1], bent[np.unique(sheet.faces)])
    return Unwrapped(colour, weight, surface)


def _seen(head: Head, vertices: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(V,) bool: nothing of the head lies between the vertex and the camera."""
    low, high = pixels.min(0), pixels.max(0)
    scale = (_DEPTH_MAP_SIDE - 2) / (high - low).max()
    depth = -vertices[:, 2]
    # -1/depth is linear on the screen, and smallest where nearest
    screen = np.column_stack([(pixels - low) * scale, -1 / np.maximum(depth, 1e-3)])
    nearest = depth_map(screen, head.file.faces, (_DEPTH_MAP_SIDE, _DEPTH_MAP_SIDE))
    nearest = -1 / np.minimum(nearest, -1e-6)  # m, huge where there is nothing
    nearest = cv2.dilate(nearest, np.ones((3, 3)))  # the farthest within a pixel: no self-shadow
    column, row = screen[:, :2].astype(int).T
    return depth < nearest[row, column] + _VISIBILITY_TOLERANCE


def _look_up_colour(
    picture: np.ndarray, x: np.ndarray, y: np.ndarray, used: np.ndarray
) -> np.ndarray:
    """The picture at pixels x, y (R, R) as linear RGB; shrunk first where texels are coarser.

    `used` (N, 2): points that span the pixels in use.
    """
    low = np.maximum(np.floor(used.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(used.max(0)).astype(int) + 3, picture.shape[1::-1])
    if (high - low < 2).any():
        return np.zeros((*x.shape, 3), np.float32)
    crop = cv2.LUT(np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]]), _LINEAR)
    scale = np.ones(2)
    step = np.sqrt(np.prod(high - low) / x.size)  # px per texel
    if step > 1.3:
        smaller = np.maximum(np.round((high - low) / step), 2).astype(int)
        scale = smaller / (high - low)
        crop = cv2.resize(crop, tuple(map(int, smaller)), interpolation=cv2.INTER_AREA)
    # cv2 counts from pixel centres, we from corners
    x = (x - np.float32(low[0])) * np.float32(scale[0]) - np.float32(0.5)
    y = (y - np.float32(low[1])) * np.float32(scale[1]) - np.float32(0.5)
    return cv2.remap(crop, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


_LINEAR = linear_from_srgb(np.arange(256)).astype(np.float32)
