"""At f and v the lower lip goes in under the upper teeth, and nothing else does."""

import numpy as np
import pytest

from engine.head.lip_region import lip_region_of
from engine.head.model import FaceParams
from engine.head.mouth import front_of, shutting
from engine.speech.tuck import lip_to_teeth
from tests.teeth import tuck_distance


@pytest.fixture(scope="module")
def tucked(head):
    """Nearly shut lips with a tuck of 0, 0.5 and 1: params and the region's offsets."""
    params, jaw = FaceParams.neutral(head, 3, 1500.0), 0.05
    expression, turn = params.expression.copy(), params.jaw.copy()
    turn[:, 0] = jaw
    expression[:, head.unit["mouthClose"]] = 0.8 * shutting(np.array(jaw))
    expression[:, head.unit["mouthRollLower"]] = 0.4
    params = params.replace(expression=expression, jaw=turn)
    region = lip_region_of(head.file)
    return params, region, lip_to_teeth(params, region, front_of(head.file), np.array([0, 0.5, 1]))


def test_the_lip_goes_back_to_the_teeth_as_far_as_it_is_asked_to(head, mouth, tucked):
    params, region, offsets = tucked
    whole = np.zeros((3, len(mouth.vertices), 3))
    whole[:, np.searchsorted(mouth.vertices, region.vertices)] = offsets
    rest = mouth.rest(params.shape)
    away = tuck_distance(mouth, mouth.pose(params.expression, params.jaw, rest, whole))
    assert away[0] - away[1] > 1e-4 and away[1] - away[2] > 1e-4
    np.testing.assert_array_equal(offsets[0], 0)
    np.testing.assert_allclose(offsets[1], offsets[2] / 2)


def test_only_the_lower_lip_goes_and_only_back(tucked):
    _, region, offsets = tucked
    np.testing.assert_array_equal(offsets[..., :2], 0)
    assert offsets[..., 2].max() <= 0 and offsets[..., 2].min() >= -2.5e-3
    np.testing.assert_array_equal(offsets[:, region.side > 0], 0)
    np.testing.assert_array_equal(offsets[:, region.way > 0.0141], 0)
