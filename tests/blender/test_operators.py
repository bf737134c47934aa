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
    job_folder = addon.jobs.new_folder(folder, settings.clip)
    job = addon.properties.capture_job(settings, job_folder)
    addon.jobs.start(job, job_folder, addon.preferences.engine_python(bpy.context))


def choose(folder: Path, name: str) -> None:
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


def test_one_capture_at_a_time_and_disabling_ends_it(addon, tmp_path):
    start(addon, tmp_path, "slow")
    assert "is running" in addon.operators.AVFACE_OT_capture.disabled_reason(bpy.context)
    engine = addon.jobs._running.engine
    assert engine.running
    began = time.monotonic()
    addon.jobs.unregister()
    assert not engine.running
    assert time.monotonic() - began < 2


def test_cancel_is_seen_by_the_watcher(addon, tmp_path):
    start(addon, tmp_path, "slow")
    assert bpy.ops.avface.cancel() == {"FINISHED"}
    while addon.jobs._watch() is not None:
        time.sleep(0.02)
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.message) == ("IDLE", "Cancelled.")
    assert not bpy.ops.avface.cancel.poll()
    assert not heads()


def test_opening_another_file_keeps_the_job_but_not_its_import(addon, tmp_path):
    start(addon, tmp_path, "ada")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    while addon.jobs._watch() is not None:
        time.sleep(0.02)
    state = bpy.context.window_manager.avface_job
    assert (state.status, state.imported) == ("DONE", False)
    assert not heads()
    assert bpy.ops.avface.import_take(filepath=state.take) == {"FINISHED"}
    assert state.imported


def test_an_import_waits_for_the_artists_drag_or_render(addon, tmp_path, monkeypatch):
    start(addon, tmp_path, "ada")
    with monkeypatch.context() as busy:
        busy.setattr(addon.jobs, "_scene_is_busy", lambda: True)
        while addon.jobs._running.engine.running:
            assert addon.jobs._watch() is not None
            time.sleep(0.02)
        assert addon.jobs._watch() is not None
        assert not heads()
    assert addon.jobs._watch() is None
    assert len(heads()) == 1


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
    assert "Select" in addon.operators.AVFACE_OT_export_fbx.disabled_reason(bpy.context)
    bpy.ops.avface.import_take(filepath=str(make_take(frames=5, name="short")))
    assert bpy.ops.avface.export_fbx(filepath=str(tmp_path / "a.fbx")) == {"FINISHED"}
    assert bpy.ops.avface.export_alembic(filepath=str(tmp_path / "a.abc")) == {"FINISHED"}
    assert (tmp_path / "a.fbx").stat().st_size > 10_000
    assert (tmp_path / "a.abc").stat().st_size > 10_000
