"""The process that a training runs in: rank and device, signals, batches on it and made ahead."""

import gc
import os
import queue
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@contextmanager
def processes(wanted: str) -> Iterator[tuple[int, int, torch.device]]:
    """This process's rank, how many there are (torchrun says), and its device.

    `wanted` names the device; empty: its own GPU, else the CPU.
    """
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    cuda = torch.cuda.is_available() and wanted != "cpu"
    local = int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device(wanted or (f"cuda:{local}" if cuda else "cpu"))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    begun = world > 1 and not dist.is_initialized()
    if begun:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield rank, world, device
        if begun:
            dist.barrier()  # all end together, also those that had nothing to save
    finally:
        if begun:
            gc.collect()  # DDP's cycles hold the group: freed after it, they may abort the process
            dist.destroy_process_group()


def on_device(batch: Any, device: torch.device) -> Any:
    """A batch with its tensors moved to `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: on_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple | list):
        moved = (on_device(value, device) for value in batch)
        return type(batch)(*moved) if hasattr(batch, "_fields") else type(batch)(moved)
    if is_dataclass(batch) and not isinstance(batch, type):
        moved = {f.name: on_device(getattr(batch, f.name), device) for f in fields(batch)}
        return replace(batch, **moved)
    return batch


class Stop:
    """Whether Ctrl+C or a scheduler's SIGTERM has asked the run to leave a checkpoint and end."""

    asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over; a second Ctrl+C ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.getsignal(number) for number in signals]

        def ask(number: int, _frame: object) -> None:
            if self.asked and number == signal.SIGINT:
                raise KeyboardInterrupt
            self.asked = True

        try:
            for number in signals:
                signal.signal(number, ask)
            yield
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)


def made_ahead(batches: Iterator[Any], count: int) -> Generator[Any]:
    """The same batches, `count` of them made ahead in a thread."""
    if count <= 0:
        yield from batches
        return
    ready: queue.Queue = queue.Queue(count)
    over = threading.Event()

    def fill() -> None:
        try:
            for batch in batches:
                while not over.is_set() and not _put(ready, (batch, None)):
                    continue
                if over.is_set():
                    return
        except BaseException as error:  # handed to the loop, which raises it
            while not over.is_set() and not _put(ready, (None, error)):
                continue

    maker = threading.Thread(target=fill, daemon=True)
    maker.start()
    try:
        while True:
            batch, error = ready.get()
            if error is not None:
                raise error
            yield batch
    finally:
        over.set()
        maker.join()  # one that Python's end meets within torch aborts the process


def _put(ready: queue.Queue, item: Any) -> bool:
    """Whether there was room within a moment."""
    try:
        ready.put(item, timeout=0.2)
    except queue.Full:
        return False
    return True
