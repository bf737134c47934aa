"""iBUG's 68 landmarks: where on MediaPipe's mesh they lie, what region each is of."""

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.take import REGIONS

_CONTOUR = 17  # the first points lie on the outline
MESH_NEAR_68 = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])  # fmt: skip
"""The mesh's point at or next to each landmark, (68,)."""
# Those that lie on the way from that point to another one, and how far: iBUG spaces a brow's points
# evenly, begins the bridge level with the eyes and halves a lip's edge between corner and peak.
_ON_THE_WAY = {
    18: (105, 0.28), 19: (66, 0.35), 20: (107, 0.24), 23: (336, 0.24), 24: (296, 0.35),
    25: (334, 0.28), 27: (6, 0.5), 49: (40, 0.47), 53: (270, 0.47), 55: (321, 0.57),
    59: (91, 0.57),
}  # fmt: skip
REGION_OF_68 = np.repeat(
    [REGIONS.index(name) for name in ("face", "brows", "face", "right_eye", "left_eye", "mouth")],
    [17, 10, 9, 6, 6, 20],
)
"""The place in `REGIONS` of each landmark's region, (68,)."""


def mesh_to_68(mesh: np.ndarray) -> np.ndarray:
    """The 68 landmarks of MediaPipe's points, any unit: (..., 468 or more, C) -> (..., 68, C).

    Sagonas, Tzimiropoulos, Zafeiriou, Pantic 2013 say where they are.
    """
    points = mesh[..., MESH_NEAR_68, :].astype(float)
    between = list(_ON_THE_WAY)
    ends, shares = zip(*_ON_THE_WAY.values(), strict=True)
    way = mesh[..., ends, :] - points[..., between, :]
    points[..., between, :] += np.array(shares)[:, None] * way
    return points


def middle_of_face(file: HeadFile, values: np.ndarray) -> np.ndarray:
    """The mean of values at the vertices, (V, ...), over the mesh's points inside the outline.

    Of places it is the point by which trained networks say where a face lies: it stays.
    """
    face, weights = (part[MESH_NEAR_68[_CONTOUR:]] for part in file.landmarks_468)
    return np.einsum("lk,lk...->...", weights / len(face), values[file.faces[face]])
