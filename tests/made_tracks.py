"""Tracks of faces that nobody filmed."""

from typing import Any

import numpy as np

from engine.exchange.take import REGIONS
from engine.faces import FaceTrack
from engine.geometry import embed, project
from engine.head.model import FaceParams, Head


def made_track(landmarks: np.ndarray, size: tuple[int, int], fps: float = 25.0, **changes: Any):
    """A track of landmarks (T, 478, 3) px that its tracker is sure of, but for `changes`."""
    frames = len(landmarks)
    fields: dict[str, Any] = {
        "boxes": np.concatenate([landmarks[..., :2].min(1), landmarks[..., :2].max(1)], 1),
        "landmarks": landmarks,
        "seen": np.ones(frames, bool),
        "confidence": np.ones((frames, len(REGIONS))),
        "times": np.arange(frames) / fps,
        "size": size,
    }
    return FaceTrack(**fields | changes)


def points_of(head: Head, params: FaceParams, size: tuple[int, int]) -> np.ndarray:
    """Where a performance's mesh points and irises are seen, (T, 478, 3) px, flat."""
    rest, file = head.rest(params.shape), head.file
    points = np.zeros((len(params), 478, 3), np.float32)
    for t in range(len(params)):
        vertices = head.camera_frame(params, t, rest)
        places = [embed(vertices, file.faces, e) for e in (file.landmarks_468, file.iris)]
        points[t, :, :2] = project(np.concatenate(places), params.focal, size)
    return points
