"""What trajectories hold whatever is spoken: contacts made, teeth not cut, speakers differ."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.head.model import FaceParams
from engine.head.tongue import with_clear_tongue
from engine.training.trajectories import Style, articulate, channel_of, draw_style, head_units
from engine.training.visemes import CHANNELS, DIPHTHONGS, TARGETS
from engine.weights import FOLDER
from tests.teeth import tuck_distance

sys.path.insert(0, str(FOLDER.parent / "scripts"))
from default_head.nearest import nearest_on_triangles  # type: ignore[import-not-found]

PHONES = [name for name in (*TARGETS, *DIPHTHONGS) if name != "SIL"]


def _spoken(names: list[str], seconds: float = 0.09) -> list[tuple[str, float, float]]:
    return [(name, 0.2 + k * seconds, 0.2 + (k + 1) * seconds) for k, name in enumerate(names)]


def _posed(head, mouth, trajectory):
    return mouth.pose(*head_units(trajectory, head.file.expression_names))


def test_the_small_mesh_is_the_heads(head, mouth):
    expression = np.zeros((1, len(head.unit)))
    expression[0, [head.unit["mouthPucker"], head.unit["mouthClose"]]] = 0.7, 0.3
    jaw = np.array([[0.2, 0.03, 0.01]])
    shape = np.random.default_rng(0).normal(size=20)
    whole = head.pose(head.rest(shape), expression[0], jaw[0], np.zeros(6))
    small = mouth.pose(expression, jaw, mouth.rest(shape))[0]
    assert np.abs(small - whole[mouth.vertices]).max() < 1e-7


@pytest.mark.parametrize("fps", [24, 29.97, 60])
@pytest.mark.parametrize("name", ["P", "B", "M"])
def test_p_b_m_seal_the_lips_in_at_least_one_picture(head, mouth, name, fps):
    for start in np.linspace(0, 1 / fps, 5):
        times = np.arange(start, 0.8, 1 / fps)
        said = articulate(_spoken(["AA", name, "AA"], 0.07), times)
        gap = mouth.lip_gap(_posed(head, mouth, said))
        assert (gap < 0.0003).any()
        assert said.closed.max() > 0.999
        assert gap[times > 0.36].max() > 0.004  # and they open again


def test_f_puts_the_lower_lip_to_the_teeth(head, mouth):
    times = np.arange(0, 0.8, 0.02)
    points = _posed(head, mouth, articulate(_spoken(["AA", "F", "AA"]), times))
    away = tuck_distance(mouth, points)
    assert away.min() < 0.0022 < 0.004 < np.median(away[(times > 0.2) & (times < 0.27)])
    assert mouth.lip_gap(points)[np.argmin(away)] > -0.0005  # the upper lip stays up


def test_rounding_leads_and_narrows(head, mouth):
    times = np.arange(0, 1.0, 0.01)
    points = _posed(head, mouth, articulate(_spoken(["IY", "S", "T", "UW", "T"], 0.1), times))
    width = mouth.lip_width(points)
    assert width[times < 0.25].max() - width.min() > 0.008
    assert articulate(_spoken(["S", "T", "UW"], 0.1), times)["mouthPucker"][38] > 0.2  # within T


def test_a_hiss_keeps_the_jaw_up():
    times = np.arange(0, 0.8, 0.02)
    said = articulate(_spoken(["AA", "S", "AA"]), times)
    assert said["jaw"][(times > 0.3) & (times < 0.37)].max() < 0.035
    assert said["jaw"].max() > 0.09


@pytest.mark.parametrize(
    ("name", "channel", "least"),
    [("TH", "tongueOut", 0.2), ("T", "tongueUp", 0.7), ("L", "tongueUp", 0.8),
     ("K", "tongueBack", 0.6)],
)  # fmt: skip
def test_the_tongue_goes_where_a_phone_needs_it(name, channel, least):
    times = np.arange(0, 0.8, 0.02)
    assert articulate(_spoken(["AH", name, "AH"]), times)[channel].max() > least


def test_the_tongue_cuts_no_teeth(head):
    generator = np.random.default_rng(5)
    tongue, deepest = np.flatnonzero(head.file.masks["tongue"]), 0.0
    rest = head.rest(np.zeros(1))
    for _ in range(3):
        names = [PHONES[k] for k in generator.integers(len(PHONES), size=25)]
        said = articulate(_spoken(names), np.arange(0.2, 2.4, 0.08), draw_style(generator))
        expression, jaw = head_units(said, head.file.expression_names)
        for units, turn in zip(expression, jaw, strict=True):
            points = head.pose(rest, units, turn, np.zeros(6))
            for part in ("upper_teeth", "lower_teeth"):
                own = head.file.faces[head.file.masks[part][head.file.faces].all(1)]
                face, weights, place = nearest_on_triangles(points[tongue], points[own])
                corners = points[own][face]
                normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
                away = points[tongue] - place
                inside = ((away * normal).sum(1) < 0) & (weights.min(1) > 1e-6)
                deepest = max(deepest, np.linalg.norm(away[inside], axis=1).max(initial=0))
    assert deepest < 0.001


def test_silence_is_a_shut_mouth_at_rest():
    said = articulate([("SIL", 0.0, 1.0)], np.arange(0, 1, 0.04))
    assert not said.closed.any() and not said.speaking.any()
    assert said["jaw"].max() < 0.01
    assert said.values[:, 2:].max() < 1e-6


def test_speakers_differ_in_jaw_and_lips():
    times = np.arange(0, 0.8, 0.02)
    calm, wide = (articulate(_spoken(["AA", "UW"]), times, Style(jaw=j)) for j in (0.6, 1.4))
    assert wide["jaw"].max() > 2 * calm["jaw"].max()
    np.testing.assert_allclose(wide["mouthPucker"], calm["mouthPucker"])


@settings(max_examples=20)
@given(names=st.lists(st.sampled_from(PHONES), min_size=1, max_size=12),
       seed=st.integers(0, 10**6), fps=st.sampled_from([15, 25, 50]))  # fmt: skip
def test_any_phones_give_values_in_range(names, seed, fps):
    generator = np.random.default_rng(seed)
    times = np.arange(0, 1.5, 1 / fps)
    said = articulate(_spoken(names, 0.05), times, draw_style(generator), generator)
    assert said.values.shape == (len(times), len(CHANNELS))
    assert np.isfinite(said.values).all() and (said.values >= 0).all()
    assert said["jaw"].max() <= 0.45 and said.values[:, 1:].max() <= 1


def test_sides_share_a_channel():
    assert channel_of("mouthStretchLeft") == channel_of("mouthStretchRight") == "mouthStretch"
    assert channel_of("eyeBlinkLeft") is channel_of("mouthLeft") is channel_of("jawForward") is None


def test_a_tongue_from_elsewhere_is_kept_off_the_teeth(head):
    params = FaceParams.neutral(head, 4, 1000.0)
    params.jaw[:, 0] = 0.0, 0.05, 0.1, 0.3
    params.expression[:, head.unit["tongueOut"]] = 0.4
    clear = with_clear_tongue(params, head)
    out = clear.expression[:, head.unit["tongueOut"]]
    assert out[0] == 0 and out[1] < 0.2 and out[3] == 0.4
    assert clear.expression[2, head.unit["tongueUp"]] > 0.2
    others = np.delete(clear.expression, [head.unit["tongueOut"], head.unit["tongueUp"]], 1)
    assert not others.any()


def test_an_open_vowel_between_stops_of_the_tip_shows_it_low():
    phones = [("SIL", 0.0, 0.3), ("D", 0.3, 0.38), ("AA", 0.38, 0.53), ("T", 0.53, 0.61),
              ("SIL", 0.61, 1.0)]  # fmt: skip
    up = articulate(phones, np.array([0.345, 0.455, 0.57]))["tongueUp"]
    assert up[[0, 2]].min() > 0.7 and up[1] < 0.3
