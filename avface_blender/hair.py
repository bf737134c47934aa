"""A take's hair and lashes: curves on the head.

The strands are those of the studio's preview. Hair is coloured as the skin picture is at its roots
and moves with the neck bone; another take of the head brings hair of its own in its place. Lashes
follow the lids, whatever moves these.
"""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..engine.exchange.hair import POINTS, Groom, comb, grows_hair, strand_colours
from ..engine.exchange.head_file import HeadFile
from ..engine.exchange.lashes import COLOUR, grow_lashes
from ..engine.exchange.take import Take
from .head_builder import HEAD_PROPERTY, UV_NAME, to_blender
from .rig import rig_of

HAIR_PROPERTY = "avface_hair"  # on the curves: the head that wears them
HAIR_COLOUR = "avface_hair_colour"  # linear, one for each strand
_ROOT_UV = "surface_uv_coordinate"
_UNPAINTED = 0.05, 0.035, 0.025  # linear: brown hair, where there is no skin picture
_BONE = "neck"  # what carries the skull
_ROOT_RADIUS_M, _TIP_RADIUS_M, _LASH_RADIUS_M = 0.00016, 0.00006, 0.00012
_FOLLOW = "AVFace lashes"  # the nodes that make them follow


def grow_hair(
    head: bpy.types.Object, file: HeadFile, take: Take, name: str, skin: Path | None
) -> bpy.types.Object | None:
    """The take's hair on its head, in place of an earlier one; None where the take has none.

    `skin` is the take's skin picture.
    """
    shave(head)
    rig = rig_of(head)
    if rig is None or take.hair is None or not grows_hair(file, take.hair):
        return None
    person = file.template + file.shape_basis[:, :, : len(take.shape)] @ take.shape
    groom = comb(file, person, take.hair, take.hair_hangs)
    radii = groom.width[:, None] * np.linspace(_ROOT_RADIUS_M, _TIP_RADIUS_M, POINTS)
    curves = _curves(groom.points, groom.uv, radii, _colours(groom, skin), f"{name} hair")
    object_ = _put_on(head, curves)
    _ride(object_, rig)
    return object_


def put_lashes(head: bpy.types.Object, file: HeadFile, name: str) -> bpy.types.Object | None:
    """Lashes on a head; None on one without eyes.

    They stand on the mean person at rest: Blender carries them from there to where shape keys and
    armature have taken the lids.
    """
    # EEVEE draws a strand at least a pixel wide: all of them would be a bar.
    lashes = grow_lashes(file, file.template)[::2]
    if not len(lashes):
        return None
    count, points = lashes.shape[:2]
    radii = np.tile(np.linspace(_LASH_RADIUS_M, 0, points), (count, 1))
    colours = np.tile(np.array([*COLOUR, 1.0], np.float32), (count, 1))
    uv = _nearest_uv(file, lashes[:, 0])
    object_ = _put_on(head, _curves(lashes, uv, radii, colours, f"{name} lashes"))
    object_.parent = head
    head.add_rest_position_attribute = True
    curves: Any = object_.data
    curves.surface, curves.surface_uv_map = head, UV_NAME
    modifier: Any = object_.modifiers.new(_FOLLOW, "NODES")
    modifier.node_group = _following()
    return object_


def _put_on(head: bpy.types.Object, curves: Any) -> bpy.types.Object:
    """An object of curves that the head wears."""
    object_ = bpy.data.objects.new(curves.name, curves)
    head.users_collection[0].objects.link(object_)
    object_[HAIR_PROPERTY] = head  # not its name: heads are renamed
    return object_


def _nearest_uv(file: HeadFile, points: np.ndarray) -> np.ndarray:
    """The place on the sheet (n, 2) of the triangle nearest to each point (n, 3) m, eyes aside."""
    none = np.zeros(len(file.template), bool)
    eyes = file.masks.get("left_eye", none) | file.masks.get("right_eye", none)
    skin = np.flatnonzero(~eyes[file.faces].any(1))
    middles = file.template[file.faces[skin]].mean(1)
    nearest = [skin[np.argmin(((middles - point) ** 2).sum(1))] for point in points]
    return file.uv[file.uv_faces[nearest]].mean(1)


def _following() -> bpy.types.NodeTree:
    """Nodes that carry curves with the surface that they stand on; made once in a file."""
    if _FOLLOW in bpy.data.node_groups:
        return bpy.data.node_groups[_FOLLOW]
    tree: Any = bpy.data.node_groups.new(_FOLLOW, "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    into, follow, out = (
        tree.nodes.new(kind)
        for kind in ("NodeGroupInput", "GeometryNodeDeformCurvesOnSurface", "NodeGroupOutput")
    )
    into.location, out.location = (-200, 0), (200, 0)
    tree.links.new(into.outputs[0], follow.inputs[0])
    tree.links.new(follow.outputs[0], out.inputs[0])
    return tree


def shave(head: bpy.types.Object) -> None:
    """Take hair and lashes off a head."""
    for object_ in list(bpy.data.objects):
        if object_.get(HAIR_PROPERTY) == head and HEAD_PROPERTY not in object_:
            curves: Any = object_.data
            bpy.data.objects.remove(object_)
            bpy.data.hair_curves.remove(curves)


def _colours(groom: Groom, skin: Path | None) -> np.ndarray:
    """Each strand's linear RGBA, (N, 4), from the skin picture."""
    colours = np.ones((len(groom.uv), 4), np.float32)
    colours[:, :3] = np.array(_UNPAINTED) * groom.tone[:, None]
    if skin is not None:
        image: Any = bpy.data.images.load(str(skin), check_existing=True)
        width, height = image.size
        pixels = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(pixels)  # sRGB, the lowest row first
        column, row = np.clip(groom.uv * [width, height], 0, [width - 1, height - 1]).astype(int).T
        srgb = pixels.reshape(height, width, -1)[row, column, :3]
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        colours[:, :3] = strand_colours(groom, linear)
    return colours


def _curves(
    strands: np.ndarray, uv: np.ndarray, radii: np.ndarray, colours: np.ndarray, name: str
) -> Any:
    """Strands (N, P, 3) as a hair data-block, in the head's axes as Blender has them.

    `uv` (N, 2) are their roots', `radii` (N, P) in m, `colours` (N, 4) linear.
    """
    count, points = strands.shape[:2]
    curves: Any = bpy.data.hair_curves.new(name)
    curves.add_curves([points] * count)
    places = to_blender(strands).astype(np.float32)
    curves.position_data.foreach_set("vector", places.ravel())
    for attribute, kind, domain, item, values in (
        ("radius", "FLOAT", "POINT", "value", radii.ravel()),
        (_ROOT_UV, "FLOAT2", "CURVE", "vector", uv.ravel()),
        (HAIR_COLOUR, "FLOAT_COLOR", "CURVE", "color", colours.ravel()),
    ):
        layer = curves.attributes.get(attribute) or curves.attributes.new(attribute, kind, domain)
        layer.data.foreach_set(item, np.ascontiguousarray(values, np.float32))
    return curves


def _ride(object_: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Bind the hair, which lies in the rig's own space, to the skull's bone."""
    armature: Any = rig.data
    bone = armature.bones[_BONE]
    object_.parent, object_.parent_type, object_.parent_bone = rig, "BONE", _BONE
    at_tail = bone.matrix_local @ Matrix.Translation((0, bone.length, 0))
    object_.matrix_parent_inverse = at_tail.inverted()
