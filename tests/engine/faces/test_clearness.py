"""A picture that has lost the mouth is not believed about it."""

import numpy as np

from engine.faces.clearness import clearness

FRAMES = 75


def judged(fine=0.25, moved=0.85, sigma=1.4, width=150.0) -> np.ndarray:
    """Clearness of a clip whose every frame is alike, `sigma` in % of the width."""
    every = np.ones(FRAMES)
    return clearness(fine * every, moved * every, sigma / 100 * width * every, width * every, 25.0)


def test_a_sharp_mouth_is_believed_also_in_a_still_picture():
    assert (judged() == 1).all()
    assert (judged(moved=0.0) > 0.5).all()


def test_want_of_each_kind_lowers_belief():
    assert (judged(fine=0.1, sigma=2.5) < 0.5).all()  # blurred
    assert (judged(fine=0.2, sigma=2.2, moved=0.0) < 0.5).all()  # starved by a coder
    assert judged(width=30.0, sigma=2.0).max() < judged(sigma=2.0).min()


def test_a_single_doubtful_picture_changes_nothing():
    sigma = np.full(FRAMES, 1.4)
    sigma[30] = 9.0
    every = np.ones(FRAMES)
    assert (clearness(0.25 * every, 0.85 * every, 1.5 * sigma, 150 * every, 25.0) == 1).all()
