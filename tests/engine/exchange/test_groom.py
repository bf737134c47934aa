"""The groom: hair that is as high and as long as asked lies as a person's does."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from engine.detail.complexion import person_texture
from engine.detail.volume import usual_hair
from engine.exchange.fringe import FRINGE_AT
from engine.exchange.growth import POINTS
from engine.exchange.hair import comb, grows_hair
from engine.exchange.skull import BARE_MM, depth_within, from_skull
from engine.head.model import FaceParams, Head
from engine.preview.sitter import Sitter
from engine.preview.studio import draw
from engine.weights import load_head


@pytest.fixture(scope="module")
def person():
    head = Head(load_head())
    rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))[0]
    return head, rest


def test_long_hair_hangs_beside_the_face(person):
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    groom = comb(head.file, rest, hair, hangs=60.0)
    lowest = 1e3 * (rest[head.file.masks["ears"], 1].min() - groom.points[:, -1, 1])
    assert np.percentile(lowest, 90) == pytest.approx(60, abs=20)
    x, y, z = groom.points.reshape(-1, 3).T
    brows = rest[head.file.masks["brows"], 1].mean()
    assert ((np.abs(x) < 0.045) & (y < brows) & (z > 0.04)).mean() < 0.002


def test_a_crop_ends_where_hair_ends(person):
    """Strands combed forward over receding temples would hang before the face as a spike."""
    head, rest = person
    usual = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    high = rest[:, 1] > np.quantile(rest[usual > BARE_MM, 1], 0.75)
    fringe = np.where(np.abs(FRINGE_AT) < 32, 30.0, 0)  # it ends above the hairline
    hair = np.where(high, 1.5, 0.25) * usual
    groom = comb(head.file, rest, hair, falls=fringe)
    points = groom.points.reshape(-1, 3)
    before = points[points[:, 2] > 0.02]
    away = KDTree(rest[usual > 4 * BARE_MM]).query(before)[0]
    assert np.percentile(away, 99.9) < 1.2e-3 * hair.max()


@pytest.mark.parametrize("count", [0, 1, 3, 10, 16, 32])
def test_a_tuft_is_combed_or_is_no_hair(person, count):
    """However little there is, and though all of it falls over the forehead."""
    head, rest = person
    usual = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    hair = np.zeros_like(usual)
    hair[np.argsort(-rest[:, 2] * (usual > BARE_MM))[:count]] = 5.0  # the foremost
    assert grows_hair(head.file, hair) == (count > 3)
    if count > 3:
        for falls in (None, np.full(len(FRINGE_AT), 82.0)):
            groom = comb(head.file, rest, hair, falls=falls)
            assert len(groom.points) and np.isfinite(groom.points).all()


@pytest.mark.parametrize("hangs", [0.0, 60.0])
def test_a_fringe_ends_where_it_was_seen(person, hangs):
    """In points, over the columns that have one, and the others stay free."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    falls = np.where(FRINGE_AT < 4, 82.0, 0)
    groom = comb(head.file, rest, hair, hangs, falls)
    top, beside, _ = from_skull(head.file, rest, groom.points.reshape(-1, 3))
    lowest = []
    for column, wanted in zip(FRINGE_AT, falls, strict=True):
        here = top[np.abs(beside - column) < 4]
        if wanted and abs(column) < 40:
            lowest.append(np.percentile(here, 98))
        elif 12 < column < 30:
            assert (here > 76).mean() < 0.05
    assert np.mean(lowest) == pytest.approx(82, abs=4)
    assert 2 < np.ptp(lowest) < 14


@pytest.mark.parametrize("low", [BARE_MM / 2, 6.0])
def test_the_hairline_lies_where_the_take_says_however_low_hair_is_there(low):
    """Of vertices 5 mm apart; an older take knows the bare ones as 0: half way between two."""
    places = np.arange(-6.0, 7) * 5 + 2  # mm within the line
    vertices = 1e-3 * places[:, None] * [1, 0, 0]
    hair = np.where(places > 0, np.where(places < 5, low, 8), places)
    np.testing.assert_allclose(depth_within(vertices, hair), np.clip(places, -25, 25), atol=1e-6)
    older = depth_within(vertices, np.where(places > 0, 8.0, 0))
    assert (older > 0).tolist() == (places > 0).tolist()
    assert np.interp(0, older, places) == pytest.approx(-0.5)


def test_hair_lies_back_unless_it_falls(person):
    """However low it is: what is tied back must not become a bowl. In front of the head."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    fringe, lock = (np.where(end > FRINGE_AT, 70.0, 0) for end in (49, -20))
    for thick, falls, forward in (
        (0.4, None, False),
        (1.0, None, False),
        (1.0, lock, False),
        (1.0, fringe, True),
    ):
        points = comb(head.file, rest, thick * hair, falls=falls).points
        top = from_skull(head.file, rest, points[:, 0])[0]
        front = (points[:, 0, 2] > 0.05) & (points[:, 0, 0] > -0.01) & (top < 50)
        ahead = (points[front, -1, 2] > points[front, 0, 2]).mean()
        assert ahead > 0.9 if forward else ahead < 0.1


@pytest.mark.parametrize("parting", [-16.0, 0.0, 16.0])
def test_parted_hair_leaves_its_parting(person, parting):
    """To both sides of it in front, and to the back of the head beside and behind it."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    points = comb(head.file, rest, hair, parting=parting).points
    top, beside, _ = from_skull(head.file, rest, points[:, 0])
    goes = from_skull(head.file, rest, points[:, -1])[1] - beside
    front = (np.abs(beside) < 40) & (top > 25) & (top < 55) & (np.abs(beside - parting) > 8)
    assert (goes[front] * (beside - parting)[front] > 0).mean() > 0.85
    sides = (np.abs(beside) > 60) & (np.abs(beside) < 120) & (top > 60)
    assert (points[sides, -1, 2] < points[sides, 0, 2]).mean() > 0.9


def test_a_parting_is_no_furrow(person):
    """Beside it hair stands nearly as high as farther away, hanging or not."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    for hangs in (0.0, 60.0):
        points = comb(head.file, rest, hair, hangs, parting=0.0).points.reshape(-1, 3)
        points = points[(points[:, 2] > -0.02) & (points[:, 2] < 0.06)]
        at, beside = (
            np.percentile(points[np.abs(points[:, 0] - x) < 0.003, 1], 98) for x in (0.0, 0.02)
        )
        assert at > beside - 0.002


def test_tips_come_together_in_locks(person):
    """A tip's tenth nearest neighbour is nearer than a root's; of some strands it isn't."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    points = comb(head.file, rest, 1.5 * hair).points
    full = points[KDTree(rest[hair > 11]).query(points[:, 0])[0] < 0.01]
    root, tip = (KDTree(p).query(p, 11)[0][:, -1] for p in (full[:, 0], full[:, -1]))
    assert np.median(tip) < 0.8 * np.median(root)
    assert (tip > np.median(root)).mean() > 0.02


def test_strands_stand_on_the_skin_as_high_as_asked(person):
    """And the same head has the same hair every time."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    groom, again = (comb(head.file, rest, hair) for _ in range(2))
    assert np.array_equal(groom.points, again.points)
    assert groom.points.shape[1:] == (POINTS, 3)
    root, near = KDTree(rest).query(groom.points[:, 0])
    assert root.max() < 0.02  # vertices lie 1 to 2 cm apart up there
    above = 1e3 * KDTree(rest).query(groom.points.reshape(-1, 3))[0].reshape(-1, POINTS).max(1)
    full = hair[near] > 11
    assert np.median(above[full]) == pytest.approx(12, abs=4)


def test_short_hair_ends_in_no_line(person):
    """Locks that lie forward end a few millimetres higher or lower than those beside them."""
    head, rest = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    falls = np.where(np.abs(FRINGE_AT) <= 32, 70.0, 0)
    tips = comb(head.file, rest, hair, falls=falls).points[:, -1]
    top, beside, _ = from_skull(head.file, rest, tips)
    columns = [top[np.abs(beside - column) < 2] for column in range(40, 65, 4)]
    lowest = np.array([np.percentile(column, 97) for column in columns])
    assert 1 < np.abs(np.diff(lowest, 2)).mean() < 8  # degrees, of about 1.7 mm


def test_hair_widens_the_head_and_leaves_the_face(person):
    head = person[0]
    shape = np.zeros(head.file.shape_basis.shape[2])
    texture = person_texture(head, np.zeros(50), 256)
    vertices = head.camera_frame(FaceParams.neutral(head, 1, focal=300.0), 0)
    bare, haired = (
        draw(Sitter(head, shape, texture, hair), vertices, 300.0, (120, 150))
        for hair in (None, usual_hair(head, shape))
    )
    grown = (haired.coverage > 128).sum() / (bare.coverage > 128).sum()
    assert 1.03 < grown < 1.3
    assert (haired.coverage >= bare.coverage).all()
    face = bare.face == 255
    assert (haired.colour[face] == bare.colour[face]).all(1).mean() > 0.98
