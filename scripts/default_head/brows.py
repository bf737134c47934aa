"""Brows that rise as far as people's do: the CC0 units move their middle 3.4 mm at most."""

import numpy as np

from engine.geometry import vertex_normals

from .anatomy import Anatomy
from .fairing import pick, smooth_field
from .units import SIDES, half

# Rise in mm from the inner to the outer end of the brow.
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
RISES_MM = {
    "browInnerUp": (7.0, 5.8, 3.4, 1.0, 0.2),
    "browOuterUp": (0.3, 1.6, 3.6, 6.0, 5.6),
}
START = 1.25  # of the CC0 unit, from which the skin around the brows is bent least
LID_MARGIN = 0.011  # m above the eyes' middle: below, the lids keep the unit as it is
FOREHEAD = 0.080  # m above the eyes: where the skin stays


def brow_place(points: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """0 at the inner end of a brow, 1 at its outer end, (V,). `eye` is the left eye's middle."""
    return (np.abs(points[:, 0]) - eye[0] + 0.019) / 0.045


def raise_brows(
    anatomy: Anatomy,
    template: np.ndarray,
    eye: np.ndarray,
    brows: np.ndarray,
    units: dict[str, np.ndarray],
) -> None:
    """Rebuild browInnerUp and browOuterUp round the vertices `brows` (V,) bool, in place."""
    height = template[:, 1] - eye[1]
    skin = np.arange(len(template)) < len(anatomy.skin.vertices)
    ahead = template[:, 2] > eye[2] - 0.045
    region = skin & ahead & (height > LID_MARGIN) & (height < FOREHEAD)
    normal = vertex_normals(template, anatomy.faces)
    upward = np.array([0, 1.0, 0]) - normal[:, 1:2] * normal
    upward /= np.maximum(np.linalg.norm(upward, axis=1, keepdims=True), 1e-9)
    own = np.flatnonzero(brows)
    place = brow_place(template, eye)[own]
    for name, rises in RISES_MM.items():
        start = START * (units[name + "Left"] + units[name + "Right"])
        rise = np.interp(place, PLACES, rises) / 1000
        wished = rise[:, None] * upward[own]
        rows = 0.2 * pick(own, len(template))
        both = smooth_field(anatomy, region, rows, 0.2 * wished, start=start, hold=1e-4)
        both = anatomy.symmetric(both)
        for side in SIDES:
            units[name + side][:] = half(anatomy, both, side)
