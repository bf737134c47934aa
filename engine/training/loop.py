"""The one training loop: every network of AVFace is a `Task` that this trains.

A run resumes exactly. What a step does depends on the seed, the step's number and the state in the
checkpoint alone: batches come from (seed, step), and torch's own generators are seeded anew for
each step. Only a learning rate that falls over `seconds` follows the clock.

    torchrun --nproc_per_node=4 -m engine train ...     trains on several GPUs at once.
"""

import itertools
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..exchange.saving import make_folder
from ..options import option
from .checkpoint import (
    append_log,
    load_state,
    load_weights,
    rewind_log,
    save_state,
    save_weights,
)
from .descent import Descent
from .process import Stop, made_ahead, on_device, processes

_LOG = logging.getLogger(__name__)
_RANKS_APART = 1_000_003  # between the seeds of two processes


class Task(Protocol):
    """What is to be learnt. A batch is a tensor, or dicts, tuples, dataclasses of tensors."""

    name: str
    model: nn.Module

    def batch_at(self, seed: int, step: int) -> Any:
        """Batch number `step`, decided by (seed, step) alone."""
        ...

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Each loss, a scalar that has its weight already; the loop adds them up."""
        ...

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Figures of the averaged model in evaluation mode; the first decides, lower is better."""
        ...


@dataclass(frozen=True)
class LoopOptions:
    """How to train; most fields are flags of `python -m engine train STAGE`.

    The defaults are the paper's optimiser (Adam, 1e-4, weight decay 5e-4).
    """

    folder: Path
    steps: int | None = option(None, "the run's length; default as many as fit in --seconds")
    seconds: float | None = option(None, "the run's training time, over all its calls")
    pause_after: float | None = option(None, "leave a checkpoint and stop this call by then, s")
    lr: float = option(1e-4, "learning rate")
    warmup: int = option(0, "steps in which the learning rate rises")
    schedule: Literal["cosine", "constant"] = option("cosine", "of the learning rate")
    rate_drops: tuple[int, ...] = option((), "steps at which the learning rate is divided by 5")
    optimizer: Literal["adam", "adamw"] = option("adam", "who takes the steps")
    weight_decay: float = option(5e-4, "pull of the weights towards 0")
    clip: float = option(10.0, "largest norm of the gradient")
    ema: float = option(0.999, "of the averaged weights, 0 none; less in the first steps")
    precision: Literal["fp32", "bf16", "fp16"] = option("fp32", "of the forward pass")
    evaluate_every: int = option(1000, "steps; and at the end")
    checkpoint_seconds: float = option(120.0, "between two checkpoints")
    log_every: int = option(20, "steps")
    say_seconds: float = option(15.0, "between two lines of progress")
    seed: int = option(0, "of batches, dropout and first weights")
    device: str = option("", "default this process's GPU, else the CPU")
    prefetch: int = option(0, "batches made ahead, in a thread")
    start_from: Path | None = None  # safetensors to begin with where the folder holds no run

    def __post_init__(self) -> None:
        assert self.steps is not None or self.seconds is not None, "a run needs an end"


def train(task: Task, options: LoopOptions, say: Callable[[str], None] = _LOG.info) -> dict:
    """Train `task` in `options.folder`, going on where an earlier call stopped.

    Returns:
        "step", "seconds" (of training so far), "finished", "best" (the first figure of the best
        evaluation) and "figures" (the last evaluation).
    """
    with processes(options.device) as (rank, world, device):
        return _Run(task, options, say, (rank, world), device).run()


def learning_rate(options: LoopOptions, step: int, progress: float) -> float:
    """Of step number `step`, when `progress` (0 to 1) of the run is over."""
    rate = options.lr * min(1.0, (step + 1) / max(options.warmup, 1))
    rate /= 5 ** sum(step >= drop for drop in options.rate_drops)
    if options.schedule == "cosine":
        rate *= 0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0))
    return rate


class _Run:
    """One call of `train`."""

    def __init__(
        self,
        task: Task,
        options: LoopOptions,
        say: Callable[[str], None],
        place: tuple[int, int],
        device: torch.device,
    ) -> None:
        self.task, self.options, self.say, self.device = task, options, say, device
        self.rank, self.world = place
        self.step, self.before, self.best = 0, 0.0, math.inf
        self.figures: dict[str, float] = {}
        self.margin = 0.0  # s: what an evaluation and a checkpoint take
        if options.start_from:
            load_weights(task.model, options.start_from)
        make_folder(options.folder, "Choose another --folder.")
        self.descent = Descent(task, options, device, alone=self.world == 1)
        self._resume()
        self.first = self.step  # of this call
        self.started = time.monotonic()

    def run(self) -> dict:
        """Steps until an end is reached, then the last evaluation and checkpoint."""
        options, stop = self.options, Stop()
        if self._is_over():
            return self._result(finished=True)
        self._log("start", lr=options.lr, world=self.world, device=str(self.device))
        seed = options.seed + _RANKS_APART * self.rank
        drawn = (self.task.batch_at(seed, step) for step in itertools.count(self.step))
        batches = made_ahead(drawn, options.prefetch)
        self.saved = self.said = time.monotonic()
        with stop.listening():
            while not self._is_over() and not self._should_pause(stop):
                self._tell(self._take_step(on_device(next(batches), self.device)))
                self._keep()
            batches.close()
            finished = self._is_over()
            if finished:
                self._evaluate()
            self._save()
        self._log("end", finished=finished)
        return self._result(finished)

    def _take_step(self, batch: Any) -> dict[str, Tensor]:
        options = self.options
        torch.manual_seed(options.seed * 7_919 + _RANKS_APART * self.rank + self.step)
        rate = learning_rate(options, self.step, self._progress())
        losses = self.descent.step(batch, self.step, rate)
        self.step += 1
        return losses

    def _tell(self, losses: dict[str, Tensor]) -> None:
        """The log's line of a step, and now and then one for who waits."""
        if self.step % self.options.log_every == 0 or self.step == 1:
            self._log("train", lr=self.descent.rate, losses=_numbers(losses))
        now = time.monotonic()
        if now - self.said > self.options.say_seconds and self.rank == 0:
            self.said = now
            self.say(self._line(_numbers(losses)))

    def _keep(self) -> None:
        """Evaluate where it is time; a checkpoint then, and where the last one is old."""
        now = time.monotonic()
        if self.step % self.options.evaluate_every == 0 and not self._is_over():
            self._evaluate()
        elif now - self.saved < self.options.checkpoint_seconds:
            return
        self._save()
        self.saved = time.monotonic()
        self.margin = max(self.margin, self.saved - now)

    def _result(self, finished: bool) -> dict:
        return {"step": self.step, "seconds": self._seconds(), "finished": finished,
                "best": self.best, "figures": self.figures}  # fmt: skip

    def _evaluate(self) -> None:
        """Figures of the averaged weights, by the first process; the best are kept."""
        if self.rank == 0:
            with torch.no_grad():
                self.figures = dict(self.task.evaluate(self.descent.average.eval()))
            self._log("evaluate", figures=self.figures)
            shown = "  ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
            self.say(f"{self.task.name} step {self.step}: {shown}")
            score = next(iter(self.figures.values()), math.inf)
            if score < self.best:
                self.best = score
                self._save_weights("best.safetensors")
        self.task.model.train()
        if self.world > 1:
            dist.barrier()

    def _save(self) -> None:
        if self.rank:
            return
        state = {
            **self.descent.state(),
            "step": self.step,
            "seconds": self._seconds(),
            "best": self.best,
            "figures": self.figures,
            "margin": self.margin,
        }
        save_state(state, self.options.folder)
        self._save_weights("last.safetensors")

    def _save_weights(self, name: str) -> None:
        metadata = {"task": self.task.name, "step": self.step, "figures": self.figures}
        metadata |= getattr(self.task, "metadata", {})  # what the weights' reader must know
        save_weights(self.descent.average, self.options.folder / name, metadata)

    def _resume(self) -> None:
        state = load_state(self.options.folder)
        self.descent.begin(state)
        if state is None:
            return
        self.step, self.before, self.best = state["step"], state["seconds"], state["best"]
        self.figures, self.margin = state["figures"], state["margin"]
        if self.rank == 0:
            rewind_log(self.options.folder, self.step)
            self.say(f"{self.task.name}: going on from step {self.step}")

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    def _progress(self) -> float:
        if self.options.steps is not None:
            return self.step / self.options.steps
        assert self.options.seconds is not None
        return self._seconds() / self.options.seconds

    def _is_over(self) -> bool:
        options = self.options
        steps_done = options.steps is not None and self.step >= options.steps
        left = math.inf if options.seconds is None else options.seconds - self._seconds()
        out_of_time = left <= self.margin
        return steps_done or self._agree(out_of_time)

    def _should_pause(self, stop: "Stop") -> bool:
        limit = self.options.pause_after
        late = limit is not None and time.monotonic() - self.started + self.margin >= limit
        # a step at least: calls that are too short still get there
        return self._agree((late and self.step > self.first) or stop.asked)

    def _agree(self, mine: bool) -> bool:
        """What the first process thinks: all must leave the loop at the same step."""
        if self.world == 1:
            return mine
        flag = torch.tensor([float(mine)], device=self.device)
        dist.broadcast(flag, 0)
        return bool(flag.item())

    def _line(self, values: dict[str, float]) -> str:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        done = f"{self._progress():4.0%}"
        return f"{self.task.name} {done} step {self.step}, {self._seconds():.0f} s: {losses}"

    def _log(self, kind: str, **what: object) -> None:
        if self.rank == 0:
            start = {"kind": kind, "step": self.step, "seconds": round(self._seconds(), 2)}
            append_log(self.options.folder, {**start, **what})


def _numbers(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: float(loss.detach()) for name, loss in losses.items()}
