"""The second witness: which pictures it is shown, and what it says of a clip."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.faces import glances as module
from engine.faces import seen as network
from engine.faces.people import Person
from engine.faces.seen import glance, level_face, unpack
from engine.media import open_clip, read_frames
from engine.weights import locate

MOUTH = REGIONS.index("mouth")
FRAMES = 40


def a_face(first: float, last: float) -> np.ndarray:
    """The mesh's points between two corners, its eyes level: (468, 2) px."""
    points = np.random.default_rng(0).uniform(first, last, (468, 2))
    points[[33, 263]] = (first, first), (last, first)
    points[1] = last
    return points


@pytest.fixture
def person():
    """A face that stays where it is in the demo clip, glanced at in every eighth picture."""
    clip = open_clip(locate("demo_clip"), end=FRAMES / 25)
    points = np.zeros((clip.frame_count, 478, 3), np.float32)
    points[:, :468, :2] = a_face(100, 200)
    kept = {f: glance(p, points[f]) for f, p in read_frames(clip) if f % 8 == 0}
    none = np.zeros(0)
    frames = np.arange(clip.frame_count)
    shown: list[int] = []
    calm = np.zeros((len(frames), len(REGIONS)))
    return clip, Person(frames, points, *[none] * 7, 1.0, kept), shown, calm


def watch(monkeypatch, shown, answers):
    """A network that gives `answers` (M,) for the mouth, one picture after another."""
    given = iter(answers)

    def see(pictures, points, places):
        shown.append(len(pictures))
        out = np.full((len(pictures), 6), 0.98)
        out[:, MOUTH] = [next(given) for _ in pictures]
        hidden = np.full(places.shape[:2], -6.0)
        each = np.ones((len(pictures), 5))
        return network.LevelSeen(points[:, :5, :2], each, out, hidden, -6 * each)

    monkeypatch.setattr(module, "see_level", see)


def test_a_glance_is_what_the_network_would_see():
    picture = np.repeat(np.arange(200, dtype=np.uint8)[None], 200, 0)[..., None].repeat(3, -1)
    picture[..., 2] = 40
    view = unpack(glance(picture, a_face(60, 140)))
    assert view.shape == (112, 112, 3)
    assert abs(int(view[56, 56, 2]) - 40) < 6 and abs(int(view[56, 56, 0]) - 100) < 6


def test_a_head_that_leans_is_set_upright():
    """A blob in the upper left of a face stays there however the picture is turned."""
    picture = np.full((300, 300, 3), 90, np.uint8)
    picture[115:135, 115:135] = 240
    points = a_face(100, 200)
    straight = level_face(picture, points).astype(float)
    for degrees in (-35, 25):
        turn = cv2.getRotationMatrix2D((150, 150), degrees, 1.0)
        leaning = cv2.warpAffine(picture, turn, (300, 300), borderMode=cv2.BORDER_REPLICATE)
        view = level_face(leaning, points @ turn[:, :2].T + turn[:, 2])
        assert np.abs(view - straight).mean() < 1
    assert np.abs(level_face(leaning, points) - straight).mean() > 2.5


@pytest.mark.parametrize("degrees", [0, 5, -30, 25])
def test_what_is_seen_in_a_view_is_placed_in_the_picture(monkeypatch, degrees):
    """A dot in a face, found in the view by its brightness, lies where it was painted."""
    picture = np.full((300, 300, 3), 140, np.uint8)
    cv2.circle(picture, (130, 150), 4, (255, 255, 255), -1, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((150, 150), degrees, 1.0)
    points = a_face(100, 200) @ turn[:, :2].T + turn[:, 2]
    view = level_face(cv2.warpAffine(picture, turn, (300, 300)), points)

    def look(pictures, places):
        weight = np.maximum(pictures[..., 0].astype(float) - 160, 0)
        rows, columns = np.mgrid[:112, :112] + 0.5
        where = [(weight * axis).sum((1, 2)) / weight.sum((1, 2)) for axis in (columns, rows)]
        found = np.stack(where, -1)[:, None] / 56 - 1
        each = np.full((len(found), 1), 0.1)
        return found, each, np.ones((len(found), 6)), places[..., 0], each

    monkeypatch.setattr(network, "_look_for_covers", look)
    seen = network.see_level(view[None], points[None], points[None])
    found, sigma, across = seen.points, seen.sigma, seen.covered
    assert np.abs(found[0, 0] - (turn @ [130, 150, 1] + 0.5)).max() < 1.0
    face_px = np.ptp(points, axis=0).max() if degrees == 5 else 100  # so little isn't levelled
    least, most = points[across.argmin()], points[across.argmax()]
    assert least @ turn[:, 0] < most @ turn[:, 0] and np.abs(across).max() < 0.7
    assert sigma[0, 0] == pytest.approx(0.1 * 0.75 * face_px, rel=0.02)


def test_a_clear_face_costs_no_more_than_the_glances(person, monkeypatch):
    clip, who, shown, calm = person
    watch(monkeypatch, shown, np.full(FRAMES, 0.97))
    seen, points, _ = module.seen_by_network(clip, who, calm)
    assert list(points.frames) == sorted(who.glances)
    assert shown == [len(who.glances)]
    assert seen.shape == (clip.frame_count, len(REGIONS)) and seen.min() > 0.9


def test_where_a_cover_comes_every_picture_is_looked_at(person, monkeypatch):
    clip, who, shown, calm = person
    glanced = [0.97, 0.97, 0.97, 0.1, 0.1]  # of frames 0, 8, 16, 24, 32
    watch(monkeypatch, shown, glanced + [0.97] * 4 + [0.1] * 30)
    seen, points, _ = module.seen_by_network(clip, who, calm)
    seen = seen[:, MOUTH]
    assert len(points.frames) == sum(shown) and (np.diff(points.frames) > 0).all()
    assert 7 <= shown[1] <= 14  # frames 17 to 23, and a few around them
    assert seen[:16].min() > 0.9 and seen[28:].max() < 0.2


def test_doubtful_colours_are_looked_into(person, monkeypatch):
    clip, who, shown, cover = person
    cover[10:13, MOUTH] = 1.0
    watch(monkeypatch, shown, np.full(2 * FRAMES, 0.97))
    module.seen_by_network(clip, who, cover)
    assert shown[1] == 8  # frames 7 to 15 but 8, which was glanced at


def test_without_the_network_colours_are_the_only_witness(person, monkeypatch):
    clip, who, _, calm = person
    monkeypatch.setattr(module, "registry", lambda: {})
    assert module.seen_by_network(clip, who, calm) is None
    assert module.seen_by_network(clip, SimpleNamespace(glances={}), calm) is None
