"""The landmark network's last layers for faces seen from the side."""

from pathlib import Path

import numpy as np
import torch

from engine.models.landmarks import POINTS, PROFILE, REGIONS, LandmarkNet
from engine.training.landmarks import LandmarkBatch
from engine.training.loop import LoopOptions, train
from engine.training.profiles import Profiles, ProfileTask, judge_profiles
from engine.weights import load_network, registry


def test_shipped_layers_are_of_the_shipped_network():
    tensors, about = load_network("profiles")
    assert about["landmarks"] == registry()["landmarks"]["sha256"]
    every = LandmarkNet().state_dict()
    assert set(tensors) == {name for name in every if name.startswith(PROFILE)}
    assert all(tensors[name].shape == every[name].shape for name in tensors)


def seen_profiles(net: LandmarkNet, count: int) -> Profiles:
    """What a network's points see in noise, with heads turned by 30 to 90 degrees as its truth."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        told = net.tell(net.map(255 * torch.rand((count, 3, 112, 112), generator=generator)))
    yaw = np.radians(np.linspace(30, 94, count))
    turn = np.zeros((count, 3, 3), np.float32)
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(yaw)
    turn[:, 0, 2], turn[:, 2, 0], turn[:, 1, 1] = np.sin(yaw), -np.sin(yaw), 1
    points = torch.rand((count, len(POINTS), 2), generator=generator) - 0.5
    weight, visible = torch.ones((count, len(POINTS))), torch.ones((count, len(REGIONS)))
    truth = LandmarkBatch(torch.zeros(0), points, weight, visible, torch.from_numpy(turn))
    return Profiles(told, truth)


def test_only_the_last_layers_learn(tmp_path: Path):
    torch.manual_seed(0)
    net = LandmarkNet().eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    seen = seen_profiles(net, 12)
    figures = judge_profiles(net, seen)
    task = ProfileTask(net, seen, seen)
    result = train(task, LoopOptions(tmp_path, 30, lr=3e-3, ema=0.5), lambda line: None)
    assert abs(result["figures"]["yaw_80"]) < 0.5 * abs(figures["yaw_80"])
    for name, value in net.state_dict().items():
        assert name.startswith(PROFILE) or torch.equal(value, before[name]), name
