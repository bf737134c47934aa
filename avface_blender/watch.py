"""One timer for all that goes on outside Blender; it runs only while there is something to watch.

No timer fires where Blender has no window: there `finish` waits instead.
"""

import time
from collections.abc import Callable

import bpy

from .views import all_areas

POLL_SECONDS = 0.2

_watched: list[Callable[[], bool]] = []


def add(poll: Callable[[], bool]) -> None:
    """Call `poll` from now on until it says False: nothing more to see. It must never block."""
    if poll not in _watched:
        _watched.append(poll)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=POLL_SECONDS, persistent=True)


def finish(poll: Callable[[], bool]) -> None:
    """Poll to the end: for where no timer fires."""
    while poll():
        time.sleep(POLL_SECONDS / 4)
    if poll in _watched:
        _watched.remove(poll)


def unregister() -> None:
    """Forget everything: the add-on is disabled."""
    _watched.clear()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def redraw(area_type: str = "VIEW_3D", whole: bool = False) -> None:
    """Have the sidebars of the 3D views, or the preferences, drawn anew; `whole`: all of them."""
    region_type = "UI" if area_type == "VIEW_3D" else "WINDOW"
    for area in all_areas():
        for region in area.regions:
            if area.type == area_type and (whole or region.type == region_type):
                region.tag_redraw()


def _tick() -> float | None:
    for poll in list(_watched):
        if not poll() and poll in _watched:
            _watched.remove(poll)
    return POLL_SECONDS if _watched else None
