"""The list of takes, which of them plays, unsure places, retakes over a range."""

import time

import bpy
import numpy as np
import pytest

from .conftest import module
from .extension import enabled
from .playing import key_values, module_of_extension

importer = module("avface_blender.take_importer")
takes = module("avface_blender.takes")
take_removal = module("avface_blender.take_removal")
corrections = module("avface_blender.corrections")
ONE_FRAME = {"frame_end" if bpy.app.version < (5, 0, 0) else "length": 2}
review = module("avface_blender.review")
AVFaceError = module("engine.exchange.protocol").AVFaceError
keyframes = module("avface_blender.keyframes")
material = module("avface_blender.material")


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
    take_removal.delete(first.head, second.name)
    assert [entry.name for entry in takes.takes_of(first.head)] == [first.name]
    assert takes.playing(first.head) == first.name
    assert [name in bpy.data.objects for name in cameras] == [True, False]
    assert not [a for a in bpy.data.actions if a.name.startswith(second.name)]
    assert (tmp_path / "two.take.npz").is_file()
    assert take_removal.delete(first.head, first.name, with_files=True) == 1
    assert not (tmp_path / "one.take.npz").exists()


def test_a_deleted_head_leaves_nothing_but_what_an_artist_hung_on_it(two_takes):
    head, rig = two_takes[0].head, two_takes[0].rig
    corrections.start(head)
    hat = bpy.data.objects.new("hat", None)
    bpy.context.scene.collection.objects.link(hat)
    hat.parent = rig
    lamp = bpy.data.objects.new("Key of mine", bpy.data.lights.new("Key", "POINT"))
    bpy.context.scene.collection.objects.link(lamp)
    lamp.parent = rig
    nod = bpy.data.actions.new(f"{two_takes[0].name} nod")
    nod.use_fake_user = True
    clay = material.skin_material(head).copy()
    clay.use_fake_user = True
    older = [made for made in bpy.data.materials if made.use_fake_user and made != clay]
    for made in older:
        del made["avface_made"]  # as in files of before
    take_removal.delete_head(head)
    assert older and set(bpy.data.objects) == {hat, lamp}
    assert list(bpy.data.actions) == [nod] and not bpy.data.collections
    assert not bpy.context.scene.timeline_markers
    assert [kept for kept in bpy.data.materials if kept.users] == [clay]


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
    take_removal.delete(second.head, second.name)
    assert scene.camera == first.camera


def test_the_sound_is_that_of_the_take_that_plays(two_takes):
    first, second = two_takes
    scene, rig = bpy.context.scene, first.rig
    scene.sequence_editor_create()
    strips = module("avface_blender.strips").strips_of(scene)
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
    take_removal.delete(first.head, first.name)
    assert bpy.context.scene.camera == first.camera
    take_removal.delete(first.head, refined.name)
    assert not takes.takes_of(first.head)


def test_a_take_is_found_beside_a_file_that_has_moved_with_it(make_take, tmp_path):
    path = make_take(name="one")
    head = importer.import_take(path, bpy.context).head.name
    (tmp_path / "moved").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "moved" / "scene.blend"))
    path = path.rename(tmp_path / "moved" / path.name)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved" / "scene.blend"))
    assert takes.take_file(bpy.data.objects[head]) == path


def test_a_project_that_has_moved_finds_its_takes_and_its_clip(make_take, tmp_path):
    project = tmp_path / "at home" / "projekt ä"
    (project / "takes" / "one").mkdir(parents=True)
    clip = project / "one.mp4"
    clip.write_bytes(b"not read here")
    path = make_take(name="one", source={"path": str(clip), "sha256": ""})
    path = path.rename(project / "takes" / "one" / path.name)
    head = importer.import_take(path, bpy.context).head.name
    bpy.ops.wm.save_as_mainfile(filepath=str(project / "scene.blend"))
    moved = tmp_path / "elsewhere"
    project.rename(moved)
    bpy.ops.wm.open_mainfile(filepath=str(moved / "scene.blend"))
    action = takes.armature_action(bpy.data.objects[head])
    file = takes.file_of(action)
    assert file == moved / "takes" / "one" / path.name
    assert takes.clip_of(takes.load(file), file) == str(moved / "one.mp4")
    (moved / "one.mp4").unlink()
    with pytest.raises(AVFaceError, match=r"one\.mp4 is not there any more"):
        takes.clip_of(takes.load(file), file)


def test_pictures_that_a_refined_take_shows_outlive_the_first_one(make_take, tmp_path):
    head = importer.import_take(make_take(name="one"), bpy.context).head
    (tmp_path / "one.albedo.png").touch()
    make_take(name="one refined 01")
    take_removal.delete(head, takes.playing(head), with_files=True)
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
    take_removal.delete(first.head, first.name)
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


def test_tracks_that_were_muted_or_deleted_by_hand_are_said_plainly(make_take):
    with enabled():
        importer_ = module_of_extension("take_importer")
        takes_ = module_of_extension("takes")
        operators = module_of_extension("take_operators")
        first = importer_.import_take(make_take(seed=1, name="one"), bpy.context)
        importer_.import_take(make_take(seed=2, name="two"), bpy.context)
        owners = (first.rig, first.head.data.shape_keys)
        for track in (t for owner in owners for t in owner.animation_data.nla_tracks):
            track.mute = True
        wants_one = operators.PlayingTakeAction.disabled_reason
        assert wants_one(bpy.context) == "No take plays: click one under Takes"
        for name in ("retake", "reset_filters", "set_neutral", "refine", "paint_trust"):
            assert not getattr(bpy.ops.avface, name).poll(), name
        assert bpy.ops.avface.compare_takes() == {"FINISHED"}
        assert takes_.playing(first.head) == takes_.takes_of(first.head)[-1].name
        assert not wants_one(bpy.context)
        tracks = first.rig.animation_data.nla_tracks
        for track in list(tracks):
            tracks.remove(track)
        assert "import it once more" in wants_one(bpy.context)
        assert not bpy.ops.avface.reset_filters.poll()


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


@pytest.mark.parametrize("panel_clip", ["one.mp4", "other.mp4"])
def test_a_retake_is_captured_as_the_panel_says_when_it_has_the_clip(
    make_take, tmp_path, panel_clip
):
    import json

    from . import extension

    clip = tmp_path / "one.mp4"
    clip.write_bytes(b"not read by this engine")
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


def test_a_copied_head_parts_from_its_take_alone(make_take):
    with enabled():
        own = {n: module_of_extension(n) for n in ("take_importer", "takes", "review")}
        result = own["take_importer"].import_take(make_take(), bpy.context)
        head = result.head
        before = key_values(head, "mouthClose")
        head.select_set(True)
        bpy.ops.object.duplicate()
        bpy.context.view_layer.update()
        copy = bpy.context.active_object
        (entry,) = own["takes"].takes_of(copy)
        assert copy != head and entry.plays
        assert bpy.ops.avface.delete_take(take=entry.name) == {"FINISHED"}
        assert not own["takes"].takes_of(copy)
        assert own["takes"].camera_of(result.rig, result.name) == result.camera
        assert own["review"].confidence_of(result.name)
        np.testing.assert_allclose(key_values(head, "mouthClose"), before, atol=1e-6)


def test_a_head_that_was_appended_twice_is_filtered_alone(make_take, tmp_path):
    with enabled():
        own = {n: module_of_extension(n) for n in ("take_importer", "take_operators", "takes")}
        result = own["take_importer"].import_take(make_take(), bpy.context)
        before, name = key_values(result.head, "mouthClose"), result.head.name
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "one.blend"))
        (tmp_path / "one.blend").rename(tmp_path / "other.blend")
        with bpy.data.libraries.load(str(tmp_path / "other.blend")) as (_, wanted):
            wanted.objects = [name]
        (again,) = wanted.objects
        bpy.context.scene.collection.objects.link(again)
        assert own["takes"].playing(again) == result.name
        settings = own["take_operators"].filtered_action(bpy.context).avface_filters
        settings.mouth.strength = 0.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), 0, atol=1e-6)
        np.testing.assert_allclose(key_values(again, "mouthClose"), before, atol=1e-6)
        assert bpy.ops.avface.delete_take(take=result.name) == {"FINISHED"}
        np.testing.assert_allclose(key_values(again, "mouthClose"), before, atol=1e-6)
        assert not [a for a in bpy.data.actions if a.name.endswith("as captured")]


def test_takes_have_names_of_their_own_whatever_their_actions_are_called(make_take):
    first = importer.import_take(make_take(name="one"), bpy.context)
    for action in list(bpy.data.actions):
        action.name = f"old {action.name[-12:]}"
    second = importer.import_take(make_take(name="one"), bpy.context)
    assert first.name != second.name
    assert [entry.name for entry in takes.takes_of(first.head)] == [first.name, second.name]
