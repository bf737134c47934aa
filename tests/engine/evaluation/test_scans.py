"""Distances between surfaces whose distance is known."""

import numpy as np
import pytest

from engine.evaluation import scans
from engine.exchange.protocol import AVFaceError
from engine.geometry import embed, rotation_matrix
from engine.weights import load_head

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed (requirements/dev.txt)")


def sphere(radius: float):
    mesh = trimesh.creation.icosphere(3, radius)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def test_spheres_a_millimetre_apart():
    vertices, faces = sphere(100.0)
    outer, _ = sphere(101.0)
    _, distances = scans.closest_points(outer, vertices, faces)
    assert distances.mean() == pytest.approx(1.0, abs=0.1)


def test_a_head_against_itself_moved_and_scaled():
    file = load_head()
    scan = file.template.astype(float) * 1e3  # mm
    marks = embed(scan, file.faces, file.landmarks_68)
    turn = rotation_matrix(np.array([0.1, 0.5, -0.2]))
    moved = file.template @ turn.T + [0.2, 0, -1]
    found = scans.scan_to_mesh(
        scan, marks, moved, file.faces, embed(moved, file.faces, file.landmarks_68)
    )
    assert max(found.row) < 1e-3
    assert 1000 < len(found.distances_mm) < len(scan)  # the face alone


def test_a_dent_is_measured_in_millimetres():
    file = load_head()
    scan = file.template.astype(float) * 1e3
    marks = embed(scan, file.faces, file.landmarks_68)
    dented = scan.copy()
    nose = np.linalg.norm(scan - marks[30], axis=1) < 15
    dented[nose] += [0, 0, 5]
    found = scans.scan_to_mesh(scan, marks, dented, file.faces, marks)
    median, mean, spread = found.row
    assert median < 0.3 and mean < 1 and found.distances_mm.max() > 1.5 and spread > 0.05
    pooled = scans.pool_errors([found, found])
    assert len(pooled.distances_mm) == 2 * len(found.distances_mm)
    assert pooled.row[0] == pytest.approx(median)


def test_meshes_are_read_in_their_order(tmp_path):
    vertices, faces = sphere(2.0)
    trimesh.Trimesh(vertices, faces, process=False).export(tmp_path / "ball.obj")
    found, triangles = scans.load_mesh(tmp_path / "ball.obj")
    assert np.allclose(found, vertices, atol=1e-6) and np.array_equal(triangles, faces)
    (tmp_path / "text.obj").write_bytes(b"\x00\x01")
    with pytest.raises(AVFaceError):
        scans.load_mesh(tmp_path / "missing.ply")
