"""Lashes for every renderer alike: short strands from the edges of the lids, as these lie.

A lash leaves its lid near the eye's radius and bends away from the eye, upper ones up, lower ones
down; towards the corners they fan out. As an eye shuts the edges of its lids turn down, the upper
one by more than it slides round the eye: all lashes of a shut eye point down.
"""

from dataclasses import dataclass

import numpy as np

from .head_file import HeadFile

POINTS = 5  # of a lash
COLOUR = (0.02, 0.014, 0.011)  # linear reflectance: dark whatever the hair
# Lids' edges from the outer corner to the inner, by MediaPipe's landmarks: right and left, upper
# and lower.
UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133),
              (263, 466, 388, 387, 386, 385, 384, 398, 362))  # fmt: skip
LOWER_LIDS = ((33, 7, 163, 144, 145, 153, 154, 155, 133),
              (263, 249, 390, 373, 374, 380, 381, 382, 362))  # fmt: skip
_FROM, _TO = 0.06, 0.86  # of the edge, from the outer corner on: none at the tear duct
_FAN, _WAVER, _CLUMP = 0.75, 0.12, 0.35  # sideways; by chance; how far tips of three come together
_SHORTEST = 0.7  # of the length
# How far an eye is open, of its width at its middle, from where on upper lashes hang; and how much
# lower they then are in a shut one, degrees.
HANGS_BELOW, _HANG = 0.25, 18.0
MIDDLE = 4  # of the nine points of an edge


@dataclass(frozen=True)
class _Row:
    """How the lashes of an upper or a lower lid grow."""

    count: int  # in threes
    longest_m: float  # at two thirds of the way out; shorter towards the corners
    rises: tuple[float, float]  # degrees away from the eye's radius, at the root and at the tip


_UPPER, _LOWER = _Row(96, 0.0063, (-32.0, 32.0)), _Row(39, 0.0026, (20.0, 45.0))


def grow_lashes(head: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """The lashes of both eyes, (N, POINTS, 3) in the axes of the vertices (V, 3), m.

    Always the same lashes, wherever the lids are. None, N = 0, on a head without eyes.
    """
    draw = np.random.default_rng(0)
    faces, weights = head.landmarks_468
    eyes = [np.flatnonzero(head.masks.get(eye, ())) for eye in ("right_eye", "left_eye")]
    lashes = [np.zeros((0, POINTS, 3))]
    for side, eye in enumerate(eyes):
        if not len(eye):
            continue
        middle, edges = vertices[eye].mean(0), []
        for lids in (UPPER_LIDS, LOWER_LIDS):
            numbers = list(lids[side])
            corners = vertices[head.faces[np.asarray(faces)[numbers]]]  # (9, 3, 3)
            edges.append(np.einsum("nk,nkc->nc", np.asarray(weights)[numbers], corners))
        hang = _HANG * _shut(*edges)
        for row, edge, up, sinks in ((_UPPER, edges[0], 1, hang), (_LOWER, edges[1], -1, 0.0)):
            lashes.append(_row(edge, middle, row, up if side == 0 else -up, sinks, draw))
    return np.concatenate(lashes)


def _shut(upper: np.ndarray, lower: np.ndarray) -> float:
    """How far an eye is shut by its lids' edges (9, 3): 0 from HANGS_BELOW on, 1 if they meet."""
    width = float(np.linalg.norm(upper[-1] - upper[0]))
    gap = float(np.linalg.norm(upper[MIDDLE] - lower[MIDDLE]))
    return max(1 - gap / max(HANGS_BELOW * width, 1e-9), 0.0)


def _row(
    edge: np.ndarray,
    eye: np.ndarray,
    row: _Row,
    turn: int,
    sinks: float,
    draw: np.random.Generator,
) -> np.ndarray:
    """The lashes (n, POINTS, 3) of one lid's edge (9, 3) about an eye's middle (3,).

    `turn` is 1 where the edge, seen from the eye, runs against the clock about the lash's bend;
    `sinks`: by so many degrees they rise less.
    """
    along = np.linspace(_FROM, _TO, row.count) + 0.3 / row.count * draw.normal(size=row.count)
    place = np.clip(along, 0, 1) * (len(edge) - 1)
    roots = np.stack([np.interp(place, range(len(edge)), axis) for axis in edge.T], 1)
    out = _unit(roots - eye)
    inward = _unit(edge[-1] - edge[0])
    away = _unit(turn * np.cross(out, inward))
    fan = _FAN * (along - 0.5) + _WAVER * draw.normal(size=row.count)
    length = row.longest_m * (1 - 1.6 * (along - 0.35) ** 2) * draw.uniform(_SHORTEST, 1, row.count)
    points = [roots]
    for k in range(POINTS - 1):
        rise = np.radians(np.interp((k + 0.5) / (POINTS - 1), (0, 1), row.rises) - sinks)
        way = np.cos(rise) * out + np.sin(rise) * away + fan[:, None] * inward
        points.append(points[-1] + (length / (POINTS - 1))[:, None] * _unit(way))
    lashes = np.stack(points, 1)
    middles = np.repeat(lashes.reshape(-1, 3, POINTS, 3).mean(1), 3, axis=0)
    return lashes + _CLUMP * np.linspace(0, 1, POINTS)[:, None] ** 2 * (middles - lashes)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
