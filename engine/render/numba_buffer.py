"""The z-buffer in numba, on one core. Conventions: the package's page."""

import math

import numba
import numpy as np

_TURNED = 0.25  # px of the way that samples turned about the middle of 2 x 2 pixels move
_NEAREST = 1e-3  # m: triangles that reach behind this plane are left out


def rasterize(
    vertices: np.ndarray, faces: np.ndarray, size: tuple[int, int], cull_back: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """What each pixel of a picture of `size` (width, height) sees.

    Args:
        vertices: (V, 3) pixel x, pixel y, depth in metres.
        faces: (F, 3), counter-clockwise seen from outside.
        size: width, height in pixels.
        cull_back: leave out triangles seen from their back.

    Returns:
        Face ids (H, W) int32, -1 where there is nothing, and perspective-correct barycentric
        weights (H, W, 3) float32.
    """
    face_id, _ = visible_faces(vertices, faces, size, cull_back)
    weights = np.zeros((*face_id.shape, 3), np.float32)
    _weigh(
        np.ascontiguousarray(vertices, np.float64),
        np.ascontiguousarray(faces, np.int32), face_id, weights,
    )  # fmt: skip
    return face_id, weights


def visible_faces(
    vertices: np.ndarray,
    faces: np.ndarray,
    size: tuple[int, int],
    cull_back: bool = False,
    turned: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The face ids of `rasterize` (H, W) int32, and 1 / depth (H, W) float32: the cheaper half.

    `turned` for a picture of half the size: the samples of each 2 x 2 pixels lie on four rows and
    in four columns, so that edges near the level and the upright are as smooth as slanting ones.
    """
    width, height = size
    face_id = np.full((height, width), -1, np.int32)
    nearness = np.zeros((height, width), np.float32)
    _fill(
        np.ascontiguousarray(vertices, np.float64),
        np.ascontiguousarray(faces, np.int32), cull_back, _TURNED * turned, face_id, nearness,
    )  # fmt: skip
    return face_id, nearness


def interpolate(
    values: np.ndarray, faces: np.ndarray, face_id: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Values at the vertices (V, C) seen through the pixels: (H, W, C) float32, 0 where empty.

    `faces` may also index another table than the vertices, such as the corners' UVs.
    """
    return _interpolate(
        np.ascontiguousarray(values, np.float32),
        np.ascontiguousarray(faces, np.int32), face_id, weights,
    )  # fmt: skip


def sample(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """A picture (h, w, C) read at UVs (H, W, 2), v up, bilinear, clamped: (H, W, C) float32."""
    return _sample(np.ascontiguousarray(texture), np.ascontiguousarray(uv, np.float32))


def depth_map(vertices: np.ndarray, faces: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Orthographic depth of the nearest surface: (H, W) float32, inf where there is nothing."""
    width, height = size
    depth = np.full((height, width), np.inf, np.float32)
    _fill_depth(
        np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.int32), depth
    )
    return depth


@numba.njit(cache=True, nogil=True)
def _fill(vertices, faces, cull_back, turned, face_id, nearness):
    """Z-buffer on 1 / depth, which is linear on the screen.

    Samples of even rows lie `turned` px to the left and of odd ones to the right, of even columns
    so much down and of odd ones up.
    """
    height, width = face_id.shape
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by = vertices[a, 0], vertices[a, 1], vertices[b, 0], vertices[b, 1]
        cx, cy = vertices[c, 0], vertices[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0 or (cull_back and area > 0.0):
            continue
        if min(vertices[a, 2], vertices[b, 2], vertices[c, 2]) < _NEAREST:
            continue
        left = max(0, math.ceil(min(ax, bx, cx) - 0.5 - turned))
        right = min(width - 1, math.floor(max(ax, bx, cx) - 0.5 + turned))
        top = max(0, math.ceil(min(ay, by, cy) - 0.5 - turned))
        bottom = min(height - 1, math.floor(max(ay, by, cy) - 0.5 + turned))
        if left > right or top > bottom:
            continue
        near_a, near_b, near_c = 1 / vertices[a, 2], 1 / vertices[b, 2], 1 / vertices[c, 2]
        step1, step2 = (cy - ay) / area, (ay - by) / area
        down = 1 - 2 * (left & 1)  # 1 in an even column, -1 in an odd one
        jump1, jump2 = 2 * turned * (ax - cx) / area, 2 * turned * (bx - ax) / area
        for y in range(top, bottom + 1):
            dx, dy = left + 0.5 + turned * (2 * (y & 1) - 1) - ax, y + 0.5 + turned * down - ay
            w1 = (dx * (cy - ay) - dy * (cx - ax)) / area
            w2 = ((bx - ax) * dy - (by - ay) * dx) / area
            side = down
            for x in range(left, right + 1):
                w0 = 1.0 - w1 - w2
                if w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0:
                    near = w0 * near_a + w1 * near_b + w2 * near_c
                    if near > nearness[y, x]:
                        nearness[y, x] = near
                        face_id[y, x] = f
                w1 += step1 - side * jump1
                w2 += step2 - side * jump2
                side = -side


@numba.njit(cache=True, nogil=True)
def _weigh(vertices, faces, face_id, weights):
    height, width = face_id.shape
    for y in range(height):
        for x in range(width):
            face = face_id[y, x]
            if face >= 0:
                w0, w1, w2 = barycentric(vertices, faces, face, x + 0.5, y + 0.5)
                weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = w0, w1, w2


@numba.njit(cache=True, nogil=True)
def barycentric(vertices, faces, face, x, y):
    """Perspective-correct weights of one triangle at the pixel position (x, y), for kernels."""
    a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
    ax, ay = vertices[a, 0], vertices[a, 1]
    bx, by = vertices[b, 0] - ax, vertices[b, 1] - ay
    cx, cy = vertices[c, 0] - ax, vertices[c, 1] - ay
    dx, dy = x - ax, y - ay
    w1, w2 = dx * cy - dy * cx, bx * dy - by * dx
    w0 = bx * cy - by * cx - w1 - w2
    w0, w1, w2 = w0 / vertices[a, 2], w1 / vertices[b, 2], w2 / vertices[c, 2]
    total = w0 + w1 + w2
    return w0 / total, w1 / total, w2 / total


@numba.njit(cache=True, nogil=True)
def _fill_depth(vertices, faces, depth):
    """Both sides of every triangle; depth is linear on an orthographic screen."""
    height, width = depth.shape
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        bx, by, bz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
        cx, cy, cz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
        area = bx * cy - by * cx
        if area == 0.0:
            continue
        inverse = np.float32(1.0) / area
        left = max(0, math.ceil(ax + min(0.0, bx, cx) - 0.5))
        right = min(width - 1, math.floor(ax + max(0.0, bx, cx) - 0.5))
        top = max(0, math.ceil(ay + min(0.0, by, cy) - 0.5))
        bottom = min(height - 1, math.floor(ay + max(0.0, by, cy) - 0.5))
        for y in range(top, bottom + 1):
            dy = y + np.float32(0.5) - ay
            for x in range(left, right + 1):
                dx = x + np.float32(0.5) - ax
                w1 = (dx * cy - dy * cx) * inverse
                w2 = (bx * dy - by * dx) * inverse
                if w1 >= 0.0 and w2 >= 0.0 and w1 + w2 <= 1.0:
                    depth[y, x] = min(depth[y, x], az + w1 * bz + w2 * cz)


@numba.njit(cache=True, nogil=True)
def _interpolate(values, faces, face_id, weights):
    height, width = face_id.shape
    channels = values.shape[1]
    out = np.zeros((height, width, channels), np.float32)
    for y in range(height):
        for x in range(width):
            f = face_id[y, x]
            if f < 0:
                continue
            for k in range(channels):
                out[y, x, k] = (
                    weights[y, x, 0] * values[faces[f, 0], k]
                    + weights[y, x, 1] * values[faces[f, 1], k]
                    + weights[y, x, 2] * values[faces[f, 2], k]
                )
    return out


@numba.njit(cache=True, nogil=True)
def _sample(texture, uv):
    rows, columns, channels = texture.shape
    height, width = uv.shape[:2]
    out = np.empty((height, width, channels), np.float32)
    for i in range(height):
        for j in range(width):
            x = min(max(uv[i, j, 0] * columns - 0.5, 0.0), columns - 1.0)
            y = min(max((1.0 - uv[i, j, 1]) * rows - 0.5, 0.0), rows - 1.0)
            x0, y0 = int(x), int(y)
            x1, y1 = min(x0 + 1, columns - 1), min(y0 + 1, rows - 1)
            right, down = x - x0, y - y0
            for k in range(channels):
                upper = texture[y0, x0, k] * (1 - right) + texture[y0, x1, k] * right
                lower = texture[y1, x0, k] * (1 - right) + texture[y1, x1, k] * right
                out[i, j, k] = upper * (1 - down) + lower * down
    return out
