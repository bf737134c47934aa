import os
import subprocess
import sys
import zipfile
from pathlib import Path

import addon_utils
import bpy
import pytest
from bl_ext.test.avface.avface_blender import batch

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


def test_the_settings_are_the_engines_options():
    """By name, default and choices: the add-on may not import engine.options."""
    with extension.enabled() as addon:
        settings = bpy.context.scene.avface
        settings.clip = "/clips/ada.mp4"
        job = addon.properties.capture_job(settings, Path("/takes/1"))
        assert CaptureOptions(**job.options) == CaptureOptions()
        for name in ("end", "face", "focal", "fps"):
            setattr(settings, f"use_{name}", True)
        settings.use_region = True
        job = addon.properties.capture_job(settings, Path("/takes/1"))
        assert set(job.options) == set(CaptureOptions.__dataclass_fields__)
        choices = CaptureOptions.__annotations__["detail"].__args__
        detail = settings.bl_rna.properties["detail"]
        assert tuple(item.identifier for item in detail.enum_items) == choices
        assert set(batch.CAPTURE_OPTIONS) <= set(CaptureOptions.__dataclass_fields__)


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> list[str]:
    """Names in the zip that Blender's own tool builds."""
    out = tmp_path_factory.mktemp("package")
    scripts = Path(addon_utils.__file__).parents[1]
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    command = [sys.executable, str(tool)]
    for arguments in (
        ["validate", str(extension.ROOT)],
        ["build", "--source-dir", str(extension.ROOT), "--output-dir", str(out)],
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(out.glob("avface-*.zip"))) as archive:
        return archive.namelist()


def test_the_package_holds_what_the_add_on_and_the_engine_need(package):
    for name in ("__init__.py", "blender_manifest.toml", "LICENSE", "engine/cli.py",
                 "engine/exchange/protocol.py", "weights/head_default.npz",
                 "requirements/engine.txt", "avface_blender/panel.py"):  # fmt: skip
        assert name in package


def test_the_package_holds_nothing_else(package):
    for name in package:
        top = name.split("/")[0]
        assert top not in {"tests", "scripts", "docs", "out", "build"}, name
        assert not top.startswith("."), name
        assert "__pycache__" not in name
        assert os.path.splitext(name)[1] not in {".pyc", ".zip"}, name
