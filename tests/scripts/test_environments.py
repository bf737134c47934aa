import importlib.util
import os
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "environments.py"


@pytest.fixture
def environments(monkeypatch, tmp_path):
    """The module, with its folder in tmp_path."""
    monkeypatch.setenv("AVFACE_ENVIRONMENTS", str(tmp_path / "envs"))
    spec = importlib.util.spec_from_file_location("environments_under_test", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def without_pip(environments, monkeypatch):
    """Environments are made without pip, which takes the most of the time."""
    run = environments._run
    monkeypatch.setattr(environments, "_run", lambda command: run([*command, "--without-pip"]))


def test_an_environment_is_made_once(environments, without_pip, monkeypatch):
    installed = []
    monkeypatch.setattr(environments, "_pip", lambda python, arguments: installed.append(arguments))
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for _ in range(2):
        python = environments._environment("tiny", (own,), [["nothing"]], "nothing==1")
        assert python.is_file()
    assert installed == [["nothing"]]
    environments._environment("tiny", (own,), [["nothing"]], "nothing==2")
    assert len(installed) == 2


def test_a_broken_off_installation_is_carried_on(environments, without_pip, monkeypatch):
    def fails(python, arguments):
        raise environments.CannotSetUp("no network")

    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    monkeypatch.setattr(environments, "_pip", fails)
    with pytest.raises(environments.CannotSetUp):
        environments._environment("tiny", (own,), [["nothing"]], "nothing==1")
    installed = []
    monkeypatch.setattr(environments, "_pip", lambda python, arguments: installed.append(arguments))
    environments._environment("tiny", (own,), [["nothing"]], "nothing==1")
    assert installed == [["nothing"]]


def test_a_missing_python_is_said_in_words(environments):
    with pytest.raises(environments.CannotSetUp, match=r"Python 9\.9"):
        environments._find_python(("9.9",))


def test_pip_that_fails_is_said_in_words(environments):
    with pytest.raises(environments.CannotSetUp, match="network"):
        environments._pip(Path(sys.executable), ["--no-index", "avface-no-such-package"])


def test_another_python_never_sees_our_packages(environments, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    assert "PYTHONPATH" not in environments.clean_environment()


def test_capture_py_knows_the_engines_options():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        capture = __import__("capture")
    finally:
        sys.path.remove(str(SCRIPT.parent))
    from engine.options import CaptureOptions

    assert set(capture.ENGINE_OPTIONS) == {item.name for item in fields(CaptureOptions)}


@pytest.mark.skipif(os.name == "nt", reason="interrupts by signal")
def test_a_command_that_is_interrupted_ends_in_its_own_way():
    """Longer than `subprocess.run` would wait before it kills."""
    child = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.6), sys.exit(5)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    code = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})\n" + (
        f"from environments import run_here; sys.exit(run_here([sys.executable, '-c', {child!r}]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=20) == 5
