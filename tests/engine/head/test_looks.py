"""People drawn with colours that go together."""

import numpy as np
import pytest

from engine.head.albedo import load_albedo
from engine.head.looks import draw_look
from engine.weights import locate

NAMES = load_albedo(locate("albedo_default")).names


@pytest.fixture(scope="module")
def crowd() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    looks = np.array([draw_look(NAMES, generator) for _ in range(400)])
    assert looks.shape == (400, len(NAMES)) and np.isfinite(looks).all()
    return dict(zip(NAMES, looks.T, strict=True))


def test_a_seed_gives_the_same_person():
    first, second = (draw_look(NAMES, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)


def test_beards_have_all_their_parts_and_few_people_have_one(crowd):
    grown = crowd["beard"] > 0
    assert np.array_equal(grown, crowd["moustache"] > 0)
    assert np.array_equal(grown, crowd["goatee"] > 0)
    assert 0.08 < grown.mean() < 0.25
    assert 0.2 < (crowd["stubble"] > 0).mean() < 0.45


def test_rare_things_are_rare(crowd):
    for name, most in (("brow_bridge", 0.12), ("pimples", 0.12), ("freckles", 0.15)):
        assert 0 < (crowd[name] > 0).mean() < most, name


def test_fair_hair_and_freckles_are_of_fair_skin(crowd):
    dark = crowd["melanin"] > 0
    assert 0.3 < dark.mean() < 0.7
    assert crowd["hair_lightness"][dark].max() < 0
    assert crowd["freckles"][dark].max() == 0
    assert crowd["iris_lightness"][dark].max() < 0.5
