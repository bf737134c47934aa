"""Ctrl+C at any moment of a command's start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.commands.interrupts import INTERRUPTED

ROOT = Path(__file__).parents[3]
SWALLOWS = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.1)
except BaseException:
    print("swallowed")
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="interrupts by signal")


# Whoever runs the tests may be in the background, where the shell has interrupts ignored.
HEEDS = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}


def ended(code: str, **options) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", code]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=20, check=False, **HEEDS, **options
    )


def test_a_library_that_is_being_loaded_does_not_swallow_it(tmp_path):
    (tmp_path / "library.py").write_text(SWALLOWS)
    seen = ended(
        "import time\n"
        "from engine.commands.interrupts import heard, heed\n"
        "heed()\n"
        "try:\n"
        "    import library\n"
        "    time.sleep(10)\n"
        "except KeyboardInterrupt:\n"
        "    print(heard())\n",
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
    )
    assert seen.stdout.split() == ["swallowed", str(INTERRUPTED)]


def test_what_clears_up_after_it_is_not_disturbed():
    seen = ended(
        "import os, signal, time\n"
        "from engine.commands.interrupts import heard, heed\n"
        "heed()\n"
        "try:\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        time.sleep(10)\n"
        "    finally:\n"
        "        for _ in range(6):\n"
        "            time.sleep(0.1)\n"
        "        print('cleared')\n"
        "except KeyboardInterrupt:\n"
        "    print(heard())\n",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert seen.stdout.split() == ["cleared", str(INTERRUPTED)]


def test_a_command_in_the_background_ignores_it_as_the_shell_wants():
    seen = ended(
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from engine.commands.interrupts import heed\n"
        "heed()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('goes on')\n",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert seen.stdout == "goes on\n"


def test_a_capture_ends_with_one_code_no_trace_and_no_files(tmp_path):
    demo = ROOT / "weights" / "demo" / "demo.mp4"
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "capture", demo, "--out", tmp_path / "new" / "a.take.npz"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        **HEEDS,
    ) as process:
        assert process.stderr and process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.stderr.read()
        assert process.wait(timeout=20) in (INTERRUPTED, -signal.SIGINT)
    assert not list(tmp_path.iterdir())
