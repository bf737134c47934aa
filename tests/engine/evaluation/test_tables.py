"""The tables: a system that says the truth has no error, one that can't serve is named."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.evaluation import known_films, published, real_clips, systems, tables, testset
from engine.exchange.protocol import AVFaceError
from engine.head.model import FaceParams, Head
from engine.options import CaptureOptions
from engine.progress import Report
from engine.training import ablation
from engine.weights import load_head

pytest.importorskip("trimesh", reason="trimesh is not installed (requirements/dev.txt)")
SIZE = (256, 256)


@pytest.fixture(scope="module")
def film() -> tuple[testset.KnownFilm, FaceParams]:
    """Twenty frames of a talking head, without pictures."""
    head = Head(load_head())
    params = FaceParams.neutral(head, 20, 500.0)
    jaw = np.zeros((20, 3))
    jaw[:, 0] = 0.25 * np.abs(np.sin(np.arange(20) / 3))
    params = params.replace(jaw=jaw)
    truth = testset.Truth(
        landmarks=np.stack([head.landmarks_px(params, t, SIZE) for t in range(20)]),
        covered=np.arange(20)[:, None].repeat(68, 1) > 14,
        vertices=np.stack([head.frame(params, t) for t in range(20)]).astype(np.float32),
        turn=np.tile(np.eye(3), (20, 1, 1)),
    )
    return testset.KnownFilm("made_up", None, truth), params


def score(film, params: FaceParams, points: np.ndarray) -> dict[str, float]:
    scores = known_films._Scores()
    known_films._add_film(scores, film, points, params, Head(load_head()))
    return known_films._figures(scores)


def test_the_truth_has_no_error(film):
    clip, params = film
    row = score(clip, params, clip.truth.landmarks)
    assert row["nme"] == 0 and row["auc"] == 1 and row["shut"] == 1 and row["shut_wrongly"] == 0
    assert row["scan_median"] < 1e-3 and row["normals"] < 0.1


def test_frames_without_a_face_are_told(film):
    clip, params = film
    points = clip.truth.landmarks.copy()
    points[: len(points) // 2] = np.nan
    row = score(clip, params, points)
    assert row["found"] == pytest.approx(1 - len(points) // 2 / len(points)) and row["nme"] == 0


def test_another_person_is_some_millimetres_off(film):
    clip, params = film
    other = params.replace(shape=np.full(100, 1.0))
    row = score(clip, other, clip.truth.landmarks + 2.0)
    assert 0.5 < row["scan_median"] < 6 and 2 < row["normals"] < 40
    assert row["nme"] > 1 and row["nme_clear"] == pytest.approx(row["nme_covered"], rel=0.1)
    assert row["nme_hidden_most"] == row["nme_covered"] and np.isnan(row["nme_hidden_half"])


def test_tables_name_what_cannot_serve(film, monkeypatch, tmp_path):
    clip, _ = film
    truth = clip.truth.landmarks

    def answer(system, *_):
        if system is systems.LANDMARKS:
            return systems.Answer(truth)
        raise AVFaceError("The weights are not here.", "Train them.")

    monkeypatch.setattr(known_films, "ask", answer)
    with_sound = SimpleNamespace(has_sound=True)
    monkeypatch.setattr(known_films, "open_clip", lambda path: with_sound)
    monkeypatch.setattr(tables, "read_testset", lambda folder: [clip])
    text, figures = tables.print_tables(Report(), synthetic=0, testset=tmp_path)
    assert "commit" in text and str(testset.SEED) in text
    assert figures["synthetic"]["raw landmarks (tracker)"]["nme"] == 0
    assert text.count("not here: The weights are not here.") == len(systems.SYSTEMS) - 1
    ours, theirs = text.split("PUBLISHED, on others' data")
    assert "DECA" not in ours and "DECA" in theirs


def test_what_is_not_there_is_said_before_any_film_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "make_testset", lambda *_: pytest.fail("it was begun"))
    with pytest.raises(AVFaceError, match="no folder at"):
        tables.print_tables(Report(), clips=tmp_path / "nothing")
    with pytest.raises(AVFaceError, match="--synthetic can't be -1"):
        tables.print_tables(Report(), synthetic=-1)
    with pytest.raises(AVFaceError, match="none are named"):
        tables.print_tables(Report(), synthetic=0, lip_reader=tmp_path / "mine.pt")


def test_every_system_is_asked_once_the_tracker_first():
    asked = [(s.options, s.by_frame) for s in systems.SYSTEMS]
    assert systems.SYSTEMS[0] is systems.LANDMARKS
    assert all(asked.count(one) == 1 for one in asked)
    assert all(CaptureOptions(**s.options) for s in systems.SYSTEMS if s.options)


def test_rows_that_were_trained_are_printed_with_their_commit(tmp_path):
    generator, path = np.random.default_rng(0), tmp_path / "table.json"

    def run(middle: float) -> dict[str, np.ndarray]:
        return {case: generator.normal(middle, 0.1, 20) for case in ablation.CASES}

    errors = {"phones": [run(1.5), run(1.5)], "mel": [run(1.7), run(1.7)]}
    ablation.write_rows(path, errors, steps=8, batch=4)
    text, figures = tables.print_tables(Report(), synthetic=0, rows=path)
    assert "Seeds 0 to 1, 8 steps of 4 windows, commit" in text
    assert 0.1 < figures["rows"]["mel"]["seen"] - figures["rows"]["phones"]["seen"] < 0.3
    assert text.index("beside the row above") < text.index("PUBLISHED")
    path.write_text("{}")
    with pytest.raises(AVFaceError, match="no rows of AVFace's tables"):
        tables.print_tables(Report(), synthetic=0, rows=path)


def test_published_figures_are_the_papers():
    assert published.TABLE_4["AVFace"] == (1.63, 0.84, 0.91, 2.39)
    assert published.TABLE_1["e from AV + all + lip refinement"] == published.TABLE_4["AVFace"]
    assert published.TABLE_5["AVFace"] == (1.61, 1.98, 1.59)
    assert published.SPECTRE_TABLE_1["SPECTRE"] == (67.6, 93.3, 60.8, 92.2)


def test_a_folder_without_truth_says_so(tmp_path):
    with pytest.raises(AVFaceError, match="no test clip"):
        testset.read_testset(tmp_path)


def test_lips_of_lrs3_are_read_though_no_referee_has_seen_them(monkeypatch, tmp_path):
    clip = tmp_path / "speaker" / "00001.mp4"
    clip.parent.mkdir()
    clip.touch()
    clip.with_suffix(".txt").write_text("Text:  GOOD MORNING\nConf:  4\n")
    monkeypatch.setattr(real_clips, "open_clip", lambda _: SimpleNamespace(has_sound=True))
    answer = systems.Answer(np.zeros((3, 68, 2)))
    monkeypatch.setattr(real_clips, "ask", lambda *_: answer)
    read = []
    lips = SimpleNamespace(
        hear=lambda path, _: path.name, add=lambda *given: read.append(given[:2])
    )
    monkeypatch.setattr(real_clips, "SYSTEMS", [systems.LANDMARKS])
    lines, figures = real_clips.clip_table(tmp_path, lips, Report())
    assert read == [(systems.LANDMARKS.name, "00001.mp4")]
    assert not figures and lines[-1].endswith("no referee")
