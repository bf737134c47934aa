"""Surfaces as Blender shows them, and how far they are from the engine's."""

import bpy
import numpy as np


def evaluated(object_: bpy.types.Object) -> np.ndarray:
    """The surface that Blender shows now, in world space: (V, 3)."""
    graph = bpy.context.evaluated_depsgraph_get()
    shown = object_.evaluated_get(graph)
    mesh = shown.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    shown.to_mesh_clear()
    matrix = np.array(shown.matrix_world)
    return points.reshape(-1, 3).astype(float) @ matrix[:3, :3].T + matrix[:3, 3]


def in_blender(points: np.ndarray) -> np.ndarray:
    """Head axes to Blender's, written out a second time on purpose."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)


def largest_mm(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance between corresponding points, millimetres."""
    return 1000 * float(np.linalg.norm(a - b, axis=1).max())
