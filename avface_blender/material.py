"""Skin, eyes, teeth and tongue: materials with a take's own pictures."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .hair import HAIR_COLOUR
from .head_builder import (
    GLOSS_ATTRIBUTE,
    PART_ATTRIBUTE,
    PART_COLOURS,
    PARTS,
    UV_NAME,
)
from .keyframes import TAKE_PROPERTY
from .skin_nodes import PORES, SHINE, add_gloss, add_pores
from .skin_picture import usual_colours
from .take_pictures import Pictures
from .wrinkle_nodes import image_node, socket_of, wrinkles

_NAME_PROPERTY = "avface_made"  # of a material: its name when it was made
_CAVITIES = "Cavities"  # the light that folds leave, multiplied with the skin's colour
_SOLID_GAIN = 2.5  # a face in Solid shows .25 to .4 of its colour
# What lids and lashes, finer and denser than the head's, leave of the light on the whites of eyes.
_SHADED, _ON_WHITES = "Shade of lids", (0.44, 0.4, 0.38, 1.0)
# What lips leave of the light on the tongue, red as it has met flesh: EEVEE, whose world shines
# into mouths, showed it three times as light as films do. Teeth between lips are less green.
_SHADED_BY_LIPS = "Shade of lips"
_IN_MOUTH = {"tongue": (0.42, 0.31, 0.31, 1.0), "teeth": (1.0, 0.87, 0.91, 1.0)}
_DARKENING = (_CAVITIES, _SHADED, _SHADED_BY_LIPS)


@dataclass(frozen=True)
class Surface:
    """How one part takes the light (Principled BSDF)."""

    roughness: float
    subsurface: float = 0.0
    subsurface_radius_mm: tuple[float, float, float] = (1.0, 0.36, 0.18)
    subsurface_scale_m: float = 0.004
    specular: float = 0.5
    coat: float = 0.0


_SURFACES = {
    "skin": Surface(roughness=0.52, subsurface=0.35, specular=0.4),
    "eyes": Surface(roughness=0.12, subsurface=0.1, coat=1.0),
    "irises": Surface(roughness=0.12, subsurface=0.1, coat=1.0),
    # duller than they are: EEVEE mirrors lights and world in molars, where cheeks keep them out
    "teeth": Surface(
        roughness=0.35, specular=0.3, subsurface=0.1, subsurface_radius_mm=(1.0, 0.8, 0.6)
    ),
    "tongue": Surface(roughness=0.3, subsurface=0.15),
}

# Dull: EEVEE and Cycles mirror lights in each strand from all around, as real hair mirrors none.
_HAIR = Surface(roughness=0.7, specular=0.15)


def dress(object_: bpy.types.Object, name: str, pictures: Pictures) -> list[bpy.types.Material]:
    """Give the head materials named after the take; the former ones stay in the file."""
    assert isinstance(object_.data, bpy.types.Mesh)
    object_.add_rest_position_attribute = True  # where pores lie
    slots = object_.data.materials
    for material in slots:
        if material is not None:
            material.use_fake_user = True
    has = set(object_.data.attributes.keys())  # heads of older files lack some
    skin = bpy.data.images.load(str(pictures.albedo)) if pictures.albedo else None
    if skin is not None:
        skin.pack()  # a .blend that travels without its folder would show it magenta
    made = [_make_material(name, part, pictures, skin, has) for part in PARTS]
    size = object_.matrix_world.median_scale
    for shader in filter(None, map(_shader, made)):  # goes by the scene's units, not the head's
        shader.inputs["Subsurface Scale"].default_value *= size
    if pictures.albedo is not None:
        usual = usual_colours(object_.data, UV_NAME, pictures.albedo)
        for number, colour in usual.items():
            made[number].diffuse_color = _in_solid(colour)
    indices = np.empty(len(object_.data.polygons), np.int32)
    object_.data.polygons.foreach_get("material_index", indices)  # clear() would set them to 0
    slots.clear()
    for material in made:
        slots.append(material)
    object_.data.polygons.foreach_set("material_index", indices)
    return made


def dress_hair(object_: bpy.types.Object, take: str) -> None:
    """Give a take's hair a material of its name, in its strands' own colours."""
    material = bpy.data.materials.new(object_.name)
    sign(material, take)
    if not material.node_tree:
        material.use_nodes = True  # Blender 5 makes the nodes by itself and warns
    curves: Any = object_.data
    strands = np.empty((len(curves.curves), 4), np.float32)
    curves.attributes[HAIR_COLOUR].data.foreach_get("color", strands.ravel())
    material.diffuse_color = _in_solid(np.median(strands[:, :3], axis=0))
    tree: Any = material.node_tree
    shader: Any = next(n for n in tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    _set_surface(shader, _HAIR)
    colour = tree.nodes.new("ShaderNodeAttribute")
    colour.location, colour.attribute_name = (-300, 250), HAIR_COLOUR
    tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    curves.materials.append(material)


def _in_solid(colour: np.ndarray) -> tuple[float, ...]:
    """The RGBA of a linear RGB (3,) for Solid views, whose studio is dim."""
    return (*colour * min(_SOLID_GAIN, 1 / max(colour.max(), 1e-6)), 1.0)


def _shader(material: bpy.types.Material) -> Any:
    nodes: Any = material.node_tree.nodes if material.node_tree else ()
    return next((n for n in nodes if n.bl_idname == "ShaderNodeBsdfPrincipled"), None)


def skin_material(object_: bpy.types.Object) -> bpy.types.Material | None:
    """The material of the head's skin; None before its first take."""
    assert isinstance(object_.data, bpy.types.Mesh)
    slots = object_.data.materials
    return slots[PARTS.index("skin")] if len(slots) > PARTS.index("skin") else None


def look_sockets(material: bpy.types.Material) -> dict[str, Any]:
    """What an artist tunes of the skin: words -> the node's socket."""
    nodes: Any = material.node_tree.nodes if material.node_tree else ()
    found: dict[str, Any] = {}
    for node in nodes:
        if node.bl_idname == "ShaderNodeNormalMap":
            found["Wrinkles"] = node.inputs["Strength"]
        elif node.bl_idname == "ShaderNodeBsdfPrincipled":
            found.setdefault("Gloss", node.inputs["Specular IOR Level"])
            found["Roughness"] = node.inputs["Roughness"]
            found["Light in the Skin"] = node.inputs["Subsurface Weight"]
        elif node.name == SHINE:
            found["Gloss"] = node.inputs[1]
        elif node.name == PORES:
            found["Pores"] = node.inputs[1]
        elif node.name == _CAVITIES:
            found["Cavities"] = socket_of(node.inputs, "Factor_Float")
    return found


def sign(material: bpy.types.Material, take: str) -> None:
    """Note that a material was made for a take; an artist's copy of it has another name."""
    material[TAKE_PROPERTY], material[_NAME_PROPERTY] = take, material.name


def is_made_for(material: bpy.types.Material, takes: Collection[str]) -> bool:
    """Whether a material was made for one of the takes, and isn't a copy or renamed since.

    Those of older files don't say by what name they were made.
    """
    made = material.get(_NAME_PROPERTY, material.name) == material.name
    return made and material.get(TAKE_PROPERTY) in takes


@contextmanager
def plain_colour(object_: bpy.types.Object) -> Iterator[None]:
    """Pictures and numbers straight at the shaders, for exporters: they follow nothing between."""
    assert isinstance(object_.data, bpy.types.Mesh)
    taken = []
    for material in filter(None, object_.data.materials):
        tree: Any = material.node_tree
        shine = tree.nodes.get(SHINE) if tree else None
        if shine:
            link = shine.outputs[0].links[0]
            taken.append((tree, link.from_socket, link.to_socket))
            link.to_socket.default_value = shine.inputs[1].default_value
            tree.links.remove(link)
        darkened = (tree.nodes.get(name) for name in _DARKENING) if tree else ()
        for mix in filter(None, darkened):
            link = socket_of(mix.outputs, "Result_Color").links[0]
            taken.append((tree, link.from_socket, link.to_socket))
            tree.links.new(socket_of(mix.inputs, "A_Color").links[0].from_socket, link.to_socket)
    try:
        yield
    finally:
        for tree, darkened, base in taken:
            tree.links.new(darkened, base)


def _make_material(
    take: str, part: str, pictures: Pictures, skin: bpy.types.Image | None, has: set[str]
) -> bpy.types.Material:
    material = bpy.data.materials.new(f"{take} {part}")
    sign(material, take)
    if not material.node_tree:
        material.use_nodes = True  # Blender 5 makes the nodes by itself and warns
    material.diffuse_color = (*PART_COLOURS[part], 1.0)
    tree = material.node_tree
    assert tree is not None
    shader: Any = next(n for n in tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    _set_surface(shader, _SURFACES[part])
    shader.inputs["Base Color"].default_value = (*PART_COLOURS[part], 1.0)
    tree.links.new(_colour(tree, skin), shader.inputs["Base Color"])
    if part == "skin":
        add_pores(tree)
        if GLOSS_ATTRIBUTE in has:
            add_gloss(tree, shader)
    if part == "eyes":
        _multiply(tree, shader, _SHADED).default_value = _ON_WHITES
    if part in _IN_MOUTH:
        _multiply(tree, shader, _SHADED_BY_LIPS).default_value = _IN_MOUTH[part]
    normals, light_left = wrinkles(tree, take, pictures) if part == "skin" else (None, None)
    if light_left is not None:
        tree.links.new(light_left, _multiply(tree, shader, _CAVITIES))
    if normals is not None:
        node: Any = tree.nodes.new("ShaderNodeNormalMap")
        node.location = (-250, -250)
        node.space = "TANGENT"
        node.uv_map = UV_NAME
        tree.links.new(normals, node.inputs["Color"])
        tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])
    return material


def _set_surface(shader: Any, surface: Surface) -> None:
    shader.inputs["Roughness"].default_value = surface.roughness
    shader.inputs["Specular IOR Level"].default_value = surface.specular
    shader.inputs["Subsurface Weight"].default_value = surface.subsurface
    shader.inputs["Subsurface Radius"].default_value = surface.subsurface_radius_mm
    shader.inputs["Subsurface Scale"].default_value = surface.subsurface_scale_m
    shader.inputs["Coat Weight"].default_value = surface.coat


def _colour(tree: Any, skin: bpy.types.Image | None) -> Any:
    """The socket that gives the base colour: the skin picture, or the part's plain colour."""
    if skin is not None:
        return image_node(tree, "Skin", skin, (-550, 250)).outputs[0]
    node = tree.nodes.new("ShaderNodeAttribute")
    node.location = (-550, 250)
    node.attribute_name = PART_ATTRIBUTE
    return node.outputs["Color"]


def _multiply(tree: Any, shader: Any, name: str) -> Any:
    """A node between the picture and the shader's colour that multiplies it by its second input."""
    mix = tree.nodes.new("ShaderNodeMix")
    mix.name = mix.label = name
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.location = (-300, 100)
    base = shader.inputs["Base Color"]
    socket_of(mix.inputs, "Factor_Float").default_value = 1.0
    tree.links.new(base.links[0].from_socket, socket_of(mix.inputs, "A_Color"))
    tree.links.new(socket_of(mix.outputs, "Result_Color"), base)
    return socket_of(mix.inputs, "B_Color")
