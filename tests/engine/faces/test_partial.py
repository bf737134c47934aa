"""Points of the lips that something hides, by the cover network's log odds."""

import numpy as np
import pytest

from engine.faces.partial import (
    LIPS,
    MIRRORED_LIPS,
    SOMETHING,
    hidden_lips,
    lips_free,
    steady,
    too_little_left,
    touched_share,
)
from engine.models import landmarks

CLEAR, HIDDEN = -8.0, 1.0
FRONTAL = np.zeros(9)


def test_the_lips_are_the_networks_and_a_mirror_seen_twice_changes_nothing():
    assert LIPS == landmarks.LIPS
    twin = dict(zip(LIPS, MIRRORED_LIPS, strict=True))
    assert all(twin[twin[point]] == point for point in LIPS)
    assert twin[61] == 291 and twin[0] == 0 and twin[13] == 13 and twin[78] == 308


def test_nothing_before_the_face_hides_nothing():
    odds = np.full((4, 478), CLEAR)
    odds += np.random.default_rng(0).normal(0, 1, (1, 478))  # each point has its own
    odds[1, 61] += SOMETHING[0] - 0.01
    odds[2, 10] = HIDDEN  # the forehead
    assert not hidden_lips(odds, FRONTAL[: len(odds)]).any()


def test_a_hand_at_one_corner_leaves_the_other():
    odds = np.full((3, 478), CLEAR)
    odds[1, [61, 146, 185, 78]] = HIDDEN
    hidden = hidden_lips(odds, FRONTAL[: len(odds)])
    assert hidden[1, [61, 146, 185, 78]].min() == 1 and hidden[1, 291] == 0
    assert list(touched_share(hidden)) == [0, pytest.approx(0.1), 0]
    assert not too_little_left(hidden).any()


def test_a_mouth_of_which_little_is_left_is_covered():
    odds = np.full((1, 478), CLEAR)
    odds[0, list(LIPS[:38])] = HIDDEN + 2
    assert too_little_left(hidden_lips(odds, FRONTAL[: len(odds)]))[0] == 1


def test_a_cover_stays_longer_than_a_frame():
    odds = np.full((6, 478), CLEAR)
    odds[2] = HIDDEN
    assert not hidden_lips(steady(odds), FRONTAL[: len(odds)]).any()
    odds[3] = HIDDEN
    assert hidden_lips(steady(odds), FRONTAL[: len(odds)])[2:4].any()


def test_what_covers_a_whole_clip_is_known_by_the_odds_alone():
    odds = np.full((9, 478), CLEAR)
    odds[:, [61, 146, 185, 78]] = HIDDEN + 2
    assert hidden_lips(odds, FRONTAL[: len(odds)])[:, [61, 146, 185, 78]].min() == 1


def test_a_hand_that_the_network_half_believes_stands_out_of_the_clip():
    odds = np.full((9, 478), CLEAR)
    odds[6:, [61, 146, 185, 78]] = CLEAR + 6.5
    hidden = hidden_lips(odds, FRONTAL[: len(odds)])
    assert hidden[6:, 61].min() == 1 and not hidden[:6].any() and not hidden[:, 291].any()


def test_a_head_in_profile_is_not_judged_by_its_front():
    odds = np.full((9, 478), CLEAR)
    odds[6:, [61, 146, 185, 78]] = HIDDEN
    turning = np.array([0.0] * 6 + [20, 35, 60])
    hidden = hidden_lips(odds, turning)[:, 61]
    assert hidden[6] == 1 and 0 < hidden[7] < 1 and hidden[8] == 0


def test_lips_are_free_by_most_of_their_points():
    odds = np.full((3, 478), CLEAR)
    odds[1, [61, 146, 185, 78]] = HIDDEN  # one corner
    odds[2, list(LIPS)] = HIDDEN
    assert lips_free(odds, np.zeros(3)).tolist() == [1, 1, 0]
    odds[:] = 0.0  # a beard
    assert lips_free(odds, np.array([0.0, 1.0, 1.0])).tolist() == [0, 1, 1]
