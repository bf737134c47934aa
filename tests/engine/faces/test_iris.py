"""Irises are found in pictures of drawn eyes whose irises are not where the mesh has them."""

import cv2
import numpy as np
import pytest

from engine.faces.iris import _EYES, find_irises
from engine.faces.views import View

SIZE, FINE = 200, 4  # px; the picture is drawn so much finer
CORNERS = np.array([[[30, 100], [80, 102]], [[120, 102], [170, 100]]], float)  # of both eyes
RADIUS, SKIN, WHITE = 10.0, (190, 150, 130), (215, 205, 200)


def lids(corners: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower lid (9, 2) of an almond."""
    along = np.linspace(0, 1, 9)[:, None]
    line = corners[0] + along * (corners[1] - corners[0])
    bulge = height * np.sin(np.pi * along) * [0, 1]
    return line - 0.55 * bulge, line + 0.45 * bulge


def drawn(moved: np.ndarray, height: float = 16.0, iris=(60, 40, 30), glint: bool = False):
    """A view, and points with irises in the middle of eyes that look `moved` (2,) px away."""
    picture = np.full((SIZE * FINE, SIZE * FINE, 3), SKIN, np.uint8)
    points = np.zeros((478, 3), np.float32)
    for corners, (upper, lower, ring) in zip(CORNERS, _EYES, strict=True):
        over, under = lids(corners, height)
        points[list(upper), :2], points[list(lower), :2] = over, under
        middle = corners.mean(0)
        circle = RADIUS * np.array([[1, 0], [0, -1], [-1, 0], [0, 1]])
        points[list(ring), :2] = np.concatenate([middle[None], middle + circle])
        eye = np.full_like(picture, WHITE)
        at = tuple(int(v) for v in (middle + moved) * FINE)
        cv2.circle(eye, at, int(RADIUS * FINE), iris, -1)
        cv2.circle(eye, at, int(0.4 * RADIUS * FINE), (15, 12, 12), -1)
        if glint:
            cv2.circle(eye, (at[0] - 3 * FINE, at[1] - 2 * FINE), 2 * FINE, (250, 250, 250), -1)
        inside = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(inside, [(np.concatenate([over, under[::-1]]) * FINE).astype(np.int32)], 255)
        picture = np.where(inside[:, :, None] > 0, eye, picture)
    small = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(1).normal(0, 4, small.shape)
    pixels = np.clip(cv2.GaussianBlur(small, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)
    return View(pixels, np.zeros(2, np.float32), 1.0), points


@pytest.mark.parametrize("moved", [(0, 0), (6, 0), (-7, 1), (0, 3), (3, -3)])
@pytest.mark.parametrize("iris", [(60, 40, 30), (110, 120, 135)])
def test_an_iris_is_found_where_it_is(moved, iris):
    view, points = drawn(np.array(moved), iris=iris)
    shift = (find_irises(view, points) - points)[:, :2]
    for *_, ring in _EYES:
        assert np.abs(shift[list(ring)] - moved).max() < 1.2
    assert not shift[:468].any()  # nothing else moves


def test_a_glint_leads_nowhere():
    view, points = drawn(np.array([4, 0]), glint=True)
    shift = (find_irises(view, points) - points)[[468, 473], :2]
    assert np.abs(shift - [4, 0]).max() < 1.5


def test_shut_and_small_eyes_keep_the_networks_irises():
    view, points = drawn(np.array([5, 0]), height=2.0)
    assert np.array_equal(find_irises(view, points), points)
    view, points = drawn(np.array([5, 0]))
    small = View(cv2.resize(view.pixels, None, fx=0.4, fy=0.4), view.origin, 1.0)
    assert np.array_equal(find_irises(small, points * np.float32(0.4)), points * np.float32(0.4))


def test_a_picture_without_eyes_moves_them_little():
    _, points = drawn(np.zeros(2))
    noise = np.random.default_rng(2).integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    view = View(noise, np.zeros(2, np.float32), 1.0)
    shift = (find_irises(view, points) - points)[:, :2]
    assert np.isfinite(shift).all() and np.abs(shift).max() < 0.2 * 50
