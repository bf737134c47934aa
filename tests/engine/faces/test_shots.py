"""Cuts and dissolves, on made-up pictures."""

import cv2
import numpy as np
import pytest

from engine.faces.looks import Look
from engine.faces.people import link_people, part_dissolved
from engine.faces.scenes import same_scene, scene_of
from engine.faces.shots import ShotFinder
from engine.faces.tracklets import Followed, Tracklet
from tests.engine.faces.test_faces import clip_of, face_points

HEIGHT, WIDTH = 90, 160


def room(seed: int) -> np.ndarray:
    """A picture of (HEIGHT, WIDTH, 3) in 0..255 with large and small things in it."""
    random = np.random.default_rng(seed)
    scales = (cv2.resize(random.uniform(0, 255, (n, 2 * n, 3)), (WIDTH, HEIGHT)) for n in (4, 20))
    return np.mean(list(scales), axis=0)


def found(pictures: list[np.ndarray], fps: float = 25) -> tuple[list[int], list[tuple[int, int]]]:
    shots = ShotFinder(fps)
    noise = np.random.default_rng(0)
    cuts = [
        k
        for k, picture in enumerate(pictures)
        if shots.is_cut(np.clip(picture + noise.normal(0, 3, picture.shape), 0, 255).astype("u1"))
    ]
    return cuts, shots.dissolves


@pytest.mark.parametrize(("fps", "length"), [(25, 8), (25, 25), (50, 30), (12, 10)])
def test_a_dissolve_is_found_where_it_is(fps: float, length: int) -> None:
    one, other = room(1), room(2)
    shares = np.clip((np.arange(80) - 30) / length, 0, 1)
    cuts, [(last, first)] = found([one + (other - one) * share for share in shares], fps)
    assert not cuts
    assert abs(last - 30) <= fps / 5 and abs(first - 30 - length) <= fps / 5


def test_a_cut_is_none_and_nor_is_what_moves_or_is_lit() -> None:
    one, other = room(1), room(2)
    assert found([one] * 20 + [other] * 20) == ([20], [])
    wide = np.hstack([one, other])
    assert found([wide[:, 2 * k : 2 * k + WIDTH] for k in range(60)])[1] == []
    assert found([one * share for share in np.linspace(1, 0.3, 40)])[1] == []
    assert found([one] * 40)[1] == []


def tracklet(*skins: tuple[int, np.ndarray]) -> Tracklet:
    """A face that stays in its place; `skins`: how many frames each, colours (478, 3)."""
    face = Tracklet()
    points = (face_points(0) * 60 + [150, 90, 0]).astype(np.float32)
    nothing = np.zeros((1, 1, 3), np.uint8)
    for count, colours in skins:
        for _ in range(count):
            look = Look(colours, np.zeros(478, np.uint8), nothing, nothing, 0.0, 1.0, nothing)
            face.add(len(face.frames), points, look)
    return face


def test_somebody_a_dissolve_turns_into_is_somebody_else() -> None:
    random = np.random.default_rng(3)
    one, other = random.integers(60, 190, (2, 478, 3)).astype(np.uint8)
    mixed = (one // 2 + other // 2).astype(np.uint8)
    face = tracklet((20, one), (10, mixed), (20, other))
    followed = part_dissolved(Followed([face], (), ((19, 30),)))
    assert followed.cuts == (30,)
    people = link_people(followed, clip_of(50))
    assert sorted(list(p.frames) for p in people) == [list(range(20)), list(range(30, 50))]


def test_a_speaker_before_a_wall_that_changes_stays_whole() -> None:
    skin = np.random.default_rng(3).integers(60, 190, (478, 3)).astype(np.uint8)
    face = tracklet((50, skin))
    followed = part_dissolved(Followed([face], (), ((19, 30),)))
    assert followed.tracklets == [face] and followed.cuts == ()


def seen(picture: np.ndarray, noise: int = 0) -> np.ndarray:
    grain = np.random.default_rng(noise).normal(0, 3, picture.shape)
    return scene_of(np.clip(picture + grain, 0, 255).astype(np.uint8))


def test_a_room_stays_the_same_whoever_moves_in_it() -> None:
    first, later = room(1), room(1)
    later[20:70, 30:90] = room(5)[20:70, 30:90]
    assert same_scene(seen(first), seen(later, 1))
    assert not same_scene(seen(first), seen(room(2), 1))
    wall = np.full((HEIGHT, WIDTH, 3), 120.0)
    assert not same_scene(seen(wall), seen(wall, 1)), "a wall is like every other"


@pytest.mark.parametrize(
    ("person", "place", "people"), [("same", 1, 1), ("same", 2, 2), ("other", 1, 2)]
)
def test_a_jump_cut_in_one_room_leaves_its_people(person: str, place: int, people: int) -> None:
    """The head is turned, so that most of its colours are others; only some points tell."""
    random = np.random.default_rng(3)
    skin, other = random.integers(60, 190, (2, 478, 3)).astype(np.uint8)
    if person == "same":
        shade = random.integers(-15, 16, (478, 3)) * (np.arange(478) % 3 > 0)[:, None]
        other = (skin + shade).astype(np.uint8)
    before, after = tracklet((40, skin)), tracklet((40, other))
    after.frames = [frame + 40 for frame in after.frames]
    before.left, after.entered = seen(room(1)), seen(room(place), 1)
    found_people = link_people(Followed([before, after], (40,)), clip_of(80))
    assert len(found_people) == people
