"""Hair: where a clip shows it the head has it, as high and as long, and nowhere else."""

import cv2
import numpy as np
import pytest
from scipy.spatial import KDTree

from engine.detail.complexion import person_texture
from engine.detail.forehead import COLUMNS, Forehead, Front, find_front, map_forehead, see_forehead
from engine.detail.hairline import hairline_heights, model_cover, paint_hairline, upper_head
from engine.detail.hanging import hanging_down
from engine.detail.painted_fringe import paint_fringe
from engine.detail.parts import cast_of, fit_part
from engine.detail.volume import see_outline, stand_off, usual_hair
from engine.exchange.fringe import FRINGE_AT
from engine.exchange.hair import POINTS, comb, grows_hair
from engine.exchange.skull import BARE_MM, from_skull
from engine.geometry import project
from engine.head.albedo import load_albedo
from engine.head.model import FaceParams, Head
from engine.preview.sitter import Sitter
from engine.preview.strands import among_others
from engine.preview.studio import draw
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


def front_of(person, forehead: Forehead, ends: np.ndarray, hair: np.ndarray | None) -> Front:
    """What three frames say of hair that ends at `ends` (C,) degrees from the top."""
    head, rest, _ = person
    params = FaceParams.neutral(head, 1, focal=1200.0)
    blank = np.zeros((800, 800, 3), np.uint8)
    where, normals, flow = see_forehead(blank, params, head, head.rest(params.shape), 0, forehead)
    rows = from_skull(head.file, rest, points_of(person, forehead).reshape(-1, 3))[0]
    hairy = rows.reshape(where.shape[:2]) < ends
    drawn = np.where(hairy[..., None], np.exp(HAIR), np.exp(SKIN))
    seen = np.where(np.isfinite(where), drawn, np.nan)
    return find_front([(seen, normals, flow)] * 3, forehead, LIGHT, SKIN, hair)


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


def test_a_beard_is_as_dark_as_in_the_clip(person):
    """Jaw and lip hidden by hair a quarter as bright as the skin; then as bright as the skin."""
    _, _, albedo = person
    nobody = np.zeros(len(albedo.names))
    maps = np.zeros((2, len(albedo.maps)))
    maps[:, albedo.maps.index("bare")] = 1
    maps[:, albedo.maps.index("stubble")] = 0.8
    maps[0, albedo.maps.index("moustache")] = maps[1, albedo.maps.index("beard")] = 0.8
    skin = -np.log1p(np.exp(-maps @ albedo.mean))
    bearded = fit_part(albedo, nobody, "beard", maps, skin + np.log(0.25))
    moved = {albedo.names[k] for k in np.flatnonzero(bearded)}
    assert {"moustache", "beard"} <= moved <= {"moustache", "beard", "stubble", "goatee"}
    logit = maps @ (albedo.mean + np.tensordot(bearded, albedo.basis, 1))
    darker = skin + np.log1p(np.exp(-logit))
    assert darker.mean(1) == pytest.approx(np.log(4), abs=0.15)
    assert np.allclose(fit_part(albedo, nobody, "beard", maps, skin), 0, atol=0.02)


def test_coloured_light_makes_no_grey_hair(person):
    """Hair that looks grey in a light far from white may be brown; dark hair may be neutral."""
    _, _, albedo = person
    nobody = np.zeros(len(albedo.names))
    maps = np.zeros(len(albedo.maps))
    maps[albedo.maps.index("hair")] = 1
    for seen, doubt, red_to_green in ((-1.7, 0.0, 0.02), (-1.7, 0.5, 0.15), (-4.5, 0.0, 0.15)):
        found = fit_part(albedo, nobody, "hair", maps, np.full(3, seen), doubt)
        colour = -np.log1p(np.exp(-maps @ (albedo.mean + np.tensordot(found, albedo.basis, 1))))
        assert colour[0] - colour[1] == pytest.approx(red_to_green, abs=0.06)
        assert colour.mean() == pytest.approx(seen, abs=0.3)
    orange = LIGHT * np.array([1, 1, np.exp(-0.6)])
    assert cast_of(LIGHT) == pytest.approx(0)
    assert cast_of(orange) == pytest.approx(0.6 * np.sqrt(2) / 3)


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


@pytest.mark.parametrize("stands_mm", [6, 15, 28])
def test_hair_stands_off_as_far_as_its_outline(person, forehead, stands_mm):
    head, rest, albedo = person
    params = FaceParams.neutral(head, 1, focal=1200.0)
    picture = picture_of(head, params, stands_mm)
    outlines = [see_outline(picture, params, head, head.rest(params.shape), 0)] * 3
    heights = heights_of(person, forehead, 0, HAIR)
    hair = stand_off(outlines, heights, model_cover(albedo, head), head, rest)
    top = (rest[:, 1] > np.quantile(rest[:, 1], 0.99)) & (hair > 0)
    assert np.median(hair[top]) == pytest.approx(stands_mm, abs=3)


def test_what_stands_on_the_head_is_hair_unless_it_is_background(person):
    head, rest, _ = person
    params = FaceParams.neutral(head, 1, focal=1200.0)
    for stands_mm, haired in ((15, 1.0), (-1, 0.0)):
        picture = picture_of(head, params, stands_mm)
        face = rest[head.file.masks["face"]] + params.head_translation[0]
        outline = cv2.convexHull(project(face, params.focal, (800, 800)).astype(np.float32))
        cv2.fillConvexPoly(picture, outline.round().astype(np.int32), (200, 150, 120))
        standing = see_outline(picture, params, head, head.rest(params.shape), 0).standing
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


def test_long_hair_hangs_beside_the_face(person):
    head, rest, _ = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    groom = comb(head.file, rest, hair, hangs=60.0)
    lowest = 1e3 * (rest[head.file.masks["ears"], 1].min() - groom.points[:, -1, 1])
    assert np.percentile(lowest, 90) == pytest.approx(60, abs=20)
    x, y, z = groom.points.reshape(-1, 3).T
    brows = rest[head.file.masks["brows"], 1].mean()
    assert ((np.abs(x) < 0.045) & (y < brows) & (z > 0.04)).mean() < 0.002


def test_the_bald_grow_no_hair(person, forehead):
    head, rest, albedo = person
    heights = heights_of(person, forehead, 90, None)
    hair = stand_off([], heights, model_cover(albedo, head), head, rest)
    assert not grows_hair(head.file, hair)
    assert not grows_hair(head.file, None)


def test_a_crop_ends_where_hair_ends(person):
    """Strands combed forward over receding temples would hang before the face as a spike."""
    head, rest, _ = person
    usual = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    high = rest[:, 1] > np.quantile(rest[usual > BARE_MM, 1], 0.75)
    fringe = np.where(np.abs(FRINGE_AT) < 32, 30.0, 0)  # it ends above the hairline
    groom = comb(head.file, rest, np.where(high, 1.5, 0.25) * usual, falls=fringe)
    points = groom.points.reshape(-1, 3)
    before = points[points[:, 2] > 0.02]
    away = KDTree(rest[usual > 4 * BARE_MM]).query(before)[0]
    assert np.percentile(away, 99.9) < 0.025


@pytest.mark.parametrize("hangs", [0.0, 60.0])
def test_a_fringe_ends_where_it_was_seen(person, hangs):
    """Over the columns that have one, and the others stay free."""
    head, rest, _ = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    falls = np.where(FRINGE_AT < 4, 82.0, 0)
    groom = comb(head.file, rest, hair, hangs, falls)
    top, beside, _ = from_skull(head.file, rest, groom.points.reshape(-1, 3))
    for column, wanted in zip(FRINGE_AT, falls, strict=True):
        here = top[np.abs(beside - column) < 4]
        if wanted and abs(column) < 40:
            assert np.percentile(here, 98) == pytest.approx(82, abs=5)
        elif 12 < column < 30:
            assert (here > 76).mean() < 0.08


def test_hair_lies_back_unless_it_falls(person):
    """However low it is: what is tied back must not become a bowl. In front of the head."""
    head, rest, _ = person
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
    head, rest, _ = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    points = comb(head.file, rest, hair, parting=parting).points
    top, beside, _ = from_skull(head.file, rest, points[:, 0])
    goes = from_skull(head.file, rest, points[:, -1])[1] - beside
    front = (np.abs(beside) < 40) & (top > 25) & (top < 55) & (np.abs(beside - parting) > 8)
    assert (goes[front] * (beside - parting)[front] > 0).mean() > 0.85
    sides = (np.abs(beside) > 60) & (np.abs(beside) < 120) & (top > 60)
    assert (points[sides, -1, 2] < points[sides, 0, 2]).mean() > 0.9


def test_strands_stand_on_the_skin_as_high_as_asked(person):
    """And the same head has the same hair every time."""
    head, rest, _ = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    groom, again = (comb(head.file, rest, hair) for _ in range(2))
    assert np.array_equal(groom.points, again.points)
    assert groom.points.shape[1:] == (POINTS, 3)
    root, near = KDTree(rest).query(groom.points[:, 0])
    assert root.max() < 0.02  # vertices lie 1 to 2 cm apart up there
    above = 1e3 * KDTree(rest).query(groom.points.reshape(-1, 3))[0].reshape(-1, POINTS).max(1)
    full = hair[near] > 11
    assert np.median(above[full]) == pytest.approx(12, abs=4)


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


@pytest.mark.parametrize(("reflectance", "looks"), [(0.01, 0.6), (0.13, 1.0), (0.4, 1.25)])
def test_dark_hair_is_darker_than_its_strands(reflectance, looks):
    colour = np.tile(np.float32([reflectance]), (9, 3))
    assert among_others(colour) == pytest.approx(looks * colour, rel=0.02)


def test_short_hair_ends_in_no_line(person):
    """Locks that lie forward end a few millimetres higher or lower than those beside them."""
    head, rest, _ = person
    hair = usual_hair(head, np.zeros(head.file.shape_basis.shape[2]))
    falls = np.where(np.abs(FRINGE_AT) <= 32, 70.0, 0)
    tips = comb(head.file, rest, hair, falls=falls).points[:, -1]
    top, beside, _ = from_skull(head.file, rest, tips)
    columns = [top[np.abs(beside - column) < 2] for column in range(40, 65, 4)]
    lowest = np.array([np.percentile(column, 97) for column in columns])
    assert 1 < np.abs(np.diff(lowest, 2)).mean() < 8  # degrees, of about 1.7 mm
