"""Draw heads of known relief by Cycles (`scripts/recipes/cycles_relief.py` calls this).

    BLENDER_PYTHON scripts/blender_render_relief.py FOLDER LIGHTS.json [--samples 12]

FOLDER holds NAME.relief.npz; the pictures are NAME_STATE_LIGHT.png. Pictures that are there stay.
"""

import argparse
import json
from pathlib import Path

import bpy
import numpy as np
from blender_scene import begin_scene
from mathutils import Vector

SKY = (0.12, 0.12, 0.12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("lights", type=Path)
    parser.add_argument("--samples", type=int, default=12)
    found = parser.parse_args()
    lights = json.loads(found.lights.read_text(encoding="utf-8"))
    for path in sorted(found.folder.glob("*.relief.npz")):
        with np.load(path, allow_pickle=False) as file:
            scene = {name: file[name] for name in file.files}
        name = path.name.removesuffix(".relief.npz")
        for state in range(len(scene["relief"])):
            begin_scene(int(scene["size"]), float(scene["focal"]), SKY, found.samples)
            bpy.context.scene.cycles.max_bounces = 1
            build_skin(scene, state)
            for light, lamps in lights.items():
                picture = found.folder / f"{name}_{state}_{light}.png"
                if not picture.is_file():
                    render(lamps, picture)


def build_skin(scene: dict[str, np.ndarray], state: int) -> None:
    """The face's window of the sheet as a mesh, a vertex a texel, raised by its relief."""
    there = scene["there"]
    number = np.full(there.shape, -1)
    number[there] = np.arange(there.sum())
    corners = np.stack(
        [number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], -1
    ).reshape(-1, 4)
    quads = corners[(corners >= 0).all(1)]
    raised = scene["places"] + scene["normals"] * scene["relief"][state][..., None] * 1e-3
    mesh = bpy.data.meshes.new("skin")
    mesh.from_pydata(raised[there].tolist(), [], quads.tolist())
    mesh.shade_smooth()
    colours = np.ones((int(there.sum()), 4), np.float32)
    colours[:, :3] = scene["colours"][there]
    layer = mesh.color_attributes.new("colours", "FLOAT_COLOR", "POINT")
    layer.data.foreach_set("color", colours.ravel())
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    tree = material.node_tree
    surface = tree.nodes["Principled BSDF"]
    read = tree.nodes.new("ShaderNodeVertexColor")
    read.layer_name = "colours"
    tree.links.new(read.outputs["Color"], surface.inputs["Base Color"])
    surface.inputs["Roughness"].default_value = 0.55
    surface.inputs["Specular IOR Level"].default_value = 0.3
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("skin", mesh))


def render(lamps: list, picture: Path) -> None:
    """One picture under lamps (place relative to the face, watts, size)."""
    held = []
    for place, watts, size in lamps:
        light = bpy.data.lights.new("lamp", "AREA")
        light.energy, light.size = watts, size
        lamp = bpy.data.objects.new("lamp", light)
        lamp.location = (place[0], place[1], place[2] - 0.3)
        towards = Vector((0, 0, -0.6)) - lamp.location
        lamp.rotation_euler = towards.to_track_quat("-Z", "Y").to_euler()
        bpy.context.scene.collection.objects.link(lamp)
        held.append(lamp)
    temporary = picture.with_name("rendering.png")
    bpy.context.scene.render.filepath = str(temporary)
    bpy.ops.render.render(write_still=True)
    temporary.replace(picture)
    for lamp in held:
        bpy.data.objects.remove(lamp)


if __name__ == "__main__":
    main()
