import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import bpy
import pytest

from tests.blender import extension
from tests.blender.surfaces import evaluated, largest_mm


@pytest.fixture
def addon(tmp_path: Path, make_take) -> Iterator[ModuleType]:
    """The enabled extension, its engine one that gives a ready take."""
    ready = make_take(frames=12, name="ready")
    with extension.enabled() as package:
        engine = tmp_path / "the engine's"
        engine.mkdir()
        extension.preferences().engine_python = str(extension.make_engine(engine, ready))
        extension.preferences().jobs_folder = str(tmp_path / "täkes of mine")
        yield package


def start(addon: ModuleType, folder: Path, name: str) -> None:
    """A capture under way, as in a Blender with a window."""
    choose(folder, name)
    settings = bpy.context.scene.avface
    takes = addon.preferences.jobs_folder(bpy.context)
    job_folder = addon.job_folders.new_folder(takes, settings.clip)
    job = addon.capture_request.capture_job(settings, job_folder)
    head = addon.selection.capture_head(bpy.context)
    addon.jobs.start(job, job_folder, addon.preferences.engine_python(bpy.context), head)


def finish(addon: ModuleType) -> None:
    while addon.jobs.poll():
        time.sleep(0.02)


def choose(folder: Path, name: str) -> None:
    """The clip, and the actor of the ready take."""
    bpy.context.scene.avface.actor = "ada"
    clip = folder / f"{name}.mp4"
    clip.write_bytes(b"not read by this engine")
    bpy.context.scene.avface.clip = str(clip)


def heads() -> list[bpy.types.Object]:
    return [o for o in bpy.data.objects if o.type == "MESH"]


def test_capture_ends_with_the_head_in_the_scene(addon, tmp_path):
    choose(tmp_path, "ada says hello")
    assert bpy.ops.avface.capture() == {"FINISHED"}
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.imported) == ("DONE", True)
    assert "The clip has no sound." in [note.text for note in state.notes]
    assert len(heads()) == 1
    folder = Path(state.take).parent
    assert {"job.json", "events.jsonl", "engine.log"} <= {path.name for path in folder.iterdir()}
    assert not addon.jobs.is_running()


def test_a_refused_clip_is_told_in_the_engines_words(addon, tmp_path):
    choose(tmp_path, "bad")
    with pytest.raises(RuntimeError, match=r"No face was found\. Choose another clip\."):
        bpy.ops.avface.capture()
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.message) == ("FAILED", "No face was found.")
    assert not heads()
    assert not addon.jobs.is_running()


def test_a_missing_engine_is_one_sentence(addon, tmp_path):
    choose(tmp_path, "ada")
    extension.preferences().engine_python = str(tmp_path / "nowhere" / "python")
    with pytest.raises(RuntimeError, match="There is no Python at"):
        bpy.ops.avface.capture()


def test_why_the_capture_button_is_grey(addon, tmp_path):
    capture, settings = addon.operators.AVFACE_OT_capture, bpy.context.scene.avface
    assert "Choose a clip" in capture.disabled_reason(bpy.context)
    assert not bpy.ops.avface.capture.poll()
    settings.clip = str(tmp_path / "gone.mp4")
    assert "not there" in capture.disabled_reason(bpy.context)
    choose(tmp_path, "slow")
    settings.use_end, settings.start, settings.end = True, 3.0, 2.0
    assert "before the start" in capture.disabled_reason(bpy.context)
    settings.use_end = False
    assert capture.disabled_reason(bpy.context) == ""
    assert bpy.ops.avface.capture.poll()


def test_disabling_ends_the_capture_and_it_can_be_resumed(addon, tmp_path):
    start(addon, tmp_path, "slow")
    engine = addon.jobs._running.engine
    assert engine.running
    began = time.monotonic()
    addon.watch.unregister()
    addon.jobs.unregister()
    assert not engine.running
    assert time.monotonic() - began < 2
    addon.jobs.list_jobs()
    (row,) = bpy.context.window_manager.avface_jobs
    assert (row.name, row.state) == ("slow.mp4", "INTERRUPTED")
    rename_job(Path(row.folder), "slow", "ada")
    assert bpy.ops.avface.resume_job(folder=row.folder) == {"FINISHED"}
    assert len(heads()) == 1
    assert len(bpy.context.window_manager.avface_jobs) == 0


def rename_job(folder: Path, old: str, new: str) -> None:
    """Make a job's clip one that the engine is quick with."""
    text = (folder / "job.json").read_text(encoding="utf-8")
    (folder / "job.json").write_text(text.replace(f"{old}.mp4", f"{new}.mp4"), encoding="utf-8")


def test_captures_run_one_after_another_and_each_comes_in(addon, tmp_path):
    for name in ("ada", "bad", "bob"):
        start(addon, tmp_path, name)
    rows = bpy.context.window_manager.avface_jobs
    assert [(row.name, row.state) for row in rows] == [
        ("bad.mp4", "WAITING"), ("bob.mp4", "WAITING")
    ]  # fmt: skip
    assert "wait" not in addon.operators.AVFACE_OT_capture.disabled_reason(bpy.context)
    seen = set()
    while addon.jobs.poll():
        seen.add(bpy.context.window_manager.avface_job.clip)
        time.sleep(0.02)
    assert seen == {"ada.mp4", "bad.mp4", "bob.mp4"}
    assert len(heads()) == 1, "the second take goes onto the selected head"
    assert len([action for action in bpy.data.actions if action.name.endswith("face")]) == 2
    states = [
        addon.job_folders.read_state(path) for path in (tmp_path / "täkes of mine").glob("*/")
    ]
    assert sorted(states) == ["failed", "imported", "imported"]


def test_a_capture_that_waits_for_an_engine_that_has_gone_is_listed_as_failed(addon, tmp_path):
    start(addon, tmp_path, "ada")
    engine = Path(extension.preferences().engine_python)
    start(addon, tmp_path, "bob")
    engine.chmod(0)
    while addon.jobs.poll():
        time.sleep(0.02)
    (row,) = bpy.context.window_manager.avface_jobs
    assert (row.name, row.state) == ("bob.mp4", "FAILED")
    assert "can't be started" in row.message
    assert len(heads()) == 1


def test_cancel_ends_one_capture_and_the_next_begins(addon, tmp_path):
    start(addon, tmp_path, "slow")
    start(addon, tmp_path, "ada")
    start(addon, tmp_path, "slow too")
    rows = bpy.context.window_manager.avface_jobs
    assert bpy.ops.avface.dismiss_job(folder=rows[1].folder) == {"FINISHED"}
    assert [row.name for row in rows] == ["ada.mp4"]
    bpy.ops.avface.cancel()
    while addon.jobs.poll():
        time.sleep(0.02)
    assert bpy.context.window_manager.avface_job.clip == "ada.mp4"
    assert len(heads()) == 1


def test_a_take_that_was_captured_while_blender_died_can_be_imported(addon, tmp_path):
    start(addon, tmp_path, "ada")
    engine = addon.jobs._running.engine
    while engine.running:
        time.sleep(0.02)
    addon.watch.unregister()  # nobody has heard that it is done
    addon.jobs.unregister()
    addon.jobs.list_jobs()
    (row,) = bpy.context.window_manager.avface_jobs
    assert row.state == "CAPTURED"
    assert bpy.ops.avface.import_job(folder=row.folder) == {"FINISHED"}
    assert len(bpy.context.window_manager.avface_jobs) == 0


def test_a_retake_that_comes_in_later_is_laid_over_its_range(addon, tmp_path):
    start(addon, tmp_path, "ada")
    addon.jobs.follow()
    head = heads()[0]
    folder = addon.job_folders.new_folder(tmp_path / "retakes", "ada.mp4")
    job = addon.capture_request.capture_job(bpy.context.scene.avface, folder)
    python = addon.preferences.engine_python(bpy.context)
    addon.jobs.start(job, folder, python, head, over=True)
    addon.jobs.keep_out_of_another_file()
    addon.jobs.follow()
    assert len(addon.takes.takes_of(head)) == 1, "another file was opened meanwhile"
    bpy.ops.avface.select_head()
    assert bpy.ops.avface.import_job(folder=str(folder)) == {"FINISHED"}
    names = [entry.name for entry in addon.takes.takes_of(head)]
    assert [addon.takes.is_range(head, name) for name in names] == [False, True]
    Path(job.out).unlink()
    with pytest.raises(RuntimeError, match="ada"):
        bpy.ops.avface.import_job(folder=str(folder))


def test_time_left_follows_the_pace(addon):
    job_panel = addon.job_panel
    assert job_panel._time_left(-1) == ""
    assert job_panel._time_left(12) == "15 s left"
    assert job_panel._time_left(150) == "about 2 min left"


def test_the_first_capture_promises_no_time_and_foretells_nothing(addon, tmp_path):
    """What it compiles takes a minute that no later capture takes."""
    start(addon, tmp_path, "first")
    seen = set()
    while addon.jobs.poll():
        state = bpy.context.window_manager.avface_job
        seen.add((state.prepares, state.seconds_left))
        time.sleep(0.02)
    assert (True, -1) in seen and {left for prepares, left in seen if prepares} == {-1}
    assert not (tmp_path / "täkes of mine" / "pace.json").exists()
    start(addon, tmp_path, "ada")
    while addon.jobs.poll():
        time.sleep(0.02)
    assert not bpy.context.window_manager.avface_job.prepares
    assert (tmp_path / "täkes of mine" / "pace.json").exists()


def test_cancel_is_seen_by_the_watcher(addon, tmp_path):
    start(addon, tmp_path, "slow")
    assert bpy.ops.avface.cancel() == {"FINISHED"}
    while addon.jobs.poll():
        time.sleep(0.02)
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.message) == ("IDLE", "Cancelled.")
    assert not bpy.ops.avface.cancel.poll()
    assert not heads()


def test_opening_another_file_keeps_the_job_but_not_its_import(addon, tmp_path):
    start(addon, tmp_path, "ada")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    while addon.jobs.poll():
        time.sleep(0.02)
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.imported) == ("DONE", False)
    assert not heads()
    assert bpy.ops.avface.import_take(filepath=state.take) == {"FINISHED"}
    assert state.imported


def test_an_import_waits_for_the_artists_drag_or_render(addon, tmp_path, monkeypatch):
    start(addon, tmp_path, "ada")
    with monkeypatch.context() as busy:
        busy.setattr(addon.job_import, "not_yet", lambda job: "It comes in after your drag.")
        while addon.jobs.is_running():
            assert addon.jobs.poll()
            time.sleep(0.02)
        assert addon.jobs.poll()
        assert not heads()
    assert not addon.jobs.poll()
    assert len(heads()) == 1


def test_a_take_comes_in_when_the_artist_is_back_in_object_mode(addon, tmp_path, make_take):
    bpy.ops.avface.import_take(filepath=str(make_take(frames=3, name="first")))
    bpy.ops.object.mode_set(mode="EDIT")
    start(addon, tmp_path, "ada")
    while addon.jobs.is_running():
        assert addon.jobs.poll()
        time.sleep(0.02)
    assert addon.jobs.poll()
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.imported) == ("DONE", False)
    assert state.message == "It comes in when you are back in Object Mode."
    bpy.ops.object.mode_set(mode="OBJECT")
    assert not addon.jobs.poll()
    assert (state.imported, state.message) == (True, "")
    assert len(addon.takes.takes_of(heads()[0])) == 2


def test_a_take_comes_into_the_scene_that_it_was_asked_for_in(addon, tmp_path):
    asked, window = bpy.context.scene, bpy.context.window
    start(addon, tmp_path, "ada")
    window.scene = other = bpy.data.scenes.new("Other")
    asked.name = "Renamed meanwhile"
    while addon.jobs.is_running():
        assert addon.jobs.poll()
        time.sleep(0.02)
    assert addon.jobs.poll()
    message = bpy.context.window_manager.avface_job.message
    assert message == f"It comes in when the scene {asked.name} is shown."
    window.scene = asked
    assert not addon.jobs.poll()
    assert [o.type for o in asked.objects].count("MESH") == 1 and not other.objects


def test_a_take_goes_onto_the_head_that_was_selected_when_it_was_asked_for(
    addon, tmp_path, make_take
):
    for name in ("one", "two"):
        bpy.ops.avface.import_take(filepath=str(make_take(frames=3, name=name)), new_head=True)
    two, one = bpy.context.active_object, heads()[0]
    assert one != two
    one.select_set(True)
    two.select_set(False)
    bpy.context.view_layer.objects.active = one
    start(addon, tmp_path, "ada")
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = two
    finish(addon)
    assert [len(addon.takes.takes_of(head)) for head in (one, two)] == [2, 1]


def test_the_take_of_another_actor_makes_a_head_of_its_own(addon, tmp_path):
    start(addon, tmp_path, "ada")
    choose(tmp_path, "bob")
    bpy.context.scene.avface.actor = "bob"
    assert bpy.ops.avface.capture.poll()
    clip = bpy.context.scene.avface.clip
    folder = addon.job_folders.new_folder(tmp_path / "täkes of mine", clip)
    job = addon.capture_request.capture_job(bpy.context.scene.avface, folder)
    addon.jobs.start(job, folder, addon.preferences.engine_python(bpy.context))
    finish(addon)
    assert [len(addon.takes.takes_of(head)) for head in heads()] == [1, 1]


def test_a_take_that_comes_in_edit_mode_waits_for_the_artist(addon, tmp_path, make_take):
    bpy.ops.avface.import_take(filepath=str(make_take(frames=3, name="first")))
    bpy.ops.object.mode_set(mode="EDIT")
    choose(tmp_path, "ada")
    assert bpy.ops.avface.capture() == {"FINISHED"}
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.imported) == ("DONE", False)
    assert state.hint.startswith("Takes come in in Object Mode")


def test_import_by_the_operator_is_import_by_the_function(addon, make_take):
    path = make_take(frames=5, name="both ways")
    bpy.ops.avface.import_take(filepath=str(path))
    by_operator = evaluated(bpy.context.active_object)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    result = addon.operators.import_take(path, bpy.context)
    assert largest_mm(by_operator, evaluated(result.head)) == 0.0


def test_a_file_that_is_no_take_is_one_sentence(addon, tmp_path):
    path = tmp_path / "no.take.npz"
    path.write_text("no")
    with pytest.raises(RuntimeError, match="is not a take"):
        bpy.ops.avface.import_take(filepath=str(path))
    assert not heads()


def test_exports_want_a_head_and_write_it(addon, make_take, tmp_path):
    assert "Select" in addon.export_operators.AVFACE_OT_export_fbx.disabled_reason(bpy.context)
    bpy.ops.avface.import_take(filepath=str(make_take(frames=5, name="short")))
    assert bpy.ops.avface.export_fbx(filepath=str(tmp_path / "a.fbx")) == {"FINISHED"}
    assert bpy.ops.avface.export_alembic(filepath=str(tmp_path / "a.abc")) == {"FINISHED"}
    assert (tmp_path / "a.fbx").stat().st_size > 10_000
    assert (tmp_path / "a.abc").stat().st_size > 10_000


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_an_engine_that_is_killed_is_a_failure_and_the_next_capture_runs(addon, tmp_path):
    start(addon, tmp_path, "slow")
    start(addon, tmp_path, "ada")
    os.kill(addon.jobs._running.engine._process.pid, signal.SIGKILL)
    while addon.jobs.poll():
        time.sleep(0.02)
    (row,) = bpy.context.window_manager.avface_jobs
    assert (row.name, row.state) == ("slow.mp4", "FAILED")
    assert row.message == "The engine stopped without a result (signal 9)."
    bpy.ops.avface.dismiss_job(folder=row.folder)
    assert len(bpy.context.window_manager.avface_jobs) == 0
    assert len(heads()) == 1
    folders = (tmp_path / "täkes of mine").glob("*/")
    states = {addon.job_folders.read_state(folder) for folder in folders}
    assert states == {"failed", "imported"}


def test_a_head_that_is_renamed_meanwhile_gets_its_take(addon, tmp_path):
    start(addon, tmp_path, "ada")
    finish(addon)
    start(addon, tmp_path, "ada")
    heads()[0].name = "hero"
    finish(addon)
    assert [(head.name, len(addon.takes.takes_of(head))) for head in heads()] == [("hero", 2)]


def test_a_head_that_is_deleted_meanwhile_gives_way_to_a_new_one(addon, tmp_path):
    start(addon, tmp_path, "ada")
    finish(addon)
    start(addon, tmp_path, "ada")
    bpy.data.objects.remove(heads()[0])
    finish(addon)
    assert [len(addon.takes.takes_of(head)) for head in heads()] == [1]
