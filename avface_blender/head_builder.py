"""A head file as a Blender mesh: surface, UV map, parts, and one shape key for each column.

Also the one place that turns head axes into Blender's.
"""

import re
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ..engine.exchange.gloss import oiliness
from ..engine.exchange.head_file import HeadFile

HEAD_PROPERTY = "avface_head_sha256"  # on the mesh object: the head file that it was built from
UV_NAME = "UVMap"
PART_ATTRIBUTE = "avface_colour"  # a plain colour for each part, for heads without a skin picture
GLOSS_ATTRIBUTE = "avface_gloss"  # 0 for dull hair, 1 for the tip of the nose and wet lips
# Material slots, in this order. Irises look as the eyes do, but in Solid shading, where they tell
# the gaze.
PARTS = ("skin", "eyes", "teeth", "tongue", "irises")
LIP_KEY = "Lip"  # and a number: shapes that sound adds to the lips
_SAME_PLACE = 1e-6  # m
SLIDER_RANGE = 10.0  # Blender's hard limit; values outside of a slider's range are cut silently

_PART_MASKS = {
    "eyes": ("left_eye", "right_eye"),
    "teeth": ("upper_teeth", "lower_teeth"),
    "tongue": ("tongue",),
}
PART_COLOURS = {  # linear RGB
    "skin": (0.50, 0.28, 0.20),
    "eyes": (0.75, 0.72, 0.70),
    "teeth": (0.60, 0.49, 0.35),
    "tongue": (0.50, 0.21, 0.19),
    "irises": (0.10, 0.06, 0.035),
}
_INNER_MOUTH_COLOUR = (0.30, 0.07, 0.06)
_PUPIL_COLOUR = (0.003, 0.003, 0.003)
# Mask -> gloss, whatever the oil.
_GLOSS = (("scalp", 0.0), ("brows", 0.05), ("lips", 0.8), ("mouth_inside", 1.0))
_DRY_GLOSS = 0.25  # of skin without oil
_PUPIL_OF_IRIS = 0.42  # radius, in normal light
_RIM = 1.02  # of the iris's angle: a polygon whose corners lie on the rim is within


def heads() -> list[bpy.types.Object]:
    """All AVFace heads of the open file."""
    return [o for o in bpy.data.objects if o.type == "MESH" and HEAD_PROPERTY in o]


def to_blender(vectors: np.ndarray) -> np.ndarray:
    """Head axes to Blender's: (..., 3) -> (..., 3).

    AVFace's head: +x the subject's left, +y up, +z out of the face.
    Blender, a character in the front view: +x the subject's left, +z up, -y out of the face.
    """
    x, y, z = np.moveaxis(np.asarray(vectors), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def identity_column(key: str) -> int | None:
    """The identity column of a shape key: `identity_004` or FLAME's `Shape5` -> 4."""
    found = re.fullmatch(r"identity_(\d+)|Shape(\d+)", key)
    if found is None:
        return None
    return int(found[1]) if found[1] else int(found[2]) - 1


def used_pose_columns(head: HeadFile) -> list[int]:
    """The pose correctives that move something."""
    return np.flatnonzero(np.abs(head.pose_basis).max(axis=(0, 1))).tolist()


def build_head(head: HeadFile, collection: bpy.types.Collection) -> bpy.types.Object:
    """A new mesh object of the head's mean person at rest, with all its shape keys at 0."""
    mesh = bpy.data.meshes.new(head.name)
    polygons, uv_polygons = _polygons(head.faces, head), _polygons(head.uv_faces, head)
    mesh.from_pydata(to_blender(head.template).tolist(), [], polygons)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(polygons), bool))
    layer = mesh.uv_layers.new(name=UV_NAME)
    corners = np.concatenate([np.asarray(polygon) for polygon in uv_polygons])
    layer.data.foreach_set("uv", head.uv[corners].astype(np.float32).ravel())
    mesh.polygons.foreach_set("material_index", _part_of_polygons(head, polygons))
    colours: Any = mesh.color_attributes.new(PART_ATTRIBUTE, "FLOAT_COLOR", "POINT")
    colours.data.foreach_set("color", _vertex_colours(head).ravel())
    gloss: Any = mesh.attributes.new(GLOSS_ATTRIBUTE, "FLOAT", "POINT")
    gloss.data.foreach_set("value", vertex_gloss(head))

    object_ = bpy.data.objects.new(head.name, mesh)
    collection.objects.link(object_)
    object_[HEAD_PROPERTY] = head.sha256
    stay(object_)
    _add_shape_keys(object_, head)
    mesh.update()
    return object_


def stay(object_: bpy.types.Object) -> None:
    """Lock what the armature carries in its place: dragged by itself, it would leave the rest."""
    object_.lock_location = object_.lock_rotation = object_.lock_scale = (True, True, True)


def shape_keys(object_: bpy.types.Object) -> Any:
    """The data-block of a head's shape keys."""
    assert isinstance(object_.data, bpy.types.Mesh)
    return object_.data.shape_keys


def set_identity(object_: bpy.types.Object, shape: np.ndarray) -> None:
    """Set the identity keys to a person's coefficients (S,); those that are not given to 0."""
    for key in shape_keys(object_).key_blocks:
        column = identity_column(key.name)
        if column is not None:
            key.value = float(shape[column]) if column < len(shape) else 0.0


def lip_keys(object_: bpy.types.Object, vertices: np.ndarray, shapes: np.ndarray) -> list[str]:
    """The names of shape keys for a take's lip shapes: (Lv,) vertices, (K, Lv, 3) m -> K names.

    Keys that the head has already are used again; the others are added as Lip1, Lip2 and so on.
    """
    keys = shape_keys(object_).key_blocks
    basis = _places(keys[0])
    old = {name: _places(keys[name]) for name in existing_lip_keys(object_)}
    names = []
    for shape in shapes:
        wished = basis.copy()
        wished[vertices] += to_blender(shape).astype(np.float32)
        same = (n for n, places in old.items() if np.abs(places - wished).max() < _SAME_PLACE)
        name = next(same, None)
        if name is None:
            count = 1 + max((int(n.removeprefix(LIP_KEY)) for n in old), default=0)
            key = object_.shape_key_add(name=f"{LIP_KEY}{count}", from_mix=False)
            key.slider_min, key.slider_max = -SLIDER_RANGE, SLIDER_RANGE
            key.points.foreach_set("co", wished.ravel())
            name = key.name
            old[name] = wished
        names.append(name)
    return names


def existing_lip_keys(object_: bpy.types.Object) -> list[str]:
    """The names of the lip shapes that a head has from all its takes."""
    names = [key.name for key in shape_keys(object_).key_blocks]
    return [n for n in names if n.startswith(LIP_KEY) and n.removeprefix(LIP_KEY).isdigit()]


def _places(key: Any) -> np.ndarray:
    """Where a shape key puts the vertices, (V, 3) float32."""
    places = np.empty(3 * len(key.points), np.float32)
    key.points.foreach_get("co", places)
    return places.reshape(-1, 3)


def _add_shape_keys(object_: bpy.types.Object, head: HeadFile) -> None:
    """Basis, expression, pose and identity keys: the template with one basis column added."""
    object_.shape_key_add(name="Basis", from_mix=False)
    shape_keys(object_).name = head.name
    expression = list(enumerate(head.expression_names))
    pose = [(column, head.pose_names[column]) for column in used_pose_columns(head)]
    identity = list(enumerate(head.shape_names))
    for basis, columns in (
        (head.expression_basis, expression),
        (head.pose_basis, pose),
        (head.shape_basis, identity),
    ):
        moved = to_blender(head.template + np.moveaxis(basis, 2, 0)).astype(np.float32)  # (., V, 3)
        for column, name in columns:
            key = object_.shape_key_add(name=name, from_mix=False)
            key.slider_min, key.slider_max = -SLIDER_RANGE, SLIDER_RANGE
            key.points.foreach_set("co", moved[column].ravel())


def _polygons(faces: np.ndarray, head: HeadFile) -> list[list[int]]:
    """The head's quads, put together from their pairs of triangles, then the other triangles."""
    pairs = faces[: 2 * head.quad_count].reshape(-1, 2, 3)
    quads = np.concatenate([pairs[:, 0], pairs[:, 1, 2:]], axis=1)  # (Q, 4)
    return quads.tolist() + faces[2 * head.quad_count :].tolist()


def _part_of_polygons(head: HeadFile, polygons: list[list[int]]) -> np.ndarray:
    """Material slot of each polygon, by the part that its first vertex belongs to."""
    part = np.zeros(len(head.template), np.int32)
    for name, masks in _PART_MASKS.items():
        for mask in masks:
            if mask in head.masks:
                part[head.masks[mask]] = PARTS.index(name)
    parts = part[[polygon[0] for polygon in polygons]]
    within = np.zeros(len(head.template), bool)
    for vertices, angles, rim in _eyes(head):
        within[vertices] = angles < _RIM * rim
    parts[[bool(within[polygon].all()) for polygon in polygons]] = PARTS.index("irises")
    return parts


def _vertex_colours(head: HeadFile) -> np.ndarray:
    """A plain colour for each vertex, (V, 4) linear RGBA."""
    colours = np.ones((len(head.template), 4), np.float32)
    colours[:, :3] = PART_COLOURS["skin"]
    if "mouth_inside" in head.masks:
        colours[head.masks["mouth_inside"], :3] = _INNER_MOUTH_COLOUR
    for name, masks in _PART_MASKS.items():
        for mask in masks:
            if mask in head.masks:
                colours[head.masks[mask], :3] = PART_COLOURS[name]
    for vertices, angles, rim in _eyes(head):
        tint = colours[vertices]
        tint[angles < rim, :3] = PART_COLOURS["irises"]
        tint[angles < _PUPIL_OF_IRIS * rim, :3] = _PUPIL_COLOUR
        colours[vertices] = tint
    return colours


def _eyes(head: HeadFile) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Each eyeball's vertices (N,), how far from straight ahead they lie (N,), its iris's rim.

    Angles in radians, seen from the eye's middle.
    """
    joints = head.joint_regressor @ head.template
    face, weights = head.iris
    points = np.einsum("lk,lkc->lc", weights, head.template[head.faces[face]])  # (10, 3)
    # MediaPipe's order: the right eye's middle and four points of its rim, then the left eye's
    for mask, joint, eye in (("right_eye", 4, points[:5]), ("left_eye", 3, points[5:])):
        if mask in head.masks:
            around = np.arange(len(head.template))[head.masks[mask]]
            angles = _angles(head.template[around] - joints[joint])
            yield around, angles, float(np.median(_angles(eye[1:] - joints[joint])))


def vertex_gloss(head: HeadFile) -> np.ndarray:
    """How much the skin mirrors at each vertex, (V,) float32 in [0, 1]."""
    gloss = np.clip(_DRY_GLOSS + 0.6 * oiliness(head, head.template), 0, 1).astype(np.float32)
    for mask, value in _GLOSS:
        if mask in head.masks:
            gloss[head.masks[mask]] = value
    return gloss


def _angles(directions: np.ndarray) -> np.ndarray:
    """Angles to the way that an eye looks at rest, straight ahead: (N, 3) -> (N,) radians."""
    return np.arctan2(np.linalg.norm(directions[:, :2], axis=1), directions[:, 2])
