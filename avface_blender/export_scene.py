"""A head and its scene as exporters want them; afterwards all is as it was."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy
from mathutils import Matrix

from ..engine.exchange.files import written_whole
from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.provenance import PROVENANCE_PROPERTY, write_sidecar
from .hair import worn_by
from .head_builder import shape_keys
from .material import plain_colour
from .review import without_confidence
from .rig import rig_of

Target = Literal["any", "unreal", "unity"]
_LONGEST_NAME = 220  # bytes; systems allow 255, of which the unfinished file's name needs some
_OWN_KEYS = ("Basis", "Shape", "Pose", "pose_")  # identity and correctives: not expressions


@dataclass(frozen=True)
class ExportOptions:
    """What to write, for whom."""

    frames: tuple[int, int] | None = None  # first and last; None: the scene's
    scale: float = 1.0
    # Game engines take shape keys between 0 and 1 (Unity clamps them, Unreal's curves expect it):
    # for these, expression keys are held there while the file is written.
    target: Target = "any"


@contextmanager
def ready_to_write(
    head: bpy.types.Object,
    path: Path,
    context: bpy.types.Context,
    options: ExportOptions,
    with_rig: bool = True,
    with_strands: bool = False,
) -> Iterator[Path]:
    """Everything as an exporter wants it, and the path to write; afterwards all is as it was.

    Strands, hair and lashes, go along as far as they are shown.
    """
    rig = rig_of(head)
    if rig is None:
        raise AVFaceError(f"{head.name} has lost its armature.", "Import its take once more.")
    strands = [o for o in worn_by(head) if o.visible_get()] if with_strands else []
    with (
        _selected([head, *([rig] if with_rig else []), *strands], context),
        _prepared(head, context, options),
        without_confidence(rig),
        plain_colour(head),
        _pictures_found(head),
        _written_whole(path, head) as partial,
    ):
        yield partial


@contextmanager
def _selected(wanted: list[bpy.types.Object], context: bpy.types.Context) -> Iterator[None]:
    """These alone selected, the first active; selection, mode and frame come back."""
    hidden = [object_.name for object_ in wanted if not object_.visible_get()]
    if hidden:
        raise AVFaceError(
            f"{' and '.join(hidden)} can't be exported while hidden.", "Show it in the viewport."
        )
    scene: Any = context.scene
    layer: Any = context.view_layer
    selection, active = list(context.selected_objects), layer.objects.active
    frame = scene.frame_current
    mode = active.mode if active else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    _select(wanted, layer, wanted[0])
    try:
        yield
    finally:
        _select(selection, layer, active)
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
        scene.frame_set(frame)


@contextmanager
def _prepared(
    head: bpy.types.Object, context: bpy.types.Context, options: ExportOptions
) -> Iterator[None]:
    """The scene's range and the keys' sliders as the options want them; all comes back."""
    scene: Any = context.scene
    length = scene.frame_start, scene.frame_end
    scene.frame_start, scene.frame_end = options.frames or length
    held = [
        (key, key.slider_min, key.slider_max)
        for key in (shape_keys(head).key_blocks if options.target != "any" else ())
        if not key.name.startswith(_OWN_KEYS)
    ]
    for key, _, _ in held:
        key.slider_min, key.slider_max = 0.0, 1.0
    try:
        yield
    finally:
        scene.frame_start, scene.frame_end = length
        for key, low, high in held:
            key.slider_min, key.slider_max = low, high


@contextmanager
def _pictures_found(head: bpy.types.Object) -> Iterator[None]:
    """Linked pictures by absolute paths: FBX looks for them beside this file, not beside theirs."""
    slots = [slot.material for slot in head.material_slots]
    trees: list[Any] = [slot.node_tree for slot in slots if slot and slot.node_tree]
    nodes = [node for tree in trees for node in tree.nodes]
    images = {node.image for node in nodes if getattr(node, "image", None)}
    linked = {image: image.filepath for image in images if image.library}
    for image, path in linked.items():
        image.filepath = bpy.path.abspath(path, library=image.library)
    try:
        yield
    finally:
        for image, path in linked.items():
            image.filepath = path


def _select(objects: list[bpy.types.Object], layer: Any, active: bpy.types.Object | None) -> None:
    for object_ in list(layer.objects.selected):
        object_.select_set(False)
    for object_ in objects:
        object_.select_set(True)
    layer.objects.active = active


@contextmanager
def _written_whole(path: Path, head: bpy.types.Object) -> Iterator[Path]:
    """A temporary absolute path beside `path` that becomes `path` when all went well.

    Beside it `NAME.fbx.made-by.json`: what made the take that the head plays.
    """
    path = path.resolve()
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise AVFaceError(f"{path.name[:40]}... is too long a name.", "Choose a shorter one.")
    if not os.access(path.parent, os.W_OK):
        raise AVFaceError(
            f"{path} can't be written (its folder is not there, or read-only).",
            "Choose another folder.",
        )
    try:
        with written_whole(path, keeps_suffix=True) as partial:
            yield partial
        if PROVENANCE_PROPERTY in head:
            write_sidecar(json.loads(head[PROVENANCE_PROPERTY]), path)
    except (OSError, RuntimeError) as error:
        raise AVFaceError(
            f"{path} can't be written ({str(error).strip().splitlines()[-1]}).",
            "Free some disk space or choose another folder.",
        ) from error


@contextmanager
def in_metres(head: bpy.types.Object, context: bpy.types.Context) -> Iterator[None]:
    """The head in metres in a scene of other units: glTF knows none, and Blender writes its own."""
    scene: Any = context.scene
    unit = scene.unit_settings.scale_length
    if unit == 1.0:
        yield
        return
    top = rig_of(head) or head
    while top.parent is not None:
        top = top.parent
    stood = top.matrix_parent_inverse.copy()
    metres = bpy.data.objects.new("Metres", None)
    metres.scale = [unit] * 3
    scene.collection.objects.link(metres)
    top.parent, top.matrix_parent_inverse = metres, Matrix()
    try:
        yield
    finally:
        top.parent, top.matrix_parent_inverse = None, stood
        bpy.data.objects.remove(metres)
