"""Brows, lips and parts: what a clip shows of them comes back in the head's colours."""

import cv2
import numpy as np
import pytest

from engine.detail.brows import paint_brows
from engine.detail.complexion import person_texture
from engine.detail.face_sheet import build_sheet, cut_window
from engine.detail.folds import BROWS, EYES, LIPS, hull
from engine.detail.irises import paint_irises, ring_places
from engine.detail.lids import paint_lids
from engine.detail.lips import paint_lips
from engine.detail.paint import change_colours
from engine.detail.parts import (
    Sight,
    fit_part,
    iris_maps,
    teeth_colour,
    teeth_maps,
)
from engine.head.albedo import load_albedo
from engine.head.model import Head
from engine.srgb import linear_from_srgb
from engine.weights import FOLDER, load_head

AHEAD = np.array([[0.0, 0.0, 1.0]])
SKIN = np.log([0.50, 0.25, 0.16]).astype(np.float32)


@pytest.fixture(scope="module")
def person():
    head = Head(load_head())
    sheet = build_sheet(head, head.rest(np.zeros(head.file.shape_basis.shape[2]))[0], 256)
    return head, sheet, person_texture(head, np.zeros(50), 512)


def _log(texture, sheet) -> np.ndarray:
    return np.log(np.maximum(linear_from_srgb(cut_window(texture, sheet.window, sheet.size)), 2e-3))


def test_a_brow_is_as_dark_and_as_high_as_in_the_clip(person):
    _, sheet, texture = person
    own = np.tile(SKIN, (256, 256, 1))
    brow = hull(sheet, BROWS[0]) > 0
    own[brow] -= 1.2
    painted = _log(paint_brows(texture, own, np.ones((256, 256), np.float32), sheet), sheet)
    inside = painted[brow].mean()
    beside = painted[(hull(sheet, BROWS[0], grow_mm=8.0) > 0) & ~brow].mean()
    assert -1.5 < inside - beside < -0.7
    # The other brow isn't in the clip: the model's goes.
    other = hull(sheet, BROWS[1]) > 0
    assert painted[other].mean() > _log(texture, sheet)[other].mean() + 0.15


def test_hair_that_hangs_over_a_brow_is_no_brow(person):
    _, sheet, texture = person
    own = np.tile(SKIN, (256, 256, 1))
    for brow in BROWS:
        own[hull(sheet, brow) > 0] -= 1.2
    outer = int(sheet.landmarks[BROWS[0], 0].min())
    own[:, outer - 12 : outer + 6] -= 1.5  # a lock down the temple, over the brow's tail
    everywhere = np.ones((256, 256), np.float32)
    painted = _log(paint_brows(texture, own, everywhere, sheet), sheet)
    model, tail = _log(texture, sheet), hull(sheet, BROWS[0], grow_mm=6.0) > 0
    tail[:, outer + 6 :] = False
    assert np.abs(painted - model)[tail].max() < 0.1
    assert painted[hull(sheet, BROWS[1]) > 0].mean() < SKIN.mean() - 0.5


def test_a_short_brow_leaves_no_island_of_the_models_tail_under_a_lock(person):
    _, sheet, texture = person
    own, model = np.tile(SKIN, (256, 256, 1)), _log(texture, sheet)
    columns = sheet.landmarks[list(BROWS[0]), 0]
    outer, middle = int(columns.min()), int(columns.mean())
    brow = hull(sheet, BROWS[0]) > 0
    own[:, middle:][brow[:, middle:]] -= 1.2  # its inner half alone
    own[:, outer - 12 : outer + 6] -= 1.5
    painted = _log(paint_brows(texture, own, np.ones((256, 256), np.float32), sheet), sheet)
    tail = brow.copy()
    tail[:, outer + 10 :] = False
    assert painted[tail].mean(1).std() < 0.6 * model[tail].mean(1).std()


@pytest.mark.parametrize("paint", [paint_brows, paint_lids, paint_lips])
def test_what_the_clip_does_not_show_stays_the_models(person, paint):
    _, sheet, texture = person
    own = np.full((256, 256, 3), -6.0, np.float32)
    assert np.array_equal(paint(texture, own, np.zeros((256, 256), np.float32), sheet), texture)


def test_lips_take_the_clips_colour_and_no_bluer(person):
    _, sheet, texture = person
    own = np.tile(SKIN, (256, 256, 1))
    lips = hull(sheet, LIPS) > 0
    own[lips] += [-0.2, -0.7, -0.1]
    painted = _log(paint_lips(texture, own, np.ones((256, 256), np.float32), sheet), sheet)
    beside = (hull(sheet, LIPS, grow_mm=10.0) > 0) & (hull(sheet, LIPS, grow_mm=5.0) == 0)
    contrast = np.median(painted[lips], axis=0) - np.median(painted[beside], axis=0)
    assert -0.9 < contrast[1] < -0.5
    assert contrast[2] - contrast[1] < 0.43


def test_red_ends_where_the_clips_does_and_the_models_edge_is_gone(person):
    """Thin lips on a model with full ones."""
    _, sheet, texture = person
    own = np.tile(SKIN, (256, 256, 1))
    thin = hull(sheet, LIPS, scale=0.8) > 0
    own[thin] += [-0.2, -0.8, -0.6]
    painted = _log(paint_lips(texture, own, np.ones((256, 256), np.float32), sheet), sheet)
    red = painted[..., 0] - painted[..., 1]
    skin = np.median(red[(hull(sheet, LIPS, grow_mm=9.0) > 0) & (hull(sheet, LIPS) == 0)])
    ring = (hull(sheet, LIPS, scale=0.97) > 0) & (hull(sheet, LIPS, scale=0.91) == 0)
    assert np.median(red[thin]) - skin > 0.45
    assert (
        np.median((_log(texture, sheet)[..., 0] - _log(texture, sheet)[..., 1])[ring]) > skin + 0.2
    )
    assert np.percentile(np.abs(red[ring] - skin), 90) < 0.15


def _round_eyes(sheet, near_mm, far_mm) -> np.ndarray:
    """(R, R) bool: the skin between two distances from the eyes, their corners left out."""
    ring = np.zeros((256, 256), bool)
    for eye in EYES:
        ring |= (hull(sheet, eye, grow_mm=far_mm) > 0) & (hull(sheet, eye, grow_mm=near_mm) == 0)
        left, right = np.sort(sheet.landmarks[[eye[0], eye[8]], 0])
        reach = np.arange(256)
        beside = np.abs(reach - (left + right) / 2) < far_mm / sheet.texel_mm + (right - left) / 2
        ring[:, beside & (np.abs(reach - (left + right) / 2) > 0.3 * (right - left))] = False
    return ring


def test_a_line_round_the_eyes_is_painted_and_ends(person):
    _, sheet, texture = person
    model = _log(texture, sheet)
    own = model.copy()
    drawn, skin = _round_eyes(sheet, 1.0, 2.5), _round_eyes(sheet, 7.5, 12.0)
    for eye in EYES:
        own[hull(sheet, eye, grow_mm=3.0) > 0] -= 0.9
    change = _log(paint_lids(texture, own, np.ones((256, 256), np.float32), sheet), sheet) - model
    assert -1.1 < np.median(change[drawn]) < -0.5
    assert np.abs(change[skin]).max() < 0.05


def test_the_fold_beyond_an_eyes_outer_corner_is_painted_and_ends(person):
    _, sheet, texture = person
    model, everywhere = _log(texture, sheet), np.ones((256, 256), np.float32)
    own, folds, skin = model.copy(), [], []
    for eye in EYES:
        outer, inner = sheet.landmarks[eye[0]], sheet.landmarks[eye[8]]
        away = (outer - inner) / np.linalg.norm(outer - inner) / sheet.texel_mm
        first, last = ((outer + mm * away).round().astype(int) for mm in (0, 6))
        fold = (model[last[1], last[0]] - 0.8).tolist()
        cv2.line(own, tuple(map(int, first)), tuple(map(int, last)), fold, 5)
        folds.append((outer + 3 * away).round().astype(int))
        skin.append((outer + 11 * away).round().astype(int))
    change = (_log(paint_lids(texture, own, everywhere, sheet), sheet) - model).mean(-1)
    assert all(change[y, x] < -0.4 for x, y in folds)
    assert all(abs(change[y, x]) < 0.05 for x, y in skin)


def test_light_that_misses_and_whites_that_slip_onto_lids_change_nothing(person):
    _, sheet, texture = person
    model, everywhere = _log(texture, sheet), np.ones((256, 256), np.float32)
    dim = model - 0.5
    for eye in EYES:
        dim[hull(sheet, eye, grow_mm=2.0) > 0] += 1.0
    change = _log(paint_lids(texture, dim, everywhere, sheet), sheet) - model
    assert np.abs(change).max() < 0.06


def test_dark_and_pale_irises(person):
    head = person[0]
    albedo = load_albedo(FOLDER / head.file.albedo_file)
    maps, nobody = iris_maps(albedo, head), np.zeros(len(albedo.names))
    found = []
    for shade in (0.03, 0.12):
        seen = np.log(np.full(3, shade) * [1.2, 1.0, 0.8])
        effective = fit_part(albedo, nobody, "irises", maps, seen)
        moved = {albedo.names[k] for k in np.flatnonzero(effective)}
        assert moved <= {"iris_lightness", "iris_hue"}
        logit = maps @ (albedo.mean + np.tensordot(effective, albedo.basis, 1))
        found.append(-np.log1p(np.exp(-logit)))
    assert (found[1] - found[0]).mean() > 0.6  # of log 4 = 1.4


def test_white_and_yellow_teeth_under_a_warm_light(person):
    albedo = load_albedo(FOLDER / person[0].file.albedo_file)
    maps, nobody = teeth_maps(albedo), np.zeros(len(albedo.names))
    light = np.zeros((9, 3))
    light[0] = 1.2, 1.0, 0.8
    found = []
    for colour in ((0.62, 0.58, 0.54), (0.58, 0.47, 0.28)):
        seen = teeth_colour([Sight(np.array([colour]) * light[0], AHEAD)] * 3, light)
        assert seen is not None
        effective = fit_part(albedo, nobody, "teeth", maps, seen)
        assert {albedo.names[k] for k in np.flatnonzero(effective)} == {"teeth_shade"}
        found.append(effective[albedo.names.index("teeth_shade")])
    assert found[0] < -0.5 < 0 < found[1]
    assert teeth_colour([Sight(np.zeros((0, 3)), np.zeros((0, 3)))], light) is None


@pytest.mark.parametrize("colour", [(0.06, 0.04, 0.025), (0.12, 0.16, 0.16)])
def test_irises_are_painted_in_the_colour_that_is_seen(person, colour):
    head = person[0]
    texture = person_texture(head, np.zeros(50), 512)
    painted = paint_irises(texture, np.log(colour), 0.0, head)
    column, row = (ring_places(head) * [1, -1] * 512 + [0, 512]).astype(int).T
    assert np.allclose(linear_from_srgb(painted[row, column]).mean(0), colour, rtol=0.06)
    changed = (painted != texture).any(2).mean()
    assert 0 < changed < 0.01
    grey = linear_from_srgb(paint_irises(texture, np.log(colour), 1.0, head)[row, column]).mean(0)
    model = linear_from_srgb(texture[row, column]).mean(0)
    assert np.allclose(np.log(grey / model), np.log(grey / model).mean(), atol=0.05)


def test_hairs_made_lighter_leave_no_bright_skin_between_them(person):
    """On bare skin the fine texture stays."""
    sheet, noise = person[1], np.random.default_rng(0)

    def lifted(darker: int, lighter: int, change: float) -> tuple[np.ndarray, np.ndarray]:
        texture = np.tile(noise.choice([darker, lighter], (512, 512, 1)).astype(np.uint8), 3)
        painted = change_colours(texture, np.full((256, 256, 3), change, np.float32), sheet)
        here = (painted != texture).any(2)
        return texture[here].astype(float), painted[here].astype(float)

    stubble, lighter = lifted(40, 200, 0.8)
    assert np.percentile(lighter, 95) < 1.1 * stubble.max()
    assert lighter.mean() > 1.1 * stubble.mean()
    skin, paler = lifted(186, 200, 0.1)
    assert paler.std() > 0.9 * skin.std()
