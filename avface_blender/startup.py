"""Blender's startup file makes room for a head: its cube, lamp and camera, its grey colours."""

from contextlib import suppress
from typing import Any

import bpy
from mathutils import Matrix, Vector

_LIGHT, _LIGHT_WATTS = "Light", 1000.0
_CAMERA, _CAMERA_PLACE, _NEAR = "Camera", Vector((7.36, -6.93, 4.96)), 0.01
_VIEW = ("AgX", "None")
_LIT_WORLD = {"ShaderNodeTexEnvironment", "ShaderNodeTexImage", "ShaderNodeTexSky"}


def hide_startup_cube(scene: bpy.types.Scene) -> str | None:
    """Hide the cube of Blender's startup file, in which head and camera stand; a sentence then.

    Only that cube, as it came: what an artist has built or moved is left alone.
    """
    cube = scene.objects.get("Cube")
    if cube is None or cube.type != "MESH" or cube.modifiers or cube.animation_data:
        return None
    mesh: Any = cube.data
    corners = {tuple(vertex.co) for vertex in mesh.vertices}
    as_it_came = len(corners) == 8 and all(abs(x) == 1 for corner in corners for x in corner)
    if not as_it_came or cube.matrix_world != Matrix.Identity(4) or not cube.visible_get():
        return None
    cube.hide_render = True
    cube.hide_set(True)
    return "Blender's startup cube stood round the head: it is hidden now (Alt H shows it)."


def hide_startup_light(scene: bpy.types.Scene) -> None:
    """Hide the lamp of Blender's startup file, as it came: it is meant for a cube of two metres."""
    lamp: Any = scene.objects.get(_LIGHT)
    if lamp and getattr(lamp.data, "energy", 0) == _LIGHT_WATTS and lamp.visible_get():
        lamp.hide_render = True
        lamp.hide_set(True)


def hide_startup_camera(scene: bpy.types.Scene) -> None:
    """Hide the camera of the startup file where another one shows: its edges lie across a film."""
    camera = scene.objects.get(_CAMERA)
    if camera is None or camera == scene.camera or not camera.visible_get():
        return
    if (camera.matrix_world.translation - _CAMERA_PLACE).length < _NEAR:
        camera.hide_set(True)


def is_unlit(scene: bpy.types.Scene) -> bool:
    """Whether nobody has lit a scene: no light but the startup file's, and a plain world."""
    lights = [item for item in scene.objects if item.type == "LIGHT"]
    if any(light.name != _LIGHT or light.animation_data for light in lights):
        return False
    tree: Any = scene.world.node_tree if scene.world else None
    nodes = tree.nodes if tree else ()
    return not any(node.bl_idname in _LIT_WORLD for node in nodes)


def show_as_filmed(scene: bpy.types.Scene) -> None:
    """Show colours as films have them and, where rendered, the film, if nobody chose otherwise.

    Blender's own choice (AgX) greys what is bright: a head would be paler than the film behind it.
    A world that is drawn would hide the film.
    """
    view: Any = scene.view_settings
    if (view.view_transform, view.look) != _VIEW:
        return
    with suppress(TypeError):  # a studio's colour configuration has names of its own
        view.view_transform = "Standard"
    scene.render.film_transparent = True
