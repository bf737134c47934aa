import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender import export
from bl_ext.test.avface.avface_blender.hair import HAIR_COLOUR, HAIR_PROPERTY
from bl_ext.test.avface.avface_blender.head_builder import GLOSS_ATTRIBUTE, shape_keys
from bl_ext.test.avface.avface_blender.take_importer import import_take
from bl_ext.test.avface.engine.exchange.fringe import FRINGE_AT
from bl_ext.test.avface.engine.exchange.growth import POINTS

from tests.blender.surfaces import evaluated

AT_ROOTS_M = 0.02  # vertices of the scalp lie 1 to 2 cm apart
ON_LIDS_M = 0.003  # those of the lids, 1 to 3 mm


@pytest.fixture
def hair(head_file) -> np.ndarray:
    """12 mm on top of the head."""
    return np.where(head_file.masks["scalp"], 12.0, 0.0).astype(np.float32)


def worn(kind: str = "hair") -> list:
    """What a head wears of hair, or of lashes: by how it moves."""
    objects = [object_ for object_ in bpy.data.objects if HAIR_PROPERTY in object_]
    return [o for o in objects if (o.parent_type == "BONE") == (kind == "hair")]


def roots_of(object_) -> np.ndarray:
    """The strands' first points in the world, (N, 3)."""
    return strands_of(object_)[:, 0]


def strands_of(object_) -> np.ndarray:
    """The strands' points in the world, (N, P, 3)."""
    data = object_.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix = np.array(data.matrix_world)
    places = np.empty(3 * len(data.data.points), np.float32)
    data.data.points.foreach_get("position", places)
    strands = places.reshape(len(data.data.curves), -1, 3)
    return strands @ matrix[:3, :3].T + matrix[:3, 3]


def test_hair_stays_on_the_skull_while_the_head_moves(make_take, hair):
    result = import_take(make_take(hair=hair), bpy.context)
    (object_,) = worn()
    assert len(object_.data.curves) > 1000
    assert len(object_.data.points) == POINTS * len(object_.data.curves)
    for frame in (1, 12, 24):
        bpy.context.scene.frame_set(frame)
        roots, skin = roots_of(object_)[::200], evaluated(result.head)
        away = np.linalg.norm(roots[:, None] - skin[None], axis=2).min(1)
        assert away.max() < AT_ROOTS_M


@pytest.mark.parametrize("kind", ["abc", "usdc"])
def test_hair_goes_along_into_alembic_and_usd(make_take, hair, tmp_path, kind):
    head = import_take(make_take(frames=12, hair=hair), bpy.context).head
    bpy.context.scene.frame_set(12)
    before, path = strands_of(worn()[0]), tmp_path / f"head.{kind}"
    write = {"abc": export.export_alembic, "usdc": export.export_usd}[kind]
    write(head, path, bpy.context)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 25
    read = {"abc": bpy.ops.wm.alembic_import, "usdc": bpy.ops.wm.usd_import}[kind]
    read(filepath=str(path))
    bpy.context.scene.frame_set(12)
    strands = {o.name.split("_")[-1]: o for o in bpy.data.objects if o.type == "CURVES"}
    assert set(strands) == {"hair", "lashes"}
    np.testing.assert_allclose(strands_of(strands["hair"]), before, atol=1e-5)


def test_skin_under_hair_mirrors_nothing(make_take, hair):
    """Wherever the person's hair ends; a take without hair has the head's own gloss again."""
    found = []
    for worn_hair in (np.where(hair > 0, 0, 12).astype(np.float32), None):
        mesh = import_take(make_take(hair=worn_hair), bpy.context).head.data
        gloss = np.empty(len(mesh.vertices), np.float32)
        mesh.attributes[GLOSS_ATTRIBUTE].data.foreach_get("value", gloss)
        found.append(gloss)
    assert not found[0][hair == 0].any()
    assert (found[1][hair == 0] > 0).mean() > 0.9


def test_lashes_follow_the_lids(make_take):
    """Wherever the head goes, and down when the eyes shut."""
    head = import_take(make_take(), bpy.context).head
    (lashes,) = worn("lashes")
    for frame in (1, 24):
        bpy.context.scene.frame_set(frame)
        away = roots_of(lashes)[:, None] - evaluated(head)[None]
        assert np.linalg.norm(away, axis=2).min(1).max() < ON_LIDS_M
    keys = shape_keys(head)
    keys.animation_data_clear()
    heights, rises = [], []
    for blink in (0.0, 1.0):
        for side in ("Left", "Right"):
            keys.key_blocks[f"eyeBlink{side}"].value = blink
        bpy.context.view_layer.update()
        strands = strands_of(lashes)
        heights.append(strands[:, 0])
        rises.append(strands[:, -1, 2] - strands[:, 0, 2])
    upper = rises[0] > 0.001
    assert upper.mean() > 0.3
    assert (rises[0] - rises[1])[upper].mean() > 0.001  # those of a shut eye hang
    assert np.linalg.norm(heights[1] - heights[0], axis=1).max() > 0.005


@pytest.mark.parametrize("kind", ["SUBSURF", "MASK"])
def test_lashes_stay_where_modifiers_change_the_vertices(make_take, kind):
    """Some are added, or the crown is taken away: numbers change."""
    head = import_take(make_take(), bpy.context).head
    (lashes,) = worn("lashes")
    before = roots_of(lashes)
    modifier = head.modifiers.new(kind, kind)
    if kind == "MASK":
        top = [v.index for v in head.data.vertices if v.co.z > 0.06]
        assert top
        shown = head.vertex_groups.new(name="shown")
        shown.add(sorted(set(range(len(head.data.vertices))) - set(top)), 1.0, "REPLACE")
        modifier.vertex_group = shown.name
    bpy.context.view_layer.update()
    assert len(evaluated(head)) != len(head.data.vertices)
    assert np.linalg.norm(roots_of(lashes) - before, axis=1).max() < ON_LIDS_M


def test_strands_have_colours_of_their_own(make_take, hair):
    import_take(make_take(hair=hair), bpy.context)
    for object_ in (*worn(), *worn("lashes")):
        colours = object_.data.attributes[HAIR_COLOUR]
        assert (colours.domain, len(colours.data)) == ("CURVE", len(object_.data.curves))
        assert object_.active_material is not None


def test_a_fringe_falls_over_the_forehead(make_take, hair):
    lowest = []
    for falls in (None, np.full(len(FRINGE_AT), 85.0)):
        import_take(make_take(hair=hair, hair_falls=falls), bpy.context)
        tips = strands_of(worn()[0])[:, -1]
        front = tips[np.abs(tips[:, 0] - np.median(tips[:, 0])) < 0.02]
        lowest.append(np.median(front[front[:, 1] < np.percentile(front[:, 1], 10), 2]))
    assert lowest[1] < lowest[0] - 0.01


def test_another_take_of_the_head_brings_its_own_hair(make_take, hair):
    head = import_take(make_take(hair=hair), bpy.context).head
    head.name = "Ada"
    import_take(make_take(name="other", hair=hair), bpy.context)
    assert len(worn()) == len(worn("lashes")) == 1
    import_take(make_take(name="bald", hair=0 * hair), bpy.context)
    assert not worn()
    assert len(worn("lashes")) == len(bpy.data.hair_curves) == 1
