"""A fine stage as `train fine` leaves it gives a capture its relief."""

import cv2
import numpy as np
import pytest
import torch

from engine.detail import trained
from engine.detail.recover import DetailOptions, recover_detail
from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.faces.track import FaceTrack
from engine.geometry import embed, project
from engine.head.model import FaceParams
from engine.media import open_clip
from engine.models.config import Config
from engine.models.fine import FineNetwork
from engine.progress import Report

SIDE, FOCAL, DISTANCE, FRAMES, LIMIT_MM = 320, 640.0, 0.55, 4, 4.0
CONFIG = Config(uv=64, fine_width=8, fine_channels=6, displacement_limit=1e-3 * LIMIT_MM)


@pytest.fixture
def register(monkeypatch, head):
    """Put a network of the test's in the registry's row `fine`."""

    def put(**about):
        torch.manual_seed(3)
        network = FineNetwork(CONFIG)
        torch.nn.init.normal_(network.last.weight, std=0.5)
        header = {"config": CONFIG.to_json(), "reads": "pictures", "head": head.file.sha256}
        found = network.state_dict(), header | {"sound": "phones"} | about
        monkeypatch.setattr(trained, "load_network", lambda _: found)
        monkeypatch.setattr("engine.detail.recover.reads_pictures", lambda: True)
        trained.trained_stage.cache_clear()

    yield put
    trained.trained_stage.cache_clear()


@pytest.fixture
def filmed(head, tmp_path):
    """Clip, track and parameters of a mottled skin that stands still."""
    params = FaceParams.neutral(head, FRAMES, FOCAL, DISTANCE)
    vertices = head.camera_frame(params, 0)
    groups = (head.file.landmarks_468, head.file.iris)
    places = np.concatenate([embed(vertices, head.file.faces, group) for group in groups])
    pixels = project(places, FOCAL, (SIDE, SIDE))
    random = np.random.default_rng(0)
    picture = random.uniform(0.8, 1, (SIDE, SIDE, 1)) * np.array([210, 170, 150])
    for k in range(FRAMES):
        cv2.imwrite(str(tmp_path / f"{k:04d}.png"), picture[..., ::-1].astype(np.uint8))
    marks = np.column_stack([pixels, np.zeros(len(pixels))]).astype(np.float32)
    track = FaceTrack(
        boxes=np.tile([60.0, 60, 200, 220], (FRAMES, 1)),
        landmarks=np.tile(marks, (FRAMES, 1, 1)),
        seen=np.ones(FRAMES, bool),
        confidence=np.ones((FRAMES, len(REGIONS)), np.float32),
        times=np.arange(FRAMES) / 25,
        size=(SIDE, SIDE),
    )
    return open_clip(tmp_path, fps=25), track, params


def test_its_relief_is_the_captures(register, filmed, head):
    register()
    clip, track, params = filmed
    loud = np.zeros((FRAMES, 16, 29), np.float32)
    loud[-1] = np.random.default_rng(1).normal(size=(16, 29)) * 100  # something is said at last
    options = DetailOptions(key_seconds=0.04, texels=192)
    detail = recover_detail(clip, track, params, head, options, Report(), loud)
    assert detail is not None
    assert 0.05 < np.abs(detail.static).max() <= LIMIT_MM
    flat = ~detail.sheet.on_skin
    assert not detail.static[flat].any()
    still, said = (np.abs(detail.dynamic[k]).max() for k in (0, len(detail.dynamic) - 1))
    assert said > 1e-4 > still  # the picture doesn't change: what passes was heard
    assert not any(detail.cavities[k].any() for k in range(len(detail.cavities)))
    silent = recover_detail(clip, track, params, head, options, Report())
    assert silent is not None and np.isfinite(silent.static).all()


def test_stages_for_another_head_or_other_features_are_refused(register, filmed, head):
    clip, track, params = filmed
    for about, match in (({"head": "0"}, "another head"), ({"sound": "mel"}, "mel features")):
        register(**about)
        with pytest.raises(AVFaceError, match=match):
            recover_detail(clip, track, params, head, DetailOptions(), Report())
