"""A second look at a face that has been followed: our own landmark network beside the tracker's.

The errors of the two are their own, so their mean follows a face better than either. Where each
puts a point in the lasting mean is a matter of convention: the tracker's is kept when asked.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from .faces import FaceTrack
from .media import Clip, read_frames
from .seen import Crop, blend_points, crop_face, crop_size, see_faces

_AT_ONCE = 64  # crops in memory


def second_look(
    clip: Clip,
    track: FaceTrack,
    points: Collection[int] | None = None,
    keep_convention: bool = False,
) -> FaceTrack:
    """The track with the mean of both looks at `points` of the mesh (all that the network knows).

    With `keep_convention` each point's median difference over the clip is taken out first. Memory
    stays flat with the clip's length.
    """
    blended = np.full((*track.landmarks.shape[:2], 2), np.nan)
    crops: list[Crop] = []
    frames: list[int] = []

    def look() -> None:
        if frames:
            blended[frames] = blend_points(track.landmarks[frames], see_faces(crops))
        crops.clear()
        frames.clear()

    size = crop_size()
    for frame, picture in read_frames(clip):
        if track.seen[frame]:
            crops.append(crop_face(picture, track.boxes[frame], size))
            frames.append(frame)
        if len(frames) == _AT_ONCE:
            look()
    look()
    moved = blended - track.landmarks[..., :2]
    if keep_convention:
        moved -= np.median(moved[track.seen], axis=0)
    if points is not None:
        moved[:, np.setdiff1d(np.arange(moved.shape[1]), list(points))] = 0
    landmarks = track.landmarks.copy()
    landmarks[track.seen, :, :2] += moved[track.seen].astype(np.float32)
    return replace(track, landmarks=landmarks)
