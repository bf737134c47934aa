import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.geometry import align_points, embed, project, rotation_matrix, to_camera, vertex_normals

angles = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


@given(angles)
def test_rotation_matrix_is_scipys(axis_angle):
    expected = Rotation.from_rotvec(axis_angle).as_matrix()
    np.testing.assert_allclose(rotation_matrix(np.array(axis_angle)), expected, atol=1e-9)


def test_rotation_matrix_of_nothing_is_the_identity():
    np.testing.assert_array_equal(rotation_matrix(np.zeros((2, 3))), np.stack([np.eye(3)] * 2))


def test_project_by_hand():
    """A point 1 m in front, 0.1 m right and 0.2 m up, f = 1000, 640 x 480."""
    np.testing.assert_allclose(project(np.array([0.1, 0.2, -1.0]), 1000, (640, 480)), [420, 40])


def test_to_camera_turns_then_moves():
    quarter = np.array([0, np.pi / 2, 0])
    moved = to_camera(np.array([[0.0, 0, 1]]), quarter, np.array([0.0, 0, -1]))
    np.testing.assert_allclose(moved, [[1, 0, -1]], atol=1e-12)


def test_vertex_normals_of_a_tetrahedron_point_outwards():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    normals = vertex_normals(vertices, faces)
    assert (np.einsum("vc,vc->v", normals, vertices - vertices.mean(0)) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)


def test_embed_mixes_corners():
    values = np.array([[0.0], [1.0], [2.0]])
    weights = np.array([[0.5, 0.25, 0.25]])
    np.testing.assert_allclose(embed(values, np.array([[0, 1, 2]]), ([0], weights)), [[0.75]])


def test_alignment_finds_a_known_motion():
    generator = np.random.default_rng(0)
    points = generator.normal(size=(7, 3))
    turn = rotation_matrix(np.array([0.4, -1.2, 0.3]))
    moved = 1.7 * points @ turn.T + [3, -2, 5]
    found = align_points(points, moved)
    assert found.scale == pytest.approx(1.7)
    assert np.allclose(found.turn, turn) and np.allclose(found(points), moved)
    rigid = align_points(points, points @ turn.T, with_scale=False)
    assert rigid.scale == 1 and np.allclose(rigid.turn, turn)


def test_a_mirrored_set_is_not_turned_inside_out():
    points = np.random.default_rng(1).normal(size=(7, 3))
    found = align_points(points, points * [-1, 1, 1])
    assert np.linalg.det(found.turn) == pytest.approx(1)
