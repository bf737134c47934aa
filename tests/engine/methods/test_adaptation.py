"""Descent on a clip, by colours and by SPECTRE's losses, on pictures whose truth is known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.geometry import project
from engine.head.model import FaceParams
from engine.media import open_clip
from engine.methods import adaptation
from engine.methods.adaptation import adapt_to_clip
from engine.methods.spectre import SpectreSlots, descend_on_clip, estimate_spectre
from engine.models.config import LITE
from engine.models.spectre import SpectreEncoder
from engine.progress import Report
from engine.render import interpolate, rasterize
from tests.made_tracks import made_track, points_of
from tests.pretend_card import pretend_card

SIZE, FOCAL, FRAMES = (240, 200), 420.0, 8
TINY = replace(LITE, crop=32, backbone_width=0.1, spectre_width=8)


@pytest.fixture(scope="module")
def truth(head):
    """Somebody who smiles and speaks."""
    params = FaceParams.neutral(head, FRAMES, FOCAL)
    t = np.arange(FRAMES)
    expression, jaw = params.expression.copy(), params.jaw.copy()
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        expression[:, head.unit[name]] = 0.3 + 0.3 * np.sin(0.6 * t)
    expression[:, head.unit["browInnerUpLeft"]] = 0.3
    jaw[:, 0] = 0.12 + 0.05 * np.cos(0.7 * t)
    return params.replace(expression=expression, jaw=jaw)


@pytest.fixture(scope="module")
def clip(head, truth, tmp_path_factory):
    """The truth drawn with a painted skin, in a light that changes."""
    folder, file = tmp_path_factory.mktemp("drawn"), head.file
    x, y, z = (file.template * 400).T
    paint = 0.5 + 0.2 * np.stack([np.sin(x + z), np.sin(y + 1), np.cos(x - y)], 1)
    for t in range(FRAMES):
        placed = head.camera_frame(truth, t)
        points = np.column_stack([project(placed, FOCAL, SIZE), -placed[:, 2]])
        ids, weights = rasterize(points, file.faces, SIZE, cull_back=True)
        picture = interpolate(paint, file.faces, ids, weights) * (1 + 0.02 * t)
        picture = (picture * 255).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"p.{t:02d}.png"), picture[..., ::-1])
    return open_clip(folder)


@pytest.fixture(scope="module")
def track(head, truth):
    return made_track(points_of(head, truth, SIZE), SIZE)


def with_errors(head, truth):
    """A smile that was misread in the first frames."""
    expression = truth.expression.copy()
    error = 0.25 * np.clip((4 - np.arange(FRAMES)) / 3, 0, 1)
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        expression[:, head.unit[name]] -= error
    return truth.replace(expression=expression)


def covered(track, frames):
    confidence = track.confidence.copy()
    confidence[frames, REGIONS.index("mouth")] = 0
    return replace(track, confidence=confidence)


def lips_error(head, a, b, t):
    """Mean distance of the lips of two performances, mm."""
    lips = head.file.masks["lips"]
    apart = head.frame(a, t)[lips] - head.frame(b, t)[lips]
    return np.linalg.norm(apart, axis=1).mean() * 1e3


def test_colours_mend_what_landmarks_misread(head, truth, clip, track, monkeypatch):
    monkeypatch.setattr(adaptation, "_CHUNK", 5)  # two pieces
    monkeypatch.setattr(adaptation, "_OVERLAP", 2)
    monkeypatch.setattr(adaptation, "_STEPS", 40)
    start = with_errors(head, truth)
    moved = adapt_to_clip(clip, track, start, head, Report())
    for t in (0, 1):
        before, after = (lips_error(head, p, truth, t) for p in (start, moved))
        assert after < 0.7 * before, (t, before, after)
    assert lips_error(head, moved, truth, 7) < 0.8
    for name in ("head_pose", "head_translation", "eyes", "shape"):
        assert getattr(moved, name) is getattr(start, name)
    blink = head.unit["eyeBlinkLeft"]
    np.testing.assert_allclose(moved.expression[:, blink], start.expression[:, blink], atol=1e-6)


def test_colours_of_a_cover_do_not_move_the_mouth(head, truth, clip, track, monkeypatch):
    monkeypatch.setattr(adaptation, "_STEPS", 5)
    every = covered(track, slice(None))
    boxes = adaptation.face_boxes(every)
    file = head.file
    kept = np.flatnonzero(file.masks["face_tex"])
    weight = adaptation._weights(every, truth, head, kept, boxes)
    lips = file.masks["lips"][kept]
    assert weight[:, lips].max() == 0
    assert weight[:, ~lips].max() > 0


def test_spectre_s_descent_mends_lips_that_were_misread(head, truth, clip, track):
    expression = truth.expression.copy()
    for name in ("mouthFunnel", "mouthPucker"):
        expression[:3, head.unit[name]] += 0.3
    start = truth.replace(expression=expression)
    moved = descend_on_clip(clip, track, start, head, Report())
    before, after = (
        np.mean([lips_error(head, p, truth, t) for t in range(3)]) for p in (start, moved)
    )
    assert after < 0.8 * before, (before, after)
    assert moved.head_pose is start.head_pose
    hidden = descend_on_clip(clip, covered(track, slice(0, 2)), start, head, Report())
    np.testing.assert_array_equal(hidden.expression[:2], start.expression[:2])
    assert np.abs(hidden.expression[2] - start.expression[2]).max() > 0


def test_spectre_s_descent_leaves_shut_lips_shut(head, truth, clip, track):
    expression, jaw = truth.expression.copy(), truth.jaw.copy()
    expression[3], jaw[3] = 0, 0
    start = truth.replace(expression=expression, jaw=jaw)
    moved = descend_on_clip(clip, track, start, head, Report(), SpectreSlots(reads_lips=False))
    np.testing.assert_allclose(moved.jaw[3], 0, atol=1e-6)
    np.testing.assert_allclose(moved.expression[3], 0, atol=1e-6)
    assert np.abs(moved.jaw[6] - start.jaw[6]).max() > 1e-4


class LipReader(torch.nn.Module):
    def forward(self, mouths: torch.Tensor) -> torch.Tensor:
        return (
            torch.nn.functional.avg_pool2d(mouths.flatten(0, 1), 11)
            .flatten(1)
            .unflatten(0, mouths.shape[:2])
        )


def test_a_lip_reader_of_the_user_s_takes_part(head, truth, clip, track, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.methods.spectre._STEPS", 2)
    path = tmp_path / "reader.pt"
    torch.jit.trace(LipReader(), torch.rand(1, 2, 1, 88, 88)).save(str(path))
    with_reader = descend_on_clip(clip, track, truth, head, Report(), SpectreSlots(path))
    without = descend_on_clip(clip, track, truth, head, Report(), SpectreSlots(reads_lips=False))
    assert np.abs(with_reader.jaw - without.jaw).max() > 0
    path.write_bytes(b"no network")
    with pytest.raises(AVFaceError, match="not a TorchScript network"):
        descend_on_clip(clip, track, truth, head, Report(), SpectreSlots(path))


def test_spectre_s_network_reads_each_picture_once_and_chunks_do_not_show(
    head, truth, clip, track, monkeypatch
):
    torch.manual_seed(0)
    network = SpectreEncoder(TINY).eval()
    torch.nn.init.normal_(network.last.weight, std=0.3)
    counts = []
    embed_pictures = network.embed
    monkeypatch.setattr(
        network, "embed", lambda images: counts.append(len(images)) or embed_pictures(images)
    )
    whole = estimate_spectre(clip, track, truth, head, network)
    assert sum(counts) == FRAMES
    network.config = replace(TINY, spectre_frames=3)
    pieces = estimate_spectre(clip, track, truth, head, network)
    np.testing.assert_allclose(pieces.jaw, whole.jaw, atol=1e-6)
    assert whole.head_pose is truth.head_pose


def test_colours_lead_on_a_card_as_they_do_here(head, truth, clip, track, monkeypatch):
    monkeypatch.setattr(adaptation, "_STEPS", 2)
    start = with_errors(head, truth)
    here = adapt_to_clip(clip, track, start, head, Report())
    with pretend_card():
        there = adapt_to_clip(clip, track, start, head, Report())
    np.testing.assert_array_equal(there.expression, here.expression)
    np.testing.assert_array_equal(there.jaw, here.jaw)


def test_spectre_descends_on_a_card_as_it_does_here(head, truth, clip, track, monkeypatch):
    monkeypatch.setattr("engine.methods.spectre._STEPS", 2)
    start = with_errors(head, truth)
    here = descend_on_clip(clip, track, start, head, Report())
    with pretend_card():
        there = descend_on_clip(clip, track, start, head, Report())
        network = SpectreEncoder(TINY).eval().to("cuda")
        said = estimate_spectre(clip, track, start, head, network)
    np.testing.assert_allclose(there.expression, here.expression, atol=1e-6)
    np.testing.assert_allclose(there.jaw, here.jaw, atol=1e-6)
    assert np.isfinite(said.expression).all()
