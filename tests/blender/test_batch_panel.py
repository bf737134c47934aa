"""Many clips from the sidebar and headless; the batch itself is the real `engine batch`."""

import json
import os
import shlex
import sys
import time
from pathlib import Path

import bpy
import pytest

from tests.blender import extension
from tests.blender.test_setup import draw

PYTHON = """#!/bin/sh
case "$3" in
  batch) shift 3; exec {python} {fake} "$@" ;;
  *) shift 2; READY_TAKE={take} exec {python} {engine} -m engine "$@" ;;
esac
"""
# Speaks as `engine batch --events` does; puts a ready take where each clip's would be.
FAKE_BATCH = """
import os, shutil, sys, time
from pathlib import Path
sys.path.insert(0, os.getcwd())
from engine.commands.wire import speak
from engine.exchange.protocol import VERSION, Done, Failed, Hello, Item
send = speak()
send(Hello(VERSION, "cpu"))
source, out = Path(sys.argv[1]), Path(sys.argv[sys.argv.index("--out") + 1])
(out / "arguments").write_text(chr(10).join(sys.argv[1:]), encoding="utf-8")
clips = sorted(source.glob("*.mp4"))
for clip in clips:
    send(Item(clip.stem, "waiting"))
for clip in clips:
    send(Item(clip.stem, "running", 0.5, "fit"))
    if "slow" in clip.stem:
        time.sleep(60)
    if "bad" in clip.stem:
        send(Item(clip.stem, "failed", 0, "No face was found."))
        continue
    take = out / f"{clip.stem}.take.npz"
    state = "skipped" if take.exists() else "done"
    if state == "done":
        shutil.copy(TAKE, take)
    send(Item(clip.stem, state, 1, "", str(take)))
send(Done(str(out / "batch.report.html")))
"""


@pytest.fixture
def engine(tmp_path, make_take) -> Path:
    if os.name == "nt":
        pytest.skip("the stand-in for the engine is a shell script")
    take = make_take(frames=4, name="ready")
    fake = tmp_path / "fake_batch.py"
    fake.write_text(f"TAKE = {str(take)!r}\n{FAKE_BATCH}")
    python = tmp_path / "python"
    words = {"python": sys.executable, "fake": fake, "take": take, "engine": extension.FAKE_ENGINE}
    quoted = {name: shlex.quote(str(value)) for name, value in words.items()}
    python.write_text(PYTHON.format(**quoted))
    python.chmod(0o755)
    return python


@pytest.fixture
def addon(engine):
    with extension.enabled() as package:
        extension.preferences().engine_python = str(engine)
        yield package
        extension.preferences().engine_python = ""


def make_clips(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.mp4").write_bytes(b"not read by this engine")
    return folder


def choose(source: Path, out: Path):
    settings = bpy.context.scene.avface_batch
    settings.source, settings.out, settings.workers = str(source), str(out), 2
    return bpy.context.window_manager.avface_batch


def test_a_folder_of_clips_becomes_a_table(addon, tmp_path):
    start = addon.batch_panel.AVFACE_OT_start_batch
    assert "Choose a folder of clips" in start.disabled_reason(bpy.context)
    out = tmp_path / "réslts"
    state = choose(make_clips(tmp_path / "in", "ada", "bad", "zoe"), out)
    bpy.context.scene.avface.detail = "fast"
    bpy.context.scene.avface.head = "/heads/flame.npz"
    bpy.context.scene.avface.consent = "-- signed, ü"
    assert bpy.ops.avface.start_batch() == {"FINISHED"}
    assert {row.name: row.state for row in state.rows} == {
        "ada": "DONE", "bad": "FAILED", "zoe": "DONE"
    }  # fmt: skip
    assert state.message == "2 of 3 captured, 1 failed."
    arguments = (out / "arguments").read_text(encoding="utf-8").splitlines()
    assert {"--detail=fast", "--consent=-- signed, ü", "--workers", "2"} <= set(arguments)
    assert arguments[arguments.index("--head") + 1] == "/heads/flame.npz"
    assert not any(word.startswith(("--start", "--face")) for word in arguments)
    texts = draw(addon.batch_panel.AVFACE_PT_batch)
    assert "Import ada" in texts
    state.index = 1
    assert "No face was found." in draw(addon.batch_panel.AVFACE_PT_batch)
    assert bpy.ops.avface.import_take(filepath=state.rows["zoe"].take) == {"FINISHED"}


def test_a_batch_can_be_cancelled_and_carried_on(addon, tmp_path):
    state = choose(make_clips(tmp_path / "in", "ada", "slow"), tmp_path / "out")
    addon.batch_panel.start(bpy.context)
    running = addon.batch_panel.work.engine
    while not state.rows or state.rows[0].state != "DONE":
        addon.batch_panel.work.poll()
        time.sleep(0.02)
    assert "is running" in addon.batch_panel.AVFACE_OT_start_batch.disabled_reason(bpy.context)
    bpy.ops.avface.cancel_batch()
    while addon.batch_panel.work.poll():
        time.sleep(0.02)
    assert not running.running
    assert [row.state for row in state.rows] == ["DONE", "WAITING"]
    assert state.message == "Cancelled."


def test_headless_a_folder_becomes_scenes_and_what_stands_is_left(engine, tmp_path):
    from bl_ext.test.avface.avface_blender import batch

    source, out = make_clips(tmp_path / "in", "ada", "bad"), tmp_path / "out"
    arguments = ["--batch", str(source), "--out", str(out), "--engine", str(engine)]
    assert batch.main([*arguments, "--detail", "off"]) == 1
    assert (out / "ada.blend").is_file()
    assert json.loads((out / "ada.report.json").read_text(encoding="utf-8"))["ok"]
    before = (out / "ada.blend").stat().st_mtime_ns
    batch.main(arguments)
    assert (out / "ada.blend").stat().st_mtime_ns == before
    batch.main([*arguments, "--scene-fps", "48"])
    bpy.ops.wm.open_mainfile(filepath=str(out / "ada.blend"))
    assert bpy.context.scene.render.fps == 48, "another rate makes the scene anew"
    before = (out / "ada.blend").stat().st_mtime_ns
    batch.main([*arguments, "--scene-fps", "48"])
    assert (out / "ada.blend").stat().st_mtime_ns == before
