import json
import subprocess
import sys
from pathlib import Path

import bpy
import pytest
from bl_ext.test.avface.avface_blender import batch
from bl_ext.test.avface.avface_blender.keyframes import curves_in
from bl_ext.test.avface.avface_blender.take_importer import selected_head
from bl_ext.test.avface.engine.exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    OUR_FAULT,
    SOME_FAILED,
)

from tests.blender import extension


@pytest.fixture
def engine(tmp_path: Path, make_take) -> Path:
    return extension.make_engine(tmp_path, make_take(frames=6, name="ready"))


def make_clip(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"not read by this engine")
    return str(path)


def run(out: Path, engine: Path, *arguments: str) -> int:
    return batch.main([*arguments, "--out", str(out), "--engine", str(engine)])


def read_report(out: Path, name: str) -> dict:
    return json.loads((out / f"{name}.report.json").read_text(encoding="utf-8"))


def test_a_clip_gives_a_take_every_kind_of_file_and_a_report(tmp_path, engine):
    out = tmp_path / "my résults"
    clip = make_clip(tmp_path, "ada.mp4")
    kinds = [kind for kind in batch.EXPORTS if kind != "blend"] + ["blend"]
    assert run(out, engine, clip, "--export", *kinds) == DONE
    names = {"ada.take.npz", "ada.report.json", *(f"ada.{kind}" for kind in kinds)}
    sidecars = {f"ada.{kind}.made-by.json" for kind in ("fbx", "glb", "usdc", "abc")}
    written = {path.name for path in out.iterdir() if path.is_file()}  # USD's pictures lie deeper
    assert written == names | sidecars
    report = read_report(out, "ada")
    assert report["ok"]
    assert set(report["files"]) == names - {"ada.report.json"}
    assert {"capture", "import", *kinds} <= set(report["stages"])
    assert "The clip has no sound." in report["warnings"]
    bpy.ops.wm.open_mainfile(filepath=str(out / "ada.blend"))
    assert selected_head(bpy.context) is not None


def test_a_format_that_this_blender_lacks_is_refused_before_the_first_capture(
    tmp_path, engine, monkeypatch
):
    lacks = "This Blender was built without Alembic"
    monkeypatch.setattr(batch, "missing_part", lambda name: lacks if name == "Alembic" else "")
    clip = make_clip(tmp_path, "ada.mp4")
    assert run(tmp_path / "out", engine, clip, "--export", "fbx", "abc") == CANNOT_SERVE
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("timing", ["resample", "exact"])
def test_scenes_can_have_a_rate_of_their_own(tmp_path, make_take, timing):
    take = make_take(frames=26, name="ada")  # 25 a second: a second
    words = [str(take), "--out", str(tmp_path), "--scene-fps", "48", "--timing", timing]
    assert batch.main(words) == DONE
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "ada.blend"))
    scene = bpy.context.scene
    assert (scene.render.fps, scene.render.fps_base) == (48, 1.0)
    assert (scene.frame_start, scene.frame_end) == (1, 49)
    assert (scene.render.resolution_x, scene.render.resolution_y) != (1920, 1080)
    keys = [action for action in bpy.data.actions if action.name.endswith("face")]
    (frames,) = {len(curve.keyframe_points) for curve in curves_in(keys[0])}
    assert frames == (49 if timing == "resample" else 26)


@pytest.mark.parametrize("rate", ["0", "nan"])
def test_a_rate_that_cannot_be_is_refused(tmp_path, rate):
    with pytest.raises(SystemExit) as refused:
        batch.main(["a.mp4", "--out", str(tmp_path), "--scene-fps", rate])
    assert refused.value.code == CANNOT_SERVE


def test_one_bad_clip_does_not_stop_the_others(tmp_path, engine):
    clips = [make_clip(tmp_path, f"{name}.mp4") for name in ("bad", "crash", "ada")]
    assert run(tmp_path / "out", engine, *clips) == SOME_FAILED
    bad, crash, ada = (read_report(tmp_path / "out", name) for name in ("bad", "crash", "ada"))
    assert not bad["ok"]
    assert bad["message"] == "No face was found."
    assert bad["hint"] == "Choose another clip."
    assert "out of luck" in crash["hint"]
    assert ada["ok"]
    assert not (tmp_path / "out" / "bad.blend").exists()
    assert (tmp_path / "out" / "crash.job" / "engine.log").is_file()
    assert not (tmp_path / "out" / "bad.job").exists()


@pytest.mark.parametrize(("name", "code"), [("bad", CANNOT_SERVE), ("crash", OUR_FAULT)])
def test_when_none_works_the_code_says_whose_fault_it_is(tmp_path, engine, name, code):
    assert run(tmp_path / "out", engine, make_clip(tmp_path, f"{name}.mp4")) == code


def test_a_take_needs_no_engine_and_keeps_the_captures_report(tmp_path, make_take):
    take = make_take(frames=4, name="ada")
    captured = {"clip": "ada.mov", "frames": 4, "stages": {"fit": {"seconds": 1.0}}}
    (tmp_path / "ada.report.json").write_text(json.dumps(captured | {"warnings": ["dark"]}))
    assert batch.main([str(take), "--out", str(tmp_path), "--engine", "/nowhere"]) == DONE
    report = read_report(tmp_path, "ada")
    assert (report["frames"], report["clip"]) == (4, "ada.mov")
    assert {"fit", "import", "blend"} <= set(report["stages"])
    assert "dark" in report["warnings"]


def test_clips_of_one_name_do_not_overwrite_each_other(tmp_path, engine):
    clips = [make_clip(tmp_path / folder, "ada.mp4") for folder in ("one", "two")]
    assert run(tmp_path / "out", engine, *clips) == DONE
    assert (tmp_path / "out" / "ada.blend").is_file()
    assert (tmp_path / "out" / "ada-2.blend").is_file()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, engine, capsys):
    clip = make_clip(tmp_path, "ada.mp4")
    assert run(Path(clip) / "out", engine, clip) == CANNOT_SERVE
    assert "can't be made" in capsys.readouterr().err


def test_the_folder_of_results_can_be_moved(tmp_path, make_take):
    picture = tmp_path / "ada.normals" / "static.png"
    picture.parent.mkdir()
    image = bpy.data.images.new("flat", 8, 8)
    image.filepath_raw, image.file_format = str(picture), "PNG"
    image.save()
    take = make_take(frames=4, name="ada", static_normals="ada.normals/static.png")
    assert batch.main([str(take), "--out", str(tmp_path)]) == DONE
    (tmp_path / "moved").mkdir()
    for name in ("ada.blend", "ada.normals"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved" / "ada.blend"))
    files = [item for item in bpy.data.images if item.source == "FILE"]
    assert files
    for item in files:
        assert Path(bpy.path.abspath(item.filepath)).is_file(), item.filepath


def test_the_script_in_a_process_of_its_own(tmp_path, make_take):
    script = extension.ROOT / "scripts" / "blender_batch.py"
    take = make_take(frames=4, name="ada")
    command = [sys.executable, str(script), "--", str(take), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == DONE, done.stderr
    assert (tmp_path / "out" / "ada.blend").is_file()
    assert (
        subprocess.run(command[:-2], capture_output=True, check=False, timeout=60).returncode == 2
    )
