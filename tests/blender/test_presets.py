"""Presets of the capture's options: ours and the artist's own."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import bpy
import pytest

from tests.blender import extension


@pytest.fixture
def presets() -> Iterator[ModuleType]:
    """The module; what was saved is taken away again."""
    with extension.enabled() as addon:
        yield addon.capture_presets
        for file in own_folder(addon.capture_presets).glob("*.py"):
            file.unlink()


def own_folder(presets: ModuleType) -> Path:
    return Path(bpy.utils.user_resource("SCRIPTS", path=f"presets/{presets.FOLDER}"))


def files(presets: ModuleType) -> dict[str, str]:
    """What the menu offers: name -> file."""
    folders = bpy.utils.preset_paths(presets.FOLDER)
    return {file.stem: str(file) for folder in folders for file in Path(folder).glob("*.py")}


def test_ours_are_offered_and_set_what_they_say(presets):
    assert {"Fast_Look", "Standard", "Best"} <= set(files(presets))
    settings = bpy.context.scene.avface
    seen = {}
    for name in ("Fast_Look", "Standard", "Best"):
        assert bpy.ops.avface.use_preset(filepath=files(presets)[name]) == {"FINISHED"}
        seen[name] = (settings.quality, settings.detail)
        assert presets.AVFACE_MT_capture_presets.bl_label == name.replace("_", " ")
    assert seen == {
        "Fast_Look": ("draft", "off"), "Standard": ("standard", "standard"),
        "Best": ("high", "fine"),
    }  # fmt: skip


def test_standard_is_what_the_panel_begins_with(presets):
    settings = bpy.context.scene.avface
    first = {name: getattr(settings, name) for name in presets.OPTIONS}
    bpy.ops.avface.use_preset(filepath=files(presets)["Best"])
    bpy.ops.avface.use_preset(filepath=files(presets)["Standard"])
    assert {name: getattr(settings, name) for name in presets.OPTIONS} == first


def test_an_own_one_is_saved_used_and_removed(presets):
    settings = bpy.context.scene.avface
    settings.smoothing, settings.senses, settings.detail = 2.5, "picture", "fine"
    settings.clip = "/clips/ada.mp4"
    assert bpy.ops.avface.save_preset(name="Night shoot") == {"FINISHED"}
    own = Path(files(presets)["Night_shoot"])
    assert not own.is_relative_to(extension.ROOT) and "clip" not in own.read_text()
    settings.smoothing, settings.senses, settings.clip = 1.0, "both", "/clips/bob.mp4"
    bpy.ops.avface.use_preset(filepath=str(own))
    assert (settings.smoothing, settings.senses, settings.detail) == (2.5, "picture", "fine")
    assert settings.clip == "/clips/bob.mp4"
    assert bpy.ops.avface.remove_preset() == {"FINISHED"}
    assert not own.exists() and "Night_shoot" not in files(presets)


def test_ours_stay_and_the_button_says_why(presets):
    assert not bpy.ops.avface.remove_preset.poll()
    bpy.ops.avface.use_preset(filepath=files(presets)["Best"])
    assert "AVFace's own stay" in presets.AVFACE_OT_remove_preset.disabled_reason(bpy.context)
    assert not bpy.ops.avface.remove_preset.poll()


def test_a_name_of_ours_is_not_taken(presets):
    bpy.ops.avface.save_preset(name="Best")
    assert not (own_folder(presets) / "Best.py").exists()
