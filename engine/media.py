"""Clips: which pictures there are and when, the pictures by range, the sound on the same clock.

The clock: seconds, 0 at the first picture that a player would show (pictures that an edit list cuts
away don't count); `times` are the files' own, never a rate's. Sound is put on the same clock:
sample 0 belongs to time 0 however the streams of the file start. Pictures are (H, W, 3) uint8 sRGB,
upright (a rotation tag is obeyed), with square pixels. Frames are counted from 0 within the clip as
it was opened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition
from av.video.frame import VideoFrame

from .exchange.protocol import AVFaceError
from .pictures import PICTURE_SUFFIXES, find_pictures, read_picture
from .rgb import Rgb

SOUND_RATE = 16_000  # Hz, what the sound models hear
DEFAULT_FPS = 25.0  # of picture sequences, and of the clock of a sound file
_SLOWEST_FPS, _FASTEST_FPS = 0.01, 1000.0  # that anybody may state
# Container formats whose packets carry a time for every picture, so that reading them suffices;
# in others (MPEG programme streams, AVI, raw streams) each picture is decoded to know its time.
_INDEXED_FORMATS = ("mp4", "mov", "matroska", "webm")
# Bare streams whose pictures carry no time at all: they are counted, `pts` are their numbers.
_COUNTED_FORMATS = ("h264", "hevc")
_SQUARE = 0.02  # so far from square a pixel may be: sizes are rounded to whole blocks
_NEAR_FRAMES = 12  # so many pictures are sooner decoded than passed over by opening the file anew
_BEFORE_ALL = -10_000_000  # microseconds
_CUT_SECONDS = 0.5  # a file that ends this much before its stated length has been cut off
_CHOOSE_ANOTHER = "Choose another file, or export it anew from the program that made it."


@dataclass(frozen=True)
class Clip:
    """What a file shows and when. T pictures."""

    path: Path
    kind: Literal["video", "pictures", "sound"]
    fps: Fraction  # nominal rate; `times` are exact
    times: np.ndarray  # (T,) seconds, rising, 0 at the file's first picture
    size: tuple[int, int]  # width, height of the upright picture, px
    has_sound: bool
    sound_offset: float  # seconds from the first picture to the first sample; below 0: sound first
    pts: np.ndarray  # (T,) int64, the pictures' stamps in the file
    rotation: int = 0  # quarter turns that make the picture upright, counter-clockwise
    first_pts: int = 0  # stamp of the file's first picture: where the clock starts
    time_base: Fraction = Fraction(1)  # seconds of one stamp
    # (K,) int64 stamps, rising, of pictures that are decoded without others
    keys: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    pictures: tuple[Path, ...] = ()  # of a picture sequence
    warnings: tuple[str, ...] = ()

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.times)


def open_clip(
    path: Path, fps: float | None = None, start: float = 0.0, end: float | None = None
) -> Clip:
    """Look through a video, a sound file or a picture sequence. Nothing is kept but the times.

    Args:
        path: The file; for pictures also their folder, a pattern (`shot.####.png`) or one of them.
        fps: The rate of a picture sequence, or of a bare stream (.h264, .hevc).
        start: Leave out the pictures before this time, seconds.
        end: Leave out the pictures from this time on, seconds.

    Raises:
        AVFaceError: There is nothing readable at `path`, or nothing between `start` and `end`.
    """
    if fps is not None and not _SLOWEST_FPS <= fps <= _FASTEST_FPS:
        raise AVFaceError(
            f"{fps:g} pictures a second can't be.",
            f"Give --fps between {_SLOWEST_FPS:g} and {_FASTEST_FPS:g}.",
        )
    is_pattern = "#" in path.name and not path.is_file()  # a film may be called "take #2.mp4"
    if path.is_dir() or is_pattern or path.suffix.lower() in PICTURE_SUFFIXES:
        clip = _open_pictures(path, fps or DEFAULT_FPS)
    else:
        clip = _open_stream(path, fps)
    if clip.kind == "sound" or (start <= 0 and end is None):
        return clip
    keep = (clip.times >= start) & (clip.times < (np.inf if end is None else end))
    if not keep.any():
        raise AVFaceError(
            f"{path.name} has no picture between {start:g} s and its end at {clip.times[-1]:.2f} s."
            if end is None
            else f"{path.name} has no picture between {start:g} s and {end:g} s.",
            "Choose another start or end.",
        )
    chosen = (
        tuple(p for p, k in zip(clip.pictures, keep, strict=True) if k) if clip.pictures else ()
    )
    return replace(clip, times=clip.times[keep], pts=clip.pts[keep], pictures=chosen)


def read_frames(
    clip: Clip, start: int = 0, stop: int | None = None, step: int = 1
) -> Iterator[tuple[int, np.ndarray]]:
    """Pictures `start` to `stop`, one at a time: (frame, (H, W, 3) uint8 RGB, upright).

    A picture that the decoder can't give (damaged file) is left out, so count by the frame number.
    """
    wanted = range(clip.frame_count)[start:stop:step]
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


def read_waveform(clip: Clip) -> np.ndarray | None:
    """The whole sound, (N,) float32 mono at SOUND_RATE, sample 0 at time 0; None without sound."""
    if not clip.has_sound:
        return None
    start = float(clip.first_pts * clip.time_base) if clip.kind == "video" else 0.0
    pieces: list[np.ndarray] = []
    position = 0  # samples written so far
    with _open_container(clip.path) as container:
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


def _open_container(path: Path) -> InputContainer:
    if not path.is_file():
        raise AVFaceError(f"There is no file at {path}.", "Check the path.")
    if path.stat().st_size == 0:
        raise AVFaceError(f"{path.name} is empty.", _CHOOSE_ANOTHER)
    try:
        return av.open(str(path), mode="r", metadata_errors="ignore")
    except (FFmpegError, OSError) as error:
        raise AVFaceError(
            f"{path.name} can't be read as video or sound (it is damaged, cut off or of an unknown "
            "kind).",
            _CHOOSE_ANOTHER,
        ) from error


def _open_stream(path: Path, fps: float | None) -> Clip:
    with _open_container(path) as container:
        films = [s for s in container.streams.video if not _is_cover(s)]
        has_sound = bool(container.streams.audio)
        if not films and not has_sound:
            raise AVFaceError(f"{path.name} holds neither pictures nor sound.", _CHOOSE_ANOTHER)
        if not films:
            return _sound_clip(path)
        indexed = any(name in container.format.name for name in _INDEXED_FORMATS)
        first = _first_frame(container, films[0])
        if first is None:
            raise AVFaceError(
                f"None of the pictures in {path.name} can be decoded.", _CHOOSE_ANOTHER
            )
        time_base = films[0].time_base or Fraction(1, 1000)
        nominal = films[0].guessed_rate or films[0].average_rate
        is_counted = _is_counted(container)
        if is_counted:
            told = Fraction(fps).limit_denominator(1001) if fps else None
            nominal = told or nominal or Fraction(DEFAULT_FPS)
            time_base = 1 / nominal
        width, height = _square_width(films[0], first), first.height
    stamps, keys, broken = _packet_stamps(path) if indexed else (None, np.zeros(0), False)
    if stamps is None or broken or stamps[0] != first.pts:
        stamps, keys, is_damaged = _decoded_stamps(path)
        broken |= is_damaged
    times = (stamps - stamps[0]) * float(time_base)
    turns = round(first.rotation / 90) % 4
    size = (height, width) if turns % 2 else (width, height)
    sound_start = _first_sound_time(path) if has_sound else None
    warnings = [] if not broken else [_cut_short(path, float(times[-1]))]
    if is_counted and not fps:
        warnings.append(_counted(path, float(1 / time_base)))
    return Clip(
        path=path,
        kind="video",
        fps=_nominal_rate(times, nominal),
        times=times,
        size=size,
        has_sound=sound_start is not None,
        sound_offset=0.0 if sound_start is None else sound_start - float(stamps[0] * time_base),
        pts=stamps,
        keys=keys,
        rotation=turns,
        first_pts=int(stamps[0]),
        time_base=time_base,
        warnings=tuple(warnings),
    )


def _sound_clip(path: Path) -> Clip:
    start = _first_sound_time(path)
    if start is None:
        raise AVFaceError(f"The sound in {path.name} can't be decoded.", _CHOOSE_ANOTHER)
    nothing = np.zeros(0)
    rate = Fraction(DEFAULT_FPS)
    return Clip(path, "sound", rate, nothing, (0, 0), True, start, nothing.astype(np.int64))


def _open_pictures(path: Path, fps: float) -> Clip:
    files, numbers = find_pictures(path)
    height, width, _ = read_picture(files[0]).shape
    rate = Fraction(fps).limit_denominator(1001)
    times = (numbers - numbers[0]) / float(rate)
    missing = int(numbers[-1] - numbers[0] + 1 - len(numbers))
    warnings = (f"{missing} pictures of the sequence are missing.",) if missing else ()
    return Clip(
        path, "pictures", rate, times, (width, height), False, 0.0, numbers,
        pictures=files, warnings=warnings,
    )  # fmt: skip


def _is_cover(stream: av.VideoStream) -> bool:
    """A still picture inside a sound file (an album's cover) is no film."""
    return bool(stream.disposition & Disposition.attached_pic)


def _film(container: InputContainer) -> av.VideoStream:
    return next(s for s in container.streams.video if not _is_cover(s))


def _is_counted(container: InputContainer) -> bool:
    return container.format.name in _COUNTED_FORMATS


def _decode(container: InputContainer, stream: av.VideoStream) -> Iterator[VideoFrame]:
    """All pictures from where the container stands; damaged packets are passed over.

    Those of a bare stream get their numbers as stamps: it must stand at its start.
    """
    numbers = count() if _is_counted(container) else None
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


def _first_frame(container: InputContainer, stream: av.VideoStream) -> VideoFrame | None:
    return next(_decode(container, stream), None)


def _square_width(film: av.VideoStream, picture: VideoFrame) -> int:
    """The width, px, that a picture whose pixels aren't square has with square ones."""
    aspect = float(film.sample_aspect_ratio or 1)
    return picture.width if abs(aspect - 1) < _SQUARE else round(picture.width * aspect)


def _packet_stamps(path: Path) -> tuple[np.ndarray | None, np.ndarray, bool]:
    """Stamps of the pictures as the packets tell them, in order of showing; None if they don't.

    Also those of key pictures, and whether the file ends before the length that its header states.
    """
    stamps: list[int] = []
    keys: list[int] = []
    reached = 0.0  # seconds, the end of the last packet of any stream
    broken = False
    with _open_container(path) as container:
        film = _film(container)
        try:
            for packet in container.demux():
                if packet.size == 0:
                    continue  # the flush at the end
                if packet.is_corrupt:
                    broken = True
                    continue
                if packet.pts is not None and packet.time_base is not None:
                    ends = packet.pts + (packet.duration or 0)
                    reached = max(reached, float(ends * packet.time_base))
                if packet.stream.index != film.index or packet.is_discard:
                    continue  # sound, or cut away by the edit list
                if packet.pts is None:
                    return None, np.zeros(0, np.int64), broken
                stamps.append(packet.pts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
        except FFmpegError:
            broken = True
        stated = ((container.duration or 0) + (container.start_time or 0)) / av.time_base
    unique = np.unique(np.array(stamps, np.int64))
    is_told = len(unique) == len(stamps) and len(unique) > 0
    broken |= stated - reached > _CUT_SECONDS
    return (unique if is_told else None), np.unique(np.array(keys, np.int64)), broken


def _decoded_stamps(path: Path) -> tuple[np.ndarray, np.ndarray, bool]:
    """Stamps of the pictures that the decoder gives, rising, and of the key pictures among them.

    Also whether the last is damaged.
    """
    stamps: list[int] = []
    keys: list[int] = []
    is_damaged = False
    with _open_container(path) as container:
        for frame in _decode(container, _film(container)):
            stamp = int(frame.pts)  # type: ignore[arg-type]
            if not stamps or stamp > stamps[-1]:
                stamps.append(stamp)
                is_damaged = frame.is_corrupt
                if frame.key_frame and not _is_counted(container):
                    keys.append(stamp)
    return np.array(stamps, np.int64), np.array(keys, np.int64), is_damaged


def _counted(path: Path, rate: float) -> str:
    return (
        f"{path.name} is a bare stream, which tells no times: its pictures are counted at {rate:g}"
        " a second. State another rate if the film had one (--fps)."
    )


def _cut_short(path: Path, seconds: float) -> str:
    return f"{path.name} is damaged or cut off; it was read up to {seconds:.2f} s."


def _nominal_rate(times: np.ndarray, stated: Fraction | None) -> Fraction:
    """The rate that the file states where its pictures come in whole steps of it, some left out or
    none (players and Blender count such a film at that rate), else the measured one.
    """
    if len(times) < 2:
        return stated or Fraction(DEFAULT_FPS)
    measured = (len(times) - 1) / (times[-1] - times[0])
    if stated:
        steps = np.diff(times) * float(stated)
        whole = np.abs(steps - np.round(steps).clip(1)) < 0.1
        if whole.mean() > 0.95 or abs(float(stated) / measured - 1) < 0.01:
            return Fraction(stated)
    return Fraction(measured).limit_denominator(1001)


def _decode_some(clip: Clip, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The pictures of the frames `wanted`, rising, from the last key picture before them on."""
    frame_of = {int(clip.pts[frame]): frame for frame in wanted}
    first, last = int(clip.pts[wanted[0]]), int(clip.pts[wanted[-1]])
    as_rgb = Rgb(clip.size, clip.rotation)
    with _open_container(clip.path) as container:
        stream = _film(container)
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
    if stamp > first_stamp and not _is_counted(container):
        container.seek(stamp, stream=stream, backward=True)
        pictures = _decode(container, stream)
        opening = next(pictures, None)
        if opening is not None and opening.pts is not None and opening.pts <= stamp:
            yield opening
            yield from pictures
            return
        try:  # in program streams a search for the start overshoots as well
            container.seek(_BEFORE_ALL, backward=True)
        except FFmpegError:
            container.seek(0, backward=True)
    yield from _decode(container, stream)


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


def _first_sound_time(path: Path) -> float | None:
    """When the first sample sounds, in the file's seconds; None if no sound can be decoded."""
    with _open_container(path) as container:
        first = next(_mono_pieces(container), None)
    return None if first is None else float(first[1] or 0.0)
