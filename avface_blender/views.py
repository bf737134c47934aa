"""Areas of Blender's windows: the 3D views among them, the largest, what shows its picture."""

from typing import Any

import bpy


def all_areas() -> list[Any]:
    """The areas of all windows."""
    manager: Any = bpy.context.window_manager
    return [area for window in manager.windows for area in window.screen.areas]


def views_of(screen: Any) -> list[Any]:
    """A screen's 3D views."""
    return [area for area in screen.areas if area.type == "VIEW_3D"]


def largest(areas: list[Any]) -> Any | None:
    """The area that covers most of the screen; None of none."""
    return max(areas, key=lambda area: area.width * area.height, default=None)


def main_region(area: Any) -> Any:
    """The part of an area that shows what it is for, without sidebars and headers."""
    return next(region for region in area.regions if region.type == "WINDOW")
