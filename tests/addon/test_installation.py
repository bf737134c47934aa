"""The engine's own environment: found, filled, checked, taken away; other systems simulated."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.exchange.installation import (
    Installed,
    InstallPlan,
    environment_python,
    read_plan,
    read_record,
    write_json,
)
from engine.exchange.protocol import AVFaceError, Done, Failed, Note, Progress, decode
from engine.installation import child, packages, pythons, recipe, verification
from tests.processes import lives, wait_until

ROOT = Path(__file__).parents[2]
FAKE_PIP = Path(__file__).with_name("fake_pip.py")


@pytest.fixture
def fake_pip(monkeypatch, tmp_path):
    """pip's commands go to fake_pip.py; gives a function that sets its manner and one that reads
    what it was called with."""
    calls, manner = tmp_path / "calls", tmp_path / "manner"
    manner.write_text("work")
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("MANNER", str(manner))
    monkeypatch.setattr(
        child,
        "module",
        lambda python, name, *arguments: [sys.executable, str(FAKE_PIP), name, *arguments],
    )

    def called() -> list[list[str]]:
        return [json.loads(line) for line in calls.read_text().splitlines()]

    return manner.write_text, called


def install(plan: InstallPlan) -> tuple[list[str], list[tuple[float, str]]]:
    heard: list[tuple[float, str]] = []
    said = packages.install_packages(
        Path("python"), plan, ROOT / "requirements", lambda f, words: heard.append((f, words))
    )
    return said, heard


def test_sizes_are_read_from_pips_words():
    downloads = packages.Downloads()
    for line in (
        "Collecting torch==2.13.0",
        "  Downloading https://host/whl/torch-2.13.0-cp311-cp311-linux_x86_64.whl (191.2 MB)",
        "Progress 45000000 of 191200000",
    ):
        downloads.hear(line)
    assert str(downloads) == "torch 2.13.0: 45 of 191 MB, 45 MB in all"
    downloads.hear("Progress 191200000 of 191200000")
    downloads.hear("  Using cached numpy-2.4.6-cp311-cp311-win_amd64.whl (16.8 MB)")
    assert downloads.total_mb == pytest.approx(208.0)
    downloads.hear("  Downloading small-1.0-py3-none-any.whl (9.0 kB)")
    assert str(downloads) == "small 1.0: small, 208 MB in all"
    downloads.hear("Installing collected packages: torch, numpy, small")
    assert downloads.total_mb == pytest.approx(208.009)
    assert str(downloads) == "unpacking 208 MB"


def test_sizes_are_read_from_uvs_words():
    downloads = packages.Downloads()
    downloads.hear("Downloading cpython-3.11.13-windows-x86_64-none (download) (24.6MiB)")
    assert downloads.name.startswith("cpython 3.11.13")


@pytest.mark.parametrize(
    ("system", "plan", "index"),
    [
        ("linux", InstallPlan("f", torch="cpu"), packages.CPU_INDEX),
        ("linux", InstallPlan("f", torch="cuda"), ""),
        ("win32", InstallPlan("f", torch="cpu"), ""),
        ("win32", InstallPlan("f", torch="cuda"), packages.CUDA_INDEX),
        ("win32", InstallPlan("f", torch="cuda", torch_index="https://own"), "https://own"),
        ("darwin", InstallPlan("f", torch="cuda"), ""),
    ],
)
def test_torch_comes_from_where_its_build_is(system, plan, index):
    assert packages.torch_index(plan, system) == index


def test_auto_looks_for_a_card(monkeypatch):
    for present, build in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(packages, "has_nvidia", lambda system, found=present: found)
        assert packages.torch_build(InstallPlan("f"), "linux") == build
        assert packages.torch_build(InstallPlan("f"), "darwin") == "cpu"


def test_where_pythons_are_looked_for():
    on_windows = list(
        pythons.candidates(
            "win32",
            r"C:\Program Files\Blender Foundation\Blender 4.5\4.5\python\bin\python.exe",
            {
                "LOCALAPPDATA": r"C:\Users\Jörg Müller\AppData\Local",
                "ProgramFiles": r"C:\Programme",
            },
        )
    )
    assert on_windows[0][0].endswith("python.exe")
    assert ["py", "-3.11"] in on_windows
    own = r"C:\Users\Jörg Müller\AppData\Local\Programs\Python\Python312\python.exe"
    assert [own] in on_windows
    assert [r"C:\Programme\Python311\python.exe"] in on_windows
    on_mac = list(pythons.candidates("darwin", "", {}))
    assert ["/opt/homebrew/bin/python3.11"] in on_mac
    assert ["/Library/Frameworks/Python.framework/Versions/3.12/bin/python3.12"] in on_mac
    assert list(pythons.candidates("linux", "/usr/bin/python3.13", {})) == [
        ["/usr/bin/python3.13"], ["python3.11"], ["python3.12"], ["python3"],
    ]  # fmt: skip


def test_a_python_that_does_not_fit_is_passed_over(tmp_path):
    assert pythons.fits([sys.executable])
    assert not pythons.fits([str(tmp_path / "none")])
    if os.name != "nt":
        old = tmp_path / "python3"
        old.write_text("#!/bin/sh\necho avface 3.13\n")
        old.chmod(0o755)
        assert not pythons.fits([str(old)])


def test_without_a_python_and_without_a_network_it_is_one_sentence(tmp_path):
    with pytest.raises(AVFaceError, match=r"No Python 3\.11 or 3\.12") as caught:
        pythons.make_environment(tmp_path, tmp_path, False, print, fitting=lambda command: False)
    assert "python.org" in caught.value.hint


def test_uv_is_asked_when_nothing_fits_and_the_network_may_be_used(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(pythons.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(
        child, "run", lambda command, *rest: (commands.append((command, rest[1])), (0, []))[1]
    )
    python = pythons.make_environment(
        tmp_path / "e", tmp_path, True, print, fitting=lambda command: False
    )
    assert python == environment_python(tmp_path / "e")
    (command, extra) = commands[0]
    assert command[:2] == ["/bin/uv", "venv"]
    assert extra["UV_PYTHON_INSTALL_DIR"] == str(tmp_path / "python")


def test_the_interpreter_of_an_environment_on_each_system():
    assert environment_python(Path("e"), "nt") == Path("e/Scripts/python.exe")
    assert environment_python(Path("e"), "posix") == Path("e/bin/python")


def test_packages_come_in_three_calls_with_progress(fake_pip):
    _, called = fake_pip
    said, heard = install(
        InstallPlan("folder", torch="cpu", torch_index="https://own", online=True)
    )
    assert said == []
    calls = called()
    assert "pip>=24.1" in calls[0]
    assert calls[1][-1] == "torch==2.13.0"
    assert "https://own" in calls[1]
    assert "raw" in calls[2]
    assert calls[3][-3:-1] == ["--no-deps", "-r"]
    assert all({"--only-binary", "--no-input"} <= set(call) for call in calls)
    fractions = [fraction for fraction, _ in heard]
    assert fractions[-1] == 1.0
    assert "numpy 2.4.6: 12 of 17 MB, 12 MB in all" in [words for _, words in heard]
    assert fractions == sorted(fractions)


def test_an_old_pip_and_a_missing_index_are_notes_not_failures(fake_pip):
    set_manner, called = fake_pip
    plan = InstallPlan("folder", torch="cpu", online=True)
    set_manner("old pip")
    said, _ = install(plan)
    assert any("could not be renewed" in sentence for sentence in said)
    assert "off" in called()[-1]
    if sys.platform == "linux":
        set_manner("no index")
        said, _ = install(plan)
        assert any("PyPI was taken" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("manner", "words"), [("network", "network could not be reached"), ("disk", "disk is full")]
)
def test_pips_failures_in_the_artists_words(fake_pip, manner, words):
    fake_pip[0](manner)
    with pytest.raises(AVFaceError, match=words) as caught:
        install(InstallPlan("folder", torch="cuda", online=True))
    assert "install again" in caught.value.hint


def test_pins_are_those_of_the_requirements():
    pins = packages.pins(ROOT / "requirements", "linux")
    assert pins["mediapipe"] == "0.10.21"
    assert "psutil" not in pins
    assert "psutil" in packages.pins(ROOT / "requirements", "win32")


def test_a_deep_folder_is_refused_on_windows():
    recipe.refuse_deep_folder(r"C:\avface")
    deep = r"C:\Users\someone\AppData\Roaming\Blender Foundation\Blender\4.5\extensions\.user"
    with pytest.raises(AVFaceError, match="longer than Windows allows"):
        recipe.refuse_deep_folder(deep)


def test_records_and_plans_round_trip(tmp_path):
    plan = InstallPlan(str(tmp_path), wheels="w", torch="cuda")
    write_json(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
    assert read_record(tmp_path) is None
    (tmp_path / "engine").mkdir()
    record = Installed("0.1.0", "3.11.7", "2.13.0", "cpu", 1700)
    write_json(record, tmp_path / "engine" / "avface-engine.json")
    assert read_record(tmp_path) == record


def test_the_new_environment_takes_the_place_of_the_old(tmp_path):
    for name in ("engine", "engine.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "what").write_text(name)
    recipe._take_place(tmp_path / "engine.partial", tmp_path / "engine")
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]
    assert (tmp_path / "engine" / "what").read_text() == "engine.partial"


def test_the_old_environment_stays_where_the_new_one_can_not_come(tmp_path):
    (tmp_path / "engine").mkdir()
    with pytest.raises(AVFaceError, match="can't be replaced"):
        recipe._take_place(tmp_path / "engine.partial", tmp_path / "engine")
    assert [path.name for path in tmp_path.iterdir()] == ["engine"]


def test_a_changed_weights_file_is_found(tmp_path):
    (tmp_path / "registry.toml").write_text('[a]\nfile = "a.npz"\nsha256 = "0"\n')
    (tmp_path / "a.npz").write_text("x")
    with pytest.raises(AVFaceError, match=r"a\.npz is missing or damaged"):
        verification.check_weights(tmp_path)
    verification.check_weights(ROOT / "weights")


def start(plan: InstallPlan, folder: Path) -> subprocess.Popen:
    """The installation as the add-on starts it; what it leaves when it is killed goes with us."""
    write_json(plan, folder / "plan.json")
    return subprocess.Popen(
        [sys.executable, "-m", "engine.installation", str(folder / "plan.json")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(folder)},
    )  # fmt: skip


def events_of(process: subprocess.Popen) -> list:
    assert process.stdout
    return [decode(line) for line in process.stdout.read().splitlines()]


def test_an_empty_folder_of_wheels_is_named_with_what_it_lacks(tmp_path):
    """A real environment is begun, offline; nothing stands under the final name."""
    home, wheels = tmp_path / "the user's, ü", tmp_path / "no wheels"
    wheels.mkdir()
    process = start(InstallPlan(str(home), wheels=str(wheels)), tmp_path)
    events = events_of(process)
    process.wait()
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.message.startswith(f"The folder {wheels} has no wheel of ")
    assert "docs/install.md" in failed.hint
    assert process.returncode == 2
    assert not (home / "engine").exists()
    assert environment_python(home / "engine.partial").is_file(), "kept, to be carried on"
    process = start(InstallPlan(str(home), action="remove"), tmp_path)
    assert events_of(process)[-1] == Done("")
    assert list(home.iterdir()) == []


def test_without_network_and_wheels_nothing_is_begun(tmp_path):
    process = start(InstallPlan(str(tmp_path / "home")), tmp_path)
    failed = events_of(process)[-1]
    assert isinstance(failed, Failed)
    assert "may not use the network" in failed.message
    assert not (tmp_path / "home").exists()


def test_room_is_asked_for_what_will_be_there(tmp_path, monkeypatch):
    """From the network all of it; from a folder no more than its wheels unpack to."""
    online = InstallPlan(str(tmp_path), torch="cpu", online=True)
    from_wheels = InstallPlan(str(tmp_path), torch="cpu", wheels=str(tmp_path))
    assert packages.needed_gigabytes(online) == packages.NEEDED_GIGABYTES["cpu"]
    assert packages.needed_gigabytes(from_wheels) < 0.2
    (tmp_path / "broken.whl").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("zeros", bytes(100_000_000))
    assert 0.2 < packages.needed_gigabytes(from_wheels) < 0.25
    monkeypatch.setattr(recipe.shutil, "disk_usage", lambda place: SimpleNamespace(free=1.5e8))
    with pytest.raises(AVFaceError, match=r"needs 0\.2 GB and .* has 0\.1 GB free"):
        recipe.install(from_wheels, print)


def test_verify_names_a_python_that_lacks_the_engine(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    plan = InstallPlan(
        str(tmp_path / "home"), action="verify", python=str(environment_python(bare))
    )
    failed = events_of(start(plan, tmp_path))[-1]
    assert isinstance(failed, Failed)
    assert "lacks numpy" in failed.message


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_pip_is_gone_when_the_installation_is(tmp_path):
    """However it went: here by kill -9. `http.server` stands for a pip that takes long."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from engine.installation import child;"
        "child.run(child.module(Path(sys.executable), 'http.server', '0', '--bind', '127.0.0.1'),"
        " lambda line: print(child._current[0].pid, flush=True), {'PYTHONUNBUFFERED': '1'})"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT)], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert parent.stdout
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until(lambda: not lives(worker), 5)


def test_progress_can_carry_words():
    assert decode('{"event": "progress", "stage": "packages", "fraction": 0.5}') == Progress(
        "packages", 0.5
    )
    assert decode('{"event": "note", "message": "x"}') == Note("x")


def test_only_a_whole_environment_is_carried_on(tmp_path):
    """Not one that was killed between the interpreter and pip, or whose pip is broken."""
    half = tmp_path / "engine.partial"
    subprocess.run([sys.executable, "-m", "venv", str(half)], check=True)
    assert not recipe._can_be_carried_on(half)
    (half / recipe.MADE).touch()
    assert recipe._can_be_carried_on(half)
    next(half.rglob("site-packages/pip/__main__.py")).unlink()
    assert not recipe._can_be_carried_on(half)


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by number")
def test_what_a_child_has_started_goes_with_it(tmp_path):
    """venv starts ensurepip, which starts pip: a kill -9 of the installation ends them all."""
    plan = InstallPlan(str(tmp_path / "home"), wheels=str(tmp_path))
    for seconds in (0.6, 1.5):
        process = start(plan, tmp_path)
        time.sleep(seconds)
        process.kill()
        process.wait()
        wait_until(lambda: not _mentioning(str(tmp_path / "home")), 5)


def _mentioning(text: str) -> list[int]:
    """Processes whose command line has the text; none where /proc isn't there."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in words:
            found.append(int(place.parent.name))
    return found
