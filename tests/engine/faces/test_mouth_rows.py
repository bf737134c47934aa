"""The picture of an open mouth, and the rows that the shipped network reads in it."""

import numpy as np
import pytest
import torch

from engine.faces.mouth_crop import CROP_COLUMNS, CROP_ROWS, LOWER_INNER, UPPER_INNER, crop_mouth
from engine.faces.mouth_rows import read_rows
from engine.models.rows import COLUMNS, FIRST, LAST, ROWS, RowsNet, beside_skin, edges_of
from engine.training.loop import LoopOptions, train
from engine.training.open_mouths import OpenMouths, draw_mouths
from engine.training.rows import Mouths, RowsTask

DARK = np.array([40, 12, 12])


def face(gap, turn=0.0):
    """Points (478, 3) of a face 200 px wide whose inner lips are `gap` px apart."""
    points = np.zeros((478, 3), np.float32)
    points[[33, 263], :2] = [[-70, -60], [70, -60]]
    across = np.linspace(-28, 28, len(UPPER_INNER))
    points[list(UPPER_INNER), :2] = np.column_stack([across, 0 * across - gap / 2])
    points[list(LOWER_INNER), :2] = np.column_stack([across, 0 * across + gap / 2])
    cosine, sine = np.cos(turn), np.sin(turn)
    points[:, :2] = points[:, :2] @ np.array([[cosine, sine], [-sine, cosine]])
    points[:, :2] += 150
    return points


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_its_rows_go_from_lip_to_lip_whichever_way_a_head_leans(turn):
    points = face(40.0, turn)
    down = np.array([-np.sin(turn), np.cos(turn)])
    row, column = np.mgrid[:300, :300] + 0.5
    height = (column - 150) * down[0] + (row - 150) * down[1]  # px below the mouth's middle
    pixels = np.repeat(np.clip(128 + 2 * height, 0, 255).astype(np.uint8)[..., None], 3, 2)
    crop = crop_mouth(pixels, points)
    expected = 128 + 2 * 40 * (np.linspace(FIRST, LAST, CROP_ROWS) - 0.5)
    assert crop.shape == (ROWS, COLUMNS, 3) == (CROP_ROWS, CROP_COLUMNS, 3)
    np.testing.assert_allclose(crop[..., 0], np.tile(expected[:, None], CROP_COLUMNS), atol=4)


def test_a_mouth_that_is_shut_or_out_of_the_picture_is_no_fault():
    pixels = np.full((300, 300, 3), 200, np.uint8)
    assert not crop_mouth(pixels, face(1.0)).any()
    assert crop_mouth(pixels, face(80.0) + 1000).all()


def test_a_fine_picture_is_averaged_not_sampled():
    points = face(100.0)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    assert crop_mouth(noise, points).std() < 0.7 * noise.std()


def test_only_what_is_open_and_lit_is_read():
    points = np.stack([face(30.0), face(30.0), face(1.0)])
    colours = np.full((3, 478, 3), 150, np.uint8)
    colours[1, :, 0] = 30
    crops = np.tile(DARK.astype(np.uint8), (3, CROP_ROWS, CROP_COLUMNS, 1))
    read = read_rows(points, colours, crops)
    assert read is not None and read.shape == (3, 2, 2)
    assert np.isfinite(read).all((1, 2)).tolist() == [True, False, False]


def test_drawn_people_that_it_never_saw_are_read():
    drawn = draw_mouths(909, 60)
    from engine.faces.mouth_rows import NETWORK
    from engine.weights import load_network

    net = RowsNet().eval()
    net.load_state_dict(load_network(NETWORK)[0])
    mouths = Mouths.of(drawn)
    with torch.no_grad():
        edges, sd = edges_of(net(mouths.pictures, mouths.gaps))
    for k in range(2):
        sure = sd[:, k] < 0.12
        assert sure.float().mean() > 0.25
        assert (edges - mouths.edges)[sure, k].abs().median() < 0.05


def test_it_learns_where_light_ends(tmp_path):
    """Light from above to the first edge, and from the second down."""
    torch.manual_seed(0)
    edges = np.sort(np.random.default_rng(0).uniform(0.1, 0.9, (256, 2)), axis=1)
    places = np.linspace(FIRST, LAST, ROWS)[None, :]
    light = (places < edges[:, :1]) | (places > edges[:, 1:])
    crops = np.where(light[:, :, None, None], 220, DARK).astype(np.uint8)
    crops = np.ascontiguousarray(np.broadcast_to(crops, (256, ROWS, COLUMNS, 3)))
    skin, gaps = np.full((256, 3), 150, np.float32), np.full(256, 0.2, np.float32)
    drawn = OpenMouths(crops, skin, gaps, edges.astype(np.float32))
    assert beside_skin(crops, skin).abs().max() < 4
    task = RowsTask(Mouths.of(drawn), Mouths.of(drawn))
    figures = train(task, LoopOptions(tmp_path, steps=150, lr=4e-3, warmup=30, ema=0.9))["figures"]
    assert figures["upper_off"] < 0.05 and figures["lower_off"] < 0.05
