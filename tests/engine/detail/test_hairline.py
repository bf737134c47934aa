"""The hairline: where a clip shows hair over the forehead the head has it, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from engine.detail.complexion import person_texture
from engine.detail.forehead import COLUMNS, Forehead, Front, find_front, map_forehead, see_forehead
from engine.detail.hairline import (
    hairline_heights,
    model_cover,
    model_depth,
    paint_hairline,
    upper_head,
)
from engine.detail.painted_fringe import paint_fringe
from engine.detail.volume import stand_off
from engine.exchange.fringe import FRINGE_AT
from engine.exchange.hair import grows_hair
from engine.exchange.skull import from_skull
from engine.geometry import harmonics
from engine.head.albedo import load_albedo
from engine.head.model import FaceParams, Head
from engine.render import interpolate
from engine.srgb import linear_from_srgb
from engine.weights import FOLDER, load_head

SKIN = np.log([0.50, 0.25, 0.16])
HAIR = SKIN - 2.0
LIGHT = np.zeros((9, 3))
LIGHT[0] = 1.0


@pytest.fixture(scope="module")
def person():
    head = Head(load_head())
    rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))[0]
    return head, rest, load_albedo(FOLDER / head.file.albedo_file)


@pytest.fixture(scope="module")
def forehead(person):
    head, rest, albedo = person
    return map_forehead(head, rest, model_cover(albedo, head))


def front_of(
    person, forehead: Forehead, ends: np.ndarray, hair: np.ndarray | None, light=LIGHT
) -> Front:
    """What three frames say of hair that ends at `ends` (C,) degrees from the top."""
    head, rest, _ = person
    params = FaceParams.neutral(head, 1, focal=1200.0)
    blank = np.zeros((800, 800, 3), np.uint8)
    sight = see_forehead(blank, params, head, head.rest(params.shape), 0, forehead)
    rows = from_skull(head.file, rest, points_of(person, forehead).reshape(-1, 3))[0]
    hairy = rows.reshape(sight.colour.shape[:2]) < ends
    drawn = np.where(hairy[..., None], np.exp(HAIR), np.exp(SKIN))
    seen = np.where(np.isfinite(sight.colour), drawn, np.nan)
    return find_front([replace(sight, colour=seen)] * 3, forehead, light, SKIN, hair)


def points_of(person, forehead: Forehead) -> np.ndarray:
    head, rest, _ = person
    return interpolate(rest, head.file.faces, *forehead.places)


def heights_of(person, forehead: Forehead, higher: float, hair: np.ndarray | None) -> np.ndarray:
    """What frames say of hair that begins so many degrees above the model's line."""
    head, rest, albedo = person
    front = front_of(person, forehead, forehead.line - higher, hair)
    return hairline_heights(front, head, rest, albedo)


def test_a_high_hairline_is_found(person, forehead):
    """Hair from 14 degrees, 25 mm, above the model's hairline on: in front it is that much less."""
    head, rest, _ = person
    middle = np.zeros(len(rest), bool)
    middle[upper_head(head)] = True
    middle &= (np.abs(rest[:, 0]) < 0.03) & (rest[:, 2] > 0)
    models, raised = (heights_of(person, forehead, higher, HAIR) for higher in (0, 14))
    assert np.median((models - raised)[middle]) == pytest.approx(25, abs=5)


def test_one_receding_temple_is_one_sides(person, forehead):
    front = front_of(person, forehead, forehead.line - np.where(COLUMNS > 15, 10, 0), HAIR)
    assert front.rises[(COLUMNS > 24) & (COLUMNS < 44)] == pytest.approx(10, abs=2)
    assert front.rises[(COLUMNS < 5) & (COLUMNS > -44)] == pytest.approx(0, abs=2)


@pytest.mark.parametrize(
    ("lower", "falls"),
    [
        (np.where(np.abs(COLUMNS) < 30, 16, 0), np.abs(FRINGE_AT) < 28),
        (np.where(COLUMNS < -5, 14, 0), FRINGE_AT < -8),
        (np.zeros(len(COLUMNS)), np.zeros(len(FRINGE_AT), bool)),
        (np.where(np.abs(COLUMNS) < 3, 14, 0), np.zeros(len(FRINGE_AT), bool)),  # a lock
    ],
)
def test_a_fringe_is_found_where_it_falls(person, forehead, lower, falls):
    front = front_of(person, forehead, forehead.line + lower, HAIR)
    found = np.zeros(len(FRINGE_AT)) if front.falls is None else front.falls
    at = np.abs(FRINGE_AT) < 40  # beyond, brows end what is looked at
    assert ((found > 0) == falls)[at].sum() >= at.sum() - 2
    both = (found > 0) & falls & at
    ends = np.interp(FRINGE_AT, COLUMNS, np.minimum(forehead.line + lower, forehead.brows))
    assert np.abs(found - ends)[both].mean() < 3 if both.any() else not found[at].any()


def test_shade_on_the_forehead_is_no_fringe(person, forehead):
    """Nor is anything where hair is hardly darker than skin."""
    shade = front_of(person, forehead, forehead.line + 15, 3 * (HAIR - SKIN) + SKIN)
    faint = front_of(person, forehead, forehead.line + 15, SKIN - 0.6)
    assert shade.falls is None
    assert faint.falls is None


def test_the_dark_side_of_a_forehead_is_no_lock(person, forehead):
    ends = forehead.line + np.where(COLUMNS > 16, 14, 0)
    sideways = LIGHT.copy()
    sideways[1:4] = -2 * harmonics(np.array([[1.0, 0, 0]]))[0, 1:4, None]  # none comes from there
    assert front_of(person, forehead, ends, HAIR).falls is not None
    assert front_of(person, forehead, ends, HAIR, sideways).falls is None


@pytest.mark.parametrize("at", [-20, 0, 24])
def test_a_parting_is_no_hairline(person, forehead, at):
    front = front_of(
        person, forehead, forehead.line - np.where(np.isclose(COLUMNS, at), 18, 0), HAIR
    )
    assert front.parting == at
    assert front.rises[np.abs(COLUMNS) < 50].max() < 5  # beyond it is the model's


def test_a_bald_head_loses_the_models_hair(person, forehead):
    head, _, _ = person
    heights = heights_of(person, forehead, 90, None)
    texture, bare = (person_texture(head, np.zeros(50), 256, shaven=no) for no in (False, True))
    painted = paint_hairline(texture, bare, heights, head)
    assert np.abs(painted.astype(int) - bare).mean() < 1
    assert (bare.mean(2) > texture.mean(2) + 30).mean() > 0.1  # where the cap was


def test_hair_in_doubt_keeps_the_models_line(person, forehead):
    head, _, _ = person
    heights = heights_of(person, forehead, 0, None)
    texture, bare = (person_texture(head, np.zeros(50), 256, shaven=no) for no in (False, True))
    changed = np.abs(paint_hairline(texture, bare, heights, head).astype(int) - texture).max(2) > 25
    assert changed.mean() < 0.05


def test_crowns_beside_another_piece_of_the_sheet_keep_their_hair(person, forehead):
    """A piece without hair across a gap of some millimetres is no skin beside the crown's."""
    head, rest, _ = person
    heights = heights_of(person, forehead, 0, None)
    texture, bare = (person_texture(head, np.zeros(50), 512, shaven=no) for no in (False, True))
    changed = np.abs(paint_hairline(texture, bare, heights, head).astype(int) - texture).max(2)
    crown = head.file.masks["scalp"] & (rest[:, 1] > np.quantile(rest[:, 1], 0.97))
    side = len(texture)
    column, row = (head.file.vertex_uv[crown] * [1, -1] * side + [0, side]).astype(int).T
    assert changed[np.clip(row, 0, side - 1), np.clip(column, 0, side - 1)].max() < 25


def test_a_fringe_is_painted_down_to_where_it_ends(person, forehead):
    head, rest, _ = person
    lower = np.where(np.abs(COLUMNS) < 30, 16, 0)
    front = front_of(person, forehead, forehead.line + lower, HAIR)
    heights = hairline_heights(front, head, rest, person[2])
    texture = person_texture(head, np.zeros(50), 256)
    painted = paint_fringe(texture, front.falls, heights, head, rest)
    top, beside, _ = from_skull(head.file, rest, rest)
    ends = np.interp(beside, COLUMNS, forehead.line)
    before, after = (linear_from_srgb(read_at(head, x)).mean(1) for x in (texture, painted))
    skin = head.file.masks["skin"] & ~head.file.masks["ears"] & (np.abs(beside) < 16)
    under = skin & (top > ends + 3) & (top < ends + 8)
    free = skin & (top > ends + 22) & (top < 120)
    assert np.median(after[under] / before[under]) < 0.5
    assert np.allclose(after[free], before[free])


def read_at(head: Head, texture: np.ndarray) -> np.ndarray:
    """The texture at each vertex, (V, 3)."""
    uv = np.zeros((len(head.file.template), 2))
    uv[head.file.faces.ravel()] = head.file.uv[head.file.uv_faces.ravel()]
    place = (uv * [1, -1] + [0, 1]) * len(texture)
    column, row = np.clip(place, 0, len(texture) - 1).astype(int).T
    return texture[row, column]


def test_the_bald_grow_no_hair(person, forehead):
    head, rest, albedo = person
    heights = heights_of(person, forehead, 90, None)
    hair = stand_off([], heights, model_depth(albedo, head), head, rest)
    assert not grows_hair(head.file, hair)
    assert not grows_hair(head.file, None)
