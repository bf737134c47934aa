"""Two looks at a face: where they are blended, and what stays the tracker's."""

from dataclasses import replace

import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.faces import seen as network
from engine.faces.seen import NetworkPoints, Seen
from engine.fitting.landmark_head import landmark_head
from engine.fitting.start import first_pose
from engine.geometry import rotation_matrix
from engine.head.model import Head
from engine.media import open_clip
from engine.models.landmarks import BROWS, LIDS, LIPS, POINTS
from engine.sight import second_look as module
from engine.weights import load_head, locate, registry
from tests.made_tracks import made_track
from tests.pretend_card import pretend_card


@pytest.fixture
def looked(monkeypatch):
    """The demo clip, a track of it, and a network that sees every point 4 px off, moving."""
    clip = open_clip(locate("demo_clip"), end=1.0)
    frames = clip.frame_count
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[..., :2] = 100 + np.arange(478)[None, :, None] % 50
    seen = np.ones(frames, bool)
    seen[3] = False
    track = made_track(landmarks, clip.size, seen=seen, times=clip.times)
    given = iter(np.flatnonzero(seen))

    def see(crops, from_side):
        at = np.array([next(given) for _ in crops])
        points = landmarks[at][:, list(POINTS), :2] + 4 + 2 * (at % 2)[:, None, None]
        none = np.zeros(0)
        return Seen(points, none, none, none)

    monkeypatch.setattr(network, "see_faces", see)
    monkeypatch.setattr(network, "crop_size", lambda: 16)
    return clip, track


def test_the_mean_of_both_everywhere(looked):
    clip, track = looked
    moved = module.second_look(clip, track).landmarks[..., :2] - track.landmarks[..., :2]
    even = [t for t in range(0, len(moved), 2) if track.seen[t]]
    np.testing.assert_allclose(moved[even][:, list(POINTS)], 2, atol=1e-4)
    assert not moved[3].any()
    assert not moved[:, np.setdiff1d(np.arange(478), POINTS)].any()


def test_at_some_points_by_the_trackers_convention(nodding, monkeypatch):
    track, places, passing = nodding
    nose, brow = POINTS.index(6), POINTS.index(70)
    nods = np.zeros(passing.shape)
    nods[:, brow, 1] = 3 * np.sin(1.7 * track.times)  # the network mistakes brows as a head nods
    none = np.zeros(0)
    points = track.landmarks[:, list(POINTS), :2] + places + passing + nods
    seen = Seen(points, none, none, none)
    frames, clip = np.arange(len(track.times)), open_clip(locate("demo_clip"))
    monkeypatch.setattr(module, "look_at_faces", lambda *_: iter([(frames, [], seen)]))
    again = module.second_look(clip, track, (6, 70), conventions_on=Head(load_head()))
    moved = again.landmarks[..., :2] - track.landmarks[..., :2]
    wanted = (passing - passing.mean(0)) / 2
    assert np.ptp(places[:, nose], axis=0).max() > 0.5  # px: what is taken out
    np.testing.assert_allclose(moved[:, 6], wanted[:, nose], atol=0.15)
    np.testing.assert_allclose(moved[:, 70] - moved[:, 70].mean(0), wanted[:, brow], atol=0.25)
    assert not moved[:, 13].any()


def test_glances_tell_what_passes_slowly_between_them(nodding):
    track, places, passing = nodding
    glances = np.arange(0, len(track.times), 8)
    points = track.landmarks[:, list(POINTS), :2] + places + passing
    per_point = np.ones((len(glances), len(POINTS)))
    seen = NetworkPoints(glances, points[glances], per_point, -9 * per_point)
    confidence = track.confidence.copy()
    confidence[20:24, REGIONS.index("mouth")] = 0.1
    glanced = replace(track, network_points=seen, confidence=confidence)
    again = module.carry_glances(glanced, Head(load_head()))
    moved = again.landmarks[..., :2] - track.landmarks[..., :2]
    chin, told = POINTS.index(152), np.arange(glances[-1])
    told = np.setdiff1d(told, np.arange(16, 32))  # the glance of the cover doesn't count
    wanted = (passing[:, chin] - passing[told][:, chin].mean(0)) / 2
    left = moved[:, 152] - moved[told][:, 152].mean(0) - wanted
    assert np.abs(left[told]).max() < 0.3 * np.abs(wanted[told]).max()
    assert not moved[:, [*LIPS, *LIDS, *BROWS]].any() and not moved[20:24].any()
    assert module.carry_glances(track, Head(load_head())) is track


def meshed(yaw: np.ndarray) -> np.ndarray:
    """The mesh of a head turned by `yaw` (T,) rad, as a tracker has it: (T, 478, 3) px."""
    pose = np.column_stack([np.zeros_like(yaw), yaw, np.zeros_like(yaw)])
    template = landmark_head(load_head()).template[:468]
    placed = np.einsum("trc,lc->tlr", rotation_matrix(pose), template) / 1e-3
    mesh = np.zeros((len(yaw), 478, 3), np.float32)
    mesh[:, :468] = placed * [1, -1, -1] + [160, 120, 0]
    mesh[:, 468:] = mesh[:, 33, None]
    return mesh


def test_profiles_are_the_networks(monkeypatch):
    """The tracker's mesh stops at 55 degrees; the network sees the head turn to 70."""
    yaw = np.radians(np.linspace(0, 70, 60))
    truth, tracked = meshed(yaw), meshed(np.minimum(yaw, np.radians(55)))
    nothing, confidence = np.full((60, 3), np.nan), np.ones((60, 5))
    confidence[yaw > np.radians(50), REGIONS.index("left_eye")] = 0  # the far one
    track = made_track(tracked, (320, 240), confidence=confidence)

    def see(clip, boxes, wanted, from_side):
        points, turned = truth[wanted][:, list(POINTS), :2], np.zeros((len(wanted), 3))
        turned[:, 1] = yaw[wanted]
        sigma = np.ones((len(wanted), len(POINTS)))
        yield wanted, [], Seen(points, sigma, nothing, rotation_matrix(turned))

    monkeypatch.setattr(module, "look_at_faces", see)
    clip = open_clip(locate("demo_clip"))
    head = Head(load_head())
    again = module.look_at_turned(clip, track, head)
    off, before = (
        np.linalg.norm((mesh - truth)[:, :468, :2], axis=2).mean(1)
        for mesh in (again.landmarks, tracked)
    )
    assert before[-1] > 5 and off[-1] < 0.3 * before[-1]
    assert not (again.landmarks - tracked)[yaw < np.radians(38)].any()
    turned = first_pose(again, landmark_head(head.file)).pose[-1, 1]  # by the depth as well
    assert abs(turned - yaw[-1]) < 0.3 * abs(
        first_pose(track, landmark_head(head.file)).pose[-1, 1] - yaw[-1]
    )
    confidence[:, REGIONS.index("mouth")] = 0.1
    hidden = replace(track, confidence=confidence)
    again = module.look_at_turned(clip, hidden, head)
    moved = np.any(again.landmarks != tracked, axis=(1, 2))
    np.testing.assert_array_equal(moved, track.from_side())  # there it needn't be covered


@pytest.fixture
def nodding():
    """A track of a head that nods, and px (T, L, 2) by which a network's points lie elsewhere.

    Through other places on the head, 6 mm nearer to the camera and 2 mm higher, and by what passes.
    """
    head, frames, metre = landmark_head(load_head()), 64, 1e-3
    times = np.arange(frames) / 25
    pose = np.column_stack([0.3 * np.sin(1.7 * times), 0.2 * np.sin(times), np.zeros(frames)])
    turned = rotation_matrix(pose)
    pictured = np.einsum("trc,lc->tlr", turned, head.template[:468]) / metre
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[:, :468] = pictured * [1, -1, -1] + [160, 120, 0]
    landmarks[:, 468:] = landmarks[:, 33, None]
    track = made_track(landmarks, (320, 240), times=times)
    place = turned @ [0, 2e-3, 6e-3] / metre * [1, -1, -1]  # (T, 3)
    passing = np.stack([np.zeros(frames), np.sin(2 * np.pi * times / 1.3)], 1)
    shape = (frames, len(POINTS), 2)
    return (track, *(np.broadcast_to(v[:, None], shape) for v in (place[:, :2], passing)))


@pytest.mark.skipif("landmarks" not in registry(), reason="no landmark weights are shipped")
def test_our_network_agrees_with_the_tracker_on_the_demo_clip():
    from engine.faces import FaceOptions, track_face
    from engine.progress import Report

    clip = open_clip(locate("demo_clip"), end=0.4)
    track = track_face(clip, FaceOptions(), Report())
    again = module.second_look(clip, track)
    moved = np.linalg.norm((again.landmarks - track.landmarks)[..., :2], axis=-1)
    width = np.ptp(track.landmarks[:, :468, 0], axis=1).mean()
    assert np.median(moved[:, list(POINTS)]) < 0.03 * width


def test_points_of_a_covered_region_are_not_believed(looked):
    _, track = looked
    confidence = track.confidence.copy()
    confidence[4, REGIONS.index("left_eye")] = 0.2
    trust = np.full(track.landmarks.shape[:2], np.nan)
    trust[6], trust[6, 10] = 0.003, 0.01
    believed = module.believed_points(replace(track, confidence=confidence, trust=trust))
    right, left = LIDS[: len(LIDS) // 2], LIDS[len(LIDS) // 2 :]
    assert not believed[4, list(left)].any() and (believed[4, list(right)] == 1).all()
    assert believed[6, 10] == 1 and np.allclose(believed[6, :10], 0.3)
    assert (believed[5] == 1).all()


def test_the_network_sees_the_same_on_a_card():
    side = network.crop_size()
    crops = np.random.default_rng(0).integers(0, 255, (2, side, side, 3), np.uint8)
    here = network._look(crops)
    with pretend_card(network._network):
        there = network._look(crops)
    for ours, theirs in zip(here, there, strict=True):
        np.testing.assert_array_equal(theirs, ours)
