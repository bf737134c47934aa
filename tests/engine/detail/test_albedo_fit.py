"""Skin and light told apart: by what is likely, and by how bright a film gets; beards by both."""

import numpy as np
import pytest

from engine.detail.albedo_fit import BEARD_GROUND, Colours, light_on_shaven, solve_albedo
from engine.detail.beard import fit_beard
from engine.geometry import harmonics
from engine.head.albedo import load_albedo
from engine.weights import FOLDER, load_head

COUNT = 800  # texels
LAMP = np.array([0.6, 0.1, 0.15, 0.35, 0, 0, 0, 0, 0])


def filmed(skin_units: float, light: float) -> tuple[Colours, np.ndarray, np.ndarray]:
    """Plain skin of so much melanin under so much light, and its log reflectance (3,)."""
    albedo = load_albedo(FOLDER / load_head().albedo_file)
    maps = np.zeros((len(albedo.ranges), COUNT), np.float32)
    maps[0] = 1
    mean = maps.T @ albedo.mean
    basis = np.einsum("mp,amc->apc", maps, albedo.basis)
    coefficients = np.zeros(len(albedo.names))
    coefficients[albedo.names.index("melanin")] = skin_units
    own = -np.log1p(np.exp(-mean[0] - np.tensordot(coefficients, basis[:, 0], 1)))
    normals = np.random.default_rng(0).normal(size=(COUNT, 3))
    normals[:, 2] = np.abs(normals[:, 2]) + 1
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    seen = own + np.log(light * harmonics(normals) @ LAMP)[:, None]
    ones = np.ones(COUNT)
    white = min(light, 1.0)
    colours = Colours(
        seen, normals, ones, mean, basis, np.minimum(albedo.low, 0), np.maximum(albedo.low, 0),
        maps, ones, np.ones((1, COUNT), bool), white, 0.0,
    )  # fmt: skip
    return colours, own, mean[0]


def solved(colours: Colours) -> np.ndarray:
    """The log reflectance (3,) that was found."""
    effective, _ = solve_albedo(colours)
    logit = colours.mean[0] + np.tensordot(effective, colours.basis[:, 0], 1)
    return -np.log1p(np.exp(-logit))


@pytest.mark.parametrize("skin_units", [-1.0, 0.5])
def test_a_dark_film_is_short_of_light_not_full_of_dark_skin(skin_units):
    bright, own, _ = filmed(skin_units, 1.0)
    dark, _, _ = filmed(skin_units, 0.06)
    assert np.abs(solved(bright) - own).mean() < 0.3
    assert np.abs(solved(dark) - own).mean() < 0.45
    blind = Colours(**{**dark.__dict__, "white": 1.0})  # as if something in it were white
    assert (solved(blind) < solved(dark) - 0.5).all()


def test_burnt_skin_is_lit_by_more_than_usual():
    bright, own, _ = filmed(0.0, 1.7)
    burnt = Colours(**{**bright.__dict__, "burnt": 0.8})
    assert np.abs(solved(burnt) - own).mean() < 0.5 * np.abs(solved(bright) - own).mean()


def test_films_with_some_white_are_told_by_their_exposure_alone():
    colours, _, _ = filmed(0.0, 1.0)
    half = Colours(**{**colours.__dict__, "white": 0.5})
    np.testing.assert_allclose(solved(half), solved(colours))


def test_dark_skin_that_a_lens_has_made_bright_is_told_by_its_hue_beside_whites():
    bright, own, _ = filmed(1.0, 1.5)
    told = Colours(**{**bright.__dict__, "whites": np.zeros(3)})
    assert np.abs(solved(told) - own).mean() < 0.85 * np.abs(solved(bright) - own).mean()
    coloured = Colours(**{**bright.__dict__, "whites": np.array([-0.3, 0.4, 0.6])})  # a wall
    np.testing.assert_allclose(solved(coloured), solved(bright))
    pale, own, _ = filmed(-1.0, 1.0)
    told = Colours(**{**pale.__dict__, "whites": np.zeros(3)})
    assert np.abs(solved(told) - own).mean() < 0.3


def test_a_shaven_jaw_tells_how_dark_it_is_beneath_a_chin():
    colours, _, _ = filmed(0.0, 1.0)
    jaw = colours.normals[:, 1] < -0.2
    chin = Colours(**{**colours.__dict__, "smooth": np.where(jaw, 0.02, 1.0)})
    chin.seen[jaw] += np.array([-0.3, -0.35, -0.35])  # less comes from below
    effective, doubted = solve_albedo(chin)
    trusted = light_on_shaven(chin, effective, doubted)
    own = chin.reflectance(effective)

    def missed(light: np.ndarray) -> float:
        return float(np.abs(chin.seen - own - np.log(harmonics(chin.normals) @ light))[jaw].mean())

    assert missed(trusted) < 0.8 * missed(doubted)


HAIR, SHADE = np.full(3, -0.9), np.array([-0.2, -0.5, -0.6])  # light out of shaded skin is red
PLACES = ("moustache", "goatee", "beard")


@pytest.mark.parametrize(
    ("dark", "change", "grown"),
    [
        (PLACES, HAIR, True),
        (("moustache",), HAIR, True),
        (("goatee", "beard"), HAIR, True),
        (("beard",), HAIR, False),  # hair of the head that hangs before a jaw
        (("goatee", "beard"), HAIR / 2, False),  # below a chin
        (("moustache",), HAIR / 2, False),  # below a nose
        (PLACES, SHADE, False),
    ],
)
def test_a_beard_is_dark_without_being_red_on_the_lip_and_below_it(dark, change, grown):
    colours, own, _ = filmed(0.0, 1.0)
    albedo = load_albedo(FOLDER / load_head().albedo_file)
    own = np.tile(own, (COUNT, 1))
    for k, name in enumerate(PLACES):
        here = slice(100 * k, 100 * (k + 1))
        colours.maps[albedo.maps.index(name), here] = 2 * BEARD_GROUND
        own[here] += change if name in dark else 0
    components = [albedo.names.index(name) for name in ("stubble", *PLACES)]
    solved = np.zeros(len(albedo.names))
    solved[components] = 0.3  # what explains skin best when light is told from it
    found = fit_beard(colours, albedo, solved, own, np.zeros(COUNT, bool))[components]
    assert (found.max() > 0.3) if grown else not found.any()
