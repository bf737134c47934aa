"""Videos of talking people made ready for training: crops, landmarks and sound features.

The one command of training that reads videos and finds faces; training itself reads what this
leaves (`data.py`).
"""

import logging
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from ..audio import speech_features
from ..audio.features import Kind, silence
from ..audio.windows import windows
from ..exchange.protocol import AVFaceError
from ..faces import FaceOptions, FaceTrack, track_face
from ..faces.crops import crop_boxes, cut_crop, to_crop
from ..faces.track import stretches
from ..head.landmarks import REGION_OF_68, mesh_to_68
from ..media import Clip, open_clip, read_frames, read_waveform
from ..media.pictures import FILM_SUFFIXES
from ..progress import Report
from .data import Prepared

_LOG = logging.getLogger(__name__)
_JPEG_QUALITY = 92


def prepare_folder(
    folder: Path, out: Path, side: int, sound: Kind, sound_path: Path | None
) -> list[str]:
    """Prepare every video under `folder` that isn't in `out` yet.

    A clip that can't be read or shows no face is left out with a warning.

    Args:
        folder: With videos, at any depth.
        out: Where the prepared clips go.
        side: Of a crop, px.
        sound: The kind of speech features.
        sound_path: The user's network of that kind.

    Returns:
        The names of the prepared clips.
    """
    videos = sorted(p for p in folder.rglob("*") if p.suffix.lower() in FILM_SUFFIXES)
    if not videos:
        raise AVFaceError(f"{folder} holds no video.", f"Known: {' '.join(sorted(FILM_SUFFIXES))}.")
    names = []
    for path in videos:
        name = "_".join(path.relative_to(folder).with_suffix("").parts)
        try:
            if not (out / f"{name}.npz").is_file():
                prepare_clip(path, out, name, side, sound, sound_path)
            names.append(name)
        except AVFaceError as error:
            _LOG.warning("%s is left out: %s", path, error)
    if not names:
        raise AVFaceError(f"No clip in {folder} could be used.", "See the warnings above.")
    return names


def prepare_clip(
    path: Path,
    out: Path,
    name: str,
    side: int,
    sound: Kind,
    sound_path: Path | None,
) -> None:
    """Prepare one video. Raises AVFaceError when it can't be read or shows no face."""
    clip = open_clip(path)
    track = track_face(clip, FaceOptions(), Report())
    frames = np.flatnonzero(track.seen)
    if not len(frames):
        raise AVFaceError(f"{path.name} shows no face.", "")
    points = mesh_to_68(track.landmarks[frames, :, :2])  # (T, 68, 2)
    runs = _runs(track, frames)
    boxes = np.concatenate(
        [crop_boxes(track.landmarks[frames[a:b], :468, :2].astype(float)) for a, b in runs]
    )
    jpegs, offsets = _crops(clip, frames, boxes, side)
    Prepared(
        times=clip.times[frames],
        landmarks=to_crop(points, boxes).astype(np.float32),
        belief=track.confidence[frames][:, REGION_OF_68].astype(np.float32),
        boxes=boxes.astype(np.float32),
        sound=_sound(clip, clip.times[frames], sound, sound_path).astype(np.float16),
        offsets=offsets,
        runs=np.array(runs),
    ).save(out, name, jpegs)


def _runs(track: FaceTrack, frames: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of the kept frames without a gap or a cut, as places among `frames`."""
    runs = []
    for first, last in stretches(track.seen):
        cuts = (cut for cut in track.cuts if first < cut <= last)
        runs += list(pairwise([first, *cuts, last + 1]))
    place = {int(frame): k for k, frame in enumerate(frames)}
    return [(place[first], place[end - 1] + 1) for first, end in runs]


def _crops(
    clip: Clip, frames: np.ndarray, boxes: np.ndarray, side: int
) -> tuple[bytes, np.ndarray]:
    """The JPEGs one after the other, and where each begins, (T + 1,)."""
    place = {int(frame): k for k, frame in enumerate(frames)}
    pieces: list[bytes] = [b""] * len(frames)
    for frame, picture in read_frames(clip):
        if frame in place:
            crop = cut_crop(picture, boxes[place[frame]], side)[..., ::-1]
            done, content = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            assert done, crop.shape
            pieces[place[frame]] = content.tobytes()
    for k in range(1, len(pieces)):  # a damaged picture: the one before stands in
        pieces[k] = pieces[k] or pieces[k - 1]
    return b"".join(pieces), np.concatenate([[0], np.cumsum([len(p) for p in pieces])])


def _sound(clip: Clip, times: np.ndarray, kind: Kind, path: Path | None) -> np.ndarray:
    """(T, 16, C); silence for a clip without sound."""
    waveform = read_waveform(clip)
    if waveform is None or not len(waveform):
        quiet = silence(kind, {"mel": 80, "wav2vec2": 768}.get(kind, 29))
        return np.tile(quiet, (len(times), 16, 1))
    return windows(speech_features(waveform, kind, path), times)
