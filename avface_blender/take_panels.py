"""The sidebar's panels after a capture: Takes, Review, Clean-Up. No logic."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import bpy

from . import (
    corrections,
    landmark_dragger,
    landmarks,
    neutral,
    offset,
    review,
    side_by_side,
    takes,
    trust_painter,
)
from .clean_up import REGIONS
from .keyframes import TAKE_PROPERTY
from .material import look_sockets, skin_material
from .rig import rig_of
from .selection import selected_head
from .sidebar import SidebarPanel, paragraph
from .take_operators import filtered_action
from .timeline import rate_of

_MOVED = (
    "Its strip was moved in the NLA, without clip, sound and landmarks. Begins at Frame moves all."
)


class _TakePanel(SidebarPanel):
    """Shared by what there is to say of a head with a take."""

    @classmethod
    def poll(cls, context):
        head = selected_head(context)
        return head is not None and bool(takes.takes_of(head))


class AVFACE_PT_takes(SidebarPanel, bpy.types.Panel):
    bl_label = "Takes"
    bl_order = 2

    def draw(self, context):
        layout, head = self.layout, selected_head(context)
        layout.operator("avface.import_take", icon="IMPORT")
        entries = takes.takes_of(head) if head else []
        if head is None and any(TAKE_PROPERTY in action for action in bpy.data.actions):
            layout.operator("avface.select_head", icon="USER")
        if head is None or not entries:
            return
        column = layout.column(align=True)
        for entry in reversed(entries):
            row = column.row(align=True)
            icon = "RADIOBUT_ON" if entry.plays else "RADIOBUT_OFF"
            row.operator(
                "avface.show_take", text=entry.name, icon=icon, depress=entry.plays
            ).take = entry.name
            row.operator("avface.delete_take", text="", icon="TRASH").take = entry.name
            if entry.plays:
                first, last = entry.frames
                seconds = (last - first + 1) / rate_of(context.scene).frames_per_second
                said = column.column(align=True)
                said.active = False
                said.label(text=f"{entry.clip}, frames {first} to {last}, {seconds:.1f} s")
                quality = f"{entry.quality} quality" if entry.quality else ""
                said.label(text=", ".join(filter(None, (quality, entry.date))))
                if entry.moved:
                    paragraph(column, _MOVED, context, "INFO")
        offset.draw(layout, head)
        if len(entries) > 1:
            layout.operator("avface.compare_takes", icon="ARROW_LEFTRIGHT")
        layout.operator("avface.retake", icon="FILE_REFRESH")


class AVFACE_PT_review(_TakePanel, bpy.types.Panel):
    bl_label = "Review"
    bl_order = 3

    def draw(self, context):
        layout, head = self.layout, selected_head(context)
        row = layout.row(align=True)
        row.operator(
            "avface.next_unsure", text="Unsure Before", icon="PREV_KEYFRAME"
        ).forward = False
        row.operator("avface.next_unsure", text="Unsure Next", icon="NEXT_KEYFRAME").forward = True
        rig = rig_of(head) if head else None
        is_shown = rig is not None and review.shown(rig) is not None
        layout.operator("avface.show_confidence", icon="GRAPH", depress=is_shown)
        side_by_side.draw(layout, context)
        landmark_dragger.draw(layout, head)
        if head and corrections.are_on(head):
            layout.operator("avface.stop_corrections", icon="HIDE_OFF")
        else:
            layout.operator("avface.start_corrections", icon="POSE_HLT")
        layout.operator("avface.refine", icon="MOD_SMOOTH")
        camera = landmarks.clip_camera(context.scene, head) if head else None
        if camera is not None and len(camera.data.background_images):
            image = camera.data.background_images[0]
            layout.prop(image, "alpha", text="Clip Opacity", slider=True)
            layout.prop(image, "display_depth", expand=True)


class AVFACE_PT_trust(_TakePanel, bpy.types.Panel):
    bl_label = "Trust in Picture or Sound"
    bl_parent_id = "AVFACE_PT_review"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, head = self.layout, selected_head(context)
        row = layout.row(align=True)
        row.operator("avface.paint_trust", text="Picture", icon="HIDE_OFF").sense = "picture"
        row.operator("avface.paint_trust", text="Sound", icon="SPEAKER").sense = "sound"
        row.operator("avface.paint_trust", text="Clear", icon="X").sense = "neither"
        said = layout.row()
        said.active = False
        preview = context.scene.use_preview_range
        said.label(text="In the preview range" if preview else "Press one, drag over the timeline")
        if head:
            trust_painter.draw_stretches(layout.column(align=True), head)
        layout.operator("avface.solve_trust", icon="FILE_REFRESH")


class AVFACE_PT_clean_up(_TakePanel, bpy.types.Panel):
    bl_label = "Clean-Up"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, action = self.layout, filtered_action(context)
        if action is None:
            layout.label(text="No take plays")
            return
        layout.operator("avface.set_neutral", icon="USER")
        frame = neutral.frame_of(action)
        if frame is not None:
            row = layout.row(align=True)
            row.label(text=f"Frame {frame:g} is neutral")
            row.operator("avface.set_neutral", text="", icon="X", emboss=False).clear = True
        for region in REGIONS:
            settings = getattr(action.avface_filters, region)
            column = layout.column(align=True)
            column.label(text=region.capitalize())
            for fields in (("smooth", "strength"), ("offset", "hold")):
                row = column.row(align=True)
                for field in fields:
                    row.prop(settings, field)
        layout.prop(action.avface_filters, "tolerance", slider=True)
        layout.operator("avface.reset_filters", icon="LOOP_BACK")


class AVFACE_PT_look(_TakePanel, bpy.types.Panel):
    bl_label = "Look"
    bl_order = 5
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, head = self.layout, selected_head(context)
        skin = skin_material(head) if head else None
        layout.use_property_split = True
        layout.use_property_decorate = False
        for text, socket in (look_sockets(skin) if skin else {}).items():
            layout.prop(socket, "default_value", text=text, slider=True)
        layout.operator("avface.add_lights", icon="LIGHT_AREA")


CLASSES = (
    AVFACE_PT_takes,
    AVFACE_PT_review,
    AVFACE_PT_trust,
    AVFACE_PT_clean_up,
    AVFACE_PT_look,
)
