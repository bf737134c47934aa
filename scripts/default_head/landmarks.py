"""Where on the head MediaPipe's points and iBUG's 68 lie.

Where MediaPipe's points lie on our head is what MediaPipe finds on pictures of it, seen from
several sides and made symmetric. Points on the edges of lips and lids don't come from the picture
but from the mesh's own rims, at the place along them that the picture gives: they part when the
lips do. Of iBUG's those stay on the rims too; the others, the eyes' inner corners among them, lie
where trackers see them (`engine.head.places`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from engine.exchange.head_file import HeadFile
from engine.faces.detector import FaceMesh, region_of
from engine.faces.views import view_of
from engine.geometry import embed, vertex_normals
from engine.head.landmarks import mesh_to_68
from engine.head.places import tracked_points

from .anatomy import MIRROR
from .nearest import nearest_on_triangles
from .portraits import Portrait, take_portrait
from .rims import Rim, Rims

VIEWS = ((-24, 0), (-12, 0), (0, 0), (12, 0), (24, 0), (0, -10), (0, 10))  # yaw, pitch, degrees
REACH_PX = 10  # a point beside the allowed skin is moved to it from so far
INNER_LIPS = (
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    (95, 88, 178, 87, 14, 317, 402, 318, 324),
)
RIGHT_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (7, 163, 144, 145, 153, 154, 155))
LEFT_LIDS = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (382, 381, 380, 374, 373, 390, 249))
UPPER_LIP = (
    *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 76, 184, 74, 73, 72, 11, 302, 303, 304),
    *(408, 306, 62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
)
LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325),
)
# Of iBUG's 68: the brows, nose and outer lips, and the eyes' inner corners, where lids of the mesh
# have met (it has no caruncle). Lids, mouth's corners and inner lips stay on the rims.
SEEN_68 = [*range(17, 36), 39, 42, *range(49, 54), *range(55, 60)]

Embedding = tuple[np.ndarray, np.ndarray]  # faces (L,), barycentric weights (L, 3)


@dataclass(frozen=True)
class Face:
    """What the landmarks are found on."""

    template: np.ndarray  # (V, 3) m
    faces: np.ndarray  # (F, 3)
    masks: dict[str, np.ndarray]
    eyes: np.ndarray  # (2, 3) m, left and right
    rims: Rims


def find_landmarks(face: Face) -> Embedding:
    """The embedding of MediaPipe's 468 points."""
    points = _symmetric(_seen_points(face))
    mesh = _snap(face, points)
    for rim, (upper, lower) in (
        (face.rims.lips, INNER_LIPS),
        (face.rims.right_lids, RIGHT_LIDS),
        (face.rims.left_lids, LEFT_LIDS),
    ):
        _put_on_rim(face, rim, points, upper, lower, mesh)
    return mesh


def place_68(file: HeadFile) -> dict[str, np.ndarray]:
    """A head file's arrays of iBUG's 68: its contour ahead, `SEEN_68` where trackers see them."""
    *tracked, aside = tracked_points(file)
    seen = mesh_to_68(embed(file.template, file.faces, tuple(tracked)) + aside)[SEEN_68]
    masks = file.masks
    outer = masks["skin"] & ~masks["mouth_inside"] & ~masks["sockets"]
    skin = np.flatnonzero(outer[file.faces].all(1))
    near, shares, _ = nearest_on_triangles(seen, file.template[file.faces[skin]])
    face, weights = (part.copy() for part in file.landmarks_68)
    face[:17], weights[:17] = (part[len(part) // 2] for part in file.contour)
    face[SEEN_68], weights[SEEN_68] = skin[near], shares
    return {
        "landmarks_68_faces": face.astype(np.int32),
        "landmarks_68_bary": weights.astype(np.float32),
    }


def _seen_points(face: Face) -> np.ndarray:
    """MediaPipe's 468 points in head space, mean over the views, (468, 3) m."""
    network = FaceMesh()
    allowed = _outer_skin(face)
    total, weight = np.zeros((468, 3)), np.zeros(468)
    for yaw, pitch in VIEWS:
        view = take_portrait(
            face.template, face.template, face.faces, face.masks, face.eyes, yaw, pitch
        )
        height, width, _ = view.picture.shape
        region = np.array([width / 2, height / 2, 0.5 * width, 0.0])
        for _ in range(3):  # the region settles on the points found
            found, presence = network.find(view_of(view.picture, region), region)
            region = region_of(found)
        assert presence > 0.5, f"no face seen at yaw {yaw}, pitch {pitch}"
        points, facing = _unproject(face, view, allowed, found[:468, :2])
        total += facing[:, None] * points
        weight += facing
    assert weight.min() > 0.02, f"never seen: {np.flatnonzero(weight <= 0.02)}"
    return total / weight[:, None]


def _outer_skin(face: Face) -> np.ndarray:
    """Triangles that landmarks may lie on, (F,) bool."""
    masks = face.masks
    outer = masks["skin"] & ~masks["mouth_inside"] & ~masks["sockets"]
    return np.all(outer[face.faces], axis=1)


def _unproject(
    face: Face, view: Portrait, allowed: np.ndarray, points_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points on the skin under the pixels (L, 3) m, and how squarely each is seen (L,)."""
    row, column = np.nonzero((view.face_id >= 0) & allowed[view.face_id])
    distance, pixel = KDTree(np.stack([column, row], 1) + 0.5).query(points_px)
    here = row[pixel], column[pixel]
    embedding = view.face_id[here], view.weights[here]
    normals = vertex_normals(face.template, face.faces) @ view.turn.T
    facing = np.clip(embed(normals, face.faces, embedding)[:, 2], 0, None) ** 2
    return embed(face.template, face.faces, embedding), facing * (distance < REACH_PX) + 1e-4


def _symmetric(points: np.ndarray) -> np.ndarray:
    """The points averaged with their mirror images, (L, 3)."""
    mirrored = points * MIRROR
    cost = np.linalg.norm(points[:, None] - mirrored[None], axis=2)
    partner = linear_sum_assignment(cost**2)[1]
    return (points + mirrored[partner]) / 2


def _snap(face: Face, points: np.ndarray) -> Embedding:
    """The nearest places on the outer skin; lip points stay on their own lip."""
    skin = _outer_skin(face)
    upper = ~face.masks["lower_lip"][face.faces].any(1)
    lower = ~face.masks["upper_lip"][face.faces].any(1)
    out_faces, out_weights = np.zeros(len(points), int), np.zeros((len(points), 3))
    kind = np.zeros(len(points), int)
    kind[list(UPPER_LIP)], kind[list(LOWER_LIP)] = 1, 2
    for value, side in enumerate((np.ones_like(skin), upper, lower)):
        own = np.flatnonzero(skin & side)
        chosen = np.flatnonzero(kind == value)
        place, weights, _ = nearest_on_triangles(points[chosen], face.template[face.faces[own]])
        out_faces[chosen], out_weights[chosen] = own[place], weights
    return out_faces, out_weights


def _put_on_rim(
    face: Face, rim: Rim, points: np.ndarray, upper: tuple, lower: tuple, mesh: Embedding
) -> None:
    """Move landmarks of `mesh` onto the chains of a rim, at their place from side to side.

    Corners go to the rim's ends; a landmark and the one it meets lie at the same place.
    """
    ends = rim.upper[[0]], rim.upper[[-1]]
    below = np.concatenate([ends[0], rim.lower, ends[1]])
    middle = (points[list(upper[1:-1]), 0] + points[list(lower), 0]) / 2
    for numbers, chain in ((upper[1:-1], rim.upper), (lower, below)):
        x = np.maximum.accumulate(face.template[chain, 0])
        for number, place in zip(numbers, middle, strict=True):
            k = int(np.clip(np.searchsorted(x, place), 1, len(chain) - 1))
            share = np.clip((place - x[k - 1]) / max(x[k] - x[k - 1], 1e-9), 0, 1)
            _put_on_edge(face, mesh, number, (chain[k - 1], chain[k]), share)
    _put_on_edge(face, mesh, upper[0], (rim.upper[0], rim.upper[1]), 0.0)
    _put_on_edge(face, mesh, upper[-1], (rim.upper[-2], rim.upper[-1]), 1.0)


def _put_on_edge(
    face: Face, mesh: Embedding, number: int, edge: tuple[int, int], share: float
) -> None:
    """Landmark `number` goes to the mesh's edge, `share` of the way along it."""
    on_edge = (face.faces == edge[0]).any(1) & (face.faces == edge[1]).any(1)
    own = np.flatnonzero(on_edge & _outer_skin(face))[0]
    weights = np.zeros(3)
    weights[face.faces[own] == edge[0]] = 1 - share
    weights[face.faces[own] == edge[1]] = share
    mesh[0][number], mesh[1][number] = own, weights
