"""The faces in one picture of a clip, for an artist to choose from."""

from dataclasses import dataclass

import numpy as np

from ..exchange.protocol import AVFaceError
from ..media import Clip, read_frames
from .detector import FaceDetector, FaceMesh
from .following import FollowOptions, begin
from .people import prominence
from .tracklets import box_of

_TILE_LEVELS = 2  # how small a face is looked for: down to a quarter of the picture's side


@dataclass(frozen=True)
class Still:
    """One picture and the N faces in it, the largest and most central first."""

    time: float  # seconds of the clip
    picture: np.ndarray  # (H, W, 3) uint8 RGB
    boxes: np.ndarray  # (N, 4) px: x0, y0, x1, y1


def look_at_frame(clip: Clip, seconds: float) -> Still:
    """The faces in the picture that is nearest to `seconds`.

    Raises AVFaceError when the clip has no pictures, or none that can be decoded from there on.
    """
    if clip.kind == "sound":
        raise AVFaceError(
            f"{clip.path.name} holds sound only; there is no face to choose.", "Choose a video."
        )
    if not np.isfinite(seconds):
        raise AVFaceError(f"{seconds:g} s is no time.", "Name one within the clip.")
    nearest = int(np.argmin(np.abs(clip.times - seconds)))
    found = next(read_frames(clip, nearest), None)
    if found is None:
        raise AVFaceError(
            f"{clip.path.name} can't be decoded at {seconds:g} s.", "Look at an earlier time."
        )
    frame, picture = found
    boxes = FaceDetector().find_small(picture, _TILE_LEVELS)
    faces = [t.points[0] for t in begin(boxes, [], frame, picture, FaceMesh(), FollowOptions())]
    faces.sort(key=lambda points: -prominence(points[None], clip.size))
    return Still(
        time=float(clip.times[frame]),
        picture=picture,
        boxes=np.array([box_of(points) for points in faces], float).reshape(-1, 4),
    )
