"""Bald crowns and hats are told from hair by what the map of the forehead shows."""

import numpy as np
import pytest

from engine.detail.not_hair import is_bald, is_hat

SKIN = np.log([0.25, 0.125, 0.08])
ROWS, WIDE = np.arange(0.0, 80, 2), 31
USUAL, BROWS = np.full(WIDE, 40.0), np.full(WIDE, 70.0)
KNOWN = np.ones((len(ROWS), WIDE), bool)


def map_of(above: np.ndarray, ends: float, strands: float = 0.0) -> np.ndarray:
    """Log reflectance (R, C, 3): `above` (3,) to `ends` degrees, uneven by strands, then skin."""
    rng = np.random.default_rng(0)
    lightness = rng.normal(0, 0.01, (len(ROWS), WIDE, 1))
    lightness[ends > ROWS] += rng.normal(0, strands, (1, WIDE, 1))
    return np.where((ends > ROWS)[:, None, None], above, SKIN) + lightness


@pytest.mark.parametrize(
    ("crown", "strands", "bald"),
    [
        (SKIN, 0.0, True),
        (SKIN + 0.5, 0.0, True),  # it shines
        (SKIN, 0.2, False),  # fair hair
        (SKIN - 1.0, 0.0, False),  # dark hair
        (SKIN + np.array([0.3, 0.6, 0.7]), 0.0, False),  # white hair
    ],
)
def test_a_crown_like_the_forehead_is_bald(crown, strands, bald):
    own = map_of(crown, 40, strands)
    assert is_bald(own, KNOWN, ROWS, USUAL, BROWS) == bald
    assert not is_bald(own, KNOWN & (ROWS > 40)[:, None], ROWS, USUAL, BROWS)  # not in the picture


@pytest.mark.parametrize(
    ("cover", "ends", "strands", "hat"),
    [
        (SKIN - 1.0, 56, 0.0, True),
        (SKIN - 1.0, 56, 0.3, False),  # a fringe
        (SKIN - 1.0, 42, 0.0, False),  # sleek hair
        (np.full(3, -5.0), 56, 0.0, False),  # a black hat or hair
        (np.log([0.7, 0.5, 0.1]), 42, 0.0, True),  # yellow
        (np.log([0.7, 0.6, 0.5]), 42, 0.0, False),  # white hair
    ],
)
def test_what_is_low_and_flat_or_bright_is_a_hat(cover, ends, strands, hat):
    own = map_of(cover, ends, strands)
    assert is_hat(own, KNOWN, ROWS, np.full(WIDE, float(ends)), USUAL, BROWS) == hat
