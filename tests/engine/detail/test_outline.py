"""How far hair stands off the skull and hangs down, by the film's outline of it."""

import cv2
import numpy as np
import pytest

from engine.detail.hairline import model_depth, upper_head
from engine.detail.hanging import hanging_down
from engine.detail.volume import see_outline, stand_off, standing_hair, stands_clear
from engine.geometry import project
from engine.head.albedo import load_albedo
from engine.head.model import FaceParams, Head
from engine.srgb import linear_from_srgb
from engine.weights import FOLDER, load_head

DARK, FLESH = (40, 28, 20), (200, 150, 120)


def picture_of(head: Head, params: FaceParams, stands_mm: float) -> np.ndarray:
    """A dark head of hair, (800, 800, 3), that stands so far off the skull, before a blue wall."""
    size = (800, 800)
    vertices = head.camera_frame(params, 0)
    skull = vertices[upper_head(head)]
    middle = vertices[head.file.masks["ears"]].mean(0)
    away = skull - middle
    length = np.linalg.norm(away, axis=1, keepdims=True)
    outline = project(middle + away * (1 + 1e-3 * stands_mm / length), params.focal, size)
    picture = np.full((*size[::-1], 3), (60, 120, 190), np.uint8)
    hull = cv2.convexHull(outline.astype(np.float32)).round().astype(np.int32)
    return cv2.fillConvexPoly(picture, hull, (40, 28, 20))


@pytest.fixture(scope="module")
def person():
    head = Head(load_head())
    rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))[0]
    return head, rest, load_albedo(FOLDER / head.file.albedo_file)


@pytest.mark.parametrize("stands_mm", [6, 15, 28])
def test_hair_stands_off_as_far_as_its_outline(person, stands_mm):
    head, rest, albedo = person
    params = FaceParams.neutral(head, 1, focal=1200.0)
    picture = picture_of(head, params, stands_mm)
    outlines = [see_outline(picture, params, head, head.rest(params.shape), 0)] * 3
    hair = stand_off(outlines, np.full(len(rest), np.inf), model_depth(albedo, head), head, rest)
    top = (rest[:, 1] > np.quantile(rest[:, 1], 0.99)) & (hair > 0)
    assert np.median(hair[top]) == pytest.approx(stands_mm, abs=3)
    assert stands_clear(outlines) == (stands_mm == 28)  # nobody is bald then


def test_what_stands_on_the_head_is_hair_unless_it_is_background(person):
    head, rest, _ = person
    params = FaceParams.neutral(head, 1, focal=1200.0)
    for stands_mm, haired in ((15, 1.0), (-1, 0.0)):
        picture = picture_of(head, params, stands_mm)
        face = rest[head.file.masks["face"]] + params.head_translation[0]
        outline = cv2.convexHull(project(face, params.focal, (800, 800)).astype(np.float32))
        cv2.fillConvexPoly(picture, outline.round().astype(np.int32), (200, 150, 120))
        outline = see_outline(picture, params, head, head.rest(params.shape), 0)
        standing = standing_hair([outline])
        seen = np.isfinite(standing[:, 0])
        assert seen.mean() == pytest.approx(haired, abs=0.15)
        assert np.allclose(standing[seen], linear_from_srgb(np.array([40, 28, 20])), atol=1e-3)


@pytest.mark.parametrize(
    ("left", "right", "colour", "hangs_mm"),
    [
        ("", "", DARK, 0), ("70", "70", DARK, 70), ("90", "50", DARK, 70), ("70", "", DARK, 0),
        ("70", "wall", DARK, 70), ("70 bare", "wall", DARK, 0), ("70 bare", "70 bare", DARK, 0),
        ("70", "70", (0, 255, 0), 0),
    ],
)  # fmt: skip
def test_long_hair_is_seen_where_it_hangs(person, left, right, colour, hangs_mm):
    """Beside the neck: on both sides or over one ear while the other isn't seen to be bare.

    What begins below bare ears is a jacket; a curtain unlike anything isn't hair.
    """
    head, rest, _ = person
    params = FaceParams.neutral(head, 1, focal=1000.0)
    picture = picture_of(head, params, 15)
    size = picture.shape[1::-1]
    ears = rest[head.file.masks["ears"]]
    wide, low, depth = np.abs(ears[:, 0]).max(), ears[:, 1].min(), ears[:, 2].mean()

    def on_picture(points: np.ndarray) -> np.ndarray:
        return project(points + params.head_translation[0], params.focal, size)

    def fill(points: np.ndarray, tone: tuple[int, int, int]) -> None:
        outline = cv2.convexHull(on_picture(points).astype(np.float32))
        cv2.fillConvexPoly(picture, outline.round().astype(np.int32), tone)

    for side, what in ((1, left), (-1, right)):
        below, _, bare = what.partition(" ")
        ear = ears[side * ears[:, 0] > 0]
        if not below or bare:
            fill(ear, FLESH)
        if below.isdigit():
            top = 0 if bare else 0.7 * np.ptp(ear[:, 1])
            corners = [(wide - 0.03, top), (wide + 0.008, -1e-3 * int(below))]
            box = on_picture(np.array([(side * x, low + y, depth) for x, y in corners]))
            cv2.rectangle(picture, *box.round().astype(int).tolist(), colour, -1)
    fill(rest[head.file.masks["face"]], FLESH)
    sides = [see_outline(picture, params, head, head.rest(params.shape), 0).sides] * 3
    assert hanging_down(sides) == pytest.approx(hangs_mm, abs=6)
