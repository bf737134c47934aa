"""The list of takes, filters that can be set anew, unsure places, corrections on top."""

import time
from pathlib import Path

import bpy
import numpy as np
import pytest

from .conftest import module
from .extension import enabled

importer = module("avface_blender.take_importer")
takes = module("avface_blender.takes")
corrections = module("avface_blender.corrections")
ONE_FRAME = {"frame_end" if bpy.app.version < (5, 0, 0) else "length": 2}
review = module("avface_blender.review")
keyframes = module("avface_blender.keyframes")


def key_values(head, name: str) -> np.ndarray:
    """What Blender evaluates for a shape key over the scene's frames."""
    scene, out = bpy.context.scene, []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        out.append(head.data.shape_keys.key_blocks[name].value)
    return np.array(out)


@pytest.fixture
def two_takes(make_take):
    first = importer.import_take(make_take(seed=1, name="one"), bpy.context)
    second = importer.import_take(make_take(seed=2, name="two"), bpy.context)
    assert first.head == second.head
    return first, second


def test_the_list_names_both_and_the_new_one_plays(two_takes):
    first, second = two_takes
    entries = takes.takes_of(first.head)
    assert [entry.name for entry in entries] == [first.name, second.name]
    assert [entry.plays for entry in entries] == [False, True]
    assert entries[0].clip == "one.mp4"
    assert entries[0].frames == (first.first_frame, first.last_frame)
    assert entries[0].date == time.strftime("%Y-%m-%d")


def test_showing_the_other_take(two_takes, load_take, make_take):
    first, _ = two_takes
    take = load_take(make_take(seed=1, name="one"))
    takes.show(first.head, first.name)
    assert takes.playing(first.head) == first.name
    column = take.expression_names.index("mouthClose")
    np.testing.assert_allclose(
        key_values(first.head, "mouthClose"), take.expression[:, column], atol=1e-5
    )


def test_deleting_a_take_leaves_the_other_and_its_files(two_takes, tmp_path):
    first, second = two_takes
    cameras = [f"{first.name} camera", f"{second.name} camera"]
    takes.delete(first.head, second.name)
    assert [entry.name for entry in takes.takes_of(first.head)] == [first.name]
    assert takes.playing(first.head) == first.name
    assert [name in bpy.data.objects for name in cameras] == [True, False]
    assert not [a for a in bpy.data.actions if a.name.startswith(second.name)]
    assert (tmp_path / "two.take.npz").is_file()
    assert takes.delete(first.head, first.name, with_files=True) == 1
    assert not (tmp_path / "one.take.npz").exists()


def test_the_scene_shows_the_clip_of_the_take_that_plays(two_takes):
    first, second = two_takes
    scene = bpy.context.scene
    assert scene.camera == second.camera
    takes.show(first.head, first.name)
    assert scene.camera == first.camera
    own = scene.camera = bpy.data.objects.new("own", bpy.data.cameras.new("own"))
    takes.show(first.head, second.name)
    assert scene.camera == own, "an artist's camera stays"
    scene.camera = second.camera
    takes.delete(second.head, second.name)
    assert scene.camera == first.camera


def test_the_sound_is_that_of_the_take_that_plays(two_takes):
    first, second = two_takes
    scene, rig = bpy.context.scene, first.rig
    scene.sequence_editor_create()
    strips = module("avface_blender.shot").strips_of(scene)
    heard = {}
    for channel, result in enumerate(two_takes):
        heard[result.name] = strips.new_effect(result.name, "COLOR", channel + 1, 1, **ONE_FRAME)
        heard[result.name]["avface_rig"] = rig
    heard[first.name].mute = True
    takes.show(first.head, first.name)
    assert [strip.mute for strip in heard.values()] == [False, True]
    heard[first.name].mute = True
    takes.show(first.head, second.name)
    assert [strip.mute for strip in heard.values()] == [True, True], "silenced by the artist"


def test_a_refined_take_keeps_the_camera_of_its_clip(make_take):
    first = importer.import_take(make_take(seed=1, name="one"), bpy.context)
    path = make_take(seed=2, name="one refined 01", source={"path": "one.mp4", "sha256": ""})
    refined = importer.import_take(path, bpy.context, importer.ImportOptions(camera=False))
    takes.delete(first.head, first.name)
    assert bpy.context.scene.camera == first.camera
    takes.delete(first.head, refined.name)
    assert not takes.takes_of(first.head)


def test_a_take_is_found_beside_a_file_that_has_moved_with_it(make_take, tmp_path):
    path = make_take(name="one")
    head = importer.import_take(path, bpy.context).head.name
    (tmp_path / "moved").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "moved" / "scene.blend"))
    path = path.rename(tmp_path / "moved" / path.name)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved" / "scene.blend"))
    assert takes.take_file(bpy.data.objects[head]) == path


def test_pictures_that_a_refined_take_shows_outlive_the_first_one(make_take, tmp_path):
    head = importer.import_take(make_take(name="one"), bpy.context).head
    (tmp_path / "one.albedo.png").touch()
    make_take(name="one refined 01")
    takes.delete(head, takes.playing(head), with_files=True)
    assert (tmp_path / "one.albedo.png").exists()
    assert not (tmp_path / "one.take.npz").exists()


def test_confidence_is_a_curve_and_leads_to_the_next_unsure_place(make_take):
    confidence = np.ones((24, 5))
    confidence[5:9, 1] = 0.1
    confidence[15:20, 4] = 0.2
    result = importer.import_take(make_take(confidence=confidence), bpy.context)
    start = result.first_frame
    ranges = review.unsure_ranges(review.confidence_of(result.name), 0.5)
    assert ranges == [(start + 5, start + 8, "mouth"), (start + 15, start + 19, "brows")]
    assert review.step(ranges, start + 5, True)[0] == start + 15
    assert review.step(ranges, start + 5, False)[0] == start + 15  # round the end
    assert "confidence_mouth" not in result.rig.data, "its keys would fill the timeline"
    review.show_confidence(result.rig, result.name)
    bpy.context.scene.frame_set(start + 6)
    assert result.rig.data["confidence_mouth"] == pytest.approx(0.1)
    review.hide_confidence(result.rig)
    assert "confidence_mouth" not in result.rig.data


def test_filters_can_be_set_anew_and_taken_off(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        importer_ = module_of_extension("take_importer")
        result = importer_.import_take(make_take(), bpy.context)
        action = own.filtered_action(bpy.context)
        before = key_values(result.head, "mouthClose"), key_values(result.head, "eyeBlinkLeft")
        action.avface_filters.mouth.strength = 2.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), 2 * before[0], atol=1e-5)
        np.testing.assert_allclose(key_values(result.head, "eyeBlinkLeft"), before[1], atol=1e-6)
        action.avface_filters.mouth.strength = 0.5
        action.avface_filters.head.smooth = 2.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), before[0] / 2, atol=1e-5)
        twins = [a for a in bpy.data.actions if a.name.endswith("as captured")]
        assert len(twins) == 2
        assert bpy.ops.avface.reset_filters() == {"FINISHED"}
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), before[0], atol=1e-6)
        assert not [a for a in bpy.data.actions if a.name.endswith("as captured")]


def test_offset_and_hold_move_their_region_alone(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        result = module_of_extension("take_importer").import_take(make_take(), bpy.context)
        action = own.filtered_action(bpy.context)
        names = ("mouthClose", "eyeBlinkLeft", "browDownLeft")
        mouth, eye, brow = (key_values(result.head, name) for name in names)
        nod = bone_values(result.rig, "root")
        filters = action.avface_filters
        filters.mouth.offset = 3.0
        filters.eyes.hold = 4
        later, held, same = (key_values(result.head, name) for name in names)
        np.testing.assert_allclose(later[3:], mouth[:-3], atol=1e-5)
        np.testing.assert_allclose(held, eye[np.arange(len(eye)) // 4 * 4], atol=1e-5)
        np.testing.assert_allclose(same, brow, atol=1e-6)
        np.testing.assert_allclose(bone_values(result.rig, "root"), nod, atol=1e-6)
        filters.head.offset = -2.0
        np.testing.assert_allclose(bone_values(result.rig, "root")[:-2], nod[2:], atol=1e-5)
        filters.mouth.offset, filters.mouth.strength = 0.0, 0.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), 0 * mouth, atol=1e-6)
        bpy.ops.avface.reset_filters()
        for name, captured in zip(names, (mouth, eye, brow), strict=True):
            np.testing.assert_allclose(key_values(result.head, name), captured, atol=1e-6)


def test_the_face_of_a_frame_becomes_neutral(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        result = module_of_extension("take_importer").import_take(make_take(), bpy.context)
        action, scene = own.filtered_action(bpy.context), bpy.context.scene
        names = ("eyeBlinkLeft", "mouthClose", "browDownLeft")
        before = {name: key_values(result.head, name) for name in names}
        nod = bone_values(result.rig, "root")
        scene.frame_set(9)
        assert bpy.ops.avface.set_neutral() == {"FINISHED"}
        for name in names:
            rest = before[name][8]
            wanted = (before[name] - rest) / max(1 - rest, 0.5)
            np.testing.assert_allclose(key_values(result.head, name), wanted, atol=1e-5)
        scene.frame_set(9)
        turn = result.rig.pose.bones["jaw"].rotation_quaternion
        assert turn.angle == pytest.approx(0, abs=1e-3)
        np.testing.assert_allclose(bone_values(result.rig, "root"), nod, atol=1e-6)
        bpy.ops.avface.shift_takes(frames=20)
        assert module_of_extension("filters").frame_of(action, 8) == 29
        bpy.ops.avface.shift_takes(frames=-20)
        scene.frame_set(500)
        with pytest.raises(RuntimeError, match="no frame 500"):
            bpy.ops.avface.set_neutral()
        bpy.ops.avface.set_neutral(clear=True)
        for name in names:
            np.testing.assert_allclose(key_values(result.head, name), before[name], atol=1e-6)
        assert not [a for a in bpy.data.actions if a.name.endswith("as captured")]


def test_fewer_keys_move_the_face_within_the_tolerance(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        path = make_take(frames=100)
        result = module_of_extension("take_importer").import_take(path, bpy.context)
        action, names = (
            own.filtered_action(bpy.context),
            ("mouthPucker", "mouthClose", "eyeBlinkLeft"),
        )
        before = {name: key_values(result.head, name) for name in names}
        places = bone_values(result.rig, "root")
        face = next(a for a in takes.actions_of(result.head, result.name) if a != action)
        full = {curve.data_path: len(curve.keyframe_points) for curve in keyframes.curves_in(face)}
        action.avface_filters.tolerance = 0.02
        kept = {curve.data_path: len(curve.keyframe_points) for curve in keyframes.curves_in(face)}
        assert sum(kept.values()) < 0.4 * sum(full.values())
        for name in names:
            off = np.abs(key_values(result.head, name) - before[name]).max()
            assert off <= 0.02 + 1e-5
        assert np.abs(bone_values(result.rig, "root") - places).max() <= 0.02 * 0.05 + 1e-6
        action.avface_filters.mouth.strength = 0.5
        off = np.abs(key_values(result.head, "mouthClose") - before["mouthClose"] / 2).max()
        assert off <= 0.02 + 1e-5
        bpy.ops.avface.reset_filters()
        again = {c.data_path: len(c.keyframe_points) for c in keyframes.curves_in(face)}
        assert again == full
        for name in names:
            np.testing.assert_allclose(key_values(result.head, name), before[name], atol=1e-6)


def test_a_refined_take_keeps_the_clean_up(make_take):
    with enabled():
        own, filters = module_of_extension("take_operators"), module_of_extension("filters")
        first = make_take(seed=1, name="one")
        bpy.ops.avface.import_take(filepath=str(first))
        head = bpy.context.active_object
        settings = own.filtered_action(bpy.context).avface_filters
        settings.mouth.strength, settings.neutral = 0.5, 3
        with filters.as_captured(own.filtered_action(bpy.context)):
            captured = key_values(head, "mouthClose")
        shown = key_values(head, "mouthClose")
        np.testing.assert_allclose(
            shown, (captured - captured[3]) / max(1 - captured[3], 0.5) / 2, atol=1e-5
        )
        options = {"head": head.name, "keeps_clean_up": True, "timing": "resample"}
        bpy.ops.avface.import_take(filepath=str(first), **options)
        assert own.filtered_action(bpy.context).avface_filters != settings
        np.testing.assert_allclose(key_values(head, "mouthClose"), shown, atol=1e-5)
        short = make_take(frames=6, name="two")
        bpy.ops.avface.import_take(filepath=str(short), over=True, **options)
        kept = own.filtered_action(bpy.context).avface_filters
        assert (kept.mouth.strength, kept.neutral) == (0.5, -1), "a range has other frames"


def bone_values(rig, bone: str) -> np.ndarray:
    """A bone's place over the scene's frames, (frames, 3) m."""
    scene, out = bpy.context.scene, []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        out.append(list(rig.pose.bones[bone].location))
    return np.array(out)


def test_the_confidence_follows_the_take_that_plays(make_take):
    sure, unsure = np.ones((24, 5)), np.full((24, 5), 0.2)
    first = importer.import_take(make_take(seed=1, name="one", confidence=sure), bpy.context)
    second = importer.import_take(make_take(seed=2, name="two", confidence=unsure), bpy.context)
    rig = first.rig
    assert review.shown(rig) is None
    review.show_confidence(rig, second.name)
    takes.show(first.head, first.name)
    assert review.shown(rig)["avface_take"] == first.name
    assert review.unsure_ranges(review.shown(rig), 0.5) == []
    takes.delete(first.head, first.name)
    assert review.shown(rig)["avface_take"] == second.name
    assert len([a for a in bpy.data.actions if a.name.endswith("confidence")]) == 1


def test_confidence_curves_are_grouped_locked_and_coloured_and_move_nothing(make_take):
    result = importer.import_take(make_take(), bpy.context)
    curves = keyframes.curves_in(review.confidence_of(result.name))
    assert len(curves) == 6
    assert {curve.group.name for curve in curves} == {"AVFace confidence"}
    assert all(curve.lock and curve.color_mode == "CUSTOM" for curve in curves)
    assert len({tuple(curve.color) for curve in curves}) == 6


def test_a_retake_changes_the_confidence_of_its_range_alone(make_take):
    low = np.ones((60, 5))
    low[2:6, 1] = low[30:36, 1] = low[50:55, 1] = 0.1
    first = importer.import_take(make_take(frames=60, name="one", confidence=low), bpy.context)
    path = make_take(seed=2, name="again", times=np.arange(20, 45) / 25.0,
                     source={"path": "one.mp4", "sha256": ""})  # fmt: skip
    second = importer.import_take(path, bpy.context, importer.ImportOptions(over=True))
    ranges = review.unsure_ranges(review.confidence_of(second.name), 0.5)
    start = first.first_frame
    assert [(a - start, b - start) for a, b, _ in ranges] == [(2, 5), (50, 54)]


def test_corrections_lie_on_top_and_outlive_a_new_take(make_take, load_take):
    path = make_take(seed=1, name="one")
    result = importer.import_take(path, bpy.context)
    keys = result.head.data.shape_keys
    corrections.start(result.head)
    assert corrections.are_on(result.head)
    before = key_values(result.head, "mouthClose")
    action = keys.animation_data.action
    add_key(keys.animation_data, 'key_blocks["mouthClose"].value', 0, result.first_frame, 0.25)
    np.testing.assert_allclose(key_values(result.head, "mouthClose"), before + 0.25, atol=1e-5)

    second = importer.import_take(make_take(seed=2, name="two"), bpy.context)
    assert corrections.are_on(result.head)
    take = load_take(make_take(seed=2, name="two"))
    wanted = take.expression[:, take.expression_names.index("mouthClose")] + 0.25
    np.testing.assert_allclose(key_values(second.head, "mouthClose"), wanted, atol=1e-5)
    corrections.stop(result.head)
    result.head.name = "hero"
    np.testing.assert_allclose(key_values(second.head, "mouthClose"), wanted - 0.25, atol=1e-5)
    assert corrections.start(result.head)[1] == action


def test_bones_lie_over_the_face_only_while_it_is_corrected(make_take):
    result = importer.import_take(make_take(), bpy.context)
    assert not result.rig.show_in_front
    corrections.start(result.head)
    assert result.rig.show_in_front
    corrections.stop(result.head)
    assert not result.rig.show_in_front
    corrections.start(result.head)
    corrections.retire(result.head)
    assert not result.rig.show_in_front


def test_the_buttons(make_take):
    with enabled():
        assert not bpy.ops.avface.compare_takes.poll()
        importer_ = module_of_extension("take_importer")
        takes_ = module_of_extension("takes")
        first = importer_.import_take(make_take(seed=1, name="one"), bpy.context)
        second = importer_.import_take(make_take(seed=2, name="two"), bpy.context)
        assert bpy.ops.avface.compare_takes() == {"FINISHED"}
        assert takes_.playing(first.head) == first.name
        assert bpy.ops.avface.compare_takes() == {"FINISHED"}
        assert takes_.playing(first.head) == second.name
        assert bpy.ops.avface.show_take(take=first.name) == {"FINISHED"}
        assert bpy.ops.avface.next_unsure() == {"FINISHED"}
        assert bpy.ops.avface.delete_take(take=first.name) == {"FINISHED"}
        assert [entry.name for entry in takes_.takes_of(first.head)] == [second.name]


def test_the_look_has_sliders_and_lights(make_take):
    material = module("avface_blender.material")
    with enabled():
        importer_ = module_of_extension("take_importer")
        result = importer_.import_take(make_take(), bpy.context)
        sockets = material.look_sockets(material.skin_material(result.head))
        assert {"Gloss", "Roughness", "Light in the Skin", "Pores"} <= set(sockets)
        assert not bpy.ops.avface.add_lights.poll(), "a new head in a dark scene has them"
        for light in [child for child in result.rig.children if child.type == "LIGHT"]:
            bpy.data.objects.remove(light)
        assert bpy.ops.avface.add_lights() == {"FINISHED"}
        assert len([o for o in bpy.data.objects if o.type == "LIGHT"]) == 3


def module_of_extension(name: str):
    import importlib

    from .extension import NAME

    return importlib.import_module(f"{NAME}.avface_blender.{name}")


def test_a_take_over_a_range_leaves_the_rest(make_take, load_take):
    first = importer.import_take(make_take(frames=60, seed=1, name="one"), bpy.context)
    path = make_take(seed=2, name="again", times=np.arange(20, 45) / 25.0,
                     source={"path": "one.mp4", "sha256": ""})  # fmt: skip
    scene = bpy.context.scene
    length = scene.frame_start, scene.frame_end
    second = importer.import_take(path, bpy.context, importer.ImportOptions(over=True))
    assert (scene.frame_start, scene.frame_end) == length
    assert (second.first_frame, second.last_frame) == (length[0] + 20, length[0] + 44)
    below, over = load_take(make_take(frames=60, seed=1, name="one")), load_take(path)
    column = below.expression_names.index("mouthClose")
    seen = key_values(first.head, "mouthClose")
    np.testing.assert_allclose(seen[:20], below.expression[:20, column], atol=1e-5)
    np.testing.assert_allclose(seen[46:], below.expression[46:, column], atol=1e-5)
    np.testing.assert_allclose(seen[26:39], over.expression[6:19, column], atol=1e-5)
    inner = seen[21:25]
    low = np.minimum(below.expression[21:25, column], over.expression[1:5, column])
    high = np.maximum(below.expression[21:25, column], over.expression[1:5, column])
    assert (inner >= low - 1e-5).all() and (inner <= high + 1e-5).all()


def test_a_take_over_a_range_is_shown_with_the_one_below(make_take):
    below = importer.import_take(make_take(seed=1, name="one"), bpy.context)
    path = make_take(seed=2, name="one again", times=np.arange(8, 14) / 25)
    over = importer.import_take(path, bpy.context, importer.ImportOptions(over=True))
    takes.show(below.head, below.name)
    assert [entry.plays for entry in takes.takes_of(below.head)] == [True, False]
    takes.show(below.head, over.name)
    assert [entry.plays for entry in takes.takes_of(below.head)] == [True, True]


def test_refining_sends_the_corrected_frames_and_brings_in_what_comes_back(make_take, tmp_path):
    import json

    from . import extension

    ready = make_take(seed=5, name="ready", source={"path": "one.mp4", "sha256": ""})
    with enabled():
        (tmp_path / "engine").mkdir()
        extension.preferences().engine_python = str(
            extension.make_engine(tmp_path / "engine", ready)
        )
        extension.preferences().jobs_folder = str(tmp_path / "jobs")
        own = {n: module_of_extension(n) for n in ("take_importer", "takes", "corrections")}
        result = own["take_importer"].import_take(make_take(seed=1, name="one"), bpy.context)
        head, scene = result.head, bpy.context.scene
        assert not bpy.ops.avface.refine.poll()
        bpy.ops.avface.start_corrections()
        frame = result.first_frame + 7
        scene.frame_set(frame)
        jaw = result.rig.pose.bones["jaw"]
        captured = head.data.shape_keys.key_blocks["mouthClose"].value
        for owner, path, index, value in (
            (head.data.shape_keys, 'key_blocks["mouthClose"].value', 0, 0.25),
            *((result.rig, 'pose.bones["jaw"].rotation_quaternion', k, v)
              for k, v in enumerate((1.0, 0.0, 0.0, 0.0))),
        ):  # fmt: skip
            add_key(owner.animation_data, path, index, frame, value)
        scene.frame_set(frame)
        take = module("engine.exchange.take").Take.load(tmp_path / "one.take.npz")
        assert jaw.rotation_quaternion.angle == pytest.approx(np.linalg.norm(take.jaw[7]), abs=1e-4)

        assert bpy.ops.avface.refine() == {"FINISHED"}
        (job,) = (tmp_path / "jobs").glob("*/job.json")
        job = json.loads(job.read_text())
        assert job["refines"] == str(tmp_path / "one.take.npz")
        (row,) = json.loads(Path(job["corrections"]).read_text())["corrections"]
        assert row["time"] == pytest.approx(7 / 25)
        assert row["expression"] == {"mouthClose": pytest.approx(captured + 0.25, abs=1e-5)}
        np.testing.assert_allclose(row["jaw"], take.jaw[7], atol=1e-5)
        assert len(own["takes"].takes_of(head)) == 2
        assert not own["corrections"].are_on(head)
        assert (tmp_path / "one refined 01.take.npz").is_file()
        wanted = module("engine.exchange.take").Take.load(ready)
        column = wanted.expression_names.index("mouthClose")
        np.testing.assert_allclose(
            key_values(head, "mouthClose"), wanted.expression[:, column], atol=1e-5
        )


@pytest.mark.parametrize("panel_clip", ["one.mp4", "other.mp4"])
def test_a_retake_is_captured_as_the_panel_says_when_it_has_the_clip(
    make_take, tmp_path, panel_clip
):
    import json

    from . import extension

    clip = tmp_path / "one.mp4"
    source = {"path": str(clip), "sha256": ""}
    ready = make_take(seed=5, name="ready", source=source)
    with enabled():
        (tmp_path / "engine").mkdir()
        extension.preferences().engine_python = str(
            extension.make_engine(tmp_path / "engine", ready)
        )
        extension.preferences().jobs_folder = str(tmp_path / "jobs")
        own = {n: module_of_extension(n) for n in ("take_importer", "takes")}
        path = make_take(seed=1, name="one", source=source)
        head = own["take_importer"].import_take(path, bpy.context).head
        scene = bpy.context.scene
        scene.avface.clip, scene.avface.smoothing = str(tmp_path / panel_clip), 2.0
        assert not bpy.ops.avface.retake.poll()
        scene.use_preview_range = True
        scene.frame_preview_start, scene.frame_preview_end = 3, 5
        assert bpy.ops.avface.retake() == {"FINISHED"}
        (job,) = (tmp_path / "jobs").glob("*/job.json")
        job = json.loads(job.read_text())
        assert job["clip"] == str(clip)
        assert job["options"]["start"] == pytest.approx(2 / 25)
        assert job["options"]["end"] == pytest.approx(5 / 25)
        assert (job["options"].get("smoothing") == 2.0) == (panel_clip == "one.mp4")
        assert [entry.plays for entry in own["takes"].takes_of(head)] == [True, True]


def add_key(animation, path: str, index: int, frame: int, value: float) -> None:
    action = animation.action
    if not hasattr(action, "layers"):
        curves = action.fcurves
    else:
        layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
        strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
        curves = strip.channelbag(action.slots[0], ensure=True).fcurves
    curve = curves.find(path, index=index) or curves.new(path, index=index)
    curve.keyframe_points.insert(frame, value)
