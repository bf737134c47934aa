import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "build_extension.py"


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        yield __import__("build_extension")
    finally:
        sys.path.remove(str(SCRIPT.parent))


@pytest.fixture(scope="module")
def folder(script, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("extension")
    script.build(ROOT, out)
    script.write_index(out)
    return out


def test_the_same_files_give_the_same_zip(script, folder, tmp_path):
    first = next(folder.glob("*.zip"))
    again = script.build(ROOT, tmp_path)
    assert again.name == first.name
    assert again.read_bytes() == first.read_bytes()


def test_the_index_tells_where_the_zip_is_and_what_it_weighs(folder):
    archive = next(folder.glob("*.zip"))
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    (row,) = index["data"]
    assert index["version"] == "v1"
    assert folder / row["archive_url"] == archive
    assert row["archive_size"] == archive.stat().st_size
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert row["archive_hash"] == f"sha256:{digest}"
    assert (row["id"], row["schema_version"]) == ("avface", "1.0.0")


def test_the_engine_runs_from_the_unpacked_zip(folder, tmp_path):
    """In a folder whose name has a space, as user folders have."""
    home = tmp_path / "my extensions" / "avface"
    with zipfile.ZipFile(next(folder.glob("*.zip"))) as archive:
        archive.extractall(home)
    take = ROOT / "weights" / "demo" / "demo.truth.npz"
    done = subprocess.run(
        [sys.executable, "-m", "engine", "inspect", str(take)],
        cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "190, 190 with the face" in done.stdout


@pytest.mark.parametrize(
    ("name", "patterns", "excluded"),
    [
        ("a/__pycache__/b.pyc", ["__pycache__/"], True),
        ("a/b.pyc", ["*.pyc"], True),
        (".ci/run", [".*"], True),
        ("a/.hidden/b", [".*"], True),
        ("docs/a/b.md", ["/docs/"], True),
        ("engine/docs/b.md", ["/docs/"], False),
        ("build", ["/build/"], False),
        ("weights/demo/a.npz", ["/weights/demo/*.npz"], True),
        ("weights/a.npz", ["/weights/demo/*.npz"], False),
        ("weights/demo/deep/a.npz", ["/weights/demo/*.npz"], False),
        ("scripts/a.py", ["/scripts/*", "!/scripts/b.py"], True),
        ("scripts/b.py", ["/scripts/*", "!/scripts/b.py"], False),
        ("scripts/deep/a.py", ["/scripts/*", "!/scripts/b.py"], True),
    ],
)
def test_patterns_are_read_as_in_a_gitignore(script, name, patterns, excluded):
    assert script.is_excluded(name, patterns) == excluded


def test_faults_are_named_together(script, tmp_path):
    for name in script.NEEDED:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "LICENSE").unlink()
    (tmp_path / "engine" / "broken.py").write_text("def (")
    (tmp_path / "weights" / "stranger.safetensors").write_text("x")
    (tmp_path / "weights" / "changed.npz").write_text("x")
    (tmp_path / "weights" / "registry.toml").write_text(
        '[a]\nfile = "changed.npz"\nsha256 = "0"\n[b]\nfile = "gone.npz"\nsha256 = "0"\n'
    )
    (tmp_path / "blender_manifest.toml").write_text(
        'id = "a"\nversion = "1.0.0"\nname = "A for Blender"\ntagline = "It works."\n'
        "[build]\npaths_exclude_pattern = []\n"
    )
    with pytest.raises(script.CannotSetUp) as caught:
        script.build(tmp_path, tmp_path / "out")
    for words in ("LICENSE is missing", "broken.py is no Python", "stranger.safetensors has no row",
                  "changed.npz is not the file", "gone.npz is missing", "the word Blender",
                  "ends in punctuation"):  # fmt: skip
        assert words in str(caught.value)
    assert not (tmp_path / "out").exists()
