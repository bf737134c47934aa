"""AVFace's encoders on the shared trunk: shards, their truth, and trainers that learn from them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.audio.features import SpeechFeatures, step_count
from engine.exchange.protocol import AVFaceError
from engine.models.config import SHARED
from engine.models.sight import SIGHT, part
from engine.training import described, linear_start
from engine.training.ablation import (
    ROWS,
    by_sound_first,
    compare,
    lips_of_clips,
    row_task,
    rows_with,
)
from engine.training.described import TAKES, VARIANTS, Described, load_described
from engine.training.loop import LoopOptions, train
from engine.training.moments import cut
from engine.training.shared import SharedOptions, SharedTask
from engine.training.sights import FRAMES, Sights, draw_shard, read_corpus, shard_path
from engine.training.sights import _write_corpus as write_corpus
from engine.training.speech import Utterance
from engine.training.trackers import track_points

TINY = replace(
    SHARED, backbone_hidden=32, coarse_hidden=32, transformer_layers=1, transformer_hidden=32
)


@pytest.fixture(autouse=True)
def few_examples(monkeypatch):
    """Three clips hold no more than this for a linear answer to be found from."""
    monkeypatch.setattr(linear_start, "_EXAMPLES", 2_000)


@pytest.fixture(scope="module")
def corpus() -> list[Utterance]:
    tone = 0.1 * np.sin(np.arange(48_000) / 9).astype(np.float32)
    phones = (("SIL", 0.0, 0.2), ("AA", 0.2, 1.2), ("M", 1.2, 1.4), ("IY", 1.4, 3.0))
    return [Utterance(tone, phones, "tone", "")]


@pytest.fixture(scope="module")
def shard(corpus) -> Sights:
    torch.set_num_threads(1)
    return draw_shard(corpus, 3, 0, clips=3)


@pytest.fixture(scope="module")
def data(shard, corpus, tmp_path_factory) -> Described:
    path = shard_path(tmp_path_factory.mktemp("shards"), "train", 0)
    shard.write(path)
    return load_described([path], corpus)


def test_a_corpus_is_read_as_it_was_written(corpus, tmp_path):
    write_corpus(tmp_path / "spoken.npz", corpus)
    again = read_corpus(tmp_path / "spoken.npz")
    assert again[0].phones == corpus[0].phones
    np.testing.assert_allclose(again[0].waveform, corpus[0].waveform, atol=1e-4)


def test_shards_are_the_same_again_and_the_network_finds_the_points(shard, corpus):
    again = draw_shard(corpus, 3, 0, clips=1)
    np.testing.assert_array_equal(again.units[0], shard.units[0])
    np.testing.assert_array_equal(again.points[0], shard.points[0])
    error = np.linalg.norm(shard.points - shard.true_points, axis=-1)
    assert np.median(error[~shard.covered]) < 0.06  # half crops
    assert shard.colours.dtype == np.uint8


def test_a_tracker_follows_what_it_sees(shard):
    points = track_points(shard, 0, np.random.default_rng(0))
    error = np.linalg.norm(points - shard.true_points[0], axis=-1)
    assert points.shape == shard.true_points[0].shape
    assert np.median(error[~shard.covered[0]]) < 0.06


def test_codes_and_what_is_read_speak_of_the_same_camera(data):
    clips = data.e.shape[0]
    assert data.sight.shape == (VARIANTS, clips, FRAMES, SIGHT)
    assert data.sound.shape == (TAKES, clips, FRAMES, 16, 29)
    assert data.c.shape == (clips, FRAMES, SHARED.coarse_code)
    assert data.e.shape == (clips, FRAMES, SHARED.expression_code)
    camera = data.sight[0][..., part("camera")].float()
    true = data.c[..., SHARED.coarse_parts()["camera"]]
    assert (camera[..., 0] / true[..., 0]).log().abs().median() < 0.15


@pytest.mark.parametrize("branch", ["coarse", "expression"])
def test_each_branch_learns_and_the_other_stays(data, tmp_path, branch):
    torch.manual_seed(0)
    task = SharedTask(data, data, SharedOptions(branch, batch=4), TINY)
    for straight in (task.stage.coarse.image.straight, task.stage.expression.straight):
        torch.nn.init.zeros_(straight.weight)  # three clips are no task for a linear answer
    before = {k: v.clone() for k, v in task.model.state_dict().items()}
    batch = task.batch_at(0, 0)

    def total() -> float:
        torch.manual_seed(1)
        with torch.no_grad():
            return float(sum(task.losses(batch).values()))

    at_first = total()
    loop = LoopOptions(tmp_path, steps=12, lr=2e-3, ema=0.5, evaluate_every=100)
    figures = train(task, loop, lambda _: None)["figures"]
    assert total() < at_first
    other = "expression." if branch == "coarse" else "coarse."
    for name, value in task.model.state_dict().items():
        if name.startswith(other):
            torch.testing.assert_close(value, before[name])
    assert next(iter(figures)) == "nme"


def test_it_begins_as_the_best_linear_answer(data):
    task = SharedTask(data, data, SharedOptions(batch=4), TINY)
    zero = np.zeros(3, int)
    batch = cut(data, zero, zero, np.arange(3), zero, SHARED.window)
    with torch.no_grad():
        e = task.stage.express(batch.sight, batch.sound)
        mean = batch.e.mean((0, 1), keepdim=True)
        assert (e - batch.e).square().mean() < 0.5 * (mean - batch.e).square().mean()


def test_rows_hear_and_see_what_they_say(data):
    coarse = SharedTask(data, data, SharedOptions(batch=2)).model.state_dict()
    names = [row.name for rows in ROWS.values() for row in rows]
    assert len(set(names)) == len(names)
    row = next(row for row in ROWS["table 1"] if row.name == "e from audio")
    task = row_task(row, data, data, coarse, batch=2)
    batch = task.batch_at(0, 0)
    with torch.no_grad():
        e = task.stage.express(batch.sight, batch.sound)
        blind = task.stage.express(torch.zeros_like(batch.sight), batch.sound)
    torch.testing.assert_close(e, blind)


def test_rows_of_other_features_want_a_model_of_the_user_s(shard, corpus, tmp_path, monkeypatch):
    def names(models):
        return [row.name for row in rows_with(models)["table 2"]]

    assert names(()) == ["phones", "mel"]
    assert names({"deepspeech"}) == ["phones", "mel", "deepspeech"]
    assert list(rows_with((), ["table 3"])) == ["table 3"]
    path = shard_path(tmp_path, "train", 0)
    shard.write(path)
    random = np.random.default_rng(0)
    seen = random.normal(size=(VARIANTS, 3, FRAMES, SIGHT)).astype(np.float16)
    monkeypatch.setattr(described, "read_shard", lambda _: seen)
    with pytest.raises(AVFaceError, match="need a model of yours"):
        load_described([path], corpus, "deepspeech")
    asked = []

    def letters(waveform, kind, model):
        asked.append((kind, model))
        return SpeechFeatures(kind, random.normal(size=(step_count(len(waveform)), 7)).astype("f4"))

    monkeypatch.setattr(described, "speech_features", letters)
    data = load_described([path], corpus, "wav2vec2", tmp_path)
    assert data.sound.shape[-1] == 7 and set(asked) == {("wav2vec2", tmp_path)}
    of_seven = replace(SHARED, audio_channels=7)
    coarse = SharedTask(data, data, SharedOptions(batch=2), of_seven).model.state_dict()
    row = rows_with({"wav2vec2"})["table 2"][-1]
    assert row_task(row, data, data, coarse, batch=2).config.audio_channels == 7


def test_rows_of_both_senses_hear_before_they_see():
    for row in (row for rows in ROWS.values() for row in rows):
        first = by_sound_first(row)
        assert (first is None) == (row.options.senses != "both" or bool(row.begins_with))
        if first:
            assert first.options.senses == "audio" and first.sound == row.sound
            assert first.options.looks_around == row.options.looks_around


def test_lips_of_clips_tell_what_is_seen_covered_and_lost(data):
    data = replace(data, spoken=torch.ones(3, dtype=torch.bool), covered=data.covered.clone())
    data.covered[:] = False
    data.covered[0] = True
    task = SharedTask(data, data, SharedOptions(batch=2), TINY)
    found = lips_of_clips(task, task.stage.eval())
    assert {name: len(values) for name, values in found.items()} == dict(seen=3, covered=3, lost=3)
    np.testing.assert_array_equal(np.isfinite(found["seen"]), [False, True, True])
    np.testing.assert_array_equal(np.isfinite(found["covered"]), [True, False, False])
    assert np.isfinite(found["lost"]).all() and (found["lost"][1:] > found["seen"][1:]).any()


def test_rows_are_compared_on_the_same_clips():
    generator = np.random.default_rng(0)
    people = generator.normal(2, 1, 40)
    one = people + 0.05 * generator.normal(size=(3, 40))
    other = people - 0.2 + 0.05 * generator.normal(size=(3, 40))
    other[0, 0] = np.nan
    alone, beside = compare(other), compare(other, one)
    assert alone[1] < alone[0] < alone[2] and alone[2] - alone[1] > 0.3
    assert -0.25 < beside[1] < beside[0] < beside[2] < -0.15
