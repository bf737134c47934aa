"""A take's hair: curves on the head.

The strands are those of the studio's preview. They are coloured as the skin picture is at their
roots and move with the neck bone; another take of the head brings hair of its own in their place.
"""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..engine.exchange.growth import POINTS
from ..engine.exchange.hair import Groom, comb, grows_hair, strand_colours
from ..engine.exchange.head_file import HeadFile
from ..engine.exchange.take import Take
from .head_builder import GLOSS_ATTRIBUTE, HEAD_PROPERTY, stay, to_blender, vertex_gloss
from .rig import rig_of
from .skin_picture import colours_at

HAIR_PROPERTY = "avface_hair"  # on the curves: the head that wears them
HAIR_COLOUR = "avface_hair_colour"  # linear, one for each strand
_ROOT_UV = "surface_uv_coordinate"
_UNPAINTED = 0.05, 0.035, 0.025  # linear: brown hair, where there is no skin picture
# Blender's strands let no light through to the others: so much lighter they are than painted.
_SCATTERED = 1.3
_DENSE_MM = 3.0  # of hair: between its strands nothing shines
_BONE = "neck"  # what carries the skull
_ROOT_RADIUS_M, _TIP_RADIUS_M = 0.00016, 0.00006
_HANGING = 6  # power: hair that hangs is no veil, it thins out at its end alone


def grow_hair(
    head: bpy.types.Object, file: HeadFile, take: Take, name: str, skin: Path | None
) -> bpy.types.Object | None:
    """The take's hair on its head, in place of an earlier one; None where the take has none.

    `skin` is the take's skin picture.
    """
    shave(head)
    _dull_under(head, file, take.hair)
    rig = rig_of(head)
    if rig is None or take.hair is None or not grows_hair(file, take.hair):
        return None
    person = file.template + file.shape_basis[:, :, : len(take.shape)] @ take.shape
    style = take.hair_hangs, take.hair_falls, take.hair_parting
    groom = comb(file, person, take.hair, *style)
    along = np.linspace(0, 1, POINTS)
    thin = along ** (_HANGING if take.hair_hangs > 0 else 1)
    width = groom.width[:, None]
    radii = width * (_ROOT_RADIUS_M + (_TIP_RADIUS_M - _ROOT_RADIUS_M) * thin)
    radii *= 1 - (1 - width) * (1 - along) ** 2  # at the hairline roots are fine, too
    curves = make_curves(groom.points, groom.uv, radii, _colours(groom, skin), f"{name} hair")
    object_ = put_on(head, curves)
    _ride(object_, rig)
    return object_


def put_on(head: bpy.types.Object, curves: Any) -> bpy.types.Object:
    """An object of curves that the head wears."""
    object_ = bpy.data.objects.new(curves.name, curves)
    head.users_collection[0].objects.link(object_)
    object_[HAIR_PROPERTY] = head  # not its name: heads are renamed
    stay(object_)
    return object_


def shave(head: bpy.types.Object) -> None:
    """Take hair and lashes off a head."""
    for object_ in worn_by(head):
        curves: Any = object_.data
        bpy.data.objects.remove(object_)
        bpy.data.hair_curves.remove(curves)


def worn_by(head: bpy.types.Object) -> list[bpy.types.Object]:
    """A head's hair and lashes."""
    objects = (o for o in bpy.data.objects if HEAD_PROPERTY not in o)
    return [object_ for object_ in objects if object_.get(HAIR_PROPERTY) == head]


def _dull_under(head: bpy.types.Object, file: HeadFile, hair: np.ndarray | None) -> None:
    """Take the gloss off the skin under hair (V,) mm; elsewhere it is the head's own."""
    mesh: Any = head.data
    layer = mesh.attributes.get(GLOSS_ATTRIBUTE)
    if layer is None or len(layer.data) != len(file.template):  # an older head, or cut by somebody
        return
    bare = 1.0 if hair is None else 1 - np.clip(hair / _DENSE_MM, 0, 1)
    layer.data.foreach_set("value", (vertex_gloss(file) * bare).astype(np.float32))


def _colours(groom: Groom, skin: Path | None) -> np.ndarray:
    """Each strand's linear RGBA, (N, 4), from the skin picture."""
    colours = np.ones((len(groom.uv), 4), np.float32)
    colours[:, :3] = np.array(_UNPAINTED) * groom.tone[:, None]
    if skin is not None:
        painted = strand_colours(groom, colours_at(skin, groom.uv))
        colours[:, :3] = np.minimum(_SCATTERED * painted, 1)
    return colours


def make_curves(
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
