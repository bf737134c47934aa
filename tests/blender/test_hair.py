import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.hair import HAIR_COLOUR, HAIR_PROPERTY
from bl_ext.test.avface.avface_blender.take_importer import import_take
from bl_ext.test.avface.engine.exchange.hair import POINTS

from tests.blender.surfaces import evaluated

AT_ROOTS_M = 0.02  # vertices of the scalp lie 1 to 2 cm apart


@pytest.fixture
def hair(head_file) -> np.ndarray:
    """12 mm on top of the head."""
    return np.where(head_file.masks["scalp"], 12.0, 0.0).astype(np.float32)


def worn() -> list:
    return [object_ for object_ in bpy.data.objects if HAIR_PROPERTY in object_]


def roots_of(object_) -> np.ndarray:
    """The strands' first points in the world, (N, 3)."""
    graph = bpy.context.evaluated_depsgraph_get()
    matrix = np.array(object_.evaluated_get(graph).matrix_world)
    places = np.empty(3 * len(object_.data.points), np.float32)
    object_.data.position_data.foreach_get("vector", places)
    return places.reshape(-1, POINTS, 3)[:, 0] @ matrix[:3, :3].T + matrix[:3, 3]


def test_hair_stays_on_the_skull_while_the_head_moves(make_take, hair):
    result = import_take(make_take(hair=hair), bpy.context)
    (object_,) = worn()
    assert len(object_.data.curves) > 1000
    for frame in (1, 12, 24):
        bpy.context.scene.frame_set(frame)
        roots, skin = roots_of(object_)[::200], evaluated(result.head)
        away = np.linalg.norm(roots[:, None] - skin[None], axis=2).min(1)
        assert away.max() < AT_ROOTS_M


def test_strands_have_colours_of_their_own(make_take, hair):
    import_take(make_take(hair=hair), bpy.context)
    (object_,) = worn()
    colours = object_.data.attributes[HAIR_COLOUR]
    assert (colours.domain, len(colours.data)) == ("CURVE", len(object_.data.curves))
    assert object_.active_material is not None


def test_another_take_of_the_head_brings_its_own_hair(make_take, hair):
    head = import_take(make_take(hair=hair), bpy.context).head
    head.name = "Ada"
    import_take(make_take(name="other", hair=hair), bpy.context)
    assert len(worn()) == 1
    import_take(make_take(name="bald", hair=0 * hair), bpy.context)
    assert not worn()
    assert not bpy.data.hair_curves
