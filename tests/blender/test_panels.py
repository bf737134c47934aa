"""What the sidebar shows when, as far as it can be told without a window."""

import time
from pathlib import Path

import bpy
import pytest

from tests.blender import extension
from tests.blender.test_setup import draw

OF_A_TAKE = ("AVFACE_PT_review", "AVFACE_PT_trust", "AVFACE_PT_clean_up", "AVFACE_PT_look")


@pytest.fixture
def addon(tmp_path, make_take):
    with extension.enabled() as package:
        ready = make_take(frames=4, name="ready")
        extension.preferences().engine_python = str(extension.make_engine(tmp_path, ready))
        extension.preferences().jobs_folder = str(tmp_path / "takes")
        yield package
        extension.preferences().engine_python = ""


def choose(folder: Path, name: str) -> None:
    clip = folder / f"{name}.mp4"
    clip.write_bytes(b"not read by this engine")
    bpy.context.scene.avface.clip = str(clip)


def test_what_needs_a_take_is_there_when_a_head_with_one_is_selected(addon, make_take):
    panels = [getattr(addon.take_panels, name) for name in OF_A_TAKE]
    assert not any(panel.poll(bpy.context) for panel in panels)
    assert not addon.panel.AVFACE_PT_export.poll(bpy.context)
    with pytest.raises(RuntimeError, match="No AVFace head is visible here"):
        bpy.ops.avface.select_head()
    bpy.ops.avface.import_take(filepath=str(make_take(4)))
    head = bpy.context.active_object
    assert all(panel.poll(bpy.context) for panel in panels)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = None
    draw(addon.take_panels.AVFACE_PT_takes)
    assert not any(panel.poll(bpy.context) for panel in panels)
    assert bpy.ops.avface.select_head() == {"FINISHED"}
    assert bpy.context.active_object == head and head.parent.select_get()


def test_the_panel_says_why_a_capture_makes_a_second_head(addon, make_take):
    bpy.ops.avface.import_take(filepath=str(make_take(4)))
    head, layer = bpy.context.active_object, bpy.context.view_layer
    bpy.context.scene.avface.actor = "ada"

    def said() -> str:
        return " ".join(draw(addon.panel.AVFACE_PT_actor))

    assert f"Goes onto {head.name}" in said()
    bpy.ops.object.select_all(action="DESELECT")
    layer.objects.active = None
    assert f"Select {head.name}" in said()
    layer.layer_collection.children[head.users_collection[0].name].exclude = True
    assert "Makes a new head" in said() and "leaves out" in said()
    bpy.context.scene.avface.actor = "bob"
    assert "leaves out" not in said()


def test_a_click_on_the_hair_selects_the_head(addon, make_take):
    bpy.ops.avface.import_take(filepath=str(make_take(4)))
    head, layer = bpy.context.active_object, bpy.context.view_layer
    hair = bpy.data.objects.new("hair", bpy.data.hair_curves.new("hair"))
    hair[addon.hair.HAIR_PROPERTY] = head
    bpy.context.collection.objects.link(hair)
    bpy.ops.object.select_all(action="DESELECT")
    hair.select_set(True)
    layer.objects.active = hair
    assert addon.selection.selected_head(bpy.context) == head
    bpy.data.objects.remove(head)
    assert addon.selection.selected_head(bpy.context) is None


@pytest.mark.parametrize("overridden", [False, True])
def test_a_linked_head_says_that_it_is_one(addon, make_take, tmp_path, overridden):
    take = str(make_take(4))
    bpy.ops.avface.import_take(filepath=take)
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["ada"]
    scene, layer = bpy.context.scene, bpy.context.view_layer
    if overridden:
        wanted.collections[0].override_hierarchy_create(scene, layer)
    else:
        scene.collection.children.link(wanted.collections[0])
    layer.update()
    assert bpy.ops.avface.select_head() == {"FINISHED"}
    assert addon.selection.capture_head(bpy.context) is None, "a new head is made"
    for name in ("show_take", "paint_trust", "start_corrections", "add_lights", "shift_takes"):
        assert not getattr(bpy.ops.avface, name).poll(), name
    reason = addon.take_operators.TakeAction.disabled_reason(bpy.context)
    assert "linked from another file" in reason
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.avface.import_take(filepath=take)


def test_without_an_engine_the_panel_leads_to_the_preferences(addon, tmp_path):
    choose(tmp_path, "ada")
    assert bpy.ops.avface.capture.poll()
    assert "Set Up the Engine" not in draw(addon.panel.AVFACE_PT_capture)
    extension.preferences().engine_python = str(tmp_path / "nowhere" / "python")
    assert "There is no Python at" in addon.operators.AVFACE_OT_capture.disabled_reason(bpy.context)
    assert "Set Up the Engine" in draw(addon.panel.AVFACE_PT_capture)


def test_a_failure_names_its_clip_and_can_be_put_away(addon, tmp_path):
    choose(tmp_path, "bad")
    with pytest.raises(RuntimeError, match="No face was found"):
        bpy.ops.avface.capture()
    texts = draw(addon.panel.AVFACE_PT_capture)
    assert {"bad.mp4: failed", "No face was found."} <= set(texts)
    folder = bpy.context.window_manager.avface_job.folder
    assert bpy.ops.avface.dismiss_job(folder=folder) == {"FINISHED"}
    texts = draw(addon.panel.AVFACE_PT_capture)
    assert not any("bad.mp4" in text or "No face" in text for text in texts)


def test_what_runs_is_not_put_away(addon, tmp_path):
    choose(tmp_path, "slow")
    settings = bpy.context.scene.avface
    folder = addon.job_folders.new_folder(tmp_path / "takes", settings.clip)
    job = addon.capture_request.capture_job(settings, folder)
    addon.jobs.start(job, folder, addon.preferences.engine_python(bpy.context))
    addon.jobs.dismiss(folder)
    assert bpy.context.window_manager.avface_job.status == "RUNNING"
    addon.jobs.cancel()
    while addon.jobs.poll():
        time.sleep(0.02)
    assert "slow.mp4: cancelled" in draw(addon.panel.AVFACE_PT_capture)


def test_a_take_is_listed_with_its_quality_and_offered_to_the_character(addon, make_take):
    made_by = {"version": "test", "options": {"quality": "high", "detail": "fast"}}
    take = make_take(4, made_by=made_by)
    bpy.ops.avface.import_take(filepath=str(take))
    (entry,) = addon.takes.takes_of(bpy.context.active_object)
    assert entry.quality == "high"
    assert f"high quality, {entry.date}" in draw(addon.take_panels.AVFACE_PT_takes)
    assert bpy.context.scene.avface_character.curves == str(take)
    bpy.ops.avface.import_take(filepath=str(make_take(4, name="other")))
    assert bpy.context.scene.avface_character.curves == str(take), "as it was chosen"
