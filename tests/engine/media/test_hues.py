"""Colours of a picture: none, one hue all over, or its own."""

import numpy as np

from engine.media.hues import colourless

GREY = np.random.default_rng(0).integers(60, 220, (80, 80, 1), np.uint8)


def test_black_and_white_and_toned_films_have_one_hue():
    assert colourless(np.repeat(GREY, 3, axis=2)) == 1
    assert colourless((GREY * [1.0, 0.94, 0.85]).astype(np.uint8)) > 0.9


def test_a_film_of_colours_is_told():
    coloured = np.repeat(GREY, 3, axis=2)
    coloured[:, 40:, 2] //= 2
    assert colourless(coloured) == 0


def test_darkness_tells_nothing():
    assert colourless(np.zeros((80, 80, 3), np.uint8)) == 0
