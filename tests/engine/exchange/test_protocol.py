import importlib
import json
from pathlib import Path

import pytest

from engine.exchange.protocol import (
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
    answer,
    decode,
    encode,
    read_job,
    take_name,
    write_job,
)
from engine.options import options_of


@pytest.mark.parametrize(
    "event",
    [Hello(1, "cpu"), Progress("fit", 0.5), Note("no sound"), Done("a.npz"), Failed("x", "y")],
)
def test_an_event_survives_the_wire(event):
    assert decode(encode(event)) == event


@pytest.mark.parametrize("line", ["{}", "[]", '{"event": "party"}', "no json"])
def test_what_is_no_event_is_refused(line):
    with pytest.raises(ValueError):
        decode(line)


@pytest.mark.parametrize(
    ("error", "code", "last"),
    [
        (None, DONE, Done("a.npz")),
        (AVFaceError("No face.", "Look."), CANNOT_SERVE, Failed("No face.", "Look.")),
        (KeyError("x"), OUR_FAULT, Failed("The engine failed (KeyError: 'x').", "See its log.")),
    ],
)
def test_every_job_has_a_last_word(error, code, last):
    def work() -> str:
        if error:
            raise error
        return "a.npz"

    heard = []
    assert answer(work, heard.append) == code and heard == [last]


def test_a_job_survives_its_file(tmp_path):
    job = CaptureJob("clip ä.mp4", "out.take.npz", options={"detail": "off"})
    write_job(job, tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_a_job_that_counted_faces_from_0_names_the_same_face(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"clip": "a", "out": "b", "options": {"face": 0}, "version": 1}))
    assert read_job(path) == CaptureJob("a", "b", options={"face": 1})


def test_a_job_of_another_version_is_refused(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"clip": "a", "out": "b", "version": 99}))
    with pytest.raises(AVFaceError, match="version 99"):
        read_job(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1", "not a job file"),
        ("[1]", "holds no fields"),
        ('{"clip": "a"}', "out is missing"),
        ('{"clip": 5, "out": "b"}', "clip is missing or no text"),
        ('{"clip": "a", "out": "b", "options": [1]}', "no set of options"),
        ('{"clip": "a", "out": "b", "frob": 1}', "field “frob”"),
    ],
)
def test_a_job_file_that_is_none_is_refused(text, why, tmp_path):
    path = tmp_path / "job.json"
    path.write_text(text)
    with pytest.raises(AVFaceError, match=why):
        read_job(path)


@pytest.mark.parametrize(
    ("options", "why"),
    [({"frob": 1}, "no option “frob”"), ({"start": "abc"}, "start can't be “abc”"),
     ({"region": [1, 2]}, "region can't"), ({"detail": 5}, "detail can't")],
)  # fmt: skip
def test_options_of_a_job_are_checked(options, why):
    with pytest.raises(AVFaceError, match=why):
        options_of(options)
    assert options_of({"region": [1, 2, 3, 4], "end": None}).region == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("clip", "name"),
    [
        ("a/head.mp4", "head"),
        ("take10.mov", "take10"),
        ("shot.####.png", "shot"),
        ("v1.2 ada.mp4", "v1.2 ada"),
        ("###.png", "###"),
    ],
)
def test_results_are_named_after_the_clip(clip, name, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "scripts")
    assert take_name(Path(clip)) == name
    assert importlib.import_module("capture")._take_name(Path(clip)) == name


def test_a_folder_of_pictures_keeps_its_whole_name(tmp_path):
    folder = tmp_path / "shot.v2"
    folder.mkdir()
    assert take_name(folder) == "shot.v2"
