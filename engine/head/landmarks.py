"""The 68 landmarks: which points of MediaPipe's mesh stand for them, what region each is of."""

import numpy as np

from ..exchange.take import REGIONS

MESH_TO_68 = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])  # fmt: skip
REGION_OF_68 = np.repeat(
    [REGIONS.index(name) for name in ("face", "brows", "face", "right_eye", "left_eye", "mouth")],
    [17, 10, 9, 6, 6, 20],
)
"""The place in `REGIONS` of each landmark's region, (68,)."""
