"""How landmarks look over the clip while they are dragged."""

# Attributes that we add to Blender's types can't be known to the type checker.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import textwrap

import bpy

from . import landmarks, overlay
from .following import HEADS_OWN
from .picking import Layout

_STILL, _FREE = (1.0, 1.0, 1.0, 0.5), (1.0, 1.0, 1.0, 0.9)
_RIM, _NEAR, _DRAGGED = (0.0, 0.0, 0.0, 0.6), (0.35, 0.75, 1.0, 1.0), (1.0, 0.75, 0.1, 1.0)
_EARLIER, _LATER = (0.35, 1.0, 0.45), (0.75, 0.5, 1.0)
_HELP = (
    "Drag a landmark to where the clip shows it.  X: put it back.  H: head.  O: onion.  Esc: done"
)
_LETTER_PX = 8  # mean width of the help's letters


def draw(
    at: landmarks.Shown,
    layout: Layout,
    width: float,
    mouse: tuple[float, float],
    held: int | None,
    onion: int,
) -> None:
    """Draw them over the view's picture, of which `width` px are free.

    `held` is the one that goes with the mouse, `onion` how many frames before and after are shown.
    """
    scale = bpy.context.preferences.system.ui_scale
    places = [layout.to_view(*place) for place in at.places]
    captured = [layout.to_view(*place) for place in at.captured]
    if held is not None:
        places[held] = mouse
    if onion:
        _draw_onion(at, layout, onion, scale)
    moved = {*at.dragged, *([held] if held is not None else [])}
    for number in moved:
        overlay.line(captured[number], places[number], _DRAGGED, 1.5 * scale)
    face = [k for k in range(len(places)) if k not in HEADS_OWN]
    overlay.discs([places[k] for k in sorted(HEADS_OWN - moved)], 2.5 * scale, _STILL)
    overlay.discs([places[k] for k in face], 4.5 * scale, _RIM)
    overlay.discs([places[k] for k in face if k not in moved], 3 * scale, _FREE)
    overlay.discs([places[k] for k in sorted(moved)], 4 * scale, _DRAGGED)
    near = landmarks.nearest(at, layout, mouse) if held is None else held
    if near is not None:
        overlay.discs([places[near]], 5 * scale, _NEAR)
    _draw_help(width, scale)


def _draw_help(width: float, scale: float) -> None:
    lines = textwrap.wrap(_HELP, max(int(width / (_LETTER_PX * scale)), 20))
    for k, line in enumerate(reversed(lines)):
        overlay.words(line, (width / 2, (48 + 20 * k) * scale), 14 * scale, _FREE, centred=True)


def _draw_onion(at: landmarks.Shown, layout: Layout, count: int, scale: float) -> None:
    """The landmarks of the frames around, fainter the farther, and the ways between them."""
    views = {k: [layout.to_view(*place) for place in at.around[k]] for k in at.around}
    views[0] = [layout.to_view(*place) for place in at.places]
    for step, colour in ((-1, _EARLIER), (1, _LATER)):
        for k in range(count, 0, -1):
            there, nearer = views.get(k * step), views.get((k - 1) * step)
            if there is None or nearer is None:
                continue
            strength = 0.85 * (1 - (k - 1) / (count + 0.5))
            overlay.lines(list(zip(there, nearer, strict=True)), (*colour, 0.5 * strength))
            overlay.discs(there, 2.2 * scale, (*colour, strength))
