"""Painted covers: what they hide, that harmless things hide nothing, and the figures of a mouth."""

from dataclasses import replace

import numpy as np
import pytest

from engine.evaluation import covers as module
from engine.evaluation.covers_table import Row
from engine.evaluation.painted_hands import draw_thing, paint_thing
from engine.evaluation.painting import Cover, hidden_shares, paint_cover
from engine.exchange.take import REGIONS
from engine.head.model import FaceParams, Head
from engine.media import open_clip
from engine.models.landmarks import LIPS
from engine.weights import load_head, locate
from tests.made_tracks import made_track

MOUTH = REGIONS.index("mouth")


@pytest.fixture(scope="module")
def followed():
    """The first second of the demo clip, with a face of made-up points in its middle."""
    clip = open_clip(locate("demo_clip"), end=1.0)
    frames, (width, height) = clip.frame_count, clip.size
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (478, 3)) * [80, 100, 20] + [width / 2, height / 2, 0]
    centre = np.array([width / 2, height / 2])
    for region, place in {"mouth": (0, 45), "left_eye": (35, -30), "right_eye": (-35, -30),
                          "brows": (35, -55)}.items():  # fmt: skip
        from engine.evaluation.painting import _PLACES

        count = len(_PLACES[region])
        points[list(_PLACES[region]), :2] = centre + place + rng.uniform(-8, 8, (count, 2))
    landmarks = np.repeat(points[None].astype(np.float32), frames, 0)
    return clip, made_track(landmarks, clip.size, times=clip.times)


@pytest.mark.parametrize("kind", ["skin", "dark", "pattern", "hand"])
def test_a_cover_slides_before_the_mouth_and_away(followed, kind):
    clip, track = followed
    cover = Cover(kind, "mouth", 5, 18)
    painted = list(paint_cover(clip, track, cover, np.random.default_rng(0)))
    shares = hidden_shares(np.array([hides for _, hides in painted]))[:, MOUTH]
    assert not shares[:5].any() and not shares[18:].any()
    assert shares[9:14].min() > 0.7 and shares[5] < 0.5
    assert painted[0][0].shape == (clip.size[1], clip.size[0], 3)


@pytest.mark.parametrize("kind", ["glasses", "shadow"])
def test_what_hides_nothing_is_no_cover(followed, kind):
    clip, track = followed
    cover = Cover(kind, "mouth", 0, clip.frame_count)
    plain = list(paint_cover(clip, track, Cover("dark", "mouth", 0, 0), np.random.default_rng(0)))
    painted = list(paint_cover(clip, track, cover, np.random.default_rng(0)))
    assert not any(hides.any() for _, hides in painted)
    assert np.abs(painted[8][0].astype(int) - plain[8][0]).max() > 50


def test_a_lasting_difference_between_two_people_is_no_error_of_the_lips():
    head = Head(load_head())
    truth = FaceParams.neutral(head, 40, 1000.0)
    shape = np.zeros_like(truth.shape)
    shape[0] = 1.0
    jaw = np.zeros((40, 3))
    jaw[20:25, 0] = 0.1
    hidden = np.zeros(40, bool)
    hidden[18:28] = True
    error, steps = module._lip_error(truth.replace(shape=shape), truth, head, hidden)
    assert error < 1e-6 and steps == (0.0, 0.0)
    error, steps = module._lip_error(truth, truth.replace(jaw=jaw), head, hidden)
    assert error > 1 and steps[1] > 3 and steps[0] == 0
    assert module._gap_mm(truth.replace(jaw=jaw), head)[22] > 3


def test_closures_beneath_a_cover_are_counted():
    row = Row()
    true, gap = np.full(20, 6.0), np.full(20, 6.0)
    true[8:10], gap[10:12], gap[15] = 0.2, 0.5, 0.1
    hidden = np.ones(20, bool)
    module._count_closures(gap, true, hidden, row)
    assert (row.shut, row.met, row.wide, row.wrong) == (2, 1, 18, 3)


def test_an_alarm_of_the_clip_itself_is_not_the_paintings(followed):
    """A real hand before the mouth from frame 8 on; the painted cover of an eye ends at 5."""
    _, track = followed
    confidence, shares = np.ones((2, *track.confidence.shape))
    confidence[8:, MOUTH] = 0.1
    shares[:] = 0
    shares[:5, REGIONS.index("left_eye")] = 1
    real = replace(track, confidence=confidence)
    alone, beside = Row(), Row()
    module._count_noticed(real, shares, alone)
    module._count_noticed(real, shares, beside, unpainted=real)
    assert alone.false == len(confidence) - 8 and beside.false == 0
    assert alone.clear == beside.clear and alone.hidden == 5


@pytest.mark.parametrize("kind", ["finger", "cheek", "chin", "cup", "food"])
def test_a_thing_hides_a_part_of_the_mouth(kind):
    """A face of 200 px whose mouth is 60 px wide, with nothing but a plain colour on it."""
    points = np.tile([200.0, 150.0], (478, 1))
    points[[234, 454], 0] = 100, 300
    points[152], points[168] = (200, 270), (200, 100)
    turn = np.linspace(0, 2 * np.pi, len(LIPS), endpoint=False)
    points[list(LIPS)] = np.stack([200 + 33 * np.cos(turn), 220 + 12 * np.sin(turn)], 1)
    points[[61, 291]] = (167, 220), (233, 220)
    points[[0, 17]] = (200, 208), (200, 232)
    picture = np.full((400, 400, 3), 120, np.uint8)
    skin = np.random.default_rng(0).normal(150, 10, (200, 3)).astype(np.float32)
    shares = []
    for seed in range(6):
        thing = draw_thing(kind, np.random.default_rng(seed))
        colour, alpha = paint_thing(thing, picture, points, np.zeros(2), skin)
        assert colour.shape == picture.shape and alpha.shape == picture.shape[:2]
        column, row = np.rint(points[list(LIPS)]).astype(int).T
        shares.append((alpha[row, column] > 0.5).mean())
    assert 0.05 < np.median(shares) < 0.95
