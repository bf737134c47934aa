"""Each stage's trainer lowers its losses with tiny networks, and goes on where it stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from engine.methods.coarse import unpack_models
from engine.models.config import Config
from engine.models.fine import FineNetwork
from engine.models.lips import restore
from engine.training.checkpoint import read_log
from engine.training.coarse import CoarseOptions, CoarseTask
from engine.training.expression import ExpressionTask
from engine.training.fine import FineOptions, FineTask
from engine.training.lip_refinement import (
    LipRefinementOptions,
    LipRefinementTask,
    RefinedCodes,
)
from engine.training.loop import LoopOptions, train
from engine.training.occluded import OccludedTask
from engine.training.spectre import SpectreOptions, SpectreTask
from engine.training.stages import StageOptions
from engine.weights import load_head

STEPS = 14


def run(task, folder: Path, **changes) -> dict:
    settings = {"steps": STEPS, "lr": 3e-3, "evaluate_every": 1000, "log_every": 1, "ema": 0.5}
    return train(task, LoopOptions(folder, **{**settings, **changes}))


def has_fallen(folder: Path, share: float, name: str = "total") -> bool:
    lines = [line for line in read_log(folder) if line["kind"] == "train"]
    losses = np.array([line["losses"][name] for line in lines])
    return losses[-3:].mean() < share * losses[:2].mean()


@pytest.fixture
def build(performers, tiny):
    """A task on the made-up windows."""

    def make(kind, **changes):
        torch.manual_seed(0)
        options_of = {
            FineTask: FineOptions, SpectreTask: SpectreOptions,
            LipRefinementTask: LipRefinementOptions,
        }  # fmt: skip
        options = options_of.get(kind, CoarseOptions)(batch=2, test_windows=2, **changes)
        return kind(options, {"train": performers, "test": performers})

    return make


def test_the_coarse_stage_learns_and_its_weights_can_be_captured_with(build, tmp_path):
    result = run(build(CoarseTask), tmp_path)
    assert has_fallen(tmp_path, 0.8)
    assert result["figures"]["nme"] < 60
    names = set(read_log(tmp_path)[1]["losses"])
    assert {"landmark", "eye_closure", "mouth_closure", "lip_corner", "photometric", "same_shape",
            "regular", "light", "mesh", "pose"} <= names  # fmt: skip
    with safe_open(tmp_path / "best.safetensors", "pt") as file:
        models = unpack_models(load_file(tmp_path / "best.safetensors"), file.metadata())
    assert models.config.window == 4 and models.head


def test_a_resumed_stage_equals_an_uninterrupted_one(build, tmp_path):
    run(build(CoarseTask, photometric=False), tmp_path / "whole", steps=4)
    for _ in range(20):
        task = build(CoarseTask, photometric=False)
        if run(task, tmp_path / "parts", steps=4, pause_after=0.3)["finished"]:
            break
    a, b = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_the_expression_stage_leaves_the_coarse_encoder_alone(build, tmp_path):
    task = build(ExpressionTask, photometric=False)
    before = {k: v.clone() for k, v in task.model.coarse.state_dict().items()}
    run(task, tmp_path)
    assert has_fallen(tmp_path, 0.9, "units")
    after = task.model.coarse.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("senses", ["audio", "video"])
def test_a_branch_without_a_sense_does_not_hear_or_see_it(build, tiny, senses):
    model = build(ExpressionTask, photometric=False, senses=senses).model.eval()
    generator = torch.Generator().manual_seed(0)
    pictures, sound = torch.rand(1, 4, 3, 48, 48, generator=generator), torch.randn(1, 4, 16, 29)
    e = model.express(pictures, sound)
    if senses == "audio":
        assert torch.equal(e, model.express(1 - pictures, sound))
    else:
        assert torch.equal(e, model.express(pictures, -sound))


def test_without_time_a_frame_stands_alone(build):
    model = build(ExpressionTask, photometric=False, looks_around=False).model.eval()
    pictures, sound = torch.rand(1, 4, 3, 48, 48), torch.randn(1, 4, 16, 29)
    other = pictures.clone()
    other[:, 1] = 0
    a, b = model.express(pictures, sound), model.express(other, sound)
    assert torch.equal(a[:, 2], b[:, 2]) and not torch.equal(a[:, 1], b[:, 1])


def test_the_occluded_stage_learns_on_hands(build, tmp_path):
    task = build(OccludedTask, photometric=False)
    batch = task.batch_at(0, 0)
    assert batch.covered.any() and batch.belief.all()
    result = run(task, tmp_path)
    assert has_fallen(tmp_path, 0.85) and "nme_covered" in result["figures"]


def test_the_lip_stage_learns_what_a_capture_takes(performers, tiny, tmp_path):
    one = type(performers)(performers.samples[:1])
    task = LipRefinementTask(
        LipRefinementOptions(batch=1, test_windows=1), {"train": one, "test": one}
    )
    batch = task.batch_at(0, 0)
    with torch.no_grad():
        before = float(sum(task.losses(batch).values()))
    run(task, tmp_path, steps=40, lr=5e-3, weight_decay=0.0, schedule="constant")
    with torch.no_grad():
        after = float(sum(task.losses(batch).values()))
    assert after < 0.99 * before  # most of it is the coarse stage's, which stays
    assert set(read_log(tmp_path)[1]["losses"]) == {
        "total", "landmark", "mouth_closure", "lip_corner", "photometric", "mesh", "normals",
    }  # fmt: skip
    with safe_open(tmp_path / "best.safetensors", "pt") as file:
        assert file.metadata()["kind"] == "phones"
        restore(load_file(tmp_path / "best.safetensors"), file.metadata())


def test_refined_lips_move_lips_alone_and_not_in_silence(build):
    task = build(LipRefinementTask)
    batch = task.batch_at(0, 0)
    coarse = task._coarse_codes(batch)
    lips = torch.zeros(len(coarse.jaw), len(task.region.vertices), 3)
    still = RefinedCodes(**vars(coarse), lips=lips)
    assert torch.equal(task.faces.vertices(still), task.faces.vertices(coarse))
    lips[:, :, 1] = 1e-3 * task.fade[:, 0]
    moved = RefinedCodes(**vars(coarse), lips=lips)
    apart = (task.faces.vertices(moved) - task.faces.vertices(coarse)).norm(dim=-1)[0]
    others = np.delete(np.arange(len(apart)), task.region.vertices)
    assert apart[others].max() == 0
    full = task.region.vertices[task.region.fade == 1]
    np.testing.assert_allclose(apart[full], 1e-3 * float(coarse.camera[0, 0]), rtol=0.01)
    marks = (task.faces.landmarks(moved) - task.faces.landmarks(coarse)).norm(dim=-1)[0]
    assert marks[60:].min() > 0.99 * marks.max() and marks[48:].min() > 0  # the inner lips whole
    assert marks[17:48].max() == 0
    said = task._refined(task.model, coarse, batch).lips.detach().numpy()
    assert np.abs(said).max() > 0
    np.testing.assert_allclose(task.region.as_moved(said), said, atol=1e-3 * np.abs(said).max())
    quiet = replace(batch, sound=torch.zeros_like(batch.sound))
    assert task._refined(task.model, coarse, quiet).lips.abs().max() == 0


def test_the_fine_stage_learns(build, tmp_path):
    task = build(FineTask)
    run(task, tmp_path, steps=6, lr=1e-3)
    assert has_fallen(tmp_path, 0.99)
    assert set(read_log(tmp_path)[1]["losses"]) == {
        "total", "photometric", "normals", "mrf", "symmetry", "displacement",
    }  # fmt: skip
    with safe_open(tmp_path / "best.safetensors", "pt") as file:
        about = file.metadata()
        assert about["reads"] == "pictures" and about["head"] == load_head().sha256
        FineNetwork(Config.from_json(about["config"])).load_state_dict(
            load_file(tmp_path / "best.safetensors")
        )


class Flat(nn.Module):
    """A feature network small enough for a test."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., :: self.step, :: self.step].flatten(-3) - 0.3


def test_spectre_learns_with_all_its_losses(build, tmp_path):
    for name, step in (("lips", 4), ("emotion", 16)):
        torch.jit.script(Flat(step)).save(tmp_path / f"{name}.pt")
    task = build(
        SpectreTask, lip_reader=tmp_path / "lips.pt", emotion_network=tmp_path / "emotion.pt"
    )
    run(task, tmp_path / "run")
    assert has_fallen(tmp_path / "run", 0.85, "mouth")
    assert set(read_log(tmp_path / "run")[1]["losses"]) == {
        "total", "expression", "jaw", "outline", "mouth", "lip_reading", "emotion",
    }  # fmt: skip


def test_spectre_without_networks_keeps_the_geometric_losses(build, monkeypatch):
    monkeypatch.setattr("engine.training.spectre.own_lip_reader", lambda: None)
    task = build(SpectreTask)
    batch = task.batch_at(0, 0)
    assert batch.pictures.shape[:2] == (2, 6)
    assert set(task.losses(batch)) == {"expression", "jaw", "outline", "mouth"}


def test_the_options_begin_as_the_papers_say():
    options = LoopOptions(Path(), steps=1)
    assert (options.optimizer, options.lr, options.weight_decay) == ("adam", 1e-4, 5e-4)
    assert StageOptions(config="full").networks.window == 16
    assert SpectreOptions().batch == 1
