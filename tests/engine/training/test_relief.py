"""Examples for the fine network: their truth is what they say, and the network learns from them."""

import numpy as np
import pytest
import torch

from engine.detail.evidence import CHANNELS, TEXELS
from engine.detail.residual import HIGH_PASS_MM
from engine.training import relief
from engine.training.relief import ReliefTask, normal_errors
from engine.training.unwrapped import Gallery
from engine.training.wrinkles import GROUPS, grow_wrinkles, noise, relief_at
from tests.learning import totals_of


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery(seed=3, people=2)


def test_an_example_is_decided_by_its_number(gallery):
    first, again = (gallery.example(5) for _ in range(2))
    assert first.given.shape == (CHANNELS, TEXELS, TEXELS)
    assert np.isfinite(first.given).all()
    assert np.array_equal(first.given, again.given)
    assert not np.array_equal(first.relief, gallery.example(6).relief)


def test_the_truth_holds_nothing_wider_than_the_high_pass(gallery):
    cells = int(4 * HIGH_PASS_MM / gallery.sheet.texel_mm)
    for k in range(6):
        relief = gallery.example(k).relief.astype(np.float32)
        side = TEXELS // cells * cells
        wide = relief[:side, :side].reshape(side // cells, cells, -1, cells).mean((1, 3))
        assert np.abs(wide).max() < 0.1  # mm


def test_what_is_covered_or_dark_is_not_trusted(gallery):
    for k in range(6):
        example = gallery.example(k)
        trust = example.given[-1]
        assert trust.min() >= 0 and trust.max() <= 1
        assert not example.given[0][trust == 0].any()


def test_folds_are_valleys_that_an_expression_deepens(gallery):
    random = np.random.default_rng(1)
    wrinkles = grow_wrinkles(gallery.sheet, random)
    assert set(wrinkles.lines) <= set(GROUPS)
    rest = relief_at(wrinkles, gallery.sheet, None)
    acting = relief_at(wrinkles, gallery.sheet, random)
    change = acting - rest
    assert change.min() < -0.1
    assert -change.min() > change.max(), "a valley is deeper than its banks are high"


def test_noise_has_the_width_that_was_asked_for():
    random = np.random.default_rng(0)
    fine, wide = (noise(random, TEXELS, sigma) for sigma in (1.0, 8.0))
    for field in (fine, wide):
        assert abs(field.std() - 1) < 0.01
    rough = [np.abs(np.diff(field)).mean() for field in (fine, wide)]
    assert rough[0] > 4 * rough[1]


def test_a_true_relief_has_no_error(gallery):
    example = next(e for e in map(gallery.example, range(20)) if (e.given[-1] > 0.5).sum() > 5000)
    errors = normal_errors(example.relief.astype(np.float32), example, gallery.sheet.texel_mm)
    assert errors["face"] < 0.02


def test_the_network_learns_a_batch(monkeypatch):
    monkeypatch.setattr(relief, "_KEPT", 2)  # of 192 examples two are looked at
    torch.manual_seed(0)
    task = ReliefTask(batch=2, judges=1, people=2)
    batch = task.batch_at(0, 0)
    later = task.batch_at(0, 1)  # of a run that begins there, the same
    task._example.cache_clear()
    assert torch.equal(task.batch_at(0, 1)["given"], later["given"])
    optimizer = torch.optim.Adam(task.model.parameters(), 2e-3)
    totals = totals_of(task, batch, optimizer, 24)
    assert totals[-1] < 0.85 * totals[0]
    assert set(task.evaluate(task.model.eval())) >= {"degrees"}
