import pytest
from bl_ext.test.avface.avface_blender import install
from bl_ext.test.avface.engine.exchange.protocol import AVFaceError


def make_python(environment):
    python = install.environment_python(environment)
    python.parent.mkdir(parents=True)
    python.write_text("")
    return python


def test_order_chosen_then_installed_then_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "ROOT", tmp_path / "repository")
    user = tmp_path / "user"
    repositorys = make_python(tmp_path / "repository" / ".venv" / "engine")
    assert install.find_engine_python("", user) == repositorys
    installed = make_python(user / "engine")
    assert install.find_engine_python("", user) == installed
    chosen = make_python(tmp_path / "mine")
    assert install.find_engine_python(str(chosen), user) == chosen


def test_a_missing_engine_is_a_sentence_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "ROOT", tmp_path)
    with pytest.raises(AVFaceError, match="not installed") as caught:
        install.find_engine_python("", tmp_path)
    assert "preferences" in caught.value.hint


def test_a_chosen_python_that_is_gone_is_not_replaced_by_another(tmp_path):
    with pytest.raises(AVFaceError, match="There is no Python"):
        install.find_engine_python(str(tmp_path / "gone"), tmp_path)
