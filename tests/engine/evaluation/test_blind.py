"""The page for blind comparisons."""

import json
import re
import shutil
import subprocess

import pytest

from engine.evaluation.blind import named_folders, pair_films, write_page
from engine.exchange.protocol import AVFaceError


@pytest.fixture
def films(tmp_path):
    folders = {}
    for system, clips in {"fit": "abc", "networks": "abc", "sound": "c"}.items():
        folders[system] = tmp_path / system
        folders[system].mkdir()
        for clip in clips:
            (folders[system] / f"{clip}.preview.mp4").write_bytes(b"")
    return folders


def test_each_pair_of_systems_meets_once_on_each_clip(films, tmp_path):
    pairs = pair_films(films, tmp_path)
    met = sorted((p.clip, *sorted((p.left_system, p.right_system))) for p in pairs)
    assert met == [
        ("a", "fit", "networks"), ("b", "fit", "networks"), ("c", "fit", "networks"),
        ("c", "fit", "sound"), ("c", "networks", "sound"),
    ]  # fmt: skip
    for pair in pairs:
        assert pair.left == f"{pair.left_system}/{pair.clip}.preview.mp4"


def test_sides_and_order_depend_on_the_seed_alone(films, tmp_path):
    assert pair_films(films, tmp_path, 1) == pair_films(films, tmp_path, 1)
    different = [pair_films(films, tmp_path, seed) for seed in range(6)]
    assert len({tuple(p) for p in different}) > 3
    sides = {p.left_system for pairs in different for p in pairs if p.clip == "a"}
    assert sides == {"fit", "networks"}


def test_the_page_does_not_name_the_systems(films, tmp_path):
    page = tmp_path / "pages" / "compare.html"
    page.parent.mkdir()
    assert write_page(films, page) == 5
    text = page.read_text()
    shown = json.loads(re.search(r"pairs = (\[.*?\]), answers", text).group(1))
    assert all(
        (page.parent / side).resolve().is_file() for p in shown for side in (p["left"], p["right"])
    )
    assert not re.search(r'"(fit|networks|sound)"', text)
    assert not list(page.parent.glob("*.tmp")) and "http" not in text


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_script_is_valid(films, tmp_path):
    write_page(films, tmp_path / "compare.html")
    script = re.search(r"<script>(.*)</script>", (tmp_path / "compare.html").read_text(), re.S)
    (tmp_path / "page.js").write_text(script.group(1))
    subprocess.run(["node", "--check", str(tmp_path / "page.js")], check=True)


def test_what_cannot_be_compared_is_said(tmp_path):
    (tmp_path / "fit").mkdir()
    with pytest.raises(AVFaceError):
        pair_films({"fit": tmp_path / "fit"}, tmp_path)
    with pytest.raises(AVFaceError):
        named_folders(["fit"])
    assert named_folders([f"fit={tmp_path / 'fit'}"]) == {"fit": tmp_path / "fit"}
