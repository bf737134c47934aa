"""NAME.preview.mp4: the capture beside its clip, with the sound, for a person to judge.

Frames keep the clip's own times; a few are in memory at a time, however long the clip.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from ..exchange.files import written_whole
from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.provenance import provenance
from ..exchange.take import Take
from ..media import SOUND_RATE, Clip, read_frames, read_waveform
from ..progress import Report
from .crops import Crop, crop_of
from .panels import Panels, write
from .studio import Relief

_TICKS = 90_000  # per second: fine enough for every rate in use
_SOUND_PIECE = 1024  # samples, an AAC frame
_WORKERS = 4


@dataclass(frozen=True)
class PreviewOptions:
    """How the preview looks."""

    panel_height: int = 448  # px
    quality: int = 21  # x264's constant rate factor; smaller is better and larger
    speed: str = "veryfast"  # x264's preset


def write_preview(
    clip: Clip,
    take: Take,
    head_file: HeadFile,
    path: Path,
    report: Report | None = None,
    options: PreviewOptions | None = None,
) -> None:
    """Write clip | head over clip | head alone, with the sound, as H.264 and AAC.

    The take's normal maps are looked for beside `path`. Frames without a face are framed in red.
    Raises AVFaceError when the film can't be written.
    """
    quick = {"movflags": "+faststart"}
    try:
        with (
            written_whole(path) as temporary,
            av.open(str(temporary), "w", format="mp4", options=quick) as film,
        ):
            film.metadata["comment"] = json.dumps(provenance(take), ensure_ascii=False)
            _encode(film, clip, take, Panels(take, head_file, path.parent), report, options)
    except (OSError, FFmpegError) as error:
        raise AVFaceError(
            f"The preview can't be written to {path} ({error.strerror}).",
            "Free some disk space or choose another folder.",
        ) from error


def _encode(
    film: OutputContainer,
    clip: Clip,
    take: Take,
    panels: Panels,
    report: Report | None,
    options: PreviewOptions | None,
) -> None:
    options = options or PreviewOptions()
    waveform = _moved(read_waveform(clip), take.sound_offset - clip.sound_offset)
    crop = crop_of(take, _shown(take), options.panel_height)
    columns = 1 if clip.kind == "sound" else 3
    rate = Fraction(take.fps).limit_denominator(1001)
    video = _add_video(film, rate, (columns * crop.panel[0], crop.panel[1]), options)
    audio = film.add_stream("aac", rate=SOUND_RATE, layout="mono") if waveform is not None else None
    start = float(take.times[0])
    end = float(take.times[-1]) + 1 / take.fps
    sound = _sound_pieces(waveform, start, end)
    for frame, row in _draw_rows(clip, panels, crop):
        shown = av.VideoFrame.from_ndarray(row, format="rgb24")
        seconds = float(take.times[frame]) - start
        shown.pts, shown.time_base = round(seconds * _TICKS), Fraction(1, _TICKS)
        film.mux(video.encode(shown))
        if audio is not None:
            _mux_sound(film, audio, sound, seconds)
        if report:
            report((frame + 1) / take.frame_count)
    film.mux(video.encode(None))
    if audio is not None:
        _mux_sound(film, audio, sound, end)
        film.mux(audio.encode(None))


def _draw_rows(clip: Clip, panels: Panels, crop: Crop) -> Iterator[tuple[int, np.ndarray]]:
    """(frame, its panels) in order, a few drawn at once: the kernels need no lock."""

    def draw(
        frame: int, picture: np.ndarray | None, relief: Relief | None
    ) -> tuple[int, np.ndarray]:
        if picture is None:
            row = panels.alone(frame, crop)
        else:
            row = panels.triple(picture, frame, crop, relief)
        write(row, f"{frame}   {panels.take.times[frame]:.2f} s", (12, crop.panel[1] - 14))
        return frame, row

    workers = min(_WORKERS, os.cpu_count() or 1)
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for frame, picture in _pictures(clip, panels.take):
            waiting.append(pool.submit(draw, frame, picture, panels.relief(frame)))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pictures(clip: Clip, take: Take) -> Iterator[tuple[int, np.ndarray | None]]:
    """The clip's pictures by frame; of a sound file only the frames."""
    if clip.kind == "sound":
        yield from ((frame, None) for frame in range(take.frame_count))
    else:
        yield from read_frames(clip)


def _moved(waveform: np.ndarray | None, seconds: float) -> np.ndarray | None:
    """The sound put so much later; what then lies before time 0 is lost."""
    samples = round(seconds * SOUND_RATE)
    if waveform is None or samples == 0:
        return waveform
    if samples < 0:
        return waveform[-samples:]
    return np.concatenate([np.zeros(samples, waveform.dtype), waveform])


def _shown(take: Take) -> np.ndarray:
    """The frames that say where the head is: those with a face, or all."""
    found = np.flatnonzero(take.found)
    return found if len(found) else np.arange(take.frame_count)


def _add_video(
    film: OutputContainer, rate: Fraction, size: tuple[int, int], options: PreviewOptions
) -> VideoStream:
    video = film.add_stream("libx264", rate=rate)
    video.width, video.height = size
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = Fraction(1, _TICKS)
    video.options = {"crf": str(options.quality), "preset": options.speed}
    video.thread_count = 1
    return video


def _sound_pieces(
    waveform: np.ndarray | None, start: float, end: float
) -> Iterator[tuple[int, np.ndarray]]:
    """(first sample counted from `start`, samples) between two times of the clip."""
    if waveform is None:
        return
    waveform = waveform[round(start * SOUND_RATE) : round(end * SOUND_RATE)]
    for first in range(0, len(waveform), _SOUND_PIECE):
        yield first, waveform[first : first + _SOUND_PIECE]


def _mux_sound(
    film: OutputContainer,
    audio: AudioStream,
    pieces: Iterator[tuple[int, np.ndarray]],
    until: float,
) -> None:
    """Encode the sound up to `until` seconds, so that it lies beside its pictures in the file."""
    for first, samples in pieces:
        piece = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        piece.sample_rate, piece.pts, piece.time_base = SOUND_RATE, first, Fraction(1, SOUND_RATE)
        film.mux(audio.encode(piece))
        if first >= until * SOUND_RATE:
            return
