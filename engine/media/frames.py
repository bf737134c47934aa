"""A clip's pictures by range, in the order in which they are shown; nothing is kept."""

from collections.abc import Iterator, Sequence

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame

from .clip import Clip
from .container import decode, film_of, is_counted, open_container
from .pictures import read_picture
from .rgb import Rgb

_NEAR_FRAMES = 12  # so many pictures are sooner decoded than passed over by opening the file anew
_BEFORE_ALL = -10_000_000  # microseconds


def read_frames(
    clip: Clip, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Pictures `start` to `stop`, one at a time: (frame, (H, W, 3) uint8 RGB, upright).

    A picture that the decoder can't give (damaged file) is left out, so count by the frame number.
    """
    wanted = range(clip.frame_count)[start:stop]
    if clip.kind == "pictures":
        for frame in wanted:
            yield frame, read_picture(clip.pictures[frame], clip.size)
    elif wanted:
        yield from _decode_some(clip, wanted)


def read_some(clip: Clip, frames: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The pictures of some frames (n,), rising, as `read_frames` gives them.

    What lies between two of them is decoded only as far as the later one is built on it.
    """
    if clip.kind == "pictures":
        yield from ((int(frame), read_picture(clip.pictures[frame], clip.size)) for frame in frames)
        return
    keys = clip.keys if len(clip.keys) else clip.pts[:1]
    built_on = keys[np.searchsorted(keys, clip.pts[frames], "right").clip(1) - 1]
    passed_over = np.searchsorted(clip.pts, built_on[1:]) - frames[:-1]
    for part in np.split(frames, np.flatnonzero(passed_over > _NEAR_FRAMES) + 1):
        if len(part):
            yield from _decode_some(clip, part.tolist())


def _decode_some(clip: Clip, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The pictures of the frames `wanted`, rising, from the last key picture before them on."""
    frame_of = {int(clip.pts[frame]): frame for frame in wanted}
    first, last = int(clip.pts[wanted[0]]), int(clip.pts[wanted[-1]])
    as_rgb = Rgb(clip.size, clip.rotation)
    with open_container(clip.path) as container:
        stream = film_of(container)
        if not clip.warnings:  # in a damaged file, threads lose other pictures than one would
            stream.thread_type = "AUTO"
        for picture in _decode_from(container, stream, first, clip.first_pts):
            stamp = int(picture.pts)  # type: ignore[arg-type]
            frame = frame_of.pop(stamp, None)
            if frame is not None:
                yield frame, as_rgb(picture)
            if stamp >= last:
                return


def _decode_from(
    container: InputContainer, stream: av.VideoStream, stamp: int, first_stamp: int
) -> Iterator[VideoFrame]:
    """Pictures from the key frame before `stamp` on, or from the start where seeking overshoots."""
    if stamp > first_stamp and not is_counted(container):
        container.seek(stamp, stream=stream, backward=True)
        pictures = decode(container, stream)
        opening = next(pictures, None)
        if opening is not None and opening.pts is not None and opening.pts <= stamp:
            yield opening
            yield from pictures
            return
        try:  # in program streams a search for the start overshoots as well
            container.seek(_BEFORE_ALL, backward=True)
        except FFmpegError:
            container.seek(0, backward=True)
    yield from decode(container, stream)
