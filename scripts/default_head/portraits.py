"""Simple portraits of the head for a face detector to look at: painted by place, lit from above."""

from dataclasses import dataclass

import numpy as np

from engine.geometry import vertex_normals
from engine.render import interpolate, rasterize

from .eyes import IRIS, PUPIL
from .joints import turn_x, turn_y

SIDE_PX = 640
FOCAL = 4.0  # in picture sides
DISTANCE = 1.0  # m
COLOURS = {
    "skin": (0.80, 0.655, 0.575),
    "lips": (0.70, 0.42, 0.40),
    "mouth_inside": (0.35, 0.12, 0.12),
    "tongue": (0.70, 0.38, 0.38),
    "brow": (0.20, 0.13, 0.09),
    "sclera": (0.93, 0.92, 0.90),
    "iris": (0.25, 0.30, 0.33),
    "pupil": (0.03, 0.03, 0.03),
    "teeth": (0.93, 0.91, 0.85),
}
LIGHTS = (((0.45, 0.5, 0.75), 0.72), ((-0.7, 0.15, 0.6), 0.30), ((0.0, -0.6, 0.5), 0.10))
AMBIENT = 0.12


@dataclass(frozen=True)
class Portrait:
    """`picture` (H, W, 3) uint8; what each pixel sees: `face_id` (H, W), `weights` (H, W, 3)."""

    picture: np.ndarray
    face_id: np.ndarray
    weights: np.ndarray
    turn: np.ndarray  # (3, 3) of the head in front of the camera


def take_portrait(
    vertices: np.ndarray,
    rest: np.ndarray,
    faces: np.ndarray,
    masks: dict[str, np.ndarray],
    eyes: np.ndarray,
    yaw_degrees: float,
    pitch_degrees: float = 0.0,
) -> Portrait:
    """The head seen from in front, turned by yaw and pitch.

    Args:
        vertices: (V, 3) m as posed; rest: (V, 3) m, where the paint is defined.
        eyes: (2, 3) m, centres of left and right eye at rest.
    """
    turn = turn_x(np.radians(pitch_degrees)) @ turn_y(np.radians(yaw_degrees))
    centre = np.array([0, eyes[0, 1] - 0.035, eyes[0, 2]])
    seen = (vertices - centre) @ turn.T
    scale = FOCAL * SIDE_PX / (DISTANCE - seen[:, 2])
    screen = np.stack(
        [
            SIDE_PX / 2 + scale * seen[:, 0],
            SIDE_PX / 2 - scale * seen[:, 1],
            DISTANCE - seen[:, 2],
        ],
        1,
    )
    face_id, weights = rasterize(screen, faces, (SIDE_PX, SIDE_PX), cull_back=True)
    colour = _paint(rest, faces, masks, eyes, face_id, weights)
    normal = interpolate(vertex_normals(vertices, faces) @ turn.T, faces, face_id, weights)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)
    light = np.full(face_id.shape, AMBIENT)
    for direction, strength in LIGHTS:
        unit = np.array(direction) / np.linalg.norm(direction)
        light += strength * np.clip(normal @ unit, 0, None)
    shown = np.where((face_id >= 0)[..., None], np.clip(colour * light[..., None], 0, 1), 0.9)
    return Portrait((shown ** (1 / 1.35) * 255).astype(np.uint8), face_id, weights, turn)


def _paint(rest, faces, masks, eyes, face_id, weights) -> np.ndarray:
    """Colour of each pixel, (H, W, 3)."""
    regions = ("lips", "mouth_inside", "tongue")
    values = np.stack([masks[name].astype(float) for name in regions], 1)
    place = interpolate(rest, faces, face_id, weights)
    share = interpolate(values, faces, face_id, weights)
    colour = np.broadcast_to(COLOURS["skin"], place.shape).copy()
    for k, name in enumerate(regions):
        colour += share[..., k : k + 1] * (np.array(COLOURS[name]) - colour)
    brow = _brow(place, eyes) * (share.sum(2) == 0)
    colour += 0.8 * brow[..., None] * (np.array(COLOURS["brow"]) - colour)
    owner = faces[:, 0][np.maximum(face_id, 0)]
    teeth = (masks["upper_teeth"] | masks["lower_teeth"]) & ~masks["gums"]
    colour[teeth[owner]] = COLOURS["teeth"]
    for name, centre in zip(("left_eye", "right_eye"), eyes, strict=True):
        away = place - centre
        cosine = away[..., 2] / np.maximum(np.linalg.norm(away, axis=2), 1e-9)
        angle = np.arccos(np.clip(cosine, -1, 1))
        here = masks[name][owner]
        colour[here] = COLOURS["sclera"]
        colour[here & (angle < IRIS)] = COLOURS["iris"]
        colour[here & (angle < PUPIL)] = COLOURS["pupil"]
    return colour


def _brow(place: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """How much of a pixel is brow hair, (H, W)."""
    out = np.zeros(place.shape[:2])
    for centre, side in zip(eyes, (1, -1), strict=True):
        along = ((place[..., 0] - centre[0]) * side + 0.019) / 0.045
        height = centre[1] + 0.0175 + 0.006 * np.sin(np.clip(along, 0, 1) * np.pi * 0.75)
        thick = 0.0042 * np.clip(1.15 - along * 0.75, 0.3, 1)
        near = np.clip(1.3 - np.abs(place[..., 1] - height) / thick, 0, 1)
        inside = (along > -0.03) & (along < 1.05) & (place[..., 2] > centre[2] - 0.004)
        out += near * inside
    return np.clip(out, 0, 1)
