"""What each vertex of a posed head carries into the shading: the columns of its table."""

from typing import NamedTuple

import numba
import numpy as np

# Columns of the vertex table. Positions and directions are in camera axes.
POSITION, NORMAL, AMBIENT, LIT, FINISH, FACE = 0, 3, 6, 7, 8, 11
# How far it has faded into what lies behind it; the share of its light that comes through the lips,
# whichever way the surface looks.
GONE, THROUGH = 12, 13
TANGENT, COLUMNS = 14, 17


class Surface(NamedTuple):
    """A posed mesh, as the kernels take it."""

    samples: np.ndarray  # (V, 3) float32: pixel x, pixel y (of the doubled picture), depth
    faces: np.ndarray  # (F, 3) into the table
    islands: np.ndarray  # (F,) which piece of the sheet each triangle lies on
    uv_faces: np.ndarray  # (F, 3) into the uv
    uv: np.ndarray  # (U, 2)
    table: np.ndarray  # (V, COLUMNS) float32


@numba.njit(cache=True, fastmath=True, nogil=True)
def fill_normals(table, faces, uv_faces, uv, with_tangents):
    """Area-weighted unit normals, and tangents along u when asked for, into their columns."""
    table[:, NORMAL : NORMAL + 3] = 0
    table[:, TANGENT : TANGENT + 3] = 0
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ex, ey, ez = table[b, 0] - table[a, 0], table[b, 1] - table[a, 1], table[b, 2] - table[a, 2]
        gx, gy, gz = table[c, 0] - table[a, 0], table[c, 1] - table[a, 1], table[c, 2] - table[a, 2]
        nx, ny, nz = ey * gz - ez * gy, ez * gx - ex * gz, ex * gy - ey * gx
        for corner in range(3):
            v = faces[f, corner]
            table[v, NORMAL] += nx
            table[v, NORMAL + 1] += ny
            table[v, NORMAL + 2] += nz
        if with_tangents:
            i, j, k = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
            v1, v2 = uv[j, 1] - uv[i, 1], uv[k, 1] - uv[i, 1]
            area = (uv[j, 0] - uv[i, 0]) * v2 - (uv[k, 0] - uv[i, 0]) * v1
            sign = np.float32(1.0) if area > 0 else np.float32(-1.0)
            for corner in range(3):
                v = faces[f, corner]
                table[v, TANGENT] += sign * (ex * v2 - gx * v1)
                table[v, TANGENT + 1] += sign * (ey * v2 - gy * v1)
                table[v, TANGENT + 2] += sign * (ez * v2 - gz * v1)
    for i in range(len(table)):
        _normalise(table, i, NORMAL)
        if with_tangents:
            _normalise(table, i, TANGENT)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _normalise(table, row, first):
    x, y, z = table[row, first], table[row, first + 1], table[row, first + 2]
    scale = np.float32(1.0) / max(np.sqrt(x * x + y * y + z * z), np.float32(1e-18))
    table[row, first] = x * scale
    table[row, first + 1] = y * scale
    table[row, first + 2] = z * scale
