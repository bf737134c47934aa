"""The head drawn into a view so that the clip is seen through it, whatever that view shows of it.

What is drawn is the surface as Blender has it now; of what lies behind another part of it nothing
is seen, unlike in Blender's X-ray.
"""

from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .head_builder import PART_ATTRIBUTE, PART_COLOURS

_ALPHA = 0.55
_SIDE, _FRONT = 0.25, 0.75  # how light it is where seen from the side, and in front


def draw(head: bpy.types.Object, view: Any) -> None:
    """Draw a head; for a draw handler after the view (POST_VIEW), `view` its 3D data."""
    graph = bpy.context.evaluated_depsgraph_get()
    shown: Any = head.evaluated_get(graph)
    triangles = _triangles(shown.data)
    world, turn = np.array(shown.matrix_world), np.array(view.view_matrix)[:3, :3]
    points = _vectors(shown.data.vertices, "co") @ world[:3, :3].T + world[:3, 3]
    normals = _vectors(shown.data.vertex_normals, "vector") @ (turn @ world[:3, :3]).T
    facing = _SIDE + _FRONT * np.clip(normals[:, 2:], 0, 1)
    colours = np.full((len(points), 4), _ALPHA, np.float32)
    colours[:, :3] = _colours(shown.data) * facing
    shader: Any = gpu.shader.from_builtin("SMOOTH_COLOR")
    corners: Any = {"pos": points.astype(np.float32), "color": colours}
    batch = batch_for_shader(shader, "TRIS", corners, indices=triangles)
    gpu.state.face_culling_set("BACK")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(True)
    gpu.state.color_mask_set(False, False, False, False)
    batch.draw(shader)  # the nearest surface, for the next to be drawn once
    gpu.state.color_mask_set(True, True, True, True)
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")
    gpu.state.depth_mask_set(False)
    gpu.state.depth_test_set("NONE")
    gpu.state.face_culling_set("NONE")


def _triangles(mesh: Any) -> np.ndarray:
    """The surface's triangles, (F, 3)."""
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    return corners.reshape(-1, 3)


def _colours(mesh: Any) -> np.ndarray:
    """Plain colours of skin, eyes and teeth, (V, 3) or (1, 3) as the screen has them."""
    colours = mesh.color_attributes.get(PART_ATTRIBUTE)
    if colours is None or len(colours.data) != len(mesh.vertices):
        return np.array([PART_COLOURS["skin"]]) ** (1 / 2.2)
    flat = np.empty(4 * len(colours.data), np.float32)
    colours.data.foreach_get("color", flat)
    return flat.reshape(-1, 4)[:, :3] ** (1 / 2.2)


def _vectors(items: Any, name: str) -> np.ndarray:
    """An attribute of three numbers, (N, 3)."""
    flat = np.empty(3 * len(items), np.float32)
    items.foreach_get(name, flat)
    return flat.reshape(-1, 3)
