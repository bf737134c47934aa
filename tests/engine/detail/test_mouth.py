"""Light in the mouth: read where lips are parted, painted by half on what lies behind them."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.detail.complexion import person_texture
from engine.detail.mouth import mouth_lightness, paint_mouth, see_mouth
from engine.detail.skin import prepare_canvas
from engine.exchange.take import REGIONS
from engine.geometry import embed, project
from engine.head.albedo import load_albedo
from engine.head.model import FaceParams, Head
from engine.preview.sitter import Sitter
from engine.preview.studio import draw
from engine.srgb import linear_from_srgb, srgb_from_linear
from engine.weights import FOLDER, load_head

SIZE, FOCAL = (360, 360), 900.0
FROM_AHEAD = np.zeros((9, 3))
FROM_AHEAD[0], FROM_AHEAD[3] = 0.6, 0.4


@pytest.fixture(scope="module")
def head() -> Head:
    return Head(load_head())


def _read(head: Head, jaw: float, darker: float, frames: int = 6) -> float:
    """What is read from a drawn film of an open mouth, its inside so much darker than expected."""
    params = FaceParams.neutral(head, 1, focal=FOCAL)
    params = params.replace(jaw=np.array([[jaw, 0, 0]]))
    file, vertices = head.file, head.camera_frame(params, 0)
    albedo = load_albedo(FOLDER / file.albedo_file)
    person = np.zeros(len(albedo.names))
    texture = person_texture(head, person, 1024)
    sitter = Sitter(head, params.shape, texture)
    shot = draw(sitter, vertices, FOCAL, SIZE, light=FROM_AHEAD)
    inside = _draws_inside(sitter, vertices)
    linear = linear_from_srgb(shot.filmed) * np.where(inside, darker, 1.0)[..., None]
    picture = srgb_from_linear(linear)
    points = np.zeros((1, 478, 3))
    points[0, :468, :2] = project(embed(vertices, file.faces, file.landmarks_468), FOCAL, SIZE)
    track = SimpleNamespace(landmarks=points, confidence=np.ones((1, len(REGIONS))))
    canvas = prepare_canvas(head, params, np.array([0]), 128)
    sight = see_mouth(picture, track, params, canvas, 0)  # pyright: ignore[reportArgumentType]
    sights = [sight] * frames if sight else []
    return mouth_lightness(sights, FROM_AHEAD, albedo, albedo.effective(person))


def _draws_inside(sitter: Sitter, vertices: np.ndarray) -> np.ndarray:
    """Which pixels show what lies behind the lips, (H, W) bool."""
    texture = paint_mouth(np.full_like(sitter.texture, 255), -9.0, sitter.head)
    shot = draw(Sitter(sitter.head, sitter.shape, texture), vertices, FOCAL, SIZE, light=FROM_AHEAD)
    return (shot.filmed.max(2) < 90) & (shot.face > 250)


def test_a_mouth_as_dark_as_expected_is_left_and_a_darker_one_is_read(head):
    usual, dark = _read(head, 0.2, 1.0), _read(head, 0.2, 0.6)
    assert abs(usual) < 0.15
    assert np.isclose(dark - usual, 6 / 8 * np.log(0.6), atol=0.06)


def test_few_frames_say_less_and_shut_lips_nothing(head):
    assert np.isclose(_read(head, 0.2, 0.6, 2) / _read(head, 0.2, 0.6, 6), (2 / 4) / (6 / 8))
    assert _read(head, 0.0, 0.6) == 0.0


def test_half_is_painted_behind_the_lips_alone(head):
    texture = person_texture(head, np.zeros(50), 512)
    painted = paint_mouth(texture, -0.8, head)
    file = head.file
    column, row = np.clip(file.vertex_uv * [512, -512] + [0, 512], 0, 511).astype(int).T
    change = np.log(linear_from_srgb(painted[row, column]) / linear_from_srgb(texture[row, column]))
    assert np.allclose(np.median(change[file.marked("upper_teeth", "tongue")], 0), -0.4, atol=0.03)
    outside = ~file.marked("mouth_inside", "upper_teeth", "lower_teeth", "tongue", "lips")
    assert (change[outside] == 0).mean() > 0.99
    assert linear_from_srgb(paint_mouth(texture, 3.0, head)).max() < 0.98
