"""The face's square of each picture of a clip, a few pictures at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..faces.crops import crop_boxes, cut_crop

if TYPE_CHECKING:
    from ..faces import FaceTrack
    from ..media import Clip

_AT_ONCE = 8  # pictures that are held
_MESH_POINTS = 468


def face_boxes(track: "FaceTrack") -> np.ndarray:
    """The crop of each frame (T, 3), led over frames in which no face was found."""
    seen = np.flatnonzero(track.seen)
    points = track.landmarks[seen][:, :_MESH_POINTS, :2].astype(float)
    every, edges = np.arange(len(track.times)), np.asarray(track.cuts)
    boxes = np.empty((len(every), 3))
    shot_of = np.searchsorted(edges, every, side="right")
    for shot in np.unique(shot_of):
        inside = shot_of[seen] == shot
        mine = shot_of == shot
        if not inside.any():
            inside = np.ones(len(seen), bool)
        own = crop_boxes(points[inside])
        boxes[mine] = np.stack([np.interp(every[mine], seen[inside], c) for c in own.T], 1)
    return boxes


def crop_batches(
    clip: "Clip",
    boxes: np.ndarray,
    side: int,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Frames (n,) and their crops (n, 3, side, side) in 0..1; no more than a few at once."""
    from ..media import read_frames

    frames: list[int] = []
    crops: list[np.ndarray] = []
    for frame, picture in read_frames(clip, start, stop):
        frames.append(frame)
        crops.append(cut_crop(picture, boxes[frame], side))
        if len(frames) == _AT_ONCE:
            yield _batch(frames, crops)
            frames, crops = [], []
    if frames:
        yield _batch(frames, crops)


def _batch(frames: list[int], crops: list[np.ndarray]) -> tuple[np.ndarray, Tensor]:
    pictures = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    return np.array(frames), pictures
