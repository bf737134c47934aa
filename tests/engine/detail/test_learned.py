"""What the fine network is given, and how its relief and the solver's become one."""

import numpy as np
import pytest

from engine.detail import learned
from engine.detail.evidence import CHANNELS, TEXELS, evidence
from engine.detail.face_sheet import Surface
from engine.detail.learned import agreement, deepened, learned_relief
from engine.detail.relief import modelled
from engine.detail.residual import Grain
from tests.pretend_card import pretend_card

TEXEL_MM = 0.75
FRONT, SIDE = (np.array([1, x, 0, 0.3, 0, 0, 0, 0, 0]) for x in (0.0, 0.8))


@pytest.fixture
def plane() -> Surface:
    """Skin that looks into the camera."""
    shape = (TEXELS, TEXELS, 3)
    normal, along_u, along_v = (np.zeros(shape, np.float32) for _ in range(3))
    normal[..., 2], along_u[..., 0], along_v[..., 1] = 1, TEXEL_MM, TEXEL_MM
    return Surface(normal, along_u, along_v)


def _spots() -> np.ndarray:
    """(R, R) log reflectance with dark round marks 8 mm apart."""
    y, x = (np.mgrid[:TEXELS, :TEXELS] * TEXEL_MM + 4) % 8 - 4
    return -0.5 * np.exp(-(x**2 + y**2) / 2).astype(np.float32)


def _given(ratio: np.ndarray, surface: Surface, light: np.ndarray) -> np.ndarray:
    return evidence(ratio, np.ones_like(ratio), surface, light, Grain(TEXEL_MM, 0.6))


def test_a_slope_towards_the_light_is_bright(plane):
    given = _given(_spots(), plane, SIDE)
    assert given.shape == (CHANNELS, TEXELS, TEXELS)
    # raised to the right means turned to the left: away from a light on the right
    assert given[3].max() < -0.3
    assert np.abs(given[4]).max() < 1e-3
    assert np.allclose(given[1], given[0] * given[3], atol=1e-5)


def test_frontal_light_tells_nothing_of_slopes(plane):
    assert np.abs(_given(_spots(), plane, FRONT)[1:5]).max() < 1e-3


def test_round_marks_are_no_relief(plane):
    """0.5 of log contrast; mm."""
    weight = np.ones((TEXELS, TEXELS), np.float32)
    for light in (FRONT, SIDE):
        relief = learned_relief(_spots(), weight, plane, light, Grain(TEXEL_MM, 0.6))
        assert np.sqrt((relief**2).mean()) < 0.03


def test_nothing_is_read_where_nothing_is_seen(plane):
    relief = learned_relief(_spots(), 0 * _spots(), plane, SIDE, Grain(TEXEL_MM, 0.6))
    assert not relief.any()


def _fold(depth_mm: float) -> np.ndarray:
    """(R, R) mm: a groove along a column, 40 mm from the left."""
    column = np.arange(TEXELS) * TEXEL_MM
    return np.tile(-depth_mm * np.exp(-(((column - 40) / 1.2) ** 2) / 2), (TEXELS, 1))


def test_a_fold_becomes_as_deep_as_it_is_dark(plane):
    """Nearly three times as deep as the network says; four times at the most; never shallower."""
    shy, seen = _fold(0.15), np.ones((TEXELS, TEXELS))
    for depth, least, most in ((0.05, 0.99, 1.01), (0.45, 2.2, 3), (1.2, 3.6, 4.01)):
        left = modelled(_fold(depth), plane, SIDE, TEXEL_MM)
        found = deepened(shy, left, seen, plane, SIDE, TEXEL_MM)
        assert least < found.min() / shy.min() < most


def test_folds_that_darken_as_little_as_noise_stay_as_they_are(plane):
    shy, seen = _fold(0.01), np.ones((TEXELS, TEXELS))
    left = modelled(_fold(0.5), plane, FRONT, TEXEL_MM)
    found = deepened(shy, left, seen, plane, FRONT, TEXEL_MM)
    assert found.min() / shy.min() < 1.5


def test_what_runs_otherwise_deepens_no_fold(plane):
    """Marks, bright lines, and nothing at all."""
    shy, seen = _fold(0.15), np.ones((TEXELS, TEXELS))
    for left in (_spots(), -modelled(_fold(0.5), plane, SIDE, TEXEL_MM), 0 * shy):
        found = deepened(shy, left, seen, plane, SIDE, TEXEL_MM)
        assert found.min() / shy.min() < 1.3
    dark = modelled(_fold(0.5), plane, SIDE, TEXEL_MM)
    np.testing.assert_allclose(deepened(shy, dark, 0 * seen, plane, SIDE, TEXEL_MM), shy)


def test_reliefs_agree_where_they_run_alike_however_deep():
    here, far = round(41 / TEXEL_MM), round(120 / TEXEL_MM)
    alike = agreement(_fold(0.05), _fold(0.6), TEXEL_MM)
    assert alike[:, here].min() > 0.9 and alike[:, far].max() < 0.1
    assert agreement(_fold(0.05), -_fold(0.6), TEXEL_MM).max() < 0.1
    assert agreement(0 * _fold(0.05), _fold(0.6), TEXEL_MM).max() < 0.1


def test_a_card_sees_the_same_relief(plane):
    weight = np.ones((TEXELS, TEXELS), np.float32)
    given = _spots(), weight, plane, SIDE, Grain(TEXEL_MM, 0.6)
    here = learned_relief(*given)
    with pretend_card(learned._network):
        there = learned_relief(*given)
    np.testing.assert_array_equal(there, here)
