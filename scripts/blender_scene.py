"""An empty scene that Cycles draws on one core: what test sets and known reliefs begin with."""

import math

import bpy


def begin_scene(size: int, focal: float, sky: tuple[float, float, float], samples: int) -> None:
    """A camera at the origin that looks along -z, and a plain sky.

    Args:
        size: px along the picture's sides.
        focal: px.
        sky: Linear RGB.
        samples: Of a pixel.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = size
    render.resolution_percentage = 100
    render.image_settings.file_format = "PNG"
    render.threads_mode, render.threads = "FIXED", 1
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_denoising = "CPU", samples, False
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.cameras.new("camera")
    camera.angle = 2 * math.atan(0.5 * size / focal)
    camera.clip_start = 0.01
    held = bpy.data.objects.new("camera", camera)
    scene.collection.objects.link(held)
    scene.camera = held
    world = bpy.data.worlds.new("sky")
    scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*sky, 1.0)
