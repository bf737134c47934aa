"""The colour texture of a person: from the head's albedo model, or from its masks without one."""

import cv2
import numpy as np

from ..head.albedo import load_albedo
from ..head.model import Head
from ..render import interpolate, visible_faces
from ..weights import FOLDER

# sRGB, for heads that bring no albedo model
_PLAIN = (
    (("lips",), (184, 116, 108)),
    (("mouth_inside",), (140, 66, 64)),
    (("tongue",), (188, 125, 118)),
    (("upper_teeth", "lower_teeth"), (203, 185, 159)),
)
_SKIN, _WHITE, _IRIS, _PUPIL = (212, 166, 144), (235, 232, 228), (84, 104, 112), (10, 9, 9)
_IRIS_DEGREES, _PUPIL_DEGREES = 27, 11


def person_texture(
    head: Head, albedo: np.ndarray, size: int = 1024, shaven: bool = False
) -> np.ndarray:
    """The texture of a person, (size, size, 3) uint8 sRGB, for albedo coefficients (A,).

    `shaven`: without hair on the scalp, where the head has an albedo model.
    """
    if head.file.albedo_file:
        model = load_albedo(FOLDER / head.file.albedo_file)
        return (model.shaven() if shaven else model).texture(albedo, size)
    if head.file.texture is not None:
        return cv2.resize(head.file.texture, (size, size), interpolation=cv2.INTER_AREA)
    return _plain_texture(head, size)


def _plain_texture(head: Head, size: int) -> np.ndarray:
    """Each part in its own colour."""
    file = head.file
    face_id, _ = visible_faces(file.on_sheet(size), file.uv_faces, (size, size))
    weights = np.full((*face_id.shape, 3), 1 / 3, np.float32)
    picture = interpolate(_plain_colours(head), file.faces, face_id, weights)
    picture[face_id < 0] = _SKIN
    bleed = cv2.dilate((face_id >= 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    grown = cv2.dilate(np.where(face_id[..., None] < 0, 0, picture), np.ones((9, 9), np.uint8))
    picture = np.where((bleed & (face_id < 0))[..., None], grown, picture)
    return cv2.blur(picture, (3, 3)).astype(np.uint8)


def _plain_colours(head: Head) -> np.ndarray:
    """(V, 3) sRGB, 0-255."""
    masks = head.file.masks
    colours = np.tile(np.array(_SKIN, np.float32), (len(head.file.template), 1))
    for names, colour in _PLAIN:
        for name in names:
            if name in masks:
                colours[masks[name]] = colour
    vertices, joints = head.rest(np.zeros(head.file.shape_basis.shape[2]))
    for name, joint in (("left_eye", 3), ("right_eye", 4)):
        if name in masks:
            ball = vertices[masks[name]] - joints[joint]
            forward = ball[:, 2] / np.linalg.norm(ball, axis=1)
            degrees = np.degrees(np.arccos(np.clip(forward, -1, 1)))[:, None]
            eye = np.where(degrees < _IRIS_DEGREES, _IRIS, _WHITE)
            colours[masks[name]] = np.where(degrees < _PUPIL_DEGREES, _PUPIL, eye)
    return colours
