from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.head_builder import PARTS
from bl_ext.test.avface.avface_blender.material import look_sockets, plain_colour
from bl_ext.test.avface.avface_blender.take_importer import import_take

FLAT = (0.5, 0.5, 1.0)
LINEAR_RED = ((0.8 + 0.055) / 1.055) ** 2.4  # of the skin picture


def save_picture(path: Path, colour) -> None:
    """An 8 x 8 PNG of one colour, its numbers as they are."""
    path.parent.mkdir(exist_ok=True)
    image = bpy.data.images.new(path.stem, 8, 8, alpha=True, is_data=True)
    image.alpha_mode = "CHANNEL_PACKED"
    image.pixels.foreach_set(np.tile(np.float32([*colour, 1])[:4], 64))
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


@pytest.fixture
def dressed_take(make_take, tmp_path):
    """A take of 24 frames with a skin picture, and normal maps at frames 0, 10 and 20."""
    save_picture(tmp_path / "clip.albedo.png", (0.8, 0.5, 0.4))
    save_picture(tmp_path / "clip.normals" / "static.png", FLAT)
    keys = {0: 0.0, 10: 0.4, 20: 1.0}  # red channel of each key picture
    for frame, red in keys.items():
        save_picture(tmp_path / "clip.normals" / f"frame_{frame:06d}.png", (red, 0.5, 1.0))
    return make_take(
        albedo_image="clip.albedo.png",
        static_normals="clip.normals/static.png",
        dynamic_normals=tuple(f"clip.normals/frame_{frame:06d}.png" for frame in keys),
        detail_times=np.array(list(keys)) / 25,
    )


def skin(head: bpy.types.Object):
    return head.data.materials[0].node_tree


def rendered_normals_red(head: bpy.types.Object, frame: int) -> float:
    """The red of the encoded normals as Cycles shows them, the skin made to glow with them."""
    return rendered_red(head, frame, "ShaderNodeNormalMap", "Color")


def rendered_red(head: bpy.types.Object, frame: int, node: str, socket: str) -> float:
    """The red of what goes into a node's socket."""
    tree, scene = skin(head), bpy.context.scene
    glow = tree.nodes.new("ShaderNodeEmission")
    shown = next(found for found in tree.nodes if found.bl_idname == node)
    tree.links.new(shown.inputs[socket].links[0].from_socket, glow.inputs["Color"])
    output = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeOutputMaterial")
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 1, False
    scene.render.resolution_x = scene.render.resolution_y = 8
    scene.view_settings.view_transform = "Raw"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = str(Path(bpy.app.tempdir) / "normals.exr")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = np.empty(8 * 8 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return float(pixels.reshape(8, 8, 4)[4, 4, 0])  # the middle of the face


@pytest.fixture
def still_head(dressed_take, load_take):
    """The take with the head held still before the camera."""
    take = load_take(dressed_take)
    take.head_pose[:] = 0
    take.head_translation[:] = (0, 0, -0.6)
    take.save(dressed_take)
    return dressed_take


@pytest.mark.parametrize(
    ("frame", "red"), [(1, 0.0), (6, 0.2), (11, 0.4), (16, 0.7), (21, 1.0), (24, 1.0)]
)
def test_wrinkles_pass_through_their_key_pictures(still_head, frame, red):
    head = import_take(still_head, bpy.context).head
    assert rendered_normals_red(head, frame) == pytest.approx(red, abs=0.01)


@pytest.mark.parametrize(("frame", "left"), [(1, 1.0), (6, 0.75), (11, 0.5), (21, 1.0)])
def test_cavities_darken_the_skin(still_head, tmp_path, frame, left):
    """Half of the light is left at frame 10."""
    (tmp_path / "clip.normals" / "frame_000010.png").unlink()
    save_picture(tmp_path / "clip.normals" / "frame_000010.png", (0.4, 0.5, 1.0, 0.5))
    head = import_take(still_head, bpy.context).head
    red = rendered_red(head, frame, "ShaderNodeBsdfPrincipled", "Base Color")
    assert red == pytest.approx(left * LINEAR_RED, abs=0.01)
    assert rendered_normals_red(head, 11) == pytest.approx(0.4, abs=0.01)


def test_exporters_find_the_skins_picture_at_the_shader(dressed_take):
    head = import_take(dressed_take, bpy.context).head
    shader = next(node for node in skin(head).nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")

    def before() -> str:
        return shader.inputs["Base Color"].links[0].from_node.bl_idname

    with plain_colour(head):
        assert before() == "ShaderNodeTexImage"
    assert before() == "ShaderNodeMix"


def test_gloss_goes_by_the_heads_map_but_is_a_number_for_exports(dressed_take):
    """Hair on the scalp mirrors nothing, whatever the slider says."""
    head = import_take(dressed_take, bpy.context).head
    material = head.data.materials[PARTS.index("skin")]
    shader = next(n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    level, slider = shader.inputs["Specular IOR Level"], look_sockets(material)["Gloss"]
    slider.default_value = 0.7
    assert slider.node == level.links[0].from_node
    with plain_colour(head):
        assert not level.is_linked and level.default_value == pytest.approx(0.7)
    assert level.is_linked


@pytest.mark.parametrize("part", ["eyes", "tongue"])
def test_eyes_lie_in_the_shade_of_lids_and_tongues_in_that_of_lips(dressed_take, part):
    """But not in exports."""
    head = import_take(dressed_take, bpy.context).head
    nodes = head.data.materials[PARTS.index(part)].node_tree.nodes
    shader = next(node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")

    def before():
        return shader.inputs["Base Color"].links[0].from_node

    shade = next(s for s in before().inputs if s.identifier == "B_Color").default_value
    assert before().blend_type == "MULTIPLY" and max(shade[:3]) < 0.6
    with plain_colour(head):
        assert before().bl_idname == "ShaderNodeTexImage"
    assert before().bl_idname == "ShaderNodeMix"


def test_wrinkles_move_after_saving_and_opening(still_head, tmp_path):
    name = import_take(still_head, bpy.context).head.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile()
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    bpy.ops.wm.open_mainfile(filepath=str(moved / "scene.blend"), use_scripts=False)
    assert rendered_normals_red(bpy.data.objects[name], 16) == pytest.approx(0.7, abs=0.01)


def test_pores_lie_where_the_head_rests_and_do_not_swim(dressed_take):
    head = import_take(dressed_take, bpy.context).head
    named = [n for n in skin(head).nodes if getattr(n, "attribute_name", "") == "rest_position"]
    assert {n.outputs["Vector"].links[0].to_node.bl_idname for n in named} == {
        "ShaderNodeTexVoronoi", "ShaderNodeTexNoise",
    }  # fmt: skip
    seen = []
    for frame in (1, 20):
        bpy.context.scene.frame_set(frame)
        shown = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        places = np.empty((len(shown.vertices), 3), np.float32)
        shown.attributes["rest_position"].data.foreach_get("vector", places.ravel())
        seen.append(places)
    np.testing.assert_array_equal(*seen)
    assert np.ptp(seen[0], axis=0).max() < 0.5, "metres, a head's size"


def test_solid_shows_the_hue_of_the_skin_picture(dressed_take):
    head = import_take(dressed_take, bpy.context).head
    linear = ((np.array([0.8, 0.5, 0.4]) + 0.055) / 1.055) ** 2.4
    seen = np.array(head.data.materials[0].diffuse_color[:3])
    np.testing.assert_allclose(seen, linear / linear.max(), atol=0.02)


def test_pictures_have_their_own_colour_spaces(dressed_take):
    head = import_take(dressed_take, bpy.context).head
    spaces = {
        Path(node.image.filepath).name: node.image.colorspace_settings.name
        for node in skin(head).nodes
        if node.bl_idname == "ShaderNodeTexImage"
    }
    assert spaces == {"clip.albedo.png": "sRGB", "frame_000000.png": "Non-Color"}
    normal_map = next(node for node in skin(head).nodes if node.bl_idname == "ShaderNodeNormalMap")
    assert (normal_map.space, normal_map.uv_map) == ("TANGENT", head.data.uv_layers[0].name)


def test_without_moving_wrinkles_the_static_ones_are_shown(dressed_take, load_take):
    take = load_take(dressed_take)
    replace(take, dynamic_normals=(), detail_times=None).save(dressed_take)
    head = import_take(dressed_take, bpy.context).head
    names = [node.image.name for node in skin(head).nodes if hasattr(node, "image")]
    assert sorted(names) == ["clip.albedo.png", "static.png"]


def test_the_skin_is_packed_into_the_file(dressed_take):
    """A .blend that is sent on without its folder would show it magenta."""
    images = [node.image for node in skin(import_take(dressed_take, bpy.context).head).nodes
              if hasattr(node, "image")]  # fmt: skip
    packed = [image.name for image in images if image.packed_file]
    assert packed == ["clip.albedo.png"]


def test_a_missing_picture_is_noted_and_left_out(dressed_take, tmp_path):
    (tmp_path / "clip.albedo.png").unlink()
    (tmp_path / "clip.normals" / "frame_000010.png").unlink()
    result = import_take(dressed_take, bpy.context)
    assert "The take's pictures are missing: clip.albedo.png and 1 more." in result.notes
    names = [node.image.name for node in skin(result.head).nodes if hasattr(node, "image")]
    assert names == ["static.png"]


def test_a_new_takes_look_leaves_the_parts_and_keeps_the_old_materials(make_take):
    path = make_take()
    head = import_take(path, bpy.context).head
    parts = [polygon.material_index for polygon in head.data.polygons]
    before = [material.name for material in head.data.materials]
    import_take(path, bpy.context)
    assert [polygon.material_index for polygon in head.data.polygons] == parts
    assert not set(before) & {material.name for material in head.data.materials}
    assert all(bpy.data.materials[name].use_fake_user for name in before)


def test_oil_lies_on_the_nose_and_none_on_the_hair(dressed_take, head_file):
    head = import_take(dressed_take, bpy.context).head
    gloss = np.empty(len(head.data.vertices), np.float32)
    head.data.attributes["avface_gloss"].data.foreach_get("value", gloss)
    face, weights = head_file.landmarks_68
    tip = head_file.faces[face[30]][np.argmax(weights[30])]
    assert gloss[tip] > 0.8 and gloss[head_file.masks["scalp"]].max() == 0
    shader = next(n for n in skin(head).nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    assert shader.inputs["Coat Weight"].is_linked
    assert not shader.inputs["Roughness"].is_linked  # exporters read a number
