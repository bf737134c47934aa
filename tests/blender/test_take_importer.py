import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.take_importer import ImportOptions, import_take
from bl_ext.test.avface.engine.exchange.take import Take
from bl_ext.test.avface.engine.geometry import to_camera

from tests.blender.surfaces import evaluated, in_blender, largest_mm

TOLERANCE_MM = 0.1


def _reference(head, take: Take, frame: int) -> np.ndarray:
    """What the engine computes for one frame, in the clip's camera: (V, 3)."""
    surface = head.pose(head.rest(take.shape), take.expression[frame], take.jaw[frame],
                        take.eyes[frame])  # fmt: skip
    return to_camera(surface, take.head_pose[frame], take.head_translation[frame])


def _in_camera(points: np.ndarray, camera: bpy.types.Object) -> np.ndarray:
    """World points in the axes of a Blender camera."""
    graph = bpy.context.evaluated_depsgraph_get()
    inverse = np.linalg.inv(np.array(camera.evaluated_get(graph).matrix_world))
    return points @ inverse[:3, :3].T + inverse[:3, 3]


@pytest.mark.parametrize("moves", ["head", "camera"])
def test_blender_shows_what_the_engine_computes(head, make_take, load_take, moves):
    path = make_take()
    take = load_take(path)
    result = import_take(path, bpy.context, ImportOptions(moves=moves, start_frame=11))
    distances = []
    for frame in range(take.frame_count):
        bpy.context.scene.frame_set(11 + frame)
        seen = _in_camera(evaluated(result.head), result.camera)
        distances.append(largest_mm(seen, _reference(head, take, frame)))
    assert max(distances) < TOLERANCE_MM


def test_the_face_moves_within_a_still_head_when_the_camera_moves(head, make_take, load_take):
    path = make_take()
    take = load_take(path)
    result = import_take(path, bpy.context, ImportOptions(moves="camera"))
    for frame in (0, 30, 59):
        bpy.context.scene.frame_set(1 + frame)
        surface = head.pose(head.rest(take.shape), take.expression[frame], take.jaw[frame],
                            take.eyes[frame])  # fmt: skip
        assert largest_mm(evaluated(result.head), in_blender(surface)) < TOLERANCE_MM
