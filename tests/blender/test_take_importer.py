import time

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender import strips, take_importer, take_removal, takes
from bl_ext.test.avface.avface_blender.head_builder import HEAD_PROPERTY, PARTS
from bl_ext.test.avface.avface_blender.shot import look_through_camera
from bl_ext.test.avface.avface_blender.take_importer import (
    ImportOptions,
    import_take,
    selected_head,
)
from bl_ext.test.avface.engine.exchange.protocol import AVFaceError
from bl_ext.test.avface.engine.exchange.take import REGIONS, Take
from bl_ext.test.avface.engine.geometry import project, to_camera
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from tests.blender.surfaces import evaluated, in_blender, largest_mm

TOLERANCE_MM = 0.1


def head_space(head, take: Take, frame: int) -> np.ndarray:
    """What the engine computes for one frame, in head space: (V, 3)."""
    person = head.rest(take.shape)
    return head.pose(person, take.expression[frame], take.jaw[frame], take.eyes[frame])


def camera_space(head, take: Take, frame: int) -> np.ndarray:
    """The same in the clip's camera: (V, 3)."""
    surface = head_space(head, take, frame)
    return to_camera(surface, take.head_pose[frame], take.head_translation[frame])


def seen_from(camera: bpy.types.Object, points: np.ndarray) -> np.ndarray:
    """World points in the axes of a Blender camera: (V, 3)."""
    graph = bpy.context.evaluated_depsgraph_get()
    inverse = np.linalg.inv(np.array(camera.evaluated_get(graph).matrix_world))
    return points @ inverse[:3, :3].T + inverse[:3, 3]


def key_values(head: bpy.types.Object, name: str, frames) -> list[float]:
    values = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        values.append(head.data.shape_keys.key_blocks[name].value)
    return values


# The measure: Blender against the engine.


@pytest.mark.parametrize("moves", ["head", "camera"])
def test_blender_shows_what_the_engine_computes_on_every_frame(head, make_take, load_take, moves):
    path = make_take()
    take = load_take(path)
    result = import_take(path, bpy.context, ImportOptions(moves=moves, start_frame=11))
    distances = []
    for frame in range(take.frame_count):
        bpy.context.scene.frame_set(11 + frame)
        seen = seen_from(result.camera, evaluated(result.head))
        distances.append(largest_mm(seen, camera_space(head, take, frame)))
    assert max(distances) < TOLERANCE_MM


def test_the_face_moves_within_a_still_head_when_the_camera_moves(head, make_take, load_take):
    path = make_take()
    take = load_take(path)
    result = import_take(path, bpy.context, ImportOptions(moves="camera"))
    for frame in (0, 10, 23):
        bpy.context.scene.frame_set(1 + frame)
        surface = in_blender(head_space(head, take, frame))
        assert largest_mm(evaluated(result.head), surface) < TOLERANCE_MM


def test_the_surface_is_the_same_after_saving_and_opening(head, make_take, load_take, tmp_path):
    path = make_take()
    take = load_take(path)
    result = import_take(path, bpy.context)
    names = result.head.name, result.camera.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"), use_scripts=False)
    object_, camera = (bpy.data.objects[name] for name in names)
    bpy.context.scene.frame_set(21)
    seen = seen_from(camera, evaluated(object_))
    assert largest_mm(seen, camera_space(head, take, 20)) < TOLERANCE_MM


def test_the_camera_sees_points_where_the_clip_shows_them(make_take, load_take, head):
    path = make_take()
    take = load_take(path)
    result = import_take(path, bpy.context)
    scene = bpy.context.scene
    scene.frame_set(21)
    points = evaluated(result.head)[::500]
    expected = project(camera_space(head, take, 20)[::500], take.focal, take.size)
    width, height = take.size
    for point, pixel in zip(points, expected, strict=True):
        x, y, _ = world_to_camera_view(scene, result.camera, Vector(point))
        assert (x * width, (1 - y) * height) == pytest.approx(tuple(pixel), abs=0.01)


# The rig.


def test_correctives_follow_a_bone_that_is_turned_by_hand(head, make_take, load_take):
    path = make_take(frames=2)
    result = import_take(path, bpy.context)
    keys = result.head.data.shape_keys
    for owner in (result.rig, keys):
        owner.animation_data.nla_tracks[0].mute = True
    for name in head.unit:
        keys.key_blocks[name].value = 0.0
    for bone in result.rig.pose.bones:
        bone.matrix_basis.identity()
    jaw = result.rig.pose.bones["jaw"]
    jaw.rotation_mode = "XYZ"
    jaw.rotation_euler = (-0.3, 0.0, 0.0)  # the bone's X points to the subject's right
    bpy.context.view_layer.update()
    person = head.rest(load_take(path).shape)
    opened = head.pose(person, np.zeros(len(head.unit)), np.array([0.3, 0, 0]), np.zeros(6))
    assert largest_mm(evaluated(result.head), in_blender(opened)) < TOLERANCE_MM


def test_drivers_need_no_python(make_take):
    result = import_take(make_take(), bpy.context)
    keys = result.head.data.shape_keys
    drivers = keys.animation_data.drivers
    assert len(drivers) == sum(key.name.startswith("pose_") for key in keys.key_blocks) > 0
    assert all(curve.driver.is_simple_expression for curve in drivers)


def test_bones_stand_at_the_persons_joints(head, make_take, load_take):
    path = make_take()
    result = import_take(path, bpy.context)
    joints = in_blender(head.rest(load_take(path).shape)[1])
    for index, name in enumerate(("neck", "jaw", "left_eye", "right_eye"), start=1):
        place = np.array(result.rig.data.bones[name].head_local)
        assert place == pytest.approx(joints[index], abs=1e-6)
    assert result.rig.data.bones["root"].head_local.length < 1e-6


def test_every_key_may_go_from_minus_ten_to_ten(make_take):
    keys = import_take(make_take(), bpy.context).head.data.shape_keys.key_blocks[1:]
    assert {(key.slider_min, key.slider_max) for key in keys} == {(-10.0, 10.0)}


def test_the_mesh_keeps_the_heads_quads_uvs_and_parts(head_file, make_take):
    mesh = import_take(make_take(), bpy.context).head.data
    assert len(mesh.polygons) == len(head_file.faces) - head_file.quad_count
    mesh.calc_loop_triangles()
    assert len(mesh.loop_triangles) == len(head_file.faces)
    parts = np.array([polygon.material_index for polygon in mesh.polygons])
    assert set(parts.tolist()) == set(range(len(PARTS)))
    assert not mesh.validate()
    uv = np.array([item.uv for item in mesh.uv_layers[0].data])
    corners = head_file.uv[head_file.uv_faces[: 2 * head_file.quad_count : 2]].reshape(-1, 2)
    quads = uv[: 4 * head_file.quad_count].reshape(-1, 4, 2)[:, :3].reshape(-1, 2)
    assert np.allclose(quads, corners)


# One take after another.


def test_a_second_take_plays_and_the_first_is_kept(make_take, load_take):
    first = import_take(make_take(seed=1, name="one"), bpy.context)
    path = make_take(seed=2, name="two")
    second = import_take(path, bpy.context)
    assert second.head == first.head and second.rig == first.rig
    unit = load_take(path).expression_names[3]
    values = key_values(second.head, unit, (1, 20, 24))
    assert values == pytest.approx(load_take(path).expression[[0, 19, 23], 3], abs=1e-5)

    for owner in (first.rig, first.head.data.shape_keys):
        tracks = owner.animation_data.nla_tracks
        assert [track.mute for track in tracks] == [True, False]
        tracks[0].mute, tracks[1].mute = False, True
    one = load_take(make_take(seed=1, name="one"))
    values = key_values(first.head, unit, (1, 20, 24))
    assert values == pytest.approx(one.expression[[0, 19, 23], 3], abs=1e-5)


def test_the_same_take_twice_gives_two_sets_of_actions(make_take):
    path = make_take()
    names = [import_take(path, bpy.context).name for _ in range(2)]
    assert names == ["ada clip 01", "ada clip 02"]
    assert {f"{name} {part}" for name in names for part in ("rig", "face")} <= {
        action.name for action in bpy.data.actions
    }


def test_the_artists_own_action_is_laid_below_and_kept(make_take, load_take):
    path = make_take()
    result = import_take(path, bpy.context)
    keys = result.head.data.shape_keys
    keys.key_blocks["identity_000"].keyframe_insert("value", frame=1)
    keys.key_blocks[1].keyframe_insert("value", frame=1)
    own = keys.animation_data.action
    import_take(path, bpy.context)
    assert keys.animation_data.action is None
    assert own in [s.action for track in keys.animation_data.nla_tracks for s in track.strips]
    values = key_values(result.head, keys.key_blocks[1].name, (10, 20))
    assert values == pytest.approx(load_take(path).expression[[9, 19], 0], abs=1e-5)


def test_without_identity_the_head_keeps_its_shape(make_take, head_file):
    result = import_take(make_take(), bpy.context)
    key = result.head.data.shape_keys.key_blocks["identity_000"]
    before = key.value
    other = make_take(seed=5, shape=np.full(head_file.shape_basis.shape[2], 0.5))
    import_take(other, bpy.context, ImportOptions(identity=False))
    assert key.value == before
    import_take(other, bpy.context)
    assert key.value == 0.5


def test_a_head_comes_in_active_and_its_armature_is_what_moves(make_take):
    """No outline of the skull lies over the hair then, and G takes hair and camera along."""
    result = import_take(make_take(), bpy.context)
    assert bpy.context.view_layer.objects.active == result.head
    assert bpy.context.selected_objects == [result.rig]
    assert all((*result.head.lock_location, *result.head.lock_rotation, *result.head.lock_scale))


def test_a_new_head_is_made_when_asked_or_when_none_is_selected(make_take):
    path = make_take()
    first = import_take(path, bpy.context)
    assert selected_head(bpy.context) == first.head
    second = import_take(path, bpy.context, ImportOptions(new_head=True))
    assert second.head != first.head
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = first.rig
    assert selected_head(bpy.context) == first.head
    bpy.context.view_layer.objects.active = None
    assert selected_head(bpy.context) is None


# Refusals leave the scene alone.


def test_a_take_of_another_head_is_refused_and_changes_nothing(make_take):
    result = import_take(make_take(), bpy.context)
    result.head[HEAD_PROPERTY] = "0" * 64
    before = {name: len(getattr(bpy.data, name)) for name in ("objects", "actions", "materials")}
    with pytest.raises(AVFaceError, match="made for another head") as caught:
        import_take(make_take(), bpy.context)
    assert "new one" in caught.value.hint
    assert before == {name: len(getattr(bpy.data, name)) for name in before}


def test_a_take_of_an_unknown_head_is_refused(make_take):
    with pytest.raises(AVFaceError, match="another head"):
        import_take(make_take(head={"name": "FLAME", "sha256": "f" * 64}), bpy.context)
    assert not bpy.data.objects


def test_a_head_that_lost_its_armature_is_refused(make_take):
    result = import_take(make_take(), bpy.context)
    bpy.data.objects.remove(result.rig)
    bpy.context.view_layer.objects.active = result.head
    with pytest.raises(AVFaceError, match="lost its armature"):
        import_take(make_take(), bpy.context)


def test_a_hidden_rig_is_no_obstacle_but_a_hidden_collection_is(make_take):
    path = make_take()
    result = import_take(path, bpy.context)
    result.rig.hide_set(True)
    import_take(path, bpy.context)
    assert result.rig.hide_get()
    bpy.context.view_layer.layer_collection.children[0].hide_viewport = True
    with pytest.raises(AVFaceError, match="view layer"):
        import_take(path, bpy.context)


# Time.


def test_the_scene_takes_the_clips_rate_size_and_length(make_take):
    rate = 30000 / 1001
    result = import_take(make_take(times=np.arange(90) / rate, fps=rate), bpy.context)
    scene = bpy.context.scene
    assert (scene.render.fps, scene.render.fps_base) == (30, pytest.approx(1.001))
    assert (scene.render.resolution_x, scene.render.resolution_y) == (640, 480)
    assert (
        (scene.frame_start, scene.frame_end) == (result.first_frame, result.last_frame) == (1, 90)
    )
    assert scene.camera == result.camera


def test_keys_of_a_constant_rate_are_the_takes_own_values(make_take, load_take):
    path = make_take(frames=40)
    result = import_take(path, bpy.context)
    values = key_values(result.head, "jawForward", range(1, 41))
    take = load_take(path)
    column = take.expression_names.index("jawForward")
    assert np.array_equal(np.float32(values), take.expression[:, column].astype(np.float32))


def test_a_varying_rate_is_laid_on_whole_frames(make_take, load_take):
    times = np.cumsum(np.random.default_rng(3).uniform(0.02, 0.06, 50))
    times -= times[0]
    path = make_take(times=times)
    take = load_take(path)
    result = import_take(path, bpy.context)
    frames = np.arange(1, int(times[-1] * 25) + 2)
    unit = take.expression_names[5]
    expected = np.interp((frames - 1) / 25, times, take.expression[:, 5])
    assert key_values(result.head, unit, frames.tolist()) == pytest.approx(expected, abs=1e-5)


def test_exact_times_leave_the_scene_and_the_values_alone(make_take, load_take):
    bpy.context.scene.render.fps = 24
    bpy.context.scene.frame_end = 250
    path = make_take(times=np.array([0.0, 0.031, 0.09, 0.11]))
    take = load_take(path)
    result = import_take(path, bpy.context, ImportOptions(timing="exact"))
    scene = bpy.context.scene
    assert (scene.render.fps, scene.frame_end) == (24, 250)
    unit = result.head.data.shape_keys.key_blocks[take.expression_names[5]]
    for time_, value in zip(take.times, take.expression[:, 5], strict=True):
        frame = 1 + time_ * 24
        scene.frame_set(int(frame), subframe=frame % 1)
        assert unit.value == pytest.approx(value, abs=1e-4)


def test_a_take_from_within_its_clip_begins_at_the_start_frame(make_take, clips):
    clip = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    path = make_take(times=1.2 + np.arange(24) / 25, source=clip)
    for _ in range(2):  # and once more: the second import starts where the first did
        result = import_take(path, bpy.context, ImportOptions(sound=False))
        assert (result.first_frame, result.last_frame) == (1, 24)
        assert bpy.context.scene.frame_start == 1
    background = result.camera.data.background_images[0]
    assert background.clip.frame_start == 1 - 30


def test_a_take_of_one_frame(make_take, load_take, head):
    path = make_take(frames=1)
    result = import_take(path, bpy.context)
    bpy.context.scene.frame_set(1)
    seen = seen_from(result.camera, evaluated(result.head))
    assert largest_mm(seen, camera_space(head, load_take(path), 0)) < TOLERANCE_MM


def test_a_thousand_frames_in_under_three_seconds(make_take):
    path = make_take(frames=1000)
    start = time.process_time()  # of this process: a busy machine's clock says nothing
    import_take(path, bpy.context)
    assert time.process_time() - start < 3.0


# What stands around the head.


def test_markers_say_where_a_region_is_unsure(make_take):
    confidence = np.ones((60, len(REGIONS)))
    confidence[10:20] = 0.1  # the whole face lost: said once
    confidence[30:40, REGIONS.index("mouth")] = 0.2
    path = make_take(frames=60, confidence=confidence)
    result = import_take(path, bpy.context)
    import_take(path, bpy.context)  # once more: the first markers make room
    markers = [(m.frame, m.name) for m in bpy.context.scene.timeline_markers]
    rig = result.rig.name
    assert markers == [(11, f"{rig}: face unsure to 20"), (31, f"{rig}: mouth unsure to 40")]


def test_a_clip_that_has_gone_is_noted(make_take):
    notes = import_take(make_take(name="gone"), bpy.context).notes
    assert notes == ("The clip gone.mp4 was not found: no background and no sound.",)


def test_the_clip_stands_behind_the_camera_and_sounds(make_take, clips):
    clip = clips / "grid_bbaf2n.mpg"
    path = make_take(source={"path": str(clip), "sha256": ""})
    result = import_take(path, bpy.context, ImportOptions(start_frame=5))
    background = result.camera.data.background_images[0]
    assert background.clip.frame_start == 5
    assert result.camera.data.show_background_images
    editor = bpy.context.scene.sequence_editor
    if not bpy.app.build_options.audaspace:  # the wheel of 4.2
        assert any("without sound" in note for note in result.notes)
        return
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    assert strips[0].frame_start == 5
    bpy.context.scene.render.fps = 30
    other = import_take(path, bpy.context, ImportOptions(timing="resample", sound=False))
    assert other.notes == ()
    import_take(path, bpy.context)
    assert [strip.mute for strip in sorted(strips, key=lambda s: s.channel)] == [True, False]


def test_sound_that_starts_late_in_its_file_starts_late_in_the_scene(make_take, clips):
    if not bpy.app.build_options.audaspace:
        pytest.skip("this Blender was built without sound")
    clip = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    import_take(make_take(source=clip, sound_offset=0.37), bpy.context)
    editor = bpy.context.scene.sequence_editor
    strip = (editor.strips if hasattr(editor, "strips") else editor.sequences)[0]
    begin = (strip.frame_start - 1) / 25 + getattr(strip, "sound_offset", 0)
    assert begin == pytest.approx(0.37, abs=1e-4 if hasattr(strip, "sound_offset") else 0.02)


def test_two_heads_of_a_clip_sound_once(make_take, clips):
    if not bpy.app.build_options.audaspace:
        pytest.skip("this Blender was built without sound")
    path = make_take(source={"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""})
    first = import_take(path, bpy.context)
    import_take(path, bpy.context, ImportOptions(new_head=True))
    played = strips.strips_of(bpy.context.scene)

    def mute() -> list[bool]:
        return [strip.mute for strip in sorted(played, key=lambda s: s.channel)]

    assert mute() == [False, True]
    import_take(path, bpy.context, ImportOptions(new_head=True, start_frame=9))
    assert mute() == [False, True, False], "at another time it is another sound"
    take_removal.delete(first.head, first.name)
    assert mute() == [False, False]


def test_lights_shine_on_the_head(make_take):
    result = import_take(make_take(), bpy.context)
    bpy.context.view_layer.update()
    lights = [object_ for object_ in result.rig.children if object_.type == "LIGHT"]
    assert len(lights) == 3 and bpy.context.scene.world
    assert sorted(light.location.y < 0 for light in lights) == [False, True, True]  # one behind
    mirrored = [light for light in lights if light.visible_glossy and light.data.specular_factor]
    assert {light.name.split(".")[0] for light in mirrored} == {"Key", "Rim"}, "one catchlight"


@pytest.mark.parametrize("lit_by", ("a lamp", "a world"))
def test_a_scene_that_is_lit_is_left_alone(make_take, lit_by):
    scene = bpy.context.scene
    if lit_by == "a lamp":
        lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
        scene.collection.objects.link(lamp)
    else:
        scene.world = bpy.data.worlds.new("sky")
        scene.world.use_nodes = True
        scene.world.node_tree.nodes.new("ShaderNodeTexEnvironment")
    result = import_take(make_take(), bpy.context)
    assert not [child for child in result.rig.children if child.type == "LIGHT"]


@pytest.mark.parametrize("timing", ("set_scene", "resample", "exact"))
def test_a_new_scene_shows_colours_as_films_have_them(make_take, timing):
    scene, path = bpy.context.scene, make_take(4)
    scene.view_settings.view_transform = "AgX"
    import_take(path, bpy.context, ImportOptions(timing=timing))
    assert scene.view_settings.view_transform == "Standard"
    assert scene.render.film_transparent, "a drawn world would hide the film"
    scene.view_settings.view_transform = "AgX"
    import_take(path, bpy.context, ImportOptions(new_head=True))
    assert scene.view_settings.view_transform == "AgX", "it is lit: somebody works in it"


@pytest.mark.parametrize("watts", (1000.0, 40.0))
def test_blenders_startup_lamp_shines_no_more_but_an_artists_does(make_take, watts):
    lamp = bpy.data.objects.new("Light", bpy.data.lights.new("Light", "POINT"))
    lamp.data.energy = watts
    bpy.context.scene.collection.objects.link(lamp)
    import_take(make_take(4), bpy.context)
    assert lamp.hide_render == (watts == 1000.0) and lamp.visible_get() != lamp.hide_render


def test_a_second_take_brings_no_second_lights(make_take):
    rig = import_take(make_take(), bpy.context).rig
    for light in [child for child in rig.children if child.type == "LIGHT"]:
        bpy.data.objects.remove(light)
    import_take(make_take(), bpy.context)
    assert not [child for child in rig.children if child.type == "LIGHT"]


def test_a_head_is_life_size_in_centimetres_and_lies_over_the_clip(make_take):
    seen = []
    for length in (1.0, 0.01):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        scene = bpy.context.scene
        scene.unit_settings.scale_length = length
        result = import_take(make_take(), bpy.context)
        bpy.context.view_layer.update()
        where = [result.head.matrix_world @ result.head.data.vertices[k].co for k in (0, 500, 2500)]
        places = [world_to_camera_view(scene, scene.camera, place) for place in where]
        size = (where[1] - where[0]).length * length
        lens = result.camera.data
        seen.append([size, lens.clip_start * length, *(x for p in places for x in p[:2])])
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-4)


def test_two_heads_stand_side_by_side_each_before_its_own_camera(make_take):
    first = import_take(make_take(), bpy.context)
    second = import_take(make_take(), bpy.context, ImportOptions(new_head=True))
    bpy.context.view_layer.update()
    places = [result.rig.matrix_world.translation for result in (first, second)]
    assert (places[1] - places[0]).length > 0.3
    seen = [
        world_to_camera_view(bpy.context.scene, r.camera, r.rig.matrix_world.translation)
        for r in (first, second)
    ]
    np.testing.assert_allclose(*seen, atol=1e-4)


def test_what_belongs_to_a_head_is_found_after_it_was_renamed(make_take):
    path = make_take(frames=60, confidence=np.full((60, len(REGIONS)), 0.2))
    first = import_take(path, bpy.context)
    first.head.name, first.rig.name, first.camera.name = "hero", "hero rig", "shot 1"
    second = import_take(path, bpy.context)
    assert second.head == first.head
    assert len(bpy.context.scene.timeline_markers) == 1, "the first markers make room"
    takes.show(first.head, first.name)
    assert bpy.context.scene.camera == first.camera


def startup_cube() -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=2)
    cube = bpy.context.object
    cube.name = "Cube"
    return cube


def test_blenders_startup_cube_makes_room(make_take):
    cube = startup_cube()
    notes = import_take(make_take(), bpy.context).notes
    assert any("startup cube" in note for note in notes)
    assert cube.hide_get() and cube.hide_render
    assert not any("startup cube" in note for note in import_take(make_take(), bpy.context).notes)


@pytest.mark.parametrize("keeps", [False, True])
def test_blenders_startup_camera_stands_across_no_film(make_take, keeps):
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    camera = bpy.context.scene.camera
    options = ImportOptions(timing="resample") if keeps else None
    import_take(make_take(4), bpy.context, options)
    assert camera.visible_get() == keeps, "it stays where the scene goes on showing by it"


@pytest.mark.parametrize("change", ["moved", "built on", "modified"])
def test_a_cube_that_an_artist_uses_is_left_alone(make_take, change):
    cube = startup_cube()
    if change == "moved":
        cube.location.x = 3
        bpy.context.view_layer.update()
    elif change == "built on":
        cube.data.vertices[0].co.x = -1.5
    else:
        cube.modifiers.new("Bevel", "BEVEL")
    notes = import_take(make_take(), bpy.context).notes
    assert not any("startup cube" in note for note in notes)
    assert cube.visible_get() and not cube.hide_render


def test_a_saved_file_opens_on_the_camera():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    look_through_camera(bpy.context.scene)
    views = [
        area.spaces.active
        for screen in bpy.data.screens
        for area in screen.areas
        if area.type == "VIEW_3D"
    ]
    assert views and {view.region_3d.view_perspective for view in views} == {"CAMERA"}


@pytest.mark.parametrize(("view", "lit"), [("AgX", True), ("Raw", False)])
def test_views_show_the_head_in_its_own_lights_unless_these_hide_the_film(make_take, view, lit):
    bpy.context.scene.view_settings.view_transform = view
    import_take(make_take(4), bpy.context)
    look_through_camera(bpy.context.scene)
    areas = [area for screen in bpy.data.screens for area in screen.areas]
    shadings = [area.spaces.active.shading for area in areas if area.type == "VIEW_3D"]
    assert shadings and all(s.use_scene_lights == s.use_scene_world == lit for s in shadings)


def test_a_clip_without_sound_and_a_file_that_is_no_clip_are_noted(make_take, tmp_path):
    (tmp_path / "clip.mp4").write_text("not a film")
    notes = import_take(make_take(), bpy.context).notes
    assert len(notes) == 2 and "behind the camera" in notes[0] and "sound" in notes[1]


def test_what_the_capture_has_said_is_not_said_again():
    said = "a.mp4 has no sound: the capture goes by the picture alone."
    more = ["a.mp4 has no sound.", "b.mp4 has no sound."]
    assert take_importer._once([said, *more]) == (said, more[1])


# Lips that sound refines.


def lips_of(head, frames: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    vertices = np.flatnonzero(head.file.masks["lips"])
    return {
        "lip_vertices": vertices,
        "lip_shapes": random.normal(0, 1e-3, (3, len(vertices), 3)).astype(np.float32),
        "lip_weights": random.normal(size=(frames, 3)),
    }


def with_lips(head, take: Take, frame: int) -> np.ndarray:
    vertices, joints = head.rest(take.shape)
    vertices = vertices.copy()
    vertices[take.lip_vertices] += np.tensordot(take.lip_weights[frame], take.lip_shapes, 1)
    return head.pose((vertices, joints), take.expression[frame], take.jaw[frame], take.eyes[frame])


def test_lip_shapes_move_as_the_engine_computes(head, make_take, load_take):
    path = make_take(frames=6, **lips_of(head, 6))
    take = load_take(path)
    result = import_take(path, bpy.context, ImportOptions(moves="camera"))
    for frame in range(6):
        bpy.context.scene.frame_set(1 + frame)
        surface = in_blender(with_lips(head, take, frame))
        assert largest_mm(evaluated(result.head), surface) < TOLERANCE_MM


def test_lip_shapes_of_two_takes_do_not_mix(head, make_take, load_take):
    first = import_take(make_take(frames=4, name="one", **lips_of(head, 4)), bpy.context)
    keys = first.head.data.shape_keys.key_blocks
    assert [f"Lip{k}" in keys for k in (1, 2, 3, 4)] == [True, True, True, False]
    path = make_take(frames=4, seed=2, name="two", **lips_of(head, 4, seed=2))
    second = import_take(path, bpy.context, ImportOptions(moves="camera"))
    assert "Lip6" in keys and "Lip7" not in keys
    bpy.context.scene.frame_set(3)
    surface = in_blender(with_lips(head, load_take(path), 2))
    assert largest_mm(evaluated(second.head), surface) < TOLERANCE_MM
    import_take(path, bpy.context)  # the same shapes again: no new keys
    assert "Lip7" not in keys
