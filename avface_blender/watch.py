"""What goes on outside Blender, and one timer that looks at it while there is something to see.

No timer fires where Blender has no window: there `finish` waits instead.
"""

import time
from collections.abc import Callable

import bpy

from ..engine.exchange.protocol import Event
from .engine_client import EngineJob
from .views import all_areas

POLL_SECONDS = 0.2

_watched: list[Callable[[], bool]] = []
_works: list["Work"] = []


class Work:
    """What the engine does for one part of the add-on: one process at a time."""

    def __init__(
        self, hear: Callable[[list[Event]], None], end: Callable[[EngineJob], None]
    ) -> None:
        """`hear` gets what is new at each look, `end` the engine when it has gone."""
        self.engine: EngineJob | None = None
        self._hear, self._end = hear, end
        _works.append(self)

    def poll(self) -> bool:
        """Look at the engine; whether there will be more to see."""
        if self.engine is None:
            return False
        engine = self.engine
        self._hear(engine.poll())
        if engine.running or engine.outcome is None:
            return True
        self.engine = None
        self._end(engine)
        return self.engine is not None

    def cancel(self) -> None:
        """Ask the engine to end; looks go on until it has."""
        if self.engine:
            self.engine.cancel()


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
    """End every engine: the add-on is disabled, or Blender closes."""
    for work in _works:
        if work.engine:
            work.engine.end()
            work.engine = None
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
