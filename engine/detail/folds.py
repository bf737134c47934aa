"""Where on the face relief is looked for: MediaPipe landmark groups drawn on the texture sheet.

Eyes, brows, lips and nostrils are left flat; skin that folds when a face moves (forehead, glabella,
crow's feet, lower lids, nasolabial and marionette lines) is trusted more than the rest.
"""

import cv2
import numpy as np

from ..exchange.take import REGIONS
from .face_sheet import FaceSheet

# Outlines, subject's right side first.
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
_NOSTRILS = ((98, 97, 99, 60, 75, 240, 64), (327, 326, 328, 290, 305, 460, 294))
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
SLIT = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_HAIRLINE = (54, 103, 67, 109, 10, 338, 297, 332, 284)  # the oval's upper edge
_FOREHEAD = (*_HAIRLINE, 300, 293, 334, 296, 336, 9, 107, 66, 105, 63, 70)

# Lines along which faces fold, and the width of skin round them, mm.
_FOLDS = (
    ((9, 8, 168, 6), 14),  # glabella
    ((55, 193, 122), 6), ((285, 417, 351), 6),  # nose root
    ((226, 35), 11), ((130, 226, 113, 124), 11), ((31, 111), 11),  # crow's feet
    ((446, 265), 11), ((359, 446, 342, 353), 11), ((261, 340), 11),
    ((243, 112, 26, 22, 23, 24, 110, 25, 226), 9),  # lower lids
    ((463, 341, 256, 252, 253, 254, 339, 255, 446), 9),
    ((129, 203, 206, 216, 212, 202), 11),  # nasolabial and marionette lines
    ((358, 423, 426, 436, 432, 422), 11),
    ((57, 43, 106), 8), ((287, 273, 335), 8),
)  # fmt: skip

# What stays flat, and the margin round it, mm. Between brow and eye the shading is that of lashes
# and of the socket's depth, not of skin.
_FLAT = (
    *((eye, 3.0) for eye in EYES), *((brow, 2.0) for brow in BROWS),
    *((eye + brow, 0.0) for eye, brow in zip(EYES, BROWS, strict=True)),
    *((nostril, 2.0) for nostril in _NOSTRILS), (LIPS, 1.5),
)  # fmt: skip
_MOUTH_CORNERS, _CORNER_MM = (61, 291), 4.5  # shadow, not relief
_OVAL_SCALE = 0.94  # inside the face's outline: hair and jaw edge are beyond
_RIM_SCALE = 0.72
_BROW_MM = 6.0  # round the brows' landmarks: what is dark there is brow
_ABOVE_OVAL_MM = 9.0  # of forehead above the oval (hair there shows by its colour)
_EDGE_MM = 2.0  # over which relief fades in

# What a region's confidence speaks for: landmarks it is centred on and its reach, mm. How far the
# thing before a mouth reaches nobody knows: a mask lies on all below the eyes.
_LOWER_FACE = (197, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
               377, 400, 378, 379, 365, 397, 288, 361, 323, 454)  # fmt: skip
_REGION_REACH = {
    "mouth": (_LOWER_FACE, 12.0),
    "left_eye": (EYES[1], 24.0),
    "right_eye": (EYES[0], 24.0),
    "brows": (BROWS[0] + BROWS[1], 30.0),
    "both eyes": (EYES[0] + EYES[1], 56.0),  # dark glasses
}


def open_skin(sheet: FaceSheet) -> np.ndarray:
    """(R, R) in [0, 1]: skin on which relief may lie; 0 on eyes, brows, lips, nostrils, hair."""
    mask = hull(sheet, _OVAL, scale=_OVAL_SCALE)
    mask |= hull(sheet, _FOREHEAD, raise_mm=_ABOVE_OVAL_MM)
    for landmarks, margin_mm in _FLAT:
        mask[hull(sheet, landmarks, grow_mm=margin_mm) > 0] = 0
    for corner in _MOUTH_CORNERS:
        mask[hull(sheet, (corner,), grow_mm=_CORNER_MM) > 0] = 0
    mask[~sheet.on_skin] = 0
    soft = cv2.erode(mask, _disc(_EDGE_MM / sheet.texel_mm)).astype(np.float32)
    return cv2.GaussianBlur(soft, (0, 0), 0.6 * _EDGE_MM / sheet.texel_mm)


def bare_of_eyes(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: the face with brows and lips, without eyes, nostrils and the outline."""
    mask = hull(sheet, _OVAL, scale=_OVAL_SCALE)
    for landmarks in (*EYES, *_NOSTRILS):
        mask[hull(sheet, landmarks, grow_mm=2.0) > 0] = 0
    return (mask > 0) & sheet.on_skin


def bare_of_holes(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: all of the skin without eyes, nostrils and the mouth's slit."""
    holes = np.zeros((sheet.size, sheet.size), bool)
    for landmarks in (*EYES, *_NOSTRILS, SLIT):
        holes |= hull(sheet, landmarks, grow_mm=2.0) > 0
    return ~holes & sheet.on_skin


def lip_skin(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: the lips' red without its edge and without the slit, where teeth show."""
    slit = hull(sheet, SLIT, grow_mm=1.5)
    return (hull(sheet, LIPS, scale=0.94) > 0) & (slit == 0) & sheet.on_skin


def round_lips(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: the skin from 3 to 12 mm beside the lips."""
    return (
        (hull(sheet, LIPS, grow_mm=12.0) > 0)
        & (hull(sheet, LIPS, grow_mm=3.0) == 0)
        & bare_of_eyes(sheet)
    )


def hair_reaches(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: forehead above the brows and the face's rim, over which strands may hang."""
    return ((hull(sheet, _OVAL, scale=_RIM_SCALE) == 0) | fringe(sheet)) & ~round_brows(sheet)


def round_brows(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: brows and what is near them, where something dark is brow."""
    return np.any([hull(sheet, brow, grow_mm=_BROW_MM) > 0 for brow in BROWS], axis=0)


def calm_skin(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: the middle of the face, whose colour says what this person's skin is like."""
    return (hull(sheet, _OVAL, scale=0.75) > 0) & (open_skin(sheet) > 0.9)


def fold_zones(sheet: FaceSheet) -> np.ndarray:
    """(R, R) in [0, 1]: 1 where faces fold."""
    zones = np.zeros((sheet.size, sheet.size), np.float32)
    zones[hull(sheet, _FOREHEAD, raise_mm=_ABOVE_OVAL_MM) > 0] = 1
    for line, width_mm in _FOLDS:
        width = max(1, round(width_mm / sheet.texel_mm))
        cv2.polylines(zones, [_points(sheet, line)], False, 1.0, width)
    return cv2.GaussianBlur(zones, (0, 0), 2.5 / sheet.texel_mm)


def fringe(sheet: FaceSheet) -> np.ndarray:
    """(R, R) bool: the forehead down to the brows, over which strands may hang."""
    forehead = np.zeros((sheet.size, sheet.size), bool)
    forehead[: max(int(sheet.landmarks[[105, 334], 1].mean()), 0)] = True
    return forehead


def on_hair_ground(sheet: FaceSheet, zones: np.ndarray) -> np.ndarray:
    """(R, R) bool: where something dark is hair rather than a deep fold: forehead, cheeks, chin."""
    return fringe(sheet) | (zones < 0.2)


def region_reach(sheet: FaceSheet) -> np.ndarray:
    """How much each region's confidence speaks for a texel, and last the better eye's.

    Returns:
        (len(REGIONS) + 1, R, R) in [0, 1].
    """
    reach = np.ones((len(REGIONS) + 1, sheet.size, sheet.size), np.float32)
    for k, name in enumerate((*REGIONS, "both eyes")):
        if name not in _REGION_REACH:
            continue  # "face": everywhere
        landmarks, reach_mm = _REGION_REACH[name]
        mask = np.ones((sheet.size, sheet.size), np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(_points(sheet, landmarks)), 0)
        distance_mm = cv2.distanceTransform(mask, cv2.DIST_L2, 5) * sheet.texel_mm
        reach[k] = np.clip(2 - 2 * distance_mm / reach_mm, 0, 1)
    return reach


def trusted(reach: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """(R, R) in [0, 1]: 0 where a region with low confidence (R regions) lies.

    Low confidence in a face whose eyes and brows are clear is the mouth's: that is all it covers.
    """
    doubt = np.clip((0.6 - confidence) / 0.3, 0, 1).astype(np.float32)
    face, mouth = REGIONS.index("face"), REGIONS.index("mouth")
    above = np.delete(doubt, [face, mouth]).max()
    doubt[face] = min(doubt[face], max(above, 1 - doubt[mouth]))
    eyes = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]
    doubt = np.append(doubt, doubt[eyes].min())
    return 1 - np.max(reach * doubt[:, None, None], axis=0)


def _points(sheet: FaceSheet, landmarks: tuple[int, ...]) -> np.ndarray:
    return np.round(sheet.landmarks[list(landmarks)]).astype(np.int32)


def hull(
    sheet: FaceSheet,
    landmarks: tuple[int, ...],
    grow_mm: float = 0,
    scale: float = 1,
    raise_mm: float = 0,
) -> np.ndarray:
    """(R, R) uint8 0 or 1: the hull of some landmarks, scaled, its hairline raised, and grown."""
    points = sheet.landmarks[list(landmarks)]
    points = points.mean(0) + (points - points.mean(0)) * scale
    points[np.isin(landmarks, _HAIRLINE), 1] -= raise_mm / sheet.texel_mm
    mask = np.zeros((sheet.size, sheet.size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return cv2.dilate(mask, _disc(grow_mm / sheet.texel_mm)) if grow_mm else mask


def _disc(radius: float) -> np.ndarray:
    side = 2 * round(radius) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
