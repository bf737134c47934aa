"""A take's frames, its clip and its sound in a scene of another rate: set, resampled, exact."""

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.rotations import quaternions
from bl_ext.test.avface.avface_blender.take_importer import ImportOptions, import_take
from bl_ext.test.avface.avface_blender.timeline import resample_rotations
from bl_ext.test.avface.engine.exchange.take import Take
from bl_ext.test.avface.engine.geometry import rotation_matrix

from tests.blender.surfaces import evaluated, largest_mm
from tests.blender.test_take_importer import camera_space, key_values, seen_from

TOLERANCE_MM = 0.1
SCENE_FPS = 24
VARYING = np.cumsum(np.random.default_rng(3).uniform(0.02, 0.06, 30)) - 0.02
CLIPS = {"25": np.arange(30) / 25, "60": np.arange(60) / 60, "varying": VARYING}


@pytest.fixture(autouse=True)
def scene():
    bpy.context.scene.render.fps = SCENE_FPS
    return bpy.context.scene


def go_to(scene, frame: float) -> None:
    scene.frame_set(int(np.floor(frame)), subframe=frame % 1)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("moves", ["head", "camera"])
def test_exact_keys_show_what_the_engine_computes_in_every_frame_of_the_take(
    scene, head, make_take, load_take, clip, moves
):
    path = make_take(times=CLIPS[clip])
    result = import_take(path, bpy.context, ImportOptions(timing="exact", moves=moves))
    take = load_take(path)
    assert scene.render.fps == SCENE_FPS
    start = result.rig.animation_data.nla_tracks[-1].strips[0].action["avface_clip_start"]
    for frame in range(0, take.frame_count, 3):
        go_to(scene, start + take.times[frame] * SCENE_FPS)
        seen = seen_from(result.camera, evaluated(result.head))
        assert largest_mm(seen, camera_space(head, take, frame)) < TOLERANCE_MM


@pytest.mark.parametrize("clip", CLIPS)
def test_resampled_keys_show_what_the_engine_computes_between_frames_of_the_take(
    scene, head, make_take, load_take, clip
):
    path = make_take(times=CLIPS[clip])
    result = import_take(path, bpy.context, ImportOptions(timing="resample"))
    take = load_take(path)
    start = result.rig.animation_data.nla_tracks[-1].strips[0].action["avface_clip_start"]
    for frame in range(result.first_frame + 1, result.last_frame, 4):
        scene.frame_set(frame)
        now = at_time(take, (frame - start) / SCENE_FPS)
        seen = seen_from(result.camera, evaluated(result.head))
        assert largest_mm(seen, camera_space(head, now, 0)) < TOLERANCE_MM


@pytest.mark.parametrize("rate", [25, 30000 / 1001, 60])
def test_a_set_scene_shows_what_the_engine_computes(scene, head, make_take, load_take, rate):
    path = make_take(times=np.round(np.arange(20) / rate, 3), fps=rate)
    result = import_take(path, bpy.context)
    take = load_take(path)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(rate)
    for frame in (0, 7, 19):
        scene.frame_set(result.first_frame + frame)
        seen = seen_from(result.camera, evaluated(result.head))
        assert largest_mm(seen, camera_space(head, take, frame)) < TOLERANCE_MM


def at_time(take: Take, seconds: float) -> Take:
    """The take at one moment, written out a second time: rotations by the shortest arc."""

    def turned(values: np.ndarray) -> np.ndarray:
        found = resample_rotations(quaternions(values), take.times, np.array([seconds]))[0]
        angle = 2 * np.arccos(np.clip(found[0], -1, 1))
        return found[1:] * (angle / max(np.sin(angle / 2), 1e-12))

    def between(values: np.ndarray) -> np.ndarray:
        return np.array([np.interp(seconds, take.times, column) for column in values.T])

    one = take[:1]
    changes = {
        "expression": between(take.expression)[None],
        "head_pose": turned(take.head_pose)[None],
        "head_translation": between(take.head_translation)[None],
        "jaw": turned(take.jaw)[None],
        "eyes": np.concatenate([turned(take.eyes[:, :3]), turned(take.eyes[:, 3:])])[None],
    }
    return Take(**({name: getattr(one, name) for name in one.__dataclass_fields__} | changes))


def test_the_moment_between_two_frames_is_found_along_the_arc(make_take, load_take):
    """The measure itself: half way between two turns about one axis lies the mean angle."""
    path = make_take(times=np.array([0.0, 0.1]), head_pose=np.array([[0, 0.2, 0], [0, 1.0, 0]]))
    middle = at_time(load_take(path), 0.05).head_pose
    np.testing.assert_allclose(
        rotation_matrix(middle), rotation_matrix(np.array([[0, 0.6, 0]])), atol=1e-9
    )


def test_a_closure_between_two_frames_of_the_scene_is_not_lost(scene, head, make_take, load_take):
    """One picture of 60 a second, in which the lips meet, in a scene of 24 frames a second."""
    marks = np.zeros((60, 68, 2))
    marks[:, 8, 1] = 100.0  # the chin: the face's height
    marks[:, 65:68, 1] = 5.0  # inner lower lip: 5 % open
    marks[31, 65:68, 1] = 0.0
    expression = np.zeros_like(load_take(make_take(60)).expression)
    column = load_take(make_take(60)).expression_names.index("mouthClose")
    expression[31, column] = 1.0
    path = make_take(times=np.arange(60) / 60, fps=60.0, landmarks_px=marks, expression=expression)
    result = import_take(path, bpy.context, ImportOptions(timing="resample"))
    values = key_values(result.head, "mouthClose", range(1, 25))
    assert max(values) == pytest.approx(1.0)
    nearest = 1 + round(31 / 60 * SCENE_FPS)
    assert 1 + int(np.argmax(values)) == nearest
    scene.frame_set(nearest)
    shut = at_time(load_take(path), (nearest - 1) / SCENE_FPS)  # pose and gaze keep their time
    take = load_take(path)
    shut.expression[0], shut.jaw[0] = take.expression[31], take.jaw[31]
    seen = seen_from(result.camera, evaluated(result.head))
    assert largest_mm(seen, camera_space(head, shut, 0)) < TOLERANCE_MM


# The clip behind the camera and its sound.


def shown_picture(camera: bpy.types.Object) -> int:
    """The number of the picture that Blender shows: with a length of one frame, 1 + offset."""
    graph = bpy.context.evaluated_depsgraph_get()
    user = camera.evaluated_get(graph).data.background_images[0].image_user
    assert (user.frame_duration, user.use_cyclic) == (1, True)
    return 1 + user.frame_offset


@pytest.mark.parametrize("timing", ["resample", "exact"])
@pytest.mark.parametrize("fps", [12, 24, 30, 60])
def test_the_film_keeps_the_takes_time_in_a_scene_of_another_rate(make_take, clips, timing, fps):
    scene = bpy.context.scene
    scene.render.fps = fps
    source = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    path = make_take(times=1.0 + np.arange(40) / 25, source=source)
    options = ImportOptions(timing=timing, start_frame=7, sound=False)
    result = import_take(path, bpy.context, options)
    background = result.camera.data.background_images[0]
    assert (background.source, background.image.source) == ("IMAGE", "MOVIE")
    start = 7 - fps  # the scene frame of the clip's time 0
    for seconds in (1.0, 1.25, 1.75, 2.5):
        scene.frame_set(start + round(seconds * fps))
        seconds = round(seconds * fps) / fps
        assert abs((shown_picture(result.camera) - 1) / 25 - seconds) <= 0.5 / 25 + 1e-6
    scene.frame_set(start + 100 * fps)
    assert shown_picture(result.camera) == 75, "after its end the last picture stands"
    assert not result.notes


def test_pictures_in_a_folder_keep_their_time_too(make_take, tmp_path):
    folder = tmp_path / "shot"
    folder.mkdir()
    image = bpy.data.images.new("grey", 8, 8)
    image.file_format = "PNG"
    for number in range(101, 126):
        image.filepath_raw = str(folder / f"shot.{number:04d}.png")
        image.save()
    source = {"path": str(folder), "sha256": ""}
    path = make_take(times=np.arange(25) / 12.0, fps=12.0, source=source)
    result = import_take(path, bpy.context, ImportOptions(timing="resample", start_frame=1))
    assert result.camera.data.background_images[0].image.source == "SEQUENCE"
    for frame in (1, 3, 13, 40):
        bpy.context.scene.frame_set(frame)
        picture = shown_picture(result.camera) - 101
        assert abs(picture / 12 - (frame - 1) / 24) <= 0.5 / 12 + 1e-6


@pytest.mark.parametrize(("size", "method"), [((1920, 1080), "CROP"), ((1000, 1000), "FIT")])
def test_in_a_frame_of_another_shape_the_clip_is_as_wide_as_the_frame(
    make_take, clips, size, method
):
    """The camera's lens is measured on the width, so there the head meets its picture."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    source = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    options = ImportOptions(timing="resample", sound=False)
    result = import_take(make_take(source=source), bpy.context, options)
    assert result.camera.data.sensor_fit == "HORIZONTAL"
    assert result.camera.data.background_images[0].frame_method == method


@pytest.mark.parametrize(("size", "aspect"), [((360, 288), 1), ((480, 288), 4 / 3)])
def test_oblong_pixels_of_a_clip_are_shown_as_the_take_has_them(make_take, clips, size, aspect):
    source = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    take = make_take(source=source, size=size)
    for timing in ("set_scene", "exact"):
        result = import_take(take, bpy.context, ImportOptions(timing=timing, sound=False))
        background = result.camera.data.background_images[0]
        shown = (background.clip or background.image).display_aspect
        assert shown[0] / shown[1] == pytest.approx(aspect)


def test_at_the_clips_own_rate_it_is_a_movie_clip(make_take, clips):
    source = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    result = import_take(make_take(source=source), bpy.context, ImportOptions(sound=False))
    background = result.camera.data.background_images[0]
    assert (background.source, background.clip.frame_start) == ("MOVIE_CLIP", 1)


@pytest.mark.parametrize("timing", ["set_scene", "resample", "exact"])
def test_sound_begins_at_its_second_in_any_scene(make_take, clips, timing):
    if not bpy.app.build_options.audaspace:
        pytest.skip("this Blender was built without sound")
    scene = bpy.context.scene
    source = {"path": str(clips / "grid_bbaf2n.mpg"), "sha256": ""}
    path = make_take(source=source, sound_offset=0.37)
    import_take(path, bpy.context, ImportOptions(timing=timing))
    editor = scene.sequence_editor
    strip = (editor.strips if hasattr(editor, "strips") else editor.sequences)[0]
    rate = scene.render.fps / scene.render.fps_base
    assert rate == (25 if timing == "set_scene" else SCENE_FPS)
    begin = (strip.frame_start - 1) / rate + getattr(strip, "sound_offset", 0)
    assert begin == pytest.approx(0.37, abs=1e-4 if hasattr(strip, "sound_offset") else 0.5 / rate)
    assert strip.frame_final_duration == pytest.approx(3 * rate, abs=2)


def test_takes_that_lose_their_time_are_told(make_take):
    import_take(make_take(fps=25.0), bpy.context)
    again = import_take(make_take(times=np.arange(24) / 30, fps=30.0), bpy.context)
    assert any("30 frames a second now, not 25" in note for note in again.notes)
    same = import_take(make_take(times=np.arange(24) / 30, fps=30.0), bpy.context)
    assert not any("frames a second now" in note for note in same.notes)


# What the panel asks for.


@pytest.mark.parametrize("timing", ["set_scene", "resample", "exact"])
def test_a_take_comes_in_as_the_panel_has_it(scene, addon, make_take, timing):
    settings = scene.avface
    settings.timing, settings.use_start_frame, settings.start_frame = timing, True, 40
    assert bpy.ops.avface.import_take(filepath=str(make_take(25))) == {"FINISHED"}
    assert scene.render.fps == (25 if timing == "set_scene" else SCENE_FPS)
    (entry,) = addon.takes.takes_of(addon.take_importer.selected_head(bpy.context))
    assert entry.frames[0] == 40


def test_what_the_operator_is_told_counts_more_than_the_panel(scene, addon, make_take):
    scene.avface.timing = "resample"
    bpy.ops.avface.import_take(filepath=str(make_take(25)), timing="set_scene")
    assert scene.render.fps == 25
    scene.render.fps = SCENE_FPS
    bpy.ops.avface.import_take(filepath=str(make_take(25)))
    assert scene.render.fps == SCENE_FPS, "the panel's choice is not forgotten"


def test_a_retake_lies_in_the_time_of_the_take_below(scene, addon, make_take):
    settings = scene.avface
    settings.timing, settings.use_start_frame, settings.start_frame = "exact", True, 40
    bpy.ops.avface.import_take(filepath=str(make_take(50, name="one")))
    settings.start_frame = 90
    source = {"path": "one.mp4", "sha256": ""}
    part = make_take(times=np.arange(20, 35) / 25, name="again", source=source)
    bpy.ops.avface.import_take(filepath=str(part), over=True)
    entries = addon.takes.takes_of(addon.take_importer.selected_head(bpy.context))
    assert entries[1].frames[0] == round(40 + 20 / 25 * SCENE_FPS)
    assert scene.render.fps == SCENE_FPS
