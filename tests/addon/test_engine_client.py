import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bl_ext.test.avface.avface_blender import engine_client
from bl_ext.test.avface.avface_blender.engine_client import (
    EngineJob,
    engine_environment,
    start_capture,
)
from bl_ext.test.avface.engine.exchange.protocol import (
    CANNOT_SERVE,
    DONE,
    OUR_FAULT,
    AVFaceError,
    CaptureJob,
    Done,
    Failed,
    Hello,
    Note,
    Progress,
    read_job,
)

from tests.processes import lives, wait_until

ROOT = Path(__file__).parents[2]
FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")


def start(folder: Path, manner: str, seconds: float = 0.0) -> EngineJob:
    return EngineJob([sys.executable, str(FAKE_ENGINE), manner, str(seconds)], folder, ROOT)


def wait_for_first_event(job: EngineJob) -> None:
    while not job.poll():
        time.sleep(0.02)


def test_events_arrive_in_order_and_prints_do_not_mix(tmp_path):
    folder = tmp_path / "a job, über \N{GREEK SMALL LETTER ALPHA}"
    job = start(folder, "work", 0.05)
    news = list(job.follow())
    assert isinstance(news[0], Hello)
    assert [e.fraction for e in news if isinstance(e, Progress)] == [i / 5 for i in range(5)]
    assert news[-1] == job.outcome == Done("take.npz")
    assert (job.exit_code, job.running) == (DONE, False)
    log = (folder / "engine.log").read_text()
    assert "stray Python" in log
    assert "stray C" in log


def test_blenders_python_variables_do_not_reach_the_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert not {"PYTHONHOME", "PYTHONPATH"} & set(engine_environment())
    assert Note("0 leaked") in list(start(tmp_path, "work").follow())


def test_a_crash_is_a_failure_with_the_end_of_the_log(tmp_path):
    job = start(tmp_path, "crash")
    list(job.follow())
    assert isinstance(job.outcome, Failed)
    assert "boom" in job.outcome.hint
    assert "exit code 1" in job.outcome.message
    assert job.exit_code == OUR_FAULT


def test_a_refusal_is_passed_on(tmp_path):
    job = start(tmp_path, "refuse")
    list(job.follow())
    assert job.outcome == Failed("No face was found.", "Choose another clip.")
    assert job.exit_code == CANNOT_SERVE


def test_an_engine_of_another_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_client, "GRACE_SECONDS", 0.3)
    job = start(tmp_path, "stranger", 30)
    began = time.monotonic()
    list(job.follow())
    assert isinstance(job.outcome, Failed)
    assert "belongs to this add-on" in job.outcome.hint
    assert time.monotonic() - began < 10


def test_a_line_that_is_no_event_is_logged_and_skipped(tmp_path, caplog):
    job = start(tmp_path, "garbage")
    list(job.follow())
    assert job.outcome == Done("take.npz")
    assert "not an event" in caplog.text


def test_cancel_ends_the_engine_at_once(tmp_path):
    job = start(tmp_path, "work", 30)
    wait_for_first_event(job)
    began = time.monotonic()
    job.cancel()
    assert time.monotonic() - began < 0.1
    assert list(job.follow())[-1] == Failed("Cancelled.")
    assert time.monotonic() - began < 2
    assert not job.running


@pytest.mark.parametrize("manner", ["deaf", "linger"])
def test_an_engine_that_does_not_end_is_ended(tmp_path, monkeypatch, manner):
    monkeypatch.setattr(engine_client, "GRACE_SECONDS", 0.3)
    job = start(tmp_path, manner, 30 if manner == "deaf" else 0)
    wait_for_first_event(job)
    if manner == "deaf":
        job.cancel()
    began = time.monotonic()
    list(job.follow())
    assert time.monotonic() - began < 5
    assert not job.running
    assert job.outcome == (Failed("Cancelled.") if manner == "deaf" else Done("take.npz"))


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_the_engine_does_not_outlive_its_parent(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(ROOT), str(FAKE_ENGINE), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    engine = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until(lambda: not lives(engine), 5)


PARENT = """
import importlib, sys, time, types
from pathlib import Path
root, fake, folder = map(Path, sys.argv[1:])
sys.modules["host"] = types.ModuleType("host")
sys.modules["host"].__path__ = [str(root)]
client = importlib.import_module("host.avface_blender.engine_client")
job = client.EngineJob([sys.executable, str(fake), "work", "30"], folder, root)
while not job.poll():
    time.sleep(0.02)
print(job._process.pid, flush=True)
time.sleep(60)
"""


def test_a_python_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(AVFaceError, match="can't be started") as caught:
        EngineJob([str(tmp_path / "no-python")], tmp_path / "job", ROOT)
    assert "Python" in caught.value.hint


def test_a_jobs_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AVFaceError, match="can't be written"):
        start_capture(CaptureJob("a", "b"), tmp_path / "file" / "job", Path(sys.executable), ROOT)


def test_start_capture_writes_the_job_and_runs_the_engine_on_it(tmp_path):
    """The real engine; there is no such clip."""
    job = CaptureJob(str(tmp_path / "no clip.mp4"), str(tmp_path / "no clip.take.npz"))
    engine = start_capture(job, tmp_path, Path(sys.executable), ROOT)
    news = list(engine.follow())
    assert isinstance(news[0], Hello)
    assert isinstance(engine.outcome, Failed)
    assert read_job(tmp_path / "job.json") == job
