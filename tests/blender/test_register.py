import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import pytest
from bl_ext.test.avface.avface_blender import batch_options

from engine.options import CaptureOptions
from tests.blender import extension


def _traces() -> dict[str, object]:
    """What an extension can leave behind."""
    return {
        "types": sorted(name for name in dir(bpy.types) if name.startswith("AVFACE_")),
        "scene": hasattr(bpy.types.Scene, "avface"),
        "window manager": hasattr(bpy.types.WindowManager, "avface_job"),
        "escape": _escape_keys(),
        "opened": len(bpy.app.handlers.load_post),
        "import menu": len(bpy.types.TOPBAR_MT_file_import._dyn_ui_initialize()),
        "export menu": len(bpy.types.TOPBAR_MT_file_export._dyn_ui_initialize()),
    }


def _escape_keys() -> int:
    keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.get("3D View Generic")
    return sum(item.idname == "avface.cancel" for item in keymap.keymap_items) if keymap else 0


def test_enable_and_disable_leave_nothing_behind():
    before = _traces()
    for _ in range(2):
        with extension.enabled():
            during = _traces()
            assert "AVFACE_PT_capture" in during["types"]
            assert bpy.context.scene.avface.clip == ""
            assert bpy.context.window_manager.avface_job.status == "IDLE"
            assert during["escape"] == 1
            assert during["import menu"] == before["import menu"] + 1
        assert _traces() == before


def test_every_class_is_ours_by_name_and_every_operator_explains_itself():
    with extension.enabled() as addon:
        for cls in addon.registration.CLASSES:
            assert cls.__name__.startswith("AVFACE_"), cls
            if issubclass(cls, bpy.types.Operator):
                assert cls.bl_idname.startswith("avface."), cls
                assert (cls.__doc__ or "").strip(), cls
                assert not cls.__doc__.strip().endswith("."), f"Blender adds the full stop: {cls}"


def test_every_setting_and_every_option_of_an_operator_explains_itself():
    with extension.enabled() as addon:
        for cls in addon.registration.CLASSES:
            for item in _settings_of(cls):
                assert item.description, (cls, item.identifier)
                assert not item.description.endswith("."), (cls, item.identifier)


def _settings_of(cls: type) -> list[Any]:
    """What an artist can set: an operator's options, the preferences, settings of the panels."""
    if issubclass(cls, bpy.types.Operator):
        operator = getattr(bpy.ops.avface, cls.bl_idname.removeprefix("avface."))
        items = operator.get_rna_type().properties
    elif cls.__name__.endswith(("Preferences", "Settings", "RegionFilter", "Route")):
        items = [p for p in cls.bl_rna.properties if p.identifier in cls.__annotations__]
    else:
        items = []  # written by the add-on alone
    lists = ("rna_type", "routes", "active")  # Blender's own, and a list with its active row
    return [item for item in items if not item.is_hidden and item.identifier not in lists]


def test_preferences_are_the_extensions_own(tmp_path):
    with extension.enabled() as addon:
        python = tmp_path / "python"
        python.write_text("")
        extension.preferences().engine_python = str(python)
        extension.preferences().jobs_folder = str(tmp_path)
        assert addon.preferences.engine_python(bpy.context) == python
        assert addon.preferences.jobs_folder(bpy.context) == tmp_path


def test_captures_survive_an_update_of_the_extension():
    with extension.enabled() as addon:
        extension.preferences().jobs_folder = ""
        folder = addon.preferences.jobs_folder(bpy.context)
        assert ".user" in folder.parts
        assert not folder.is_relative_to(extension.ROOT)


def test_takes_can_lie_beside_the_file_once_it_is_saved(tmp_path):
    with extension.enabled() as addon:
        extension.preferences().jobs_folder = "//takes"
        assert ".user" in addon.preferences.jobs_folder(bpy.context).parts
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
        assert addon.preferences.jobs_folder(bpy.context) == tmp_path / "takes"
        extension.preferences().jobs_folder = ""


def test_the_settings_are_the_engines_options():
    """By name, default and choices: the add-on may not import engine.options."""
    with extension.enabled() as addon:
        settings = bpy.context.scene.avface
        settings.clip = "/clips/ada.mp4"
        job = addon.capture_request.capture_job(settings, Path("/takes/1"))
        assert CaptureOptions(**job.options) == CaptureOptions()
        for name in ("end", "face", "focal", "fps"):
            setattr(settings, f"use_{name}", True)
        settings.use_region = True
        job = addon.capture_request.capture_job(settings, Path("/takes/1"))
        assert set(job.options) == set(CaptureOptions.__dataclass_fields__)
        for name in ("detail", "skin", "method", "quality", "senses"):
            choices = CaptureOptions.__annotations__[name].__args__
            items = settings.bl_rna.properties[name].enum_items
            assert {item.identifier for item in items} == set(choices), name
        known = Path("/takes/0/ada.take.npz")
        job = addon.capture_request.capture_job(settings, Path("/takes/1"), known)
        assert job.options["person"] == str(known)
        settings.same_person = False
        job = addon.capture_request.capture_job(settings, Path("/takes/1"), known)
        assert job.options["person"] == ""
        assert set(batch_options.CAPTURE_OPTIONS) <= set(CaptureOptions.__dataclass_fields__)


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The zip of scripts/build_extension.py, and its index beside it."""
    out = tmp_path_factory.mktemp("package")
    script = extension.ROOT / "scripts" / "build_extension.py"
    run(str(script), "--out", str(out))
    return next(out.glob("avface-*.zip"))


def run(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def blenders_tool() -> str:
    scripts = Path(addon_utils.__file__).parents[1]
    return str(scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py")


def names_in(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as file:
        return set(file.namelist())


def test_the_package_holds_what_the_add_on_and_the_engine_need(package):
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "engine/cli.py",
            "engine/exchange/protocol.py", "weights/head_default.npz",
            "requirements/engine.txt", "avface_blender/panel.py",
            "scripts/blender_batch.py"} <= names_in(package)  # fmt: skip


def test_the_package_holds_nothing_else(package):
    for name in names_in(package):
        top = name.split("/")[0]
        assert top not in {"tests", "docs", "out", "build"}, name
        assert top != "scripts" or name == "scripts/blender_batch.py"
        assert not top.startswith("."), name
        assert "__pycache__" not in name
        assert os.path.splitext(name)[1] not in {".pyc", ".zip"}, name


def test_blenders_own_tool_finds_the_same(package, tmp_path):
    """The zip is valid, built from its own content it is the same, and so is the index."""
    tool = blenders_tool()
    run(tool, "validate", str(package))
    (tmp_path / "content").mkdir()
    with zipfile.ZipFile(package) as file:
        file.extractall(tmp_path / "content")
    (tmp_path / "content" / "scripts" / "more").mkdir()
    (tmp_path / "content" / "scripts" / "more" / "a.py").write_text("")
    build = ["build", "--source-dir", str(tmp_path / "content"), "--output-dir", str(tmp_path)]
    run(tool, *build)
    assert names_in(tmp_path / package.name) == names_in(package)
    own = json.loads((package.parent / "index.json").read_text(encoding="utf-8"))
    (tmp_path / package.name).write_bytes(package.read_bytes())
    run(tool, "server-generate", "--repo-dir", str(tmp_path))
    assert json.loads((tmp_path / "index.json").read_text(encoding="utf-8")) == own


ENABLE = """
import os, sys, time
import bpy
path = sys.argv[1]
bpy.ops.extensions.package_install_files(
    filepath=path, repo="user_default", enable_on_install=False
)
import addon_utils
before, start = set(sys.modules), time.perf_counter()
assert addon_utils.enable("bl_ext.user_default.avface", default_set=True)
print(f"{time.perf_counter() - start:.3f} s", flush=True)
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
print("loaded", *sorted(loaded), flush=True)
assert bpy.context.scene.avface.clip == ""
os._exit(0)
"""


def test_the_package_installs_and_imports_nothing_heavy(package, tmp_path):
    script = tmp_path / "enable.py"
    script.write_text(ENABLE)
    done = subprocess.run(
        [sys.executable, str(script), str(package)],
        capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"BLENDER_USER_RESOURCES": str(tmp_path / "user")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    loaded = next(li for li in done.stdout.splitlines() if li.startswith("loaded")).split()
    assert not {"torch", "numba", "cv2", "av", "mediapipe", "scipy", "ray", "c2pa"} & set(loaded)
    assert "bl_ext" in loaded
