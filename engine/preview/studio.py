"""Photograph a head in a small studio: key, fill and two rim lights, skin, wet eyes.

Made for judging a performance at a glance, so it leans on what shows form: soft shadows, a tinted
terminator, dark cavities, catch-lights.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..exchange.lashes import grow_lashes
from ..geometry import project
from ..head.mouth_light import light_in_mouth, out_of_mouth
from ..render import visible_faces
from ..render.occlusion import seen_from
from .lighting import KEY, Lights
from .shading import Maps, develop
from .sitter import Sitter, upper_lids
from .strands import Lens, draw_hair, draw_lashes
from .vertices import (
    AMBIENT,
    COLUMNS,
    FACE,
    FINISH,
    GONE,
    LIT,
    NORMAL,
    THROUGH,
    Surface,
    fill_normals,
)

_KEY_IN_MOUTH = 1.6  # the studio's key stands before the lips
# Light on the eyes, so that over 13 clips whites and irises, above and below, are as bright beside
# the skin as in the films: from where the shadow of the upper lid and its lashes ends; the share of
# the light that it leaves; what reaches whites beyond it, and irises, to which corneas bend more.
_LID_SHADOW_M, _IN_SHADOW = 0.006, 0.3
_ON_WHITE, _ON_IRIS = 0.34, 0.72
# Round the corners both lids and their lashes keep it off: so far, and the share that is left.
_CORNER_M, _IN_CORNER = 0.006, 0.35
_KEY_ON_WHITE = 1.35  # the studio's key is more of its light than films' lamps are: so much more
_ALL_HAIR = 0.8  # of a pixel: what ends beneath it makes no outline


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
    film = np.ascontiguousarray(film, np.float32)
    lights = Lights(sitter.exposure, film, _mainly_from(film), out_of_mouth(file, vertices))
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
        shot.outline[hair > _ALL_HAIR] = False
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
    straight, flesh, ambient[mouth] = light_in_mouth(file, vertices)
    lit[mouth] = (0.35 + 0.65 * lit[mouth]) * np.minimum(_KEY_IN_MOUTH * ambient[mouth], 1)
    ambient[eyes] = _beside_lids(sitter, vertices)
    lit[eyes] *= np.minimum(ambient[eyes] / _ON_IRIS, 1)
    lit[eyes] *= np.where(sitter.on_iris, 1, _KEY_ON_WHITE)
    table[:, AMBIENT], table[:, LIT], table[:, GONE] = ambient, lit, sitter.neck_end
    table[:, FINISH : FINISH + 3] = sitter.finish
    table[mouth, FINISH] *= np.where(flesh, straight**2, straight)  # lips hide most lamps from it
    table[:, FACE] = sitter.face
    table[mouth, THROUGH] = flesh
    return table


def _beside_lids(sitter: Sitter, vertices: np.ndarray) -> np.ndarray:
    """How open the eyes lie, (n,): upper lids, corners and lashes keep light from what is near."""
    eyes = vertices[sitter.in_socket]
    between = np.where(sitter.on_iris, _ON_IRIS, _ON_WHITE)
    if not len(eyes):
        return between
    edges = upper_lids(sitter.head.file, vertices)
    for places, reach, left in (
        (edges.reshape(-1, 3), _LID_SHADOW_M, _IN_SHADOW),
        (edges[:, [0, -1]].reshape(-1, 3), _CORNER_M, _IN_CORNER),
    ):
        away = KDTree(places).query(eyes, distance_upper_bound=reach)[0]
        between = between * (left + (1 - left) * np.minimum(away / reach, 1))
    return between
