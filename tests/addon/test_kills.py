"""kill -9 of the engine at random moments: nothing damaged, nobody left, the next run whole.

`AVFACE_KILLS=52 PYTHON -m pytest tests/addon/test_kills.py`, where PYTHON is the engine's.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bl_ext.test.avface.avface_blender.engine_client import EngineJob, start_capture
from bl_ext.test.avface.avface_blender.job_folders import clear_leftovers
from bl_ext.test.avface.engine.exchange.protocol import CaptureJob, Done, Failed, Progress
from bl_ext.test.avface.engine.exchange.take import Take

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("AVFACE_KILLS", "0"))
SECONDS_TO_GO = 5.0  # for what a killed engine has started
STARTING = "starting"  # until the first word of a stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KILLS, reason="AVFACE_KILLS says how often to kill the engine"),
    pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps to count processes with"),
]


def test_a_killed_engine_leaves_nothing_broken_and_the_next_run_is_whole(tmp_path, capsys):
    out = tmp_path / "demo.take.npz"
    job = CaptureJob(
        clip=str(ROOT / "weights" / "demo" / "demo.mp4"), out=str(out), sheet=True,
        options={"end": 1.0, "detail": "fast", "skin": "clip"},
    )  # fmt: skip
    lasted = stages(job, tmp_path)  # the first compiles what the next ones find
    lasted = stages(job, tmp_path)
    whole, files = Take.load(out), finished(tmp_path)
    chance, killed = random.Random(KILLS), Counter()
    while killed.total() < KILLS:
        clear_leftovers(tmp_path)
        stage = chance.choice(list(lasted))
        engine = start_capture(job, tmp_path, Path(sys.executable), ROOT)
        children = kill_in(engine, stage, chance.uniform(0, lasted[stage]))
        list(engine.follow())
        if isinstance(engine.outcome, Failed):
            assert "signal 9" in engine.outcome.message, engine.outcome
            killed[stage] += 1
        assert_gone(children)
        assert finished(tmp_path) >= files, "what stood before stands"
        assert_readable(tmp_path)
        with capsys.disabled():
            print(f"{killed.total()} killed: {dict(killed)}", flush=True)
    clear_leftovers(tmp_path)
    stages(job, tmp_path)
    assert finished(tmp_path) == files
    again = Take.load(out)
    for name in ("expression", "head_pose", "head_translation", "jaw", "eyes"):
        np.testing.assert_allclose(getattr(again, name), getattr(whole, name), atol=1e-6)


def stages(job: CaptureJob, folder: Path) -> dict[str, float]:
    """Capture to the end: the seconds of each stage."""
    engine = start_capture(job, folder, Path(sys.executable), ROOT)
    begun, since, lasted = STARTING, time.monotonic(), Counter()
    for event in engine.follow():
        if isinstance(event, Progress) and event.stage != begun:
            lasted[begun] += time.monotonic() - since
            begun, since = event.stage, time.monotonic()
    assert isinstance(engine.outcome, Done), engine.outcome
    return dict(lasted)


def kill_in(engine: EngineJob, stage: str, seconds: float) -> list[int]:
    """Kill the engine so long after the stage's beginning; the processes below it at that time."""
    now = STARTING
    while engine.running and now != stage:
        for event in engine.poll():
            now = event.stage if isinstance(event, Progress) else now
        time.sleep(0.01)
    time.sleep(seconds)
    children = below(engine._process.pid)
    if engine.running:
        engine._process.kill()
    return children


def below(parent: int) -> list[int]:
    """The processes that `parent` has started, and those that these have."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found = [parent]
    for process in found:
        found += [child for child, of in pairs if of == process]
    return found[1:]


def assert_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + SECONDS_TO_GO
    while left := [process for process in processes if is_alive(process)]:
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    """Whether it runs: a dead one that nobody has asked after (Z) does not."""
    seen = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True)
    return bool(seen.stdout.strip()) and not seen.stdout.startswith("Z")


def finished(folder: Path) -> set[str]:
    """The files under their final names, without what a job's folder always has."""
    own = {"job.json", "events.jsonl", "engine.log"}
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name not in own and not is_partial(path)
    }


def is_partial(path: Path) -> bool:
    return path.name.endswith(".tmp") or "partial" in str(path)


def assert_readable(folder: Path) -> None:
    import cv2

    for name in finished(folder):
        path = folder / name
        if path.name.endswith(".take.npz"):
            Take.load(path)
        elif path.suffix == ".png":
            assert cv2.imread(str(path)) is not None, name
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
