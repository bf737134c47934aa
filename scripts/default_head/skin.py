"""The head's skin: which part of MakeHuman's body it keeps."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from .source import Source

CUT_NORMAL = np.array([0.0, 1.0, 0.45])  # the cut runs lower in front than at the nape
CUT_OFFSET = 0.629  # m
REACH = 0.12  # m to either side: leaves the shoulders out
EXTRA_LOOPS = 2  # whole edge loops added below the cut


@dataclass(frozen=True)
class Skin:
    """`vertices` (N,) of the base mesh; `quads` (Q, 4) into them; `uv_quads` (Q, 4) MakeHuman's."""

    vertices: np.ndarray
    quads: np.ndarray
    uv_quads: np.ndarray
    rim: np.ndarray  # vertices (into the skin) of its only hole, at the neck


def cut_skin(source: Source, base: np.ndarray) -> Skin:
    """The head and neck of the body `base` (B, 3)."""
    quads = source.quads("body")
    above = (base @ CUT_NORMAL > CUT_OFFSET)[quads].all(1)
    keep = above & (np.abs(base[quads, 0]).max(1) < REACH)
    for _ in range(EXTRA_LOOPS):
        rim = boundary_edges(quads[keep])
        keep |= np.array([any(edge in rim for edge in _edges(quad)) for quad in quads])
    vertices, local = np.unique(quads[keep], return_inverse=True)
    local = local.reshape(-1, 4)
    rim_vertices = np.unique(list(boundary_edges(local)))
    return Skin(vertices, local, source.uv_quads("body")[keep], rim_vertices)


def _edges(polygon: np.ndarray) -> list[tuple[int, int]]:
    ends = zip(polygon.tolist(), np.roll(polygon, -1).tolist(), strict=True)
    return [(min(edge), max(edge)) for edge in ends]


def boundary_edges(polygons: np.ndarray) -> set[tuple[int, int]]:
    """Edges that only one polygon has."""
    counts = Counter(edge for polygon in polygons for edge in _edges(polygon))
    return {edge for edge, count in counts.items() if count == 1}
