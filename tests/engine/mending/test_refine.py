"""A take of the demo clip, refined by a landmark that was dragged in one frame."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.exchange.take import Take
from engine.head.model import Head, fitted_params_of
from engine.mending.refine import refine
from engine.options import CaptureOptions
from engine.pipeline import capture
from engine.progress import Report
from engine.weights import load_head

DEMO = Path(__file__).parents[3] / "weights" / "demo" / "demo.mp4"
CORNER, FRAME, WAY = 48, 40, (-6.0, -8.0)  # of the lips, subject's right; px

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    """The captured and the refined take, and what the refinement had to say."""
    folder = tmp_path_factory.mktemp("refine")
    head = load_head()
    options = CaptureOptions(detail="off", end=4.6)
    before = capture(DEMO, folder / "demo.take.npz", head, options, Report()).take
    place = before.landmarks_px[FRAME, CORNER].astype(float) + WAY
    row = {"time": float(before.times[FRAME]), "landmarks": {str(CORNER): place.tolist()}}
    (folder / "corrections.json").write_text(json.dumps({"corrections": [row]}))
    report = Report()
    out = folder / "refined.take.npz"
    refine(folder / "demo.take.npz", folder / "corrections.json", out, head, report)
    return before, Take.load(out), report.warnings


def test_the_corner_is_where_it_was_dragged(takes):
    before, after, warnings = takes
    wanted = before.landmarks_px[FRAME, CORNER] + WAY
    assert np.linalg.norm(after.landmarks_px[FRAME, CORNER] - wanted) < 1.0
    assert not [sentence for sentence in warnings if "can't follow" in sentence]


def test_neighbours_follow_less_and_less(takes):
    before, after, _ = takes
    moved = np.linalg.norm(after.landmarks_px - before.landmarks_px, axis=2)[:, CORNER]
    assert 2 < moved[FRAME + 2] < moved[FRAME] and 1 < moved[FRAME - 2] < moved[FRAME]
    assert moved[FRAME + 12] < 0.1 * moved[FRAME]
    assert moved[: FRAME - 32].max() < 0.1, "what sound says there is not turned by the lesson"


def test_far_frames_are_as_they_were(takes):
    before, after, _ = takes
    head = Head(load_head())
    rest = head.rest(before.shape)
    for frame in np.flatnonzero(before.times > before.times[FRAME] + 2)[::5]:
        here, there = (surface(head, take, int(frame), rest) for take in (before, after))
        assert 1000 * np.linalg.norm(here - there, axis=1).max() < 0.01


def surface(head: Head, take: Take, frame: int, rest) -> np.ndarray:
    return head.camera_frame(fitted_params_of(take), frame, rest)
