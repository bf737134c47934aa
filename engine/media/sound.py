"""A clip's sound: mono, at the rate that the sound models hear, on the pictures' clock."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError

from .clip import Clip
from .container import open_container

SOUND_RATE = 16_000  # Hz, what the sound models hear


def read_waveform(clip: Clip) -> np.ndarray | None:
    """The whole sound, (N,) float32 mono at SOUND_RATE, sample 0 at time 0; None without sound."""
    if not clip.has_sound:
        return None
    start = float(clip.first_pts * clip.time_base) if clip.kind == "video" else 0.0
    pieces: list[np.ndarray] = []
    position = 0  # samples written so far
    with open_container(clip.path) as container:
        for sound, time in _mono_pieces(container):
            # Every piece goes where its stamp says: a hole in the stream becomes silence, and
            # rounding of stamps (below 2 ms) doesn't tear the sound.
            begin = round((time - start) * SOUND_RATE) if time is not None else position
            if abs(begin - position) < SOUND_RATE // 500 and position:
                begin = position
            if begin > position:
                pieces.append(np.zeros(begin - position, np.float32))
                position = begin
            piece = sound[position - begin :]
            pieces.append(piece)
            position += len(piece)
    return np.concatenate(pieces) if pieces else None


def first_sound_time(path: Path) -> float | None:
    """When the first sample sounds, in the file's seconds; None if no sound can be decoded."""
    with open_container(path) as container:
        first = next(_mono_pieces(container), None)
    return None if first is None else float(first[1] or 0.0)


def _mono_pieces(container: InputContainer) -> Iterator[tuple[np.ndarray, float | None]]:
    """(samples at SOUND_RATE, time of the first one in the file's seconds), in order."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND_RATE)
    stream = container.streams.audio[0]

    def pieces(frame: av.AudioFrame | None) -> Iterator[tuple[np.ndarray, float | None]]:
        for piece in resampler.resample(frame):
            yield piece.to_ndarray()[0], piece.time

    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except InvalidDataError:
                continue
            for frame in frames:
                yield from pieces(frame)
    except FFmpegError:
        return
    yield from pieces(None)
