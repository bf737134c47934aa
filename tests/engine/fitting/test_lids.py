"""Eyes that the tracker sees nearly shut are shut; open ones stay as they look."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.faces import FaceTrack
from engine.fitting.lids import eyes_shut, shut_lids, with_shut_eyes
from engine.fitting.terms import LEFT_LID_PAIRS, LIP_PAIRS, PAIRS, RIGHT_LID_PAIRS
from engine.head.model import FaceParams

WIDTH = 30.0  # px


def eyes(right: float, left: float) -> np.ndarray:
    """Points (1, 468, 2) px of eyes so high beside their width."""
    points = np.zeros((1, 468, 2))
    for pairs, corners, height in (
        (RIGHT_LID_PAIRS, (33, 133), right),
        (LEFT_LID_PAIRS, (263, 362), left),
    ):
        points[0, corners[1], 0] = WIDTH
        points[0, [lower for _, lower in pairs], 1] = height * WIDTH
    return points


def shut(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lids' apertures as seen and as `shut_lids` has them, and their weights, 1 at first."""
    upper, lower = PAIRS[len(LIP_PAIRS) :].T
    seen = points[:, upper] - points[:, lower]
    return seen, *shut_lids(points, seen, np.ones((1, len(upper))))


@pytest.mark.parametrize(("ratio", "shut"), [(0.05, 1.0), (0.12, 0.5), (0.16, 0.0), (0.3, 0.0)])
def test_an_eye_is_shut_by_its_height_over_its_width(ratio, shut):
    np.testing.assert_allclose(eyes_shut(eyes(ratio, 0.3)), [[shut, 0.0]], atol=1e-12)


def test_only_the_shut_eyes_lids_are_closed():
    seen, offset, trust = shut(eyes(0.06, 0.16))
    own = len(RIGHT_LID_PAIRS)
    assert np.abs(offset[:, :own]).max() == 0
    assert trust[:, :own].min() > 1
    np.testing.assert_array_equal(offset[:, own:], seen[:, own:])
    np.testing.assert_array_equal(trust[:, own:], 1)


def test_of_a_wink_the_open_eyes_lids_weigh_as_much_more():
    """Or the prior, which has eyes shut together, shuts the other eye by a quarter."""
    seen, offset, trust = shut(eyes(0.06, 0.3))
    own = len(RIGHT_LID_PAIRS)
    np.testing.assert_array_equal(offset[:, own:], seen[:, own:])
    assert trust[:, own:].min() > 5
    assert shut(eyes(0.3, 0.3))[2].max() == 1


def test_what_was_not_fitted_shuts_the_eyes_that_are_seen_shut(head):
    """As far as they are seen shut, and no eye that isn't believed or looks open."""
    params = FaceParams.neutral(head, 2, 600.0)
    points = np.repeat(eyes(0.12, 0.3), 2, axis=0)
    confidence = np.ones((2, len(REGIONS)))
    confidence[1, REGIONS.index("right_eye")] = 0.2
    track = SimpleNamespace(landmarks=points, seen=np.ones(2, bool), confidence=confidence)
    shut = with_shut_eyes(params, cast(FaceTrack, track), head).expression
    right, left = (head.unit[f"eyeBlink{side}"] for side in ("Right", "Left"))
    np.testing.assert_allclose(shut[:, right], [0.5, 0.0], atol=1e-9)
    np.testing.assert_array_equal(shut[:, left], 0)
