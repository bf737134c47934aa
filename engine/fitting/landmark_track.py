"""The 68 landmarks of a fitted head over a whole clip, at the cost of a few hundred vertices."""

import numpy as np

from ..geometry import project, rotation_matrix, to_camera
from ..head.model import FaceParams, Head

_CONTOUR_POINTS = 17
_FRAMES_AT_ONCE = 400  # memory stays flat with the clip's length


def landmark_track(head: Head, params: FaceParams, size: tuple[int, int]) -> np.ndarray:
    """`Head.landmarks_px` of all frames, (T, 68, 2) px."""
    pieces = [
        _piece(head, params[first : first + _FRAMES_AT_ONCE], size)
        for first in range(0, max(len(params), 1), _FRAMES_AT_ONCE)
    ]
    return np.concatenate(pieces)


def _piece(head: Head, params: FaceParams, size: tuple[int, int]) -> np.ndarray:
    """Some frames at once, (n, 68, 2) px."""
    file, n = head.file, len(params)
    faces, weights = _embedding(head, params.head_pose)  # (n, 68), (n, 68, 3)
    used, corners = np.unique(file.faces[faces], return_inverse=True)
    corners = corners.reshape(n, 68, 3)
    points = posed_vertices(head, params, used)  # (n, used, 3)
    marks = np.einsum("nlk,nlkc->nlc", weights, points[np.arange(n)[:, None, None], corners])
    return project(to_camera(marks, params.head_pose, params.head_translation), params.focal, size)


def _embedding(head: Head, head_pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the 68 points lie in each frame; the jaw line slides with the yaw."""
    file, n = head.file, len(head_pose)
    face, weights = (np.repeat(part[None], n, axis=0) for part in file.landmarks_68)
    forward = rotation_matrix(head_pose)[:, :, 2]
    yaw = np.degrees(np.arctan2(forward[:, 0], forward[:, 2]))
    row = np.clip(np.round(yaw), -39, 39).astype(int) + 39
    face[:, :_CONTOUR_POINTS] = file.contour[0][row]
    weights[:, :_CONTOUR_POINTS] = file.contour[1][row]
    return face, weights


def posed_vertices(head: Head, params: FaceParams, used: np.ndarray) -> np.ndarray:
    """The vertices `used` in head space, as `Head.pose` has them: (n, used, 3) m."""
    file, n = head.file, len(params)
    vertices, joints = head.rest(params.shape)
    turns = np.stack([params.jaw, params.eyes[:, :3], params.eyes[:, 3:]], axis=1)  # (n, 3, 3)
    rotations = rotation_matrix(turns)  # (n, 3, 3, 3)
    feature = np.zeros((n, 4, 9))  # the neck is at rest
    feature[:, 1:] = (rotations - np.eye(3)).reshape(n, 3, 9)
    moved = params.expression @ file.expression_basis[used].reshape(3 * len(used), -1).T
    moved += feature.reshape(n, 36) @ file.pose_basis[used].reshape(3 * len(used), 36).T
    points = vertices[used] + moved.reshape(n, -1, 3)
    if params.lips is not None:
        places = {vertex: k for k, vertex in enumerate(used)}
        shared = [k for k, vertex in enumerate(params.lips.vertices) if vertex in places]
        where = [places[vertex] for vertex in params.lips.vertices[shared]]
        shapes = params.lips.shapes[:, shared]  # (K, shared, 3)
        points[:, where] += np.tensordot(params.lips.weights, shapes, (1, 0))
    out = points.copy()
    for k, joint in enumerate((2, 3, 4)):
        around = points - joints[joint]
        turned = around @ np.swapaxes(rotations[:, k], 1, 2)
        out += file.skin_weights[used, joint, None] * (turned - around)
    return out
