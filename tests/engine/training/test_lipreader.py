"""The small lip reader: its squares keep still, its mouths are drawn, and it learns."""

import numpy as np
import pytest
import torch

from engine.geometry import embed
from engine.models.lipreader import VISEMES, LipReader, LipReaderConfig
from engine.training.lipreader import LipReaderTask
from engine.training.loop import LoopOptions, train
from engine.training.mouth_clips import (
    FRAMES,
    MouthClips,
    MouthFilmer,
    draw_manner,
    paint_mouth,
    viseme_of,
    visemes_at,
)
from engine.training.mouths import MouthPainter, crop_mouths, mouth_squares
from engine.training.people import build_stage
from engine.training.sights import shard_path, shard_paths
from engine.training.speech import Utterance
from engine.training.system import Codes, Faces, head_albedo
from engine.training.visemes import CHANNELS
from engine.weights import load_head


@pytest.fixture(scope="module")
def face() -> torch.Tensor:
    """Landmarks of the head from the front, (1, 9, 68, 2) in units of a crop."""
    file = load_head()
    points = embed(file.template, file.faces, file.landmarks_68)
    flat = torch.from_numpy(points[:, :2] * [7.0, -7.0]).float()
    return flat.expand(1, 9, -1, -1).clone()


def test_a_mouth_that_opens_leaves_its_square_s_size_alone(face):
    shut = mouth_squares(face)[1]
    opened = face.clone()
    opened[:, 4:, 55:60, 1] += 0.2
    torch.testing.assert_close(mouth_squares(opened)[1], shut)


def test_a_square_turns_and_grows_with_the_face(face):
    middle, half = mouth_squares(face)
    spin = torch.polar(torch.tensor(1.5), torch.tensor(0.3))
    points = torch.view_as_real(torch.view_as_complex(face) * spin + 0.1)
    moved, grown = mouth_squares(points)
    torch.testing.assert_close(moved, middle * spin + 0.1)
    torch.testing.assert_close(grown, half * spin)


def test_the_mouth_s_middle_is_the_crop_s_middle(face):
    picture = torch.zeros(1, 9, 3, 101, 101)
    x, y = ((face[0, 0, 48:].mean(0) + 1) / 2 * 101).long().tolist()
    picture[..., y - 1 : y + 2, x - 1 : x + 2] = 1.0
    mouths = crop_mouths(picture, face, 21)
    assert mouths.shape == (1, 9, 1, 21, 21)
    bright = torch.nonzero(mouths[0, 0, 0] > 0.5).float().mean(0)
    torch.testing.assert_close(bright, torch.tensor([10.0, 10.0]), atol=0.5, rtol=0)


def test_an_open_mouth_is_darker_than_lips_that_meet_and_moves_with_the_jaw():
    file = load_head()
    count = 2
    light = torch.zeros(count, 9, 3)
    light[:, 0] = 1.0
    jaw = torch.tensor([[0.0, 0, 0], [0.25, 0, 0]]).requires_grad_()
    codes = Codes(
        torch.zeros(count, 100), torch.zeros(count, 50), torch.zeros(count, 3),
        torch.tensor([7.0, 0, 0]).expand(count, -1), light,
        torch.zeros(count, len(file.expression_names)), jaw, torch.zeros(count, 6),
    )  # fmt: skip
    marks = Faces(file).landmarks(codes)[None]
    drawn = MouthPainter(file, head_albedo(file))(codes, mouth_squares(marks), 48)
    assert drawn.shape == (1, 2, 1, 48, 48)
    middle = drawn[0, :, 0, 16:32, 16:32].detach()
    assert middle[1].min() < 0.6 * middle[0].median()
    drawn[0, 1].sum().backward()
    assert torch.isfinite(jaw.grad).all() and jaw.grad[1, 0] != 0


def test_visemes_of_phones():
    assert VISEMES[viseme_of("B")] == VISEMES[viseme_of("M")] == "p"
    assert VISEMES[viseme_of("AH0")] == VISEMES[viseme_of("EY1")] == "E"
    said = visemes_at([("B", 0.1, 0.2), ("AA", 0.2, 0.3)], np.array([0.0, 0.1, 0.25, 0.4]))
    assert [VISEMES[v] for v in said] == ["sil", "p", "a", "sil"]


def test_manners_differ_and_stay_within_reach():
    generator = np.random.default_rng(0)
    manners = [draw_manner(generator) for _ in range(50)]
    jaws, lips = ([getattr(manner, name) for manner in manners] for name in ("jaw", "lips"))
    assert 0.3 <= min(jaws) < 0.8 < 1.5 < max(jaws) <= 2.6 and 0.3 <= min(lips) < max(lips) <= 2.6
    upper = [manner.targets["EH"][CHANNELS.index("mouthUpperUp")] for manner in manners]
    assert np.std(np.log(upper)) > 0.3


def test_mouths_look_their_own_way_and_the_stage_stays():
    stage, generator = build_stage(), np.random.default_rng(0)
    before, teeth = stage.paint_mean.copy(), stage.paint_names.index("teeth")
    light = [paint_mouth(stage, generator).paint_mean[teeth] - before[teeth] for _ in range(30)]
    assert np.std(light) > 0.4 and -1 < np.mean(light) < 0
    np.testing.assert_array_equal(stage.paint_mean, before)


def test_performers_are_filmed_and_drawn(tmp_path):
    said = Utterance(np.zeros(32_000, np.float32), (("SIL", 0, 0.2), ("AA", 0.2, 2.0)), "none", "")
    clips = MouthFilmer([said], 5).shard(0, clips=2)
    assert clips.filmed.shape == clips.drawn.shape == (2, FRAMES, 60, 60)
    assert clips.filmed.std() > 5 and clips.drawn.std() > 5
    clips.write(shard_path(tmp_path, "mouths_train", 0))
    again = MouthClips.read(shard_paths(tmp_path, "mouths_train"))
    np.testing.assert_array_equal(again.visemes, clips.visemes)


def bars(count: int, seed: int) -> MouthClips:
    """Mouths that are dark bars: thin for p, thick for a."""
    generator = np.random.default_rng(seed)
    thick = generator.random((count, FRAMES)) < 0.5
    pictures = np.full((count, FRAMES, 60, 60), 200, np.uint8)
    pictures[:, :, 28:32, 18:42] = 20
    pictures[thick, 22:38, 18:42] = 20
    visemes = np.where(thick, VISEMES.index("a"), VISEMES.index("p")).astype(np.uint8)
    shapes = thick[..., None].astype(np.float16)
    return MouthClips(pictures, pictures, visemes, np.ones((count, FRAMES), bool), shapes)


def test_it_learns_to_read(tmp_path):
    torch.manual_seed(0)
    config = LipReaderConfig(widths=(4, 8, 8), features=16, shapes=1)
    task = LipReaderTask(LipReader(config), bars(8, 0), bars(4, 1), batch=4)
    options = LoopOptions(tmp_path, steps=40, lr=1e-2, evaluate_every=100, ema=0.8)
    figures = train(task, options)["figures"]
    assert figures["right"] > 0.9 > figures["chance"]
    assert figures["right_p"] > 0.9 and figures["apart"] < 1e-6 < figures["apart_others"]


def test_sizes_survive_a_weights_file():
    config = LipReaderConfig(side=32, widths=(4, 8), features=16, shapes=3)
    assert LipReaderConfig.from_metadata(config.metadata()) == config
    mouths = torch.rand(2, 5, 1, 88, 88)
    reader = LipReader(config).eval()
    assert reader(mouths).shape == (2, 5, 16) and reader.read(mouths).shape == (2, 5, len(VISEMES))
    darker = 0.5 * mouths + 0.1
    torch.testing.assert_close(reader(darker), reader(mouths), rtol=1e-3, atol=1e-4)
