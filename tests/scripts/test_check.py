import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def check(monkeypatch, tmp_path):
    """The module on a disk that has 1.5 GB free, its environments in tmp_path."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.delitem(sys.modules, "environments", raising=False)
    monkeypatch.setenv("AVFACE_ENVIRONMENTS", str(tmp_path / "not yet" / "made"))
    spec = importlib.util.spec_from_file_location("check_under_test", SCRIPTS / "check.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda place: SimpleNamespace(free=1.5e9))
    yield module
    sys.modules.pop("environments", None)


def test_too_little_room_is_one_sentence_before_anything_begins(check, monkeypatch, capsys):
    monkeypatch.setattr(check, "engine_python", lambda **_: pytest.fail("it began"))
    monkeypatch.setattr(sys, "argv", ["check.py", "--blender", "4.5"])
    assert check.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "has 1.5 GB free: free some space" in said


def test_environments_that_are_made_need_no_room(check):
    for name in ("engine", "blender-4.5"):
        (check.FOLDER / name).mkdir(parents=True)
    check.refuse_little_room(["4.5"])
    with pytest.raises(check.CannotSetUp):
        check.refuse_little_room(["4.5", "5.0"])
