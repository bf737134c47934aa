"""Photograph a head in a small studio: key, fill and two rim lights, skin, wet eyes.

Made for judging a performance at a glance, so it leans on what shows form: soft shadows, a tinted
terminator, dark cavities, catch-lights.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from ..exchange.gloss import oiliness
from ..exchange.hair import BARE_MM, comb, grows_hair, strand_colours
from ..exchange.lashes import UPPER_LIDS, grow_lashes
from ..geometry import embed, project, vertex_normals
from ..head.model import Head
from ..render import visible_faces
from ..render.occlusion import ambient_openness, polygon_area, seen_from, through_polygon
from ..srgb import linear_from_srgb
from .shading import KEY, Lights, Maps, develop
from .strands import Hair, Lens, draw_hair, draw_lashes
from .vertices import AMBIENT, COLUMNS, FACE, FINISH, LIT, NORMAL, Surface, fill_normals

_FADE_M = 0.022
_FADE_FROM, _FADE_TO = 0.85, 0.3  # of that way out of the face: there its share falls from 1 to 0
_HAIR_REACH_M, _HAIR_SHADE = 0.07, 0.75  # round the scalp, darker than this share of the skin
_HAIR_FADE_M = 0.018
# So much less a forehead's share, where hair may fall over it: all of it up to so far from the
# scalp, none at twice that, nor at the brows.
_FRINGE, _FRINGE_M, _FRINGE_FROM_M = 0.015, 0.025, 0.01
# Behind the jaw's edge the film's own shadow is shown: there skin looks down, by the cosines.
_JAW, _JAW_M, _LOOKS_DOWN = slice(0, 17), 0.006, (0.8, 0.97)
_EXPOSED_FOR = 0.22  # linear reflectance of the skin at which the camera's exposure is 1
_ADAPTATION = 0.35  # a photographer opens the lens for dark skin, not until it is light
# Light in the mouth, so that over 14 clips teeth and tongue are as bright beside the skin as in
# the films: of what comes through the lips; the share of it that doesn't ask where a surface
# looks; how much more comes from above; what flesh scatters, half of it at an opening of 2 cm2, all
# of it where this share of the open comes through the lips.
_OPEN, _SOFT, _FROM_ABOVE = 0.28, 0.3, 0.8
_SCATTERED, _HALF_OPEN_M2, _DEEP = 0.6, 2e-4, 0.1
# Teeth stand before a tongue: the share of the light that passes them, so far behind the lips.
_PAST_TEETH, _BEHIND_M = 0.5, (0.004, 0.012)
# Light on the eyes, so that over 13 clips whites and irises, above and below, are as bright beside
# the skin as in the films: from where the shadow of the upper lid and its lashes ends; the share of
# the light that it leaves; what reaches whites beyond it, and irises, to which corneas bend more.
_LID_SHADOW_M, _IN_SHADOW = 0.006, 0.25
_ON_WHITE, _ON_IRIS = 0.34, 0.72
_KEY_ON_WHITE = 1.35  # the studio's key is more of its light than films' lamps are: so much more
# How far the roots of lashes lie over the upper lids' edges, and the light that they leave there.
_LASHES_M, _IN_LASHES = (0.0008, 0.0022), 0.25
_MOUTH = ("mouth_inside", "upper_teeth", "lower_teeth", "tongue")
_EYES = ("left_eye", "right_eye")

# How strongly a surface mirrors, how sharply (exponent), how wet it is.
_SKIN = (0.34, 13.0, 0.0)
_FINISHES = (
    (("scalp",), (0.12, 9.0, 0.0)),
    (("brows",), (0.15, 9.0, 0.0)),
    (("lips",), (0.6, 30.0, 0.0)),
    (("mouth_inside", "tongue"), (0.7, 34.0, 0.05)),
    (("upper_teeth", "lower_teeth"), (0.35, 40.0, 0.04)),
    (_EYES, (1.2, 190.0, 1.0)),
)
_OILY_SHARPER = 14.0  # exponent added where a surface mirrors twice as much
_UNEVEN = 0.22  # standard deviation of the gloss from vertex to vertex: skin is no glaze
_NECK_FADE_M = 0.035  # from the neck's open end: there the studio's light ends


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


@dataclass(frozen=True)
class Sitter:
    """One person, ready to be drawn in any pose."""

    head: Head
    shape: np.ndarray  # (S,)
    texture: np.ndarray  # (h, w, 3) uint8, sRGB, on the head's UV sheet
    hair: np.ndarray | None = None  # (V,) mm that it stands off the skin; None: painted alone
    hair_hangs: float = 0.0  # mm below the ears

    @cached_property
    def rest(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and joints of the person at rest."""
        return self.head.rest(self.shape)

    @cached_property
    def casters(self) -> np.ndarray:
        """The triangles that throw shadows, (n, 3): not the eyes and what is in the mouth."""
        skin = ~self.mask(*_EYES, *_MOUTH[1:])
        faces = self.head.file.faces
        return np.ascontiguousarray(faces[skin[faces].all(1)])

    @cached_property
    def ambient(self) -> np.ndarray:
        """How open each vertex lies at rest, (V,); upper lids' edges between their lashes."""
        vertices, faces = self.rest[0], self.head.file.faces
        edges = embed(vertices, faces, self.head.file.landmarks_468)[
            np.array(UPPER_LIDS)
        ]  # (2, 9, 3)
        along = np.linspace(0, 8, 65)
        points = [
            np.stack([np.interp(along, range(9), axis) for axis in edge.T], 1) for edge in edges
        ]
        away = KDTree(np.concatenate(points)).query(vertices)[0]
        share = np.clip((away - _LASHES_M[0]) / (_LASHES_M[1] - _LASHES_M[0]), 0, 1)
        between = np.where(self.mask(*_EYES), 1, _IN_LASHES + (1 - _IN_LASHES) * share)
        return ambient_openness(vertices, faces) * between

    @cached_property
    def above_neck(self) -> np.ndarray:
        """1 on the head, falling to nearly 0 where the neck is cut off, (V,) float32."""
        vertices, faces = self.rest[0], self.head.file.faces
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        edges, times = np.unique(edges, axis=0, return_counts=True)
        chin = embed(vertices, faces, self.head.file.landmarks_68)[8, 1]
        rim = np.unique(edges[times == 1])
        rim = rim[vertices[rim, 1] < chin - _NECK_FADE_M]
        if not len(rim):
            return np.ones(len(vertices), np.float32)
        share = np.clip(KDTree(vertices[rim]).query(vertices)[0] / _NECK_FADE_M, 0.08, 1)
        return share.astype(np.float32)

    @cached_property
    def islands(self) -> np.ndarray:
        """Which piece of the UV sheet each triangle lies on, (F,) int32."""
        corners, count = self.head.file.uv_faces, len(self.head.file.uv)
        rows, columns = corners.ravel(), np.roll(corners, 1, axis=1).ravel()
        joined = coo_array((np.ones(len(rows)), (rows, columns)), (count, count))
        return connected_components(joined, directed=False)[1][corners[:, 0]]

    @cached_property
    def finish(self) -> np.ndarray:
        """(V, 3) float32: strength, sharpness and wetness of the mirror."""
        vertices = self.rest[0]
        out = np.tile(np.array(_SKIN, np.float32), (len(vertices), 1))
        oil = oiliness(self.head.file, vertices)
        grain = np.random.default_rng(0).normal(1, _UNEVEN, len(vertices))
        out[:, 0] *= (0.75 + oil) * np.clip(grain, 0.4, 1.6)
        out[:, 1] += _OILY_SHARPER * oil
        for names, finish in _FINISHES:
            out[self.mask(*names)] = finish
        return out

    @cached_property
    def face(self) -> np.ndarray:
        """1 in the face, falling to 0 over 2 cm beyond it and towards the hair, (V,) float32.

        A little less than 1 where hair may fall over the forehead.
        """
        inside, hair = self.mask("face", *_MOUTH, *_EYES), self.hairy
        vertices = self.rest[0]
        share = np.clip(1 - KDTree(vertices[inside]).query(vertices)[0] / _FADE_M, 0, 1)
        away = KDTree(vertices[hair]).query(vertices)[0] if hair.any() else np.inf
        share *= np.clip(away / _HAIR_FADE_M, 0, 1)
        share = np.clip((share - _FADE_TO) / (_FADE_FROM - _FADE_TO), 0, 1)
        share = share * share * (3 - 2 * share)
        brows = vertices[self.mask("brows"), 1].max(initial=-np.inf)
        above = np.clip((vertices[:, 1] - brows) / _FRINGE_FROM_M, 0, 1)
        share *= 1 - _FRINGE * above * np.clip(2 - away / _FRINGE_M, 0, 1)
        return (share * self._above_jaw).astype(np.float32)

    @cached_property
    def _above_jaw(self) -> np.ndarray:
        """1 on the face, falling to 0 behind the jaw's edge, where its shadow lies, (V,)."""
        vertices, faces = self.rest[0], self.head.file.faces
        jaw = embed(vertices, faces, self.head.file.landmarks_68)[_JAW]
        edge = np.interp(vertices[:, 0], *jaw[np.argsort(jaw[:, 0]), :2].T)
        beneath = np.clip((edge + _JAW_M - vertices[:, 1]) / _JAW_M, 0, 1)
        down = -vertex_normals(vertices, faces)[:, 1]
        behind = np.clip((down - _LOOKS_DOWN[0]) / (_LOOKS_DOWN[1] - _LOOKS_DOWN[0]), 0, 1)
        return 1 - beneath * behind

    @cached_property
    def hairy(self) -> np.ndarray:
        """The scalp, and what is as dark as hair near it, (V,) bool."""
        scalp, vertices = self.mask("scalp"), self.rest[0]
        if not scalp.any():
            return scalp
        skin = np.median(self.painted[self.mask("face")], axis=0).mean()
        dark = self.painted.mean(1) < _HAIR_SHADE * skin
        near = KDTree(vertices[scalp]).query(vertices)[0] < _HAIR_REACH_M
        return scalp | (dark & near & ~self.mask("brows", *_MOUTH, *_EYES))

    @cached_property
    def strands(self) -> Hair | None:
        """Hair to draw; None where it is painted alone."""
        if self.hair is None or not grows_hair(self.head.file, self.hair):
            return None
        groom = comb(self.head.file, self.rest[0], self.hair, self.hair_hangs)
        colour = strand_colours(groom, self._painted_at(groom.uv))
        return Hair(groom, colour, np.flatnonzero(self.hair > BARE_MM))

    @cached_property
    def painted(self) -> np.ndarray:
        """The texture's linear reflectance at each vertex, (V, 3)."""
        file = self.head.file
        uv = np.zeros((len(file.template), 2))
        uv[file.faces.ravel()] = file.uv[file.uv_faces.ravel()]
        return self._painted_at(uv)

    def _painted_at(self, uv: np.ndarray) -> np.ndarray:
        """Linear reflectance (n, 3) at places (n, 2) on the sheet."""
        side = np.array(self.texture.shape[1::-1])
        column, row = np.clip(uv * [1, -1] * side + [0, side[1]], 0, side - 1).astype(int).T
        return linear_from_srgb(self.texture[row, column])

    @cached_property
    def exposure(self) -> np.float32:
        """How far the studio's lens is opened for this person's skin."""
        face = self.mask("face")
        if not face.any():
            return np.float32(1)
        skin = float(np.median(self.painted[face].mean(1)))
        return np.float32(np.clip((_EXPOSED_FOR / max(skin, 1e-3)) ** _ADAPTATION, 0.8, 1.6))

    @cached_property
    def in_mouth(self) -> np.ndarray:
        """Vertices lit only through the lips, (V,) bool."""
        return self.mask(*_MOUTH)

    @cached_property
    def in_socket(self) -> np.ndarray:
        """The eyeballs, (V,) bool: they turn under the lids' shadow."""
        return self.mask(*_EYES)

    @cached_property
    def upper_lids(self) -> np.ndarray:
        """The eyelids above the middle of the eyes, (V,) bool."""
        middle = self.rest[0][self.in_socket, 1].mean() if self.in_socket.any() else 0.0
        return self.mask("eyelids") & (self.rest[0][:, 1] > middle)

    @cached_property
    def eye_light(self) -> np.ndarray:
        """The share of the light that reaches each vertex of the eyes between the lids, (n,)."""
        file, vertices = self.head.file, self.rest[0]
        rings = embed(vertices, file.faces, file.iris).reshape(2, 5, 3)
        nearest = np.full(int(self.in_socket.sum()), np.inf)
        for ring in rings:
            radius = np.linalg.norm(ring[1:] - ring[0], axis=1).mean()
            away = np.linalg.norm(vertices[self.in_socket] - ring[0], axis=1)
            nearest = np.minimum(nearest, away / radius)
        return np.where(nearest < 1, _ON_IRIS, _ON_WHITE)

    def mask(self, *names: str) -> np.ndarray:
        """The vertices of any of the head's masks, (V,) bool."""
        nobody = np.zeros(len(self.head.file.template), bool)
        return np.any([self.head.file.masks.get(name, nobody) for name in names], axis=0)


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
    reached, scattered = _through_lips(sitter, vertices, normals[mouth])
    ambient[mouth] = _OPEN * reached + scattered
    lit[mouth] = (0.35 + 0.65 * lit[mouth]) * (reached + scattered)
    ambient[eyes] = _beside_lids(sitter, vertices)
    lit[eyes] *= np.minimum(ambient[eyes] / _ON_IRIS, 1)
    lit[eyes] *= np.where(sitter.eye_light < _ON_IRIS, _KEY_ON_WHITE, 1)
    table[:, AMBIENT] = ambient * sitter.above_neck
    table[:, LIT] = lit * sitter.above_neck
    table[:, FINISH : FINISH + 3] = sitter.finish
    table[mouth, FINISH] *= reached
    table[:, FACE] = sitter.face
    return table


def _beside_lids(sitter: Sitter, vertices: np.ndarray) -> np.ndarray:
    """How open the eyes lie, (n,): the upper lid and its lashes keep light from what is near."""
    eyes, lids = sitter.in_socket, sitter.upper_lids
    if not lids.any():
        return sitter.eye_light
    away = KDTree(vertices[lids]).query(vertices[eyes], distance_upper_bound=_LID_SHADOW_M)[0]
    share = np.minimum(away / _LID_SHADOW_M, 1)
    return sitter.eye_light * (_IN_SHADOW + (1 - _IN_SHADOW) * share)


def _through_lips(
    sitter: Sitter, vertices: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The light in the mouth, (n,) each: what comes straight through the lips, what flesh scatters.

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
    return reached * past_teeth, scattered * past_teeth
