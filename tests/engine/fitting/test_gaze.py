"""Eyes that nobody sees rest; seen ones stay as they are."""

import numpy as np

from engine.exchange.take import REGIONS
from engine.fitting.gaze import rest_unseen
from engine.head.model import FaceParams, Head
from engine.weights import load_head

EYES = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]


def drifting(frames: int = 100) -> tuple[FaceParams, np.ndarray, np.ndarray, Head]:
    """A gaze that drifts upwards and lids that sink, at 25 pictures in a second."""
    head = Head(load_head())
    params = FaceParams.neutral(head, frames, 1000.0)
    eyes, expression = np.zeros((frames, 6)), params.expression.copy()
    eyes[:, 0] = eyes[:, 3] = np.linspace(0, 0.3, frames)
    expression[:, head.unit["eyeBlinkLeft"]] = 0.3
    return (
        params.replace(eyes=eyes, expression=expression),
        np.ones((frames, len(REGIONS))),
        np.arange(frames) / 25,
        head,
    )


def test_seen_eyes_stay():
    params, confidence, times, head = drifting()
    confidence[:, EYES[0]] = 0  # the other one is seen: they move together
    assert rest_unseen(params, confidence, times, head) is params


def test_eyes_never_seen_look_straight_ahead_and_are_open():
    params, confidence, times, head = drifting()
    confidence[:, EYES] = 0
    rested = rest_unseen(params, confidence, times, head)
    assert np.allclose(rested.eyes, 0)
    assert np.allclose(rested.expression, 0)


def test_covered_eyes_come_to_rest_where_they_usually_look_without_a_leap():
    params, confidence, times, head = drifting()
    confidence[np.ix_(range(50, 90), EYES)] = 0
    rested = rest_unseen(params, confidence, times, head)
    seen = np.r_[:50, 90:100]
    assert np.array_equal(rested.eyes[seen], params.eyes[seen])
    assert np.allclose(rested.eyes[65:75, 0], np.median(params.eyes[seen, 0]))
    assert np.abs(np.diff(rested.eyes[:, 0])).max() < np.radians(2)


def test_unseen_eyes_stay_while_the_head_turns_quickly():
    params, confidence, times, head = drifting()
    confidence[:, EYES] = 0
    pose = np.zeros((100, 3))
    pose[50:, 1] = 0.3  # rad, at once
    rested = rest_unseen(params.replace(head_pose=pose), confidence, times, head)
    assert rested.eyes[50, 1] < -0.05 and rested.eyes[49, 1] > 0.05
    assert np.abs(rested.eyes[[0, -1], 1]).max() < 0.01
