"""Where on the head the tracker puts its points, against where the head file has them.

Millimetres in head axes on the default head's template, from the file's point to the tracker's: of
the subject's left and, as its mirror image, of the right; points of the middle stand alone. What
is told here is true of everybody; what a person's points still differ by is the person.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ..exchange.head_file import HeadFile

_NOT_IN_FRONT = ("ears", "mouth_inside", "upper_teeth", "lower_teeth", "gums", "tongue")

# fmt: off
# The outline. The file's was found on skin that faces the camera; the tracker's lies farther back,
# as far as the ears. Triangulated from nine views of the template (docs/log.md).
_OUTLINE_MM = {
    (288, 58): (10.3, -2.6, -36.6), (323, 93): (4.7, 0.8, -33.6), (356, 127): (3.1, 1.4, -15.0),
    (361, 132): (9.8, -0.5, -39.1), (365, 136): (0.7, -3.8, -8.7), (389, 162): (4.4, 0.8, -12.0),
    (397, 172): (4.3, -3.9, -20.9), (454, 234): (5.2, -0.3, -35.0),
}
# The lower face, where the tracker saw it in 840 pictures of 220 drawn people
# (scripts/find_landmark_places.py). The file has lips wider than their red, the middle of the lower
# lip (15, 86, 89, 96, 179 and their like) on the upper one, and the chin's edge above it. Set right
# by where the tracker saw twelve captured heads drawn over their films: there people hold still and
# have their mouths shut more than drawn ones. So are the outline's jaw and the nose (docs/log.md).
_LOWER_FACE_MM = {
    (0,): (0.0, -2.2, -0.4), (11,): (0.0, -5.4, -0.7), (12,): (2.7, -0.9, -1.4),
    (15,): (5.2, -6.9, -2.3), (16,): (0.4, 5.8, 4.5), (17,): (0.1, 1.9, 3.7),
    (18,): (0.0, -3.6, -0.9), (152,): (0.0, -4.7, -3.5), (164,): (0.0, 0.3, 1.8),
    (175,): (0.0, -2.8, -0.6), (199,): (0.0, -2.1, 0.1), (200,): (0.0, -1.7, 1.0),
    (262, 32): (-0.8, -5.3, 0.3), (267, 37): (0.4, -1.3, -0.5), (268, 38): (1.3, 0.2, -1.0),
    (269, 39): (-0.2, -2.0, -0.5), (270, 40): (-0.3, -1.1, -1.5), (271, 41): (0.5, -0.6, -1.9),
    (272, 42): (0.1, -0.8, -1.6), (273, 43): (-0.3, -3.8, -2.3), (287, 57): (0.5, -2.0, -1.7),
    (292, 62): (0.5, -0.1, -1.0), (302, 72): (2.0, -3.4, -2.3), (303, 73): (1.8, 1.3, -1.6),
    (304, 74): (-0.3, -1.0, -1.3), (306, 76): (0.4, -0.3, -1.0), (307, 77): (-2.2, -0.4, 1.5),
    (313, 83): (0.4, -3.8, -1.4), (314, 84): (-0.4, 1.6, 3.0), (315, 85): (-0.8, 5.6, 3.9),
    (316, 86): (-0.9, -6.4, -2.4), (319, 89): (-3.9, -2.8, 1.3), (320, 90): (-1.8, 4.2, 1.9),
    (321, 91): (-1.3, 1.0, 1.7), (322, 92): (0.7, -1.2, 0.3), (325, 96): (-1.5, -1.8, -0.6),
    (326, 97): (0.9, -0.7, 2.5), (335, 106): (-0.4, -4.2, -3.2), (364, 135): (0.3, -3.4, -1.5),
    (367, 138): (1.9, -3.1, -2.3), (369, 140): (-1.1, -4.4, 1.4), (375, 146): (-1.8, -1.1, 1.0),
    (377, 148): (-1.0, -5.1, -4.5), (378, 149): (-1.2, -5.7, -1.5), (379, 150): (-1.0, -5.2, -2.8),
    (391, 165): (1.1, 0.0, 0.5), (393, 167): (0.8, 0.4, 1.8), (394, 169): (-1.0, -3.9, 1.2),
    (395, 170): (-1.3, -5.5, -0.1), (396, 171): (-0.9, -3.4, -1.6), (400, 176): (-1.5, -5.5, -0.8),
    (403, 179): (3.9, -5.7, -4.1), (404, 180): (-1.8, 4.5, 3.0), (405, 181): (-1.0, 1.4, 2.3),
    (406, 182): (-0.4, -4.5, -2.5), (407, 183): (0.4, -0.8, -2.4), (408, 184): (0.7, -0.5, -1.0),
    (409, 185): (-1.0, -1.6, -0.9), (410, 186): (1.1, -0.7, -1.0), (411, 187): (1.8, -1.0, -1.1),
    (416, 192): (1.9, -2.2, -3.1), (418, 194): (-0.5, -5.0, -1.9), (421, 201): (-0.3, -4.2, 0.1),
    (422, 202): (-1.1, -3.9, -0.8), (424, 204): (-1.1, -5.2, -1.4), (426, 206): (1.1, -1.0, 0.8),
    (427, 207): (2.1, -1.4, 0.5), (428, 208): (-0.4, -4.0, -0.3), (430, 210): (-1.1, -3.8, -1.1),
    (431, 211): (-1.0, -4.6, -1.6), (432, 212): (0.3, -1.5, -1.1), (433, 213): (2.1, -2.3, -2.8),
    (434, 214): (0.2, -2.2, -0.2), (435, 215): (3.3, -2.8, -3.6), (436, 216): (1.6, -1.0, -0.4),
}
# The nose, by the captured heads alone: the tracker sees it lower than the file has it.
_NOSE_MM = {
    (1,): (0.0, -0.7, 0.0), (2,): (0.0, -0.7, 0.0), (4,): (0.0, -0.6, 0.0), (5,): (0.0, -1.7, 0.0),
    (19,): (0.0, -1.4, 0.0), (94,): (0.0, -1.3, 0.0), (195,): (0.0, -1.3, 0.0),
    (197,): (0.0, -0.4, 0.0), (248, 3): (0.5, -0.9, 0.0), (250, 20): (0.5, -1.3, 0.0),
    (274, 44): (0.7, -1.1, 0.0), (275, 45): (-0.9, -1.1, 0.0), (277, 47): (0.3, 0.0, 0.0),
    (278, 48): (0.6, -1.7, 0.0), (279, 49): (-0.5, -1.5, 0.0), (281, 51): (0.3, -1.3, 0.0),
    (289, 59): (0.7, -0.5, 0.0), (290, 60): (0.6, -1.0, 0.0), (294, 64): (-0.1, -1.3, 0.0),
    (305, 75): (1.9, -0.7, 0.0), (309, 79): (0.8, -1.5, 0.0), (327, 98): (1.2, 0.4, 0.0),
    (328, 99): (0.4, -0.8, 0.0), (331, 102): (0.3, -1.2, 0.0), (343, 114): (0.1, 0.3, 0.0),
    (344, 115): (-1.6, -1.5, 0.0), (354, 125): (0.4, -1.5, 0.0), (355, 126): (0.6, -0.5, 0.0),
    (357, 128): (0.3, 0.3, 0.0), (358, 129): (0.8, -0.6, 0.0), (360, 131): (-1.0, -0.8, 0.0),
    (363, 134): (-1.3, -0.6, 0.0), (370, 141): (0.2, -1.4, 0.0), (371, 142): (0.6, -0.6, 0.0),
    (392, 166): (-0.9, -1.5, 0.0), (399, 174): (0.4, 0.1, 0.0), (412, 188): (0.3, 0.2, 0.0),
    (419, 196): (0.5, -0.1, 0.0), (420, 198): (0.0, -0.8, 0.0), (429, 209): (0.4, -0.9, 0.0),
    (437, 217): (0.2, -0.4, 0.0), (438, 218): (-1.6, -1.5, 0.0), (439, 219): (-0.7, -1.7, 0.0),
    (440, 220): (-1.7, -1.4, 0.0), (455, 235): (-0.4, -1.3, 0.0), (456, 236): (0.1, -0.5, 0.0),
    (457, 237): (-1.7, -1.4, 0.0), (458, 238): (0.5, -1.5, 0.0), (459, 239): (0.8, -1.6, 0.0),
    (460, 240): (1.4, 0.0, 0.0), (461, 241): (0.5, -1.5, 0.0), (462, 242): (0.4, -1.5, 0.0),
}
# Brows and forehead, in 450 pictures of 150 of them: brows lie lower than the file's, the points
# at the hairline higher. Left alone, they and the eyes' inner corners made everybody's head small.
_UPPER_FACE_MM = {
    (8,): (0.0, 1.0, 0.6), (9,): (0.0, 1.5, 0.2), (10,): (0.0, 5.6, 0.1),
    (151,): (0.0, 3.3, 0.1), (251, 21): (1.7, 2.7, 1.4), (276, 46): (-0.9, -1.4, 1.8),
    (282, 52): (-0.6, -1.4, -0.6), (283, 53): (-0.7, -1.6, 0.6), (284, 54): (-1.1, 3.8, 0.8),
    (285, 55): (0.4, -1.1, -0.3), (293, 63): (-0.5, -2.2, 3.7), (295, 65): (0.1, -1.1, -0.5),
    (296, 66): (0.3, -1.2, 0.9), (297, 67): (-0.9, 5.1, -1.8), (298, 68): (-1.6, 2.2, 5.5),
    (299, 69): (-1.2, 3.4, -1.3), (300, 70): (-0.7, -2.0, 5.1), (301, 71): (-0.3, 2.2, 2.4),
    (332, 103): (-1.5, 3.8, 2.1), (333, 104): (-1.5, 2.8, 2.0), (334, 105): (-0.6, -1.5, 1.3),
    (336, 107): (0.3, -1.5, 0.4), (337, 108): (-0.1, 3.6, -0.6), (338, 109): (-0.1, 5.4, -1.3),
}
PLACES_MM = _OUTLINE_MM | _LOWER_FACE_MM | _NOSE_MM | _UPPER_FACE_MM
# Those that stay on an edge of the mesh, for its sake: upper and lower lip alike, so that the
# opening between them stays the mesh's own. The eyes' inner corners lie on the caruncle, where
# lids of the mesh have met.
EDGES_MM = {
    (362, 133): (-2.4, -0.1, 1.0),
    (291, 61): (-0.3, -0.7, -1.0), (308, 78): (-1.0, -0.6, 0.0), (13,): (0.0, 0.6, 0.8),
    (14,): (0.0, 0.6, 0.8), (312, 82): (0.2, 0.5, 0.7), (317, 87): (0.2, 0.5, 0.7),
    (311, 81): (0.0, 0.3, 0.6), (402, 178): (0.0, 0.3, 0.6), (310, 80): (0.0, 0.0, 0.1),
    (318, 88): (0.0, 0.0, 0.1), (415, 191): (0.0, -0.3, -0.4), (324, 95): (0.0, -0.3, -0.4),
}
OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
CHIN = [175, 199, 200, 18, 83, 313, 201, 421, 208, 428, 171, 396, 140, 369]
CHIN_EDGE = [152, 148, 377, 176, 400, 149, 378, 150, 379]
# fmt: on
# How far the tracker's points of chin and outline go with the jaw, of the skin's way: .6 on drawn
# people, .8 on real ones by the landmark network, which learnt from exact points (docs/log.md).
JAW_SHARE = 0.85
# rad: how far jaws were open in the pictures that the table is from, in its weighted mean. Points
# that go less far lie where it says at that jaw, not at rest.
PLACES_JAW = 0.04


@lru_cache(maxsize=2)
def tracked_points(file: HeadFile) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the tracker's 468 points lie on a head.

    A point that the tracker puts elsewhere on the skin goes with the vertex nearest to there; one
    on an edge of the mesh goes with that edge.

    Returns:
        The triangle of each, (468,), the shares of its corners, (468, 3), and how far from there
        the point lies at rest, (468, 3) m in head axes.
    """
    faces, weights = (part.copy() for part in file.landmarks_468)
    aside = np.zeros((len(faces), 3))
    for k, away in _both_sides(EDGES_MM):
        aside[k] = away
    unseen = [file.masks[name] for name in _NOT_IN_FRONT if name in file.masks]
    beneath = np.any([np.zeros(len(file.template), bool), *unseen], axis=0)
    candidates = np.flatnonzero(~beneath[file.faces].any(1))
    corners = file.faces[candidates].ravel()
    skin = np.flatnonzero(np.bincount(corners))
    on_skin, first = file.template[skin], np.zeros(len(file.template), int)
    first[corners[::-1]] = np.arange(len(corners))[::-1]  # where each vertex is named first
    for k, moved in _both_sides(PLACES_MM):
        place = weights[k] @ file.template[file.faces[faces[k]]] + moved
        away = on_skin - place
        nearest = skin[np.einsum("vc,vc->v", away, away).argmin()]
        face, corner = divmod(int(first[nearest]), 3)
        faces[k], weights[k] = candidates[face], np.eye(3)[corner]
        aside[k] = place - file.template[nearest]
    return faces, weights, aside


def _both_sides(
    table: dict[tuple[int, ...], tuple[float, ...]],
) -> Iterator[tuple[int, np.ndarray]]:
    """Each landmark of a table of places with its own way (3,) in metres."""
    for landmarks, millimetres in table.items():
        for k, side in zip(landmarks, (1e-3, -1e-3), strict=False):
            yield k, np.array(millimetres) * [side, 1e-3, 1e-3]
