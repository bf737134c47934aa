"""One head and its performance to a file of another format, over the scene's frame range.

FBX, glTF and USD carry the armature, the shape keys and their curves, the pose correctives' too
(baked: other programs don't know our drivers). Alembic carries the moving surface alone. Hair and
lashes go along as curves where a format knows them: into USD and Alembic.
"""

from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.protocol import AVFaceError
from .export_scene import ExportOptions, Target, in_metres, ready_to_write

_FBX_FOR: dict[Target, dict[str, Any]] = {
    "any": {},
    "unreal": {"mesh_smooth_type": "FACE", "use_tspace": True, "armature_nodetype": "NULL"},
    "unity": {"mesh_smooth_type": "FACE", "apply_scale_options": "FBX_SCALE_ALL"},
}


def missing_part(name: str) -> str:
    """Why this Blender can't write Alembic or USD; empty where it can."""
    if getattr(bpy.app.build_options, name.lower()):
        return ""
    return f"This Blender was built without {name}; the one from blender.org has it"


def export_fbx(
    head: bpy.types.Object,
    path: Path,
    context: bpy.types.Context,
    options: ExportOptions | None = None,
) -> None:
    """Write the head with its armature and animation as FBX. Raises AVFaceError."""
    options = options or ExportOptions()
    if not hasattr(bpy.types, "EXPORT_SCENE_OT_fbx"):
        raise AVFaceError(
            "Blender's FBX add-on is switched off.",
            "Enable “FBX format” under Edit > Preferences > Add-ons.",
        )
    with ready_to_write(head, path, context, options) as partial:
        bpy.ops.export_scene.fbx(
            **_FBX_FOR[options.target],
            filepath=str(partial),
            global_scale=options.scale,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            use_mesh_modifiers=False,  # applying them would take the shape keys away
            add_leaf_bones=False,
            bake_anim=True,
            bake_anim_use_all_actions=False,
            bake_anim_use_nla_strips=False,  # the scene as it plays, in one piece
            bake_anim_force_startend_keying=True,
            bake_anim_simplify_factor=0.0,  # every key
            path_mode="COPY",
            embed_textures=True,
        )


def export_gltf(
    head: bpy.types.Object,
    path: Path,
    context: bpy.types.Context,
    options: ExportOptions | None = None,
) -> None:
    """Write the head with its armature and animation as glTF (.glb). Raises AVFaceError."""
    if not hasattr(bpy.types, "EXPORT_SCENE_OT_gltf"):
        raise AVFaceError(
            "Blender's glTF add-on is switched off.",
            "Enable “glTF 2.0 format” under Edit > Preferences > Add-ons.",
        )
    prepared = ready_to_write(head, path, context, options or ExportOptions())
    with prepared as partial, in_metres(head, context):
        bpy.ops.export_scene.gltf(
            filepath=str(partial),
            export_format="GLB",
            use_selection=True,
            export_apply=False,  # applying modifiers would take the shape keys away
            export_animations=True,
            export_animation_mode="SCENE",  # the scene as it plays, sampled
            export_force_sampling=True,
            export_frame_range=True,
            export_morph=True,
            export_morph_animation=True,
        )


def export_usd(
    head: bpy.types.Object,
    path: Path,
    context: bpy.types.Context,
    options: ExportOptions | None = None,
) -> None:
    """Write the head with skeleton, blend shapes and animation as USD. Raises AVFaceError."""
    if problem := missing_part("USD"):
        raise AVFaceError(problem)
    prepared = ready_to_write(head, path, context, options or ExportOptions(), with_strands=True)
    with prepared as partial:
        bpy.ops.wm.usd_export(
            filepath=str(partial),
            selected_objects_only=True,
            export_animation=True,
            export_shapekeys=True,
            export_armatures=True,
            export_uvmaps=True,
            export_materials=True,
            overwrite_textures=True,  # beside the file, in `textures`: those of a take before too
        )


def export_alembic(
    head: bpy.types.Object,
    path: Path,
    context: bpy.types.Context,
    options: ExportOptions | None = None,
) -> None:
    """Write the head's moving surface and its strands as Alembic. Raises AVFaceError."""
    options = options or ExportOptions()
    if problem := missing_part("Alembic"):
        raise AVFaceError(problem)
    scene: Any = context.scene
    prepared = ready_to_write(head, path, context, options, with_rig=False, with_strands=True)
    with prepared as partial:
        bpy.ops.wm.alembic_export(
            filepath=str(partial),
            selected=True,
            global_scale=options.scale,
            start=scene.frame_start,
            end=scene.frame_end,
            uvs=True,
            normals=True,
            as_background_job=False,
        )
