"""Filters that can be set anew, and what a refined take or a retake takes over of them."""

import bpy
import numpy as np
import pytest

from .conftest import module
from .extension import enabled
from .playing import bone_values, key_values, module_of_extension

takes = module("avface_blender.takes")
keyframes = module("avface_blender.keyframes")


def test_filters_can_be_set_anew_and_taken_off(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        importer_ = module_of_extension("take_importer")
        result = importer_.import_take(make_take(), bpy.context)
        action = own.filtered_action(bpy.context)
        before = key_values(result.head, "mouthClose"), key_values(result.head, "eyeBlinkLeft")
        action.avface_filters.mouth.strength = 2.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), 2 * before[0], atol=1e-5)
        np.testing.assert_allclose(key_values(result.head, "eyeBlinkLeft"), before[1], atol=1e-6)
        action.avface_filters.mouth.strength = 0.5
        action.avface_filters.head.smooth = 2.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), before[0] / 2, atol=1e-5)
        twins = [a for a in bpy.data.actions if a.name.endswith("as captured")]
        assert len(twins) == 2
        assert bpy.ops.avface.reset_filters() == {"FINISHED"}
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), before[0], atol=1e-6)
        assert not [a for a in bpy.data.actions if a.name.endswith("as captured")]


def test_offset_and_hold_move_their_region_alone(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        result = module_of_extension("take_importer").import_take(make_take(), bpy.context)
        action = own.filtered_action(bpy.context)
        names = ("mouthClose", "eyeBlinkLeft", "browDownLeft")
        mouth, eye, brow = (key_values(result.head, name) for name in names)
        nod = bone_values(result.rig, "root")
        filters = action.avface_filters
        filters.mouth.offset = 3.0
        filters.eyes.hold = 4
        later, held, same = (key_values(result.head, name) for name in names)
        np.testing.assert_allclose(later[3:], mouth[:-3], atol=1e-5)
        np.testing.assert_allclose(held, eye[np.arange(len(eye)) // 4 * 4], atol=1e-5)
        np.testing.assert_allclose(same, brow, atol=1e-6)
        np.testing.assert_allclose(bone_values(result.rig, "root"), nod, atol=1e-6)
        filters.head.offset = -2.0
        np.testing.assert_allclose(bone_values(result.rig, "root")[:-2], nod[2:], atol=1e-5)
        filters.mouth.offset, filters.mouth.strength = 0.0, 0.0
        np.testing.assert_allclose(key_values(result.head, "mouthClose"), 0 * mouth, atol=1e-6)
        bpy.ops.avface.reset_filters()
        for name, captured in zip(names, (mouth, eye, brow), strict=True):
            np.testing.assert_allclose(key_values(result.head, name), captured, atol=1e-6)


def test_the_face_of_a_frame_becomes_neutral(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        result = module_of_extension("take_importer").import_take(make_take(), bpy.context)
        action, scene = own.filtered_action(bpy.context), bpy.context.scene
        names = ("eyeBlinkLeft", "mouthClose", "browDownLeft")
        before = {name: key_values(result.head, name) for name in names}
        nod = bone_values(result.rig, "root")
        scene.frame_set(9)
        assert bpy.ops.avface.set_neutral() == {"FINISHED"}
        for name in names:
            rest = before[name][8]
            wanted = (before[name] - rest) / max(1 - rest, 0.5)
            np.testing.assert_allclose(key_values(result.head, name), wanted, atol=1e-5)
        scene.frame_set(9)
        turn = result.rig.pose.bones["jaw"].rotation_quaternion
        assert turn.angle == pytest.approx(0, abs=1e-3)
        np.testing.assert_allclose(bone_values(result.rig, "root"), nod, atol=1e-6)
        bpy.ops.avface.shift_takes(frames=20)
        assert module_of_extension("neutral").frame_of(action) == 29
        bpy.ops.avface.shift_takes(frames=-20)
        scene.frame_set(500)
        with pytest.raises(RuntimeError, match="no frame 500"):
            bpy.ops.avface.set_neutral()
        bpy.ops.avface.set_neutral(clear=True)
        for name in names:
            np.testing.assert_allclose(key_values(result.head, name), before[name], atol=1e-6)
        assert not [a for a in bpy.data.actions if a.name.endswith("as captured")]


def test_fewer_keys_move_the_face_within_the_tolerance(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        path = make_take(frames=100)
        result = module_of_extension("take_importer").import_take(path, bpy.context)
        action, names = (
            own.filtered_action(bpy.context),
            ("mouthPucker", "mouthClose", "eyeBlinkLeft"),
        )
        before = {name: key_values(result.head, name) for name in names}
        places = bone_values(result.rig, "root")
        face = next(a for a in takes.actions_of(result.head, result.name) if a != action)
        full = {curve.data_path: len(curve.keyframe_points) for curve in keyframes.curves_in(face)}
        action.avface_filters.tolerance = 0.02
        kept = {curve.data_path: len(curve.keyframe_points) for curve in keyframes.curves_in(face)}
        assert sum(kept.values()) < 0.4 * sum(full.values())
        for name in names:
            off = np.abs(key_values(result.head, name) - before[name]).max()
            assert off <= 0.02 + 1e-5
        assert np.abs(bone_values(result.rig, "root") - places).max() <= 0.02 * 0.05 + 1e-6
        action.avface_filters.mouth.strength = 0.5
        off = np.abs(key_values(result.head, "mouthClose") - before["mouthClose"] / 2).max()
        assert off <= 0.02 + 1e-5
        bpy.ops.avface.reset_filters()
        again = {c.data_path: len(c.keyframe_points) for c in keyframes.curves_in(face)}
        assert again == full
        for name in names:
            np.testing.assert_allclose(key_values(result.head, name), before[name], atol=1e-6)


def test_a_refined_take_and_a_retake_keep_the_clean_up(make_take, load_take):
    with enabled():
        own, neutral = module_of_extension("take_operators"), module_of_extension("neutral")
        first = make_take(seed=1, name="one")
        bpy.ops.avface.import_take(filepath=str(first))
        head = bpy.context.active_object
        settings = own.filtered_action(bpy.context).avface_filters
        captured = key_values(head, "mouthClose")
        settings.mouth.strength = 0.5
        bpy.context.scene.frame_set(4)
        assert bpy.ops.avface.set_neutral() == {"FINISHED"}
        shown = key_values(head, "mouthClose")
        np.testing.assert_allclose(
            shown, (captured - captured[3]) / max(1 - captured[3], 0.5) / 2, atol=1e-5
        )
        options = {"head": head.name, "keeps_clean_up": True, "timing": "resample"}
        bpy.ops.avface.import_take(filepath=str(first), **options)
        assert own.filtered_action(bpy.context).avface_filters != settings
        np.testing.assert_allclose(key_values(head, "mouthClose"), shown, atol=1e-5)
        column = load_take(first).expression_names.index("mouthClose")
        short = make_take(frames=6, name="two")
        bpy.ops.avface.import_take(filepath=str(short), over=True, **options)
        assert own.filtered_action(bpy.context).avface_filters.mouth.strength == 0.5
        assert neutral.frame_of(own.filtered_action(bpy.context)) == 4
        retake = load_take(short).expression[:, column]
        wanted = (retake - captured[3]) / max(1 - captured[3], 0.5) / 2
        inner = slice(2, 4)  # beside it the take below fades in
        np.testing.assert_allclose(key_values(head, "mouthClose")[inner], wanted[inner], atol=1e-5)

        bpy.context.scene.frame_set(20)  # beyond the retake
        assert bpy.ops.avface.set_neutral() == {"FINISHED"}
        wanted = (captured - captured[19]) / max(1 - captured[19], 0.5) / 2
        np.testing.assert_allclose(key_values(head, "mouthClose")[10:], wanted[10:], atol=1e-5)
        wanted = (retake - captured[19]) / max(1 - captured[19], 0.5) / 2
        np.testing.assert_allclose(key_values(head, "mouthClose")[inner], wanted[inner], atol=1e-5)
        assert bpy.ops.avface.set_neutral(clear=True) == {"FINISHED"}
        np.testing.assert_allclose(
            key_values(head, "mouthClose")[10:], captured[10:] / 2, atol=1e-5
        )


def test_a_curve_that_lost_keys_in_one_channel_is_filtered_too(make_take):
    with enabled():
        own = module_of_extension("take_operators")
        result = module_of_extension("take_importer").import_take(make_take(), bpy.context)
        action = own.filtered_action(bpy.context)
        jaw = [c for c in keyframes.curves_in(action) if '"jaw"' in c.data_path]
        jaw[1].keyframe_points.remove(jaw[1].keyframe_points[5])
        action.avface_filters.mouth.strength = 0.0
        bpy.context.scene.frame_set(6)
        turn = result.rig.pose.bones["jaw"].rotation_quaternion
        assert turn.angle == pytest.approx(0, abs=1e-3)
