"""Corrections of a few frames: they stand, and they mend the frames around them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.corrections import Correction, land, load_corrections, spread, teach_track
from engine.exchange.protocol import AVFaceError
from engine.faces.track import FaceTrack
from engine.fitting.recipe import FitOptions, fit_clip
from engine.fitting.terms import CHIN, CHIN_EDGE, INNER_LIPS, OUTER_LIPS
from engine.geometry import embed
from engine.geometry import project as to_pixels
from engine.head.model import FaceParams, Head
from engine.progress import Report
from engine.weights import load_head

SIZE, FOCAL, FRAMES = (640, 480), 1280.0, 50
TIMES = np.arange(FRAMES) / 25
WRONG = slice(12, 38)  # frames in which the tracker sees the mouth too far open


@pytest.fixture(scope="module")
def head():
    return Head(load_head())


@pytest.fixture(scope="module")
def misled(head):
    """What was played, a track that sees jaw and lower lip too low in WRONG, and its fit."""
    truth = FaceParams.neutral(head, FRAMES, FOCAL)
    jaw = np.zeros((FRAMES, 3))
    jaw[:, 0] = 0.1 + 0.05 * np.sin(5 * TIMES)
    truth = truth.replace(jaw=jaw)
    track = track_of(head, truth)
    upper = {61, 291, 78, 308, 185, 40, 39, 37, 0, 267, 269, 270, 409, 191, 80, 81, 82, 13, 312,
             311, 310, 415}  # fmt: skip
    lower = list((set(INNER_LIPS + OUTER_LIPS) - upper) | set(CHIN + CHIN_EDGE))
    landmarks = track.landmarks.copy()
    ramp = np.clip((np.arange(FRAMES) - WRONG.start) / 4, 0, 1)
    ramp *= np.clip((WRONG.stop - np.arange(FRAMES)) / 4, 0, 1)
    landmarks[:, lower, 1] += 12 * ramp[:, None]
    track = replace(track, landmarks=landmarks)
    return truth, track, fit_clip(track, head, FitOptions(focal=FOCAL), Report())


def track_of(head, params) -> FaceTrack:
    rest, file = head.rest(params.shape), head.file
    landmarks = np.zeros((FRAMES, 478, 3), np.float32)
    for t in range(FRAMES):
        vertices = head.camera_frame(params, t, rest)
        points = np.concatenate(
            [embed(vertices, file.faces, e) for e in (file.landmarks_468, file.iris)]
        )
        landmarks[t, :, :2] = to_pixels(points, FOCAL, SIZE)
        depth = -(points[:, 2] - params.head_translation[t, 2])
        landmarks[t, :, 2] = depth * FOCAL / -params.head_translation[t, 2]
    boxes = np.concatenate([landmarks[..., :2].min(1), landmarks[..., :2].max(1)], 1)
    return FaceTrack(
        boxes, landmarks, np.ones(FRAMES, bool), np.ones((FRAMES, 5)),
        np.full((FRAMES, 3), np.nan), TIMES, SIZE,
    )  # fmt: skip


def test_two_corrected_frames_mend_their_neighbours(head, misled):
    truth, track, fit = misled
    rows = [
        Correction(frame, {name: 0.0 for name in head.unit if name.startswith("mouth")},
                   jaw=tuple(truth.jaw[frame]))
        for frame in (19, 31)
    ]  # fmt: skip
    taught = teach_track(track, fit.params, rows, head)
    options = FitOptions(focal=FOCAL)
    again = fit_clip(taught, head, options, Report(), known=fit.person)
    params = land(again.params, fit.params, rows, head, TIMES)

    def error(p):
        return np.abs(p.jaw - truth.jaw)[WRONG, 0].mean()

    assert error(params) < 0.5 * error(fit.params)
    for row in rows:
        np.testing.assert_allclose(params.jaw[row.frame], row.jaw, atol=2e-3)
    np.testing.assert_allclose(params.shape, fit.params.shape)
    far = np.r_[0:6, 46:50]
    assert np.abs(params.jaw - fit.params.jaw)[far].max() < 0.02


def test_without_a_change_nothing_moves(head, misled):
    _, track, fit = misled
    same = [Correction(20, jaw=tuple(fit.params.jaw[20]))]
    taught = teach_track(track, fit.params, same, head)
    np.testing.assert_allclose(taught.landmarks, track.landmarks, atol=1e-4)


def test_shares_are_whole_at_home_and_never_more(misled):
    _, _, fit = misled
    rows = [Correction(10), Correction(12), Correction(40)]
    shares = spread(TIMES, fit.params, rows)
    assert shares.shape == (3, FRAMES)
    assert (shares.sum(0) <= 1 + 1e-9).all() and (shares >= 0).all()
    alone = spread(TIMES, fit.params, rows[:1])
    assert alone[0, 10] == pytest.approx(1)


def test_a_unit_that_no_landmark_shows_stands_too(head, misled):
    _, _, fit = misled
    params = land(fit.params, fit.params, [Correction(20, {"tongueOut": 0.8})], head, TIMES)
    column = params.expression[:, head.unit["tongueOut"]]
    assert column[20] == pytest.approx(0.8) and 0 < column[23] <= 0.8 and column[49] < 0.5


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"corrections": []}', '{"corrections": [{"time": "soon"}]}',
     '{"corrections": [{"time": 0, "jaw": [1]}]}',
     '{"corrections": [{"time": 0, "expression": {"earWiggle": 1}}]}'],
)  # fmt: skip
def test_what_is_no_corrections_is_said_in_a_sentence(text, tmp_path):
    path = tmp_path / "corrections.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AVFaceError):
        load_corrections(path, ("mouthClose",), TIMES)


def test_corrections_are_found_by_time(tmp_path):
    path = tmp_path / "corrections.json"
    row = {"time": 0.81, "expression": {"mouthClose": 0.5}, "jaw": [0.1, 0, 0]}
    path.write_text(json.dumps({"corrections": [row]}), encoding="utf-8")
    assert load_corrections(path, ("mouthClose",), TIMES) == [
        Correction(20, {"mouthClose": 0.5}, (0.1, 0.0, 0.0))
    ]
