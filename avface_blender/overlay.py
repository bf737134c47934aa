"""Shapes and words over a view, in its pixels: what draw handlers of the add-on draw with."""

import math
from itertools import pairwise
from typing import Any

import blf
import gpu
from gpu_extras.batch import batch_for_shader

Colour = tuple[float, float, float, float]  # as the screen shows it
Point = tuple[float, float]  # px from the view's lower left corner

_FONT = 0
_DISC_CORNERS = 16


def free_width(area: Any) -> int:
    """Width of a 3D view's picture, px, without what the sidebar covers of it."""
    regions = {region.type: region for region in reversed(list(area.regions))}  # the first of each
    picture, sidebar = regions["WINDOW"], regions["UI"]
    covers = sidebar.width > 1 and sidebar.x > picture.x
    return sidebar.x - picture.x if covers else picture.width


def rectangle(low: Point, high: Point, colour: Colour) -> None:
    """A filled rectangle."""
    (x0, y0), (x1, y1) = low, high
    _triangles([(x0, y0), (x1, y0), (x1, y1), (x0, y0), (x1, y1), (x0, y1)], colour)


def frame(low: Point, high: Point, colour: Colour, width: float) -> None:
    """The edge of a rectangle, `width` px inwards."""
    (x0, y0), (x1, y1) = low, high
    for corner, other in (
        ((x0, y0), (x1, y0 + width)), ((x0, y1 - width), (x1, y1)),
        ((x0, y0), (x0 + width, y1)), ((x1 - width, y0), (x1, y1)),
    ):  # fmt: skip
        rectangle(corner, other, colour)


def discs(centres: list[Point], radius: float, colour: Colour) -> None:
    """Filled circles."""
    turns = [2 * math.pi * k / _DISC_CORNERS for k in range(_DISC_CORNERS + 1)]
    rim = [(radius * math.cos(turn), radius * math.sin(turn)) for turn in turns]
    corners: list[Point] = []
    for x, y in centres:
        for (x0, y0), (x1, y1) in pairwise(rim):
            corners += [(x, y), (x + x0, y + y0), (x + x1, y + y1)]
    if corners:
        _triangles(corners, colour)


def line(begin: Point, end: Point, colour: Colour, width: float) -> None:
    """A straight line."""
    (x0, y0), (x1, y1) = begin, end
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    across = (-(y1 - y0) / length * width / 2, (x1 - x0) / length * width / 2)
    a, b = (x0 + across[0], y0 + across[1]), (x1 + across[0], y1 + across[1])
    c, d = (x1 - across[0], y1 - across[1]), (x0 - across[0], y0 - across[1])
    _triangles([a, b, c, a, c, d], colour)


def lines(ways: list[tuple[Point, Point]], colour: Colour) -> None:
    """Many straight lines, one pixel wide."""
    if not ways:
        return
    shader: Any = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "LINES", {"pos": [end for way in ways for end in way]}).draw(shader)
    gpu.state.blend_set("NONE")


def picture(texture: gpu.types.GPUTexture, low: Point, high: Point) -> None:
    """A picture, its lower left and upper right corner at these places."""
    (x0, y0), (x1, y1) = low, high
    shader = gpu.shader.from_builtin("IMAGE")
    shader.bind()
    shader.uniform_sampler("image", texture)
    places = {
        "pos": [(x0, y0), (x1, y0), (x1, y1), (x0, y0), (x1, y1), (x0, y1)],
        "texCoord": [(0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)],
    }
    batch_for_shader(shader, "TRIS", places).draw(shader)


def words(text: str, place: Point, size: float, colour: Colour, centred: bool = False) -> None:
    """One line of text, its lower left corner (or the middle of its foot) at `place`."""
    blf.size(_FONT, size)
    x, y = place
    if centred:
        x -= blf.dimensions(_FONT, text)[0] / 2
    blf.position(_FONT, x, y, 0)
    blf.color(_FONT, *colour)
    blf.draw(_FONT, text)


def _triangles(corners: list[Point], colour: Colour) -> None:
    shader: Any = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "TRIS", {"pos": corners}).draw(shader)
    gpu.state.blend_set("NONE")
