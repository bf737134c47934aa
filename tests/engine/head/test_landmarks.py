"""iBUG's 68 out of MediaPipe's mesh."""

import numpy as np

from engine.head.landmarks import MESH_NEAR_68, mesh_to_68, middle_of_face


def test_most_are_points_of_the_mesh_the_others_lie_between_two():
    mesh = np.random.default_rng(3).normal(size=(4, 478, 2))
    points = mesh_to_68(mesh)
    assert points.shape == (4, 68, 2)
    same = np.isclose(points, mesh[:, MESH_NEAR_68]).all((0, 2))
    assert set(np.flatnonzero(~same)) == {18, 19, 20, 23, 24, 25, 27, 49, 53, 55, 59}
    np.testing.assert_allclose(points[:, 27], (mesh[:, 168] + mesh[:, 6]) / 2)


def test_both_halves_of_a_face_are_alike(head):
    mesh = head.file.template[head.file.faces[head.file.landmarks_468[0]]]
    mesh = np.einsum("lk,lkc->lc", head.file.landmarks_468[1], mesh)
    brows, lips = mesh_to_68(mesh)[17:27], mesh_to_68(mesh)[[49, 53, 59, 55]]
    np.testing.assert_allclose(brows[::-1] * [-1, 1, 1], brows, atol=2e-4)
    np.testing.assert_allclose(lips[[1, 0, 3, 2]] * [-1, 1, 1], lips, atol=2e-4)


def test_the_middle_goes_with_the_vertices(head):
    file = head.file
    middle = middle_of_face(file, file.template)
    np.testing.assert_allclose(middle_of_face(file, file.template + 1), middle + 1, atol=1e-5)
    assert middle_of_face(file, file.shape_basis).shape == file.shape_basis.shape[1:]
