"""A face read frame by frame: the landmark network's points, a tracker's, and the reader on both.

What comes out is what AVFace's networks see (`engine.models.sight`). Covered parts are trusted as
far as the landmark network sees them.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..faces.crops import place_in_crop
from ..faces.seen import crop_size, look_at_faces
from ..head.landmarks import middle_of_face as middle_of
from ..models.landmarks import BROWS, IRISES, LIDS, LIPS, POINTS, REGIONS
from ..models.sight import COLOURED, GROUPS, PARTS
from ..progress import Report
from .reader import head_read, read_landmarks

if TYPE_CHECKING:
    from ..faces import FaceTrack
    from ..media import Clip

_MESH = 478  # points of a mesh
_TRUST = (0.3, 0.9)  # visibility of a region that is not, and that is fully believed
_CLEAR = (0.6, 0.95)  # visibility of a face where a tracker is ignored, and where it counts half
_LEFT, _RIGHT = ("left_eye", "left_brow"), ("right_eye", "right_brow")
_REGION = {"mouth": 1, "left_eye": 2, "right_eye": 3, "left_brow": 4, "right_brow": 5}
_LEAST = 1e-3  # of lengths whose logarithm is told, half crops
_SOFT = 5  # px of the network's picture: colours are means of so many
_PLACE = {mesh: k for k, mesh in enumerate(POINTS)}


@dataclass(frozen=True)
class Observations:
    """T frames of one face as both saw it, L = len(POINTS); NaN where there is no face."""

    own: np.ndarray  # (T, L, 2) px of the frames, by the landmark network
    tracker: np.ndarray | None  # (T, L, 2) px, by a tracker, if there is one
    sigma: np.ndarray  # (T, L) px, of `own`
    visible: np.ndarray  # (T, R) 0..1
    colours: np.ndarray  # (T, L, 3) uint8
    boxes: np.ndarray  # (T, 3) px: left, top, side of the crops that the codes speak of


def read_sight(
    clip: "Clip", track: "FaceTrack", boxes: np.ndarray, focal: float, report: Report
) -> tuple[np.ndarray, np.ndarray]:
    """What AVFace's networks see of a clip: (T, SIGHT) float32, and the frames that were read (T,).

    Args:
        clip: Its pictures.
        track: Where the face is.
        boxes: (T, 3) px: left, top, side of the crops that the codes speak of.
        focal: px.
        report: Progress.
    """
    count, size = len(track.times), crop_size()
    own = np.full((count, len(POINTS), 2), np.nan)
    sigma = np.full((count, len(POINTS)), np.nan)
    visible, colours = np.zeros((count, len(REGIONS))), np.zeros((count, len(POINTS), 3), np.uint8)
    for frames, crops, seen in look_at_faces(clip, track.boxes, np.flatnonzero(track.seen)):
        own[frames], sigma[frames], visible[frames] = seen.points, seen.sigma, seen.visible
        corner = np.stack([crop.corner for crop in crops])[:, None]
        scale = size / np.array([crop.side for crop in crops])[:, None, None]
        pictures = np.stack([crop.picture for crop in crops])
        colours[frames] = colours_at(pictures, (seen.points - corner) * scale)
        report((int(frames[-1]) + 1) / count)
    tracker = np.where(track.seen[:, None, None], track.landmarks[:, list(POINTS), :2], np.nan)
    observed = Observations(own, tracker.astype(float), sigma, visible, colours, boxes)
    return sight_features(observed, track.size, focal), np.isfinite(own[:, 0, 0])


def colours_at(pictures: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Smoothed colours of pictures (T, S, S, 3) at points (T, L, 2) px: (T, L, 3) uint8."""
    size = pictures.shape[1]
    column, row = np.clip(points.astype(int), 0, size - 1).transpose(2, 0, 1)
    soft = [cv2.blur(picture, (_SOFT, _SOFT)) for picture in pictures]
    return np.stack([p[r, c] for p, r, c in zip(soft, row, column, strict=True)])


def sight_features(observed: Observations, size: tuple[int, int], focal: float) -> np.ndarray:
    """What AVFace's networks see of a clip: (T, SIGHT) float32.

    Args:
        observed: The clip.
        size: Width and height of its picture, px; the view's middle is the picture's.
        focal: px.
    """
    both = blend(observed)
    mesh = np.full((len(both), _MESH, 2), np.nan)
    mesh[:, list(POINTS)] = both
    trust = np.ones((len(both), _MESH))
    trust[:, list(POINTS)] = trust_points(observed.visible)
    reading = read_landmarks(mesh, size, focal, trust)
    params = reading.params
    pose, camera = place_in_crop(
        params.head_pose, params.head_translation, observed.boxes, middle_of_face(params.shape),
        focal, size,
    )  # fmt: skip
    sides, count = observed.boxes[:, 2:], len(both)
    apart = np.full((count, len(GROUPS)), np.log(_LEAST))
    if observed.tracker is not None:
        away = np.linalg.norm(observed.own - observed.tracker, axis=2) / sides * 2
        apart = np.log(_grouped(away) + _LEAST)
    known = [True, observed.tracker is not None]
    told = {
        "units": params.expression,
        "jaw": params.jaw,
        "gaze": params.eyes[:, [0, 1, 3, 4]],
        "pose": pose,
        "camera": camera,
        "shape": np.broadcast_to(params.shape, (count, len(params.shape))),
        "log_sd": np.log(
            np.concatenate([reading.unit_sd, reading.jaw_sd, reading.gaze_sd], 1).clip(1e-4)
        ),
        "points": reading.seen,
        "visible": observed.visible,
        "sigma": np.log(_grouped(observed.sigma / sides * 2) + _LEAST),
        "apart": apart,
        "known": np.broadcast_to(np.array(known, float), (count, 2)),
        "colours": observed.colours[:, [_PLACE[p] for p in COLOURED]].reshape(count, -1) / 255,
    }
    out = np.concatenate([told[name] for name in PARTS], 1).astype(np.float32)
    return np.nan_to_num(out)


def middle_of_face(shape: np.ndarray) -> np.ndarray:
    """The mean of a person's inner landmarks in head axes, (S,) -> (3,) m."""
    rest, basis = _middle_of_faces()
    return rest + basis[:, : len(shape)] @ shape


@cache
def _middle_of_faces() -> tuple[np.ndarray, np.ndarray]:
    """The mean of the inner 51 landmarks of anybody: (3,) and what the shape adds, (3, S)."""
    file = head_read()
    return middle_of(file, file.template), middle_of(file, file.shape_basis)


def blend(observed: Observations) -> np.ndarray:
    """The mean of network and tracker (T, L, 2) px: their errors are their own.

    The more of the face or the mouth is covered, the less counts the tracker, who doesn't know of
    covers and moves the whole face for them.
    """
    if observed.tracker is None:
        return observed.own
    clear = np.minimum(observed.visible[:, 0], observed.visible[:, _REGION["mouth"]])
    low, high = _CLEAR
    share = 0.5 * ((clear - low) / (high - low)).clip(0, 1)[:, None, None]
    return observed.own + share * (observed.tracker - observed.own)


def trust_points(visible: np.ndarray) -> np.ndarray:
    """How far each of POINTS is to be believed, by what is seen of its region: (T, R) -> (T, L)."""
    low, high = _TRUST
    believed = ((visible - low) / (high - low)).clip(0, 1)
    trust = np.ones((len(visible), len(POINTS)))
    for name, points in REGION_POINTS.items():
        trust[:, points] = believed[:, _REGION[name], None]
    return trust


def _region_points() -> dict[str, list[int]]:
    """Rows of POINTS in each region. In the mesh's lists the subject's right comes first."""
    half = len(LIDS) // 2, len(BROWS) // 2, len(IRISES) // 2
    right = LIDS[: half[0]] + IRISES[: half[2]], BROWS[: half[1]]
    left = LIDS[half[0] :] + IRISES[half[2] :], BROWS[half[1] :]
    lists = {"mouth": LIPS, **dict(zip(_LEFT, left, strict=True)),
             **dict(zip(_RIGHT, right, strict=True))}  # fmt: skip
    return {name: [_PLACE[p] for p in points] for name, points in lists.items()}


REGION_POINTS = _region_points()


def _grouped(values: np.ndarray) -> np.ndarray:
    """Means over GROUPS, (T, L) -> (T, G)."""
    return np.stack([values[:, [_PLACE[p] for p in g]].mean(1) for g in GROUPS], 1)
