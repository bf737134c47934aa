"""Dark faces are lifted for the networks; bright ones stay as they are."""

import numpy as np

from engine.faces.lifting import lifted


def _picture(face: int, wall: int) -> np.ndarray:
    """A grey face, a square of 40 px, in the middle of a wall."""
    picture = np.full((100, 100, 3), wall, np.uint8)
    picture[30:70, 30:70] = face
    return picture


def test_bright_face_is_the_same_picture() -> None:
    picture = _picture(150, 20)
    assert lifted(picture, (50, 50), 40) is picture


def test_dark_face_before_a_bright_wall_is_lifted() -> None:
    out = lifted(_picture(22, 240), (50, 50), 40)
    assert (out[40:60, 40:60] == 110).all()
    assert (out[:20] == 255).all()  # burnt: nobody looks there


def test_black_stays_black_and_the_outside_is_nobody() -> None:
    assert lifted(_picture(0, 0), (50, 50), 40).max() == 0
    dark = _picture(10, 10)
    assert lifted(dark, (-300, 50), 40) is dark
