"""Programs that an installation starts: heard line by line, and gone when it is."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

# Runs a module with a leash: this process ends, and with it what it has started (its group), when
# its standard input closes, which it does when whoever started it is gone, however it went.
_LEASHED = """
import os, runpy, sys, threading
def leash():
    while os.read(0, 1024):
        continue
    if hasattr(os, "killpg"):
        os.killpg(os.getpgrp(), 9)
    os._exit(130)
threading.Thread(target=leash, daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows opens one for each program
_TAIL = 12  # lines that are kept for an error
_current: list[subprocess.Popen] = []


def module(python: Path, name: str, *arguments: str) -> list[str]:
    """The command that runs `python -m NAME ARGUMENTS` on a leash."""
    return [str(python), "-c", _LEASHED, name, *arguments]


def run(
    command: list[str],
    hear: Callable[[str], None] = lambda line: None,
    extra: dict[str, str] | None = None,
) -> tuple[int, list[str]]:
    """Run a program to its end: its exit code and its last lines.

    Both of its outputs come as lines, to `hear` and to our own standard error, which is the log.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | (extra or {}),
            creationflags=_NO_CONSOLE,
            start_new_session=True,  # a group of its own, to be ended with what it starts
        )
    except OSError as error:
        return 127, [str(error)]
    _current.append(process)
    assert process.stdout
    last: list[str] = []
    for line in process.stdout:
        line = line.rstrip()
        if not line.startswith("Progress "):
            last = [*last[1 - _TAIL :], line]
            os.write(2, (line + "\n").encode())
        hear(line)
    code = process.wait()
    _current.remove(process)
    return code, last


def hold_leash() -> None:
    """From now on this process ends, and its children with it, when its standard input closes."""
    threading.Thread(target=_leash, daemon=True).start()


def _leash() -> None:
    while os.read(0, 1024):
        continue
    for process in list(_current):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    os._exit(130)
