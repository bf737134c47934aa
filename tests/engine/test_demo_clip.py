"""The demo clip: its lips close when it says p, b, m; its files fit; a capture can follow it."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.head_file import file_sha256
from engine.exchange.take import Take
from engine.faces.track import FaceOptions, track_face
from engine.geometry import embed
from engine.head.model import Head, params_of
from engine.media import open_clip, read_waveform
from engine.preview.sitter import Sitter
from engine.progress import Report
from engine.weights import load_head, locate

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
acting = importlib.import_module("demo_clip.acting")
scene = importlib.import_module("demo_clip.scene")
wardrobe = importlib.import_module("demo_clip.wardrobe")

PHONEMES = (
    ("SIL", 0.0, 0.2), ("B", 0.2, 0.28), ("AA", 0.28, 0.45), ("B", 0.45, 0.52), ("F", 0.52, 0.62),
    ("UW", 0.62, 0.8), ("SIL", 0.8, 1.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> Take:
    return Take.load(locate("demo_truth"))


def test_the_program_films_a_head_in_its_jumper(truth):
    file, generator = load_head(), np.random.default_rng(3)
    sheet = np.full((256, 256, 3), 180, np.uint8)
    haired, texture, hair = wardrobe.grow_hair(file, sheet, generator)
    sitter = Sitter(Head(haired), truth.shape, texture)
    jumper = wardrobe.knit(sitter.rest[0][file.masks["boundary"]], generator)
    room = scene.build_room(generator)
    params = params_of(truth)
    (picture,) = scene.film(sitter, hair, jumper, params, truth.times[:1], room, generator)
    assert picture.shape == (truth.size[1], truth.size[0], 3)
    x, y = truth.landmarks_px[0, 30].astype(int)  # the nose
    assert picture[y, x].min() > 60


def test_closures_are_closed_and_vowels_open():
    times = np.arange(100) / 100
    said = acting.articulate(PHONEMES, times)
    assert said["seal"][[24, 48]].min() > 0.95
    assert said["seal"][36] < 0.1 and said["jaw"][36] > 0.5
    assert said["tuck"][57] > 0.95
    assert said["pucker"][70] > 0.6 > said["pucker"][36]


def test_a_short_closure_reaches_a_picture():
    """A 20 ms b between two pictures of 25 per second still shows."""
    said = acting.articulate(
        (("AA", 0, 0.49), ("B", 0.49, 0.51), ("AA", 0.51, 1)), np.arange(25) / 25
    )
    assert said["seal"].max() > 0.6


def test_files_belong_together(truth):
    path = locate("demo_clip")
    assert path.stat().st_size < 2 * 2**20
    assert truth.source["sha256"] == file_sha256(path)
    assert truth.head["sha256"] == load_head().sha256


def test_clip_has_the_truths_pictures_and_sound(truth):
    clip = open_clip(locate("demo_clip"))
    np.testing.assert_allclose(clip.times, truth.times, atol=1e-6)
    assert clip.size == truth.size and 6 <= clip.times[-1] <= 8
    sound = read_waveform(clip)
    assert sound is not None
    for name, start, end in truth.made_by["phonemes"]:
        piece = sound[round(start * 16000) : round(end * 16000)]
        if name in ("AA", "AY", "EY", "IY", "OW"):
            assert np.sqrt(np.mean(piece**2)) > 0.01, (name, start)


def test_lips_of_the_truth_are_shut_when_it_says_so(truth):
    """Middle of the inner lips under 0.8 mm apart at the picture nearest to each p, b, m."""
    head, params = Head(load_head()), params_of(truth)
    rest = head.rest(params.shape)
    for name, start, end in truth.made_by["phonemes"]:
        if name in ("P", "B", "M") and truth.made_by["smile_from"] > end:
            t = int(np.argmin(np.abs(truth.times - (start + end) / 2)))
            marks = embed(head.frame(params, t, rest), head.file.faces, head.file.landmarks_68)
            assert marks[62, 1] - marks[66, 1] < 0.0008, (name, t)


@pytest.mark.slow
def test_the_face_is_found_where_it_is(truth):
    whole = open_clip(locate("demo_clip"))
    clip = replace(whole, times=whole.times[:40], pts=whole.pts[:40])
    track = track_face(clip, FaceOptions(), Report())
    assert track.seen.all()
    corners = track.landmarks[:, [33, 263, 61, 291], :2]  # of the eyes and of the mouth
    distance = np.linalg.norm(corners - truth.landmarks_px[:40][:, [36, 45, 48, 54]], axis=2)
    assert np.median(distance) < 4  # px; the face is about 150 px wide
