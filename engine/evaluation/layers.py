"""One capture stage by stage: coarse, then its lips refined by sound, then the fine stage's relief.

The fine stage counts with its own network; without it the row says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..detail.recover import Detail, DetailOptions, recover_detail
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..faces import FaceOptions, track_face
from ..fitting.landmark_track import landmark_track
from ..geometry import vertex_normals
from ..head.model import FaceParams, Head, params_of
from ..media import Clip
from ..progress import Report
from ..weights import registry

_FINE = "fine"  # in the registry
LIPS_ROW, FINE_ROW = "  + lips", "  + lips + fine"


@dataclass(frozen=True)
class Layer:
    """A capture with one more stage."""

    name: str
    landmarks: np.ndarray  # (T, 68, 2) px, NaN where there is none
    params: FaceParams
    detail: Detail | None = None


def layers(clip: Clip, take: Take, head: Head) -> Iterator[Layer]:
    """What lips and relief add to a take.

    Raises:
        AVFaceError: The fine stage has no network here, or no skin to work on; after the lips.
    """
    params = params_of(take)
    marks = landmark_track(head, params, (take.size[0], take.size[1]))
    marks = np.where(take.found[:, None, None], marks, np.nan).astype(float)
    yield Layer(LIPS_ROW, marks, params)
    if _FINE not in registry():
        raise AVFaceError(
            "the fine stage's network isn't carried by this version.",
            "Train it (python -m engine train fine) and register it in weights/registry.toml.",
        )
    track = track_face(clip, FaceOptions(), Report())
    detail = recover_detail(clip, track, params, head, DetailOptions(), Report())
    if detail is None:
        raise AVFaceError("the clip shows too little skin.", "Take a larger face.")
    yield Layer(FINE_ROW, marks, params, detail)


def raised(vertices: np.ndarray, faces: np.ndarray, detail: Detail, frame: int) -> np.ndarray:
    """Vertices (V, 3) m moved along their normals by the relief nearest in time."""
    key = int(np.abs(detail.frames - frame).argmin())
    relief = detail.static + detail.dynamic[key]
    normals = vertex_normals(vertices, faces)
    return vertices + normals * (heights(detail, relief) / 1e3)[:, None]


def heights(detail: Detail, relief: np.ndarray) -> np.ndarray:
    """Relief maps (R, R) mm at the vertices, (V,); 0 off the skin: each is the mean about it."""
    sheet = detail.sheet
    seen = sheet.on_skin & (detail.mask > 0)
    corners = sheet.faces[sheet.face_id[seen]].ravel()
    near = sheet.barycentric[seen].ravel().clip(1e-3) ** 4  # texels at the vertex itself count most
    count = len(sheet.spread)
    total = np.bincount(corners, near, count)
    summed = np.bincount(corners, near * np.repeat(relief[seen], 3), count)
    return summed / np.maximum(total, 1e-15)
