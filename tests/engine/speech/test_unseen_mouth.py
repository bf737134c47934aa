"""What the picture can't see of a mouth is as it's heard; what it does see stays."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.fitting.sound import Hearing
from engine.head.model import FaceParams, Head
from engine.head.mouth import Mouth, front_of, shutting
from engine.speech import unseen_mouth
from engine.speech.unseen_mouth import say_unseen
from tests.teeth import tuck_distance

T, FPS = 40, 25.0
TIMES = np.arange(T) / FPS
NAMES = ("mouthPucker", "mouthFunnel", "mouthRollLower", "mouthRollUpper")
SAID = slice(18, 23)  # frames in which the sound in question is heard


def voice(tucked=0.0, hissing=0.0, **units):
    """Speech that says `units` in the frames SAID, else nothing of the lips."""
    mean, probability, hiss = np.zeros((T, len(NAMES))), np.zeros(T), np.zeros(T)
    for name, value in units.items():
        mean[SAID, NAMES.index(name)] = value
    probability[SAID], hiss[SAID] = tucked, hissing

    class Voice(SimpleNamespace):
        def __getitem__(self, name):
            k = NAMES.index(name)
            return mean[:, k], np.full(T, 0.15)

    return Voice(speaking=np.ones(T), tucked=probability, hissing=hiss)


def fitted(head, jaw=0.08, parted=0.0, **units):
    """A speaker whose lips are shut, or open by a share of the jaw's opening."""
    params = FaceParams.neutral(head, T, 1500.0)
    expression, turn = params.expression.copy(), params.jaw.copy()
    turn[:, 0] = jaw
    expression[:, head.unit["mouthClose"]] = (1 - parted) * shutting(np.array(jaw))
    for name, value in units.items():
        expression[:, head.unit[name]] = value
    return params.replace(expression=expression, jaw=turn)


def heard(params, head, speech, **hearing):
    return say_unseen(params, Hearing(speech, **hearing), TIMES, head)


def posed(mouth, params):
    return mouth.pose(params.expression, params.jaw, mouth.rest(params.shape))


@pytest.mark.parametrize("parted", [0.2, 0.35])
def test_an_f_puts_the_lower_lip_to_the_upper_teeth_and_keeps_the_opening(head, mouth, parted):
    before = fitted(head, parted=parted)
    after = heard(before, head, voice(tucked=0.95, mouthRollLower=0.9))
    was, now = posed(mouth, before), posed(mouth, after)
    assert tuck_distance(mouth, was)[20] > 2.4e-3
    assert tuck_distance(mouth, now)[20] < 2.2e-3
    assert tuck_distance(mouth, now)[5] == pytest.approx(tuck_distance(mouth, was)[5], abs=1e-5)
    np.testing.assert_allclose(mouth.lip_gap(now)[20], mouth.lip_gap(was)[20], atol=5e-4)
    np.testing.assert_allclose(mouth.lip_width(now), mouth.lip_width(was), atol=2e-4)


def test_a_hiss_shuts_the_teeth_behind_lips_that_stay_as_they_are_seen(head, mouth):
    before = fitted(head, jaw=0.06, parted=0.4)
    after = heard(before, head, voice(hissing=0.9))
    was, now = posed(mouth, before), posed(mouth, after)
    assert after.jaw[20, 0] == pytest.approx(0.028, abs=2e-3)
    np.testing.assert_allclose(after.jaw[5], before.jaw[5], atol=1e-4)
    np.testing.assert_allclose(mouth.lip_gap(now), mouth.lip_gap(was), atol=2e-4)
    np.testing.assert_allclose(mouth.lip_width(now), mouth.lip_width(was), atol=4e-4)


@pytest.mark.parametrize("jaw", [0.02, 0.15])
def test_a_jaw_that_is_up_already_or_wide_open_is_left_there_by_a_hiss(head, jaw):
    before = fitted(head, jaw=jaw, parted=0.4)
    np.testing.assert_array_equal(heard(before, head, voice(hissing=0.9)).jaw, before.jaw)


def test_teeth_meet_the_lower_lip_though_the_upper_ones_lining_be_nearer(head):
    """Whoever speaks and however far the jaw is down: what is drawn to the teeth goes with it."""
    front, random = front_of(head.file), np.random.default_rng(6)
    jaw = np.zeros((6, 3))
    jaw[:, 0] = np.linspace(0, 0.35, 6)
    for _ in range(8):
        shape = random.normal(0, 0.8, head.file.shape_basis.shape[2])
        points = front.pose(np.zeros((6, len(head.file.expression_names))), jaw, front.rest(shape))
        lip, edge = front.nearest_to_teeth(points)
        assert front.jaw_weight[lip].min() > 0.9
        assert front.jaw_weight[edge].max() < 0.1


def test_a_tuck_comes_and_goes_over_several_frames(head, mouth):
    """The lower lip rolls in before the f is heard and out after it: no single frame stands out."""
    before = fitted(head, parted=0.2)
    moved = posed(mouth, heard(before, head, voice(tucked=0.95))) - posed(mouth, before)
    way = np.linalg.norm(moved, axis=2).max(1)
    held = way[SAID].mean()
    assert held > 0.8e-3
    assert np.ptp(way[SAID]) < 0.1 * held
    assert np.abs(np.diff(way)).max() < 0.75 * held
    assert way[SAID.start - 1] > 0.3 * held


def test_lips_that_are_seen_far_apart_are_not_drawn_to_the_teeth(head, mouth):
    """Sound is a frame early or late: a lip that is on its way must not leap and come back."""
    wide = fitted(head, parted=0.8)
    was, now = (
        posed(mouth, params)
        for params in (wide, heard(wide, head, voice(tucked=0.95, mouthRollLower=0.0)))
    )
    assert mouth.lip_gap(was)[20] > 5e-3
    assert np.linalg.norm(now[20] - was[20], axis=1).max() < 1e-4


def test_an_f_shows_teeth_where_the_tracker_saw_shut_lips(head, mouth):
    shut = fitted(head)
    gap = mouth.lip_gap(posed(mouth, heard(shut, head, voice(tucked=0.95, mouthRollLower=0.9))))
    assert gap[20] > 0.7e-3 and gap[5] < 0.3e-3


def test_lips_stand_out_as_far_as_heard_and_look_as_wide_and_open(head, mouth):
    before = fitted(head, parted=0.4)
    after = heard(before, head, voice(mouthPucker=0.5, mouthFunnel=0.2))
    was, now = posed(mouth, before), posed(mouth, after)
    assert (mouth.lip_depth(now) - mouth.lip_depth(was))[20] > 1.2e-3
    np.testing.assert_allclose(mouth.lip_gap(now), mouth.lip_gap(was), atol=2e-4)
    np.testing.assert_allclose(mouth.lip_width(now), mouth.lip_width(was), atol=2e-4)


def test_seen_from_the_side_lips_stand_out_as_seen(head, mouth):
    before = fitted(head, parted=0.4)
    turned = before.replace(head_pose=np.tile([0.0, 1.3, 0.0], (T, 1)))
    speech = voice(mouthPucker=0.5, mouthFunnel=0.2)

    def out(params):
        moved = mouth.lip_depth(posed(mouth, heard(params, head, speech)))
        return (moved - mouth.lip_depth(posed(mouth, params)))[20]

    assert out(turned) < 0.7 * out(before)


def test_sound_that_is_not_to_be_believed_says_nothing(head):
    before, speech = fitted(head, parted=0.4), voice(mouthPucker=0.6)
    picture = np.zeros(T)
    for after in (
        heard(before, head, speech, belongs=0.0),
        heard(before, head, speech, forced=picture),
        heard(before, head, SimpleNamespace(**{**vars(speech), "speaking": np.zeros(T)})),
    ):
        np.testing.assert_array_equal(after.expression, before.expression)


def test_what_is_said_already_is_not_said_twice(head):
    before, speech = fitted(head, parted=0.4), voice(mouthPucker=0.6)
    once = heard(before, head, speech)
    twice = heard(once, head, speech)
    pucker = head.unit["mouthPucker"]
    change = once.expression[:, pucker] - before.expression[:, pucker]
    again = twice.expression[:, pucker] - once.expression[:, pucker]
    assert np.abs(again).max() < 0.5 * np.abs(change).max()


def test_units_stay_in_their_range_and_sides_keep_their_difference(head):
    before = fitted(head, parted=0.4, mouthSmileLeft=0.3, mouthStretchRight=0.9, mouthPucker=0.9)
    after = heard(before, head, voice(tucked=1.0, mouthPucker=1.0, mouthFunnel=1.0))
    assert (after.expression >= head.file.expression_low - 1e-6).all()
    assert (after.expression <= head.file.expression_high + 1e-6).all()
    left, right = (head.unit[f"mouthSmile{side}"] for side in ("Left", "Right"))
    np.testing.assert_allclose(after.expression[:, left] - after.expression[:, right], 0.3)


def test_a_person_who_rests_with_rolled_lips_keeps_them(head):
    before = fitted(head, parted=0.4, mouthRollUpper=0.2)
    after = heard(before, head, voice(mouthPucker=0.5))
    rolled = after.expression[:, head.unit["mouthRollUpper"]]
    np.testing.assert_allclose(rolled[:15], 0.2, atol=0.02)


def test_an_adopted_head_without_our_names_is_shaped_by_their_mix(adopted):
    other = Head(adopted.head)
    params = FaceParams.neutral(other, T, 1500.0)
    jaw = params.jaw.copy()
    jaw[:, 0] = 0.1
    after = heard(params.replace(jaw=jaw), other, voice(mouthPucker=0.5))
    assert np.abs(after.expression[20]).max() > 0.1
    np.testing.assert_allclose(after.expression[5], params.expression[5], atol=0.02)


def test_lips_do_not_jump_to_what_is_heard(head):
    params = fitted(head, parted=0.3)
    said = heard(params, head, voice(mouthPucker=0.6))
    moved = (said.expression - params.expression)[:, head.unit["mouthPucker"]]
    assert 0.05 < moved[SAID.start - 1] / moved[SAID.start + 2] < 0.2
    assert moved[SAID.start + 2] > 0.2


def test_a_single_picture_is_served(head):
    params, speech = fitted(head, parted=0.3), voice(mouthPucker=0.6)
    one = slice(SAID.start, SAID.start + 1)

    class Instant(SimpleNamespace):
        def __getitem__(self, name):
            return tuple(values[one] for values in speech[name])

    instant = Instant(speaking=np.ones(1), tucked=np.zeros(1), hissing=np.zeros(1))
    said = say_unseen(params[one], Hearing(instant), TIMES[one], head)
    assert np.isfinite(said.expression).all()


def test_a_long_film_is_heard_piece_by_piece(head, monkeypatch):
    before, speech = fitted(head, parted=0.3), voice(tucked=0.95, mouthRollLower=0.9)
    whole, posed_frames = heard(before, head, speech), []
    pose = Mouth.pose

    def counted(mouth, expression, *others):
        posed_frames.append(len(expression))
        return pose(mouth, expression, *others)

    monkeypatch.setattr(Mouth, "pose", counted)
    monkeypatch.setattr(unseen_mouth, "_CHUNK", 7)
    pieces = heard(before, head, speech)
    np.testing.assert_allclose(pieces.expression, whole.expression, atol=1e-6)
    assert 0 < max(posed_frames) <= 7
