"""Skin from the clip: what is painted on a film's face comes back on the sheet."""

from dataclasses import replace

import numpy as np
import pytest

from engine.detail.face_sheet import build_sheet, cut_window, lay_window
from engine.detail.folds import LIPS, bare_of_holes, hull
from engine.detail.light import refine_light
from engine.detail.paint import own_hues
from engine.detail.projected import _agreement, _change, _natural, project_colour
from engine.detail.residual import LUMINANCE
from engine.detail.shown import shown_skin
from engine.detail.unwrap import unwrap
from engine.geometry import embed, harmonics, project, vertex_normals
from engine.head.model import FaceParams, Head
from engine.head.places import tracked_points
from engine.media import open_clip
from engine.media.pictures import read_picture, write_picture
from engine.render import interpolate, rasterize
from engine.srgb import linear_from_srgb, srgb_from_linear
from engine.weights import load_head
from tests.made_tracks import made_track

SIDE, FRAMES = 448, 6
LAMP = np.array([0.55, 0.2, 0.1, 0.3, 0, 0, 0, 0, 0.03])
CHEEK, OTHER_CHEEK = 50, 280  # of the 468 landmarks


def test_srgb_round_trip():
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(srgb_from_linear(linear_from_srgb(codes)), codes)


@pytest.mark.parametrize("size", [96, 300])
def test_a_window_is_laid_where_it_was_cut(size):
    window = (0.21, 0.33, 0.47)
    rows, columns = np.mgrid[:512, :512] / 512
    sheet = np.stack([np.sin(7 * columns), np.cos(5 * rows), columns * rows], -1)
    cut = cut_window(sheet.astype(np.float32), window, size)
    laid, where_rows, where_columns = lay_window(cut, window, 512)
    there = sheet[where_rows, where_columns]
    inside = np.s_[4:-4, 4:-4]
    assert np.abs(laid[inside] - there[inside]).max() < 0.02
    assert where_columns.start == int(0.21 * 512)
    assert where_rows.start == int((1 - 0.33 - 0.47) * 512)


def test_gloss_and_strange_hues_are_pressed_down_and_dark_pigment_kept():
    grey = np.array([-0.8, -0.1, 0.0, 0.05, 1.2])[:, None] * np.ones(3)
    out = _natural(grey)
    assert np.allclose(out[:3], grey[:3], atol=1e-6)
    assert (out[3:] < grey[3:]).all() and (np.diff(out, axis=0) > 0).all()
    assert out.max() < 0.18
    blue = _natural(np.array([-0.2, -0.2, 1.0])[None])
    assert np.abs(blue).max() < 0.6


def test_what_lightens_a_dark_mark_up_to_the_skin_is_no_gloss():
    lighter = np.array([0.3, 0.5, 0.7])[:, None] * np.ones(3)
    out = _natural(lighter, np.full(3, 0.5))
    assert np.allclose(out[:2], lighter[:2], atol=1e-6)
    assert 0.5 < out[2, 0] < 0.65


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A still head of flat skin with a mole on one cheek, under a lamp from one side."""
    head = Head(load_head())
    params = FaceParams.neutral(head, FRAMES, 900.0, 0.55)
    params = params.replace(light=np.outer(LAMP, [1.0, 0.9, 0.8]))
    sheet = build_sheet(head, head.rest(params.shape)[0], 384)
    vertices = head.camera_frame(params, 0)
    screen = np.column_stack([project(vertices, 900.0, (SIDE, SIDE)), -vertices[:, 2]])
    face_id, weights = rasterize(screen, head.file.faces, (SIDE, SIDE))
    normals = interpolate(
        vertex_normals(vertices, head.file.faces), head.file.faces, face_id, weights
    )
    points = embed(vertices, head.file.faces, head.file.landmarks_468)
    pixels = project(points, 900.0, (SIDE, SIDE))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    mole = np.hypot(columns - pixels[CHEEK, 0], rows - pixels[CHEEK, 1]) < 5
    skin = np.where(mole[..., None], [0.16, 0.08, 0.05], [0.50, 0.25, 0.16])
    lit = skin * (harmonics(normals) @ params.light)
    picture = srgb_from_linear(np.where((face_id >= 0)[..., None], lit, 0.02))
    folder = tmp_path_factory.mktemp("film")
    for k in range(FRAMES):
        write_picture(picture, folder / f"{k:03}.png")
    marks = np.zeros((FRAMES, 478, 3), np.float32)
    marks[:, :468, :2] = pixels
    track = made_track(marks, (SIDE, SIDE))
    return head, params, sheet, open_clip(folder, fps=25), track


def test_a_mole_comes_back_where_it_is(film):
    head, params, sheet, clip, track = film
    model = np.full((512, 512, 3), srgb_from_linear(np.array([0.50, 0.25, 0.16])), np.uint8)
    texture = project_colour(clip, track, params, head, model)
    assert texture is not None
    darker = np.log(linear_from_srgb(texture) / linear_from_srgb(model))
    left, bottom, side = sheet.window
    column, row = sheet.landmarks[CHEEK] / sheet.size * side * 512
    column, row = column + left * 512, row + (1 - bottom - side) * 512
    darkest = np.unravel_index(darker[..., 0].argmin(), darker.shape[:2])
    assert np.hypot(darkest[0] - row, darkest[1] - column) < 8
    assert darker[darkest].mean() < -0.6  # of log(0.16 / 0.5) = -1.1
    # The lamp from the side leaves no slope: both cheeks are alike, and nothing far is touched.
    other = sheet.landmarks[OTHER_CHEEK] / sheet.size * side * 512 + [
        left * 512, (1 - bottom - side) * 512,
    ]  # fmt: skip
    assert abs(darker[int(other[1]), int(other[0])]).max() < 0.12
    assert np.array_equal(texture[:20], model[:20])


def test_skin_that_has_burnt_in_red_alone_is_read(film):
    head, params, _, clip, track = film
    model = np.full((512, 512, 3), srgb_from_linear(np.array([0.50, 0.25, 0.16])), np.uint8)
    pictures = []
    for gain in (1.0, 2.5):  # the second: red alone is at its end
        folder = clip.path.parent / f"gain{gain}"
        folder.mkdir()
        first = linear_from_srgb(read_picture(sorted(clip.path.glob("*.png"))[0]))
        for k in range(FRAMES):
            write_picture(srgb_from_linear(np.clip(gain * first, 0, 1)), folder / f"{k:03}.png")
        lit = params.replace(light=gain * params.light)
        painted = project_colour(open_clip(folder, fps=25), track, lit, head, model)
        assert painted is not None
        pictures.append(np.log(linear_from_srgb(painted)))
    assert np.abs(pictures[1] - pictures[0])[..., 1].max() < 0.2


def test_what_relief_darkens_is_not_painted_as_well(film):
    head, params, _, clip, track = film
    model = np.full((512, 512, 3), srgb_from_linear(np.array([0.50, 0.25, 0.16])), np.uint8)
    fold = np.zeros((96, 96), np.float32)
    fold[:, 28:32] = fold[:, 64:68] = -0.3
    plain, spared = (
        project_colour(clip, track, params, head, model, shade=shade) for shade in (None, fold)
    )
    assert plain is not None and spared is not None
    lighter = np.log(linear_from_srgb(spared) / linear_from_srgb(plain))
    assert np.percentile(lighter, 99.5) > 0.08 and np.median(lighter) == 0


def test_a_forehead_shines_and_strands_hang_over_it(film):
    """Lighter and nearer to white it is skin; darker, or golden, it is hair."""
    sheet = film[2]
    model = np.tile(np.log([0.5, 0.25, 0.16]), (sheet.size, sheet.size, 1))
    known, no_beard = np.ones((sheet.size, sheet.size)), np.zeros((sheet.size, sheet.size), bool)
    column, row = sheet.landmarks[151].astype(int)
    for change, skin in (
        ((0.1, 0.5, 0.9), True),
        ((-0.6, -0.6, -0.6), False),
        ((0.2, 0.1, -0.4), False),
    ):
        shown = shown_skin(model + change, model, known, no_beard, sheet)
        assert shown[row, column] == skin, change


def test_a_frown_is_no_strand_and_one_from_above_is(film):
    """What is dark on a forehead is hair where it comes down from beyond the face."""
    sheet = film[2]
    model = np.tile(np.log([0.5, 0.25, 0.16]), (sheet.size, sheet.size, 1))
    no_beard = np.zeros((sheet.size, sheet.size), bool)
    column, row = sheet.landmarks[151].astype(int)
    known = np.ones((sheet.size, sheet.size))
    top = row - round(15 / sheet.texel_mm)
    known[:top] = 0
    for start, skin in ((row - 3, True), (top, False)):
        own = model.copy()
        own[start : row + 4, column - 3 : column + 4] -= 0.6
        assert shown_skin(own, model, known, no_beard, sheet)[row, column] == skin


def test_frames_that_are_half_believed_all_over_are_read(film):
    head, params, _, clip, track = film
    unsure = replace(track, confidence=np.full_like(track.confidence, 0.45))
    assert project_colour(clip, unsure, params, head, np.zeros((64, 64, 3), np.uint8)) is not None


def test_what_the_model_has_already_stays(film):
    """Lips as red as the film's aren't taken for the colour of some light."""
    sheet = film[2]
    own = np.zeros((sheet.size, sheet.size, 3), np.float32)
    own[hull(sheet, LIPS) > 0] = [-0.3, -1.2, -0.9]
    shown = sheet.on_skin
    change = _change(own, own, shown, np.zeros((2, *shown.shape)), (1.0, 15.0), sheet)
    assert np.abs(change).max() < 1e-5


def test_skin_is_looked_up_where_the_tracker_has_its_points(film):
    """Points that lie where the tracker puts them on this head bend nothing."""
    head, params, sheet, _, _ = film
    vertices, upright = head.camera_frame(params, 0), np.eye(3)
    faces, shares, aside = tracked_points(head.file)
    points = embed(vertices, head.file.faces, (faces, shares)) + aside
    picture = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels = project(points, 900.0, (SIDE, SIDE))
    straight = unwrap(sheet, head, vertices, 900.0, picture, upright, None)
    bent = unwrap(sheet, head, vertices, 900.0, picture, upright, pixels)
    np.testing.assert_allclose(bent.colour, straight.colour, atol=1e-3)


def test_fine_marks_come_through_beside_a_narrow_gap_and_fade_beside_a_wide_one(film):
    """A gap is a shade or the eye's edge; what is wider may be hair, and its shade with it."""
    sheet = film[2]
    model = np.zeros((sheet.size, sheet.size, 3), np.float32)
    own = model.copy()
    column, row = sheet.landmarks[CHEEK].astype(int)
    own[row - 1 : row + 2] = -0.6
    kept = []
    for wide_mm in (3.0, 14.0):
        shown = bare_of_holes(sheet)
        start = column + round(3.0 / sheet.texel_mm)
        shown[:, start : start + round(wide_mm / sheet.texel_mm)] = False
        change = _change(own, model, shown, np.zeros((2, *shown.shape)), (1.0, 15.0), sheet)
        kept.append(change[row, column].mean())
    assert kept[0] < -0.4 and kept[1] > -0.25


def test_what_is_painted_ends_within_the_window(film):
    """A face's tone that runs on to the window's rim would end there in a line."""
    sheet = film[2]
    shape = (sheet.size, sheet.size)
    model = np.zeros((*shape, 3), np.float32)
    shown = sheet.on_skin
    change = _change(model - 0.3, model, shown, np.zeros((2, *shape)), (1.0, 30.0), sheet)
    rim = np.concatenate([change[[0, -1]], change[:, [0, -1]].transpose(1, 0, 2)])
    assert np.abs(rim).max() < 0.01
    assert change[sheet.size // 2, sheet.size // 2, 0] < -0.1
    assert np.abs(np.diff(change, axis=0)).max() < 0.02


def test_a_face_never_seen_leaves_the_model(film):
    head, params, _, clip, track = film
    unseen = replace(track, seen=np.zeros(FRAMES, bool))
    assert project_colour(clip, unseen, params, head, np.zeros((64, 64, 3), np.uint8)) is None


def test_half_the_frames_agree_on_what_lasts_and_not_on_noise():
    generator = np.random.default_rng(0)
    shown, lasts = np.ones((96, 96), bool), generator.normal(size=(96, 96)).astype(np.float32)
    noise = generator.normal(size=(2, 96, 96)).astype(np.float32)
    assert _agreement(np.stack([lasts, lasts]), shown, 1.0, 2.0) == pytest.approx(1, abs=1e-4)
    assert _agreement(noise, shown, 1.0, 2.0) < 0.15
    assert 0.5 < _agreement(lasts + noise, shown, 1.0, 2.0) < 0.8


def test_grey_films_lend_lightness_and_no_hue():
    model, own = np.log([0.5, 0.3, 0.2]), np.log([0.2, 0.2, 0.2])
    assert np.allclose(own_hues(own, model, 0.0), own)
    grey = own_hues(own, model, 1.0)
    assert np.ptp(grey - model) < 1e-6
    assert (grey - own) @ LUMINANCE == pytest.approx(0, abs=1e-6)


def test_the_light_of_a_room_has_each_colours_own_directions():
    """Warm from the left, cold from the right: one colour for all directions can't say so."""
    generator = np.random.default_rng(0)
    normals = generator.normal(size=(4000, 3))
    normals[:, 2] = np.abs(normals[:, 2]) + 0.3
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    room = np.outer(LAMP, [1.0, 1.0, 1.0])
    room[1] += [0.15, 0.0, -0.15]
    seen = np.log(harmonics(normals) @ room) + generator.normal(0, 0.05, (4000, 3))
    seen[:400] -= 1.0  # a beard is no light
    found = refine_light(normals, seen, np.outer(LAMP, [1.0, 1.0, 1.0]), np.ones(4000))
    error = np.log(harmonics(normals) @ found) - np.log(harmonics(normals) @ room)
    assert np.abs(np.median(error, axis=0)).max() < 0.05
    assert found[1, 0] - found[1, 2] > 0.2
