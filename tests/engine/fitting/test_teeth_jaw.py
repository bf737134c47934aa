"""The jaw by the rows of teeth: found again from where they are seen, no word where they aren't."""

from dataclasses import replace

import numpy as np
import pytest

from engine.faces.mouth_crop import EYES
from engine.fitting.landmark_head import JAW, landmark_head
from engine.fitting.start import first_pose
from engine.fitting.teeth import edge_vertices
from engine.fitting.teeth_jaw import jaw_by_rows
from engine.geometry import embed, project
from engine.head.model import FaceParams
from tests.made_tracks import made_track

SIZE, FOCAL, FRAMES = (640, 480), 1800.0, 16
SURE, LOST = 0.02, 0.4  # of the gap
SEEN = np.ones(FRAMES, bool)


@pytest.fixture(scope="module")
def talk(head):
    """A mouth that opens and shuts, of a head that nods and turns."""
    t = np.arange(FRAMES)
    params = FaceParams.neutral(head, FRAMES, FOCAL)
    expression = params.expression.copy()
    for name, column in head.unit.items():
        if name.startswith(("mouthUpperUp", "mouthLowerDown")):
            expression[:, column] = 0.6
    jaw = np.zeros((FRAMES, 3))
    jaw[:, 0] = 0.15 + 0.13 * np.sin(t)
    pose = np.stack([0.1 * np.sin(0.7 * t), 0.1 * np.cos(t), 0 * t], 1)
    return params.replace(expression=expression, jaw=jaw, head_pose=pose)


def seen(head, params, sd=SURE):
    """The track of such a film, its rows where the mesh has them."""
    file, rest = head.file, head.rest(params.shape)
    landmarks = np.zeros((FRAMES, 478, 3), np.float32)
    rows = np.zeros((FRAMES, 2, 2), np.float32)
    edges = [edge_vertices(file, name) for name in ("upper_teeth", "lower_teeth")]
    middle = [edge[np.abs(file.template[edge, 0]).argmin()] for edge in edges]
    for t in range(FRAMES):
        vertices = head.camera_frame(params, t, rest)
        points = embed(vertices, file.faces, file.landmarks_468)
        landmarks[t, :468, :2] = project(points, FOCAL, SIZE)
        landmarks[t, :468, 2] = -points[:, 2] * FOCAL / -points[:, 2].mean()
        top, bottom = landmarks[t, [13, 14], :2]
        way = (bottom - top) / np.sum((bottom - top) ** 2)
        rows[t, :, 0] = (project(vertices[middle], FOCAL, SIZE) - top) @ way
    rows[..., 1] = sd
    landmarks[..., 2] -= landmarks[:, :468, 2].mean()
    assert np.ptp(landmarks[:, EYES, 0], axis=1).min() > 50
    return made_track(landmarks, SIZE, rows=rows)


def test_the_jaw_is_found_again(head, talk):
    track, small = seen(head, talk), landmark_head(head.file)
    told = jaw_by_rows(track, small, first_pose(track, small), SEEN)
    assert np.abs(told.angle - talk.jaw[:, 0]).max() < 0.03
    assert np.corrcoef(told.angle, talk.jaw[:, 0])[0, 1] > 0.99
    assert told.sd.max() < 0.03


def test_a_row_that_the_upper_lip_hides_stands_where_other_frames_show_it(head, talk):
    track, small = seen(head, talk), landmark_head(head.file)
    start = first_pose(track, small)
    whole = jaw_by_rows(track, small, start, SEEN)
    assert track.rows is not None
    track.rows[5, 0] = -0.4, LOST
    told = jaw_by_rows(track, small, start, SEEN)
    assert abs(told.angle[5] - whole.angle[5]) < 0.04
    assert whole.sd[5] < told.sd[5] < 0.03


@pytest.mark.parametrize("nothing", ["rows", "sure", "seen"])
def test_nothing_is_said_of_what_isnt_read(head, talk, nothing):
    track, small = seen(head, talk, LOST if nothing == "sure" else SURE), landmark_head(head.file)
    if nothing == "rows":
        assert track.rows is not None
        track.rows[:] = np.nan
    told = jaw_by_rows(track, small, first_pose(track, small), SEEN)
    mouth_seen = np.full(FRAMES, nothing != "seen")
    targets = told.targets(np.arange(FRAMES), mouth_seen, small)
    wide = track.landmarks[:, 14, 1] - track.landmarks[:, 13, 1] > 12  # px
    assert not targets.weight[wide].any()
    whole = jaw_by_rows(seen(head, talk), small, first_pose(track, small), SEEN)
    assert whole.targets(np.arange(FRAMES), ~mouth_seen | True, small).weight[:, JAW.start].all()


def test_a_mouth_covered_in_part_says_nothing_and_misleads_no_other(head, talk):
    track, small = seen(head, talk), landmark_head(head.file)
    start = first_pose(track, small)
    whole = jaw_by_rows(track, small, start, SEEN)
    assert track.rows is not None
    track.rows[5, :, 0] += 0.5  # the rim of a cup
    hidden = np.zeros((FRAMES, 478), np.float32)
    hidden[5, 14] = 1
    told = jaw_by_rows(replace(track, hidden=hidden), small, start, SEEN)
    assert np.isinf(told.sd[5])
    others = np.arange(FRAMES) != 5
    assert np.abs(told.angle - whole.angle)[others].max() < 0.005
    assert np.isinf(jaw_by_rows(track, small, start, ~SEEN).sd).all()
