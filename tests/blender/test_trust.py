"""Trust in picture or sound: painted over frames, kept on the head, sent to the engine."""

import json
from importlib import import_module
from pathlib import Path

import bpy
import pytest

from . import extension

START, RATE = 1, 25.0


def part(name: str):
    return import_module(f"{extension.NAME}.avface_blender.{name}")


@pytest.fixture
def imported(addon, make_take, tmp_path):
    """A take of one.mp4 that the button has imported, and an engine that gives another one."""
    clip = tmp_path / "one.mp4"
    clip.touch()
    source = {"path": str(clip), "sha256": ""}
    ready = make_take(seed=5, name="ready", source=source)
    (tmp_path / "engine").mkdir()
    own = extension.preferences()
    own.engine_python = str(extension.make_engine(tmp_path / "engine", ready))
    own.jobs_folder = str(tmp_path / "jobs")
    made_by = {"version": "test", "options": {"trust": "sound:0.5-0.6"}}
    path = make_take(seed=1, name="one", source=source, made_by=made_by, frames=50)
    bpy.context.scene.avface.clip = str(clip)
    bpy.context.scene.avface.trust = "sound:0.5-0.6"
    assert bpy.ops.avface.import_take(filepath=str(path)) == {"FINISHED"}
    return part("take_importer").selected_head(bpy.context)


def shown(head) -> list[tuple[str, int, int]]:
    return [(item.sense, item.first, item.last) for item in part("trust").items_of(head)]


def the_job(tmp_path: Path) -> dict:
    (job,) = (tmp_path / "jobs").glob("*/job.json")
    return json.loads(job.read_text())


def test_there_is_nothing_to_paint_without_a_take(addon):
    assert not bpy.ops.avface.paint_trust.poll()
    assert not bpy.ops.avface.solve_trust.poll()


def test_a_take_shows_what_it_was_captured_by_and_the_text_is_done_with(imported):
    assert shown(imported) == [("sound", 14, 16)]
    assert bpy.context.scene.avface.trust == ""
    assert not bpy.ops.avface.solve_trust.poll(), "the take goes by it"


def test_painting_in_the_preview_range(imported):
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 15, 20
    assert bpy.ops.avface.paint_trust("INVOKE_DEFAULT", sense="picture") == {"FINISHED"}
    assert shown(imported) == [("sound", 14, 14), ("picture", 15, 20)]
    assert bpy.ops.avface.paint_trust("INVOKE_DEFAULT", sense="neither") == {"FINISHED"}
    assert shown(imported) == [("sound", 14, 14)]


def test_a_stretch_can_be_changed_in_the_list(imported):
    item = part("trust").items_of(imported)[0]
    item.first, item.last, item.sense = 3, 8, "picture"
    assert shown(imported) == [("picture", 3, 8)]
    item.last = 1
    assert shown(imported) == [("picture", 3, 3)], "a stretch has a frame at least"
    assert item.start == pytest.approx(1.5 / RATE) and item.end == pytest.approx(2.5 / RATE)


def test_stretches_belong_to_the_clip_and_move_with_it(imported, make_take):
    head = imported
    other = make_take(seed=2, name="two", source={"path": "two.mp4", "sha256": ""})
    assert bpy.ops.avface.import_take(filepath=str(other)) == {"FINISHED"}
    assert shown(head) == []
    bpy.ops.avface.paint_trust(sense="picture", first=2, last=4)
    bpy.ops.avface.show_take(take="ada one 01")
    assert shown(head) == [("sound", 14, 16)]
    for action in part("takes").actions_of(head, "ada one 01"):
        action["avface_clip_start"] = START + 100
    assert shown(head) == [("sound", 114, 116)]


def test_a_stroke_is_one_step_of_undo_and_wants_frames(imported):
    assert "UNDO" in part("trust_painter").AVFACE_OT_paint_trust.bl_options
    with pytest.raises(RuntimeError, match="Set a preview range"):
        bpy.ops.avface.paint_trust(sense="sound")
    assert shown(imported) == [("sound", 14, 16)]


def test_solving_again_asks_for_what_is_painted_and_keeps_corrections(imported, tmp_path):
    bpy.ops.avface.start_corrections()
    bpy.ops.avface.paint_trust(sense="picture", first=30, last=40)
    assert bpy.ops.avface.solve_trust.poll()
    assert bpy.ops.avface.solve_trust() == {"FINISHED"}
    job = the_job(tmp_path)
    assert job["refines"] == str(tmp_path / "one.take.npz")
    assert job["corrections"] == ""
    assert job["options"] == {"trust": "sound:0.500-0.600,picture:1.140-1.580"}
    assert (tmp_path / "one refined 01.take.npz").is_file()
    assert len(part("takes").takes_of(imported)) == 2
    assert part("corrections").are_on(imported), "they were not used: they stay"


@pytest.mark.parametrize("panel_clip", ["one.mp4", "other.mp4"])
def test_a_retake_goes_by_what_is_painted(imported, tmp_path, panel_clip):
    scene = bpy.context.scene
    scene.avface.clip = str(tmp_path / panel_clip)
    bpy.ops.avface.paint_trust(sense="neither", first=14, last=16)
    bpy.ops.avface.paint_trust(sense="sound", first=30, last=40)
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 25, 45
    assert bpy.ops.avface.retake() == {"FINISHED"}
    assert the_job(tmp_path)["options"]["trust"] == "sound:1.140-1.580"


def test_a_capture_goes_by_what_is_painted_and_by_the_text_on_top(imported, tmp_path):
    bpy.context.scene.avface.trust = "picture:1-2"
    assert bpy.ops.avface.capture() == {"FINISHED"}
    assert the_job(tmp_path)["options"]["trust"] == "sound:0.500-0.600,picture:1-2"


def test_a_capture_of_another_clip_does_not(imported, tmp_path):
    (tmp_path / "other.mp4").touch()
    bpy.context.scene.avface.clip = str(tmp_path / "other.mp4")
    assert bpy.ops.avface.capture() == {"FINISHED"}
    assert the_job(tmp_path)["options"]["trust"] == ""
