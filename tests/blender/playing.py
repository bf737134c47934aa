"""What a head plays, and the modules of the enabled extension."""

import importlib
from types import ModuleType

import bpy
import numpy as np

from .extension import NAME


def module_of_extension(name: str) -> ModuleType:
    """A module of the add-on as it is enabled: its classes are not those of the tests' own."""
    return importlib.import_module(f"{NAME}.avface_blender.{name}")


def key_values(head, name: str) -> np.ndarray:
    """What Blender evaluates for a shape key over the scene's frames."""
    scene, out = bpy.context.scene, []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        out.append(head.data.shape_keys.key_blocks[name].value)
    return np.array(out)


def bone_values(rig, bone: str) -> np.ndarray:
    """A bone's place over the scene's frames, (frames, 3) m."""
    scene, out = bpy.context.scene, []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        out.append(list(rig.pose.bones[bone].location))
    return np.array(out)


def add_key(animation, path: str, index: int, frame: int, value: float) -> None:
    action = animation.action
    if not hasattr(action, "layers"):
        curves = action.fcurves
    else:
        layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
        strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
        curves = strip.channelbag(action.slots[0], ensure=True).fcurves
    curve = curves.find(path, index=index) or curves.new(path, index=index)
    curve.keyframe_points.insert(frame, value)
