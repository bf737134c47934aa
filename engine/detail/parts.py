"""Lips, irises, teeth, hair and beard: coefficients that the skin's many texels would outvote.

Each part gives one colour, the median over the clip with the light divided out, and moves only
the albedo components that are its own. A part that the clip hardly shows keeps what it has.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import lsq_linear

from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..faces.looks import mouth_places
from ..geometry import harmonics, rotation_matrix
from ..head.albedo import Albedo
from ..head.model import FaceParams, Head
from ..head.mouth_light import BETWEEN_LIPS
from ..srgb import linear_from_srgb
from .folds import EYES
from .irises import ring_places
from .light import hue_of

# Part -> its components, and how far its one colour errs in shade and hue (log).
_PARTS = {
    "lips": (("lip_redness", "lip_darkness"), 0.12, 0.06),
    "irises": (("iris_lightness", "iris_hue"), 0.35, 0.2),
    "teeth": (("teeth_shade",), 0.6, 0.1),
    "hair": (("hair_lightness", "hair_redness", "hair_grey"), 0.3, 0.15),
    "beard": (("stubble", "moustache", "goatee", "beard"), 0.1, 0.1),
}
_ROUNDS = 3
DARKEST, _BRIGHTEST = 4e-3, 0.9  # linear reflectance

IRISES = (468, 473)  # MediaPipe's middles; the four points after each lie on its rim
_INNER, _OUTER = 0.45, 0.85  # of the iris's radius: neither pupil nor rim
_ABOVE = 0.2  # of the radius above the middle: higher lie lashes and the lid's shadow
_BELIEVED = 0.5  # confidence in an eye
_SMALLEST_IRIS = 1.8  # px, radius
_FEWEST_PIXELS = 4
_IN_SOCKET = 0.7  # of the face's light reaches an eye

# Broad smiles show teeth in the light: lips so wide and so far apart, of the eyes' width (speech is
# .45 to .6 wide), so much of it teeth, for sure; and the light left on them.
_BROAD, _PARTED, _PARTED_PX = 0.61, 0.07, 6.0
_BARE, _SURE, _FEWEST_TEETH = 0.6, 0.9, 8
_ON_TEETH = 0.87 * np.array(BETWEEN_LIPS)
_INCISORS, _OFF_LIPS = slice(2, 7), slice(1, -1)  # columns, rows of what is read between lips
_EYES_CORNERS, _LIPS_CORNERS = [33, 263], [78, 308]  # outer, inner


@dataclass(frozen=True)
class Sight:
    """A part in one frame: N samples."""

    colour: np.ndarray  # (N, 3) linear RGB
    normal: np.ndarray  # (N, 3) unit, camera axes


def see_irises(picture: np.ndarray, track: FaceTrack, params: FaceParams, frame: int) -> Sight:
    """The median colour of each iris that is open and large enough in a picture (H, W, 3) uint8.

    One with something before it, dark glasses say, tells nothing.
    """
    points = track.landmarks[frame, :, :2].astype(np.float64)
    forward = rotation_matrix(params.head_pose[frame])[:, 2]
    found = []
    for eye, middle, outline in zip(("right_eye", "left_eye"), IRISES, EYES, strict=True):
        if track.confidence[frame, REGIONS.index(eye)] < _BELIEVED:
            continue
        centre = points[middle]
        radius = float(np.linalg.norm(points[middle + 1 : middle + 5] - centre, axis=1).mean())
        low = np.floor(centre - radius).astype(int) - 1
        high = np.ceil(centre + radius).astype(int) + 2
        if not radius >= _SMALLEST_IRIS or (low < 0).any() or (high > picture.shape[1::-1]).any():
            continue
        patch = picture[low[1] : high[1], low[0] : high[0]]
        opening = np.zeros(patch.shape[:2], np.uint8)
        lids = np.round((points[list(outline)] - low - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(opening, [lids], 1, shift=4)
        rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
        away = np.hypot(columns - centre[0], rows - centre[1]) / radius
        ring = (away > _INNER) & (away < _OUTER) & (opening > 0)
        ring &= rows > centre[1] - _ABOVE * radius
        if ring.sum() >= _FEWEST_PIXELS:
            found.append(np.median(linear_from_srgb(patch[ring]), axis=0))
    return Sight(np.reshape(found, (-1, 3)), np.tile(forward, (len(found), 1)))


def see_teeth(picture: np.ndarray, track: FaceTrack, params: FaceParams, frame: int) -> Sight:
    """The median colour of the incisors in a picture (H, W, 3) uint8 of a smile."""
    forward = rotation_matrix(params.head_pose[frame])[:, 2]
    nothing = Sight(np.zeros((0, 3)), np.zeros((0, 3)))
    if track.teeth is None or track.confidence[frame, REGIONS.index("mouth")] < _BELIEVED:
        return nothing
    points = track.landmarks[frame, :, :2]
    places, read = (each[:, _INCISORS] for each in (mouth_places(points), track.teeth[frame]))
    gap = float(np.linalg.norm(places[-1] - places[0], axis=1).mean())
    places, read = places[_OFF_LIPS], read[_OFF_LIPS]
    sure = read > _SURE
    eyes, width = (
        float(np.linalg.norm(np.diff(points[corners], axis=0)))
        for corners in (_EYES_CORNERS, _LIPS_CORNERS)
    )
    smiles = width > _BROAD * eyes and gap > max(_PARTED * eyes, _PARTED_PX)
    if not (smiles and read.mean() > _BARE and sure.sum() >= _FEWEST_TEETH):
        return nothing
    column, row = np.clip(places[sure], 0, np.array(picture.shape[1::-1]) - 1).astype(int).T
    colour = np.median(linear_from_srgb(picture[row, column]), axis=0)
    return Sight(colour[None], forward[None])


def iris_colour(sights: Iterable[Sight], light: np.ndarray) -> np.ndarray | None:
    """Log reflectance (3,) of the irises; None when hardly any was seen."""
    colour, normal = joined(sights)
    if len(colour) < 2:
        return None
    shade = np.maximum(harmonics(normal) @ light, 1e-2)
    return np.median(log_reflectance(colour / (shade * _IN_SOCKET)), axis=0)


def teeth_colour(sights: Iterable[Sight], light: np.ndarray) -> np.ndarray | None:
    """Log reflectance (3,) of the teeth; None when no frame shows them in the light."""
    colour, normal = joined(sights)
    if not len(colour):
        return None
    shade = np.maximum(harmonics(normal) @ light, 1e-2)
    return np.median(log_reflectance(colour / (shade * _ON_TEETH)), axis=0)


def iris_maps(albedo: Albedo, head: Head) -> np.ndarray:
    """(M + K,) the albedo's maps, their mean over what `see_irises` looks at."""
    return albedo.read(ring_places(head)).mean(1)


def teeth_maps(albedo: Albedo) -> np.ndarray:
    """(M + K,) the albedo's maps on teeth, off their necks."""
    maps = np.zeros(len(albedo.ranges))
    maps[albedo.maps.index("teeth")] = 1
    return maps


def cast_of(light: np.ndarray) -> float:
    """How far from white a light (9, 3) is, log: where it is coloured hair's hue is in doubt."""
    return float(np.std(hue_of(light)))


def fit_part(
    albedo: Albedo,
    effective: np.ndarray,
    part: str,
    maps: np.ndarray,
    seen: np.ndarray,
    doubt: float = 0.0,
) -> np.ndarray:
    """Effective coefficients (A,) with the part's own ones fitted to its colour.

    Args:
        albedo: The model.
        effective: (A,) what is known so far.
        part: One of _PARTS.
        maps: (M + K,) the model's maps there, or (Z, M + K) at several places.
        seen: (3,) log reflectance, or (Z, 3).
        doubt: Log: how far its hue errs beside what it always does.
    """
    maps, seen = np.atleast_2d(maps), np.atleast_2d(seen)
    names, shade, hue = _PARTS[part]
    own = [albedo.names.index(name) for name in names if name in albedo.names]
    rows = np.einsum("zm,amc->zca", maps, albedo.basis[own])  # (Z, 3, n)
    threshold = np.maximum(albedo.low[own], 0)
    grey = np.full((3, 3), 1 / 3)
    root = grey / shade + (np.eye(3) - grey) / np.hypot(hue, doubt)  # of the precision
    out = effective.copy()
    for _ in range(_ROUNDS):
        logit = maps @ (albedo.mean + np.tensordot(out, albedo.basis, 1))  # (Z, 3)
        reflectance = 1 / (1 + np.exp(-logit))
        design = (1 - reflectance)[..., None] * rows  # d log R = (1 - R) d logit
        target = seen - np.log(reflectance) + design @ out[own]
        found = lsq_linear(
            np.concatenate([(root @ design).reshape(-1, len(own)), np.eye(len(own))]),
            np.concatenate([(target @ root).ravel(), -threshold]),
            (np.minimum(albedo.low[own], 0), np.full(len(own), 3.0)),
        )
        out[own] = found.x
    return out


def joined(sights: Iterable[Sight]) -> tuple[np.ndarray, np.ndarray]:
    """All samples: colours (N, 3) and normals (N, 3)."""
    sights = list(sights)
    none = np.zeros((0, 3))
    return (
        np.concatenate([none, *(sight.colour for sight in sights)]),
        np.concatenate([none, *(sight.normal for sight in sights)]),
    )


def log_reflectance(reflectance: np.ndarray) -> np.ndarray:
    """The log of a reflectance, within what surfaces have."""
    return np.log(np.clip(reflectance, DARKEST, _BRIGHTEST))
