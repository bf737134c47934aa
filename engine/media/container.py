"""A file opened by PyAV: its film, its packets decoded, damaged ones passed over."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition
from av.video.frame import VideoFrame

from ..exchange.protocol import AVFaceError

# Bare streams whose pictures carry no time at all: they are counted, `pts` are their numbers.
_COUNTED_FORMATS = ("h264", "hevc")
CHOOSE_ANOTHER = "Choose another file, or export it anew from the program that made it."


def open_container(path: Path) -> InputContainer:
    """The file as PyAV reads it.

    Raises:
        AVFaceError: There is none, it is empty, or nothing that PyAV knows.
    """
    if not path.is_file():
        raise AVFaceError(f"There is no file at {path}.", "Check the path.")
    if path.stat().st_size == 0:
        raise AVFaceError(f"{path.name} is empty.", CHOOSE_ANOTHER)
    try:
        return av.open(str(path), mode="r", metadata_errors="ignore")
    except (FFmpegError, OSError) as error:
        raise AVFaceError(
            f"{path.name} can't be read as video or sound (it is damaged, cut off or of an unknown "
            "kind).",
            CHOOSE_ANOTHER,
        ) from error


def is_cover(stream: av.VideoStream) -> bool:
    """A still picture inside a sound file (an album's cover) is no film."""
    return bool(stream.disposition & Disposition.attached_pic)


def film_of(container: InputContainer) -> av.VideoStream:
    """Its film: the first stream of pictures that is no cover."""
    return next(s for s in container.streams.video if not is_cover(s))


def is_counted(container: InputContainer) -> bool:
    """Whether its pictures carry no times and are counted."""
    return container.format.name in _COUNTED_FORMATS


def decode(container: InputContainer, stream: av.VideoStream) -> Iterator[VideoFrame]:
    """All pictures from where the container stands; damaged packets are passed over.

    Those of a bare stream get their numbers as stamps: it must stand at its start.
    """
    numbers = count() if is_counted(container) else None
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    if numbers is not None:
                        frame.pts = next(numbers)
                    if frame.pts is not None:
                        yield frame
            except InvalidDataError:
                continue
    except FFmpegError:
        return  # the file ends in the middle of something: what came before counts
