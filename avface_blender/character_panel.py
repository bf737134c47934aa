"""The panel “Character”: curves onto any mesh, with a mapping that can be edited and kept."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportInvalidTypeForm=false

from pathlib import Path

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..engine.exchange.arkit import ARKIT_NAMES
from .character import (
    FACING,
    rig_of_meshes,
)
from .curves import names_curves
from .head_builder import HEAD_PROPERTY
from .mapping import Mapping, Route, saved_mappings
from .paths import file_property
from .sidebar import SidebarPanel, optional

_CURVES = [(name, name, "") for name in ARKIT_NAMES]
_PARTS = ("jaw", "left_eye", "right_eye", "head")
_saved: list[tuple[str, str, str]] = []  # Blender needs the strings of an enumeration kept alive


def mappings_folder() -> Path:
    """Where mappings of one's own are kept, across updates."""
    return Path(bpy.utils.user_resource("CONFIG", path="avface")) / "mappings"


def _saved_items(self, context):
    _saved[:] = [(str(p), p.name.split(".avface-map")[0], "") for p in
                 saved_mappings(mappings_folder())]  # fmt: skip
    return _saved or [("", "None saved yet", "")]


class AVFACE_CurveRoute(bpy.types.PropertyGroup):
    """A `mapping.Route`, as an artist sets it."""

    curve: EnumProperty(name="Curve", items=_CURVES, description="ARKit's name of what moves")
    key: StringProperty(name="Shape Key", description="What it moves on the character's meshes")
    strength: FloatProperty(
        name="Strength",
        default=1.0,
        soft_min=0.0,
        soft_max=2.0,
        description="How far the key goes where the curve is 1",
    )


def _has_curves(self, object_) -> bool:
    return HEAD_PROPERTY in object_ and object_.type == "MESH" and names_curves(object_)


class AVFACE_CharacterSettings(bpy.types.PropertyGroup):
    """Which curves go onto the selected character, and how."""

    performer: PointerProperty(
        type=bpy.types.Object,
        name="From Head",
        description="The AVFace head whose performance is put on as it plays in the scene, cleaned"
        " up and corrected; empty: that of a file",
        poll=_has_curves,
    )
    curves: file_property(name="Curves", description="A take (.take.npz) or a Live Link Face CSV")
    name: StringProperty(
        name="Mapping", default="My character", description="Under which name it is saved"
    )
    routes: CollectionProperty(type=AVFACE_CurveRoute)
    active: IntProperty()
    jaw: StringProperty(name="Jaw", description="Bone that opens the mouth")
    left_eye: StringProperty(name="Left Eye", description="The character's left")
    right_eye: StringProperty(name="Right Eye", description="The character's right")
    head: StringProperty(name="Head", description="Bone that nods and turns")
    facing: EnumProperty(
        name="Looks Along",
        items=[(name, name, "") for name in FACING],
        description="Where the character looks at rest",
    )
    use_neutral: BoolProperty(
        name="Neutral Frame", description="Make the face of one frame the character's rest"
    )
    neutral: IntProperty(
        name="Neutral Frame", min=0, description="Which frame of the curves, counted from 0"
    )
    tolerance: FloatProperty(
        name="Fewer Keys",
        description="Leave out keys that the motion doesn't need: how far a shape key may be off."
        " 0 puts a key in every frame",
        min=0.0, soft_max=0.1, max=0.5, precision=3, step=1,
    )  # fmt: skip
    saved: EnumProperty(
        name="Saved", items=_saved_items, description="A mapping that was saved, to be loaded"
    )


def offer(settings: AVFACE_CharacterSettings, head: bpy.types.Object, take: Path) -> None:
    """Let a head that has got a take be put on characters, where nothing else is chosen."""
    settings.curves = settings.curves or str(take)
    if settings.performer is None and names_curves(head):
        settings.performer = head


def performer_in(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head that is chosen, as far as it is in the scene."""
    head = context.scene.avface_character.performer
    return head if head is not None and head.name in context.scene.objects else None


def mapping_in(settings: AVFACE_CharacterSettings) -> Mapping:
    """The mapping as the panel shows it."""
    bones = {part: getattr(settings, part) for part in _PARTS if getattr(settings, part)}
    routes = tuple(Route(r.curve, r.key, r.strength) for r in settings.routes if r.key)
    return Mapping(settings.name, routes, bones)


def show_mapping(settings: AVFACE_CharacterSettings, mapping: Mapping) -> None:
    """Put a mapping into the panel."""
    settings.routes.clear()
    for route in mapping.routes:
        row = settings.routes.add()
        row.curve, row.key, row.strength = route.curve, route.key, route.strength
    for part in _PARTS:
        setattr(settings, part, mapping.bones.get(part, ""))
    settings.active = 0


class AVFACE_UL_routes(bpy.types.UIList):
    """Curve, and the shape key that it moves."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property):
        row = layout.split(factor=0.5, align=True)
        row.prop(item, "curve", text="", emboss=False)
        row.prop(item, "key", text="", emboss=False)


class AVFACE_PT_character(SidebarPanel, bpy.types.Panel):
    bl_label = "Character"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 7

    def draw(self, context):
        layout, settings = self.layout, context.scene.avface_character
        layout.use_property_decorate = False
        layout.prop(settings, "performer")
        if performer_in(context) is None:
            layout.prop(settings, "curves", text="", placeholder="Take or Live Link CSV")
        layout.operator("avface.find_mapping", icon="VIEWZOOM")
        row = layout.row()
        row.template_list("AVFACE_UL_routes", "", settings, "routes", settings, "active", rows=5)
        column = row.column(align=True)
        column.operator("avface.add_route", text="", icon="ADD")
        column.operator("avface.remove_route", text="", icon="REMOVE")
        if 0 <= settings.active < len(settings.routes):
            layout.prop(settings.routes[settings.active], "strength")
        bones = layout.column(align=True)
        bones.use_property_split = True
        rig = rig_of_meshes(list(context.selected_objects))
        for part in _PARTS:
            if rig is not None:
                bones.prop_search(settings, part, rig.data, "bones")
            else:
                bones.prop(settings, part)
        options = layout.column()
        options.use_property_split = True
        options.prop(settings, "facing")
        optional(options, settings, "neutral")
        options.prop(settings, "tolerance", slider=True)
        layout.operator("avface.apply_curves", icon="PLAY")
        row = layout.row(align=True)
        row.prop(settings, "name", text="")
        row.operator("avface.save_mapping", text="", icon="FILE_TICK")
        if saved_mappings(mappings_folder()):
            row = layout.row(align=True)
            row.prop(settings, "saved", text="")
            row.operator("avface.load_mapping", text="", icon="IMPORT")


CLASSES = (
    AVFACE_CurveRoute,
    AVFACE_CharacterSettings,
    AVFACE_UL_routes,
    AVFACE_PT_character,
)


def register() -> None:
    """The panel's settings, in the scene."""
    bpy.types.Scene.avface_character = PointerProperty(type=AVFACE_CharacterSettings)


def unregister() -> None:
    """Take them away again."""
    del bpy.types.Scene.avface_character
