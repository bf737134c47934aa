"""The person's own irises on the head's texture: as dark and of the hue that the clip shows.

The albedo's components carry fibres and rings; none of them gets as dark as dark eyes are.
"""

import numpy as np

from ..geometry import embed
from ..head.model import Head
from ..srgb import linear_from_srgb, srgb_from_linear
from .paint import DARKEST, own_hues

RINGS = (0.55, 0.65, 0.75)  # of the iris's radius: neither pupil nor rim
_MOST = 1.5  # log: the largest change; more is a lid's shadow or a lamp's reflection
_EDGE = 0.95, 1.08  # of the radius: all the clip's, all the model's


def iris_places(head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Middles (2, 2) and radii (2,) of the irises on the sheet, in its units."""
    file = head.file
    places = embed(file.uv, file.uv_faces, file.iris).reshape(2, 5, 2)
    return places[:, 0], np.linalg.norm(places[:, 1:] - places[:, :1], axis=2).mean(1)


def ring_places(head: Head) -> np.ndarray:
    """(n, 2) places on the sheet on the rings of both irises."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    return np.concatenate(
        [middle + share * radius * circle
         for middle, radius in zip(*iris_places(head), strict=True) for share in RINGS]
    )  # fmt: skip


def paint_irises(texture: np.ndarray, seen: np.ndarray, grey: float, head: Head) -> np.ndarray:
    """The texture with irises of the clip's colour in the mean of their rings.

    Args:
        texture: (n, n, 3) uint8 sRGB, the whole sheet.
        seen: (3,) log reflectance of the irises.
        grey: 0 to 1, how far the film has no hues of its own.
        head: Whose sheet it is.

    Returns:
        (n, n, 3) uint8 sRGB.
    """
    side = len(texture)
    column, row = np.clip(ring_places(head) * [1, -1] * side + [0, side], 0, side - 1).astype(int).T
    model = np.log(np.maximum(linear_from_srgb(texture[row, column]), DARKEST).mean(0))
    change = np.clip(own_hues(seen, model, grey) - model, -_MOST, _MOST)
    out = texture.copy()
    for middle, radius in zip(*iris_places(head), strict=True):
        x, y = middle[0] * side, (1 - middle[1]) * side
        reach = _EDGE[1] * radius * side
        rows, columns = (
            slice(max(int(c - reach), 0), min(int(c + reach) + 1, side)) for c in (y, x)
        )
        down, across = np.mgrid[rows, columns] + 0.5
        away = np.hypot(across - x, down - y) / (radius * side)
        share = np.clip((_EDGE[1] - away) / (_EDGE[1] - _EDGE[0]), 0, 1)[..., None]
        patch = linear_from_srgb(out[rows, columns])
        out[rows, columns] = srgb_from_linear(patch * np.exp(share * change))
    return out
