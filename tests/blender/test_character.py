import json
from dataclasses import replace

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender import character, curves, flame_figure, mapping
from bl_ext.test.avface.avface_blender.take_importer import import_take
from bl_ext.test.avface.engine.exchange import arkit, livelink
from bl_ext.test.avface.engine.exchange.protocol import AVFaceError
from bl_ext.test.avface.engine.exchange.take import Take

from tests.blender import extension
from tests.blender.surfaces import evaluated, in_blender, largest_mm

FRAMES = 8


@pytest.fixture
def table():
    """Random curves at 24 frames a second, the scene's rate."""
    random = np.random.default_rng(0)
    angles = random.uniform(-0.4, 0.4, (3, FRAMES, 3))
    bpy.context.scene.render.fps = 24
    return arkit.Curves(
        np.arange(FRAMES) / 24, random.uniform(0, 1, (FRAMES, 52)), *angles, fps=24.0
    )


def add_mesh(name, keys, vertices=8, seed=0):
    """A mesh with a random shape for each key: the object and the shapes."""
    random = np.random.default_rng(seed)
    mesh = bpy.data.meshes.new(name)
    rest = random.normal(size=(vertices, 3))
    mesh.from_pydata(rest.tolist(), [], [])
    object_ = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(object_)
    object_.shape_key_add(name="Basis")
    shapes = {}
    for key in keys:
        shapes[key] = random.normal(0, 0.1, (vertices, 3))
        block = object_.shape_key_add(name=key, from_mix=False)
        block.data.foreach_set("co", (rest + shapes[key]).ravel())
    return object_, rest, shapes


def add_rig(bones, mode="QUATERNION"):
    """An armature with bones at odd angles."""
    armature = bpy.data.armatures.new("rig")
    rig = bpy.data.objects.new("rig", armature)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for k, name in enumerate(bones):
        bone = armature.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = (0.1 * k, 0, 0), (0.1 * k, 0.3, 0.2 + 0.1 * k), 0.4 * k
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    return rig


def shown(object_, frame):
    bpy.context.scene.frame_set(frame)
    return evaluated(object_)


def test_several_meshes_show_the_sum_of_their_keys(table):
    face = add_mesh("face", arkit.ARKIT_NAMES)
    teeth = add_mesh("teeth", ("jawOpen", "jawLeft"), seed=1)
    proposed = mapping.suggest([*arkit.ARKIT_NAMES])
    done = character.apply_curves(
        table, proposed, [face[0], teeth[0]], None, "take", character.CharacterOptions()
    )
    assert done.keys == 54 and not done.missing
    for object_, rest, shapes in (face, teeth):
        for frame in range(FRAMES):
            wanted = rest + sum(
                table.values[frame, arkit.ARKIT_NAMES.index(key)] * shape
                for key, shape in shapes.items()
            )
            assert np.allclose(shown(object_, 1 + frame), wanted, atol=1e-5)


def test_a_head_of_ours_as_a_character_shows_what_the_take_shows(make_take, head_file, head):
    """Another person with ARKit's keys, eyes and jaw as keys: at small turns the same surface."""
    path = make_take(frames=FRAMES)
    take = Take.load(path)
    quiet = np.clip(np.abs(take.expression), 0, 1)
    for name in ("browInnerUp", "cheekPuff"):
        left, right = (take.expression_names.index(name + side) for side in ("Left", "Right"))
        quiet[:, left] = quiet[:, right]
    extra = [n for n in take.expression_names if not is_arkit(n)]
    quiet[:, [take.expression_names.index(n) for n in extra]] = 0
    zero = np.zeros((FRAMES, 3))
    take = replace(take, expression=quiet, jaw=zero, eyes=np.zeros((FRAMES, 6)))
    person = np.random.default_rng(9).normal(size=len(take.shape))
    rest = head.rest(person)
    object_ = add_ours(head, head_file, rest)
    found = mapping.suggest([key.name for key in object_.data.shape_keys.key_blocks])
    bpy.context.scene.render.fps = 25
    options = character.CharacterOptions()
    character.apply_curves(arkit.curves_of(take), found, [object_], None, "take", options)
    for frame in range(FRAMES):
        wanted = head.pose(rest, quiet[frame], zero[0], np.zeros(6))
        assert largest_mm(shown(object_, 1 + frame), in_blender(wanted)) < 0.1


def is_arkit(name):
    whole = name.removesuffix("Left").removesuffix("Right")
    return name in arkit.ARKIT_NAMES or whole in arkit.HALVES


def add_ours(head, file, rest):
    """A mesh of our head with ARKit's own names as keys."""
    mesh = bpy.data.meshes.new("character")
    mesh.from_pydata(in_blender(rest[0]).tolist(), [], file.faces.tolist())
    object_ = bpy.data.objects.new("character", mesh)
    bpy.context.scene.collection.objects.link(object_)
    object_.shape_key_add(name="Basis")
    for name in arkit.ARKIT_NAMES:
        halves = [f"{name}Left", f"{name}Right"] if name in arkit.HALVES else [name]
        columns = [head.unit[n] for n in halves if n in head.unit]
        if columns:
            moved = rest[0] + file.expression_basis[:, :, columns].sum(2)
            block = object_.shape_key_add(name=name, from_mix=False)
            block.data.foreach_set("co", in_blender(moved).ravel())
    return object_


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"])
@pytest.mark.parametrize(("facing", "degrees"), [("-Y", 0), ("X", 90)])
def test_bones_turn_as_the_head_does_whatever_their_axes(table, mode, facing, degrees):
    import mathutils

    rig = add_rig(["jaw", "eye.L", "eye.R", "head"], mode)
    rig.rotation_euler = (0.3, 0.2, 0.1)
    bpy.context.view_layer.update()
    chosen = mapping.Mapping("x", (), mapping.suggest_bones(b.name for b in rig.data.bones))
    assert chosen.bones == {"jaw": "jaw", "left_eye": "eye.L", "right_eye": "eye.R", "head": "head"}
    options = character.CharacterOptions(facing=facing)
    character.apply_curves(table, chosen, [], rig, "take", options)
    _, jaw, eyes = arkit.units_of(table, ())
    turns = {"jaw": jaw, "eye.L": eyes[:, :3], "eye.R": eyes[:, 3:],
             "head": arkit.axis_angle_of(table.head)}  # fmt: skip
    about = np.array(mathutils.Matrix.Rotation(np.radians(degrees), 3, "Z"))
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(1 + frame)
        for name, turn in turns.items():
            bone = rig.pose.bones[name]
            posed = np.array((rig.matrix_world @ bone.matrix).to_3x3())
            rest = np.array((rig.matrix_world @ bone.bone.matrix_local).to_3x3())
            axis = about @ in_blender(turn[frame][None])[0]
            angle = np.linalg.norm(axis)
            wanted = mathutils.Matrix.Rotation(angle, 3, mathutils.Vector(axis))
            assert np.allclose(posed @ np.linalg.inv(rest), np.array(wanted), atol=1e-4)


def test_a_jaw_bone_takes_the_place_of_its_keys(table):
    face, _, _ = add_mesh("face", ("jawOpen", "mouthFunnel"))
    rig = add_rig(["jaw"])
    routes = tuple(mapping.Route(n, n) for n in ("jawOpen", "mouthFunnel"))
    chosen = mapping.Mapping("x", routes, {"jaw": "jaw"})
    done = character.apply_curves(table, chosen, [face], rig, "take", character.CharacterOptions())
    assert done.keys == 1 and done.bones == ("jaw",)


def test_a_neutral_frame_is_rest_and_strength_scales(table):
    face, _, _ = add_mesh("face", ("mouthFunnel",))
    chosen = mapping.Mapping("x", (mapping.Route("mouthFunnel", "mouthFunnel", 1.5),))
    options = character.CharacterOptions(neutral_frame=3)
    character.apply_curves(table, chosen, [face], None, "take", options)
    key = face.data.shape_keys.key_blocks["mouthFunnel"]
    column = table.values[:, arkit.ARKIT_NAMES.index("mouthFunnel")]
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(1 + frame)
        wanted = 1.5 * max(0, (column[frame] - column[3]) / (1 - column[3]))
        assert abs(key.value - wanted) < 1e-5


def test_each_take_is_a_strip_of_its_own(table):
    face, _, _ = add_mesh("face", ("jawOpen",))
    chosen = mapping.suggest(["jawOpen"])
    for name in ("first", "second"):
        character.apply_curves(
            table, chosen, [face], None, name, character.CharacterOptions(start_frame=11)
        )
    tracks = face.data.shape_keys.animation_data.nla_tracks
    assert [track.mute for track in tracks] == [True, False]
    assert tracks[1].strips[0].frame_start == 11


def test_a_character_without_the_keys_is_told(table):
    face, _, _ = add_mesh("face", ("smile",))
    with pytest.raises(AVFaceError, match="None of the mapping"):
        character.apply_curves(
            table, mapping.suggest([]), [face], None, "x", character.CharacterOptions()
        )
    assert face.data.shape_keys.animation_data is None


@pytest.mark.parametrize(
    ("keys", "preset", "curve", "key"),
    [
        (["eyeBlinkLeft", "jawOpen", "browInnerUp"], "ARKit", "eyeBlinkLeft", "eyeBlinkLeft"),
        (["EyeBlinkLeft", "JawOpen", "TongueOut"], "ARKit", "eyeBlinkLeft", "EyeBlinkLeft"),
        (["eyeBlink_L", "eyeBlink_R", "jawOpen"], "ARKit", "eyeBlinkRight", "eyeBlink_R"),
        (["geo.eyeBlinkLeft", "geo.jawOpen"], "ARKit", "jawOpen", "geo.jawOpen"),
        (["Fcl_MTH_A", "Fcl_EYE_Close_L", "Fcl_MTH_U"], "VRoid", "jawOpen", "Fcl_MTH_A"),
        (["A", "U", "O", "Blink_L", "Blink_R"], "VRM 0", "eyeBlinkLeft", "Blink_L"),
        (["CTRL_expressions_eyeBlinkL", "CTRL_expressions_jawOpen",
          "CTRL_expressions_mouthCornerPullR"], "MetaHuman", "mouthSmileRight",
         "CTRL_expressions_mouthCornerPullR"),
    ],
)  # fmt: skip
def test_names_of_known_families_are_found(keys, preset, curve, key):
    found = mapping.suggest(keys)
    assert found.name == preset
    assert mapping.Route(curve, key) in found.routes


def test_every_preset_uses_arkits_names():
    for routes in mapping.PRESETS.values():
        assert {route.curve for route in routes} <= set(arkit.ARKIT_NAMES)


def test_mappings_are_kept_and_wrong_files_refused(tmp_path):
    own = mapping.Mapping("My / hero", (mapping.Route("jawOpen", "open", 0.7),), {"head": "Head"})
    path = mapping.save_mapping(own, tmp_path / "maps")
    assert mapping.load_mapping(path) == own
    assert mapping.saved_mappings(tmp_path / "maps") == [path]
    for text in ("", "[]", "{}", '{"routes": [{"curve": 1}], "bones": {}}', '{"routes": 3}',
                 json.dumps({"routes": [{"curve": "no", "key": "a", "strength": 1}],
                             "bones": {}})):  # fmt: skip
        path.write_text(text)
        with pytest.raises(AVFaceError):
            mapping.load_mapping(path)


def test_the_panels_operators_do_it_in_one_undo_step(make_take, tmp_path):
    with extension.enabled() as addon:
        face, _, _ = add_mesh("face", ("jawOpen", "eyeBlinkLeft"))
        face.select_set(True)
        settings = bpy.context.scene.avface_character
        assert bpy.ops.avface.apply_curves.poll() is False
        settings.curves = str(make_take(frames=5))
        assert bpy.ops.avface.find_mapping() == {"FINISHED"}
        assert [row.key for row in settings.routes] == ["eyeBlinkLeft", "jawOpen"]
        settings.routes[1].strength = 0.5
        settings.name = "hero"
        assert bpy.ops.avface.save_mapping() == {"FINISHED"}
        settings.routes.clear()
        assert bpy.ops.avface.load_mapping() == {"FINISHED"}
        assert settings.routes[1].strength == 0.5
        assert "UNDO" in addon.character_operators.AVFACE_OT_apply_curves.bl_options
        assert bpy.ops.avface.apply_curves() == {"FINISHED"}
        assert len(face.data.shape_keys.animation_data.nla_tracks) == 1


def test_a_character_gets_the_head_as_it_plays(make_take):
    """Cleaned up, not as captured; and a file again where the head has gone."""
    with extension.enabled() as addon:
        path = make_take(frames=6)
        bpy.ops.avface.import_take(filepath=str(path))
        head, settings = bpy.context.active_object, bpy.context.scene.avface_character
        assert (settings.performer, settings.curves) == (head, str(path))
        addon.take_operators.filtered_action(bpy.context).avface_filters.mouth.strength = 0.5
        face, _, _ = add_mesh("face", ("mouthPucker", "eyeBlinkLeft"))
        head.select_set(False)
        face.select_set(True)
        bpy.context.view_layer.objects.active = face
        assert bpy.ops.avface.find_mapping() == {"FINISHED"}
        assert bpy.ops.avface.apply_curves() == {"FINISHED"}
        ours, theirs = head.data.shape_keys.key_blocks, face.data.shape_keys.key_blocks
        for frame in range(1, 7):
            bpy.context.scene.frame_set(frame)
            for name in ("mouthPucker", "eyeBlinkLeft"):
                wanted = np.clip(ours[name].value, 0, 1)
                assert theirs[name].value == pytest.approx(wanted, abs=1e-4)
        bpy.data.objects.remove(head)
        settings.tolerance = 0.5
        assert bpy.ops.avface.apply_curves() == {"FINISHED"}
        action = face.data.shape_keys.animation_data.nla_tracks[-1].strips[0].action
        assert all(len(curve.keyframe_points) < 6 for curve in addon.keyframes.curves_in(action))


@pytest.mark.parametrize("first", ["1", "000"])
def test_a_figure_of_another_flame_add_on_is_driven(make_take, first):
    """FLAME's columns by either numbering; the correctives on every frame."""
    pad, start = len(first), int(first)
    expression = [f"Exp{start + k:0{pad}d}" for k in range(12)]
    poses = [f"Pose{start + k:0{pad}d}" for k in range(36)]
    body, rest, shapes = add_mesh("FLAME-female", [f"Shape{start:0{pad}d}", *expression, *poses])
    rig = add_rig(["root", "jaw", "left_eye"])
    random = np.random.default_rng(3)
    take = replace(
        Take.load(make_take(frames=FRAMES)), expression=random.normal(0, 2, (FRAMES, 12)),
        expression_names=tuple(f"Exp{k + 1}" for k in range(12)), shape=np.array([1.5]),
    )  # fmt: skip
    figure = flame_figure.find_figure([body])
    assert figure is not None and flame_figure.is_flame_take(take)
    bpy.context.scene.render.fps = 25
    keys, bones = flame_figure.drive_figure(take, figure, rig, "take", character.CharacterOptions())
    assert keys == 48 and bones == ("root", "jaw", "left_eye")
    from mathutils import Quaternion, Vector

    for frame in range(FRAMES):
        turns = [np.zeros(3), take.jaw[frame], take.eyes[frame, :3], take.eyes[frame, 3:]]
        matrices = [Quaternion(Vector(t).normalized() if t.any() else (1, 0, 0),
                               float(np.linalg.norm(t))).to_matrix() for t in turns]  # fmt: skip
        feature = np.concatenate([(np.array(m) - np.eye(3)).ravel() for m in matrices])
        wanted = rest + 1.5 * next(iter(shapes.values()))
        for key, value in zip(
            [*expression, *poses], [*take.expression[frame], *feature], strict=True
        ):
            wanted = wanted + value * shapes[key]
        assert np.abs(shown(body, 1 + frame) - wanted).max() < 1e-4


def test_curves_of_a_head_in_the_scene_are_the_takes(make_take, tmp_path):
    path = make_take(frames=FRAMES)
    take = Take.load(path)
    result = import_take(path, bpy.context)
    wanted = arkit.curves_of(take)
    found = curves.scene_curves(result.head, bpy.context)
    assert np.allclose(found.values, wanted.values, atol=2e-4)
    assert np.allclose(found.head, wanted.head, atol=1e-3)
    livelink.write_livelink(found, tmp_path / "head.csv")
    assert len(livelink.read_livelink(tmp_path / "head.csv").times) == FRAMES


@pytest.mark.parametrize("name", ["head.csv", "head.json"])
def test_curves_are_written_from_the_menu(make_take, tmp_path, name):
    with extension.enabled() as addon:
        result = addon.take_importer.import_take(make_take(frames=3), bpy.context)
        assert bpy.context.view_layer.objects.active == result.head
        path = tmp_path / name
        assert bpy.ops.avface.export_curves(filepath=str(path)) == {"FINISHED"}
        if name.endswith("csv"):
            assert len(livelink.read_livelink(path).times) == 3
        else:
            assert len(json.loads(path.read_text())["frames"]) == 3
