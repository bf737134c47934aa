"""How near the lower lip is to the teeth."""

import numpy as np

from engine.head.mouth import Mouth


def tuck_distance(mouth: Mouth, points: np.ndarray) -> np.ndarray:
    """From the lower lip to the upper incisors' edge, m: (T, M, 3) -> (T,)."""
    lip, edge = mouth.nearest_to_teeth(points)
    every = np.arange(len(points))
    return np.linalg.norm(points[every, edge] - points[every, lip], axis=-1)
