"""Films with their sound, written whole: for truth that is known, and for the demo clip."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ..exchange.saving import saved
from .sound import SOUND_RATE

_PIECE = 1024  # samples of sound at a time
_NEARLY_LOSSLESS = {"crf": "12"}


def write_film(
    path: Path,
    pictures: Iterable[np.ndarray],
    fps: Fraction | int,
    sound: np.ndarray | None = None,
    rate: int = SOUND_RATE,
    quality: Mapping[str, str] = _NEARLY_LOSSLESS,
) -> None:
    """H.264 and AAC in an MP4. Raises AVFaceError.

    Args:
        path: The film.
        pictures: (H, W, 3) uint8 RGB of even sides.
        fps: Pictures a second.
        sound: (N,) float32.
        rate: Of the sound, Hz.
        quality: x264's options.
    """
    layout = {"movflags": "+faststart"}
    with saved(path) as temporary, av.open(str(temporary), "w", "mp4", options=layout) as out:
        video = out.add_stream("libx264", rate=fps)
        video.pix_fmt, video.options = "yuv420p", dict(quality)
        audio = None if sound is None else out.add_stream("aac", rate=rate, layout="mono")
        for number, picture in enumerate(pictures):
            if not number:
                video.height, video.width = picture.shape[:2]
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
        if sound is not None and audio is not None:
            for first in range(0, len(sound), _PIECE):
                piece = np.ascontiguousarray(sound[None, first : first + _PIECE])
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
