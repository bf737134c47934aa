"""Hairline and beard: where a clip shows hair the head has it, and nowhere else."""

import numpy as np
import pytest

from engine.complexion import person_texture
from engine.detail.hairline import Crown, hairline_heights, paint_hairline, upper_head
from engine.detail.parts import fit_part
from engine.head.albedo import load_albedo
from engine.head.model import Head
from engine.weights import FOLDER, load_head

SKIN = np.log([0.50, 0.25, 0.16])
HAIR = SKIN - 2.0
LIGHT = np.zeros((9, 3))
LIGHT[0] = 1.0


@pytest.fixture(scope="module")
def person():
    head = Head(load_head())
    rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))[0]
    return head, rest, load_albedo(FOLDER / head.file.albedo_file)


def heights_of(person, hairy: np.ndarray, hair: np.ndarray | None) -> np.ndarray:
    """What three frames say in which the vertices that are `hairy` (V,) have the hair's colour."""
    head, rest, albedo = person
    upper = upper_head(head)
    colour = np.where(hairy[upper, None], np.exp(HAIR), np.exp(SKIN))
    crown = Crown(
        upper, np.tile(colour, (3, 1, 1)), np.tile([0.0, 0, 1], (3, len(upper), 1))
    )  # fmt: skip
    return hairline_heights(crown, head, rest, albedo, LIGHT, SKIN, hair)


def test_a_high_hairline_is_found(person):
    """Hair from 25 mm above the model's hairline on: in front the heights are 25 mm less."""
    head, rest, _ = person
    middle = np.zeros(len(rest), bool)
    middle[upper_head(head)] = True
    middle &= (np.abs(rest[:, 0]) < 0.03) & (rest[:, 2] > 0)
    models = heights_of(person, np.ones(len(rest), bool), HAIR)  # hair lower down isn't painted
    raised = heights_of(person, models > 25, HAIR)
    assert np.median((models - raised)[middle]) == pytest.approx(25, abs=5)


def test_a_bald_head_loses_the_models_hair(person):
    head, rest, _ = person
    heights = heights_of(person, np.zeros(len(rest), bool), None)
    texture, bare = (person_texture(head, np.zeros(50), 256, shaven=no) for no in (False, True))
    painted = paint_hairline(texture, bare, heights, head)
    assert np.abs(painted.astype(int) - bare).mean() < 1
    assert (bare.mean(2) > texture.mean(2) + 30).mean() > 0.1  # where the cap was


def test_hair_in_doubt_keeps_the_models_line(person):
    head, rest, _ = person
    heights = heights_of(person, np.ones(len(rest), bool), None)
    texture, bare = (person_texture(head, np.zeros(50), 256, shaven=no) for no in (False, True))
    changed = np.abs(paint_hairline(texture, bare, heights, head).astype(int) - texture).max(2) > 25
    assert changed.mean() < 0.05


def test_a_beard_is_as_dark_as_in_the_clip(person):
    """Jaw and lip hidden by hair a quarter as bright as the skin; then as bright as the skin."""
    _, _, albedo = person
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
