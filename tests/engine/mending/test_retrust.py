"""A take of the demo clip whose mouth goes by ear for a while: only there it changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.protocol import AVFaceError
from engine.exchange.take import Take
from engine.mending.refine import refine
from engine.mending.retrust import _sync_of, changed_spans
from engine.options import CaptureOptions
from engine.pipeline import capture
from engine.progress import Report
from engine.speech.sync import Sync
from engine.weights import load_head

DEMO = Path(__file__).parents[3] / "weights" / "demo" / "demo.mp4"
HEARD = (1.6, 2.2)  # s


def test_spans_are_where_trust_has_changed():
    times = np.arange(10) / 10
    before = np.full(10, np.nan)
    after = before.copy()
    assert changed_spans(times, before, after) == []
    after[3:6] = 1.0
    assert changed_spans(times, before, after) == [(0.3, 0.5)]
    assert changed_spans(times, after, before) == [(0.3, 0.5)]
    after[9] = 0.0
    assert changed_spans(times, before, after) == [(0.3, 0.5), (0.9, 0.9)]
    after[7] = 0.0  # the eases of both sides would meet
    assert changed_spans(times, before, after) == [(0.3, 0.9)]


def test_a_stretch_goes_by_what_the_whole_clip_told_of_its_sound(small_take):
    _, take = small_take
    take = replace(take, sync_offset=0.2, sync_confidence=0.9)
    assert _sync_of(take) == Sync(0.2, 0.9, belongs=1.0)
    strange = Sync(belongs=0.0, match=0.0).sentences()
    assert _sync_of(replace(take, warnings=tuple(strange))).belongs == 0.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("trust")


@pytest.fixture(scope="module")
def captured(folder) -> Take:
    options = CaptureOptions(detail="off", end=4.6)
    return capture(DEMO, folder / "demo.take.npz", load_head(), options, Report()).take


def by_trust(folder: Path, trust: str, take: str = "demo") -> Take:
    out = folder / f"{trust.replace(':', ' ') or 'none'}.take.npz"
    refine(folder / f"{take}.take.npz", None, out, load_head(), Report(), trust)
    return Take.load(out)


@pytest.fixture(scope="module")
def heard(folder, captured) -> Take:
    return by_trust(folder, f"sound:{HEARD[0]}-{HEARD[1]}")


@pytest.mark.slow
def test_the_mouth_goes_by_ear_there_and_is_untouched_elsewhere(captured, heard):
    there = (captured.times >= HEARD[0]) & (captured.times <= HEARD[1])
    far = (captured.times < HEARD[0] - 0.2) | (captured.times > HEARD[1] + 0.2)
    mouth = [k for k, name in enumerate(captured.expression_names) if name.startswith("mouth")]
    moved = np.abs(heard.expression - captured.expression)
    assert moved[there][:, mouth].max() > 0.05
    assert moved[far].max() < 1e-6
    assert heard.trust_sound[there].max() > 0.8 > captured.trust_sound[there].max()
    np.testing.assert_array_equal(heard.trust_sound[far], captured.trust_sound[far])


@pytest.mark.slow
def test_pose_and_eyes_stay(captured, heard):
    for name in ("shape", "head_pose", "head_translation", "eyes"):
        np.testing.assert_array_equal(getattr(heard, name), getattr(captured, name))
    blinks = [k for k, name in enumerate(captured.expression_names) if name.startswith("eye")]
    np.testing.assert_array_equal(heard.expression[:, blinks], captured.expression[:, blinks])


@pytest.mark.slow
def test_the_take_says_whom_it_trusts_and_can_be_brought_back(folder, captured, heard):
    assert heard.made_by["options"]["trust"] == "sound:1.6-2.2"
    assert heard.made_by["refined_from"] == "demo.take.npz"
    back = by_trust(folder, "", "sound 1.6-2.2")
    jaw = np.abs(back.jaw - captured.jaw).max()
    assert jaw < 0.5 * np.abs(heard.jaw - captured.jaw).max()
    with pytest.raises(AVFaceError, match="Nothing says"):
        by_trust(folder, "sound:1.60-2.20", "sound 1.6-2.2")
