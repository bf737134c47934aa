"""Tangent frames are MikkTSpace's, and a relief's slopes come out in the right colours."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from engine.detail.face_sheet import FaceSheet, Surface
from engine.detail.tangent import TangentFrames, relief_normals, tangent_frames
from engine.exchange.head_file import HeadFile
from engine.head.model import Head
from engine.weights import load_head

ROOT = Path(__file__).parents[3]

# Runs in Blender: the head's own quads and triangles, smooth; what calc_tangents says of corners.
_IN_BLENDER = """
import sys
import bpy
import numpy as np

data = np.load(sys.argv[1])
polygons = [list(p) for p in data["quads"]] + [list(p) for p in data["triangles"]]
mesh = bpy.data.meshes.new("head")
mesh.from_pydata(data["vertices"].tolist(), [], polygons)
mesh.polygons.foreach_set("use_smooth", np.ones(len(polygons), bool))
layer = mesh.uv_layers.new(name="UVMap")
layer.data.foreach_set("uv", data["uv"].astype(np.float32).ravel())
mesh.calc_tangents(uvmap="UVMap")
count = len(mesh.loops)
out = {}
for name, width in (("normal", 3), ("tangent", 3), ("bitangent_sign", 1)):
    values = np.empty(count * width, np.float32)
    mesh.loops.foreach_get(name, values)
    out[name] = values.reshape(count, width)
np.savez(sys.argv[2], **out)
"""


def _corners(file: HeadFile) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quads (Q, 4), triangles (P, 3) and the UV vertex of every corner, in that order."""
    count = 2 * file.quad_count

    def split(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.column_stack([table[:count:2], table[1:count:2, 2]]), table[count:]

    quads, triangles = split(file.faces)
    uv_quads, uv_triangles = split(file.uv_faces)
    return quads, triangles, np.concatenate([uv_quads.ravel(), uv_triangles.ravel()])


def _degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))


def test_frames_are_blenders(tmp_path: Path) -> None:
    python = ROOT / ".venv" / "blender-4.5" / "bin" / "python"
    if not python.exists():
        pytest.skip("no Blender environment")
    file = load_head()
    head = Head(file)
    expression = np.zeros(len(file.expression_names))
    expression[head.unit.get("mouthSmileLeft", 0)] = 0.8
    rest = head.rest(np.zeros(file.shape_basis.shape[2]))
    vertices = head.pose(rest, expression, np.array([0.2, 0, 0]), np.zeros(6))
    quads, triangles, uv_corners = _corners(file)
    np.savez(
        tmp_path / "in.npz", vertices=vertices, quads=quads, triangles=triangles,
        uv=file.uv[uv_corners],
    )  # fmt: skip
    script = tmp_path / "in_blender.py"
    script.write_text(_IN_BLENDER)
    subprocess.run(
        [python, script, tmp_path / "in.npz", tmp_path / "out.npz"], check=True, capture_output=True
    )
    with np.load(tmp_path / "out.npz") as out:
        blender = {name: out[name] for name in out.files}

    frames = tangent_frames(vertices, file)
    corners = np.concatenate([quads.ravel(), triangles.ravel()])
    on_face = (file.masks["face"] & ~file.masks["mouth_inside"])[corners]
    normal_error = _degrees(frames.normals[corners], blender["normal"])[on_face]
    tangent_error = _degrees(frames.tangents[uv_corners], blender["tangent"])[on_face]
    print(
        np.percentile(normal_error, [50, 99, 100]), np.percentile(tangent_error, [50, 95, 99, 100])
    )
    assert np.percentile(normal_error, 99) < 0.1
    assert np.percentile(tangent_error, 99) < 0.5
    assert (frames.signs[uv_corners] == blender["bitangent_sign"][:, 0])[on_face].all()


def _plane(size: int) -> tuple[HeadFile, FaceSheet, Surface, TangentFrames]:
    """A square of 100 mm that fills the sheet, facing +z, u along +x, v along +y."""
    vertices = np.array([[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0.1, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    nothing = (np.zeros(0, int), np.zeros((0, 3)))
    file = HeadFile(
        name="plane", sha256="", template=vertices, faces=faces, quad_count=1,
        shape_basis=np.zeros((4, 3, 0)), expression_basis=np.zeros((4, 3, 0)),
        expression_names=(), expression_low=np.zeros(0), expression_high=np.zeros(0),
        pose_basis=np.zeros((4, 3, 36)), joint_regressor=np.zeros((5, 4)),
        skin_weights=np.zeros((4, 5)), parents=np.zeros(5), uv=uv, uv_faces=faces,
        landmarks_68=nothing, landmarks_468=nothing, iris=nothing, contour=nothing,
        masks={}, albedo_file="",
    )  # fmt: skip
    weights = np.full((size, size, 3), 1 / 3, np.float32)
    sheet = FaceSheet(
        size, (0.0, 0.0, 1.0), faces, faces, np.zeros((size, size), np.int32), weights,
        np.zeros((2, 2, 2)), np.zeros(2), np.zeros((0, 2)), np.zeros((4, 0)), 100 / size,
    )  # fmt: skip
    step = 100 / size

    def everywhere(x: float, y: float, z: float) -> np.ndarray:
        return np.tile(np.array([x, y, z], np.float32), (size, size, 1))

    surface = Surface(everywhere(0, 0, 1), everywhere(step, 0, 0), everywhere(0, step, 0))
    return file, sheet, surface, tangent_frames(vertices, file)


@pytest.mark.parametrize(("rise", "axis"), [((1, 0), 0), ((0, 1), 1)])
def test_a_slope_leans_away_from_its_rise(rise: tuple[int, int], axis: int) -> None:
    """Height that grows to the right tilts the normal to the left; upwards, downwards (+Y up)."""
    file, sheet, surface, frames = _plane(64)
    row, column = np.mgrid[:64, :64]
    relief = 0.5 * sheet.texel_mm * (rise[0] * column - rise[1] * row)  # slope 0.5
    normals = relief_normals(relief, sheet, surface, frames, file)
    expected = np.zeros(3)
    expected[2], expected[axis] = 1, -0.5
    expected /= np.linalg.norm(expected)
    inner = normals[8:-8, 8:-8].reshape(-1, 3)
    np.testing.assert_allclose(inner, np.tile(expected, (len(inner), 1)), atol=1e-5)


def test_flat_relief_is_flat() -> None:
    file, sheet, surface, frames = _plane(16)
    normals = relief_normals(np.zeros((16, 16)), sheet, surface, frames, file)
    np.testing.assert_allclose(normals, np.broadcast_to([0.0, 0, 1], (16, 16, 3)), atol=1e-6)


def test_mirrored_uvs_turn_the_bitangent() -> None:
    file, *_ = _plane(4)
    mirrored = HeadFile(**{**file.__dict__, "uv": file.uv * [-1, 1] + [1, 0]})
    frames = tangent_frames(file.template, mirrored)
    np.testing.assert_allclose(frames.signs, -1)
    np.testing.assert_allclose(frames.tangents, np.tile([-1.0, 0, 0], (4, 1)), atol=1e-6)
