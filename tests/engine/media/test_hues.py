"""Colours of a picture: none, one hue all over, or its own; how bright it gets."""

import numpy as np

from engine.media.hues import colourless, whitest

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


def test_the_brightest_is_as_white_as_a_film_gets():
    dark = np.full((80, 80, 3), 20, np.uint8)
    assert 0.005 < whitest(dark) < 0.01
    dark[:16, :16] = 255
    assert abs(whitest(dark) - 1) < 1e-3
    dark[:16, :16] = 255, 0, 0  # white in red light
    assert 0.2 < whitest(dark) < 0.25
    assert whitest(np.zeros((80, 80, 3), np.uint8)) > 0
