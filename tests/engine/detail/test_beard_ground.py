"""White beards are told from shining chins, and painted as hair."""

import numpy as np
import pytest

from engine.detail.beard_ground import as_hair, brows_and_lip, white_beard
from engine.detail.face_sheet import FaceSheet, build_sheet
from engine.head.model import Head
from engine.weights import load_head

SKIN, WHITE_HAIR = np.log([0.5, 0.25, 0.16]), np.log([0.6, 0.58, 0.55])
CHIN, FOREHEAD, CHEEK, BROW, UPPER_LIP = 199, 151, 50, 105, 164  # of the 468 landmarks


@pytest.fixture(scope="module")
def sheet() -> FaceSheet:
    head = Head(load_head())
    return build_sheet(head, head.rest(np.zeros(head.file.shape_basis.shape[2]))[0], 192)


def _found(sheet: FaceSheet, change: np.ndarray) -> np.ndarray:
    model = np.tile(SKIN, (sheet.size, sheet.size, 1)).astype(np.float32)
    return white_beard(model + change, model, sheet.on_skin, sheet)


def _below(sheet: FaceSheet, change: np.ndarray, right_of_mm: float = -100) -> np.ndarray:
    """A change of log colour (R, R, 3) below the mouth, right of some line."""
    y, x = np.mgrid[: sheet.size, : sheet.size]
    column, row = sheet.landmarks[17]
    there = (y > row) & (x > column + right_of_mm / sheet.texel_mm)
    return there[..., None] * change


def test_a_white_beard_lies_on_the_chin_alone(sheet):
    found = _found(sheet, _below(sheet, WHITE_HAIR - SKIN))
    (column, row), (above_column, above_row) = sheet.landmarks[[CHIN, FOREHEAD]].astype(int)
    assert found[row, column] > 0.95
    assert found[above_row, above_column] == 0


def test_gloss_on_a_part_of_the_chin_and_dark_hair_are_none(sheet):
    gloss = np.log(np.exp(SKIN) + 0.3) - SKIN
    assert _found(sheet, _below(sheet, gloss, right_of_mm=5)).max() == 0
    assert _found(sheet, _below(sheet, np.full(3, -1.2))).max() == 0
    assert _found(sheet, _below(sheet, np.array([0.3, -0.1, -0.1]))).max() == 0


def test_hair_is_no_bluer_than_grey():
    own = np.log(np.array([[[0.9, 0.95, 0.99], [0.4, 0.3, 0.2]]]))
    painted = np.exp(as_hair(own, np.ones((1, 2))))
    np.testing.assert_allclose(painted, [[[0.5, 0.5, 0.5], [0.4, 0.3, 0.2]]])
    np.testing.assert_array_equal(as_hair(own, np.zeros((1, 2))), own)


def test_brows_are_laid_whole_an_upper_lip_in_part_and_cheeks_are_not(sheet):
    share = brows_and_lip(sheet)
    columns, rows = sheet.landmarks[[BROW, UPPER_LIP, CHEEK, FOREHEAD]].astype(int).T
    brow, lip, cheek, forehead = share[rows, columns]
    assert brow > 0.8 and 0.4 < lip < 0.7
    assert cheek == 0 and forehead < 0.05
