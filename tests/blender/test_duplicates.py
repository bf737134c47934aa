"""A duplicated head has takes of its own."""

import bpy
import numpy as np
import pytest

from tests.blender.playing import bone_values, key_values

KEY = "mouthClose"


@pytest.fixture
def result(addon, make_take):
    return addon.take_importer.import_take(make_take(), bpy.context)


def duplicate(result, linked=False):
    """Shift D (or Alt D) on head, armature and camera: the second head."""
    for item in (result.head, result.rig, result.camera):
        if item is not None:
            item.select_set(True)
    bpy.context.view_layer.objects.active = result.head
    bpy.ops.object.duplicate(linked=linked)
    bpy.context.view_layer.update()
    return bpy.context.active_object


def settings(addon, head):
    return addon.takes.armature_action(head).avface_filters


def test_clean_up_of_one_leaves_the_other(addon, result):
    before = key_values(result.head, KEY), bone_values(result.rig, "root")
    settings(addon, result.head).mouth.strength = 0.5
    copy = duplicate(result)
    np.testing.assert_allclose(key_values(copy, KEY), before[0] / 2, atol=1e-6)
    settings(addon, copy).mouth.strength = 0.0
    settings(addon, copy).head.strength = 0.0
    np.testing.assert_allclose(key_values(result.head, KEY), before[0] / 2, atol=1e-6)
    np.testing.assert_allclose(bone_values(result.rig, "root"), before[1], atol=1e-6)
    np.testing.assert_allclose(key_values(copy, KEY), 0, atol=1e-6)
    addon.filters.reset(addon.takes.armature_action(copy))
    np.testing.assert_allclose(key_values(copy, KEY), before[0], atol=1e-6)
    np.testing.assert_allclose(key_values(result.head, KEY), before[0] / 2, atol=1e-6)


def test_each_has_a_take_of_its_own_name_with_its_confidence(addon, result):
    copy = duplicate(result)
    (entry,) = addon.takes.takes_of(copy)
    assert entry.name == f"{result.name}.001" and entry.plays and not entry.moved
    assert entry.file == addon.takes.takes_of(result.head)[0].file
    assert [entry.name for entry in addon.takes.takes_of(result.head)] == [result.name]
    confidence = [addon.review.confidence_of(name) for name in (result.name, entry.name)]
    assert None not in confidence and confidence[0] != confidence[1]
    again = duplicate(result)
    assert addon.takes.playing(again) == f"{result.name}.002"


def test_one_is_moved_in_time_with_its_film(addon, result):
    copy = duplicate(result)
    frames = [addon.takes.takes_of(head)[0].frames for head in (result.head, copy)]
    assert frames[0] == frames[1]
    copy.avface_begin = 31
    assert addon.takes.takes_of(copy)[0].frames[0] == 31
    assert addon.takes.takes_of(result.head)[0].frames == frames[0]
    assert addon.takes.camera_of(addon.rig.rig_of(copy), f"{result.name}.001")


def test_one_parts_from_its_take_alone(addon, result):
    before, copy = key_values(result.head, KEY), duplicate(result)
    addon.take_removal.delete(copy, f"{result.name}.001")
    np.testing.assert_allclose(key_values(result.head, KEY), before, atol=1e-6)
    assert addon.takes.camera_of(result.rig, result.name) == result.camera
    left = {action.get("avface_take") for action in bpy.data.actions}
    assert f"{result.name}.001" not in left


def test_corrections_are_each_heads_own(addon, result):
    addon.corrections.start(result.head)
    addon.corrections.stop(result.head)
    kept = addon.corrections.kept(result.head)
    copy = duplicate(result)
    own = addon.corrections.kept(copy)
    assert len(own) == 2 and not set(own) & set(kept)
    assert set(addon.corrections.start(copy)) == set(own)


def test_a_linked_duplicate_shares_its_face(addon, result):
    copy = duplicate(result, linked=True)
    assert addon.takes.playing(copy) == result.name


def test_a_scene_that_is_copied_whole_has_heads_of_its_own(addon, result):
    bpy.ops.scene.new(type="FULL_COPY")
    addon.duplicates.part_all()  # without a window nobody looks at the new scene
    names = {addon.takes.playing(head) for head in addon.head_builder.heads()}
    assert names == {result.name, f"{result.name}.001"}


def test_a_file_whose_heads_share_a_take_is_mended_when_opened(addon, result, tmp_path):
    addon.duplicates.unregister()
    try:
        copy = duplicate(result)
        assert addon.takes.playing(copy) == result.name
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shared.blend"))
    finally:
        addon.duplicates.register()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shared.blend"))
    names = [addon.takes.playing(head) for head in addon.head_builder.heads()]
    assert sorted(names) == [result.name, f"{result.name}.001"]
