"""The landmark network: shapes, geometry of its parts, its trainer, and what the weights see."""

import numpy as np
import pytest
import torch

from engine.faces.seen import Seen, blend_points, crop_face
from engine.head.landmarks import mesh_to_68
from engine.models.landmarks import (
    FULL,
    POINTS,
    REGIONS,
    LandmarkNet,
    LandmarkNetConfig,
    soft_argmax,
    turn_matrix,
)
from engine.training.landmarks import (
    LandmarkTask,
    area_under_curve,
    make_batch,
    mirrored_points,
)
from engine.training.people.ring import RingOptions, fill_ring, open_ring
from engine.weights import registry
from tests.learning import totals_of

# oneDNN's backward of 8-channel convolutions in channels_last corrupts memory (torch 2.13, CPU)
TINY = LandmarkNetConfig(size=112, widths=(16, 16, 32, 32), neck=16, fine=8, token=4, hidden=32)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ring")
    fill_ring(folder, RingOptions(capacity=32, seed=8, easy=1.0, ramp=1), until=32)
    return open_ring(folder)


def test_the_points_hold_what_the_referees_compare():
    assert len(set(POINTS)) == len(POINTS)
    unknown = np.ones(478)
    unknown[list(POINTS)] = 0
    assert (mesh_to_68(unknown[:, None]) == 0).all()
    assert {468, 473} <= set(POINTS)


@pytest.mark.parametrize("config", [TINY, LandmarkNetConfig(), FULL])
def test_shapes(config):
    found = LandmarkNet(config).eval()(torch.rand(2, 3, config.size, config.size) * 255)
    assert found.points.shape == (2, len(POINTS), 2) and found.log_sigma.shape == (2, len(POINTS))
    assert found.visible.shape == (2, len(REGIONS)) and found.turn.shape == (2, 3, 3)


def test_the_shipped_size_is_a_few_million_numbers():
    count = sum(p.numel() for p in LandmarkNet().parameters())
    assert 3e6 < count < 5e6
    assert sum(p.numel() for p in LandmarkNet(FULL).parameters()) > 2 * count


def test_soft_argmax_finds_a_peak():
    heat = torch.full((1, 1, 8, 8), -20.0)
    heat[0, 0, 2, 6] = 20
    place, variance = soft_argmax(heat)
    np.testing.assert_allclose(place[0, 0], [(6.5 / 8) * 2 - 1, (2.5 / 8) * 2 - 1], atol=1e-5)
    assert variance.item() < 1e-3


def test_turns_are_rotations():
    turn = turn_matrix(torch.randn(5, 6))
    np.testing.assert_allclose(turn @ turn.transpose(1, 2), torch.eye(3).expand(5, 3, 3), atol=1e-5)
    np.testing.assert_allclose(torch.linalg.det(turn), 1, atol=1e-5)
    np.testing.assert_allclose(turn_matrix(torch.zeros(1, 6))[0], torch.eye(3))


def test_mirroring_swaps_sides_and_is_its_own_inverse():
    swap, place = mirrored_points(), {mesh: k for k, mesh in enumerate(POINTS)}
    assert swap[place[61]] == place[291] and swap[place[33]] == place[263]
    assert swap[place[468]] == place[473] and swap[place[13]] == place[13]
    np.testing.assert_array_equal(swap[swap], np.arange(len(POINTS)))


def test_shaking_keeps_points_on_their_place_in_the_picture(ring):
    """A dot painted at a point is still under it after the picture was mirrored and moved."""
    pictures = np.zeros((1, 112, 112, 3), np.uint8)
    nose = POINTS.index(4)  # in the middle: a mirror keeps it
    arrays = {name: np.array(value[:1]) for name, value in ring.arrays.items()}
    x, y = np.round(arrays["points"][0, 4]).astype(int)
    pictures[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    fake = type(ring)(ring.folder, arrays | {"pictures": pictures})
    for seed in range(12):
        batch = make_batch(fake, np.array([0]), np.random.default_rng(seed))
        shown = batch.pictures[0].mean(0).numpy()
        shown = np.maximum(shown - np.median(shown) - 20, 0)
        rows, columns = np.mgrid[:112, :112] + 0.5
        middle = np.array([(shown * columns).sum(), (shown * rows).sum()]) / shown.sum()
        mine = (batch.points[0, nose].numpy() + 1) * 56
        assert np.abs(middle - mine).max() < 1.6, (seed, middle, mine)


def test_the_trainer_lowers_its_loss(ring):
    torch.manual_seed(0)
    task = LandmarkTask(LandmarkNet(TINY), [ring], ring, batch=16)
    batch = make_batch(ring, np.arange(16), None)
    optimizer = torch.optim.AdamW(task.model.parameters(), 3e-3)
    totals = totals_of(task, batch, optimizer, 14)
    assert totals[-1] < 0.75 * totals[0]
    with torch.no_grad():
        figures = task.evaluate(task.model.eval())
    assert next(iter(figures)) == "nme_percent" and np.isfinite(figures["nme_percent"])


def test_batches_follow_from_seed_and_step(ring):
    task = LandmarkTask(LandmarkNet(TINY), [ring], ring, batch=4)
    _, later = task.batch_at(3, 0), task.batch_at(3, 1)
    assert torch.equal(later.pictures, task.batch_at(3, 1).pictures)


def test_area_under_curve():
    scores, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert area_under_curve(scores, truth, np.ones(4, bool)) == pytest.approx(0.75)
    assert np.isnan(area_under_curve(scores, truth, truth))


def test_a_crop_holds_the_box_in_its_middle():
    frame = np.zeros((60, 80, 3), np.uint8)
    frame[20:40, 30:50] = 200
    crop = crop_face(frame, np.array([30, 20, 50, 40]), 60)
    assert crop.side == 30 and tuple(crop.corner) == (25, 15)
    assert crop.picture[30, 30, 0] == 200 and crop.picture[3, 3, 0] == 0
    assert (crop.picture[:, :, 0] > 100).mean() == pytest.approx((20 / 30) ** 2, abs=0.02)
    at_the_edge = crop_face(frame, np.array([-10, -10, 30, 30]), 32)
    assert at_the_edge.picture.shape == (32, 32, 3)


def test_blended_points_are_the_mean_where_both_have_one():
    landmarks = np.zeros((2, 478, 3))
    seen = Seen(np.full((2, len(POINTS), 2), 4.0), *(np.zeros(0) for _ in range(3)))
    blended = blend_points(landmarks, seen)
    assert np.all(blended[:, list(POINTS)] == 2) and blended.sum() == 2 * 2 * len(POINTS) * 2


@pytest.mark.skipif("landmarks" not in registry(), reason="no landmark weights are shipped")
def test_the_shipped_weights_find_points_and_covers_on_people_they_never_saw(ring):
    from engine.faces.seen import _look
    from engine.models.landmarks import LandmarkNetConfig as Config
    from engine.weights import load_network

    tensors, _ = load_network("landmarks")
    net = LandmarkNet(Config())
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    task = LandmarkTask(net.eval(), [ring], ring)
    with torch.no_grad():
        figures = task.evaluate(net.eval())
    assert figures["nme_clear"] < 6
    seen = _look(np.array(ring.arrays["pictures"]))[2]
    truth = np.array(ring.arrays["visible"])
    known = truth[:, 0] >= 0
    assert np.corrcoef(seen[known, 0], truth[known, 0])[0, 1] > 0.6
