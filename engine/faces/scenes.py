"""Whether two pictures show the same room by the same camera, whoever moves in it.

What tells are edges in the same places: a wall without any is like every other wall.
"""

import cv2
import numpy as np

_SIZE = (64, 36)  # px of the pictures that are compared
_EDGE = 40.0  # Sobel, of 255: less is no edge
_ALIKE = 0.4  # edges differ by less of the stronger one
_LEAST_EDGES = 0.05  # of the picture: with fewer nobody can tell
# Of the edges: a room in which three people move, through a jump cut, .41 and more; other people
# before the same wall .20 at most.
_STAYS = 0.3


def scene_of(picture: np.ndarray) -> np.ndarray:
    """What is kept of a picture (H, W, 3) uint8 RGB to know its scene by: (36, 64) uint8."""
    step = max(1, picture.shape[1] // _SIZE[0])
    thin = np.ascontiguousarray(picture[::step, ::step])
    return cv2.cvtColor(cv2.resize(thin, _SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def same_scene(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two of `scene_of` have their edges in the same places."""
    first, second = _edges(one), _edges(other)
    stronger = np.maximum(np.hypot(*first), np.hypot(*second))
    here = stronger > _EDGE
    if here.mean() < _LEAST_EDGES:
        return False
    alike = np.hypot(*(first - second)) < _ALIKE * stronger
    return bool(alike[here].mean() > _STAYS)


def _edges(scene: np.ndarray) -> np.ndarray:
    """Slopes across and down, (2, H, W)."""
    return np.stack([cv2.Sobel(scene, cv2.CV_32F, 1, 0), cv2.Sobel(scene, cv2.CV_32F, 0, 1)])
