"""What is hair on a head, and its colour; a beard's."""

import cv2
import numpy as np
import pytest

from engine.detail.hair_colour import UNMIRRORED, hair_colour, paint_hair
from engine.detail.parts import Sight, cast_of, fit_part
from engine.head.albedo import load_albedo
from engine.head.model import Head
from engine.preview.strands import among_others
from engine.srgb import linear_from_srgb
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
    assert hair_colour([bald], NOTHING, LIGHT, SKIN) is None
    found = hair_colour([dark], NOTHING, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(8), atol=1e-6)


def test_hair_may_look_like_skin_in_a_film_without_colours():
    found = hair_colour([all_over(np.exp(SKIN))], NOTHING, LIGHT, SKIN, as_skin=True)
    assert found is not None
    assert np.allclose(found, SKIN, atol=1e-6)


def test_what_is_brighter_than_white_hair_is_a_hat():
    assert hair_colour([all_over(np.full(3, 0.85))], NOTHING, LIGHT, SKIN) is None
    assert hair_colour([all_over(np.full(3, 0.5))], NOTHING, LIGHT, SKIN) is not None


def test_hair_that_stands_on_a_head_seen_from_below_tells_its_colour():
    standing = np.tile(np.exp(SKIN) / 8, (60, 1))
    found = hair_colour([], standing, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(8), atol=1e-6)
    standing[:30] = np.nan  # half of it is background
    assert hair_colour([], standing, LIGHT, SKIN) is None


def test_hair_that_lies_and_hair_that_stands_tell_half_of_its_colour_each():
    lying = all_over(np.exp(SKIN) / 8)
    standing = np.tile(np.exp(SKIN) / 4, (60, 1))
    found = hair_colour([lying], standing, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(np.sqrt(32)), atol=1e-6)
    standing[:30] = np.nan  # half of it is background
    found = hair_colour([lying], standing, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(8), atol=1e-6)


def test_sheen_is_no_colour_of_hair():
    """Half of it mirrors the light, less or more."""
    dark = np.tile(np.exp(SKIN) / 8, (60, 1))
    dark[:30] *= np.linspace(1.1, 2, 30)[:, None]
    lying = Sight(dark, all_over(SKIN).normal)
    found = hair_colour([lying], NOTHING, LIGHT, SKIN, darker=UNMIRRORED)
    assert found is not None
    assert np.allclose(found, SKIN - np.log(8), atol=1e-6)


@pytest.mark.parametrize("seen", [(-4.6, -4.7, -4.8), (-1.2, -2.6, -1.4), (-0.9, -1.0, -1.1)])
def test_any_hair_gets_its_colour(albedo, seen):
    """Black, dyed, white: skin beside it stays."""
    texture = albedo.texture(np.zeros(len(albedo.names)), 256)
    painted = paint_hair(texture, np.array(seen), 0, albedo)
    cap = cv2.resize(
        albedo.sharp[albedo.maps.index("hair")], (256, 256), interpolation=cv2.INTER_AREA
    )
    found = np.log(np.median(linear_from_srgb(painted[cap > 240]), axis=0))
    assert found == pytest.approx(np.array(seen), abs=0.15)
    assert (painted[cap == 0] == texture[cap == 0]).all()


def test_hair_keeps_some_of_a_slightly_warm_lights_hue():
    for warm, kept in ((0.1, 0.049), (0.4, 0.141), (1.0, 0.186), (-0.4, 0.0)):
        light = LIGHT * np.exp([warm, 0, -warm])
        grey = all_over(np.exp([-2.5 + warm, -2.5, -2.5 - warm]))
        found = hair_colour([grey], NOTHING, light, SKIN)
        assert found is not None
        assert np.allclose(found, [-2.5 + kept, -2.5, -2.5 - kept], atol=2e-3)


@pytest.mark.parametrize(
    ("seen", "own"),
    [
        ((-2.1, -2.0, -1.9), (-2.0, -2.0, -2.0)),  # a cold light's
        ((-2.0, -1.95, -3.0), (-1.9, -2.285, -2.9)),  # a green one's: the mean is kept
        ((-2.9, -3.4, -1.8), (-2.9, -3.4, -1.8)),
    ],
)
def test_hair_is_bluish_only_where_it_is_dyed(seen, own):
    found = hair_colour([all_over(np.exp(seen))], NOTHING, LIGHT, SKIN)
    assert found is not None
    assert np.allclose(found, own, atol=0.15)
    assert found.mean() == pytest.approx(np.mean(seen))


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


@pytest.mark.parametrize(("reflectance", "looks"), [(0.01, 0.59), (0.08, 1.0), (0.4, 1.5)])
def test_dark_hair_is_darker_than_its_strands(reflectance, looks):
    colour = np.full((9, 3), reflectance, np.float32)
    assert among_others(colour) == pytest.approx(looks * colour, rel=0.02)
