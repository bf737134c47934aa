"""Photograph a head in a small studio: key, fill and two rim lights, skin, wet eyes.

Made for judging a performance at a glance, so it leans on what shows form: soft shadows, a tinted
terminator, dark cavities, catch-lights.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..exchange.lashes import grow_lashes
from ..geometry import embed, project
from ..render import visible_faces
from ..render.occlusion import polygon_area, seen_from, through_polygon
from .shading import KEY, Lights, Maps, develop
from .sitter import Sitter
from .strands import Lens, draw_hair, draw_lashes
from .vertices import AMBIENT, COLUMNS, FACE, FINISH, GONE, LIT, NORMAL, Surface, fill_normals

# Light in the mouth, so that over 14 clips teeth and tongue are as bright beside the skin as in
# the films: of what comes through the lips; the share of it that doesn't ask where a surface
# looks; how much more comes from above; what flesh scatters, half of it at an opening of 2 cm2, all
# of it where this share of the open comes through the lips.
_OPEN, _SOFT, _FROM_ABOVE = 0.28, 0.3, 0.8
_SCATTERED, _HALF_OPEN_M2, _DEEP = 0.6, 2e-4, 0.1
# Teeth stand before a tongue: the share of the light that passes them, so far behind the lips.
_PAST_TEETH, _BEHIND_M = 0.5, (0.004, 0.012)
# Light on teeth, from films of 15 people who grin and speak: as in the open where lips are parted
# so far, m2, and drawn so wide, m; half as much in speech, whose lips stand out before the teeth.
# It comes from above: less under an upper lip, to teeth that see the opening so far below them.
_BARE_M2, _BARE_M, _BRIGHTEST = 3.3e-4, 0.05, 0.85
_UNDER_LIP, _LEFT_THERE = (-0.52, -0.15), 0.4  # sines
_CORNERS = 3, 7  # of the inner lips, as they are passed round
_KEY_ON_TEETH = 1.6  # the studio's key stands before the lips
# Light on the eyes, so that over 13 clips whites and irises, above and below, are as bright beside
# the skin as in the films: from where the shadow of the upper lid and its lashes ends; the share of
# the light that it leaves; what reaches whites beyond it, and irises, to which corneas bend more.
_LID_SHADOW_M, _IN_SHADOW = 0.006, 0.25
_ON_WHITE, _ON_IRIS = 0.34, 0.72
_KEY_ON_WHITE = 1.35  # the studio's key is more of its light than films' lamps are: so much more


@dataclass(frozen=True)
class Relief:
    """Tangent-space normal maps (h, w, 4) uint8, OpenGL +Y: `first` fading to `second`.

    Their alpha is the share of light that is left in cavities.
    """

    first: np.ndarray
    second: np.ndarray
    mix: float = 0.0


_PIXEL = np.full((1, 1, 4), 128, np.uint8)
_FLAT = Relief(_PIXEL, _PIXEL)


@dataclass(frozen=True)
class Shot:
    """A picture of a head, uint8."""

    colour: np.ndarray  # (H, W, 3) sRGB, not multiplied by the coverage
    filmed: np.ndarray  # (H, W, 3) the same in the clip's light; black off the face
    coverage: np.ndarray  # (H, W)
    bare: np.ndarray  # (H, W) the same without hair
    face: np.ndarray  # (H, W): 255 in the face, falling to 0 towards scalp, ears and neck
    outline: np.ndarray  # (H, W) bool: where one surface ends before another, hair excepted


def draw(
    sitter: Sitter,
    vertices: np.ndarray,
    focal: float,
    size: tuple[int, int],
    relief: Relief | None = None,
    centre: tuple[float, float] | None = None,
    light: np.ndarray | None = None,
) -> Shot:
    """The head as the studio's camera sees it.

    Args:
        sitter: who.
        vertices: (V, 3) camera space, metres.
        focal: px of the picture that is drawn.
        size: width, height in px.
        relief: normal maps of this frame.
        centre: principal point in px; the picture's middle when None.
        light: (9, 3) a clip's own light, in which the head is drawn once more.
    """
    file = sitter.head.file
    pixels = project(vertices, focal, size)
    if centre is not None:
        pixels = pixels + (np.array(centre) - np.array(size) / 2)
    samples = np.column_stack([pixels * 2, -vertices[:, 2]])
    doubled = (size[0] * 2, size[1] * 2)
    face_id, nearness = visible_faces(samples, file.faces, doubled, cull_back=True, turned=True)
    maps = relief or _FLAT
    surface = Surface(
        samples.astype(np.float32), file.faces, sitter.islands, file.uv_faces, file.uv,
        vertex_table(sitter, vertices, relief is not None),
    )  # fmt: skip
    texture = Maps(sitter.texture, maps.first, maps.second, np.float32(maps.mix))
    film = np.zeros((0, 3)) if light is None else light
    lights = Lights(sitter.exposure, np.ascontiguousarray(film, np.float32), _mainly_from(film))
    colour, filmed, coverage, face, outline = develop(face_id, nearness, surface, texture, lights)
    shot = Shot(colour, filmed, coverage, coverage.copy(), face, outline)
    middle = np.array(size) / 2 if centre is None else np.array(centre)
    lens = Lens(focal, middle, sitter.exposure)
    lashes = grow_lashes(file, vertices)
    if len(lashes):
        shown = (shot.colour,) if light is None else (shot.colour, shot.filmed)
        draw_lashes(shown, shot.coverage, nearness, lashes, lens)
    if sitter.strands is not None:
        moved = sitter.rest[0], vertices
        hair = draw_hair(shot.colour, shot.coverage, nearness, sitter.strands, moved, lens)
        shot.outline[hair > 0] = False
    return shot


def _mainly_from(film: np.ndarray) -> np.ndarray:
    """Towards where most light comes from, (3,) float32 unit: the mean of harmonics (9, 3)."""
    if not len(film):
        return KEY
    direction = film[1:4].sum(1)
    return (direction / max(np.linalg.norm(direction), 1e-9)).astype(np.float32)


def vertex_table(sitter: Sitter, vertices: np.ndarray, with_tangents: bool) -> np.ndarray:
    """(V, COLUMNS) float32: all that the shading wants from the vertices."""
    file = sitter.head.file
    table = np.zeros((len(vertices), COLUMNS), np.float32)
    table[:, :3] = vertices
    fill_normals(table, file.faces, file.uv_faces, file.uv, with_tangents)
    place, normals = table[:, :3], table[:, NORMAL : NORMAL + 3]
    lit = seen_from(place, normals, sitter.casters, KEY, soft=True)
    ambient = sitter.ambient.copy()
    mouth, eyes = sitter.in_mouth, sitter.in_socket
    reached, even, keyed = _through_lips(sitter, vertices, normals[mouth])
    ambient[mouth] = even
    lit[mouth] = (0.35 + 0.65 * lit[mouth]) * keyed
    ambient[eyes] = _beside_lids(sitter, vertices)
    lit[eyes] *= np.minimum(ambient[eyes] / _ON_IRIS, 1)
    lit[eyes] *= np.where(sitter.on_iris, 1, _KEY_ON_WHITE)
    table[:, AMBIENT], table[:, LIT], table[:, GONE] = ambient, lit, sitter.neck_end
    table[:, FINISH : FINISH + 3] = sitter.finish
    table[mouth, FINISH] *= reached
    table[:, FACE] = sitter.face
    return table


def _beside_lids(sitter: Sitter, vertices: np.ndarray) -> np.ndarray:
    """How open the eyes lie, (n,): the upper lid and its lashes keep light from what is near."""
    eyes, lids = sitter.in_socket, sitter.upper_lids
    between = np.where(sitter.on_iris, _ON_IRIS, _ON_WHITE)
    if not lids.any():
        return between
    away = KDTree(vertices[lids]).query(vertices[eyes], distance_upper_bound=_LID_SHADOW_M)[0]
    share = np.minimum(away / _LID_SHADOW_M, 1)
    return between * (_IN_SHADOW + (1 - _IN_SHADOW) * share)


def _through_lips(
    sitter: Sitter, vertices: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The light in the mouth, (n,) each: straight through the lips, all of the sky's, the key's.

    As shares of that in the open. Lamps and the sky are above: more comes to what looks up to the
    opening, lower teeth and tongue, than to what looks down to it. `normals` (n, 3) of the mouth.
    """
    file = sitter.head.file
    opening = embed(vertices, file.faces, file.landmarks_68)[67:59:-1]  # against the clock
    area = polygon_area(opening)
    wide = float(np.linalg.norm(area))
    light = through_polygon(opening, vertices[sitter.in_mouth])  # (n, 3)
    light[light @ area < 0] = area / max(wide, 1e-12)  # before the lips, as a tongue that is out
    strength = np.linalg.norm(light, axis=1)
    towards = light / np.maximum(strength, 1e-9)[:, None]
    facing = np.maximum((towards * normals).sum(1), 0)
    reached = strength * (_SOFT + (1 - _SOFT) * facing) * (1 + _FROM_ABOVE * towards[:, 1])
    near = np.sqrt(np.minimum(strength / _DEEP, 1))
    scattered = _SCATTERED * wide / (wide + _HALF_OPEN_M2) * near
    behind = (opening.mean(0) - vertices[sitter.in_mouth]) @ (area / max(wide, 1e-12))
    before = np.clip((_BEHIND_M[1] - behind) / (_BEHIND_M[1] - _BEHIND_M[0]), 0, 1)
    before[~sitter.mask("tongue")[sitter.in_mouth]] = 1
    past_teeth = _PAST_TEETH + (1 - _PAST_TEETH) * before
    reached, scattered = reached * past_teeth, scattered * past_teeth
    even, keyed = _OPEN * reached + scattered, reached + scattered
    teeth = sitter.mask("upper_teeth", "lower_teeth")[sitter.in_mouth]
    broad = float(np.linalg.norm(opening[_CORNERS[0]] - opening[_CORNERS[1]]))
    bare = _on_teeth(strength[teeth], towards[teeth, 1], wide, broad)
    even[teeth], keyed[teeth] = bare, np.minimum(_KEY_ON_TEETH * bare, 1)
    return reached, even, keyed


def _on_teeth(strength: np.ndarray, up: np.ndarray, wide: float, broad: float) -> np.ndarray:
    """The share of the light in the open that reaches teeth, (n,).

    Args:
        strength: (n,) what comes through the lips to a surface that looks at them.
        up: (n,) sine of the height at which the opening is seen.
        wide: The lips' opening, m2.
        broad: From corner to corner, m.
    """
    low, high = _UNDER_LIP
    past_lip = np.clip((up - low) / (high - low), 0, 1)
    light = np.sqrt(strength) * (wide / _BARE_M2) ** 0.6 * (broad / _BARE_M) ** 1.2
    light *= _LEFT_THERE + (1 - _LEFT_THERE) * past_lip
    return np.minimum(light, _BRIGHTEST)
