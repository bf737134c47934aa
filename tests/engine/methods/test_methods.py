"""Methods and qualities: what runs for which, and what is said where a network is missing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import REGIONS
from engine.fitting import FitResult
from engine.fitting.leaning import hidden_mouth
from engine.head.model import FaceParams, Head
from engine.methods import dispatch as methods
from engine.methods.dispatch import Footage, apply_method, check_method
from engine.options import CaptureOptions
from engine.progress import Report
from engine.weights import registry
from tests.made_tracks import made_track

FRAMES = 3


@pytest.fixture(scope="module")
def track():
    landmarks = np.random.default_rng(0).uniform(50, 90, (FRAMES, 478, 3))
    return made_track(landmarks.astype(np.float32), (160, 120))


@pytest.fixture
def calls(head, monkeypatch):
    """Which stages ran, in order; each adds a tenth to the jaw."""
    ran = []

    def stage(name):
        def run(clip, track, params, *_):
            ran.append(name)
            return params.replace(jaw=params.jaw + 0.1)

        return run

    monkeypatch.setattr("engine.methods.adaptation.adapt_to_clip", stage("colours"))
    monkeypatch.setattr("engine.methods.spectre.descend_on_clip", stage("spectre"))
    networks = FaceParams.neutral(head, FRAMES, 300.0)
    monkeypatch.setattr(methods, "_networks", lambda *_: ran.append("networks") or networks)
    return ran


def run(head, track, calls, **options):
    def fit(report):
        calls.append("fit")
        params = FaceParams.neutral(head, FRAMES, 300.0)
        nothing = np.zeros(FRAMES)
        return FitResult(params, np.zeros((FRAMES, 68, 2)), np.ones((FRAMES, 5)), nothing)

    footage = Footage(None, track, head, CaptureOptions(**options), None)
    return apply_method(footage, fit, Report())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["fit"]),
        ({"quality": "high"}, ["fit", "colours"]),
        ({"method": "spectre"}, ["fit", "spectre"]),
        ({"method": "spectre", "quality": "high"}, ["fit", "spectre", "colours"]),
    ],
)
def test_each_method_runs_its_stages(head, track, calls, options, expected):
    result = run(head, track, calls, **options)
    assert calls == expected
    np.testing.assert_allclose(result.params.jaw, 0.1 * (len(expected) - 1))
    if len(expected) > 1:  # the landmarks are of the face that was handed on
        assert np.abs(result.landmarks_px).max() > 0


def test_lips_are_read_unless_that_is_declined(head, track, calls, monkeypatch, tmp_path):
    given, mine = [], tmp_path / "mine.pt"
    torch.jit.script(torch.nn.Identity()).save(str(mine))
    monkeypatch.setattr(
        "engine.methods.spectre.descend_on_clip", lambda *args: given.append(args[-1]) or args[2]
    )
    for reader in ("", "none", str(mine)):
        run(head, track, calls, method="spectre", lip_reader=reader)
    assert [slots.reads_lips for slots in given] == [True, False, True]
    assert [slots.lip_reader for slots in given] == [None, None, mine]


def test_avface_s_networks_lead_covered_mouths_or_stand_alone(head, track, calls, monkeypatch):
    leant = []

    def lean(fit, networks, hidden, *_):
        leant.append((networks, hidden))
        return fit.replace(jaw=fit.jaw + 0.3)

    monkeypatch.setattr("engine.fitting.leaning.lean_on_networks", lean)
    run(head, track, calls, method="avface")
    assert calls == ["fit"]  # nothing is covered
    calls.clear()
    covered = np.zeros((FRAMES, len(REGIONS)))
    run(head, replace(track, confidence=covered), calls, method="avface")
    assert calls == ["fit"]  # nor is it ever clear
    calls.clear()
    monkeypatch.setattr("engine.fitting.leaning.hardly_clear", lambda hidden: False)
    result = run(head, replace(track, confidence=covered), calls, method="avface")
    assert calls == ["networks", "fit"]
    assert leant[0][0] is None and leant[1][0] is not None
    np.testing.assert_allclose(leant[1][1], 1)
    np.testing.assert_allclose(result.params.jaw, 0.3)
    calls.clear()
    result = run(head, track, calls, method="avface", quality="draft")
    assert calls == ["networks"]
    assert result.confidence.shape == (FRAMES, len(REGIONS))


def test_a_draft_is_what_the_reader_says(head, track, calls, monkeypatch):
    read = FaceParams.neutral(head, FRAMES, 300.0).replace(jaw=np.full((FRAMES, 3), 0.05))
    asked, believed = [], []

    def read_landmarks(points, size, focal, trust):
        asked.append((points, size, focal))
        believed.append(trust)
        return SimpleNamespace(params=read)

    monkeypatch.setattr("engine.sight.reader.read_landmarks", read_landmarks)
    monkeypatch.setattr("engine.sight.second_look.second_look", lambda clip, track: track)
    monkeypatch.setattr(methods, "registry", lambda: registry() | {"reader": {}})
    result = run(head, track, calls, method="fit", quality="draft", focal=250.0)
    assert asked == [(track.landmarks, track.size, 250.0)]
    assert not calls
    for name, value in vars(read).items():  # open eyes stay open
        np.testing.assert_array_equal(getattr(result.params, name), value, err_msg=name)
    assert (believed[0] == 1).all()
    assert (result.confidence == 1).all()


def test_a_missing_network_is_said_in_one_sentence_before_the_work(head, track, calls, monkeypatch):
    carried = {name: row for name, row in registry().items() if name.startswith("head")}
    monkeypatch.setattr(methods, "registry", lambda: carried)
    for options, name in (
        ({"method": "avface"}, "avface"),
        ({"method": "spectre", "quality": "draft"}, "spectre"),
        ({"method": "fit", "quality": "draft"}, "reader"),
    ):
        with pytest.raises(AVFaceError, match=f"needs the network {name}"):
            run(head, track, calls, **options)
    assert not calls


def test_what_a_method_does_not_take_is_refused(head, tmp_path):
    with pytest.raises(AVFaceError, match="for SPECTRE's descent"):
        check_method(CaptureOptions(lip_reader="reader.pt"), head)
    with pytest.raises(AVFaceError, match="no network at"):
        check_method(CaptureOptions(method="spectre", lip_reader="missing.pt"), head)
    weights = tmp_path / "weights.pt"
    torch.save({"a": torch.zeros(1)}, weights)
    with pytest.raises(AVFaceError, match="not a TorchScript network"):
        check_method(CaptureOptions(method="spectre", lip_reader=str(weights)), head)
    network = tmp_path / "emotion.onnx"
    network.touch()
    check_method(CaptureOptions(method="spectre", emotion_network=str(network)), head)
    other = Head(replace(head.file, sha256="another", name="Another head"))
    for method in ("fit", "avface"):
        with pytest.raises(AVFaceError, match="default head alone"):
            check_method(CaptureOptions(method=method, quality="draft"), other)
    check_method(CaptureOptions(quality="high"), other)


def test_drafts_go_straight_across_covers(head, track, calls, monkeypatch):
    """The head always; the mouth where the reader, not AVFace's networks, has read it."""
    read, asked = FaceParams.neutral(head, FRAMES, 300.0), []

    def across(params, hidden, head, mouth):
        asked.append((hidden.tolist(), mouth))
        return params

    confidence, seen = track.confidence.copy(), track.seen.copy()
    confidence[:2, REGIONS.index("mouth")] = 0.2
    seen[1] = False  # led over already
    track = replace(track, confidence=confidence, seen=seen)
    monkeypatch.setattr("engine.fitting.leaning.across_covers", across)
    monkeypatch.setattr(
        "engine.sight.reader.read_landmarks", lambda *_: SimpleNamespace(params=read)
    )
    monkeypatch.setattr("engine.sight.second_look.second_look", lambda clip, track: track)
    monkeypatch.setattr(methods, "registry", lambda: registry() | {"reader": {}})
    for method in ("fit", "avface"):
        run(head, track, calls, method=method, quality="draft")
    hidden = hidden_mouth(track).tolist()
    assert asked == [(hidden, True), (hidden, False)] and max(hidden) > 0.2
