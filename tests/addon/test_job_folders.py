import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bl_ext.test.avface.avface_blender import job_folders
from bl_ext.test.avface.avface_blender.job_folders import FolderLock
from bl_ext.test.avface.engine.exchange.protocol import (
    AVFaceError,
    CaptureJob,
    Done,
    Progress,
    encode,
    write_job,
)

ROOT = Path(__file__).parents[2]


def make_job(parent: Path, name: str, state: job_folders.State, *events) -> Path:
    folder = job_folders.new_folder(parent, f"{name}.mp4")
    write_job(CaptureJob(f"{name}.mp4", str(folder / f"{name}.take.npz")), folder / "job.json")
    job_folders.write_state(folder, state)
    (folder / "events.jsonl").write_text("".join(encode(event) + "\n" for event in events))
    return folder


def test_folders_of_one_second_get_names_of_their_own(tmp_path):
    folders = {job_folders.new_folder(tmp_path, "ada.mp4") for _ in range(5)}
    assert len(folders) == 5
    assert all(folder.is_dir() and "ada" in folder.name for folder in folders)


def test_a_long_name_leaves_room_for_the_takes_own(tmp_path):
    folder = job_folders.new_folder(tmp_path, f"{'interview. ' * 12}.mp4")
    assert len(folder.name) <= 16 + 32 and folder.name[-1] not in ". "


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AVFaceError, match="can't be used"):
        job_folders.new_folder(tmp_path / "file", "ada.mp4")


def test_what_is_left_is_found(tmp_path):
    make_job(tmp_path, "settled", "imported")
    make_job(tmp_path, "failed", "failed")
    begun = make_job(tmp_path, "begun", "running", Progress("fit", 0.5))
    waiting = make_job(tmp_path, "waiting", "waiting")
    done = make_job(tmp_path, "done", "running", Done("x"))
    (done / "done.take.npz").write_text("a take")
    gone = make_job(tmp_path, "gone", "done", Done("x"))
    (tmp_path / "no job").mkdir()
    found = {left.folder: left.is_captured for left in job_folders.find_left(tmp_path)}
    assert found == {begun: False, waiting: False, done: True, gone: False}
    assert job_folders.find_left(tmp_path / "nowhere") == []


def test_a_line_that_was_cut_short_is_passed_over(tmp_path):
    folder = make_job(tmp_path, "ada", "running", Done("x"))
    (folder / "ada.take.npz").write_text("a take")
    with open(folder / "events.jsonl", "a") as events:
        events.write('{"event": "prog')
    assert job_folders.find_left(tmp_path)[0].is_captured


def test_a_job_that_somebody_works_on_is_not_left(tmp_path):
    folder = make_job(tmp_path, "ada", "running")
    lock = FolderLock.claim(folder)
    assert lock is not None
    assert FolderLock.claim(folder) is None
    assert job_folders.find_left(tmp_path) == []
    lock.release()
    assert len(job_folders.find_left(tmp_path)) == 1


def test_a_lock_goes_with_its_owner_however_it_dies(tmp_path):
    folder = make_job(tmp_path, "ada", "running")
    code = (
        "import importlib, sys, time, types\n"
        "from pathlib import Path\n"
        "sys.modules['host'] = types.ModuleType('host')\n"
        "sys.modules['host'].__path__ = [sys.argv[1]]\n"
        "folders = importlib.import_module('host.avface_blender.job_folders')\n"
        "lock = folders.FolderLock.claim(Path(sys.argv[2]))\n"
        "print(lock is not None, flush=True)\n"
        "time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout
    assert owner.stdout.readline() == "True\n"
    assert job_folders.find_left(tmp_path) == []
    owner.kill()
    owner.wait()
    until = time.monotonic() + 5
    while not job_folders.find_left(tmp_path) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(job_folders.find_left(tmp_path)) == 1


def test_leftovers_of_a_killed_engine_go_before_it_runs_again(tmp_path):
    for name in ("ada.take.npz.7.tmp", "ada.7.partial.mp4", "ada.take.npz", "engine.log"):
        (tmp_path / name).write_text("")
    (tmp_path / "ada.normals.tmp").mkdir()
    job_folders.clear_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["ada.take.npz", "engine.log"]
