"""One person, ready to be drawn in any pose: what of a head stays the same from frame to frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from ..easing import ease
from ..exchange.gloss import oiliness
from ..exchange.hair import comb, grows_hair, strand_colours
from ..exchange.head_file import HeadFile
from ..exchange.lashes import UPPER_LIDS
from ..exchange.skull import BARE_MM
from ..geometry import embed, vertex_normals
from ..head.model import Head
from ..head.mouth_light import INSIDE, in_mouth
from ..render.occlusion import ambient_openness
from ..srgb import linear_from_srgb
from .neck import neck_end
from .strands import Hair, among_others

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
_ADAPTATION = 0.2  # a photographer opens the lens for dark skin, not until it is light


# How far the roots of lashes lie over the upper lids' edges, and the light that they leave there.
_LASHES_M, _IN_LASHES = (0.0008, 0.0022), 0.25
_EYES = ("left_eye", "right_eye")


# How strongly a surface mirrors, how sharply (exponent), how wet it is.
_SKIN = (0.34, 13.0, 0.0)
_FINISHES = (
    (("scalp",), (0.05, 9.0, 0.0)),
    (("brows",), (0.05, 9.0, 0.0)),
    (("lips",), (0.3, 30.0, 0.0)),
    (("mouth_inside", "tongue"), (0.7, 34.0, 0.05)),
    (("upper_teeth", "lower_teeth"), (0.35, 40.0, 0.04)),
    (_EYES, (1.2, 190.0, 1.0)),
)
_OILY_SHARPER = 14.0  # exponent added where a surface mirrors twice as much
_UNEVEN = 0.22  # standard deviation of the gloss from vertex to vertex: skin is no glaze


def upper_lids(head: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """Points on the edges of the upper lids, from corner to corner: (2, 65, 3) of (V, 3)."""
    edges = embed(vertices, head.faces, head.landmarks_468)[np.array(UPPER_LIDS)]  # (2, 9, 3)
    along = np.linspace(0, 8, 65)
    lines = [np.stack([np.interp(along, range(9), axis) for axis in edge.T], 1) for edge in edges]
    return np.stack(lines)


@dataclass(frozen=True)
class Sitter:
    """One person, ready to be drawn in any pose."""

    head: Head
    shape: np.ndarray  # (S,)
    texture: np.ndarray  # (h, w, 3) uint8, sRGB, on the head's UV sheet
    hair: np.ndarray | None = None  # (V,) mm that it stands off the skin; None: painted alone
    hair_hangs: float = 0.0  # mm below the ears
    hair_falls: np.ndarray | None = None  # over the forehead, as `comb` takes it
    hair_parting: float | None = None  # degrees round the head; None: not parted

    @cached_property
    def rest(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and joints of the person at rest."""
        return self.head.rest(self.shape)

    @cached_property
    def casters(self) -> np.ndarray:
        """The triangles that throw shadows, (n, 3): not the eyes and what is in the mouth."""
        skin = ~self.mask(*_EYES, *INSIDE[1:])
        faces = self.head.file.faces
        return np.ascontiguousarray(faces[skin[faces].all(1)])

    @cached_property
    def ambient(self) -> np.ndarray:
        """How open each vertex lies at rest, (V,); upper lids' edges between their lashes."""
        vertices, faces = self.rest[0], self.head.file.faces
        away = KDTree(upper_lids(self.head.file, vertices).reshape(-1, 3)).query(vertices)[0]
        share = np.clip((away - _LASHES_M[0]) / (_LASHES_M[1] - _LASHES_M[0]), 0, 1)
        between = np.where(self.mask(*_EYES), 1, _IN_LASHES + (1 - _IN_LASHES) * share)
        return ambient_openness(vertices, faces) * between

    @cached_property
    def neck_end(self) -> np.ndarray:
        """0 on the head, rising to 1 where the neck is cut off, (V,) float32."""
        return neck_end(self.head.file, self.rest[0])

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
        inside, hair = self.mask("face", *INSIDE, *_EYES), self.hairy
        vertices = self.rest[0]
        share = np.clip(1 - KDTree(vertices[inside]).query(vertices)[0] / _FADE_M, 0, 1)
        away = KDTree(vertices[hair]).query(vertices)[0] if hair.any() else np.inf
        share *= np.clip(away / _HAIR_FADE_M, 0, 1)
        share = ease((share - _FADE_TO) / (_FADE_FROM - _FADE_TO))
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
        return scalp | (dark & near & ~self.mask("brows", *INSIDE, *_EYES))

    @cached_property
    def strands(self) -> Hair | None:
        """Hair to draw; None where it is painted alone."""
        if self.hair is None or not grows_hair(self.head.file, self.hair):
            return None
        style = self.hair_hangs, self.hair_falls, self.hair_parting
        groom = comb(self.head.file, self.rest[0], self.hair, *style)
        colour = among_others(strand_colours(groom, self._painted_at(groom.uv)))
        return Hair(groom, colour, np.flatnonzero(self.hair > BARE_MM))

    @cached_property
    def painted(self) -> np.ndarray:
        """The texture's linear reflectance at each vertex, (V, 3)."""
        return self._painted_at(self.head.file.vertex_uv)

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
        return in_mouth(self.head.file)

    @cached_property
    def in_socket(self) -> np.ndarray:
        """The eyeballs, (V,) bool: they turn under the lids' shadow."""
        return self.mask(*_EYES)

    @cached_property
    def on_iris(self) -> np.ndarray:
        """Which vertices of the eyes lie within the irises' rims, (n,) bool."""
        file, vertices = self.head.file, self.rest[0]
        rings = embed(vertices, file.faces, file.iris).reshape(2, 5, 3)
        nearest = np.full(int(self.in_socket.sum()), np.inf)
        for ring in rings:
            radius = np.linalg.norm(ring[1:] - ring[0], axis=1).mean()
            away = np.linalg.norm(vertices[self.in_socket] - ring[0], axis=1)
            nearest = np.minimum(nearest, away / radius)
        return nearest < 1

    def mask(self, *names: str) -> np.ndarray:
        """The vertices of any of the head's masks, (V,) bool."""
        return self.head.file.marked(*names)
