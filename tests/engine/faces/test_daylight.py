"""Dark faces are lifted, those in coloured light made grey; others stay as they are."""

import numpy as np

from engine.faces.daylight import by_day, without_hue


def _picture(face: int, wall: int) -> np.ndarray:
    """A grey face, a square of 40 px, in the middle of a wall."""
    picture = np.full((100, 100, 3), wall, np.uint8)
    picture[30:70, 30:70] = face
    return picture


def test_bright_face_is_the_same_picture() -> None:
    picture = _picture(150, 20)
    assert by_day(picture, (50, 50), 40) is picture


def test_dark_face_before_a_bright_wall_is_lifted() -> None:
    out = by_day(_picture(22, 240), (50, 50), 40)
    assert (out[40:60, 40:60] == 110).all()
    assert (out[:20] == 255).all()  # burnt: nobody looks there


def test_black_stays_black_and_the_outside_is_nobody() -> None:
    assert by_day(_picture(0, 0), (50, 50), 40).max() == 0
    dark = _picture(10, 10)
    assert by_day(dark, (-300, 50), 40) is dark


def _lit(red: float, green: float, blue: float) -> np.ndarray:
    """Skin of many shades in a light."""
    shades = np.random.default_rng(0).uniform(100, 220, (64, 64, 1))
    return (shades * [red, green * 0.75, blue * 0.65]).astype(np.uint8)


def test_faces_in_green_blue_or_red_light_are_grey() -> None:
    for light in ((0.2, 1, 0.2), (0.3, 0.4, 1.2), (1, 0.1, 0.1)):
        picture = _lit(*light)
        out = by_day(picture, (32, 32), 64)
        assert (out == picture.max(axis=2, keepdims=True)).all()
        assert (without_hue(picture) == out).all()


def test_warm_cool_and_no_light_keep_their_hues() -> None:
    for light in ((1, 1, 1), (1, 0.8, 0.5), (0.8, 1, 1.1)):
        picture = _lit(*light)
        assert by_day(picture, (32, 32), 64) is picture and without_hue(picture) is picture


def test_a_blue_mask_over_half_of_a_face_is_no_light() -> None:
    picture = _lit(1, 1, 1)
    picture[32:] = (60, 110, 200)
    assert by_day(picture, (32, 32), 64) is picture
