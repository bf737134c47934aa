"""What the panels of the sidebar share."""

import textwrap

_CHARACTER_PX = 6.6  # mean width of a letter of the default font at scale 1
_MARGIN_PX = 50


class SidebarPanel:
    """The tab AVFace of the 3D view's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AVFace"


def optional(layout, settings, name: str) -> None:
    """A value that counts only when its box, `use_NAME`, is ticked."""
    row = layout.row(heading=settings.bl_rna.properties[name].name)
    row.prop(settings, f"use_{name}", text="")
    value = row.row()
    value.active = getattr(settings, f"use_{name}")
    value.prop(settings, name, text="")


def paragraph(layout, text: str, context, icon: str = "BLANK1") -> None:
    """A sentence on as many lines as the sidebar's width asks for: labels don't wrap."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 where there is no window
    letters = (context.region.width - _MARGIN_PX * scale) / (_CHARACTER_PX * scale)
    column = layout.column(align=True)
    for index, line in enumerate(textwrap.wrap(text, max(16, int(letters)))):
        column.label(text=line, icon=icon if index == 0 else "BLANK1")
