"""The square about a face that picture networks see, and what its camera means in the clip.

A crop is (left, top, side), pixels of the clip. In its own units it reaches from -1 to 1, x right,
y down. Its camera is DECA's weak perspective, (scale 1 / m, shift x, shift y m): a point v of the
head is seen at scale * (R v + shift), y turned down, with R as it looks along the line of sight.
"""

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

_MARGIN = 1.5  # a crop's side over that of the box of points
_STEADY = 5  # frames that a crop is averaged over
_LEAST_SCALE = 1e-3  # 1 / m: a network's camera may not turn inside out


def crop_boxes(landmarks: np.ndarray) -> np.ndarray:
    """A square about each frame's points, steadied over time: (T, L, 2) px -> (T, 3).

    The side is _MARGIN times the larger side of the points' box; left, top, side in pixels.
    """
    low, high = landmarks.min(1), landmarks.max(1)
    centre, side = (low + high) / 2, _MARGIN * (high - low).max(1)
    steady = np.column_stack([centre, side])
    if len(steady) >= _STEADY:
        reach = _STEADY // 2
        padded = np.pad(steady, ((reach, reach), (0, 0)), mode="edge")
        steady = np.stack([padded[k : k + len(steady)] for k in range(_STEADY)]).mean(0)
    return np.column_stack([steady[:, :2] - steady[:, 2:] / 2, steady[:, 2]])


def to_crop(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Pixels of a clip (T, L, 2) in units of the crops (T, 3)."""
    return (points - boxes[:, None, :2]) / boxes[:, None, 2:] * 2 - 1


def cut_crop(picture: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """The square `box` (left, top, side) of a picture as (side, side, 3); black outside of it."""
    left, top, wide = box
    scale = side / wide
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    if scale < 1:  # no aliasing: blur first, as an area filter would
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    return cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)


def place_in_clip(
    pose: np.ndarray,
    camera: np.ndarray,
    boxes: np.ndarray,
    middle: np.ndarray,
    focal: float,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """A crop's pose and camera as head pose and translation of the clip's pinhole camera.

    The face's middle keeps its pixel and its size; the head's turn, which the crop shows along the
    line of sight, is turned with that line.

    Args:
        pose: (T, 3) axis-angle in the crop.
        camera: (T, 3) scale, shift x, shift y.
        boxes: (T, 3) crops.
        middle: (3,) or (T, 3), the face's middle in head axes, m.
        focal: Of the clip, px.
        size: Width and height of the clip's picture.

    Returns:
        Head pose (T, 3) rad and head translation (T, 3) m.
    """
    turn = Rotation.from_rotvec(pose)
    aside = turn.apply(middle)
    scale = np.maximum(camera[:, :1], _LEAST_SCALE)  # (T, 1)
    at = scale * (aside[:, :2] + camera[:, 1:]) * [1, -1]  # units of the crop
    pixel = boxes[:, :2] + (at + 1) / 2 * boxes[:, 2:]
    ray = np.column_stack([(pixel - np.array(size) / 2) * [1, -1] / focal, -np.ones(len(pose))])
    depth = focal * 2 / (scale * boxes[:, 2:])  # of the middle along the view, m
    turned = _from_view(ray) * turn
    translation = ray * depth - turned.apply(middle)
    return turned.as_rotvec(), translation


def place_in_crop(
    head_pose: np.ndarray,
    head_translation: np.ndarray,
    boxes: np.ndarray,
    middle: np.ndarray,
    focal: float,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """The other way round: pose (T, 3) and camera (T, 3) of the crops."""
    turned = Rotation.from_rotvec(head_pose)
    ray = turned.apply(middle) + head_translation
    depth = -ray[:, 2:]
    ray = ray / depth
    turn = _from_view(ray).inv() * turned
    pixel = np.array(size) / 2 + focal * ray[:, :2] * [1, -1]
    at = (pixel - boxes[:, :2]) / boxes[:, 2:] * 2 - 1
    scale = focal * 2 / (depth * boxes[:, 2:])
    aside = turn.apply(middle)
    shift = at * [1, -1] / scale - aside[:, :2]
    return turn.as_rotvec(), np.column_stack([scale, shift])


def _from_view(ray: np.ndarray) -> Rotation:
    """The smallest turn that brings the camera's view (0, 0, -1) onto each ray (T, 3)."""
    unit = ray / np.linalg.norm(ray, axis=1, keepdims=True)
    axis = np.column_stack([unit[:, 1], -unit[:, 0], np.zeros(len(unit))])  # (0, 0, -1) x unit
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine[:, 0], -unit[:, 2])
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-12) * angle[:, None])
