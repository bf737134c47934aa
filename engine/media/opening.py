"""Looks through a video, a sound file or a picture sequence: a `Clip`."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame

from ..exchange.protocol import AVFaceError
from ..exchange.take import frame_seconds
from .clip import Clip
from .container import CHOOSE_ANOTHER, decode, is_counted, is_cover, open_container
from .pictures import PICTURE_SUFFIXES, find_pictures, read_picture
from .sound import first_sound_time
from .stamps import decoded_stamps, packet_stamps

DEFAULT_FPS = 25.0  # of picture sequences, and of the clock of a sound file
_SLOWEST_FPS, _FASTEST_FPS = 0.01, 1000.0  # that anybody may state
# Container formats whose packets carry a time for every picture, so that reading them suffices;
# in others (MPEG programme streams, AVI, raw streams) each picture is decoded to know its time.
_INDEXED_FORMATS = ("mp4", "mov", "matroska", "webm")
_HOLE_SECONDS, _HOLE_STEPS = 0.2, 2.5  # from one picture to the next, in usual steps: some lack
_SQUARE = 0.02  # so far from square a pixel may be: sizes are rounded to whole blocks


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
    if clip.kind == "sound":
        return clip
    if start > 0 or end is not None:
        clip = _between(clip, start, end)
    holes = _holes(clip.times) if clip.kind == "video" else ()
    return replace(clip, warnings=clip.warnings + holes)


def _between(clip: Clip, start: float, end: float | None) -> Clip:
    """What is shown from `start` on and before `end`, seconds. Raises AVFaceError for nothing."""
    keep = (clip.times >= start) & (clip.times < (np.inf if end is None else end))
    if not keep.any():
        raise AVFaceError(
            f"{clip.path.name} has no picture between {start:g} s and its end at"
            f" {clip.times[-1]:.2f} s."
            if end is None
            else f"{clip.path.name} has no picture between {start:g} s and {end:g} s.",
            "Choose another start or end.",
        )
    chosen = (
        tuple(p for p, k in zip(clip.pictures, keep, strict=True) if k) if clip.pictures else ()
    )
    return replace(clip, times=clip.times[keep], pts=clip.pts[keep], pictures=chosen)


def _holes(times: np.ndarray) -> tuple[str, ...]:
    """A sentence where pictures were dropped for longer than a syllable takes."""
    apart = np.diff(times)
    wide = np.flatnonzero(apart > max(_HOLE_SECONDS, _HOLE_STEPS * frame_seconds(times)))
    if not len(wide):
        return ()
    longest = wide[np.argmax(apart[wide])]
    more = ", and more often" if len(wide) > 1 else ""
    where = f"for {apart[longest]:.1f} s at {times[longest]:.1f} s{more}"
    return (f"The film has no picture {where}: what the face does there is a guess.",)


def _open_stream(path: Path, fps: float | None) -> Clip:
    with open_container(path) as container:
        films = [s for s in container.streams.video if not is_cover(s)]
        has_sound = bool(container.streams.audio)
        if not films and not has_sound:
            raise AVFaceError(f"{path.name} holds neither pictures nor sound.", CHOOSE_ANOTHER)
        if not films:
            return _sound_clip(path)
        indexed = any(name in container.format.name for name in _INDEXED_FORMATS)
        first = _first_frame(container, films[0])
        if first is None:
            raise AVFaceError(
                f"None of the pictures in {path.name} can be decoded.", CHOOSE_ANOTHER
            )
        time_base = films[0].time_base or Fraction(1, 1000)
        nominal = films[0].guessed_rate or films[0].average_rate
        counted = is_counted(container)
        if counted:
            told = Fraction(fps).limit_denominator(1001) if fps else None
            nominal = told or nominal or Fraction(DEFAULT_FPS)
            time_base = 1 / nominal
        width, height = _square_width(films[0], first), first.height
    stamps, keys, broken = packet_stamps(path) if indexed else (None, np.zeros(0), False)
    if stamps is None or broken or stamps[0] != first.pts:
        stamps, keys, is_damaged = decoded_stamps(path)
        broken |= is_damaged
    times = (stamps - stamps[0]) * float(time_base)
    turns = round(first.rotation / 90) % 4
    size = (height, width) if turns % 2 else (width, height)
    sound_start = first_sound_time(path) if has_sound else None
    warnings = [] if not broken else [_cut_short(path, float(times[-1]))]
    if counted and not fps:
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
    start = first_sound_time(path)
    if start is None:
        raise AVFaceError(f"The sound in {path.name} can't be decoded.", CHOOSE_ANOTHER)
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


def _first_frame(container: InputContainer, stream: av.VideoStream) -> VideoFrame | None:
    return next(decode(container, stream), None)


def _square_width(film: av.VideoStream, picture: VideoFrame) -> int:
    """The width, px, that a picture whose pixels aren't square has with square ones."""
    aspect = float(film.sample_aspect_ratio or 1)
    return picture.width if abs(aspect - 1) < _SQUARE else round(picture.width * aspect)


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
