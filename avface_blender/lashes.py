"""Lashes on a head: curves that follow the lids, whatever moves these.

Each stands on one triangle of the skin, in whose own axes its points are kept, for an open eye and
for a shut one: nodes read the triangle's three corners by their numbers in every frame, and from
two more vertices, on either lid, how far the eye is shut. Modifiers that add vertices keep these
numbers; where one has taken vertices away Blender looks for each lash's place by its UV instead,
in the whole skin, which is slow.
"""

from typing import Any

import bpy
import numpy as np

from ..engine.exchange.head_file import HeadFile
from ..engine.exchange.lashes import (
    COLOUR,
    HANGS_BELOW,
    LOWER_LIDS,
    MIDDLE,
    UPPER_LIDS,
    grow_lashes,
)
from .hair import make_curves, put_on
from .head_builder import UV_NAME, to_blender

_RADIUS_M = 0.00009  # of the root
_FOLLOW = "AVFace lashes that hang"  # the nodes that make them follow
_CORNERS = ("avface_corner_a", "avface_corner_b", "avface_corner_c")  # vertices of the triangle
_SHARES = "avface_shares"  # of the corners, in the root
_PLACE = "avface_place"  # from there, in the triangle's axes, m
_TO_SHUT = "avface_to_shut"  # how that changes as the eye shuts, m
_LIDS = ("avface_upper_lid", "avface_lower_lid")  # vertices that meet where the eye is shut
_PER_METRE = "avface_per_metre"  # what a metre between them takes from 1, which is shut


def put_lashes(head: bpy.types.Object, file: HeadFile, name: str) -> bpy.types.Object | None:
    """Lashes on a head; None on one without eyes. They are grown on the mean person at rest."""
    # EEVEE draws a strand at least a pixel wide: all of them would be a bar.
    lashes, shut = (grow_lashes(file, vertices)[::2] for vertices in (file.template, _shut(file)))
    if not len(lashes):
        return None
    count, points = lashes.shape[:2]
    radii = np.tile(np.linspace(_RADIUS_M, 0, points), (count, 1))
    colours = np.tile(np.array([*COLOUR, 1.0], np.float32), (count, 1))
    faces = _nearest_faces(file, lashes[:, 0])
    uv = file.uv[file.uv_faces[faces]].mean(1)
    curves = make_curves(lashes, uv, radii, colours, f"{name} lashes")
    _stand(curves, file, lashes, faces)
    _hang(curves, file, shut, faces)
    object_ = put_on(head, curves)
    object_.parent = head
    head.add_rest_position_attribute = True
    curves.surface, curves.surface_uv_map = head, UV_NAME
    modifier: Any = object_.modifiers.new(_FOLLOW, "NODES")
    modifier.node_group = nodes = _following()
    for socket, value in (("Head", head), ("Vertices", len(file.template))):
        _set_input(modifier, nodes.interface.items_tree[socket].identifier, value)
    return object_


def _set_input(modifier: Any, identifier: str, value: Any) -> None:
    """Give a nodes modifier an input: a property from Blender 5.2 on, before a custom one."""
    inputs = getattr(getattr(modifier, "properties", None), "inputs", None)
    if inputs is None:
        modifier[identifier] = value
    else:
        getattr(inputs, identifier).value = value


def _nearest_faces(file: HeadFile, points: np.ndarray) -> np.ndarray:
    """The numbers (n,) of the triangles nearest to points (n, 3) m, eyes aside."""
    none = np.zeros(len(file.template), bool)
    eyes = file.masks.get("left_eye", none) | file.masks.get("right_eye", none)
    skin = np.flatnonzero(~eyes[file.faces].any(1))
    middles = file.template[file.faces[skin]].mean(1)
    return np.array([skin[np.argmin(((middles - p) ** 2).sum(1))] for p in points])


def _shut(file: HeadFile) -> np.ndarray:
    """The mean head's vertices with its eyes shut, (V, 3) m; at rest without such units."""
    names = list(file.expression_names)
    blinks = [names.index(n) for n in ("eyeBlinkLeft", "eyeBlinkRight") if n in names]
    return file.template + file.expression_basis[:, :, blinks].astype(float).sum(2)


def _stand(curves: Any, file: HeadFile, lashes: np.ndarray, faces: np.ndarray) -> None:
    """Tell curves on which triangles (N,) lashes (N, P, 3) stand, and where on them."""
    corners = file.faces[faces]  # (N, 3)
    places, points = to_blender(file.template[corners]), to_blender(lashes)
    edges = places[:, 1:] - places[:, :1]  # (N, 2, 3)
    within = np.einsum(
        "nkc,nc->nk", np.linalg.pinv(edges.swapaxes(1, 2)), points[:, 0] - places[:, 0]
    )
    shares = np.column_stack([1 - within.sum(1), within])
    for name, corner in zip(_CORNERS, corners.T, strict=True):
        _store(curves, name, "INT", corner)
    _store(curves, _SHARES, "FLOAT_VECTOR", shares)
    _store(curves, _PLACE, "FLOAT_VECTOR", _within(places, points))


def _hang(curves: Any, file: HeadFile, shut: np.ndarray, faces: np.ndarray) -> None:
    """Tell curves how lashes lie on their triangles (N,) as (N, P, 3) on shut lids, and when."""
    places = to_blender(_shut(file)[file.faces[faces]])
    open_places = np.empty(3 * len(curves.points), np.float32)
    curves.attributes[_PLACE].data.foreach_get("vector", open_places)
    change = _within(places, to_blender(shut)) - open_places.reshape(*shut.shape)
    _store(curves, _TO_SHUT, "FLOAT_VECTOR", change)
    numbers, gaps = _meeting(file)
    eye = (shut[:, 0, 0] > 0).astype(int)  # the subject's left one is the second
    for name, vertices in zip(_LIDS, numbers.T, strict=True):
        _store(curves, name, "INT", vertices[eye])
    _store(curves, _PER_METRE, "FLOAT", -1 / gaps[eye])


def _meeting(file: HeadFile) -> tuple[np.ndarray, np.ndarray]:
    """Of right and left eye: the vertices in the middle of upper and lower lid, (2, 2).

    And how far these are apart where lashes begin to hang, (2,) m.
    """
    faces, weights = file.landmarks_468
    corner = file.faces[faces, np.argmax(weights, axis=1)]  # (468,) the nearest vertex
    rows = np.array([UPPER_LIDS, LOWER_LIDS])  # (2, 2, 9)
    ends = file.template[corner[rows[0][:, [0, -1]]]]  # (2, 2, 3)
    width = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    return corner[rows[:, :, MIDDLE].T], HANGS_BELOW * width


def _within(places: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, P, 3) from their roots on, in the axes of triangles (N, 3, 3)."""
    axes = _axes(places[:, 1:] - places[:, :1])
    return np.einsum("nac,npc->npa", axes, points - points[:, :1])


def _store(curves: Any, name: str, kind: str, values: np.ndarray) -> None:
    """Give curves an attribute: (N,) or (N, 3) of each, (N, P, 3) of each of their points."""
    vectors = kind == "FLOAT_VECTOR"
    domain = "POINT" if values.ndim == 3 else "CURVE"
    layer = curves.attributes.new(name, kind, domain)
    flat = np.ascontiguousarray(values, np.int32 if kind == "INT" else np.float32).ravel()
    layer.data.foreach_set("vector" if vectors else "value", flat)


def _axes(edges: np.ndarray) -> np.ndarray:
    """A triangle's axes (N, 3, 3) by two edges (N, 2, 3): along the first, across, and upwards."""
    along = edges[:, 0] / np.linalg.norm(edges[:, 0], axis=1, keepdims=True)
    up = np.cross(edges[:, 0], edges[:, 1])
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    return np.stack([along, np.cross(up, along), up], 1)


def _following() -> Any:
    """The nodes that carry lashes with their triangles; made once in a file."""
    if _FOLLOW in bpy.data.node_groups:
        return bpy.data.node_groups[_FOLLOW]
    tree: Any = bpy.data.node_groups.new(_FOLLOW, "GeometryNodeTree")
    for name, kind in (("Lashes", "Geometry"), ("Head", "Object"), ("Vertices", "Int")):
        tree.interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
    tree.interface.new_socket("Lashes", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    lashes, head, vertices = tree.nodes.new("NodeGroupInput").outputs[:3]
    skin = tree.nodes.new("GeometryNodeObjectInfo")
    tree.links.new(head, skin.inputs["Object"])
    skin = skin.outputs["Geometry"]
    count = _made(tree, "GeometryNodeAttributeDomainSize", skin)
    all_there = _made(
        tree, "FunctionNodeCompare", count, vertices, data_type="INT", operation="GREATER_EQUAL"
    )
    carried = _made(tree, "GeometryNodeSetPosition", lashes, None, _carried(tree, skin))
    sought = _made(tree, "GeometryNodeDeformCurvesOnSurface", lashes)
    either = _made(tree, "GeometryNodeSwitch", all_there, sought, carried, input_type="GEOMETRY")
    tree.links.new(either, tree.nodes.new("NodeGroupOutput").inputs[0])
    return tree


def _carried(tree: Any, skin: Any) -> Any:
    """The socket that gives each point's place on the `skin` as it is now."""
    position = _made(tree, "GeometryNodeInputPosition")
    a, b, c = (_read(tree, skin, position, name) for name in _CORNERS)
    edges = _vector(tree, "SUBTRACT", b, a), _vector(tree, "SUBTRACT", c, a)
    along = _vector(tree, "NORMALIZE", edges[0])
    up = _vector(tree, "NORMALIZE", _vector(tree, "CROSS_PRODUCT", *edges))
    across = _vector(tree, "CROSS_PRODUCT", up, along)
    root = _weighted(tree, _stored(tree, _SHARES, "FLOAT_VECTOR"), (a, b, c))
    to_shut = _vector(
        tree, "SCALE", _stored(tree, _TO_SHUT, "FLOAT_VECTOR"), _how_shut(tree, skin, position)
    )
    local = _vector(tree, "ADD", _stored(tree, _PLACE, "FLOAT_VECTOR"), to_shut)
    return _vector(tree, "ADD", root, _weighted(tree, local, (along, across, up)))


def _how_shut(tree: Any, skin: Any, position: Any) -> Any:
    """The socket that gives how far each lash's eye is shut, 0 to 1."""
    upper, lower = (_read(tree, skin, position, name) for name in _LIDS)
    apart = _vector(tree, "DISTANCE", upper, lower)
    shut = _made(
        tree, "ShaderNodeMath", apart, _stored(tree, _PER_METRE, "FLOAT"),
        operation="MULTIPLY_ADD",
    )  # fmt: skip
    shut.node.inputs[2].default_value = 1.0
    shut.node.use_clamp = True
    return shut


def _read(tree: Any, skin: Any, position: Any, name: str) -> Any:
    """The socket that gives the place of the vertex whose number a lash keeps as `name`."""
    number = _stored(tree, name, "INT")
    return _made(tree, "GeometryNodeSampleIndex", skin, position, number, data_type="FLOAT_VECTOR")


def _weighted(tree: Any, weights: Any, vectors: tuple[Any, ...]) -> Any:
    """The sum of three vectors, each times one of the weights."""
    split = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(weights, split.inputs[0])
    x, y, z = (
        _vector(tree, "SCALE", vector, weight)
        for vector, weight in zip(vectors, split.outputs, strict=True)
    )
    return _vector(tree, "ADD", _vector(tree, "ADD", x, y), z)


def _stored(tree: Any, name: str, kind: str) -> Any:
    """An attribute of the lashes."""
    stored = _made(tree, "GeometryNodeInputNamedAttribute", data_type=kind)
    stored.node.inputs["Name"].default_value = name
    return stored


def _vector(tree: Any, operation: str, *operands: Any) -> Any:
    return _made(tree, "ShaderNodeVectorMath", *operands, operation=operation)


def _made(tree: Any, kind: str, *inputs: Any, **settings: str) -> Any:
    """The first output of a new node; its inputs in use are linked in their order, None is not."""
    node = tree.nodes.new(kind)
    for name, value in settings.items():
        setattr(node, name, value)
    used = [socket for socket in node.inputs if socket.enabled]
    for source, socket in zip(inputs, used, strict=False):
        if source is not None:
            tree.links.new(source, socket)
    return next(socket for socket in node.outputs if socket.enabled)
