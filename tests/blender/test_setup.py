"""The engine's installation from the preferences, and that every panel can be drawn."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import bpy
import pytest

from tests.blender import extension


@pytest.fixture
def addon(tmp_path):
    with extension.enabled() as package:
        ours = extension.preferences()
        ours.engine_folder, ours.engine_python = str(tmp_path / "the engine, ü"), ""
        ours.jobs_folder = str(tmp_path / "takes")
        yield package
        for name in ("engine_folder", "wheels", "jobs_folder"):
            setattr(ours, name, "")


@pytest.fixture
def state() -> Any:
    return bpy.context.window_manager.avface_setup


class Context(SimpleNamespace):
    """Blender's context with a sidebar in it."""

    region = SimpleNamespace(width=300)

    def __getattr__(self, name: str):
        return getattr(bpy.context, name)


def draw(cls: type) -> list[str]:
    """Draw a panel; the texts that its labels and bars show."""
    layout = MagicMock()
    for name in ("row", "column", "box"):
        getattr(layout, name).return_value = layout
    itself = extension.preferences() if issubclass(cls, bpy.types.AddonPreferences) else None
    cls.draw(SimpleNamespace(layout=layout, **_properties(itself)), Context())
    return [call.kwargs.get("text", "") for call in layout.mock_calls]


def _properties(owner: Any) -> dict[str, Any]:
    names = [item.identifier for item in owner.bl_rna.properties] if owner else []
    return {name: getattr(owner, name) for name in names}


def test_why_the_install_button_is_grey(addon, tmp_path):
    install = addon.setup_operators.AVFACE_OT_install_engine
    if not bpy.app.online_access:
        assert "Allow Online Access" in install.disabled_reason(bpy.context)
        for engine, is_said in (("/nowhere/python", True), (sys.executable, False)):
            extension.preferences().engine_python = engine
            said = any("Allow Online Access" in t for t in draw(addon.preferences.CLASSES[0]))
            assert said == is_said
    extension.preferences().wheels = str(tmp_path)
    assert install.disabled_reason(bpy.context) == ""
    remove = addon.setup_operators.AVFACE_OT_remove_engine
    assert "installed no engine" in remove.disabled_reason(bpy.context)


def test_a_folder_without_wheels_is_told_and_what_was_begun_can_be_removed(addon, tmp_path, state):
    extension.preferences().wheels = str(tmp_path)
    with pytest.raises(RuntimeError, match="has no wheel of"):
        bpy.ops.avface.install_engine()
    assert state.status == "FAILED"
    assert "docs/install.md" in state.hint
    assert Path(state.log).is_file()
    assert (tmp_path / "the engine, ü" / "engine.partial").is_dir()
    assert any("has no wheel" in text for text in draw(addon.preferences.AVFACE_Preferences))
    assert bpy.ops.avface.remove_engine() == {"FINISHED"}
    assert not list((tmp_path / "the engine, ü").glob("engine*"))
    assert state.message == "The engine was removed."


def test_a_python_without_the_engine_is_told(addon, tmp_path, state):
    import subprocess
    import sys

    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = addon.install.environment_python(bare)
    extension.preferences().engine_python = str(python)
    with pytest.raises(RuntimeError, match="lacks numpy"):
        bpy.ops.avface.verify_engine()
    extension.preferences().engine_python = ""


def test_cancelling_leaves_nothing_running(addon, tmp_path, state):
    plan = addon.setup_operators.InstallPlan(str(tmp_path / "e"), wheels=str(tmp_path))
    addon.engine_setup.start(plan)
    engine = addon.engine_setup.work.engine
    assert "is running" in addon.setup_operators.AVFACE_OT_install_engine.disabled_reason(
        bpy.context
    )
    assert any("%" in text for text in draw(addon.preferences.AVFACE_Preferences))
    bpy.ops.avface.cancel_installation()
    while addon.engine_setup.work.poll():
        time.sleep(0.02)
    assert not engine.running
    assert (state.status, state.message) == ("IDLE", "Cancelled; installing again carries on.")
    assert not (tmp_path / "e" / "engine").exists()


def test_every_panel_can_be_drawn_at_every_stage(addon, tmp_path):
    extension.preferences().engine_python = sys.executable  # one that is there
    job = bpy.context.window_manager.avface_job
    for name in ("WAITING", "INTERRUPTED", "CAPTURED"):
        row = bpy.context.window_manager.avface_jobs.add()
        row.name, row.state, row.folder = f"{name}.mp4", name, str(tmp_path)
    job.message, job.hint, job.status = "It failed.", "Try again.", "FAILED"
    faces, settings = bpy.context.window_manager.avface_faces, bpy.context.scene.avface
    faces.status, faces.clip = "DONE", settings.clip
    faces.boxes.add().box = (100, 100, 200, 200)
    settings.use_region, settings.region = True, (50, 60, 300, 200)
    panels = (*addon.panel.CLASSES, *addon.take_panels.CLASSES)
    texts = [text for cls in panels if hasattr(cls, "draw") for text in draw(cls)]
    for words in (
        "It failed.", "WAITING.mp4: waits", "INTERRUPTED.mp4: interrupted", "Face 1",
        "Only in 300 x 200 Pixels", "Makes a new head", "Presets", "Drag Landmarks",
    ):  # fmt: skip
        assert words in texts
    layout = MagicMock()
    job.prepares = True
    addon.job_panel.draw_running(layout, job, Context())
    assert "prepares itself" in str(layout.mock_calls)
    job.prepares, settings.use_region = False, False
    faces.boxes.clear()
    faces.status = "IDLE"
    bpy.context.window_manager.avface_jobs.clear()
