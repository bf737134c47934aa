"""Two looks at a face: where they are blended, and what stays the tracker's."""

import numpy as np
import pytest

from engine import second_look as module
from engine.faces import FaceTrack
from engine.media import open_clip
from engine.models.landmarks import POINTS
from engine.seen import Seen
from engine.weights import locate, registry


@pytest.fixture
def looked(monkeypatch):
    """The demo clip, a track of it, and a network that sees every point 4 px off, moving."""
    clip = open_clip(locate("demo_clip"), end=1.0)
    frames = clip.frame_count
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[..., :2] = 100 + np.arange(478)[None, :, None] % 50
    seen = np.ones(frames, bool)
    seen[3] = False
    track = FaceTrack(
        np.tile([100.0, 100, 150, 150], (frames, 1)), landmarks, seen, np.ones((frames, 5)),
        np.full((frames, 3), np.nan), clip.times, clip.size,
    )  # fmt: skip
    given = iter(np.flatnonzero(seen))

    def see(crops):
        at = np.array([next(given) for _ in crops])
        points = landmarks[at][:, list(POINTS), :2] + 4 + 2 * (at % 2)[:, None, None]
        none = np.zeros(0)
        return Seen(points, none, none, none)

    monkeypatch.setattr(module, "see_faces", see)
    monkeypatch.setattr(module, "crop_size", lambda: 16)
    return clip, track


def test_the_mean_of_both_everywhere(looked):
    clip, track = looked
    moved = module.second_look(clip, track).landmarks[..., :2] - track.landmarks[..., :2]
    even = [t for t in range(0, len(moved), 2) if track.seen[t]]
    np.testing.assert_allclose(moved[even][:, list(POINTS)], 2, atol=1e-4)
    assert not moved[3].any()
    assert not moved[:, np.setdiff1d(np.arange(478), POINTS)].any()


def test_at_some_points_by_the_trackers_convention(looked):
    clip, track = looked
    again = module.second_look(clip, track, (70, 63), keep_convention=True)
    moved = again.landmarks[..., :2] - track.landmarks[..., :2]
    assert np.median(moved[track.seen][:, 70]) == pytest.approx(0, abs=1e-4)
    assert np.ptp(moved[track.seen][:, 70]) == pytest.approx(1, abs=1e-3)
    assert not moved[:, 13].any()


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
