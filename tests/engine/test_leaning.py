"""Where a face is covered, the networks lead; elsewhere nothing changes, and nothing jumps."""

import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.head.model import FaceParams, Head
from engine.leaning import lean_on_networks
from engine.weights import load_head

FRAMES = 60
COVERED = slice(25, 40)


@pytest.fixture(scope="module")
def head():
    return Head(load_head())


def performance(head, seed):
    time = np.arange(FRAMES)[:, None]
    wave = 0.3 + 0.2 * np.sin(time / 6 + seed + np.arange(50))
    params = FaceParams.neutral(head, FRAMES, 900.0)
    place = np.array([0.02, -0.01, -0.6]) + 0.01 * np.sin(time / 9 + np.arange(3) + seed)
    return params.replace(
        expression=wave * 0.8, jaw=0.2 * wave[:, :3], head_translation=place,
        head_pose=0.2 * np.sin(time / 11 + np.arange(3) + seed),
    )  # fmt: skip


def confidence(region=None):
    values = np.ones((FRAMES, len(REGIONS)))
    if region is not None:
        values[COVERED, region] = 0.0
    return values


def test_a_clear_face_is_the_fit_s(head):
    fit, networks = performance(head, 0), performance(head, 1)
    assert lean_on_networks(fit, networks, confidence(), head) is fit


def test_a_covered_mouth_is_the_networks_and_all_else_the_fit_s(head):
    fit, networks = performance(head, 0), performance(head, 1)
    networks = networks.replace(jaw=networks.jaw + 0.3)  # another person's rest
    out = lean_on_networks(fit, networks, confidence(1), head)
    names = head.file.expression_names
    brows = [k for k, name in enumerate(names) if name.startswith("brow")]
    np.testing.assert_array_equal(out.expression[:, brows], fit.expression[:, brows])
    np.testing.assert_array_equal(out.head_pose, fit.head_pose)
    np.testing.assert_allclose(out.jaw[:15], fit.jaw[:15], atol=1e-6)
    clear = np.r_[0:18, 48:FRAMES]
    lasting = np.median((fit.jaw - networks.jaw)[clear], axis=0)
    np.testing.assert_allclose(out.jaw[COVERED], (networks.jaw + lasting)[COVERED], atol=0.02)
    apart = np.abs(networks.jaw + lasting - fit.jaw).max()
    assert np.abs(np.diff(out.jaw, axis=0)).max() < 0.4 * apart


def test_a_face_that_is_never_clear_is_the_networks(head):
    fit, networks = performance(head, 0), performance(head, 1)
    hidden = np.zeros((FRAMES, len(REGIONS)))
    out = lean_on_networks(fit, networks, hidden, head)
    np.testing.assert_array_equal(out.expression, networks.expression)
    np.testing.assert_array_equal(out.shape, networks.shape)
    np.testing.assert_array_equal(out.albedo, fit.albedo)
