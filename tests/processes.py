"""Other processes, asked for by number."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(ready: Callable[[], object], seconds: float = 20) -> None:
    """Fails when it isn't so in time."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def lives(process: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return "State:\tZ" not in (status.read_text() if status.exists() else "")
