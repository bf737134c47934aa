"""MediaPipe's two networks as we use them: where are faces, and a face's 478 points in a region.

Only the legacy graphs are used, and of them only the parts without memory: nothing here smooths
over time. The mesh gets its region from us (the packaged solution finds it with the short-range
detector, which misses faces below 80 px), and tells how sure it is that a face is there.
"""

import math
from functools import cache
from typing import Any

import cv2
import numpy as np
from numba import njit

from .daylight import without_hue
from .graph import Graph, contents, mediapipe_module, mediapipe_root, packets, picture_packet
from .iris import find_irises
from .views import MARGIN, View, lit, magnified

_PRESENCE = "facelandmarkcpu__face_presence_score"
_GATE = "facelandmarkcpu__ThresholdingCalculator"
_MESH_GRAPH = """
input_stream: "IMAGE:image"
input_stream: "ROI:roi"
input_side_packet: "WITH_ATTENTION:with_attention"
output_stream: "LANDMARKS:landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""
_DETECTOR_GRAPH = "mediapipe/modules/face_detection/face_detection_full_range_cpu.binarypb"
_CUT_OFF_SIDE_PX = 640  # enough to find faces in that are too large for the picture
_BOX_MARGIN = 1.6  # side of a view over that of a detection
_LEAST_SCORE = 0.5
RIGHT_EYE, LEFT_EYE = 33, 263  # outer corners, as the subject's right and left


@cache
def _detector_graph() -> Graph:
    mediapipe_module("framework.formats.detection_pb2")  # lets its messages be read
    options = mediapipe_module("modules.face_detection.face_detection_pb2").FaceDetectionOptions()
    options.min_score_thresh = _LEAST_SCORE
    return Graph(
        mediapipe_root().parent / _DETECTOR_GRAPH,
        ("detections",),
        prepare=lambda configuration: configuration.graph_options.add().Pack(options),
    )


@cache
def _mesh_graph() -> Graph:
    """The mesh's graph, which always answers: the caller judges the presence."""
    mediapipe_module("framework.formats.landmark_pb2")  # lets its messages be read
    thresholding = mediapipe_module("calculators.util.thresholding_calculator_pb2")

    def answer_always(configuration: Any) -> None:
        gate = next(node for node in configuration.node if node.name == _GATE)
        gate.options.Extensions[thresholding.ThresholdingCalculatorOptions.ext].threshold = -1e9

    sides = {"with_attention": packets().create_bool(True)}
    return Graph(_MESH_GRAPH, ("landmarks", _PRESENCE), sides, answer_always)


class FaceDetector:
    """Boxes of faces in a picture, with the full-range network (down to 1/16 of the picture)."""

    def __init__(self) -> None:
        self._graph = _detector_graph()

    def find(self, picture: np.ndarray) -> np.ndarray:
        """(N, 5): x0, y0, x1, y1 in pixels and the score, best first."""
        height, width, _ = picture.shape
        answer = self._graph.run(image=picture_packet(np.ascontiguousarray(picture)))
        found = contents().get_proto_list(answer["detections"]) if answer else []
        faces = np.zeros((len(found), 5))
        for row, face in zip(faces, found, strict=True):
            box = face.location_data.relative_bounding_box
            row[:] = (
                box.xmin * width,
                box.ymin * height,
                (box.xmin + box.width) * width,
                (box.ymin + box.height) * height,
                face.score[0],
            )
        return _without_doubles(faces)

    def find_small(self, picture: np.ndarray, levels: int) -> np.ndarray:
        """As `find`, looking again where it finds none, until a face is found.

        First without the hue of a coloured light, and so from there on. Then for faces that the
        picture's edge cuts: a nose that fills a tile would be taken for one. Then for faces that
        lie on their side or stand on their head, which the network doesn't know. Then at
        overlapping tiles of 1/2, 1/4, ...
        """
        found = self.find(picture)
        if levels and not len(found):
            grey = without_hue(picture)
            if grey is not picture:
                picture = grey
                found = self.find(picture)
        if levels and not len(found):
            found = self._find_cut_off(picture)
        if levels and not len(found):
            found = self._find_turned(picture)
        side = max(picture.shape[:2])
        for _ in range(levels):
            if len(found) or side < 2:
                break
            side //= 2
            found = self._find_in_tiles(picture, side)
        return found

    def _find_cut_off(self, picture: np.ndarray) -> np.ndarray:
        """Faces half out of the picture or larger than it: they show in a wide black frame."""
        step = max(1, max(picture.shape[:2]) // _CUT_OFF_SIDE_PX)
        small = picture[::step, ::step]
        wide = max(small.shape[:2]) // 2
        framed = cv2.copyMakeBorder(small, wide, wide, wide, wide, cv2.BORDER_CONSTANT)
        faces = self.find(framed)
        faces[:, :4] = step * (faces[:, :4] - wide)
        return faces

    def _find_turned(self, picture: np.ndarray) -> np.ndarray:
        """Faces in the picture turned by a quarter, a half, three quarters."""
        height, width, _ = picture.shape
        found = []
        for quarters in (1, 2, 3):  # against the clock
            faces = self.find(np.rot90(picture, quarters))
            x0, y0, x1, y1 = faces[:, :4].T.copy()
            if quarters == 1:
                back = width - y1, x0, width - y0, x1
            elif quarters == 2:
                back = width - x1, height - y1, width - x0, height - y0
            else:
                back = y0, height - x1, y1, height - x0
            faces[:, :4] = np.stack(back, axis=1)
            found.append(faces)
        return _without_doubles(np.concatenate(found))

    def _find_in_tiles(self, picture: np.ndarray, side: int) -> np.ndarray:
        found = [np.zeros((0, 5))]
        for top in _tile_starts(picture.shape[0], side):
            for left in _tile_starts(picture.shape[1], side):
                faces = self.find(picture[top : top + side, left : left + side])
                found.append(faces + np.array([left, top, left, top, 0]))
        return _without_doubles(np.concatenate(found))


def _tile_starts(length: int, side: int) -> range | list[int]:
    """Where tiles of `side` begin that cover `length` and overlap by half."""
    count = max(int(np.ceil((length - side) / (side / 2))), 0) + 1
    return [round(start) for start in np.linspace(0, max(length - side, 0), count)]


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes: (N, >=4), (M, >=4) -> (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    both = np.prod(np.clip(high - low, 0, None), axis=-1)  # (N, M)
    area = [np.prod(box[:, 2:4] - box[:, :2], axis=-1) for box in (a, b)]
    return both / np.maximum(area[0][:, None] + area[1][None] - both, 1e-9)


def _without_doubles(faces: np.ndarray) -> np.ndarray:
    """One of each group of overlapping boxes: the surest."""
    kept: list[np.ndarray] = []
    for face in faces[np.argsort(-faces[:, 4])]:
        if not kept or overlap(face[None], np.array(kept)).max() < 0.3:
            kept.append(face)
    return np.array(kept).reshape(-1, 5)


def _coordinates(landmarks: Any) -> np.ndarray:
    """x, y, z of a NormalizedLandmarkList, (N, 3) float32.

    Read off its wire format, where each landmark is 17 bytes: a length, then a tag and a float
    for x, y and z. One by one they would take a tenth of the network's own time.
    """
    count = len(landmarks.landmark)
    wire = landmarks.SerializeToString()
    if len(wire) != 17 * count:  # with a visibility, say
        return np.array([[p.x, p.y, p.z] for p in landmarks.landmark], np.float32)
    columns = np.frombuffer(wire, np.uint8).reshape(count, 17)[:, 2:].reshape(count, 3, 5)
    return np.ascontiguousarray(columns[:, :, 1:]).view("<f4")[:, :, 0]


class FaceMesh:
    """478 points of the face in a region, each picture by itself."""

    def __init__(self) -> None:
        self._graph = _mesh_graph()
        self._rect = mediapipe_module("framework.formats.rect_pb2").NormalizedRect

    def find(self, view: View, region: np.ndarray) -> tuple[np.ndarray, float]:
        """The face in a turned square of a picture.

        Args:
            view: The part of the picture around the region (`view_of`).
            region: Centre x, y and side in the picture's pixels, turn in radians (`region_of`).

        Returns:
            (478, 3) float32 pixels of the picture (third: depth, positive away from the camera)
            and how sure the network is that a face is there (0..1).
        """
        view = magnified(lit(view, region), region[2])
        height, width, _ = view.pixels.shape
        (x, y), side = view.inside(region[:2]), region[2] * view.scale
        rect = self._rect(
            x_center=x / width,
            y_center=y / height,
            width=side / width,
            height=side / height,
            rotation=region[3],
        )
        answer = self._graph.run(
            image=picture_packet(view.pixels), roi=packets().create_proto(rect)
        )
        points = _coordinates(contents().get_proto(answer["landmarks"]))
        points *= np.array([width, height, width], np.float32) / view.scale  # (478, 3)
        points[:, :2] += view.origin
        logit = min(max(contents().get_float(answer[_PRESENCE]), -30.0), 30.0)
        return find_irises(view, points), 1 / (1 + math.exp(-logit))


@njit(cache=True)
def extent(points):
    """The upper left and lower right corner of a face's points, px: (478, >=2) -> (2,), (2,)."""
    low, high = points[0, :2].copy(), points[0, :2].copy()
    for i in range(1, 468):
        for c in range(2):
            low[c], high[c] = min(low[c], points[i, c]), max(high[c], points[i, c])
    return low, high


def region_of(points: np.ndarray) -> np.ndarray:
    """The turned square around a face's points, for the next picture: (478, >=2) -> (4,)."""
    eyes = points[LEFT_EYE, :2] - points[RIGHT_EYE, :2]
    turn = float(np.arctan2(eyes[1], eyes[0]))
    low, high = extent(points)
    centre = (low + high) / 2
    return np.array([*centre, float((high - low).max()) * MARGIN, turn])


def region_of_box(box: np.ndarray, turn: float = 0.0) -> np.ndarray:
    """The square around a detection, turned by `turn` rad: (>=4,) -> (4,)."""
    centre = (box[:2] + box[2:4]) / 2
    return np.array([*centre, float((box[2:4] - box[:2]).max()) * _BOX_MARGIN, turn])
