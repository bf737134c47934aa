"""The head's texture sheet: charts cut where nobody looks, the face large, nothing folded over.

The skin is cut along MakeHuman's own seam at the back of the head (its seam between face and
neck is welded); eye sockets and mouth cavity are charts of their own, as are eyes, teeth, gums
and tongue. Every chart is flattened by `flatten.py` with a wished scale per region.
"""

import cv2
import numpy as np
import scipy.sparse as sp
from scipy.signal import fftconvolve
from scipy.sparse.csgraph import connected_components

from .flatten import flatten_disc

GRID = 512  # cells along the sheet when charts are placed
MOST_STRETCH = 1.2
PADDING = 2  # cells kept free around a chart: 4 pixels of 1024

# Wished lengths on the sheet, relative to the face's. Looked at: how near the camera comes to it.
SCALES = {
    "skin": 0.2,
    "ears": 0.7,
    "face": 1.0,
    "lips": 1.25,
    "eyelids": 1.25,
    "mouth_inside": 0.2,
    "left_eye": 1.3,
    "right_eye": 1.3,
    "upper_teeth": 0.55,
    "lower_teeth": 0.55,
    "gums": 0.3,
    "tongue": 0.45,
}
SOCKET_SCALE = 0.5
BACK_SCALE = 0.35  # the back of an eye or the root of the tongue, against its front


def pack_uv(
    template: np.ndarray,
    faces: np.ndarray,
    masks: dict[str, np.ndarray],
    source_uv_faces: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """A sheet for the head: uv (U, 2) in [0, 1] with v up, uv_faces (F, 3).

    Args:
        template: (V, 3) m, +y up, +z out of the face; faces: (F, 3), the skin's first.
        masks: name -> (V,) bool; uses those named in SCALES and `boundary` (the neck's rim).
        source_uv_faces: (F_skin, 3) indices into MakeHuman's texture coordinates: its seams.
    """
    chart, corner_vertex = _cut(faces, masks, source_uv_faces, template)
    uv_faces = corner_vertex.reshape(-1, 3)
    count = uv_faces.max() + 1
    owner = np.zeros(count, int)
    owner[uv_faces] = faces
    scale = _face_scales(template, faces, masks, chart)
    plane = np.zeros((count, 2))
    for label in range(chart.max() + 1):
        own = np.flatnonzero(chart == label)
        vertices, local = np.unique(uv_faces[own], return_inverse=True)
        flat = flatten_disc(template[owner[vertices]], local.reshape(-1, 3), scale[own])
        plane[vertices] = _upright(flat, template[owner[vertices]])
    return _place(plane, uv_faces, chart), uv_faces


def _cut(faces, masks, source_uv_faces, template) -> tuple[np.ndarray, np.ndarray]:
    """Chart of each face (F,) and the sheet vertex of each face corner (3 F,)."""
    skin_count = len(source_uv_faces)
    island = np.full(len(faces), -1)
    island[:skin_count] = _components(source_uv_faces, source_uv_faces[:, 0])
    main = np.bincount(island[:skin_count]).argmax()
    neck = np.unique(island[:skin_count][masks["boundary"][faces[:skin_count]].any(1)])
    island[np.isin(island, neck)] = main
    rest = faces[skin_count:]
    island[skin_count:] = island.max() + 1 + _components(rest, rest[:, 0])
    for label in np.unique(island[skin_count:]):
        _cut_back_off(island, np.flatnonzero(island == label), faces, template)
    chart = np.unique(island, return_inverse=True)[1]

    corners = np.arange(3 * len(faces)).reshape(-1, 3)
    start, end = faces.ravel(), np.roll(faces, -1, 1).ravel()
    key = np.minimum(start, end) * (faces.max() + 1) + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    pair = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    one, two = order[pair], order[pair + 1]  # half-edges = their first corners; they run opposite
    following = np.roll(corners, -1, 1).ravel()
    glued = chart[one // 3] == chart[two // 3]
    source = np.full(3 * len(faces), -1)
    source[: 3 * skin_count] = source_uv_faces.ravel()
    glued &= ~_is_seam(one, two, following, source, source_uv_faces)
    ends = np.concatenate([one[glued], two[glued]])
    others = np.concatenate([following[two[glued]], following[one[glued]]])
    graph = sp.coo_matrix((np.ones(len(ends)), (ends, others)), (corners.size, corners.size))
    return chart, connected_components(graph, directed=False)[1]


def _is_seam(one, two, following, source, source_uv_faces) -> np.ndarray:
    """Edges whose two sides lie in the same MakeHuman island but apart: cuts that stay cuts."""
    island = np.full(len(source) // 3, -1)
    island[: len(source_uv_faces)] = _components(source_uv_faces, source_uv_faces[:, 0])
    same_island = (island[one // 3] == island[two // 3]) & (island[one // 3] >= 0)
    together = (source[one] == source[following[two]]) & (source[two] == source[following[one]])
    return same_island & ~together


def _components(faces: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Connected-component label of each vertex in `of`, (len(of),), labels from 0 without gaps."""
    count = faces.max() + 1
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), (count, count))
    labels = connected_components(graph, directed=False)[1]
    return np.unique(labels[of], return_inverse=True)[1]


def _cut_back_off(island, own, faces, template) -> None:
    """A closed part (eye, tongue) becomes two charts: its hidden back comes off."""
    half_edges = set(zip(faces[own].ravel(), np.roll(faces[own], -1, 1).ravel(), strict=True))
    if any((b, a) not in half_edges for a, b in half_edges):
        return
    depth = template[faces[own], 2].mean(1)
    back = depth < depth.min() + 0.15 * np.ptp(depth)
    island[own[back]] = island.max() + 1


def _face_scales(template, faces, masks, chart) -> np.ndarray:
    """Wished scale of each face, (F,); on the skin it changes gradually."""
    scale = np.full(len(template), SCALES["skin"])
    for name, value in SCALES.items():
        scale[masks[name]] = value
    skin = masks["skin"]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[skin[edges].all(1) & ~masks["mouth_inside"][edges].any(1)]
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), (len(template),) * 2).tocsr()
    graph = graph + graph.T + sp.identity(len(template))
    mean = sp.diags(1 / np.asarray(graph.sum(1)).ravel()) @ graph
    logarithm = np.log(scale)
    for _ in range(6):
        logarithm = mean @ logarithm
    scale = np.exp(logarithm)
    for name in ("left_eye", "right_eye", "tongue"):
        depth = template[masks[name], 2]
        front = (depth - depth.min()) / np.ptp(depth)
        scale[masks[name]] *= BACK_SCALE + (1 - BACK_SCALE) * front**2
    scale = scale[faces].mean(1)
    main = np.bincount(chart).argmax()
    socket = skin[faces].all(1) & (chart != main) & ~masks["mouth_inside"][faces].any(1)
    scale[socket] = SOCKET_SCALE
    return scale


def _upright(plane: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The chart turned so that the head's x and y run along the sheet's as well as they can."""
    centred = plane - plane.mean(0)
    wished = points[:, :2] - points[:, :2].mean(0)
    cosine = (centred * wished).sum()
    sine = (centred[:, 0] * wished[:, 1] - centred[:, 1] * wished[:, 0]).sum()
    cosine, sine = np.array([cosine, sine]) / max(np.hypot(cosine, sine), 1e-12)
    return centred @ np.array([[cosine, sine], [-sine, cosine]])


def _place(plane, uv_faces, chart) -> np.ndarray:
    """All charts on one sheet at the largest common scale that fits, uv (U, 2)."""
    charts = []
    for label in range(chart.max() + 1):
        own = uv_faces[chart == label]
        charts.append((np.unique(own), own))
    charts.sort(key=lambda item: -np.ptp(plane[item[0]], axis=0).prod())
    main = np.ptp(plane[charts[0][0]], axis=0)
    low, high = 0.0, (1 - 2 * PADDING / GRID) / main.max()
    best = None
    for trial in range(9):
        scale = high if trial == 0 else (low + high) / 2
        uv = _try_scale(plane * scale, charts)
        if uv is None:
            high = scale
            continue
        low, best = scale, uv
        if trial == 0:
            break
    assert best is not None, "the charts do not fit on the sheet"
    return _fill_height(best)


def _fill_height(uv: np.ndarray) -> np.ndarray:
    """Stretched upwards over the rows that stayed free: a wide head leaves some at the bottom."""
    margin = PADDING / GRID
    low, high = uv[:, 1].min(), uv[:, 1].max()
    stretch = min((1 - 2 * margin) / (high - low), MOST_STRETCH)
    return np.stack([uv[:, 0], 1 - margin - (high - uv[:, 1]) * stretch], 1)


def _try_scale(plane, charts) -> np.ndarray | None:
    """First fit from the top, the largest first; None when a chart finds no room."""
    taken = np.zeros((GRID, GRID), bool)
    uv = np.zeros_like(plane)
    for index, (vertices, own) in enumerate(charts):
        low = plane[vertices].min(0)
        cells = _cells(plane - low, own)
        if max(cells.shape) > GRID:
            return None
        hits = fftconvolve(taken.astype(np.float32), cells[::-1, ::-1].astype(np.float32), "valid")
        free = np.argwhere(hits < 0.5)
        if not len(free):
            return None
        row, column = free[0]
        if index == 0:
            column = (GRID - cells.shape[1]) // 2
        taken[row : row + cells.shape[0], column : column + cells.shape[1]] |= cells
        offset = np.array([column + PADDING, GRID - row - cells.shape[0] + PADDING]) / GRID
        uv[vertices] = plane[vertices] - low + offset
    return uv


def _cells(plane: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Grid cells that a chart needs with its padding, row 0 at the top, bool."""
    size = np.ceil(plane[np.unique(own)].max(0) * GRID).astype(int) + 2 * PADDING + 1
    cells = np.zeros(size[::-1], np.uint8)
    points = np.round(plane[own] * GRID).astype(np.int32) + PADDING
    for triangle in points:
        cv2.fillConvexPoly(cells, triangle, 1)
    kernel = np.ones((2 * PADDING + 1,) * 2, np.uint8)
    return cv2.dilate(cells, kernel)[::-1] > 0
