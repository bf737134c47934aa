"""The lips of a head: which vertices they are, where each lies on them, how they stand."""

from dataclasses import dataclass

import numpy as np

from ..exchange.head_file import HeadFile
from .mouth import Mouth, part_of

_FULL_M, _END_M = 0.008, 0.020  # along the skin from the line of the lips: offsets fade between
_OPENED = np.array([0.25, 0.0, 0.0])  # rad of the jaw
_SIDE_STEPS = 40  # edges from the line to the farthest vertex
_LEAST_MOVE = 0.02  # of the head's largest move of the lips: what is smaller says nothing of them


@dataclass(frozen=True)
class LipRegion:
    """The lips and what moves with them. M vertices."""

    mouth: Mouth  # the region alone, and landmarks
    own: np.ndarray  # (M,) numbers in `mouth`
    vertices: np.ndarray  # (M,) numbers in the head
    faces: np.ndarray  # (F, 3) numbers in the region
    places: np.ndarray  # (M, 3) about -1 to 1 with the mouth open: across, up, out; middle at 0
    fade: np.ndarray  # (M,) 1 on the lips, 0 at the border
    side: np.ndarray  # (M,) 1 upper, -1 lower lip
    way: np.ndarray  # (M,) m along the skin from the line of the own lip
    upper_line: np.ndarray  # numbers in the region: where the lips meet, right to left
    lower_line: np.ndarray
    moves: np.ndarray  # (3 M, K) float32: orthonormal, what the head's units do with these vertices

    def as_moved(self, offsets: np.ndarray) -> np.ndarray:
        """Of offsets (T, M, 3) what lips of this head can do, float32."""
        flat = offsets.reshape(len(offsets), -1)
        return ((flat @ self.moves) @ self.moves.T).reshape(offsets.shape)


def lip_state(mouth: Mouth, points: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    """How lips stand, (T, 7) float32 of order one: posed mouths (T, N, 3), jaw pitches (T,).

    In the order of `models.lips.STATE`; lengths as parts of the width at rest.
    """
    at_rest = mouth.template[None]
    width = mouth.lip_width(at_rest)[0]

    def change(measured: np.ndarray, rest: np.ndarray) -> np.ndarray:
        return (measured - rest) / width

    upper, lower = mouth.lip_heights(points)
    rest_upper, rest_lower = mouth.lip_heights(at_rest)
    columns = [
        jaw * 8,
        np.clip(mouth.lip_gap(points) / width * 5, -1, 3),
        2 * np.tanh(mouth.lip_gap(points) / width / 0.045),
        change(mouth.lip_width(points), np.array([width])) * 6,
        change(mouth.lip_depth(points), mouth.lip_depth(at_rest)) * 10,
        change(upper, rest_upper) * 15,
        change(lower, rest_lower) * 15,
    ]
    return np.stack(columns, 1).astype(np.float32)


def has_lips(head: HeadFile) -> bool:
    """Whether the head says where its lips are and where its mouth begins."""
    return {"lips", "upper_lip", "lower_lip", "mouth_inside"} <= set(head.masks)


def lip_region_of(head: HeadFile) -> LipRegion:
    """The lips of a head that has the masks `lips`, `upper_lip`, `lower_lip`, `mouth_inside`."""
    lines = lip_lines(head)
    edges = _edges(head.faces)
    ways = np.stack([_way_from(line, head.template, edges) for line in lines])  # (2, V)
    near = ways.min(0) < _END_M
    mouth, vertices = part_of(head, near), np.flatnonzero(near)
    place = np.full(len(head.template), -1)
    place[vertices] = np.arange(len(vertices))
    line = np.concatenate(lines)
    # Shut lips touch: only on an open mouth does a place say which lip it is on.
    opened = mouth.pose(np.zeros((1, head.expression_basis.shape[2])), _OPENED[None])[0]
    opened = opened[np.searchsorted(mouth.vertices, vertices)]
    middle = opened[place[line]].mean(0)
    reach = np.ptp(head.template[line, 0]) / 2
    way = ways.min(0)[vertices]
    fade = np.interp(way, (_FULL_M, _END_M), (1.0, 0.0))
    return LipRegion(
        mouth=mouth,
        own=np.searchsorted(mouth.vertices, vertices),
        vertices=vertices,
        faces=place[head.faces[(place[head.faces] >= 0).all(1)]],
        places=((opened - middle) / reach / 1.2).astype(np.float32),
        fade=fade,
        side=np.where(ways[0] <= ways[1], 1.0, -1.0)[vertices],
        way=way,
        upper_line=place[lines[0]],
        lower_line=place[lines[1]],
        moves=_moves(head.expression_basis[vertices] * fade[:, None, None]),
    )


def lip_lines(head: HeadFile) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the upper and the lower lip on the border of the mouth's inside, by x."""
    edges = _edges(head.faces)
    inside = head.masks["mouth_inside"]
    border = np.unique(edges[inside[edges].sum(1) == 1])
    border = border[~inside[border]]
    border = border[np.argsort(head.template[border, 0])]
    return border[head.masks["upper_lip"][border]], border[head.masks["lower_lip"][border]]


def _moves(basis: np.ndarray) -> np.ndarray:
    """Orthonormal directions (3 M, K) float32 that span units (M, 3, E), the tiny ones left out."""
    directions, sizes, _ = np.linalg.svd(basis.reshape(-1, basis.shape[2]), full_matrices=False)
    return directions[:, sizes > _LEAST_MOVE * sizes.max(initial=0)].astype(np.float32)


def _edges(faces: np.ndarray) -> np.ndarray:
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.unique(np.sort(ends, 1), axis=0)


def _way_from(start: np.ndarray, points: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The shortest way along edges from `start` to each vertex, (V,) m."""
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    way = np.full(len(points), np.inf)
    way[start] = 0
    for _ in range(_SIDE_STEPS):
        for one, two in (edges.T, edges.T[::-1]):
            np.minimum.at(way, two, way[one] + length)
    return way
