"""All that belongs to a head's takes moves in time together."""

import bpy
import numpy as np
import pytest

from tests.blender.surfaces import evaluated, largest_mm
from tests.blender.test_frame_rate import shown_picture
from tests.blender.test_take_importer import camera_space, seen_from

SHIFT = 37


@pytest.fixture
def take(make_take, clips):
    confidence = np.ones((40, 5))
    confidence[10:20] = 0.1
    source = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    return make_take(frames=40, source=source, confidence=confidence)


@pytest.mark.parametrize("timing", ["set_scene", "resample", "exact"])
@pytest.mark.parametrize("moves", ["head", "camera"])
def test_head_camera_clip_and_markers_move_together(addon, head, take, load_take, timing, moves):
    scene = bpy.context.scene
    options = addon.take_importer.ImportOptions(timing=timing, moves=moves, sound=False)
    result = addon.take_importer.import_take(take, bpy.context, options)
    marker = scene.timeline_markers[0]
    before = marker.frame, marker.name
    assert bpy.ops.avface.shift_takes(frames=SHIFT) == {"FINISHED"}
    loaded, rate = load_take(take), scene.render.fps / scene.render.fps_base
    for frame in (0, 12, 36) if timing != "resample" else ():
        at = 1 + SHIFT + loaded.times[frame] * rate
        scene.frame_set(int(at + 1e-6), subframe=max(at % 1, 0) if at % 1 < 1 - 1e-6 else 0)
        seen = seen_from(result.camera, evaluated(result.head))
        assert largest_mm(seen, camera_space(head, loaded, frame)) < 0.1
    image = result.camera.data.background_images[0]
    if timing == "set_scene":
        assert image.clip.frame_start == 1 + SHIFT
    else:
        scene.frame_set(1 + SHIFT + 24)
        assert shown_picture(result.camera) == 1 + 25
    last = int(before[1].rsplit(" ", 1)[1])
    assert (marker.frame, marker.name) == (
        before[0] + SHIFT,
        before[1].removesuffix(str(last)) + str(last + SHIFT),
    )
    assert addon.landmarks.shown(scene, result.head) is not None
    scene.frame_set(1 + SHIFT)
    assert addon.landmarks.shown(scene, result.head).frame == 0


def test_sound_moves_with_the_head(addon, take):
    if not bpy.app.build_options.audaspace:
        pytest.skip("this Blender was built without sound")
    bpy.ops.avface.import_take(filepath=str(take))
    editor = bpy.context.scene.sequence_editor
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    before = strips[0].frame_start
    bpy.ops.avface.shift_takes(frames=-SHIFT)
    assert strips[0].frame_start == before - SHIFT


def test_the_panels_number_is_where_the_take_begins_and_moves_it(addon, take):
    bpy.ops.avface.import_take(filepath=str(take))
    head = addon.take_importer.selected_head(bpy.context)
    assert head.avface_begin == 1
    head.avface_begin = 101
    assert head.avface_begin == 101
    (entry,) = addon.takes.takes_of(head)
    assert entry.frames == (101, 140)
    head.avface_begin = 1
    (entry,) = addon.takes.takes_of(head)
    assert entry.frames == (1, 40)


def test_filters_corrections_and_retakes_keep_their_place(addon, take, make_take):
    scene = bpy.context.scene
    bpy.ops.avface.import_take(filepath=str(take))
    head = addon.take_importer.selected_head(bpy.context)
    unit = head.data.shape_keys.key_blocks["mouthPucker"]

    def played(first: int) -> np.ndarray:
        values = []
        for frame in range(first, first + 40):
            scene.frame_set(frame)
            values.append(unit.value)
        return np.array(values)

    captured = played(1)
    action = addon.take_operators.filtered_action(bpy.context)
    action.avface_filters.mouth.smooth = 2.0
    bpy.ops.avface.start_corrections()
    scene.frame_set(5)
    unit.value += 0.5
    unit.keyframe_insert("value")
    corrected = played(1)
    head.avface_begin = 60
    np.testing.assert_allclose(played(60), corrected, atol=1e-5)
    assert list(addon.corrections.keys_on(head).values()) == [[64.0]]
    bpy.ops.avface.stop_corrections()
    head.avface_begin = 1
    action = addon.take_operators.filtered_action(bpy.context)
    addon.filters.reset(action)
    np.testing.assert_allclose(played(1), captured, atol=1e-6)
    bpy.ops.avface.start_corrections()
    assert list(addon.corrections.keys_on(head).values()) == [[5.0]], (
        "also those that were off meanwhile"
    )


def test_another_head_stays_and_a_head_without_takes_has_a_reason(addon, take):
    bpy.ops.avface.import_take(filepath=str(take))
    first = addon.take_importer.selected_head(bpy.context)
    bpy.ops.avface.import_take(filepath=str(take), new_head=True)
    second = addon.take_importer.selected_head(bpy.context)
    bpy.ops.avface.shift_takes(frames=10)
    assert (first.avface_begin, second.avface_begin) == (1, 11)
    bpy.ops.avface.delete_take(take=addon.takes.playing(second))
    reason = addon.offset.AVFACE_OT_shift_takes.disabled_reason(bpy.context)
    assert "no take yet" in reason
    assert second.avface_begin == 0


def test_every_object_can_be_asked_where_it_begins(addon):
    """Blender does so when it compares a library override with what it is one of."""
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    assert camera.avface_begin == 0


@pytest.mark.parametrize("timing", ["set_scene", "resample", "exact"])
def test_a_strip_that_was_moved_by_hand_is_told(addon, make_take, timing):
    bpy.context.scene.render.fps = 30
    options = addon.take_importer.ImportOptions(timing=timing)
    head = addon.take_importer.import_take(make_take(), bpy.context, options).head
    addon.offset.shift(head, 25)
    (entry,) = addon.takes.takes_of(head)
    assert not entry.moved, "all of it moves together"
    owners = addon.takes.owners(head)
    for track in (track for owner in owners for track in owner.animation_data.nla_tracks):
        track.strips[0].frame_start += 10
    (entry,) = addon.takes.takes_of(head)
    assert entry.moved
