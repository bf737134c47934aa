from dataclasses import replace

import numpy as np
import pytest

from engine.exchange.head_file import TEETH_LIFT
from engine.faces.looks import LOWER_INNER, MOUTH_ROWS, UPPER_INNER
from engine.faces.mouth import read_teeth
from engine.fitting.teeth import _edges, place_teeth
from engine.geometry import embed, project
from engine.head.model import FaceParams
from engine.render import visible_faces
from tests.made_tracks import made_track

SIZE, FOCAL = (640, 480), 1800.0
FRAMES = 24


@pytest.fixture(scope="module")
def smiles(head):
    """Somebody whose lips lay both rows of teeth bare."""
    t = np.arange(FRAMES)
    params = FaceParams.neutral(head, FRAMES, FOCAL)
    expression = params.expression.copy()
    for name, column in head.unit.items():
        if name.startswith(("mouthUpperUp", "mouthLowerDown")):
            expression[:, column] = 0.8
    jaw = np.zeros((FRAMES, 3))
    jaw[:, 0] = 0.06 + 0.02 * np.sin(t)
    pose = np.stack([0.05 * np.sin(t), 0.1 * np.cos(t), 0 * t], 1)
    return params.replace(expression=expression, jaw=jaw, head_pose=pose)


def lifted(params, height):
    """The person with teeth so much higher, m."""
    shape = params.shape.copy()
    shape[-1] = height / TEETH_LIFT
    return params.replace(shape=shape)


def seen(head, params):
    """The track of such a film: teeth read where the mesh shows them between its inner lips."""
    file, rest = head.file, head.rest(params.shape)
    rows = file.masks["upper_teeth"] | file.masks["lower_teeth"]
    landmarks = np.zeros((len(params), 478, 3), np.float32)
    teeth = np.zeros((len(params), MOUTH_ROWS, len(UPPER_INNER)), np.float32)
    down = ((np.arange(MOUTH_ROWS) + 0.5) / MOUTH_ROWS)[:, None, None]
    for t in range(len(params)):
        vertices = head.camera_frame(params, t, rest)
        landmarks[t, :468, :2] = project(
            embed(vertices, file.faces, file.landmarks_468), FOCAL, SIZE
        )
        placed = np.column_stack([project(vertices, FOCAL, SIZE), -vertices[:, 2]])
        faces, _ = visible_faces(placed, file.faces, SIZE)
        upper, lower = (landmarks[t, list(line), :2] for line in (UPPER_INNER, LOWER_INNER))
        x, y = np.moveaxis((upper + down * (lower - upper)).astype(int), -1, 0)
        teeth[t] = rows[file.faces[faces[y, x], 0]]
    return made_track(landmarks, SIZE, teeth=teeth)


@pytest.mark.parametrize("height", [1e-3, -1e-3, -1.5e-3])
def test_the_height_is_found_again(head, smiles, height):
    track = seen(head, lifted(smiles, height))
    found = place_teeth(smiles, track, head).shape
    assert abs(found[-1] * TEETH_LIFT - height) < 0.4e-3, found[-1]
    assert np.abs(found[:-1]).max() == 0


def test_where_lightness_takes_two_rows_for_one_the_reader_knows_the_upper_one(head, smiles):
    """A grin whose upper teeth reach the lower lip; where it isn't sure it tells nothing."""
    low, frames = -2e-3, np.arange(FRAMES)
    jaw = smiles.jaw * [0.4, 1, 1]
    true = lifted(smiles.replace(jaw=jaw), low)
    track = seen(head, true)
    grin = replace(track, teeth=np.ones_like(track.teeth))
    edge = _edges(true, SIZE, head, frames)[0].place[:, 2]
    rows = np.stack([np.stack([edge, np.ones(FRAMES)], 1)] * 2, 1)  # (T, 2, 2) place and sd
    rows[:, 0, 1], rows[:, 1, 1] = 0.08, 0.6

    def found(read):
        person = place_teeth(true.replace(shape=smiles.shape), replace(grin, rows=read), head)
        return person.shape[-1] * TEETH_LIFT

    assert abs(found(rows) - low) < 0.6e-3 < abs(found(None) - low)
    unsure = rows.copy()
    unsure[:, 0, 1] = 0.5
    assert found(unsure) == found(None)


def test_only_teeth_and_tongue_move_and_the_bite_stays(head, smiles):
    apart = head.frame(lifted(smiles, 1e-3), 0) - head.frame(smiles, 0)
    masks = head.file.masks
    rows = masks["upper_teeth"] | masks["lower_teeth"] | masks["tongue"]
    assert np.abs(apart[~rows]).max() < 1e-7
    np.testing.assert_allclose(apart[masks["upper_teeth"], 1], 1e-3, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(apart[masks["lower_teeth"]], axis=1), 1e-3, atol=1e-6)


def test_who_never_parts_the_lips_keeps_the_heads(head, smiles):
    track = seen(head, smiles)
    for teeth in (None, np.full_like(track.teeth, np.nan)):
        assert place_teeth(smiles, replace(track, teeth=teeth), head) is smiles


@pytest.mark.parametrize("height", [1.5e-3, -1.5e-3])
def test_lower_teeth_alone_tell_some_of_it(head, smiles, height):
    """In speech the upper row is in the lip's shade: the lower one has its height, or its bite."""
    track = seen(head, lifted(smiles, height))
    below = np.array(track.teeth)
    below[:, : MOUTH_ROWS // 2] = 0
    found = place_teeth(smiles, replace(track, teeth=below), head).shape[-1] * TEETH_LIFT
    assert 0.2 < found / height < 1, found


def test_networks_of_fewer_columns_get_teeth_too(head, smiles):
    track = seen(head, lifted(smiles, -1.5e-3))
    short = smiles.replace(shape=smiles.shape[: head.file.face_columns])
    np.testing.assert_allclose(
        place_teeth(short, track, head).shape, place_teeth(smiles, track, head).shape
    )


def test_light_and_colour_tell_teeth():
    """A light, pale row is teeth; a red one isn't, nor a dark one."""
    landmarks, colours = np.zeros((1, 478, 3)), np.full((1, 478, 3), (170, 145, 145), np.uint8)
    landmarks[0, 263, 0] = 100
    landmarks[0, list(LOWER_INNER), 1] = 20
    lips = np.full((1, 2, 7, 3), (190, 90, 90), np.uint8)
    mouth = np.zeros((1, MOUTH_ROWS, 9, 3), np.uint8)
    mouth[:] = (170, 85, 85)
    mouth[:, 1], mouth[:, 3] = (205, 195, 180), (40, 35, 34)
    teeth = read_teeth(landmarks, colours, mouth, lips)
    assert teeth[0, 1].min() > 0.9
    assert teeth[0, [0, 2, 3, 4, 5, 6]].max() < 0.1
    landmarks[0, list(LOWER_INNER), 1] = 1
    assert np.isnan(read_teeth(landmarks, colours, mouth, lips)).all()
