"""The weights of the fine network: what they are, and that they tell folds from pigment."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.detail.learned import knows
from engine.models.config import RELIEF, Config
from engine.models.fine import FineNetwork
from engine.training.relief import normal_errors, run
from engine.training.unwrapped import Gallery
from engine.weights import load_head, load_network, locate


@pytest.fixture(scope="module")
def shipped():
    return load_network("fine")


def test_they_are_of_the_network_that_stands_in_the_configuration(shipped):
    tensors, about = shipped
    config = Config.from_json(about["config"])
    assert (
        replace(config, spectre_kernel=RELIEF.spectre_kernel) == RELIEF
    )  # SPECTRE isn't in the file
    assert all(torch.isfinite(value).all() for value in tensors.values())
    assert locate("fine").stat().st_size < 6 << 20
    assert knows(load_head())


def test_people_not_met_are_read_better_than_by_shading_alone(shipped):
    network = FineNetwork(RELIEF)
    network.load_state_dict({name: value.float() for name, value in shipped[0].items()})
    network = network.eval().to(memory_format=torch.channels_last)
    gallery, errors = Gallery(771, people=8), {}
    for example in (gallery.example(k, solve=True) for k in range(24)):
        if example.passing:
            continue
        with torch.no_grad():
            given = torch.from_numpy(example.given.astype(np.float32))[None]
            found = run(network, given)[0, 0].numpy()
        for name, relief in (("net", found), ("flat", 0 * found), ("solved", example.solved)):
            for where, value in normal_errors(relief, example, gallery.sheet.texel_mm).items():
                errors.setdefault((name, where), []).append(value)
    mean = {key: float(np.mean(values)) for key, values in errors.items()}
    assert mean["net", "face"] < min(mean["flat", "face"], mean["solved", "face"])
    assert mean["net", "folds"] < 0.9 * min(mean["flat", "folds"], mean["solved", "folds"])
