"""What is written is read again as it was, whatever it holds."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.exchange.arkit import Curves
from engine.exchange.livelink import TIMECODE_RATE, read_livelink, timecode, write_livelink
from engine.exchange.protocol import (
    CaptureJob,
    Done,
    Failed,
    Hello,
    Item,
    Note,
    Progress,
    decode,
    encode,
    read_job,
    write_job,
)
from engine.exchange.take import Take
from engine.srgb import linear_from_srgb, srgb_from_linear
from tests.engine.exchange.test_take import small_take

share = st.floats(0, 1)
events = st.one_of(
    st.builds(Hello, st.integers(), st.text()),
    st.builds(Progress, st.text(), share, st.text()),
    st.builds(Note, st.text()),
    st.builds(Item, st.text(), st.text(), share, st.text(), st.text()),
    st.builds(Done, st.text()),
    st.builds(Failed, st.text(), st.text()),
)
few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(events)
def test_an_event_is_one_line(event):
    line = encode(event)
    assert line.splitlines() == [line] and line.isascii()
    assert decode(line) == event


@few
@given(clip=st.text(), out=st.text(), trust=st.text(), face=st.integers(1))
def test_a_job_with_any_names(tmp_path, clip, out, trust, face):
    job = CaptureJob(clip, out, options={"trust": trust, "face": face})
    write_job(job, tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job


@few
@given(actor=st.text(), warning=st.text(), path=st.text(), offset=st.floats(-5, 5))
def test_a_take_with_any_names(tmp_path, actor, warning, path, offset):
    take = replace(
        small_take(), actor=actor, warnings=(warning,), source={"path": path}, sound_offset=offset
    )
    take.save(tmp_path / "a.take.npz")
    again = Take.load(tmp_path / "a.take.npz")
    for item in fields(Take):
        np.testing.assert_array_equal(getattr(again, item.name), getattr(take, item.name))


@given(st.floats(0, 86400, exclude_max=True), st.floats(0, 100))
def test_timecodes_rise_with_time(seconds, more):
    first, second = timecode(seconds), timecode(min(seconds + more, 86399.9))
    assert first <= second or more == 0 or seconds > 86399.9
    assert int(first.split(":")[3].split(".")[0]) < TIMECODE_RATE


@few
@given(st.data(), st.integers(1, 12), st.sampled_from([12.0, 23.976, 25.0, 29.97, 50.0, 60.0]))
def test_curves_come_back_from_a_csv(tmp_path, data, frames, fps):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    turns = random.uniform(-np.pi, np.pi, (3, frames, 3))
    curves = Curves(np.arange(frames) / fps, random.uniform(-1, 2, (frames, 52)), *turns, fps=fps)
    start = data.draw(st.floats(0, 86400, exclude_max=True))  # across midnight, too
    write_livelink(curves, tmp_path / "a.csv", start)
    again = read_livelink(tmp_path / "a.csv")
    np.testing.assert_allclose(again.values, curves.values, atol=1e-9)
    for name in ("head", "left_eye", "right_eye"):
        np.testing.assert_allclose(getattr(again, name), getattr(curves, name), atol=1e-9)
    np.testing.assert_allclose(again.times, curves.times, atol=1.01e-3 / TIMECODE_RATE)


def test_every_byte_of_srgb_comes_back():
    codes = np.arange(256, dtype=np.uint8)
    linear = linear_from_srgb(codes)
    np.testing.assert_array_equal(srgb_from_linear(linear), codes)
    assert (np.diff(linear) > 0).all() and linear[0] == 0 and linear[-1] == pytest.approx(1)
