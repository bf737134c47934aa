"""`python -m engine train`: stages, flags, curves."""

import numpy as np
import pytest

from engine.cli import main
from engine.commands.train import STAGES
from engine.exchange.protocol import CANNOT_SERVE, DONE
from engine.training import data, stages
from engine.training.checkpoint import append_log
from engine.training.curves import read_curves

cv2 = pytest.importorskip("cv2")


def test_a_stage_is_trained_from_the_command_line(tiny, performers, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(stages, "choose_source", lambda *_: performers)
    folder = tmp_path / "run"
    arguments = ["train", "expression", "--folder", str(folder), "--batch", "2", "--senses",
                 "audio", "--no-photometric", "--test-windows", "1"]  # fmt: skip
    assert main([*arguments, "--steps", "2"]) == DONE
    assert "step 2, finished" in capsys.readouterr().out
    assert (folder / "best.safetensors").is_file()
    assert main(["train", "curves", str(folder)]) == DONE
    picture = cv2.imread(str(folder / "curves.png"))
    assert picture.shape[1] == 4 * 300 and picture.std() > 5
    assert "test: nme" in read_curves(folder)


def test_mistakes_are_sentences(tmp_path, capsys):
    assert main(["train", "everything"]) == CANNOT_SERVE
    assert "There is no stage" in capsys.readouterr().err
    assert main(["train", "coarse", "--folder", str(tmp_path)]) == CANNOT_SERVE
    assert main(["train", "curves", str(tmp_path)]) == CANNOT_SERVE
    (tmp_path / "text").write_text("no weights")
    begin = ["--folder", str(tmp_path / "run"), "--steps", "1"]
    begin += ["--start-from", str(tmp_path / "text")]
    for stage in ("fine", "spectre"):
        assert main(["train", stage, *begin]) == CANNOT_SERVE
        assert "builds on a coarse stage" in capsys.readouterr().err
    assert main(["train", "coarse", *begin]) == CANNOT_SERVE
    assert "doesn't hold this network's weights" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main(["train", "prepare", str(tmp_path), "--out", str(tmp_path / "out")]) == CANNOT_SERVE


def test_each_stage_lists_its_flags(capsys):
    for stage in STAGES:
        with pytest.raises(SystemExit):
            main(["train", stage, "--help"])
        shown = capsys.readouterr().out
        assert "--folder" in shown and "--config" in shown and "--precision" in shown


def test_curves_read_every_line(tmp_path):
    for step in range(1, 50):
        append_log(tmp_path, {"kind": "train", "step": step, "losses": {"total": 1 / step}})
    append_log(tmp_path, {"kind": "evaluate", "step": 49, "figures": {"nme": float("nan")}})
    curves = read_curves(tmp_path)
    assert np.allclose(curves["total"][1], 1 / np.arange(1, 50))
    assert main(["train", "curves", str(tmp_path), "--out", str(tmp_path / "c.png")]) == DONE
    assert cv2.imread(str(tmp_path / "c.png")) is not None


@pytest.mark.shared
@pytest.mark.slow
def test_a_real_clip_is_prepared(clips, tmp_path):
    from engine.training.prepare import prepare_clip

    prepare_clip(
        clips / "hard" / "five_frames.mp4", tmp_path, "five", side=64, sound="mel", sound_path=None
    )
    source = data.FolderSource(tmp_path, 48, "all", 3)
    window = source.draw(np.random.default_rng(0), 3)
    assert window["pictures"].shape == (3, 48, 48, 3)
    assert np.abs(window["landmarks"]).max() < 1 and window["sound"].shape[1:] == (16, 80)
