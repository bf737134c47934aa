"""A head with FLAME's names and correctives of every joint: Blender shows what the engine poses."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender import export
from bl_ext.test.avface.avface_blender.take_importer import ImportOptions, import_take
from bl_ext.test.avface.engine.exchange.head_file import load_head_file
from bl_ext.test.avface.engine.exchange.take import Take
from bl_ext.test.avface.engine.head.model import FaceParams, Head

from tests.blender import extension
from tests.blender.surfaces import evaluated, in_blender, largest_mm

TOLERANCE_MM = 0.1
COLUMNS, SHAPES, FRAMES = 12, 9, 6


@pytest.fixture(scope="module")
def flame(head_path, tmp_path_factory):
    """A head file as `head import` writes it, from our own mesh."""
    with np.load(head_path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays.pop("parameters_sha256", None)  # another head goes by its own file
    random = np.random.default_rng(3)
    low = np.full(COLUMNS, -5.0, np.float32)
    arrays |= {
        "name": np.array("FLAME test"),
        "template": arrays["template"] + np.float32([0.01, -0.03, 0.02]),
        "shape_basis": arrays["shape_basis"][:, :, :SHAPES],
        "expression_basis": arrays["expression_basis"] @ random.normal(size=(50, COLUMNS)) * 0.2,
        "expression_names": np.array([f"Exp{k + 1}" for k in range(COLUMNS)]),
        "expression_low": low, "expression_high": -low,
        "pose_basis": arrays["pose_basis"] + random.normal(0, 2e-4, arrays["pose_basis"].shape),
        "shape_names": np.array([f"Shape{k + 1}" for k in range(SHAPES)]),
        "pose_names": np.array([f"Pose{k + 1}" for k in range(36)]),
        "albedo_file": np.array(""),
    }  # fmt: skip
    path = tmp_path_factory.mktemp("flame") / "flame.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture
def imported(flame, make_take):
    head = load_head_file(flame)
    random, take = np.random.default_rng(5), make_take(frames=FRAMES)
    changed = replace(
        Take.load(take),
        head={"name": head.name, "sha256": head.sha256},
        shape=random.normal(size=SHAPES),
        expression=random.normal(size=(FRAMES, COLUMNS)),
        expression_names=head.expression_names,
    )
    changed.save(take)
    return head, changed, import_take(take, bpy.context, ImportOptions(head_path=flame))


def wanted(head_file, take, result, frame):
    """The engine's surface in the camera, moved to where the rig stands."""
    head = Head(head_file)
    params = FaceParams(
        take.shape, take.albedo, take.expression, take.head_pose, take.head_translation, take.jaw,
        take.eyes, take.focal, take.light,
    )  # fmt: skip
    return in_blender(head.camera_frame(params, frame) - np.median(take.head_translation, axis=0))


def test_keys_are_called_as_flame_users_know_them(imported):
    names = [key.name for key in imported[2].head.data.shape_keys.key_blocks]
    assert {"Shape1", f"Shape{SHAPES}", "Exp1", f"Exp{COLUMNS}", "Pose1", "Pose36"} <= set(names)


def test_every_frame_is_the_engines(imported):
    head, take, result = imported
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(result.first_frame + frame)
        shown = evaluated(result.head)
        assert largest_mm(shown, wanted(head, take, result, frame)) < TOLERANCE_MM


def test_the_performance_survives_fbx(imported, tmp_path):
    result = imported[2]
    surfaces = []
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(result.first_frame + frame)
        surfaces.append(evaluated(result.head))
    export.export_fbx(result.head, tmp_path / "flame.fbx", bpy.context)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 25
    bpy.ops.import_scene.fbx(filepath=str(tmp_path / "flame.fbx"), anim_offset=0.0)
    back = next(object_ for object_ in bpy.data.objects if object_.type == "MESH")
    for key in back.data.shape_keys.key_blocks:
        key.slider_min, key.slider_max = -10, 10
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(1 + frame)
        assert largest_mm(evaluated(back), surfaces[frame]) < TOLERANCE_MM


def test_the_panels_head_is_used_for_capture_and_import(flame, imported, make_take, tmp_path):
    take = imported[1]
    path = tmp_path / "own.take.npz"
    take.save(path)
    with extension.enabled() as addon:
        with pytest.raises(addon.action.AVFaceError, match="made for another head"):
            addon.take_importer.import_take(path, bpy.context, addon.take_importer.ImportOptions(
                new_head=True))  # fmt: skip
        settings = bpy.context.scene.avface
        settings.clip, settings.head = "/clips/ada.mp4", str(flame)
        assert addon.capture_request.capture_job(settings, tmp_path).head == str(flame)
        assert addon.selection.capture_head(bpy.context) == imported[2].head
        settings.head = ""
        assert addon.selection.capture_head(bpy.context) is None, "a new head is made"
        settings.head = str(flame)
        result = addon.take_importer.import_take(
            path, bpy.context, addon.take_importer.ImportOptions(new_head=True)
        )
        assert "Exp1" in result.head.data.shape_keys.key_blocks
