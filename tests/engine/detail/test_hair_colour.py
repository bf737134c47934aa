"""What is hair on a head, and its colour; a beard's."""

import numpy as np
import pytest

from engine.detail.hair_colour import hair_samples, matt_hair
from engine.detail.parts import Sight, cast_of, fit_part
from engine.head.albedo import load_albedo
from engine.head.model import Head
from engine.preview.strands import among_others
from engine.weights import FOLDER, load_head

SKIN = np.log([0.5, 0.25, 0.16])
LIGHT = np.zeros((9, 3))
LIGHT[0] = 1
NOTHING = np.zeros((0, 3))


@pytest.fixture(scope="module")
def albedo():
    return load_albedo(FOLDER / Head(load_head()).file.albedo_file)


def all_over(reflectance: np.ndarray) -> Sight:
    """60 samples that face the camera."""
    return Sight(np.tile(reflectance, (60, 1)), np.tile([0.0, 0, 1], (60, 1)))


def test_a_bare_scalp_says_nothing_of_hair():
    bald, dark = all_over(np.exp(SKIN)), all_over(np.exp(SKIN) / 8)
    assert hair_samples([bald], NOTHING, LIGHT, SKIN) is None
    found = hair_samples([dark], NOTHING, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(8), atol=1e-6)


def test_hair_may_look_like_skin_in_a_film_without_colours():
    found = hair_samples([all_over(np.exp(SKIN))], NOTHING, LIGHT, SKIN, as_skin=True)
    assert found is not None
    assert np.allclose(found, SKIN, atol=1e-6)


def test_what_is_brighter_than_white_hair_is_a_hat():
    assert hair_samples([all_over(np.full(3, 0.85))], NOTHING, LIGHT, SKIN) is None
    assert hair_samples([all_over(np.full(3, 0.5))], NOTHING, LIGHT, SKIN) is not None


def test_hair_that_stands_on_a_head_seen_from_below_tells_its_colour():
    standing = np.tile(np.exp(SKIN) / 8, (60, 1))
    found = hair_samples([], standing, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(8), atol=1e-6)
    standing[:30] = np.nan  # half of it is background
    assert hair_samples([], standing, LIGHT, SKIN) is None


def test_sheen_is_not_the_hairs_own_colour():
    brown = np.log([0.1, 0.06, 0.03])
    shines = np.arange(500) % 5 < 2
    samples = np.log(np.exp(brown) + 0.2 * shines[:, None])
    assert np.allclose(matt_hair(samples, LIGHT), brown)
    samples = np.log(np.exp(brown) + np.linspace(0, 0.1, 500)[:, None])  # all of it, somewhat
    found = matt_hair(samples, LIGHT)
    usual = np.median(samples, axis=0)
    assert found[0] - found[2] > usual[0] - usual[2] + 0.2
    assert brown.mean() < found.mean() < usual.mean() - 0.2


def test_hair_keeps_some_of_a_warm_lights_hue():
    grey = np.full((20, 3), -2.0)
    for warm, kept in ((0.4, 0.3), (-0.4, 0.0)):
        light = LIGHT * np.exp([warm, 0, -warm])
        assert np.allclose(matt_hair(grey, light), [-2 + kept, -2, -2 - kept])


def test_coloured_light_makes_no_grey_hair(albedo):
    """Hair that looks grey in a light far from white may be brown; dark hair may be neutral."""
    nobody = np.zeros(len(albedo.names))
    maps = np.zeros(len(albedo.maps))
    maps[albedo.maps.index("hair")] = 1
    for seen, doubt, red_to_green in ((-1.7, 0.0, 0.02), (-1.7, 0.5, 0.15), (-4.5, 0.0, 0.15)):
        found = fit_part(albedo, nobody, "hair", maps, np.full(3, seen), doubt)
        colour = -np.log1p(np.exp(-maps @ (albedo.mean + np.tensordot(found, albedo.basis, 1))))
        assert colour[0] - colour[1] == pytest.approx(red_to_green, abs=0.06)
        assert colour.mean() == pytest.approx(seen, abs=0.3)
    orange = LIGHT * np.array([1, 1, np.exp(-0.6)])
    assert cast_of(LIGHT) == pytest.approx(0)
    assert cast_of(orange) == pytest.approx(0.6 * np.sqrt(2) / 3)


def test_a_beard_is_as_dark_as_in_the_clip(albedo):
    """Jaw and lip hidden by hair a quarter as bright as the skin; then as bright as the skin."""
    nobody = np.zeros(len(albedo.names))
    maps = np.zeros((2, len(albedo.maps)))
    maps[:, albedo.maps.index("bare")] = 1
    maps[:, albedo.maps.index("stubble")] = 0.8
    maps[0, albedo.maps.index("moustache")] = maps[1, albedo.maps.index("beard")] = 0.8
    skin = -np.log1p(np.exp(-maps @ albedo.mean))
    bearded = fit_part(albedo, nobody, "beard", maps, skin + np.log(0.25))
    moved = {albedo.names[k] for k in np.flatnonzero(bearded)}
    assert {"moustache", "beard"} <= moved <= {"moustache", "beard", "stubble", "goatee"}
    logit = maps @ (albedo.mean + np.tensordot(bearded, albedo.basis, 1))
    darker = skin + np.log1p(np.exp(-logit))
    assert darker.mean(1) == pytest.approx(np.log(4), abs=0.15)
    assert np.allclose(fit_part(albedo, nobody, "beard", maps, skin), 0, atol=0.02)


@pytest.mark.parametrize(("reflectance", "looks"), [(0.01, 0.6), (0.13, 1.0), (0.4, 1.25)])
def test_dark_hair_is_darker_than_its_strands(reflectance, looks):
    colour = np.tile(np.float32([reflectance]), (9, 3))
    assert among_others(colour) == pytest.approx(looks * colour, rel=0.02)
