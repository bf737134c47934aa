"""Spectacles are told by their bridge, and not painted on the skin."""

import cv2
import numpy as np
import pytest

from engine.detail.face_sheet import build_sheet
from engine.detail.spectacles import without_spectacles
from engine.head.model import Head
from engine.weights import load_head

SKIN = np.log([0.50, 0.25, 0.16]).astype(np.float32)
SIDE = 384


@pytest.fixture(scope="module")
def sheet():
    head = Head(load_head())
    return build_sheet(head, head.rest(np.zeros(head.file.shape_basis.shape[2]))[0], SIDE)


def _drawn(sheet, bridge: bool, radius_mm: float = 19) -> np.ndarray:
    """Log differences (R, R, 3): dark rings round both eyes, perhaps a line between them."""
    lines = np.zeros((SIDE, SIDE), np.float32)
    left, right = (
        sheet.landmarks[[a, b]].mean(0).round().astype(int) for a, b in ((33, 133), (263, 362))
    )
    radius, width = round(radius_mm / sheet.texel_mm), max(round(1.5 / sheet.texel_mm), 1)
    for middle in (left, right):
        cv2.circle(lines, middle.tolist(), radius, 1.0, width)
    if bridge:
        y = int(sheet.landmarks[6, 1])
        cv2.line(lines, (int(left[0]) + radius, y), (int(right[0]) - radius, y), 1.0, width)
        cv2.line(lines, (int(left[0]), y), (int(right[0]), y), 1.0, width)
    return np.repeat(-0.5 * lines[..., None], 3, axis=2)


@pytest.mark.parametrize("radius_mm", [19, 28])
def test_rims_beside_a_bridge_are_not_painted(sheet, radius_mm):
    change, model = _drawn(sheet, True, radius_mm), np.tile(SKIN, (SIDE, SIDE, 1))
    left = without_spectacles(change, model, sheet)
    row = int(sheet.landmarks[6, 1])
    across = slice(*(int(sheet.landmarks[k, 0]) for k in (133, 362)))
    assert left[row, across].min() > -0.1 > -0.4 > change[row, across].min()
    beneath = change.min(2) < -0.4
    beneath[: int(sheet.landmarks[145, 1])] = False  # lower halves: brows keep what is theirs
    assert beneath.any() and np.median(left[beneath]) > -0.1


def test_lines_without_a_bridge_are_the_skins_own(sheet):
    change, model = _drawn(sheet, bridge=False), np.tile(SKIN, (SIDE, SIDE, 1))
    middle = int(sheet.landmarks[6, 0])
    change[:, middle - 20 : middle + 20] = 0
    assert without_spectacles(change, model, sheet) is change
