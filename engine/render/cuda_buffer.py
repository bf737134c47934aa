"""The rasteriser as CUDA kernels by numba: one thread a triangle, then one a pixel.

Depth and triangle share one 64-bit number, so that an atomic maximum keeps the nearest (of equals
the first, as the other backends do). `NUMBA_ENABLE_CUDASIM=1` runs the kernels without a GPU.
"""
# numba's stubs know neither launches nor its types
# pyright: reportIndexIssue=false, reportCallIssue=false, reportArgumentType=false

import math

import numpy as np
from numba import cuda

from .numba_buffer import barycentric as _host_barycentric

_NEAREST = 1e-3
_STEPS = float(1 << 30)  # of 1 / depth, 1/m: a micrometre at three metres is 100 steps
_FACE_BITS = 22
_MOST_FACES = (1 << _FACE_BITS) - 1
_THREADS = 128


def is_available() -> bool:
    """Whether a CUDA device (or numba's simulator of one) is here."""
    try:
        return bool(cuda.is_available())
    except Exception:  # numba raises many kinds where the driver is broken
        return False


def rasterize_cuda(
    vertices: np.ndarray, faces: np.ndarray, size: tuple[int, int], cull_back: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Face ids (B, H, W) int32 and weights (B, H, W, 3) float32: see `backends`."""
    width, height = size
    batch = len(vertices)
    assert len(faces) < _MOST_FACES, len(faces)
    placed = cuda.to_device(np.ascontiguousarray(vertices, np.float64))
    corners = cuda.to_device(np.ascontiguousarray(faces, np.int32))
    keys = cuda.to_device(np.zeros((batch, height * width), np.int64))
    face_id = cuda.device_array((batch, height, width), np.int32)
    weights = cuda.device_array((batch, height, width, 3), np.float32)
    blocks = (math.ceil(len(faces) / _THREADS), batch)
    _fill[blocks, _THREADS](placed, corners, width, height, cull_back, keys)
    pixels = (math.ceil(width * height / _THREADS), batch)
    _weigh[pixels, _THREADS](placed, corners, width, keys, face_id, weights)
    return face_id.copy_to_host(), weights.copy_to_host()


@cuda.jit
def _fill(vertices, faces, width, height, cull_back, keys):
    """The z-buffer: one thread a triangle, `numba_buffer._fill` otherwise."""
    f, b = cuda.grid(1), cuda.blockIdx.y
    if f >= len(faces):
        return
    v = vertices[b]
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay, bx, by, cx, cy = v[i, 0], v[i, 1], v[j, 0], v[j, 1], v[k, 0], v[k, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0.0 or (cull_back and area > 0.0):
        return
    if min(v[i, 2], min(v[j, 2], v[k, 2])) < _NEAREST:
        return
    # on the device ceil and floor give floats
    left = max(0, int(math.ceil(min(ax, min(bx, cx)) - 0.5)))  # noqa: RUF046
    right = min(width - 1, int(math.floor(max(ax, max(bx, cx)) - 0.5)))  # noqa: RUF046
    top = max(0, int(math.ceil(min(ay, min(by, cy)) - 0.5)))  # noqa: RUF046
    bottom = min(height - 1, int(math.floor(max(ay, max(by, cy)) - 0.5)))  # noqa: RUF046
    near_a, near_b, near_c = 1 / v[i, 2], 1 / v[j, 2], 1 / v[k, 2]
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            dx, dy = x + 0.5 - ax, y + 0.5 - ay
            w1 = (dx * (cy - ay) - dy * (cx - ax)) / area
            w2 = ((bx - ax) * dy - (by - ay) * dx) / area
            w0 = 1.0 - w1 - w2
            if w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0:
                steps = np.int64((w0 * near_a + w1 * near_b + w2 * near_c) * _STEPS)
                key = (steps << _FACE_BITS) | np.int64(_MOST_FACES - f)
                cuda.atomic.max(keys, (b, y * width + x), key)


@cuda.jit
def _weigh(vertices, faces, width, keys, face_id, weights):
    pixel, b = cuda.grid(1), cuda.blockIdx.y
    if pixel >= keys.shape[1]:
        return
    y, x = pixel // width, pixel % width
    key = keys[b, pixel]
    if key == 0:
        face_id[b, y, x] = -1
        for k in range(3):
            weights[b, y, x, k] = 0.0
        return
    face = np.int32(_MOST_FACES - (key & _MOST_FACES))
    face_id[b, y, x] = face
    w0, w1, w2 = _barycentric(vertices[b], faces, face, x + 0.5, y + 0.5)
    weights[b, y, x, 0], weights[b, y, x, 1], weights[b, y, x, 2] = w0, w1, w2


# the same formula as the CPU's, compiled for the device
_barycentric = cuda.jit(device=True)(_host_barycentric.py_func)
