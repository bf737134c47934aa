"""Whites of eyes: read between the lids, painted by half of what they differ."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.detail.complexion import person_texture
from engine.detail.folds import EYES
from engine.detail.irises import iris_places, ring_places
from engine.detail.parts import Sight
from engine.detail.whites import paint_whites, see_whites, whites_lightness
from engine.exchange.take import REGIONS
from engine.head.model import Head
from engine.srgb import linear_from_srgb, srgb_from_linear
from engine.weights import load_head

PLAIN = np.vstack([np.ones((1, 3)), np.zeros((8, 3))])  # as bright from everywhere


def _eyes(radius: float, white: float) -> tuple[np.ndarray, np.ndarray]:
    """A picture (120, 240, 3) of two open eyes, and their points (1, 478, 3)."""
    skin, iris = (tuple(int(v) for v in srgb_from_linear(np.full(3, v))) for v in (0.3, 0.02))
    picture = np.full((120, 240, 3), skin, np.uint8)
    points = np.zeros((1, 478, 3), np.float32)
    for x, middle, outline in zip((60, 180), (468, 473), EYES, strict=True):
        turn = np.linspace(np.pi, 3 * np.pi, 16, endpoint=False)
        lids = np.stack([x + 2.4 * radius * np.cos(turn), 60 + 1.0 * radius * np.sin(turn)], 1)
        points[0, list(outline), :2] = lids
        rim = np.array([[1, 0], [0, -1], [-1, 0], [0, 1]]) * radius
        points[0, middle : middle + 5, :2] = np.add([x, 60], np.vstack([[0, 0], rim]))
        colour = tuple(int(v) for v in srgb_from_linear(np.full(3, white)))
        cv2.fillPoly(picture, [lids.round().astype(np.int32)], colour)
        cv2.circle(picture, (x, 60), round(radius), iris, -1)
    return picture, points


@pytest.mark.parametrize("white", [0.08, 0.25])
def test_whites_are_read_between_the_lids(white):
    picture, points = _eyes(12, white)
    track = SimpleNamespace(landmarks=points, confidence=np.ones((1, len(REGIONS))))
    params = SimpleNamespace(head_pose=np.zeros((1, 3)))
    sight = see_whites(picture, track, params, 0)  # pyright: ignore[reportArgumentType]
    assert len(sight.colour) == 2
    lit = _eyes(12, 2 * white)[0]
    brighter = see_whites(lit, track, params, 0)  # pyright: ignore[reportArgumentType]
    assert np.allclose(brighter.colour / sight.colour, 2, rtol=0.05)
    small, points = _eyes(2, white)
    track = SimpleNamespace(landmarks=points, confidence=np.ones((1, len(REGIONS))))
    assert not len(see_whites(small, track, params, 0).colour)  # pyright: ignore[reportArgumentType]


def test_hardly_seen_whites_say_nothing():
    sight = Sight(np.full((1, 3), 0.5), np.array([[0.0, 0, 1]]))
    assert whites_lightness([sight] * 3, PLAIN) is None
    found, darker = whites_lightness([sight] * 4, PLAIN), whites_lightness([sight] * 4, 2 * PLAIN)
    assert found is not None and darker is not None
    assert np.isclose(found - darker, np.log(2))


def test_whites_take_half_of_what_is_seen_and_irises_none():
    head = Head(load_head())
    texture = person_texture(head, np.zeros(50), 512)
    middle, radius = (each[0] for each in iris_places(head))
    turn = np.linspace(0, 2 * np.pi, 32)
    ring = middle + 1.5 * radius * np.stack([np.cos(turn), np.sin(turn)], 1)

    def read(painted: np.ndarray, places: np.ndarray) -> np.ndarray:
        column, row = (places * [1, -1] * 512 + [0, 512]).astype(int).T
        return np.log(linear_from_srgb(painted[row, column]).mean(0))

    usual = float(read(texture, ring) @ [0.6, 0.35, 0.05])
    darker = paint_whites(texture, usual - 0.6, head)
    assert np.allclose(read(darker, ring) - read(texture, ring), -0.3, atol=0.04)
    assert np.array_equal(read(darker, ring_places(head)), read(texture, ring_places(head)))
    glaring = paint_whites(texture, usual + 3, head)
    assert np.exp(read(glaring, ring)).max() < 1.0
    assert 0 < (darker != texture).any(2).mean() < 0.04
