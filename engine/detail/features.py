"""Brows and lips as the clip shows them, on the head's texture: no two people's are alike."""

import numpy as np

from .appearance import Face
from .brows import paint_brows
from .lips import paint_lips


def paint_features(texture: np.ndarray, face: Face | None) -> np.ndarray:
    """A person's texture (n, n, 3) uint8 sRGB with their own brows and lips.

    The same where the clip shows too little of the face.
    """
    if face is None:
        return texture
    for paint in (paint_brows, paint_lips):
        texture = paint(texture, face.own, face.known, face.canvas.sheet)
    return texture
