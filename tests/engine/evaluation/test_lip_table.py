"""Reading lips: the words of clear scores are found, and the table tells what it can't do."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.evaluation import lip_table, read_lips
from engine.evaluation.lip_table import FILM, FLOOR, LipTable
from engine.evaluation.read_lips import (
    Sentence,
    best_words,
    frames_right,
    said_and_read,
    viseme_errors,
)
from engine.evaluation.systems import Answer
from engine.models.lipreader import VISEMES

PLACE = {name: k for k, name in enumerate(VISEMES)}
CHAINS = {"pat": [PLACE["p"], PLACE["a"], PLACE["t"]], "shoe": [PLACE["S"], PLACE["u"]]}
HZ = 25


def scores_of(names: str) -> np.ndarray:
    """Nearly certain scores of the visemes NAME*FRAMES, (T, 14)."""
    frames = [name for item in names.split() for name in [item.split("*")[0]] * int(item[-1])]
    out = np.full((len(frames), len(VISEMES)), -6.0)
    out[np.arange(len(frames)), [PLACE[name] for name in frames]] = -0.05
    return out


def test_words_are_found_where_the_scores_are_clear():
    scores = scores_of("sil*5 p*2 a*3 t*2 sil*3 S*2 u*4 S*2 u*3 sil*2")
    assert best_words(scores, CHAINS, 2.0) == ["pat", "shoe", "shoe"]
    assert best_words(scores_of("sil*6"), CHAINS, 2.0) == []
    # one frame of something else is no word
    assert best_words(scores_of("p*3 a*1 S*1 a*3 t*2"), CHAINS, 2.0) == ["pat"]


def test_frames_and_visemes_of_a_sentence_are_counted():
    phones = [("SIL", 0.0, 0.2), ("P", 0.2, 0.28), ("AA", 0.28, 0.4), ("T", 0.4, 0.48)]
    sentence = Sentence("pot", phones, ("pot",))
    scores = scores_of("sil*5 p*2 a*3 S*2")
    times = np.arange(12) / HZ
    said, read = said_and_read(scores, times, sentence)
    assert (said == read).sum() == 5 and len(said) == 7
    found = frames_right([(said, read)] * 9)
    assert found["frames"] == pytest.approx(100 * 5 / 7) and found["recall"] == pytest.approx(
        200 / 3
    )
    assert found["low"] <= found["frames"] <= found["high"]
    assert found["commonest"] == pytest.approx(100 * 3 / 7)
    assert viseme_errors(scores, sentence) == (1, 3)


def test_faces_that_are_lost_keep_their_place():
    marks = np.full((4, 68, 2), np.nan)
    assert read_lips.without_gaps(marks) is None
    marks[1] = 3.0
    assert (read_lips.without_gaps(marks) == 3.0).all()


class Spells(torch.nn.Module):
    """Reads `no` in every clip."""

    def forward(self, mouths: torch.Tensor) -> torch.Tensor:
        steps = torch.tensor([15, 0, 16])  # n, blank, o
        return torch.nn.functional.one_hot(steps, 29).float()[None] + 0 * mouths.mean()


@pytest.fixture
def clip(monkeypatch):
    monkeypatch.setattr(lip_table, "read_waveform", lambda clip: np.zeros(16_000, np.float32))
    monkeypatch.setattr(lip_table, "heard_phones", lambda sound, words: [])
    monkeypatch.setattr(
        lip_table, "film_mouths", lambda clip, marks, side: torch.rand(1, 5, 1, side, side)
    )
    return SimpleNamespace(has_sound=True, times=np.arange(5) / HZ)


def test_a_user_s_reader_gives_text(clip, tmp_path):
    path = tmp_path / "reader.pt"
    torch.jit.trace(Spells(), torch.rand(1, 5, 1, 88, 88)).save(str(path))
    table = LipTable(path)
    for name, words in (("one", "no"), ("two", "yes")):
        film = tmp_path / f"{name}.mp4"
        film.with_suffix(".txt").write_text(words)
        sentence = table.hear(film, clip)
        assert sentence is not None and sentence.words == words
        table.add("raw", sentence, clip, Answer(np.ones((5, 68, 2))))
    lines, figures = table.table()
    assert figures[FILM]["WER"] == 50 and figures[FLOOR]["WER"] == 50
    assert any(line.startswith(FILM) for line in lines)


def test_without_a_reader_the_table_says_so(monkeypatch, tmp_path, clip):
    monkeypatch.setattr(lip_table, "own_lip_reader", lambda: None)
    assert "carries no network lipreader" in LipTable().table()[0][0]
    assert LipTable().hear(tmp_path / "holiday.mp4", clip) is None
