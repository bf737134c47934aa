"""What free points of the lips tell of hidden ones."""

import numpy as np
import pytest

from engine.faces.detector import LEFT_EYE, RIGHT_EYE
from engine.faces.partial import LIPS, MIRRORED_LIPS
from engine.sight.beside import tell_hidden
from tests.made_tracks import made_track

FRAMES, COVERED = 60, np.arange(40, 60)


@pytest.fixture
def smiling():
    """A symmetric mouth, 60 px wide, whose corners go out and whose lips part as it goes."""
    rng = np.random.default_rng(0)
    smile, opening = rng.uniform(0, 1, (2, FRAMES))
    points = np.zeros((FRAMES, 478, 3), np.float32)
    points[:, LEFT_EYE], points[:, RIGHT_EYE] = (250, 100, 0), (150, 100, 0)
    for point, twin in zip(LIPS, MIRRORED_LIPS, strict=True):
        if points[0, point].any():
            continue
        x, y = rng.uniform(5, 30) * (point != twin), rng.uniform(170, 190)
        across = x + 0.3 * x * smile
        points[:, point, 0], points[:, twin, 0] = 200 - across, 200 + across
        lifted = y + rng.uniform(-10, 10) * opening
        points[:, point, 1] = points[:, twin, 1] = lifted
    points[:, [168, 6, 4, 98, 327], :2] = (200, 100), (200, 120), (200, 150), (190, 150), (210, 150)
    return points + rng.normal(0, 0.1, points.shape).astype(np.float32)


def test_one_corner_tells_the_other(smiling):
    shaken = smiling.copy()
    here = np.ix_(COVERED, [61, 146, 185, 78, 191])
    shaken[..., :2][here] += 12
    hidden = np.zeros((FRAMES, 478), np.float32)
    hidden[here] = 1
    track = made_track(shaken, (400, 300), hidden=hidden)
    told = tell_hidden(track).landmarks
    assert np.sqrt(((told - smiling)[here] ** 2).mean()) < 1.0
    free = np.ones(told.shape[:2], bool)
    free[here] = False
    assert np.array_equal(told[free], shaken[free])


def test_a_head_that_leans_and_comes_nearer_changes_nothing_of_it(smiling):
    turn = 1.5 * np.array([[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]])
    leaning = smiling.copy()
    leaning[..., :2] = smiling[..., :2] @ turn + 30
    here = np.ix_(COVERED, [61, 185])
    hidden = np.zeros((FRAMES, 478), np.float32)
    hidden[here] = 1
    straight = tell_hidden(made_track(smiling, (400, 300), hidden=hidden)).landmarks
    told = tell_hidden(made_track(leaning, (900, 900), hidden=hidden)).landmarks
    assert np.allclose(told[..., :2], straight[..., :2] @ turn + 30, atol=0.01)


def test_without_clear_frames_or_covers_the_track_stays(smiling):
    hidden = np.zeros((FRAMES, 478), np.float32)
    track = made_track(smiling, (400, 300), hidden=hidden)
    assert tell_hidden(track) is track
    hidden[:, 61] = 1
    assert tell_hidden(track) is track
