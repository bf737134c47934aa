"""Where networks run, and the card that tests pretend to have."""

import numpy as np
import pytest
import torch

from engine.device import compute_device, device_name
from engine.exchange.protocol import AVFaceError
from tests.pretend_card import is_on_card, pretend_card


@pytest.fixture(autouse=True)
def fresh():
    compute_device.cache_clear()
    yield
    compute_device.cache_clear()


def test_the_card_where_there_is_one(monkeypatch):
    monkeypatch.delenv("AVFACE_DEVICE", raising=False)
    with pretend_card():
        assert compute_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_name() == "cpu"


def test_the_processor_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("AVFACE_DEVICE", "cpu")
    with pretend_card():
        assert compute_device().type == "cpu"


@pytest.mark.parametrize("wanted", ["cuda", "cuda:7", "tpu", "cuda:x"])
def test_a_card_that_is_not_here_is_refused(wanted, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: wanted != "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("AVFACE_DEVICE", wanted)
    with pytest.raises(AVFaceError, match=f"asks for {wanted}"):
        compute_device()


def test_the_pretended_card_is_as_strict_as_a_real_one():
    with pretend_card():
        network = torch.nn.Linear(3, 2).to("cuda")
        given = torch.from_numpy(np.ones((4, 3), np.float32))
        with pytest.raises(RuntimeError, match="at once"):
            network(given)
        said = network(given.to("cuda:0"))
        assert is_on_card(said) and said.device.type == "cuda"
        with pytest.raises(TypeError, match="numpy"):
            said.detach().numpy()
        with pytest.raises(RuntimeError, match="at once"):
            said.add(torch.zeros(4, 2))
        assert said.detach().cpu().numpy().shape == (4, 2)
        assert is_on_card(torch.zeros(2, device=said.device) + 1.0)
        assert is_on_card(said.new_zeros(2)[torch.tensor([0])])
