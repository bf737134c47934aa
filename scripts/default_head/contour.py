"""The jaw line by yaw: where the face ends in the picture, as FLAME's sliding landmarks."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

from engine.geometry import vertex_normals

from .joints import turn_y
from .landmarks import Embedding

YAWS = np.arange(-39, 40)  # degrees, positive: the face turns to the picture's right
POINTS = 17
GRID = 6  # samples along a triangle's side
RAYS = 181
EARS_BEHIND = 0.040  # m behind the eyes, where the face ends before the ears
YAW_BLUR = 3.0  # degrees: points slide, they do not jump
FRONT_FIRST = 0.05  # m of reach that a sample gains per metre nearer to the camera
UNDERSIDE = -0.9  # skin that looks down more than this lies below the jaw line


def find_contour(
    template: np.ndarray, faces: np.ndarray, masks: dict[str, np.ndarray], eyes: np.ndarray
) -> Embedding:
    """The line of a head (V, 3) m with eyes (2, 3) at each yaw.

    Returns:
        Faces (79, 17) and weights (79, 17, 3): from the subject's right ear over the chin.
    """
    own = np.flatnonzero(_region(template, faces, masks, eyes))
    grid = [(i, j) for i in range(GRID + 1) for j in range(GRID + 1 - i)]
    shares = np.array([(i, j, GRID - i - j) for i, j in grid]) / GRID  # (G, 3)
    samples = np.einsum("gk,fkd->fgd", shares, template[faces[own]]).reshape(-1, 3)
    ahead = samples[:, 2] > eyes[0, 2] - EARS_BEHIND
    samples = samples[ahead]
    sample_face = np.repeat(own, len(shares))[ahead]
    sample_weights = np.tile(shares, (len(own), 1))[ahead]
    lines = np.stack([samples[_outline(samples, eyes, float(yaw))] for yaw in YAWS])
    lines = gaussian_filter1d(lines, YAW_BLUR, axis=0, mode="nearest")  # (79, 17, 3)
    chosen = KDTree(samples).query(lines)[1]  # (79, 17)
    return sample_face[chosen], sample_weights[chosen]


def _region(
    template: np.ndarray, faces: np.ndarray, masks: dict[str, np.ndarray], eyes: np.ndarray
) -> np.ndarray:
    """Triangles in front of the ears and above the underside of the jaw, (F,) bool."""
    face_skin = masks["face"] & ~masks["neck"]
    down = vertex_normals(template, faces)[:, 1] < UNDERSIDE
    low = template[:, 1] < eyes[0, 1] - 0.075
    return (face_skin & ~(down & low))[faces].all(1)


def _outline(samples: np.ndarray, eyes: np.ndarray, yaw: float) -> np.ndarray:
    """The 17 samples on the outline from eye height on one side round the chin, (17,)."""
    centre = np.array([0, eyes[0, 1], eyes[0, 2] - 0.03])
    turned = (samples - centre) @ turn_y(np.radians(yaw)).T
    seen = turned[:, :2]
    nearness = FRONT_FIRST * (turned[:, 2] - turned[:, 2].max())
    reach = np.hypot(*seen.T) + nearness
    angle = np.arctan2(seen[:, 0], -seen[:, 1])  # 0 straight down, -pi/2 to the picture's left
    rays = np.linspace(-np.pi / 2, np.pi / 2, RAYS)
    slot = np.round((angle + np.pi / 2) / np.pi * (RAYS - 1)).astype(int)
    valid = np.flatnonzero((slot >= 0) & (slot < RAYS))
    order = valid[np.argsort(reach[valid], kind="stable")]
    farthest = np.full(RAYS, -1)
    farthest[slot[order]] = order  # the last written is the farthest
    assert (farthest >= 0).all(), f"no face along rays {rays[farthest < 0]}"
    line = seen[farthest]
    middle = np.flatnonzero(np.abs(samples[:, 0]) < 0.001)
    chin = int(slot[middle[np.argmax(reach[middle] * (seen[middle, 1] < 0))]])
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    half = (POINTS - 1) // 2
    places = np.concatenate(
        [
            np.linspace(0, steps[chin], half + 1)[:-1],
            np.linspace(steps[chin], steps[-1], half + 1),
        ]
    )
    return farthest[np.abs(steps[:, None] - places).argmin(0)]
