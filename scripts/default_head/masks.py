"""Regions of the head as sets of vertices."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components, dijkstra

from .anatomy import Anatomy
from .brows import brow_place
from .joints import Rig
from .rims import Rim, Rims
from .source import Source

# Boxes on the mean face, metres from the point between the eyes; x to either side.
BROW_HALF_HEIGHT = 0.007


def build_masks(
    source: Source,
    anatomy: Anatomy,
    mean: np.ndarray,
    rig: Rig,
    units: dict[str, np.ndarray],
    rims: Rims,
) -> dict[str, np.ndarray]:
    """name -> (V,) bool."""
    count = len(mean)
    masks = {}
    for name, own in anatomy.parts.items():
        masks[name] = np.isin(np.arange(count), own)
    for row in ("upper_teeth", "lower_teeth"):
        gums = masks.setdefault("gums", np.zeros(count, bool))
        gums[anatomy.parts[row]] = getattr(anatomy, row).gums
    skin = masks["skin"]
    lip_loop = rims.lips.loop
    lid_loop = np.concatenate([rims.left_lids.loop, rims.right_lids.loop])
    masks["boundary"] = np.isin(np.arange(count), anatomy.skin.rim)
    masks["mouth_inside"] = _enclosed(anatomy, lip_loop)
    masks["sockets"] = _enclosed(anatomy, lid_loop)
    outside = skin & ~masks["mouth_inside"] & ~masks["sockets"]
    for name, picture in (("lips", "lips"), ("eyelids", "eyelids"), ("ears", "ears")):
        masks[name] = _painted(source, anatomy, picture) & outside
    masks["lips"][lip_loop] = True
    masks["eyelids"][lid_loop] = True
    upper = _upper_lip(anatomy.edges, masks["lips"], rims.lips)
    masks["upper_lip"], masks["lower_lip"] = masks["lips"] & upper, masks["lips"] & ~upper
    masks |= _places(mean, rig, outside, masks)
    masks["face_tex"] = _painted(source, anatomy, "face") & outside
    strength = np.sqrt(sum((move**2).sum(1) for move in units.values()))
    masks["expressive"] = skin & (strength > 0.002)
    masks |= {f"{s}_eye_region": skin & _eye_region(units, s) for s in ("left", "right")}
    nose = _moved(units, ("noseSneerLeft", "noseSneerRight", "nostrilDilate"), 0.0004)
    masks["nose"] &= nose | (mean[:, 2] > rig.joints[3, 2] + 0.030)
    masks["cheeks"] &= ~masks["nose"] & ~masks["lips"] & ~masks["eyelids"]
    return masks


def _painted(source: Source, anatomy: Anatomy, name: str) -> np.ndarray:
    """The vertices under a mask picture in MakeHuman's UV."""
    picture = source.mask_picture(name)
    height, width = picture.shape
    uv = source.uv[anatomy.skin.uv_quads]  # (Q, 4, 2)
    row = np.clip(((1 - uv[..., 1]) * height).astype(int), 0, height - 1)
    column = np.clip((uv[..., 0] * width).astype(int), 0, width - 1)
    most = np.zeros(len(anatomy.rest))
    np.maximum.at(most, anatomy.skin.quads, picture[row, column])
    mask = most > 0.5
    return mask | mask[anatomy.mirror]


def _enclosed(anatomy: Anatomy, loop: np.ndarray) -> np.ndarray:
    """The skin on the far side of closed loops, seen from the neck's rim."""
    count = len(anatomy.rest)
    edges = anatomy.edges[~np.isin(anatomy.edges, loop).any(1)]
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), (count, count))
    label = connected_components(graph, directed=False)[1]
    inside = np.zeros(count, bool)
    skin = anatomy.parts["skin"]
    inside[skin] = label[skin] != label[anatomy.skin.rim[0]]
    inside[loop] = False
    return inside


def _upper_lip(edges: np.ndarray, lips: np.ndarray, rim: Rim) -> np.ndarray:
    """Which of the lips' vertices are the upper lip's, (V,) bool.

    Shut lips touch, so it isn't space that tells but the way along the lips' skin: each vertex is
    of the chain that fewer of its edges lead to, for columns of quads hang on the chains. Columns
    at the corners themselves are the upper lip's.
    """
    inner, count = edges[lips[edges].all(1)], len(lips)
    graph = sp.coo_matrix((np.ones(len(inner)), inner.T), (count, count)).tocsr()
    to_upper, to_lower = (
        dijkstra(graph, directed=False, indices=chain, unweighted=True, min_only=True)
        for chain in (rim.upper, rim.lower)
    )
    return to_upper <= to_lower


def _moved(units: dict[str, np.ndarray], names: tuple[str, ...], threshold: float) -> np.ndarray:
    """What the units move by more than `threshold` m."""
    return np.max([np.linalg.norm(units[name], axis=1) for name in names], axis=0) > threshold


def _eye_region(units: dict[str, np.ndarray], side: str) -> np.ndarray:
    name = side.capitalize()
    blink = _moved(units, (f"eyeBlink{name}",), 0.0004)
    return blink | _moved(units, (f"eyeSquint{name}",), 0.001)


def _places(mean: np.ndarray, rig: Rig, outside: np.ndarray, masks: dict) -> dict[str, np.ndarray]:
    """Regions by their place on the mean face."""
    jaw, eye = rig.joints[2], rig.joints[3]
    x, y, z = np.abs(mean[:, 0]), mean[:, 1] - eye[1], mean[:, 2]
    away = outside & ~masks["ears"]
    held = rig.weights[:, 0]  # by the root: the neck
    across = brow_place(mean, eye)
    brow = 0.0175 + 0.006 * np.sin(np.clip(across, 0, 1) * np.pi * 0.75)
    face = away & (z > jaw[2] + 0.005) & (y < 0.085) & (held < 0.1)
    return {
        "face": face & (mean[:, 1] > jaw[1] - 0.085),
        "neck": outside & (held > 0.03),
        "forehead": away & (y > 0.028) & (y < 0.085) & (z > jaw[2] + 0.025),
        "scalp": away & ((y > 0.085) | ((y > -0.03) & (z < jaw[2] - 0.015))),
        "nose": away & (x < 0.026) & (z > eye[2] + 0.005) & (y < 0.005) & (y > -0.055),
        "cheeks": face & (x > 0.018) & (y < -0.015) & (y > -0.085) & (z > jaw[2] + 0.02),
        "brows": face & (across > -0.08) & (across < 1.08) & (np.abs(y - brow) < BROW_HALF_HEIGHT),
    }
