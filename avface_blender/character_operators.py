"""What the artist can do with a character of their own: find its keys, put a performance on it."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from pathlib import Path

import bpy

from ..engine.exchange.protocol import AVFaceError
from ..engine.exchange.take import Take
from . import takes
from .action import Action
from .character import CharacterOptions, apply_curves, meshes_of, read_curves, rig_of_meshes
from .character_panel import mapping_in, mappings_folder, performer_in, show_mapping
from .curves import scene_curves
from .flame_figure import drive_figure, find_figure, is_flame_take
from .mapping import load_mapping, save_mapping, saved_mappings, suggest

_NOBODY = "Select the character's meshes, with shape keys, or its armature"


class AVFACE_OT_find_mapping(Action, bpy.types.Operator):
    """Compare the selected character's shape keys and bones with those that are known"""

    bl_idname = "avface.find_mapping"
    bl_label = "Find Keys and Bones"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if meshes_of(list(context.selected_objects)) else _NOBODY

    def act(self, context):
        objects = list(context.selected_objects)
        meshes = meshes_of(objects)
        rig = rig_of_meshes([*objects, *meshes])
        keys = [key.name for mesh in meshes for key in mesh.data.shape_keys.key_blocks[1:]]
        bones = [bone.name for bone in rig.data.bones] if rig else []
        mapping = suggest(keys, bones)
        show_mapping(context.scene.avface_character, mapping)
        if not mapping.routes:
            raise AVFaceError(
                "None of the shape keys has a name that is known.",
                "Add rows and choose keys by hand; the mapping can be saved.",
            )
        return f"{len(mapping.routes)} keys, named as in {mapping.name}"


class AVFACE_OT_apply_curves(Action, bpy.types.Operator):
    """Animate the selected character with the curves, as a strip of its own on the NLA"""

    bl_idname = "avface.apply_curves"
    bl_label = "Put on Character"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        if not context.scene.avface_character.curves and performer_in(context) is None:
            return "Choose a head, a take or a CSV first"
        return "" if meshes_of(list(context.selected_objects)) else _NOBODY

    def act(self, context):
        settings, objects = context.scene.avface_character, list(context.selected_objects)
        meshes = meshes_of(objects)
        options = CharacterOptions(
            start_frame=context.scene.frame_start,
            neutral_frame=settings.neutral if settings.use_neutral else None,
            facing=settings.facing,
            tolerance=settings.tolerance,
        )
        rig = rig_of_meshes([*objects, *meshes])
        path, performer = Path(bpy.path.abspath(settings.curves)), performer_in(context)
        if performer is not None:
            name, curves = takes.playing(performer), scene_curves(performer, context)
        else:
            name = path.name.split(".")[0][:40]
            if path.suffix == ".npz" and is_flame_take(take := Take.load(path)):
                return self._drive_flame(take, meshes, rig, name, options)
            curves = read_curves(path)
        done = apply_curves(curves, mapping_in(settings), meshes, rig, name, options)
        if done.missing:
            self.report({"WARNING"}, f"No mesh has the keys {', '.join(done.missing[:5])}")
        return f"{done.keys} shape keys and {len(done.bones)} bones animated"

    def _drive_flame(self, take, meshes, rig, name, options) -> str:
        figure = find_figure(meshes)
        if figure is None:
            raise AVFaceError(
                "The take is on FLAME, and the selection has no keys Exp1, Exp2, ...",
                "Carry the take over to the default head (python -m engine transfer) first.",
            )
        keys, bones = drive_figure(take, figure, rig, name, options)
        return f"{keys} of FLAME's shape keys and {len(bones)} bones animated"


class AVFACE_OT_add_route(Action, bpy.types.Operator):
    """Add a row: one curve onto one shape key"""

    bl_idname = "avface.add_route"
    bl_label = "Add Row"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        settings = context.scene.avface_character
        settings.routes.add()
        settings.active = len(settings.routes) - 1
        return "Row added"


class AVFACE_OT_remove_route(Action, bpy.types.Operator):
    """Remove the active row"""

    bl_idname = "avface.remove_route"
    bl_label = "Remove Row"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if len(context.scene.avface_character.routes) else "There are no rows"

    def act(self, context):
        settings = context.scene.avface_character
        settings.routes.remove(min(settings.active, len(settings.routes) - 1))
        settings.active = max(0, settings.active - 1)
        return "Row removed"


class AVFACE_OT_save_mapping(Action, bpy.types.Operator):
    """Keep this mapping for other characters of the same kind"""

    bl_idname = "avface.save_mapping"
    bl_label = "Save Mapping"

    def act(self, context):
        return (
            f"Saved {save_mapping(mapping_in(context.scene.avface_character), mappings_folder())}"
        )


class AVFACE_OT_load_mapping(Action, bpy.types.Operator):
    """Take the chosen saved mapping"""

    bl_idname = "avface.load_mapping"
    bl_label = "Load Mapping"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if saved_mappings(mappings_folder()) else "No mapping has been saved yet"

    def act(self, context):
        settings = context.scene.avface_character
        mapping = load_mapping(Path(settings.saved))
        settings.name = mapping.name
        show_mapping(settings, mapping)
        return f"{len(mapping.routes)} keys"


CLASSES = (
    AVFACE_OT_find_mapping,
    AVFACE_OT_apply_curves,
    AVFACE_OT_add_route,
    AVFACE_OT_remove_route,
    AVFACE_OT_save_mapping,
    AVFACE_OT_load_mapping,
)
