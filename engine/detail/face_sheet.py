"""The face's window of a head's texture sheet, and the surface under each texel.

Only a square window of the sheet is used: the one that the 468 landmarks of the face span. Row 0
of every map is the window's top (largest v); u grows to the right, v upwards.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from ..geometry import embed, vertex_normals
from ..head.model import Head
from ..head.places import tracked_points
from ..render import interpolate, rasterize

_MARGIN = 0.04  # of the landmarks' extent, left free round them
_FOREHEAD = 0.07  # of it, added above: the landmarks end below the hairline


_WARP_REACH = 0.014  # m: how far a landmark's residual spreads over the surface
_WARP_RIDGE = 0.3  # regularises the spread: a single stray landmark moves little


@dataclass(frozen=True)
class FaceSheet:
    """The window of a head's texture sheet that holds the face: R x R texels."""

    size: int  # R
    window: tuple[float, float, float]  # left u, bottom v, side: fractions of the sheet
    faces: np.ndarray  # (F', 3) the skin's triangles, which `face_id` counts
    uv_faces: np.ndarray  # (F', 3) their UV vertices
    face_id: np.ndarray  # (R, R) int32, -1 off the face's skin
    barycentric: np.ndarray  # (R, R, 3) float32
    uv_gradient: np.ndarray  # (F', 2, 2): d(corner 1, corner 2)/d(u, v) of the sheet, inverted
    uv_area: np.ndarray  # (F',) fraction of the sheet, of either sign
    landmarks: np.ndarray  # (468, 2) texels: column, row
    spread: np.ndarray  # (V, 468) landmark residuals to vertices
    texel_mm: float  # of the head at rest, median over the face

    @property
    def on_skin(self) -> np.ndarray:
        """(R, R) bool."""
        return self.face_id >= 0


@dataclass(frozen=True)
class Surface:
    """The posed surface under each texel, camera axes."""

    normal: np.ndarray  # (R, R, 3) unit
    along_u: np.ndarray  # (R, R, 3) mm per texel
    along_v: np.ndarray  # (R, R, 3) mm per texel, v up


def face_window(head: Head) -> tuple[float, float, float]:
    """Left u, bottom v and side of the square that the face's landmarks span on the sheet."""
    uv = _landmark_uv(head)
    low, high = uv.min(0), uv.max(0)
    high[1] += _FOREHEAD * (high - low).max()
    side = float((high - low).max() * (1 + 2 * _MARGIN))
    left, bottom = (low + high) / 2 - side / 2
    return float(left), float(bottom), side


def window_mm(head: Head, rest: np.ndarray) -> float:
    """How wide the face's window is on the person `rest` (V, 3), millimetres."""
    file, uv = head.file, _landmark_uv(head)
    points = embed(rest, file.faces, file.landmarks_468)
    middle = np.argsort(np.linalg.norm(uv - np.median(uv, 0), axis=1))[:234]
    pairs = middle[:, None], np.roll(middle, 117)[:, None]
    on_head = np.linalg.norm(points[pairs[0]] - points[pairs[1]], axis=-1)
    on_sheet = np.linalg.norm(uv[pairs[0]] - uv[pairs[1]], axis=-1)
    return float(np.median(on_head / np.maximum(on_sheet, 1e-6)) * face_window(head)[2] * 1e3)


def cut_window(picture: np.ndarray, window: tuple[float, float, float], size: int) -> np.ndarray:
    """The face's window out of a whole sheet: (n, n[, C]) -> (size, size[, C]) float32."""
    left, bottom, side = window
    texels = len(picture)
    if side * texels > size:  # shrink first: fine maps would alias
        texels = int(np.ceil(size / side))
        picture = cv2.resize(picture, (texels, texels), interpolation=cv2.INTER_AREA)
    scale = side * texels / size
    look_up = np.array([[scale, 0, 0], [0, scale, 0]])
    look_up[:, 2] = np.array([left, 1 - bottom - side]) * texels + 0.5 * scale - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture.astype(np.float32), look_up, (size, size), flags=flags)


def lay_window(
    values: np.ndarray, window: tuple[float, float, float], size: int
) -> tuple[np.ndarray, slice, slice]:
    """A window's values (R, R, C) at the resolution of a sheet, and the rows and columns they take.

    0 beyond the window's edge.
    """
    left, bottom, side = window
    scale = len(values) / (side * size)  # texels per pixel
    first = np.floor([left * size, (1 - bottom - side) * size]).astype(int)  # column, row
    count = int(np.ceil(side * size)) + 1
    look_up = np.array([[scale, 0, 0], [0, scale, 0]])
    look_up[:, 2] = (first + 0.5 - [left * size, (1 - bottom - side) * size]) * scale - 0.5
    if scale > 1.5:
        values = cv2.GaussianBlur(values, (0, 0), 0.4 * scale)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(values, look_up, (count, count), flags=flags)
    start, stop = np.maximum(first, 0), np.minimum(first + count, size)
    rows, columns = (slice(int(start[k]), int(stop[k])) for k in (1, 0))
    return laid[rows.start - first[1] : rows.stop - first[1],
                columns.start - first[0] : columns.stop - first[0]], rows, columns  # fmt: skip


def lay_out(head: Head, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which of the skin's triangles each texel of the face's window lies on.

    Returns:
        The head's triangles that are skin (F',); the number among these of each texel's
        (R, R) int32, -1 for none, and its place there (R, R, 3) float32; whether the texel is near
        the face (R, R) bool.
    """
    file, window = head.file, face_window(head)
    skin = file.masks.get("skin", np.ones(len(file.template), bool)).copy()
    skin &= ~file.masks.get("mouth_inside", np.zeros_like(skin))
    inside = np.flatnonzero(skin[file.faces].all(1))
    texels = _to_texels(file.uv[file.uv_faces[inside]].reshape(-1, 2), window, size)
    flat = np.concatenate([texels, np.ones((len(texels), 1))], axis=1)
    face_id, barycentric = rasterize(flat, np.arange(len(flat)).reshape(-1, 3), (size, size))
    near = _near_landmarks(_to_texels(_landmark_uv(head), window, size), size)
    return inside, face_id, barycentric, near


def build_sheet(head: Head, rest: np.ndarray, size: int) -> FaceSheet:
    """Which triangle each texel of the window lies on; once per person and resolution.

    Args:
        head: the head.
        rest: (V, 3) the person at rest.
        size: R, texels along the window's side.
    """
    file, window = head.file, face_window(head)
    inside, face_id, barycentric, near = lay_out(head, size)
    face_id[~near] = -1
    faces, corners = file.faces[inside], file.uv[file.uv_faces[inside]]  # (F', 3), (F', 3, 2)

    edges = corners[:, 1:] - corners[:, :1]  # (F', 2 edges, 2 uv)
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    safe = np.where(np.abs(area) < 1e-12, 1e-12, area)
    gradient = np.stack([edges[:, 1, 1], -edges[:, 0, 1], -edges[:, 1, 0], edges[:, 0, 0]], -1)
    gradient = gradient.reshape(-1, 2, 2) / safe[:, None, None]

    *places, aside = tracked_points(file)
    landmarks = embed(rest, file.faces, tuple(places)) + aside
    sheet = FaceSheet(
        size, window, faces, file.uv_faces[inside], face_id, barycentric, gradient, area,
        _to_texels(_landmark_uv(head), window, size), _spread(rest, landmarks), 1.0,
    )  # fmt: skip
    surface = map_surface(sheet, rest, file.faces)
    steps = surface.along_u[sheet.on_skin], surface.along_v[sheet.on_skin]
    texel = _length(np.cross(*steps)) ** 0.5
    return replace(sheet, texel_mm=float(np.median(texel)))


def map_surface(sheet: FaceSheet, vertices: np.ndarray, all_faces: np.ndarray) -> Surface:
    """Normal and the two texel steps of a posed head, smooth across triangles.

    Args:
        sheet: the face's window.
        vertices: (V, 3) m.
        all_faces: (F, 3) of the whole head, for its normals.
    """
    normals = vertex_normals(vertices, all_faces)
    return lay_surface(sheet, vertices, normals, np.zeros((len(vertices), 0)))[0]


def lay_surface(
    sheet: FaceSheet, vertices: np.ndarray, normals: np.ndarray, extra: np.ndarray
) -> tuple[Surface, np.ndarray]:
    """The surface and `extra` values of the vertices (V, C) under each texel (R, R, C)."""
    corner = vertices[sheet.faces]  # (F', 3, 3)
    edges = corner[:, 1:] - corner[:, :1]  # (F', 2 edges, 3)
    steps = (sheet.uv_gradient @ edges).reshape(-1, 6)  # (F', 2 uv x 3) m per sheet
    steps = _to_vertices(steps, np.abs(sheet.uv_area), sheet.faces, len(vertices))
    steps *= 1e3 * sheet.window[2] / sheet.size  # mm per texel
    values = np.concatenate([normals, steps, extra], axis=1)
    maps = interpolate(values, sheet.faces, sheet.face_id, sheet.barycentric)
    normal = maps[..., :3]
    normal = normal / np.maximum(_length(normal), 1e-9)[..., None]
    return Surface(normal, maps[..., 3:6], maps[..., 6:9]), maps[..., 9:]


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...k,...k->...", vectors, vectors))


def _landmark_uv(head: Head) -> np.ndarray:
    """(468, 2) fractions of the sheet."""
    return embed(head.file.uv, head.file.uv_faces, head.file.landmarks_468)


def _to_texels(uv: np.ndarray, window: tuple[float, float, float], size: int) -> np.ndarray:
    left, bottom, side = window
    column = (uv[..., 0] - left) / side * size
    return np.stack([column, size - (uv[..., 1] - bottom) / side * size], axis=-1)


def _near_landmarks(landmarks: np.ndarray, size: int) -> np.ndarray:
    """(R, R) bool: within the landmarks' hull, a little round it and on the forehead above."""
    mask = np.zeros((size, size), np.uint8)
    points = np.concatenate([landmarks, landmarks - [0, _FOREHEAD * size]])
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return cv2.dilate(mask, np.ones((2 * round(_MARGIN * size) + 1,) * 2)) > 0


def _spread(rest: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Regularised radial basis functions: residuals (468, 2) -> vertices (V, 468) @ residuals.

    A capture asks four times, for sheets of several resolutions: the last answer is kept.
    """
    return _spread_of(*(np.ascontiguousarray(p, np.float64).tobytes() for p in (rest, landmarks)))


@lru_cache(maxsize=1)
def _spread_of(*places: bytes) -> np.ndarray:
    rest, landmarks = (np.frombuffer(part).reshape(-1, 3) for part in places)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        square = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        return np.exp(-np.maximum(square, 0) / (2 * _WARP_REACH**2))

    inner = kernel(landmarks, landmarks) + _WARP_RIDGE * np.eye(len(landmarks))
    return np.linalg.solve(inner, kernel(rest, landmarks).T).T.astype(np.float32)


def _to_vertices(
    values: np.ndarray, share: np.ndarray, faces: np.ndarray, count: int
) -> np.ndarray:
    """Per-triangle values (F, C) averaged onto the vertices (count, C), weighted by `share`."""
    total = np.maximum(
        sum(np.bincount(faces[:, k], share, count) for k in range(3)), 1e-12
    )  # (count,)
    out = np.empty((count, values.shape[1]))
    for c in range(values.shape[1]):
        weighted = values[:, c] * share
        out[:, c] = sum(np.bincount(faces[:, k], weighted, count) for k in range(3)) / total
    return out
