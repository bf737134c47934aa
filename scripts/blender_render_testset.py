"""Draw a test set's scenes by Cycles: another renderer than the one that the networks learn from.

    BLENDER_PYTHON scripts/blender_render_testset.py FOLDER [--samples 32]

FOLDER holds NAME.scene.npz and NAME.albedo.png (`scripts/recipes/cycles_testset.py` writes them and
then calls this). Runs in Blender's Python (the `bpy` module). Pictures that are there stay.
"""

import argparse
import math
from pathlib import Path

import bpy
import numpy as np
from blender_scene import begin_scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=32)
    found = parser.parse_args()
    for path in sorted(found.folder.glob("*.scene.npz")):
        with np.load(path, allow_pickle=False) as file:
            scene = {name: file[name] for name in file.files}
        stem = path.with_name(path.name.removesuffix(".scene.npz"))
        render_scene(scene, stem, found.samples)


def render_scene(scene: dict[str, np.ndarray], stem: Path, samples: int) -> None:
    """Pictures stem/0001.png ... of one scene."""
    sky = tuple(map(float, scene["sky"]))
    begin_scene(int(scene["size"]), float(scene["focal"]), sky, samples)
    set_up_light(scene)
    mesh = build_mesh(scene, stem.with_name(stem.name + ".albedo.png"))
    stem.mkdir(exist_ok=True)
    for t, vertices in enumerate(scene["vertices"]):
        picture = stem / f"{t + 1:04d}.png"
        if picture.is_file():
            continue
        mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
        mesh.update()
        temporary = stem / "rendering.png"
        bpy.context.scene.render.filepath = str(temporary)
        bpy.ops.render.render(write_still=True)
        temporary.replace(picture)


def set_up_light(scene: dict[str, np.ndarray]) -> None:
    """A soft key light beside the camera."""
    light = bpy.data.lights.new("key", "AREA")
    light.energy, light.size = float(scene["key_watts"]), 0.5
    held = bpy.data.objects.new("key", light)
    place = np.array(scene["key"], float) - [0, 0, 1.0]
    held.location = place
    towards = np.array(scene["vertices"][0].mean(0)) - place
    turn = np.arctan2(towards[0], -towards[2]), np.arctan2(towards[1], np.hypot(*towards[[0, 2]]))
    held.rotation_euler = (float(turn[1]), -float(turn[0]), 0.0)
    held.rotation_mode = "YXZ"
    bpy.context.scene.collection.objects.link(held)


def build_mesh(scene: dict[str, np.ndarray], albedo: Path) -> bpy.types.Mesh:
    """The head with skin that lets light in a little way."""
    mesh = bpy.data.meshes.new("head")
    mesh.from_pydata(scene["vertices"][0].tolist(), [], scene["faces"].tolist())
    layer = mesh.uv_layers.new(name="uv")
    corners = scene["uv"][scene["uv_faces"].ravel()].astype(np.float32)
    layer.data.foreach_set("uv", corners.ravel())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    tree = material.node_tree
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = bpy.data.images.load(str(albedo))
    surface = tree.nodes["Principled BSDF"]
    tree.links.new(picture.outputs["Color"], surface.inputs["Base Color"])
    surface.inputs["Roughness"].default_value = 0.5
    surface.inputs["Subsurface Weight"].default_value = 0.15
    surface.inputs["Subsurface Radius"].default_value = (0.0037, 0.0014, 0.0007)
    mesh.materials.append(material)
    held = bpy.data.objects.new("head", mesh)
    bpy.context.scene.collection.objects.link(held)
    assert math.isfinite(mesh.vertices[0].co.x)
    return mesh


if __name__ == "__main__":
    main()
