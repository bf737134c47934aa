"""The rasteriser, held against triangles worked out by hand and a slow reference."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.render import depth_map, interpolate, rasterize, sample

TRIANGLE = np.array([[0, 1, 2]], np.int32)


def _slow(vertices, faces, size):
    """Cast one ray per pixel centre: what it hits first, by the plane's equation in 3-D."""
    width, height = size
    ids = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3))
    best = np.full((height, width), np.inf)
    for f, corners in enumerate(faces):
        # a pixel (x, y) at depth z is the point (x z, y z, z)
        points = vertices[corners].copy()
        points[:, :2] *= points[:, 2:]
        if abs(np.linalg.det(points)) < 1e-9:
            continue
        inverse = np.linalg.inv(points.T)
        for y in range(height):
            for x in range(width):
                share = inverse @ np.array([x + 0.5, y + 0.5, 1.0])
                depth = 1 / share.sum()
                if (share >= 0).all() and depth < best[y, x]:
                    best[y, x], ids[y, x], weights[y, x] = depth, f, share * depth
    return ids, weights


def test_half_a_square_covers_half_of_it():
    corners = np.array([[0, 0, 1], [8, 0, 1], [0, 8, 1]], float)
    ids, weights = rasterize(corners, TRIANGLE, (8, 8))
    seen = ids == 0
    assert seen.sum() == 36  # 8 + 7 + ... + 1: the diagonal's centres are on the edge
    assert seen[0, 7] and not seen[7, 7]
    np.testing.assert_allclose(weights[seen].sum(1), 1, atol=1e-6)
    assert (weights[~seen] == 0).all()


def test_nearer_triangle_wins_in_either_order():
    near = np.array([[0, 0, 1], [8, 0, 1], [0, 8, 1]], float)
    behind = near + np.array([0, 0, 1])
    vertices = np.concatenate([behind, near])
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        faces = np.array(order, np.int32)
        ids, _ = rasterize(vertices, faces, (8, 8))
        assert (faces[ids[ids >= 0]] >= 3).all()


def test_perspective_halves_the_way_where_the_ray_does():
    """Midway on the screen between depths 1 and 3 lies a quarter of the way in space."""
    corners = np.array([[0.5, -40, 1], [0.5, 40, 1], [10.5, 0.5, 3]], float)
    ids, weights = rasterize(corners, TRIANGLE, (11, 1))
    depth = interpolate(corners[:, 2:], TRIANGLE, ids, weights)[0, :, 0]
    np.testing.assert_allclose(depth[5], 1.5, rtol=1e-5)
    np.testing.assert_allclose(weights[0, 5, 2], 0.25, rtol=1e-5)


def test_back_faces_can_be_left_out():
    corners = np.array([[0, 0, 1], [8, 0, 1], [0, 8, 1]], float)  # clockwise: y is down
    assert (rasterize(corners, TRIANGLE, (8, 8), cull_back=True)[0] == -1).all()
    front = TRIANGLE[:, ::-1].copy()
    assert (rasterize(corners, front, (8, 8), cull_back=True)[0] == 0).any()


def test_a_triangle_behind_the_camera_is_left_out():
    corners = np.array([[0, 0, 1], [8, 0, 1], [0, 8, -1]], float)
    assert (rasterize(corners, TRIANGLE, (8, 8))[0] == -1).all()


def test_interpolate_is_exact_on_a_plane():
    corners = np.array([[0, 0, 2], [16, 0, 2], [0, 16, 2]], float)
    ids, weights = rasterize(corners, TRIANGLE, (8, 8))
    values = interpolate(corners[:, :2], TRIANGLE, ids, weights)
    rows, columns = np.mgrid[:8, :8] + 0.5
    np.testing.assert_allclose(values[..., 0], columns, atol=1e-5)
    np.testing.assert_allclose(values[..., 1], rows, atol=1e-5)


def test_sample_reads_pixel_centres_and_the_middle_between():
    texture = np.array([[[0.0], [10.0]], [[20.0], [30.0]]])
    uv = np.array([[[0.25, 0.75], [0.75, 0.25], [0.5, 0.5], [-1.0, 2.0]]])
    np.testing.assert_allclose(sample(texture, uv)[0, :, 0], [0, 30, 15, 0], atol=1e-5)


def test_depth_map_of_a_slope():
    corners = np.array([[0, -20, 0], [0, 20, 0], [10, 0.5, 10]], float)
    depth = depth_map(corners, TRIANGLE, (12, 1))
    np.testing.assert_allclose(depth[0, 2:5], [2.5, 3.5, 4.5], atol=1e-5)
    assert np.isinf(depth[0, 11])


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_random_triangles_match_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    vertices = np.c_[rng.uniform(-4, 16, (9, 2)), rng.uniform(0.5, 3, 9)]
    faces = rng.permutation(9).reshape(3, 3).astype(np.int32)
    ids, weights = rasterize(vertices, faces, (12, 12))
    want, want_weights = _slow(vertices, faces, (12, 12))
    same = ids == want
    assert same.mean() > 0.98  # a centre exactly on an edge may go either way
    np.testing.assert_allclose(weights[same], want_weights[same], atol=2e-4)
