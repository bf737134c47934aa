"""The default head's texture sheet: nothing folded, nothing overlapping, the face large."""

import numpy as np
import pytest

from engine.weights import load_head

GRID = 1024


@pytest.fixture(scope="module")
def head():
    return load_head()


def _areas(head) -> np.ndarray:
    a, b, c = (head.uv[head.uv_faces[:, k]].astype(float) for k in range(3))
    first, second = b - a, c - a
    return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2


def test_no_triangle_is_flipped_or_empty(head):
    assert _areas(head).min() > 0


def test_everything_lies_on_the_sheet(head):
    assert head.uv.min() >= 0
    assert head.uv.max() <= 1


def test_the_face_has_most_of_the_sheet(head):
    face = head.masks["face"][head.faces].all(1)
    assert _areas(head)[face].sum() >= 0.45


def test_the_face_is_fine_and_even(head):
    """Texels per millimetre at 2048: the median, and nowhere on the face less than half of it."""
    corners = 1000 * head.template[head.faces].astype(float)
    edges = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    solid = np.linalg.norm(np.cross(*edges), axis=1) / 2
    face = (head.masks["face"] & ~head.masks["mouth_inside"])[head.faces].all(1)
    density = 2048 * np.sqrt(_areas(head)[face] / np.maximum(solid[face], 1e-9))
    assert np.median(density) > 6
    assert np.percentile(density, 2) > np.median(density) / 2


def test_no_two_triangles_cover_the_same_texel(head):
    cover = np.zeros((GRID, GRID), np.uint8)
    for corners in head.uv[head.uv_faces].astype(float) * GRID:
        low = np.ceil(corners.min(0) - 0.5).astype(int)
        high = np.floor(corners.max(0) - 0.5).astype(int)
        if (high < low).any():
            continue
        x = np.arange(low[0], high[0] + 1)[None] + 0.5
        y = np.arange(low[1], high[1] + 1)[:, None] + 0.5
        inside = np.ones((y.size, x.size), bool)
        for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
            side = (end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0])
            inside &= side > 1e-4  # texels on an edge belong to nobody here
        cover[low[1] : high[1] + 1, low[0] : high[0] + 1] += inside
    assert cover.max() == 1


def test_charts_keep_their_distance(head):
    """Seen at 512 texels along the sheet, no texel touches two charts: nothing bleeds."""
    edges = np.concatenate([head.uv_faces[:, [0, 1]], head.uv_faces[:, [1, 2]]])
    label = np.arange(len(head.uv))
    while True:
        least = np.minimum(label[edges[:, 0]], label[edges[:, 1]])
        before = label.copy()
        np.minimum.at(label, edges[:, 0], least)
        np.minimum.at(label, edges[:, 1], least)
        label = label[label]
        if (label == before).all():
            break
    cell = (head.uv * 511.999).astype(int) @ np.array([1, 512])
    order = np.lexsort((label, cell))
    same_cell = np.diff(cell[order]) == 0
    assert not (same_cell & (np.diff(label[order]) != 0)).any()
