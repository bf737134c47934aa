"""The weights of AVFace's own networks: what they stand on, and that they know faces."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.methods.coarse import unpack_models
from engine.models.config import SHARED, Config
from engine.training.described import load_described
from engine.training.shared import SharedOptions, SharedTask
from engine.training.sights import draw_shard, shard_path
from engine.training.speech import Utterance
from engine.weights import default_head_sha256, load_network, locate, registry


@pytest.fixture(scope="module")
def shipped():
    return load_network("avface")


def test_they_stand_on_the_networks_that_are_shipped(shipped):
    """When one changes: scripts/recipes/train_avface_lite.py, with --draw 0 for another sound."""
    tensors, about = shipped
    config = Config.from_json(about["config"])
    assert (
        replace(config, spectre_kernel=SHARED.spectre_kernel) == SHARED
    )  # SPECTRE isn't in the file
    assert about["sound"] == "phones"
    assert about["head"] == default_head_sha256()
    for name in ("landmarks", "reader", "phones"):
        assert about[name] == registry()[name]["sha256"], name
    assert all(torch.isfinite(value).all() for value in tensors.values())
    assert locate("avface").stat().st_size < 6 << 20


def test_they_open_as_a_capture_s_networks(shipped):
    models = unpack_models(*shipped)
    assert models.on_landmarks
    parameters = [p for n in (models.coarse, models.expression) for p in n.parameters()]
    assert sum(p.numel() for p in parameters) < 3_000_000
    assert not any(p.requires_grad for p in parameters)


def test_they_follow_performers_they_have_not_met(shipped, tmp_path):
    tone = 0.1 * np.sin(np.arange(48_000) / 9).astype(np.float32)
    corpus = [Utterance(tone, (("SIL", 0.0, 0.5), ("AA", 0.5, 1.5), ("M", 1.5, 3.0)), "tone", "")]
    path = shard_path(tmp_path, "test", 0)
    torch.set_num_threads(1)
    draw_shard(corpus, 771, 0, clips=4).write(path)
    data = load_described([path], corpus)
    state = {name: value.float() for name, value in shipped[0].items()}
    task = SharedTask(data, data, SharedOptions(), start=state)
    figures = task.judge(task.stage.eval())
    assert figures["nme_clear"] < 3.5
    assert figures["r_gap"] > 0.85
    assert figures["turn"] < 5
