"""Measures at values that can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation import errors
from engine.evaluation.lipreading import (
    best_path,
    edit_distance,
    error_rate,
    lip_reading_rates,
    visemes_of,
)
from engine.models.phone_classes import POLLY


def square_face(frames: int = 3) -> np.ndarray:
    """Landmarks in a box of 100 x 100 pixels."""
    points = np.random.default_rng(0).uniform(10, 90, (frames, 68, 2))
    points[:, 0], points[:, 1] = 0, 100
    return points


def test_nme_is_a_share_of_the_box():
    truth = square_face()
    moved = truth + np.array([3, 4])  # 5 px of 100
    found = errors.normalized_errors(moved, truth)
    assert errors.nme(found) == pytest.approx(5)
    assert errors.area_under_curve(found) == pytest.approx(0.5)
    lips = truth.copy()
    lips[:, errors.LIPS] += [0, 2]
    found = errors.normalized_errors(lips, truth)
    assert errors.nme(found, errors.LIPS) == pytest.approx(2)
    assert errors.nme(found) == pytest.approx(2 * 20 / 68)


def test_frames_without_a_face_are_left_out_of_the_mean():
    truth = square_face()
    moved = truth + np.array([3, 4])
    moved[1] = np.nan
    assert errors.nme(errors.normalized_errors(moved, truth)) == pytest.approx(5)


def test_a_turned_plane_has_turned_normals():
    grid = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    angle = np.radians(20)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    which = np.ones(4, bool)
    assert errors.normals_error_degrees(grid @ turn.T, grid, faces, which) == pytest.approx(20)


def test_known_edit_distances():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == 3
    assert error_rate([("abcd", "abxd"), ("efgh", "efgh")]) == pytest.approx(12.5)


@given(st.text("abc", max_size=8), st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_edit_distance_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


DICTIONARY = {
    "bat": ("B", "AE1", "T"), "mat": ("M", "AE1", "T"), "pad": ("P", "AE1", "D"),
    "sofa": ("S", "OW1", "F", "AH0"),
}  # fmt: skip


def test_words_that_look_alike_cost_no_viseme():
    rates = lip_reading_rates([("A bat, mat!", "a mat pad")], DICTIONARY)
    assert rates["WER"] == pytest.approx(200 / 3)
    assert rates["VER"] == rates["VWER"] == 0
    assert rates["CER"] == pytest.approx(100 * 3 / 9)  # b-m, m-p, t-d


def test_pollys_visemes():
    assert visemes_of(["sofa"], DICTIONARY) == [["s", "o", "f", "@"]]
    assert visemes_of(["zyx"], DICTIONARY) == [["<zyx>"]]
    for group in (
        ("P", "B", "M"),
        ("F", "V"),
        ("K", "G", "NG"),
        ("SH", "ZH", "CH", "JH"),
        ("S", "Z"),
    ):
        assert len({POLLY[phone] for phone in group}) == 1


def test_the_best_path_drops_blanks_and_repeats():
    one_hot = np.eye(3)[[0, 1, 1, 0, 1, 2, 2]]
    assert best_path(one_hot.tolist(), "-ab") == "aab"
