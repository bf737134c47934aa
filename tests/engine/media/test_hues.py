"""Colours of a picture: none, one hue all over, or its own; how bright it gets."""

import numpy as np

from engine.media.hues import colourless, hue_of_whites, whitest

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


def test_whites_have_the_lights_hue_unless_they_are_burnt():
    room = np.full((160, 160, 3), (120, 60, 40), np.uint8)
    room[:40] = 220, 200, 180
    room[-40:] = 255, 255, 255
    light = (np.array([220, 200, 180]) / 255) ** 2.2
    expected = np.log(light / (light @ [0.2126, 0.7152, 0.0722]))
    np.testing.assert_allclose(hue_of_whites(room), expected, atol=0.02)
    assert not hue_of_whites(np.full((80, 80, 3), 255, np.uint8)).any()
    assert np.isfinite(hue_of_whites(np.zeros((80, 80, 3), np.uint8))).all()
