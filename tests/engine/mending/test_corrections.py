"""Corrections of a few frames: they stand, and they mend the frames around them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.faces.track import FaceTrack
from engine.fitting.landmark_head import landmark_head
from engine.fitting.landmark_track import landmark_track
from engine.fitting.recipe import FitOptions, fit_clip
from engine.fitting.terms import CHIN, CHIN_EDGE, INNER_LIPS, OUTER_LIPS
from engine.geometry import embed
from engine.geometry import project as to_pixels
from engine.head.model import FaceParams
from engine.mending.corrections import (
    Correction,
    land,
    load_corrections,
    posed,
    spread,
    taught,
    teach_track,
)
from engine.mending.dragged import pose_to_landmarks
from engine.progress import Report
from tests.made_tracks import made_track

SIZE, FOCAL, FRAMES = (640, 480), 1280.0, 50
TIMES = np.arange(FRAMES) / 25
WRONG = slice(12, 38)  # frames in which the tracker sees the mouth too far open


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
    """What a tracker without error would see, the outline where the fit expects it."""
    rest, file = head.rest(params.shape), head.file
    aside = np.zeros((478, 3))
    aside[:468] = landmark_head(file).template[:468]
    aside[:468] -= embed(file.template, file.faces, file.landmarks_468)
    landmarks = np.zeros((FRAMES, 478, 3), np.float32)
    for t in range(FRAMES):
        vertices = head.camera_frame(params, t, rest)
        points = np.concatenate(
            [embed(vertices, file.faces, e) for e in (file.landmarks_468, file.iris)]
        )
        points = points + aside  # the head doesn't turn here
        landmarks[t, :, :2] = to_pixels(points, FOCAL, SIZE)
        depth = -(points[:, 2] - params.head_translation[t, 2])
        landmarks[t, :, 2] = depth * FOCAL / -params.head_translation[t, 2]
    return made_track(landmarks, SIZE, times=TIMES)


def refined(head, track, captured, first, person, rows) -> FaceParams:
    """What `refine` does once the clip has been seen."""
    rows = posed(captured, rows, head, SIZE)
    lesson = teach_track(track, captured, rows, head)
    again = fit_clip(lesson, head, FitOptions(focal=FOCAL), Report(), known=person)
    moved = taught(captured, first, again.params, rows, head, TIMES)
    return land(moved, captured, rows, head, TIMES)


def marks_of(head, params) -> np.ndarray:
    return landmark_track(head, params, SIZE)


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


LOWER_LIP = (*range(55, 60), *range(65, 68))
RIGHT_CORNER = 48


def test_lips_that_are_dragged_in_two_frames_mend_their_neighbours(head, misled):
    truth, track, fit = misled
    right, wrong = marks_of(head, truth), marks_of(head, fit.params)
    rows = [
        Correction(frame, landmarks={k: tuple(right[frame, k]) for k in LOWER_LIP})
        for frame in (19, 31)
    ]
    mended = marks_of(head, refined(head, track, fit.params, fit.params, fit.person, rows))

    def error(marks):
        return np.linalg.norm(marks - right, axis=2)[:, LOWER_LIP].mean(1)

    before, after = error(wrong), error(mended)
    assert after[[19, 31]].max() < 0.25 * before[[19, 31]].min()
    assert after[WRONG].mean() < 0.5 * before[WRONG].mean()


def test_a_take_that_is_wrong_beyond_its_fit_is_mended_too(head, misled):
    """Ten frames of the take, not of the track, have a corner of the lips pulled aside."""
    truth, _, _ = misled
    track = track_of(head, truth)
    fit = fit_clip(track, head, FitOptions(focal=FOCAL), Report())
    bad = slice(20, 30)
    expression = fit.params.expression.copy()
    expression[bad, head.unit["mouthStretchRight"]] += 0.6
    captured = fit.params.replace(expression=expression)
    right, wrong = marks_of(head, fit.params), marks_of(head, captured)
    rows = [
        Correction(k, landmarks={RIGHT_CORNER: tuple(right[k, RIGHT_CORNER])}) for k in (22, 27)
    ]
    mended = marks_of(head, refined(head, track, captured, fit.params, fit.person, rows))
    before = np.linalg.norm(wrong - right, axis=2)[bad, RIGHT_CORNER]
    after = np.linalg.norm(mended - right, axis=2)[bad, RIGHT_CORNER]
    assert before.min() > 2
    neighbours = [k for k in range(10) if k not in (2, 7)]
    assert after[[2, 7]].max() < 0.5
    assert after[neighbours].mean() < 0.5 * before[neighbours].mean()


def test_a_dragged_corner_moves_its_neighbours_less_and_far_frames_not_at_all(head):
    truth = FaceParams.neutral(head, 150, FOCAL)
    frame = 20
    place = marks_of(head, truth[frame : frame + 1])[0, RIGHT_CORNER] + [-6, -8]
    rows = posed(truth, [Correction(frame, landmarks={RIGHT_CORNER: tuple(place)})], head, SIZE)
    times = np.arange(150) / 25
    wanted = truth.replace(expression=truth.expression + 0.0)
    wanted.expression[:, head.unit["mouthSmileRight"]] += 0.3  # whatever another fit gives
    moved = taught(truth, truth, wanted, rows, head, times)
    final = land(moved, truth, rows, head, times)
    marks = marks_of(head, final)
    np.testing.assert_allclose(marks[frame, RIGHT_CORNER], place, atol=0.5)
    far = times > times[frame] + 1.8
    np.testing.assert_allclose(final.expression[far], truth.expression[far], atol=1e-12)
    np.testing.assert_allclose(final.jaw[far], truth.jaw[far], atol=1e-12)


def test_a_dragged_face_keeps_its_pose_and_stays_in_the_heads_range(head):
    frame = FaceParams.neutral(head, 1, FOCAL)
    marks = marks_of(head, frame)[0]
    for number, way in ((48, (-6, -8)), (57, (0, 10)), (19, (0, -8)), (37, (0, 3))):
        place = marks[number] + way
        found = pose_to_landmarks(frame, {number: tuple(place)}, head, SIZE)
        left = np.linalg.norm(marks_of(head, found)[0, number] - place)
        assert left < 0.2 * np.linalg.norm(way), number
        np.testing.assert_array_equal(found.head_pose, frame.head_pose)
        assert (found.expression[0] >= head.file.expression_low - 1e-6).all()
        assert (found.expression[0] <= head.file.expression_high + 1e-6).all()
        eyes = [k for k in range(36, 48) if number < 36 or k not in range(36, 42)]
        if number >= 48:
            moved = np.linalg.norm(marks_of(head, found)[0] - marks, axis=1)
            assert moved[eyes].max() < 0.5, "what is far away stays"


@pytest.mark.parametrize("numbers", [(30,), (27, 33), (2,), (14,), (0, 16)])
def test_nose_and_jaw_line_move_the_head(head, numbers):
    """They are no part of an expression; lips that are dragged leave the head where it is."""
    frame = FaceParams.neutral(head, 1, FOCAL)
    marks = marks_of(head, frame)[0]
    dragged = {k: tuple(marks[k] + (6, 4)) for k in numbers}
    found = pose_to_landmarks(frame, dragged, head, SIZE)
    moved = marks_of(head, found)[0]
    for k, place in dragged.items():
        assert np.linalg.norm(moved[k] - place) < 1.5
    assert np.abs(found.expression - frame.expression).max() < 0.35
    assert np.abs(found.head_translation - frame.head_translation).max() < 0.03
    assert np.linalg.norm(found.head_pose - frame.head_pose) < 0.2


def test_a_take_whose_head_is_turned_wrongly_is_mended_by_the_nose(head):
    """Ten frames of the take have the head turned; nose and jaw line are dragged in two."""
    truth = FaceParams.neutral(head, FRAMES, FOCAL)
    track = track_of(head, truth)
    fit = fit_clip(track, head, FitOptions(focal=FOCAL), Report())
    bad = slice(20, 30)
    turned = fit.params.head_pose.copy()
    turned[bad, 1] += 0.08
    captured = fit.params.replace(head_pose=turned)
    right, wrong = marks_of(head, fit.params), marks_of(head, captured)
    rigid = (27, 30, 33, 2, 14)
    rows = [Correction(k, landmarks={n: tuple(right[k, n]) for n in rigid}) for k in (22, 27)]
    mended = marks_of(head, refined(head, track, captured, fit.params, fit.person, rows))

    def error(marks):
        return np.linalg.norm(marks - right, axis=2)[bad].mean(1)

    before, after = error(wrong), error(mended)
    neighbours = [k for k in range(10) if k not in (2, 7)]
    assert after[[2, 7]].max() < 0.4 * before[[2, 7]].min()
    assert after[neighbours].mean() < 0.5 * before[neighbours].mean()


def test_dragging_a_landmark_to_where_it_is_changes_nothing(head):
    frame = FaceParams.neutral(head, 1, FOCAL)
    marks = marks_of(head, frame)[0]
    same = pose_to_landmarks(frame, {48: tuple(marks[48])}, head, SIZE)
    np.testing.assert_allclose(same.expression, frame.expression, atol=1e-4)


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


def test_neighbouring_corrections_stand_all(head, misled):
    _, _, fit = misled
    rows = [Correction(k, {"mouthClose": v}, (0.1 * v, 0, 0)) for k, v in ((20, 0.2), (21, 0.9))]
    params = land(fit.params, fit.params, rows, head, TIMES)
    column = params.expression[:, head.unit["mouthClose"]]
    np.testing.assert_allclose(column[[20, 21]], (0.2, 0.9), atol=1e-9)
    np.testing.assert_allclose(params.jaw[[20, 21], 0], (0.02, 0.09), atol=1e-9)


def test_a_unit_that_no_landmark_shows_stands_too(head, misled):
    _, _, fit = misled
    params = land(fit.params, fit.params, [Correction(20, {"tongueOut": 0.8})], head, TIMES)
    column = params.expression[:, head.unit["tongueOut"]]
    assert column[20] == pytest.approx(0.8) and 0 < column[23] <= 0.8 and column[49] < 0.5


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"corrections": []}', '{"corrections": [{"time": "soon"}]}',
     '{"corrections": [{"time": 0, "jaw": [1]}]}',
     '{"corrections": [{"time": 0, "expression": {"earWiggle": 1}}]}',
     '{"corrections": [{"time": 0, "landmarks": {"68": [1, 2]}}]}',
     '{"corrections": [{"time": 0, "landmarks": {"48": [1]}}]}',
     '{"corrections": [{"time": 0, "landmarks": {"48": [1, Infinity]}}]}',
     '{"corrections": [{"time": 0, "expression": {"mouthClose": NaN}}]}',
     '{"corrections": [{"time": 99, "expression": {"mouthClose": 1}}]}',
     '{"corrections": [{"time": 0, "landmarks": {"chin": [1, 2]}}]}'],
)  # fmt: skip
def test_what_is_no_corrections_is_said_in_a_sentence(text, tmp_path):
    path = tmp_path / "corrections.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AVFaceError):
        load_corrections(path, ("mouthClose",), TIMES)


def test_a_file_of_corrections_that_is_not_there_or_holds_a_list_is_said_in_words(tmp_path):
    path = tmp_path / "corrections.json"
    with pytest.raises(AVFaceError, match=r"can't be read \(No such file or directory\)"):
        load_corrections(path, ("mouthClose",), TIMES)
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(AVFaceError, match=r"holds no corrections\. docs/fileformats.md says"):
        load_corrections(path, ("mouthClose",), TIMES)


def test_corrections_are_found_by_time(tmp_path):
    path = tmp_path / "corrections.json"
    row = {"time": 0.81, "expression": {"mouthClose": 0.5}, "jaw": [0.1, 0, 0],
           "landmarks": {"48": [310.5, 200]}}  # fmt: skip
    path.write_text(json.dumps({"corrections": [row]}), encoding="utf-8")
    assert load_corrections(path, ("mouthClose",), TIMES) == [
        Correction(20, {"mouthClose": 0.5}, (0.1, 0.0, 0.0), landmarks={48: (310.5, 200.0)})
    ]
