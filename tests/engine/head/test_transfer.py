import numpy as np
import pytest
from scipy.optimize import lsq_linear

from engine.cli import main
from engine.evaluation.heads import round_trip, table
from engine.exchange.protocol import CANNOT_SERVE, DONE
from engine.exchange.take import Take
from engine.head.transfer import bounded_step


@pytest.fixture(scope="module")
def trip(adopted):
    return round_trip(adopted.head)


def test_units_come_back_from_a_head_that_can_show_them(trip):
    """The test's FLAME spans our own expressions: what is lost is the method's alone."""
    assert trip.there.max() < 0.5 and trip.back.max() < 0.2
    assert trip.lips.max() < 0.1 and trip.lids.max() < 0.05
    assert trip.person_mm < 0.6


def test_the_jaw_comes_back_as_an_angle(trip):
    before, _, after = trip.params
    assert np.abs(before.jaw - after.jaw).max() < 0.005
    assert np.abs(before.eyes - after.eyes).max() < 1e-3
    assert np.abs(before.head_pose - after.head_pose).max() < 0.005


def test_the_table_names_every_unit(trip):
    lines = table(trip).splitlines()
    assert any(line.startswith("eyeBlinkLeft") for line in lines) and lines[-1].startswith("mean")


def test_bounded_steps_are_the_best_within_bounds():
    generator = np.random.default_rng(0)
    A = generator.normal(size=(30, 8))
    goals = A @ generator.normal(0, 2, (8, 5)) + generator.normal(0, 0.1, (30, 5))
    low, high = np.full((5, 8), -1.0), np.full((5, 8), 1.5)
    found = bounded_step(A.T @ A, (A.T @ goals).T, low, high)
    for k in range(5):
        best = lsq_linear(A, goals[:, k], (-1.0, 1.5), tol=1e-12).x
        assert np.allclose(found[k], best, atol=2e-3)


def test_a_take_goes_over_and_says_so(adopted, small_take, tmp_path, capsys):
    path, take = small_take
    out, back = tmp_path / "flame.take.npz", tmp_path / "back.take.npz"
    head = str(adopted.path)
    assert main(["transfer", str(path), "--head", head, "--out", str(out)]) == DONE
    moved = Take.load(out)
    assert moved.expression_names[0] == "Exp1" and "Carried over" in moved.warnings[-1]
    assert np.abs(moved.landmarks_px[:, 17:] - take.landmarks_px[:, 17:]).max() < 3.0
    assert main(["transfer", str(out), "--out", str(back)]) == CANNOT_SERVE
    assert "was made for FLAME" in capsys.readouterr().err
    assert main(["transfer", str(out), "--from", head, "--out", str(back)]) == DONE
    again = Take.load(back)
    seen = [
        take.expression_names.index(n) for n in ("mouthSmileLeft", "eyeBlinkRight", "jawForward")
    ]
    assert np.abs(again.expression[:, seen] - take.expression[:, seen]).max() < 0.05
