"""The training loop on a line to be fitted: quick, and the truth is known."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.exchange.protocol import AVFaceError
from engine.training.checkpoint import read_log
from engine.training.loop import LoopOptions, learning_rate, train
from engine.training.process import on_device

ROOT = Path(__file__).parents[3]


class Line:
    """y = 2 x + 1 by a network with dropout and batch normalisation: all that a state can hold."""

    name = "line"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Linear(1, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1)
        )
        self.seen: list[int] = []

    def batch_at(self, seed: int, step: int) -> tuple[Tensor, Tensor]:
        self.seen.append(step)
        generator = torch.Generator().manual_seed(seed + step)
        x = torch.randn(16, 1, generator=generator)
        return x, 2 * x + 1

    def losses(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        x, y = batch
        out = self.model(x)
        return {"squared": ((out - y) ** 2).mean(), "absolute": 0.1 * (out - y).abs().mean()}

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        x = torch.linspace(-1, 1, 21)[:, None]
        return {"error": float((model(x) - 2 * x - 1).abs().mean())}


def options(folder: Path, **changes) -> LoopOptions:
    settings = {"steps": 60, "lr": 1e-2, "evaluate_every": 20, "log_every": 5, "ema": 0.9}
    return LoopOptions(folder, **{**settings, **changes})


def test_a_run_learns_and_leaves_its_weights_and_its_log(tmp_path):
    said: list[str] = []
    result = train(Line(), options(tmp_path, steps=200), said.append)
    assert result["finished"] and result["step"] == 200
    lines = read_log(tmp_path)
    totals = [line["losses"]["total"] for line in lines if line["kind"] == "train"]
    first, last = totals[0], totals[-1]
    assert last < 0.5 * first
    assert result["best"] < 0.6 and any("error" in line for line in said)
    assert set(load_file(tmp_path / "best.safetensors")) == set(Line().model.state_dict())
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("prefetch", [0, 3])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, prefetch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(Line(), options(whole))
    calls = 0
    while not train(Line(), options(parts, pause_after=0.02, prefetch=prefetch))["finished"]:
        calls += 1
    assert calls > 1
    for name in ("last", "best"):
        a, b = (load_file(folder / f"{name}.safetensors") for folder in (whole, parts))
        assert all(torch.equal(a[key], b[key]) for key in a), name
    a, b = ([(line["step"], line["losses"]) for line in read_log(folder) if line["kind"] == "train"]
            for folder in (whole, parts))  # fmt: skip
    assert a == b


def test_a_killed_run_goes_on_from_its_checkpoint(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(Line(), options(whole))

    class Dies(Line):
        def losses(self, batch):
            if len(self.seen) == 33:
                raise RuntimeError("the machine is gone")
            return super().losses(batch)

    with pytest.raises(RuntimeError):
        train(Dies(), options(killed))
    assert train(Line(), options(killed))["finished"]
    a, b = (load_file(folder / "last.safetensors") for folder in (whole, killed))
    assert all(torch.equal(a[key], b[key]) for key in a)
    steps = [line["step"] for line in read_log(killed) if line["kind"] == "train"]
    assert steps == sorted(set(steps))


def test_a_finished_run_is_left_alone(tmp_path):
    train(Line(), options(tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert train(Line(), options(tmp_path))["finished"]
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_run_by_the_clock_ends_in_time(tmp_path):
    start = time.monotonic()
    result = train(Line(), options(tmp_path, steps=None, seconds=1.0))
    assert result["finished"] and 0.5 < time.monotonic() - start < 3.0
    rates = [line["lr"] for line in read_log(tmp_path) if line["kind"] == "train"]
    assert rates[-1] < 0.1 * rates[0]


def test_ctrl_c_leaves_a_checkpoint(tmp_path):
    class Interrupted(Line):
        def losses(self, batch):
            if len(self.seen) == 10:
                os.kill(os.getpid(), signal.SIGINT)
            return super().losses(batch)

    result = train(Interrupted(), options(tmp_path))
    assert not result["finished"] and result["step"] == 10
    assert train(Line(), options(tmp_path))["step"] == 60


def test_half_precision_learns_on_the_cpu(tmp_path):
    result = train(Line(), options(tmp_path, steps=150, precision="bf16"))
    assert result["best"] < 0.7


def test_a_step_without_a_finite_gradient_is_left_out(tmp_path):
    class Bad(Line):
        def losses(self, batch):
            scale = float("nan") if len(self.seen) == 7 else 1.0
            return {name: scale * loss for name, loss in super().losses(batch).items()}

    task = Bad()
    train(task, options(tmp_path))
    assert all(bool(p.isfinite().all()) for p in task.model.parameters())


def test_the_learning_rate_rises_falls_and_drops():
    cosine = LoopOptions(Path(), steps=100, lr=1.0, warmup=10)
    assert learning_rate(cosine, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(cosine, 50, 0.5) == pytest.approx(0.5)
    assert learning_rate(cosine, 99, 1.0) == pytest.approx(0.0)
    spectre = LoopOptions(Path(), steps=100, lr=5e-5, schedule="constant", rate_drops=(50,))
    assert learning_rate(spectre, 49, 0.5) == pytest.approx(5e-5)
    assert learning_rate(spectre, 50, 0.5) == pytest.approx(1e-5)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(AVFaceError, match="resumed"):
        train(Line(), options(tmp_path))


def test_batches_of_any_shape_are_moved():
    from collections import namedtuple

    pair = namedtuple("pair", "a b")
    moved = on_device({"x": pair(torch.ones(1), "text"), "y": [torch.ones(2)]}, torch.device("cpu"))
    assert moved["x"].b == "text" and moved["y"][0].shape == (2,)


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path):
    """torchrun with two CPU processes ends with one set of weights, and so does a resumed one."""
    script = tmp_path / "two.py"
    script.write_text(
        "import sys, importlib.util\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"spec = importlib.util.spec_from_file_location('t', {__file__!r})\n"
        "t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t)\n"
        "from pathlib import Path\n"
        "r = t.train(t.Line(), t.options(Path(sys.argv[1])))\n"
        "assert r['finished'], r\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run([*command, str(script), str(tmp_path / "run")], check=True, timeout=100)
    lines = read_log(tmp_path / "run")
    assert lines[0]["world"] == 2
    assert [line["step"] for line in lines if line["kind"] == "train"][-1] == 60
