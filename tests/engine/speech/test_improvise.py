"""Sound alone: what is made up stays within what people do, and comes out the same each time."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import wavfile

from engine.exchange.protocol import AVFaceError
from engine.media.pictures import read_picture, write_picture
from engine.options import CaptureOptions
from engine.pipeline import capture
from engine.progress import Report
from engine.speech.improvise import improvise, mouth_of

FPS, RATE = 30.0, 16_000
TIMES = np.arange(0, 20, 1 / FPS)
NAMES = ("jaw", "mouthClose", "mouthFunnel", "mouthLowerDownLeft", "tongueUp")


def voice():
    """Five seconds of speech, five of silence, and so on, with a closure every half second."""
    speaking = (TIMES % 10 < 5).astype(float)
    closed = speaking * (np.abs(TIMES % 0.5 - 0.25) < 0.04)
    mean = np.zeros((len(TIMES), len(NAMES)), np.float32)
    mean[:, 0] = speaking * (0.08 + 0.05 * np.sin(12 * TIMES))
    mean[:, 2:4] = 0.3 * speaking[:, None]
    gap = np.stack([100 * mean[:, 0] * (1 - closed), np.ones(len(TIMES))], 1)
    return SimpleNamespace(
        names=NAMES, mean=mean, sd=mean + 0.1, speaking=speaking, closed=closed, gap_mm=gap,
        tucked=np.zeros(len(TIMES)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def spoken(head):
    return improvise(voice(), TIMES, head, 2000.0)


def unit(head, params, name):
    return params.expression[:, head.unit[name]]


def test_it_is_the_same_each_time_and_another_with_another_seed(head, spoken):
    again, other = (improvise(voice(), TIMES, head, 2000.0, seed) for seed in (0, 1))
    for name in ("expression", "head_pose", "head_translation", "eyes"):
        np.testing.assert_array_equal(getattr(spoken, name), getattr(again, name))
        assert np.abs(getattr(spoken, name) - getattr(other, name)).max() > 0
    np.testing.assert_array_equal(spoken.jaw, other.jaw)  # what is heard leaves nothing to chance


def test_eyes_blink_as_people_do(head, spoken):
    lids = unit(head, spoken, "eyeBlinkLeft")
    shut = np.flatnonzero(np.diff((lids > 0.9).astype(int)) == 1)
    assert 3 <= len(shut) <= 12 and np.diff(shut).min() / FPS > 1.0
    assert (lids < 0.05).mean() > 0.8
    np.testing.assert_array_equal(lids, unit(head, spoken, "eyeBlinkRight"))


def test_the_head_and_the_eyes_move_a_little(spoken):
    turned = np.degrees(spoken.head_pose)
    assert 0.5 < turned.std(0).max() < 4 and np.abs(turned).max() < 12
    assert np.abs(np.diff(turned, axis=0)).max() < 1.5  # a frame: no shaking
    moved = spoken.head_translation - spoken.head_translation.mean(0)
    assert np.abs(moved).max() < 0.03
    assert np.abs(np.degrees(spoken.eyes)).max() < 15


def test_the_mouth_speaks_and_rests(head):
    said = voice()
    expression, jaw = mouth_of(said, TIMES, head)
    quiet = TIMES % 10 > 5.5
    assert np.abs(jaw[quiet & (TIMES % 10 < 9.5)]).max() < 1e-3
    assert jaw[TIMES % 10 < 4.5, 0].mean() > 0.06
    shut = said.closed > 0.9
    assert not expression[shut][:, head.unit["mouthFunnel"]].any()
    rest = head.rest(np.zeros(head.file.shape_basis.shape[2]))
    upper, lower = head.file.landmarks_68[0][62], head.file.landmarks_68[0][66]
    frame = int(np.flatnonzero(shut)[1])
    vertices = head.pose(rest, expression[frame], jaw[frame], np.zeros(6))
    gap = vertices[head.file.faces[upper]].mean(0)[1] - vertices[head.file.faces[lower]].mean(0)[1]
    assert gap < 1.5e-3  # the middles of two faces that touch


def test_an_f_bares_the_upper_teeth_on_lips_that_are_less_round(head):
    said = voice()
    plain, _ = mouth_of(said, TIMES, head)
    said.tucked = said.speaking * (1 - said.closed)
    tucked, _ = mouth_of(said, TIMES, head)
    loud = said.tucked == 1
    assert (tucked - plain)[loud, head.unit["mouthUpperUpLeft"]].min() > 0.3
    assert (tucked[loud] < plain[loud])[:, head.unit["mouthFunnel"]].all()
    np.testing.assert_array_equal(tucked[said.tucked == 0], plain[said.tucked == 0])


def test_units_stay_within_their_bounds(head, spoken):
    assert (spoken.expression >= head.file.expression_low).all()
    assert (unit(head, spoken, "eyeBlinkLeft") <= 1.0).all()
    assert np.isfinite(spoken.head_pose).all()


def test_a_single_moment_can_be_spoken(head):
    said = voice()
    one = SimpleNamespace(
        names=NAMES, mean=said.mean[:1], sd=said.sd[:1], speaking=said.speaking[:1],
        closed=said.closed[:1], gap_mm=said.gap_mm[:1], tucked=said.tucked[:1],
    )  # fmt: skip
    assert len(improvise(one, TIMES[:1], head, 2000.0)) == 1


def test_a_known_person_speaks_a_sound_file(head, tmp_path):
    sound = (3e3 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", RATE, sound)
    options, report = CaptureOptions(), Report()
    plain = capture(tmp_path / "a.wav", tmp_path / "a.take.npz", head.file, options, report).take
    shape = np.linspace(-1, 1, len(plain.shape))
    person = tmp_path / "person.take.npz"
    write_picture(np.full((64, 64, 3), 90, np.uint8), tmp_path / "person.png")
    replace(plain, shape=shape, albedo_image="person.png").save(person)
    options = CaptureOptions(person=str(person))
    again = capture(tmp_path / "a.wav", tmp_path / "b.take.npz", head.file, options, report).take
    assert np.array_equal(again.shape, shape)
    assert np.array_equal(again.expression, plain.expression)
    assert (read_picture(tmp_path / again.albedo_image) == 90).all()


def test_a_person_of_another_head_is_refused(head, tmp_path):
    path = tmp_path / "a.wav"
    wavfile.write(path, RATE, np.zeros(RATE, np.int16))
    take = capture(path, tmp_path / "a.take.npz", head.file, CaptureOptions(), Report()).take
    other = {"name": "another", "sha256": "0"}
    replace(take, head=other).save(tmp_path / "other.take.npz")
    options = CaptureOptions(person=str(tmp_path / "other.take.npz"))
    with pytest.raises(AVFaceError, match="another head"):
        capture(path, tmp_path / "b.take.npz", head.file, options, Report())
    assert not (tmp_path / "b.take.npz").exists()
