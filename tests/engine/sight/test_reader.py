"""Landmarks to parameters: exact cameras, a head that agrees with the model, the trainer."""

import numpy as np
import pytest
import torch

from engine.geometry import project, rotation_matrix, to_camera
from engine.models.landmarks import POINTS
from engine.models.reader import ReaderConfig, ReaderNet
from engine.sight.reader import centre, normalise
from engine.training.people.acting import act_moments
from engine.training.point_head import pose_points
from engine.training.reader import ReaderTask
from engine.weights import registry
from tests.learning import totals_of

SIZE = (640, 480)


@pytest.fixture(scope="module")
def task() -> ReaderTask:
    torch.manual_seed(0)
    return ReaderTask(ReaderNet(ReaderConfig(frame=64, clip=32)), clips=2, moments=200)


def clip_of_points(task: ReaderTask, frames: int = 6):
    """A person in front of a camera: 478 points in pixels and what was played."""
    stage = task.stage
    acting = act_moments(stage, np.random.default_rng(5), frames)
    shape = np.random.default_rng(6).normal(size=100)
    rest = stage.head.rest(shape)
    pose = np.random.default_rng(7).normal(0, 0.2, (frames, 3))
    place = np.array([0.06, -0.03, -0.7])
    face, weights = stage.points
    corners = stage.head.file.faces[face]
    points = []
    for t in range(frames):
        vertices = stage.head.pose(rest, acting.units[t], acting.jaw[t], acting.eyes[t])
        placed = to_camera(np.einsum("lk,lkc->lc", weights, vertices[corners]), pose[t], place)
        points.append(project(placed, 900.0, SIZE))
    return np.array(points), acting, pose, place


def test_the_normalised_view_undoes_place_and_size(task):
    points, _, _, _ = clip_of_points(task)
    normal = normalise(points, SIZE, 900.0)
    np.testing.assert_allclose(normal.points.mean(1), 0, atol=0.02)
    np.testing.assert_allclose((normal.points**2).sum(2).mean(1), 1, rtol=1e-6)
    looked = normal.look @ np.swapaxes(normal.look, 1, 2)
    np.testing.assert_allclose(looked, np.broadcast_to(np.eye(3), looked.shape), atol=1e-9)
    # the same face, twice as large a picture: the same view
    again = normalise(2 * points, (2 * SIZE[0], 2 * SIZE[1]), 1800.0)
    np.testing.assert_allclose(again.points, normal.points, atol=1e-9)
    np.testing.assert_allclose(again.log_radius, normal.log_radius, atol=1e-9)


def test_the_head_of_points_is_the_head_model(task):
    stage = task.stage
    acting = act_moments(stage, np.random.default_rng(1), 4)
    shape = np.random.default_rng(2).normal(size=(1, 100)).astype(np.float32)
    gaze = acting.eyes[None][..., [0, 1, 3, 4]]
    tensors = [torch.from_numpy(v) for v in (shape, acting.units[None], acting.jaw[None], gaze)]
    got = pose_points(task.head, *tensors)[0].numpy()
    face, weights = stage.points
    picked = list(POINTS)
    rest = stage.head.rest(shape[0])
    for t in range(4):
        vertices = stage.head.pose(rest, acting.units[t], acting.jaw[t], acting.eyes[t])
        corners = stage.head.file.faces[face[picked]]
        want = np.einsum("lk,lkc->lc", weights[picked], vertices[corners])
        np.testing.assert_allclose(got[t], want, atol=5e-5)


def test_batches_are_what_the_camera_sees(task):
    """The labels of a batch, projected, give its points without the tracker's errors."""
    batch = task._sample(np.random.default_rng(3), 8)
    seen = task._seen(batch.true_points, batch.turn, batch.offset, batch.log_size, batch.log_radius)
    np.testing.assert_allclose(seen, batch.true_seen, atol=2e-3)
    turn = batch.turn.numpy()
    np.testing.assert_allclose(np.linalg.det(turn), 1, atol=1e-4)


def test_the_trainer_lowers_its_loss(task):
    batch = task._sample(np.random.default_rng(4), 8)
    optimizer = torch.optim.AdamW(task.model.parameters(), 3e-3)
    totals = totals_of(task, batch, optimizer, 40)
    assert totals[-1] < 0.7 * totals[0]


def test_batches_follow_from_seed_and_step(task):
    _, later = task.batch_at(3, 0), task.batch_at(3, 1)
    assert torch.equal(later.points, task.batch_at(3, 1).points)


def test_centre_has_unit_radius():
    points, log_radius = centre(np.random.default_rng(0).normal(3, 2, (4, 9, 2)))
    np.testing.assert_allclose((points**2).sum(2).mean(1), 1)
    assert log_radius.shape == (4,)


shipped = pytest.mark.skipif("reader" not in registry(), reason="no reader's weights are shipped")


@shipped
def test_the_shipped_reader_reads_pose_jaw_and_place(task):
    from engine.sight.reader import read_landmarks

    points, acting, pose, place = clip_of_points(task, 24)
    reading = read_landmarks(points, SIZE, 900.0)
    assert reading.read.all() and reading.unit_sd.shape == acting.units.shape
    mine, true = rotation_matrix(reading.params.head_pose), rotation_matrix(pose)
    trace = np.einsum("tij,tij->t", mine, true)
    assert np.degrees(np.median(np.arccos(np.clip((trace - 1) / 2, -1, 1)))) < 4
    np.testing.assert_allclose(
        np.median(reading.params.head_translation, axis=0)[2], place[2], rtol=0.2
    )
    assert np.corrcoef(reading.params.jaw[:, 0], acting.jaw[:, 0])[0, 1] > 0.8


@shipped
def test_frames_without_a_face_are_bridged(task):
    from engine.sight.reader import read_landmarks

    points, *_ = clip_of_points(task, 9)
    points[3:6] = np.nan
    reading = read_landmarks(points, SIZE, 900.0)
    assert not reading.read[3:6].any() and np.isfinite(reading.params.expression).all()
    a, b = reading.params.jaw[2, 0], reading.params.jaw[6, 0]
    np.testing.assert_allclose(reading.params.jaw[4, 0], (a + b) / 2, atol=1e-9)


@shipped
def test_a_cover_does_not_change_how_clear_frames_are_read(task):
    from engine.models.landmarks import LIPS
    from engine.sight.reader import read_landmarks

    points, *_ = clip_of_points(task, 40)
    trust, covered = np.ones((40, 478)), np.arange(12, 20)
    clear = np.r_[:10, 22:40]  # with two frames beside the cover left out
    alone = read_landmarks(points[clear], SIZE, 900.0).params
    points[covered] += np.random.default_rng(1).normal(0, 12, (len(covered), 478, 2))
    trust[np.ix_(covered, LIPS)] = 0
    both = read_landmarks(points, SIZE, 900.0, trust).params
    np.testing.assert_allclose(both.shape, alone.shape, atol=1e-5)
    np.testing.assert_allclose(both.jaw[clear], alone.jaw, atol=1e-5)
    np.testing.assert_allclose(both.head_translation[clear], alone.head_translation, atol=1e-5)
    trust[:] = 0.5  # nothing is clearer than the rest: all of it is read
    assert np.isfinite(read_landmarks(points, SIZE, 900.0, trust).params.expression).all()


@shipped
def test_a_face_that_is_never_seen_cannot_be_read(task):
    from engine.sight.reader import read_landmarks

    with pytest.raises(AssertionError, match="no frame"):
        read_landmarks(np.full((3, 478, 2), np.nan), SIZE, 900.0)
