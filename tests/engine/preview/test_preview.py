"""The preview film and the contact sheet, on a tiny clip that the test writes."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS, Take
from engine.head.model import FaceParams, Head
from engine.media import open_clip
from engine.media.hues import colourless
from engine.preview.crops import Crop, crop_of, cut
from engine.preview.film import PreviewOptions, write_preview
from engine.preview.overlay import graded
from engine.preview.panels import Panels
from engine.preview.sheet import SheetOptions, telling_frames, write_sheet
from engine.preview.studio import Shot
from engine.weights import load_head

SIZE, FRAMES = (160, 120), 9
TICKS = np.array([0, 3, 6, 9, 15, 18, 24, 27, 30]) * 100  # at 3000 per second: a variable rate
SMALL = PreviewOptions(panel_height=96)


@pytest.fixture(scope="module")
def head_file():
    return load_head()


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=30)
        video.width, video.height = SIZE
        video.codec_context.time_base = Fraction(1, 3000)
        audio = film.add_stream("aac", rate=16000, layout="mono")
        for k, tick in enumerate(TICKS):
            picture = np.full((SIZE[1], SIZE[0], 3), 20 * k, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = int(tick), Fraction(1, 3000)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000, dtype=np.float32)
        sound = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), "fltp", "mono")
        sound.sample_rate = 16000
        film.mux(audio.encode(sound))
        film.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def take(head_file) -> Take:
    """The mean person before the camera, jaw opening and head turning, lost at the end."""
    head = Head(head_file)
    params = FaceParams.neutral(head, FRAMES, focal=300.0)
    jaw, pose = params.jaw.copy(), params.head_pose.copy()
    jaw[:, 0] = np.linspace(0, 0.3, FRAMES)
    pose[:, 1] = np.linspace(-0.3, 0.2, FRAMES)
    params = params.replace(jaw=jaw, head_pose=pose)
    marks = np.stack([head.landmarks_px(params, t, SIZE) for t in range(FRAMES)])
    found = np.arange(FRAMES) < FRAMES - 1
    confidence = np.repeat(found[:, None], len(REGIONS), axis=1).astype(np.float32)
    return Take(
        times=TICKS / 3000, shape=params.shape, albedo=params.albedo,
        expression=params.expression, head_pose=pose, head_translation=params.head_translation,
        jaw=jaw, eyes=params.eyes, light=params.light, landmarks_px=marks.astype(np.float32),
        found=found, confidence=confidence, trust_sound=np.zeros(FRAMES, np.float32),
        focal=300.0, size=SIZE, fps=30.0, expression_names=head_file.expression_names,
        head={"name": head_file.name, "sha256": head_file.sha256},
        source={"path": "clip.mp4", "sha256": ""}, made_by={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def film(clip_path, take, head_file, tmp_path_factory):
    """The preview: (path, pictures, times in seconds, sound)."""
    path = tmp_path_factory.mktemp("out") / "clip.preview.mp4"
    write_preview(open_clip(clip_path), take, head_file, path, options=SMALL)
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    with av.open(str(path)) as file:
        sound = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    times = np.array([float(f.pts * f.time_base) for f in frames])
    return path, [f.to_ndarray(format="rgb24") for f in frames], times, sound


def test_film_has_every_frame_at_its_own_time(film):
    np.testing.assert_allclose(film[2], TICKS / 3000, atol=1e-4)


def test_film_has_three_panels_of_even_size(film):
    height, width, _ = film[1][0].shape
    assert height == 96 and width % 6 == 0


def test_film_has_the_sound(film):
    assert 0.25 < np.sqrt(np.mean(film[3][2000:14000] ** 2)) < 0.45  # half a sine's: 0.354


def test_only_the_finished_film_is_left(film):
    assert [p.name for p in film[0].parent.iterdir()] == ["clip.preview.mp4"]


def test_head_is_drawn_over_the_clip_and_alone(film):
    """The first clip frame is black: what is bright in the other panels is the head."""
    panel = film[1][0].shape[1] // 3
    clip, over, alone = (film[1][0][8:60, k * panel : (k + 1) * panel] for k in range(3))
    assert clip.max() < 40
    assert (over.max(2) > 90).mean() > 0.15
    assert (alone.max(2) > 120).mean() > 0.15


def test_over_the_clip_the_head_stands_in_the_clips_light(take, head_file, tmp_path):
    """The face's middle colour is the film's, however the studio lights it."""
    panels = Panels(take, head_file, tmp_path)
    film = np.full((SIZE[1], SIZE[0], 3), (70, 60, 120), np.uint8)
    crop = crop_of(take, np.array([0]), 120)
    panel = crop.panel[0]
    row = panels.triple(film, 0, crop, None)
    face = panels.shoot(0, crop, None).face > 250
    over, alone = row[:, panel : 2 * panel][face], row[:, 2 * panel :][face]
    assert np.abs(np.median(over, axis=0) - film[0, 0]).max() < 4
    assert np.abs(np.median(alone, axis=0) - film[0, 0]).max() > 40


def test_a_lost_face_is_framed_in_red(film):
    first, last = film[1][0][40, 2].astype(int), film[1][-1][40, 2].astype(int)
    assert last[0] - last[1] > 60 > first[0] - first[1]


def test_sheet_is_a_picture_and_nothing_else_is_left(clip_path, take, head_file, tmp_path):
    path = tmp_path / "clip.sheet.png"
    options = SheetOptions(frames=4, panel_height=80)
    write_sheet(open_clip(clip_path), take, head_file, path, options)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert cv2.imread(str(path)).std() > 20


def test_telling_frames_name_the_extremes(take):
    chosen = telling_frames(take, 6)
    assert list(chosen) == sorted(chosen)
    assert chosen[7] == "mouth widest open"  # frame 8 is wider, but its face was not found
    assert 8 in chosen
    assert "lips closed" in chosen.values()
    gaping = take.landmarks_px.copy()
    gaping[:, 66, 1] += 9
    assert "lips nearest" in telling_frames(replace(take, landmarks_px=gaping), 6).values()


def test_telling_frames_are_of_a_face_that_is_believed(take):
    found = np.ones(FRAMES, bool)
    found[:5] = False
    confidence = take.confidence.copy()
    confidence[7:] = np.array([[0.1], [0.9]])
    chosen = telling_frames(replace(take, found=found, confidence=confidence), 6)
    assert sum(not found[frame] for frame in chosen) == 1  # frames without a face are all alike
    assert chosen[7] == "least sure"
    assert chosen[8] == "mouth widest open"


def test_no_head_lies_over_a_film_long_before_its_face(take, head_file, tmp_path):
    late = replace(take, times=np.arange(FRAMES) / 4.0, found=np.arange(FRAMES) >= 6)
    panels = Panels(late, head_file, tmp_path)
    crop = crop_of(take, np.array([6]), 96)
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    inside = (slice(40, -12), slice(12, crop.panel[0] - 12))  # of letters and the red frame
    for frame, head in ((0, False), (5, True), (6, True)):
        left, middle = (
            panels.triple(picture, frame, crop, None)[:, k * crop.panel[0] :][inside]
            for k in (0, 1)
        )
        assert np.array_equal(left, middle) != head


@pytest.mark.parametrize("scale", [0.8, 2.5])
def test_a_piece_of_film_lies_where_its_pixels_are(scale):
    """Places count from corners: a pixel's middle lies half a pixel on."""
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[29:32, 40:43] = 255  # its middle is (41.5, 30.5)
    crop = Crop(10.5, 6.0, 50.0, 40.0, (round(50 * scale), round(40 * scale)))
    seen = cut(picture, crop)[..., 0].astype(float)
    rows, columns = np.mgrid[: seen.shape[0], : seen.shape[1]] + 0.5
    middle = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
    np.testing.assert_allclose(middle, np.array([31.0, 24.5]) * scale, atol=0.05)


def test_unwritable_place_is_one_sentence(clip_path, take, head_file, tmp_path):
    with pytest.raises(AVFaceError, match="preview can't be written"):
        write_preview(open_clip(clip_path), take, head_file, tmp_path / "no" / "a.mp4")


def test_a_take_of_another_head_is_refused(clip_path, take, head_file, tmp_path):
    stranger = replace(take, head={"name": "stranger", "sha256": "0"})
    with pytest.raises(AVFaceError, match="another head"):
        write_preview(open_clip(clip_path), stranger, head_file, tmp_path / "a.mp4")


def test_a_title_is_never_cut():
    from engine.preview.panels import write

    narrow = np.zeros((26, 120, 3), np.uint8)
    write(narrow, "133   5.32 s   mouth widest open", (6, 18))
    inked = np.flatnonzero(narrow.max(axis=(0, 2)) > 128)
    assert inked.max() < 118 and inked.max() > 90


def test_in_a_film_of_one_colour_the_head_has_one():
    """Toned films too; a film of colours keeps the head's."""
    noise = np.random.default_rng(0).integers(40, 220, (80, 80, 1))
    grey = np.repeat(noise, 3, axis=2).astype(np.uint8)
    toned = (noise * [1.0, 0.85, 0.6]).astype(np.uint8)
    coloured = np.random.default_rng(1).integers(40, 220, (80, 80, 3)).astype(np.uint8)
    whole = np.full((80, 80), 255, np.uint8)
    head = np.tile(np.array([[[200, 130, 100], [190, 185, 170]]], np.uint8), (80, 40, 1))
    shot = Shot(head, head, whole, whole, whole, np.zeros((80, 80), bool))
    for film, is_grey in ((grey, True), (toned, True), (coloured, False)):
        drawn = graded(film, shot, 80, colourless(film)).astype(float)
        teeth, skin = drawn[:, 1::2].mean((0, 1)), drawn[:, ::2].mean((0, 1))
        hue = np.log(teeth / skin)
        assert (np.ptp(hue) < 0.05) == is_grey
