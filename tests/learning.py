"""A task's steps on one batch: a network that learns lowers its losses there."""

from typing import Any

import torch

from engine.training.loop import Task


def totals_of(task: Task, batch: Any, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    """The sum of the losses before each step."""
    totals = []
    for _ in range(steps):
        total = torch.stack(list(task.losses(batch).values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    return totals
