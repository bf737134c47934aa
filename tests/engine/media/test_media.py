"""Clips of every kind, written here with known times, sounds and pictures."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.media import SOUND_RATE, frames, open_clip, read_frames, read_some, read_waveform
from engine.media.pictures import read_picture, write_picture

SIZE = (96, 64)
CLICK_SECONDS = 0.25  # where the sound has its click


def picture(number: int) -> np.ndarray:
    """A picture that says its number in eight bright or dark blocks; red in the lower left."""
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    for bit in range(8):
        image[8:24, 12 * bit : 12 * bit + 12] = 230 if number >> bit & 1 else 20
    image[48:, :24] = (220, 20, 20)
    return image


def number_of(image: np.ndarray) -> int:
    return sum(1 << bit for bit in range(8) if image[16, 12 * bit + 6].mean() > 128)


def write_film(
    path: Path,
    times: list[float],
    sound_start: float | None = None,
    options: dict[str, str] | None = None,
    codec: str = "libx264",
) -> None:
    with av.open(str(path), "w", options=options or {}) as container:
        ticks = 25 if codec == "mpeg4" else 90000  # a second, of the stamps
        film = container.add_stream(codec, rate=25)
        film.width, film.height, film.pix_fmt = *SIZE, "yuv420p"
        film.codec_context.time_base = film.time_base = Fraction(1, ticks)
        film.options = {"g": "6", "bf": "2"} | ({"crf": "10"} if codec == "libx264" else {})
        sound = None
        if sound_start is not None:
            sound = container.add_stream("aac", rate=48000, layout="mono")
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = round(time * ticks), Fraction(1, ticks)
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
        if sound is not None and sound_start is not None:
            _write_click(container, sound, sound_start)


def _write_click(container, sound, start: float) -> None:
    samples = np.zeros(48000, np.float32)
    click = round(CLICK_SECONDS * 48000)
    samples[click : click + 96] = 0.9 * np.sin(np.arange(96) * 0.6)
    for begin in range(0, len(samples), 1024):
        piece = samples[None, begin : begin + 1024]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "flt", "mono")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = begin + round(start * 48000)
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))


def even_times(count: int, rate: float = 25.0) -> list[float]:
    return [k / rate for k in range(count)]


def test_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    gaps = np.random.default_rng(0).choice([1 / 60, 1 / 15, 1 / 30], 40)
    times = [0.0, *np.cumsum(gaps)]
    write_film(tmp_path / "a.mp4", times)
    clip = open_clip(tmp_path / "a.mp4")
    assert clip.kind == "video" and clip.size == SIZE and clip.frame_count == 41
    np.testing.assert_allclose(clip.times, times, atol=1e-4)
    assert [number_of(image) for _, image in read_frames(clip)] == list(range(41))


def test_dropped_pictures_are_told(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", [t for t in even_times(60) if not 1.0 < t < 1.4])
    (told,) = open_clip(tmp_path / "a.mp4").warnings
    assert "no picture for 0.4 s at 1.0 s" in told
    assert not open_clip(tmp_path / "a.mp4", end=1.0).warnings
    write_film(tmp_path / "slow.mp4", even_times(10, 2.0))
    assert not open_clip(tmp_path / "slow.mp4").warnings


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_every_container_gives_every_picture(tmp_path: Path, name: str) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    write_film(tmp_path / name, even_times(30), codec=codec)
    clip = open_clip(tmp_path / name)
    assert float(clip.fps) == pytest.approx(25, abs=0.3)
    np.testing.assert_allclose(clip.times, even_times(30), atol=2e-3)
    frames = {frame: number_of(image) for frame, image in read_frames(clip)}
    assert frames == {k: k for k in range(30)}


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
@pytest.mark.parametrize("part", [(17, 25), (0, None), (29, 30), (5, 5), (3, 28)])
def test_reading_a_part_is_exact(tmp_path: Path, name: str, part: tuple) -> None:
    write_film(tmp_path / name, even_times(30))
    read = [(k, number_of(image)) for k, image in read_frames(open_clip(tmp_path / name), *part)]
    assert read == [(k, k) for k in range(30)[slice(*part)]]


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.avi"])
@pytest.mark.parametrize("frames", [[0], [59], [3, 4, 40], [0, 13, 26, 27, 58], [7, 33]])
def test_reading_some_is_exact(tmp_path: Path, name: str, frames: list[int]) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    write_film(tmp_path / name, even_times(60), codec=codec)
    clip = open_clip(tmp_path / name)
    assert [(k, number_of(image)) for k, image in read_some(clip, np.array(frames))] == [
        (k, k) for k in frames
    ]


@pytest.mark.parametrize(("name", "codec"), [("a.h264", "libx264"), ("a.hevc", "libx265")])
def test_a_bare_stream_is_counted_by_its_rate(tmp_path: Path, name: str, codec: str) -> None:
    """Encoders' own files tell no times; their pictures are stored in another order than shown."""
    write_film(tmp_path / name, even_times(30), codec=codec)
    clip = open_clip(tmp_path / name)
    assert [number_of(p) for _, p in read_frames(clip)] == list(range(30))
    assert [number_of(p) for _, p in read_some(clip, np.array([3, 4, 20, 29]))] == [3, 4, 20, 29]
    np.testing.assert_allclose(clip.times, np.arange(30) / 25)
    assert len(clip.warnings) == 1 and "25 a second" in clip.warnings[0]
    told = open_clip(tmp_path / name, fps=50)
    np.testing.assert_allclose(told.times, np.arange(30) / 50)
    assert told.fps == 50 and not told.warnings


def test_what_nothing_is_built_on_is_not_decoded(tmp_path: Path, monkeypatch) -> None:
    write_film(tmp_path / "a.mp4", even_times(120))  # a key picture at each sixth
    clip = open_clip(tmp_path / "a.mp4")
    decoded = []
    decode = frames.decode
    monkeypatch.setattr(
        frames, "decode", lambda *args: (decoded.append(f.pts) or f for f in decode(*args))
    )
    assert [k for k, _ in read_some(clip, np.array([2, 100]))] == [2, 100]
    assert len(decoded) < 12


def test_start_and_end_keep_the_clock(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", even_times(30), sound_start=0.0)
    clip = open_clip(tmp_path / "a.mp4", start=0.4, end=0.8)
    np.testing.assert_allclose(clip.times, np.arange(10, 20) / 25, atol=1e-6)
    assert [(k, number_of(i)) for k, i in read_frames(clip)] == [(k, k + 10) for k in range(10)]
    assert click_seconds(clip) == pytest.approx(CLICK_SECONDS, abs=0.002)


def test_a_film_with_a_hash_in_its_name_is_no_picture_sequence(tmp_path: Path) -> None:
    write_film(tmp_path / "take #2.mp4", even_times(5))
    cv2.imwrite(str(tmp_path / "still #1.png"), picture(7)[..., ::-1])
    assert open_clip(tmp_path / "take #2.mp4").kind == "video"
    (still,) = read_frames(open_clip(tmp_path / "still #1.png"))
    assert number_of(still[1]) == 7


def click_seconds(clip) -> float:
    sound = read_waveform(clip)
    assert sound is not None and sound.dtype == np.float32
    return float(np.argmax(np.abs(sound) > 0.3 * np.abs(sound).max())) / SOUND_RATE


@pytest.mark.parametrize("film_start, sound_start", [(0.0, 0.0), (0.0, 0.3), (0.4, 0.0)])
def test_sound_is_on_the_pictures_clock(
    tmp_path: Path, film_start: float, sound_start: float
) -> None:
    times = [film_start + t for t in even_times(20)]
    write_film(tmp_path / "a.mkv", times, sound_start)
    clip = open_clip(tmp_path / "a.mkv")
    expected = CLICK_SECONDS + sound_start - film_start
    if expected > 0:
        assert click_seconds(clip) == pytest.approx(expected, abs=0.003)
    else:  # the click was before the first picture
        assert np.abs(read_waveform(clip)).max() < 0.3
    assert clip.times[0] == 0.0
    assert clip.sound_offset == pytest.approx(sound_start - film_start, abs=0.03)


def test_no_length_in_the_header(tmp_path: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    write_film(tmp_path / "a.mp4", even_times(20), options=fragments)
    write_film(tmp_path / "b.mkv", even_times(20), options={"live": "1"})
    for name in ("a.mp4", "b.mkv"):
        clip = open_clip(tmp_path / name)
        assert clip.frame_count == 20 and not clip.warnings, name


def test_rotation_tag_is_obeyed(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", even_times(5))
    _tag_quarter_turn(tmp_path / "a.mp4")
    clip = open_clip(tmp_path / "a.mp4")
    assert clip.size == SIZE[::-1]
    _, image = next(read_frames(clip))
    assert image.shape == (SIZE[0], SIZE[1], 3)
    reddest = np.unravel_index(
        np.argmax(image[..., 0] - image[..., 1].astype(int)), image.shape[:2]
    )
    assert reddest[0] < 24 and reddest[1] < 20  # lower left, turned right by the tag: upper left


def _tag_quarter_turn(path: Path) -> None:
    """Write the matrix of a quarter turn into the track's header (tkhd) of an mp4."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    turned = [0, 1 << 16, 0, -(1 << 16) & 0xFFFFFFFF, 0, 0, 0, 0, 1 << 30]
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in turned)
    path.write_bytes(data)


def test_cut_off_film_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    write_film(path, even_times(60))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    clip = open_clip(path)
    read = [number_of(image) for _, image in read_frames(clip)]
    assert 10 < clip.frame_count < 50
    assert read[:-2] == list(range(len(read) - 2))

    fast = tmp_path / "b.mp4"
    write_film(fast, even_times(60), options={"movflags": "faststart"})
    fast.write_bytes(fast.read_bytes()[: fast.stat().st_size * 2 // 3])
    clip = open_clip(fast)
    assert 10 < clip.frame_count < 60
    assert "cut off" in clip.warnings[0]
    assert [frame for frame, _ in read_frames(clip)] == list(range(clip.frame_count))


def test_sound_file_is_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as container:
        _write_click(container, container.add_stream("aac", rate=48000, layout="mono"), 0.0)
    clip = open_clip(path)
    assert clip.kind == "sound" and clip.frame_count == 0 and clip.has_sound
    assert click_seconds(clip) == pytest.approx(CLICK_SECONDS, abs=0.003)
    assert not list(read_frames(clip))


@pytest.mark.parametrize("name", ["", "shot.####.png", "shot.0012.png"])
def test_picture_sequence(tmp_path: Path, name: str) -> None:
    for number in (10, 11, 12, 14):
        cv2.imwrite(str(tmp_path / f"shot.{number:04d}.png"), picture(number)[..., ::-1])
    clip = open_clip(tmp_path / name if name else tmp_path, fps=10)
    assert clip.kind == "pictures" and clip.size == SIZE and not clip.has_sound
    np.testing.assert_allclose(clip.times, [0, 0.1, 0.2, 0.4])
    assert [number_of(image) for _, image in read_frames(clip, 1)] == [11, 12, 14]
    assert "1 picture" in clip.warnings[0]
    part = open_clip(tmp_path / name if name else tmp_path, fps=10, start=0.15)
    assert [number_of(image) for _, image in read_frames(part)] == [12, 14]


@pytest.mark.parametrize(
    "name, content",
    [
        ("missing.mp4", None),
        ("empty.mp4", b""),
        ("noise.mp4", bytes(range(256)) * 40),
        ("text.wav", b"this is not a sound"),
        ("missing.####.png", None),
        ("broken.png", b"\x89PNG but not really"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AVFaceError) as error:
        open_clip(tmp_path / name)
    assert name.split(".")[0] in error.value.message and error.value.hint


def test_film_without_its_index(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_film(path, even_times(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AVFaceError, match="can't be read"):
        open_clip(path)


def test_nothing_between_start_and_end(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", even_times(10))
    with pytest.raises(AVFaceError, match="no picture between 3 s"):
        open_clip(tmp_path / "a.mp4", start=3)


def test_real_clips(clips: Path) -> None:
    turned = open_clip(clips / "hard" / "rot90_tag.mp4")
    assert turned.size == (360, 288)
    short = open_clip(clips / "hard" / "cut_short.mpg")
    assert 1.4 < short.times[-1] < 1.6 and short.warnings
    assert open_clip(clips / "hard" / "one_minute.mp4").frame_count == 1520


def write_stills(path: Path, image: np.ndarray, options: dict[str, str], aspect: str = "1") -> None:
    """Ten times the same picture."""
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=25)
        film.height, film.width, film.pix_fmt = *image.shape[:2], "yuv444p"
        film.codec_context.sample_aspect_ratio = Fraction(aspect)
        film.options = {"crf": "1"} | options
        for _ in range(10):
            container.mux(film.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(film.encode(None))


def test_pixels_become_square(tmp_path: Path) -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, 24:48] = 255
    write_stills(tmp_path / "a.mp4", image, {}, aspect="4/3")
    clip = open_clip(tmp_path / "a.mp4")
    assert clip.size == (128, 64)
    _, read = next(read_frames(clip))
    assert read.shape == (64, 128, 3)
    assert (read[:, 36:60] > 200).all() and (read[:, :28] < 50).all() and (read[:, 68:] < 50).all()


def test_an_interlaced_picture_shows_one_moment(tmp_path: Path) -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[::2, 16:48], image[1::2, 32:64] = 255, 255
    write_stills(tmp_path / "a.mp4", image, {"x264-params": "tff=1"})
    _, read = next(read_frames(open_clip(tmp_path / "a.mp4")))
    assert (read[:, 20:44] > 200).all() and (read[:, 52:] < 50).all()
    write_stills(tmp_path / "b.mp4", image, {})
    _, read = next(read_frames(open_clip(tmp_path / "b.mp4")))
    assert (read[1::2, 52:60] > 200).all()  # not told to be interlaced: as it is


def test_pictures_before_the_edit_list_are_left_out(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", even_times(30))
    with (
        av.open(str(tmp_path / "a.mp4")) as source,
        av.open(str(tmp_path / "b.mp4"), "w", options={"avoid_negative_ts": "disabled"}) as target,
    ):
        film = source.streams.video[0]
        copy = target.add_stream_from_template(film)
        for packet in source.demux(film):
            if packet.dts is None or packet.pts is None or film.time_base is None:
                continue
            shift = round(0.4 / film.time_base)  # the first ten pictures come before time 0
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
            target.mux(packet)
    clip = open_clip(tmp_path / "b.mp4")
    assert [number_of(image) for _, image in read_frames(clip)] == list(range(10, 30))
    np.testing.assert_allclose(clip.times, even_times(20), atol=1e-4)


def test_each_frame_of_a_program_stream_can_be_read_alone(clips):
    clip = open_clip(clips / "grid_bbaf2n.mpg")
    wanted = [0, 1, 4, 11, 12, 13, clip.frame_count - 1]
    assert [[n for n, _ in read_frames(clip, f, f + 1)] for f in wanted] == [[f] for f in wanted]


def test_an_animated_picture_is_refused(tmp_path):
    """Its first picture alone would be read, without a word."""
    with av.open(str(tmp_path / "moving.apng"), "w") as container:
        film = container.add_stream("apng", rate=10)
        film.width, film.height, film.pix_fmt = *SIZE, "rgb24"
        for number in range(3):
            container.mux(film.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(film.encode(None))
    (tmp_path / "moving.apng").rename(tmp_path / "moving.png")
    header = b"RIFF\x80\0\0\0WEBPVP8X\x0a\0\0\0\x02" + bytes(64)
    (tmp_path / "moving.webp").write_bytes(header)
    for name in ("moving.png", "moving.webp"):
        with pytest.raises(AVFaceError, match=f"{name} is an animation"):
            open_clip(tmp_path / name)
    write_picture(picture(1), tmp_path / "still.png")
    assert open_clip(tmp_path / "still.png").frame_count == 1


def test_a_folder_of_films_is_no_sequence(tmp_path):
    (tmp_path / "take.mp4").touch()
    with pytest.raises(AVFaceError, match="no numbered pictures") as caught:
        open_clip(tmp_path)
    assert "take.mp4" in caught.value.hint


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG"])
def test_a_picture_is_written_as_its_name_says(name, tmp_path):
    picture = np.full((16, 24, 3), (200, 120, 40), np.uint8)
    write_picture(picture, tmp_path / name)
    np.testing.assert_allclose(read_picture(tmp_path / name), picture, atol=4)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG" if name == "a.png" else b"\xff\xd8")
