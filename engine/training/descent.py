"""A step of training: losses, their gradient, the optimiser, and the weights' moving average."""

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from .loop import LoopOptions, Task

_MOST_BAD_STEPS = 50  # in a row, before a run that has diverged gives up
_OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Descent:
    """A task's network on its way down its losses.

    Attributes:
        average: The network with the weights' moving average, in evaluation mode.
    """

    def __init__(
        self, task: "Task", options: "LoopOptions", device: torch.device, alone: bool
    ) -> None:
        """`alone`: no other process descends on the same network."""
        self._task, self._options, self._device = task, options, device
        task.model.to(device).train()
        self.average = copy.deepcopy(task.model).eval().requires_grad_(False)
        learnt = [p for p in task.model.parameters() if p.requires_grad]
        kind = _OPTIMIZERS[options.optimizer]
        self._optimizer = kind(learnt, lr=options.lr, weight_decay=options.weight_decay)
        fp16 = options.precision == "fp16" and device.type == "cuda"
        self._scaler = torch.amp.GradScaler("cuda", enabled=fp16)
        self._losses: nn.Module = _Losses(task)
        self._alone, self._bad = alone, 0

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return self._optimizer.param_groups[0]["lr"]

    def begin(self, state: dict[str, Any] | None) -> None:
        """Begin, or go on from a `state`, which may hold more; other processes do the same."""
        if state is not None:
            self._task.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._scaler.load_state_dict(state["scaler"])
        if not self._alone:
            self._losses = DistributedDataParallel(self._losses, find_unused_parameters=True)

    def state(self) -> dict[str, Any]:
        """What `begin` goes on from."""
        return {
            "model": self._task.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def step(self, batch: Any, number: int, rate: float) -> dict[str, Tensor]:
        """Take step `number` with learning rate `rate`; each loss there, and their "total".

        Raises:
            FloatingPointError: The run has diverged.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        with self._autocast():
            losses = self._losses(batch)
            total = torch.stack([loss.float() for loss in losses.values()]).sum()
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(total).backward()
        self._scaler.unscale_(self._optimizer)
        learnt = [p for p in self._task.model.parameters() if p.grad is not None]
        norm = nn.utils.clip_grad_norm_(learnt, self._options.clip)
        if math.isfinite(float(norm)):
            self._scaler.step(self._optimizer)
            self._bad = 0
        else:  # a batch that overflowed is left out
            self._bad += 1
            if self._bad > _MOST_BAD_STEPS:
                raise FloatingPointError(f"{self._task.name}: no finite gradient at step {number}")
        self._scaler.update()
        self._average_weights(number + 1)
        return {"total": total.detach(), **losses}

    @torch.no_grad()
    def _average_weights(self, steps: int) -> None:
        """Exponential moving average of the weights after `steps`; buffers are copied."""
        decay = min(self._options.ema, (1 + steps) / (10 + steps))
        mine = self._task.model.state_dict()
        for name, average in self.average.state_dict().items():
            if average.is_floating_point() and self._options.ema:
                average.lerp_(mine[name], 1 - decay)
            else:
                average.copy_(mine[name])

    def _autocast(self) -> torch.autocast:
        on = self._options.precision == "bf16" or self._scaler.is_enabled()
        kind = _PRECISIONS[self._options.precision]
        return torch.autocast(self._device.type, dtype=kind, enabled=on)


class _Losses(nn.Module):
    """The task's losses as a module, so that its gradients can be shared between processes."""

    def __init__(self, task: "Task") -> None:
        super().__init__()
        self.model, self._task = task.model, task

    def forward(self, batch: Any) -> dict[str, Tensor]:
        return self._task.losses(batch)
