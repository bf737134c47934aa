import json
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender import export, export_check, review
from bl_ext.test.avface.avface_blender.take_importer import ImportOptions, import_take
from bl_ext.test.avface.engine.exchange.protocol import AVFaceError

from tests.blender.surfaces import evaluated, largest_mm

TOLERANCE_MM = 0.1
FRAMES = range(1, 13)


@pytest.fixture
def imported(make_take):
    return import_take(make_take(frames=len(FRAMES)), bpy.context)


def _surfaces(object_: bpy.types.Object) -> dict[int, np.ndarray]:
    surfaces = {}
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        surfaces[frame] = evaluated(object_)
    return surfaces


def _read_back(read, path: Path) -> bpy.types.Object:
    """The head in an empty file of the same frame rate."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 25
    read(filepath=str(path))
    return next(object_ for object_ in bpy.data.objects if object_.type == "MESH")


def _fbx(filepath: str) -> None:
    bpy.ops.import_scene.fbx(filepath=filepath, anim_offset=0.0)


def _alembic(filepath: str) -> None:
    bpy.ops.wm.alembic_import(filepath=filepath, as_background_job=False)


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [("head.fbx", export.export_fbx, _fbx), ("head.abc", export.export_alembic, _alembic)],
)
def test_the_performance_survives_the_way_out_and_back(imported, tmp_path, name, write, read):
    before = _surfaces(imported.head)
    write(imported.head, tmp_path / name, bpy.context)
    back = _read_back(read, tmp_path / name)
    if back.data.shape_keys:  # the importer's sliders end at the keys that it saw
        for key in back.data.shape_keys.key_blocks:
            key.slider_min, key.slider_max = -10, 10
    after = _surfaces(back)
    assert max(largest_mm(before[frame], after[frame]) for frame in FRAMES) < TOLERANCE_MM


def test_fbx_brings_the_head_and_its_rig_and_nothing_else(imported, tmp_path):
    mesh = bpy.data.meshes.new("bystander")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("bystander", mesh))
    keys = {key.name for key in imported.head.data.shape_keys.key_blocks}
    bones = {bone.name for bone in imported.rig.data.bones}
    export.export_fbx(imported.head, tmp_path / "head.fbx", bpy.context)
    back = _read_back(_fbx, tmp_path / "head.fbx")
    assert {key.name for key in back.data.shape_keys.key_blocks} == keys
    rig = next(object_ for object_ in bpy.data.objects if object_.type == "ARMATURE")
    assert {bone.name for bone in rig.data.bones} == bones
    assert len(back.data.uv_layers) == 1
    assert "bystander" not in bpy.data.objects


def test_an_export_leaves_the_scene_as_it_was(imported, tmp_path):
    bpy.context.scene.frame_set(7)
    other = bpy.data.objects.new("other", None)
    bpy.context.scene.collection.objects.link(other)
    bpy.ops.object.select_all(action="DESELECT")
    other.select_set(True)
    bpy.context.view_layer.objects.active = other
    export.export_alembic(imported.head, tmp_path / "head.abc", bpy.context)
    assert bpy.context.selected_objects == [other]
    assert bpy.context.view_layer.objects.active == other
    assert bpy.context.scene.frame_current == 7
    assert [item.name for item in tmp_path.iterdir() if "partial" in item.name] == []


def test_an_export_leads_back_to_the_pose_that_was_worked_on(imported, tmp_path):
    bpy.context.view_layer.objects.active = imported.rig
    bpy.ops.object.mode_set(mode="POSE")
    export.export_fbx(imported.head, tmp_path / "head.fbx", bpy.context)
    assert bpy.context.mode == "POSE" and bpy.context.active_object == imported.rig


def test_fbx_of_a_library_override_carries_its_skin(make_take, tmp_path):
    """Its picture lies beside the library, which isn't where this file is."""
    (tmp_path / "shots").mkdir()
    skin = bpy.data.images.new("skin", 4, 4)
    skin.filepath_raw, skin.file_format = str(tmp_path / "clip.albedo.png"), "PNG"
    skin.save()
    import_take(make_take(frames=2, albedo_image="clip.albedo.png"), bpy.context)
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shots" / "shot.blend"))
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["ada"]
    scene, layer = bpy.context.scene, bpy.context.view_layer
    wanted.collections[0].override_hierarchy_create(scene, layer)
    head = next(o for o in scene.objects if o.type == "MESH" and o.override_library)
    paths = {image: image.filepath for image in bpy.data.images}
    export.export_fbx(head, tmp_path / "head.fbx", bpy.context)
    assert b"\x89PNG" in (tmp_path / "head.fbx").read_bytes()
    assert {image: image.filepath for image in paths} == paths
    assert any(path.startswith("//") for path in paths.values())


def test_a_hidden_head_and_a_folder_that_is_not_there_are_said_plainly(imported, tmp_path):
    with pytest.raises(AVFaceError, match="can't be written"):
        export.export_alembic(imported.head, tmp_path / "missing" / "head.abc", bpy.context)
    imported.rig.hide_set(True)
    with pytest.raises(AVFaceError, match="hidden"):
        export.export_fbx(imported.head, tmp_path / "head.fbx", bpy.context)
    assert not (tmp_path / "head.fbx").exists()


def test_a_name_that_no_system_takes_is_refused(imported, tmp_path):
    with pytest.raises(AVFaceError, match="too long a name"):
        export.export_fbx(imported.head, tmp_path / f"{'n' * 240}.fbx", bpy.context)
    assert not list(tmp_path.glob("n*"))


def test_an_export_says_what_made_it(make_take, tmp_path):
    made_by = {
        "version": "1.2.3",
        "weights": {"head_default": "ab"},
        "options": {"consent": "signed on paper, für den Film"},
    }
    result = import_take(make_take(frames=3, made_by=made_by), bpy.context)
    for item in (result.head, result.rig, result.camera, *bpy.data.actions):
        assert "für den Film" in item["avface_made_by"], item
    export.export_fbx(result.head, tmp_path / "ada.fbx", bpy.context)
    written = json.loads((tmp_path / "ada.fbx.made-by.json").read_text(encoding="utf-8"))
    assert written["file"] == "ada.fbx"
    assert written["consent"] == "signed on paper, für den Film"
    assert written["weights"] == {"head_default": "ab"}
    assert (written["version"], written["actor"]) == ("1.2.3", "ada")


_EVERY_FORMAT = ["head.FBX", "head.abc", "head.usdc", "head.usd", "head.glb"]


@pytest.mark.parametrize(
    ("name", "metres"),
    [*((name, 1.0) for name in _EVERY_FORMAT), ("head.FBX", 0.01), ("head.glb", 0.01)],
)
def test_an_export_is_read_back_and_measured(make_take, tmp_path, name, metres):
    bpy.context.scene.unit_settings.scale_length = metres
    imported = import_take(make_take(frames=len(FRAMES)), bpy.context)
    write = {
        "FBX": export.export_fbx, "abc": export.export_alembic, "usdc": export.export_usd,
        "usd": export.export_usd, "glb": export.export_gltf,
    }  # fmt: skip
    path, kind = tmp_path / name, name.split(".")[1]
    write[kind](imported.head, path, bpy.context, export.ExportOptions(frames=(3, 9)))
    counts = len(bpy.data.objects), len(bpy.data.actions), len(bpy.data.scenes)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 3, 9
    assert export_check.largest_error_mm(imported.head, path) < TOLERANCE_MM
    assert (len(bpy.data.objects), len(bpy.data.actions), len(bpy.data.scenes)) == counts
    assert imported.rig.parent is None


def test_views_look_through_the_camera_as_before_the_check(imported, tmp_path):
    export.export_fbx(imported.head, tmp_path / "head.fbx", bpy.context, export.ExportOptions())
    spaces = [area.spaces.active for area in bpy.context.window.screen.areas]
    views = [space.region_3d for space in spaces if space.type == "VIEW_3D"]
    assert views
    for view in views:
        view.view_perspective = "CAMERA"
    export_check.largest_error_mm(imported.head, tmp_path / "head.fbx")
    assert {view.view_perspective for view in views} == {"CAMERA"}


def test_a_wrong_file_is_measured_as_wrong(imported, tmp_path):
    export.export_alembic(imported.head, tmp_path / "head.abc", bpy.context)
    imported.rig.location.x += 0.01
    assert export_check.largest_error_mm(imported.head, tmp_path / "head.abc") > 5


def test_game_engines_get_expressions_between_0_and_1(imported, tmp_path):
    options = export.ExportOptions(target="unity")
    export.export_fbx(imported.head, tmp_path / "head.fbx", bpy.context, options)
    key = imported.head.data.shape_keys.key_blocks["browDownLeft"]
    assert (key.slider_min, key.slider_max) == (-10, 10)
    back = _read_back(_fbx, tmp_path / "head.fbx")
    seen = []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        seen.append(back.data.shape_keys.key_blocks["browDownLeft"].value)
    assert min(seen) >= 0 and max(seen) <= 1 and max(seen) > 0.5


def test_gltf_holds_the_keys_and_the_bones(imported, tmp_path):
    export.export_gltf(imported.head, tmp_path / "head.glb", bpy.context)
    keys = {key.name for key in imported.head.data.shape_keys.key_blocks}
    data = (tmp_path / "head.glb").read_bytes()
    length = int.from_bytes(data[12:16], "little")
    content = json.loads(data[20 : 20 + length])
    names = {name for mesh in content["meshes"] for name in mesh["extras"]["targetNames"]}
    assert names == keys - {"Basis"}
    assert {"jaw", "neck", "left_eye", "right_eye"} <= {node["name"] for node in content["nodes"]}
    (animation,) = content["animations"]
    assert {c["target"]["path"] for c in animation["channels"]} >= {"weights", "rotation"}


@pytest.mark.parametrize("name", ["head.fbx", "head.glb", "head.usda", "head.abc"])
def test_no_export_carries_the_takes_confidence(imported, tmp_path, name):
    write = {
        "fbx": export.export_fbx, "glb": export.export_gltf, "usda": export.export_usd,
        "abc": export.export_alembic,
    }[name.rpartition(".")[2]]  # fmt: skip
    review.show_confidence(imported.rig, imported.name)
    assert "confidence_mouth" in imported.rig.data
    write(imported.head, tmp_path / name, bpy.context)
    written = (tmp_path / name).read_bytes()
    assert b"confidence" not in written and b"trust_in_sound" not in written
    bpy.context.scene.frame_set(FRAMES[3])
    assert imported.rig.data["confidence_mouth"] == 1.0, "it is back"
    assert review.shown(imported.rig) is not None


def test_a_usd_that_is_written_again_has_the_new_skin(make_take, tmp_path):
    picture, out = tmp_path / "clip.albedo.png", tmp_path / "out"
    out.mkdir()
    skin = bpy.data.images.new("skin", 8, 8)
    skin.filepath_raw, skin.file_format = str(picture), "PNG"
    for colour in (0.2, 0.8):
        skin.pixels = [colour, colour, colour, 1.0] * 64
        skin.save()
        take = make_take(frames=2, albedo_image=picture.name)
        head = import_take(take, bpy.context, ImportOptions(new_head=True)).head
        export.export_usd(head, out / "head.usdc", bpy.context)
    written = bpy.data.images.load(str(out / "textures" / picture.name))
    assert written.pixels[0] == pytest.approx(colour, abs=0.01)
