"""Faces that the tracker loses beneath a cover: held on to as long as the network sees them."""

from dataclasses import fields, replace

import numpy as np
import pytest

from engine.faces import holding as module
from engine.faces.following import FollowOptions, follow_faces
from engine.faces.looks import Look
from engine.faces.people import link_people
from engine.faces.seen import LevelSeen
from engine.media import open_clip
from engine.models.landmarks import POINTS
from engine.progress import Report
from engine.weights import locate

FOLLOWED = range(8, 14)  # of 20 frames
LOOK = [item.name for item in fields(Look)]
SURE, DOUBTFUL, NOBODY = 0.03, 0.07, 0.11


@pytest.fixture(scope="module")
def followed():
    clip = open_clip(locate("demo_clip"), end=20 / 25)
    person = link_people(follow_faces(clip, FollowOptions(), Report()), clip)[0]
    assert len(person.frames) == clip.frame_count == 20
    return clip, person


def lost_but(person, frames):
    """The person as if the tracker had followed them in `frames` alone."""
    rows = np.isin(person.frames, frames)
    columns = {name: getattr(person, name)[rows] for name in ("frames", "points", *LOOK)}
    return replace(person, **columns)


def look(monkeypatch, sigma, before=0.5):
    """A network with deviations `sigma` by frame looked at, and something `before` the face."""
    answers = iter(sigma)

    def see(pictures, mesh, places):
        points = mesh[:, list(POINTS), :2]
        width = np.ptp(points[0, :, 0])
        deviation = np.full(points.shape[:2], next(answers, NOBODY) * width)
        covered = np.where(np.arange(places.shape[1]) < before * places.shape[1], 5.0, -5.0)[None]
        return LevelSeen(points, deviation, np.ones((1, 6)), covered, covered[:, : len(POINTS)])

    monkeypatch.setattr(module, "see_level", see)


def test_a_covered_face_is_held_on_to_both_ways(monkeypatch, followed):
    clip, person = followed
    look(monkeypatch, [SURE] * 3 + [NOBODY] + [SURE] * 2 + [NOBODY])
    held = module.hold_on(clip, lost_but(person, FOLLOWED), [], ())
    # backward before the first frame that is followed, then forward after the last one
    assert held.frames.tolist() == [*range(5, 8), *FOLLOWED, 14, 15]
    assert len(held.points) == len(held.colours) == len(held.opening) == len(held.frames)
    assert {5, 6, 7, 14, 15} <= set(held.glances)
    np.testing.assert_allclose(held.points[0], person.points[8], atol=1e-3)  # where it was last


def test_a_moment_of_doubt_is_passed_over_but_not_believed(monkeypatch, followed):
    clip, person = followed
    look(monkeypatch, [SURE, DOUBTFUL, SURE, *[DOUBTFUL] * 9, NOBODY])
    held = module.hold_on(clip, lost_but(person, FOLLOWED), [], ())
    assert held.frames.tolist() == [5, 7, *FOLLOWED]


@pytest.mark.parametrize("before", [0.0, 1.0])
def test_a_face_that_nothing_or_everything_hides_is_not(monkeypatch, followed, before):
    clip, person = followed
    look(monkeypatch, [SURE] * 99, before)
    some = lost_but(person, FOLLOWED)
    assert module.hold_on(clip, some, [], ()) is some


def test_neither_beyond_a_cut_nor_where_somebody_else_is(monkeypatch, followed):
    clip, person = followed
    look(monkeypatch, [SURE] * 99)
    somebody = lost_but(person, [16])
    held = module.hold_on(clip, lost_but(person, FOLLOWED), [somebody], (6,))
    assert held.frames.tolist() == [6, 7, *FOLLOWED, 14, 15]


def test_a_face_that_was_never_lost_is_not_looked_at(monkeypatch, followed):
    clip, person = followed
    monkeypatch.setattr(module, "see_level", None)
    assert module.hold_on(clip, person, [], ()) is person
