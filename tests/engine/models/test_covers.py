"""The cover network: what it reads, where, and that it learns what hides points."""

import numpy as np
import pytest
import torch

from engine.models.covers import CoverNet, at_points, maps_together
from engine.models.landmarks import LandmarkNet
from engine.training.covers import CoverTask, Examples
from engine.training.loop import LoopOptions, train
from engine.weights import load_network, registry

SIDE = 28


def test_maps_of_a_quarter_of_the_picture_become_odds_there():
    net = LandmarkNet().eval()
    with torch.no_grad():
        maps = net.map(torch.rand(2, 3, 112, 112) * 255)
        assert maps_together(maps).shape[2:] == (SIDE, SIDE)
        assert CoverNet()(maps).shape == (2, SIDE, SIDE)


def test_points_are_found_by_both_ways_alike():
    net, pictures = LandmarkNet().eval(), torch.rand(1, 3, 112, 112) * 255
    with torch.no_grad():
        assert torch.equal(net(pictures).points, net.find(net.map(pictures)).points)


def test_odds_are_read_where_a_point_lies():
    odds = torch.zeros(1, SIDE, SIDE)
    odds[0, 4, 20] = 3  # row, column
    place = (torch.tensor([20.5, 4.5]) * 2 / SIDE - 1)[None, None]
    assert at_points(odds, place).item() == pytest.approx(3, abs=1e-3)
    assert at_points(odds, place + 0.5).item() == 0
    odds[0, :, -1] = 5
    beyond = torch.tensor([[[1.8, 0.0]]])
    assert at_points(odds, beyond).item() == pytest.approx(5, abs=1e-3)


def test_the_shipped_one_reads_the_maps_of_the_shipped_landmark_network():
    assert load_network("covers")[1]["landmarks"] == registry()["landmarks"]["sha256"]


def test_it_learns_to_see_a_thing(tmp_path):
    """Maps with a bright square; points within it are hidden."""
    torch.manual_seed(0)
    rng, count = np.random.default_rng(0), 128
    maps = torch.zeros(count, len(CoverNet().mean), SIDE, SIDE)
    points = torch.from_numpy(rng.uniform(-0.9, 0.9, (count, 468, 2))).float()
    corners = rng.integers(0, SIDE - 12, (count, 2))
    for k, (x, y) in enumerate(corners):
        maps[k, :20, y : y + 12, x : x + 12] = 1
    cell = (points + 1) / 2 * SIDE - torch.from_numpy(corners)[:, None]
    hidden = ((cell > 0) & (cell < 12)).all(2).float()
    examples = Examples(maps.half(), points, hidden)
    loop = LoopOptions(tmp_path, steps=48, lr=3e-3, warmup=12, ema=0.9)
    figures = train(CoverTask(examples, examples), loop)["figures"]
    assert figures["auc_lips"] > 0.95
