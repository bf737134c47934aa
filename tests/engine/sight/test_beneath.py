"""What the network is believed of a covered face: beneath covers that pass, and that last."""

from dataclasses import replace

import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.faces import FaceTrack
from engine.faces import seen as network
from engine.faces.seen import LevelSeen, NetworkPoints, Seen
from engine.fitting.landmark_head import MESH_POINTS, landmark_head
from engine.geometry import embed
from engine.media import Clip, open_clip
from engine.models.landmarks import BROWS, IRISES, LIDS, LIPS, NOSE, OVAL, POINTS
from engine.sight import beneath as module
from engine.weights import locate, registry
from tests.made_tracks import made_track

MOUTH, LEFT_EYE = REGIONS.index("mouth"), REGIONS.index("left_eye")
COVERED = np.arange(10, 16)


@pytest.fixture
def filmed() -> tuple[Clip, FaceTrack]:
    """The demo clip and a track of it, whose mouth is covered in six frames."""
    clip = open_clip(locate("demo_clip"), end=1.0)
    landmarks = np.zeros((clip.frame_count, 478, 3), np.float32)
    landmarks[..., :2] = 100 + np.arange(478)[None, :, None] % 50
    seen = np.ones(clip.frame_count, bool)
    seen[3] = False
    track = made_track(landmarks, clip.size, seen=seen, times=clip.times)
    track.confidence[COVERED, MOUTH] = 0.1
    return clip, track


def told(track: FaceTrack, frames: np.ndarray, off: float, odds: float = -6.0) -> NetworkPoints:
    """A network that sees every point `off` px beside the tracker's."""
    points = track.landmarks[frames][:, list(POINTS), :2] + off
    each = np.ones(points.shape[:2])
    return NetworkPoints(frames, points, each, odds * each)


def test_beneath_a_passing_cover_brows_and_contour_are_the_networks(filmed, head, monkeypatch):
    clip, track = filmed
    clear = np.setdiff1d(np.flatnonzero(track.seen), COVERED)
    assert len(clear) >= 16
    picked = clear[np.unique(np.linspace(0, len(clear) - 1, 16).astype(int))]
    shown = np.union1d(picked, COVERED)

    def see(crops, from_side):
        points = track.landmarks[shown][:, list(POINTS), :2] + 3.0  # its own convention
        points[np.isin(shown, COVERED)] += 5.0  # and what the tracker has wrong
        sigma = np.full(points.shape[:2], 1.0)  # px: 2 % of a face of 50 px
        sigma[:, POINTS.index(152)] = 4.0
        return Seen(points, sigma, np.zeros(0), np.zeros(0))

    monkeypatch.setattr(network, "see_faces", see)
    monkeypatch.setattr(network, "crop_size", lambda: 16)
    again = module.look_beneath(clip, track, head)
    moved, others = (again.landmarks - track.landmarks)[..., :2], np.arange(len(track.times))
    others = np.setdiff1d(others, COVERED)
    np.testing.assert_allclose(moved[COVERED][:, [*BROWS, *OVAL]], 5, atol=1e-3)
    assert not moved[COVERED][:, [*LIPS, *LIDS, *NOSE]].any() and not moved[others].any()
    trust = again.trust
    assert trust is not None and np.isnan(trust[others]).all() and again.guessed is None
    np.testing.assert_allclose(trust[COVERED][:, [*LIDS, 10]], 0.01)  # the head's way tells more
    np.testing.assert_allclose(trust[COVERED][:, list(BROWS)], 1)  # but nothing of the brows
    assert trust[COVERED][:, [152, 13]].max() < 0.0005  # an unsure chin, unseen lips


def test_what_was_seen_on_the_way_is_not_looked_at_again(filmed, head, monkeypatch):
    clip, track = filmed
    seen = told(track, np.flatnonzero(track.seen), 3.0)
    seen.points[np.isin(seen.frames, COVERED)] += 5.0
    monkeypatch.setattr(network, "see_faces", None)
    again = module.look_beneath(clip, replace(track, network_points=seen), head)
    moved = (again.landmarks - track.landmarks)[..., :2]
    np.testing.assert_allclose(moved[COVERED][:, [*BROWS, *OVAL]], 5, atol=1e-3)


def test_where_a_cover_lasts_all_points_are_as_sure_as_the_network(filmed, head, monkeypatch):
    clip, track = filmed
    track.confidence[5, LEFT_EYE] = 0.1
    # what is before most of the face in the clip's first glances, and has gone by its last
    frames = np.array([0, len(track.times) - 4, len(track.times) - 1])
    glances = told(track, frames, 0.0, 9.0)
    glances.odds[-1] = -9.0
    truth = track.landmarks[:, list(POINTS), :2] + 6.0

    def see(pictures, mesh, places):
        at = np.array([f for f in np.flatnonzero(track.seen) if f < frames[-1]])
        sigma = np.full(truth[at].shape[:2], 0.015 * np.ptp(truth[0, :, 0]))
        sigma[:, POINTS.index(152)] *= 3
        odds = np.full(sigma.shape, 9.0)
        odds[:, np.isin(POINTS, LIDS + IRISES)] = -9.0
        return LevelSeen(truth[at], sigma, np.zeros(0), np.zeros(0), odds)

    monkeypatch.setattr(module, "see_level", see)
    monkeypatch.setattr(module, "_from_drawn_places", lambda track, head: np.zeros((25, 468, 2)))
    again = module.look_beneath(clip, replace(track, network_points=glances), head)
    assert again.guessed is not None and again.trust is not None
    last = len(track.times) - 1
    assert not again.guessed[[3, last]].any() and again.guessed[[0, 5, last - 4]].all()
    moved = (again.landmarks - track.landmarks)[..., :2]
    assert not moved[[3, last]].any() and np.isnan(again.trust[last]).all()
    np.testing.assert_allclose(moved[0][[*LIPS, *NOSE, 116]], 6, atol=0.1)  # 116 goes along
    np.testing.assert_allclose(moved[0][list(LIDS)], 3, atol=0.01)  # nothing is before the eyes
    np.testing.assert_allclose(moved[5][[263, 33]], [[6, 6], [3, 3]], atol=0.01)
    np.testing.assert_allclose(again.trust[0][[13, 4, 33]], 0.5, atol=1e-6)
    np.testing.assert_allclose(again.trust[0][[152, 116]], [0.1, 0.01], atol=1e-6)


def test_the_networks_points_come_to_where_the_tracker_has_them(head):
    file = head.file
    drawn = embed(file.template, file.faces, file.landmarks_468)
    wanted = landmark_head(file).template[:MESH_POINTS]
    yaw = np.array([[np.cos(0.3), 0, np.sin(0.3)], [0, 1, 0], [-np.sin(0.3), 0, np.cos(0.3)]])
    drawn, wanted = (200 + 1e3 * (p @ yaw.T) * [1, -1, -1] for p in (drawn, wanted))  # 1 px a mm
    landmarks = np.zeros((1, 478, 3), np.float32)
    landmarks[0, :MESH_POINTS] = drawn
    moved = module._from_drawn_places(made_track(landmarks, (400, 400)), head)[0]
    off = np.linalg.norm(drawn[:, :2] + moved - wanted[:, :2], axis=1)
    assert off.max() < 0.1 and np.linalg.norm(moved, axis=1).max() > 10  # px
    landmarks[0, :MESH_POINTS] = wanted
    track = replace(made_track(landmarks, (400, 400)), guessed=np.array([True]))
    back = module.as_drawn(track, head).landmarks[0, :MESH_POINTS]
    np.testing.assert_allclose(back[:, :2], drawn[:, :2], atol=0.1)


@pytest.mark.skipif("landmarks" not in registry(), reason="no landmark weights are shipped")
def test_without_a_cover_nothing_is_looked_at_again(filmed, head, monkeypatch):
    clip, track = filmed
    track.confidence[:] = 1.0
    glances = told(track, np.array([0, 9]), 2.0)
    glances.odds[:, np.isin(POINTS, LIDS + BROWS)] = 5.0  # dark glasses
    clear = replace(track, network_points=glances)
    for module_, name in ((network, "see_faces"), (module, "see_level")):
        monkeypatch.setattr(module_, name, None)
    assert module.look_beneath(clip, clear, head) is clear
    assert module.look_beneath(clip, replace(track, network_points=None), head).trust is None
