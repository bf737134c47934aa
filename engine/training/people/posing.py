"""Many moments of one performer posed at once (FLAME eq. 2-5, as `engine.head.model`)."""

import numba
import numpy as np

from ...geometry import rotation_matrix
from .acting import Acting
from .identity import Performer
from .stage import Stage


def pose_vertices(stage: Stage, person: Performer, acting: Acting) -> np.ndarray:
    """Every moment in head axes: (T, V, 3) float32 m."""
    file, count = stage.head.file, len(acting)
    joints = np.stack([acting.jaw, acting.eyes[:, :3], acting.eyes[:, 3:]], 1)  # (T, 3, 3)
    rotations = rotation_matrix(joints)
    feature = (rotations - np.eye(3)).reshape(count, -1).astype(np.float32)  # (T, 27)
    size = 3 * len(file.template)
    moved = file.expression_basis.reshape(size, -1) @ acting.units.astype(np.float32).T
    moved += file.pose_basis[:, :, 9:].reshape(size, -1) @ feature.T
    out = np.ascontiguousarray(moved.T).reshape(count, -1, 3)
    out += person.vertices
    _skin(out, person.joints[2:], file.skin_weights[:, 2:], rotations.astype(np.float32))
    return out


def mesh_points(stage: Stage, vertices: np.ndarray) -> np.ndarray:
    """MediaPipe's 478 points on each mesh: (T, V, 3) -> (T, 478, 3)."""
    face, weights = stage.points
    corners = stage.head.file.faces[face]
    return np.einsum("lk,tlkc->tlc", weights, vertices[:, corners])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _skin(vertices, joints, weights, rotations):
    """Turn every vertex about jaw and eyes by its weights, in place."""
    for t in range(len(vertices)):
        for v in range(vertices.shape[1]):
            x, y, z = vertices[t, v, 0], vertices[t, v, 1], vertices[t, v, 2]
            for j in range(3):
                w = weights[v, j]
                if w <= 0:
                    continue
                dx, dy, dz = x - joints[j, 0], y - joints[j, 1], z - joints[j, 2]
                r = rotations[t, j]
                vertices[t, v, 0] += w * (r[0, 0] * dx + r[0, 1] * dy + r[0, 2] * dz - dx)
                vertices[t, v, 1] += w * (r[1, 0] * dx + r[1, 1] * dy + r[1, 2] * dz - dy)
                vertices[t, v, 2] += w * (r[2, 0] * dx + r[2, 1] * dy + r[2, 2] * dz - dz)
