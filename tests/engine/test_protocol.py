import json

import pytest

from engine.exchange.protocol import (
    AVFaceError,
    CaptureJob,
    Done,
    Failed,
    Hello,
    Note,
    Progress,
    decode,
    encode,
    read_job,
    write_job,
)


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


def test_a_job_survives_its_file(tmp_path):
    job = CaptureJob("clip ä.mp4", "out.take.npz", options={"detail": "off"})
    write_job(job, tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_a_job_of_another_version_is_refused(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"clip": "a", "out": "b", "version": 99}))
    with pytest.raises(AVFaceError, match="version 99"):
        read_job(path)


def test_a_job_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "job.json"
    path.write_text("[1")
    with pytest.raises(AVFaceError, match="not a job file"):
        read_job(path)
