"""Where a mouth is covered, silence and networks help; elsewhere nothing changes or jumps."""

from dataclasses import replace

import numpy as np
import pytest

from engine.exchange.take import REGIONS
from engine.fitting.leaning import (
    across_covers,
    hardly_clear,
    hidden_mouth,
    hidden_share,
    lean_on_networks,
    near_covers,
)
from engine.head.model import FaceParams
from tests.made_tracks import made_track

FRAMES = 60
COVERED = slice(25, 40)
TIMES, NONE, LOOKED = np.arange(FRAMES) / 25, np.zeros(FRAMES), np.ones(FRAMES, bool)


def performance(head, seed):
    time = np.arange(FRAMES)[:, None]
    wave = 0.3 + 0.2 * np.sin(time / 6 + seed + np.arange(50))
    params = FaceParams.neutral(head, FRAMES, 900.0)
    place = np.array([0.02, -0.01, -0.6]) + 0.01 * np.sin(time / 9 + np.arange(3) + seed)
    return params.replace(
        expression=wave * 0.8, jaw=0.2 * wave[:, :3], head_translation=place,
        head_pose=0.2 * np.sin(time / 11 + np.arange(3) + seed),
    )  # fmt: skip


def covered():
    confidence = np.ones(FRAMES)
    confidence[COVERED] = 0.0
    return hidden_share(confidence)


def test_a_clear_face_is_the_fit_s(head):
    fit, networks = performance(head, 0), performance(head, 1)
    assert lean_on_networks(fit, networks, NONE, LOOKED, NONE, NONE, TIMES, head) is fit


def test_a_covered_mouth_is_led_by_a_quarter_of_what_the_networks_say(head):
    fit, networks = performance(head, 0), performance(head, 1)
    networks = networks.replace(jaw=networks.jaw + 0.3)  # another person's rest
    out = lean_on_networks(fit, networks, covered(), LOOKED, NONE, NONE, TIMES, head)
    names = head.file.expression_names
    brows = [k for k, name in enumerate(names) if name.startswith("brow")]
    np.testing.assert_array_equal(out.expression[:, brows], fit.expression[:, brows])
    np.testing.assert_array_equal(out.head_pose, fit.head_pose)
    np.testing.assert_allclose(out.jaw[:15], fit.jaw[:15], atol=1e-6)
    still = lean_on_networks(
        fit, networks.replace(jaw=0 * networks.jaw), covered(), LOOKED, NONE, NONE, TIMES, head
    )
    moved, said = (np.diff(j, axis=0)[28:36].ravel() for j in (out.jaw - still.jaw, networks.jaw))
    assert np.corrcoef(moved, said)[0, 1] > 0.5
    assert 0.15 < moved @ said / (said @ said) < 0.4  # a quarter of it
    apart = np.abs(networks.jaw - fit.jaw).max()
    assert np.abs(np.diff(out.jaw, axis=0)).max() < 0.1 * apart


def test_where_sound_has_led_the_networks_keep_out(head):
    fit, networks = performance(head, 0), performance(head, 1)
    assert lean_on_networks(fit, networks, covered(), LOOKED, NONE + 1, NONE, TIMES, head) is fit


def test_networks_go_no_further_than_the_clip_has_shown(head):
    """Of a mouth that nobody sees they say that it is half open: not of one that always rests."""
    fit = FaceParams.neutral(head, FRAMES, 900.0)
    open_jaw = np.where(covered()[:, None] > 0.01, 0.2, 0.03) * [1, 0, 0]
    out = lean_on_networks(
        fit, fit.replace(jaw=open_jaw), covered(), LOOKED, NONE, NONE, TIMES, head
    )
    np.testing.assert_allclose(out.jaw, 0, atol=2e-3)


@pytest.mark.parametrize("with_networks", [True, False])
def test_a_silent_face_s_covered_mouth_rests(head, with_networks):
    fit = performance(head, 0)
    silent = (np.arange(FRAMES) < 15) | (np.arange(FRAMES) >= 25)
    jaw = np.where(silent[:, None], 0.05, fit.jaw)  # this person's rest
    jaw[COVERED] = 0.3  # what the fit made of the cover
    networks = performance(head, 1) if with_networks else None
    out = lean_on_networks(
        fit.replace(jaw=jaw), networks, covered(), LOOKED, NONE, silent * 1.0, TIMES, head
    )
    np.testing.assert_allclose(out.jaw[30:36], 0.05, atol=0.02)
    speaking = lean_on_networks(
        fit.replace(jaw=jaw), networks, covered(), LOOKED, NONE, NONE, TIMES, head
    )
    if not with_networks:  # then nothing is known of a mouth that speaks
        np.testing.assert_allclose(speaking.jaw, jaw, atol=1e-12)


def test_frames_at_which_the_networks_did_not_look_tell_nothing(head):
    fit, networks = performance(head, 0), performance(head, 1)
    near = LOOKED.copy()
    near[:15] = near[50:] = False
    blind = np.where(near[:, None], networks.jaw, 9.0)
    out, same = (
        lean_on_networks(fit, networks.replace(jaw=jaw), covered(), near, NONE, NONE, TIMES, head)
        for jaw in (blind, networks.jaw)
    )
    np.testing.assert_allclose(out.jaw, same.jaw, atol=1e-12)


def test_networks_look_at_covers_and_what_lies_beside_them():
    frames = 500
    track = made_track(np.zeros((frames, 478, 3), np.float32), (160, 120))
    confidence = np.ones((frames, len(REGIONS)))
    confidence[200:210, REGIONS.index("mouth")] = 0
    track = replace(track, confidence=confidence)
    hidden = hidden_mouth(track)
    near = near_covers(track, hidden).seen
    assert near[110:300].all() and not near[:90].any() and not near[320:].any()
    assert hidden[205] > 0.99 and not hidden[:190].any()
    assert not hardly_clear(hidden) and hardly_clear(np.ones(frames))
    gone = replace(track, seen=confidence[:, 1] > 0)  # without a face nothing is covered
    assert not hidden_mouth(gone).any() and not near_covers(gone, hidden_mouth(gone)).seen.any()


def test_a_head_goes_straight_across_a_cover(head):
    read = performance(head, 0)
    hidden = covered()
    mouth = [k for k, name in enumerate(head.file.expression_names) if name.startswith("mouth")]
    near, far = slice(COVERED.start - 1, COVERED.stop + 1), np.r_[: COVERED.start - 6, 46:FRAMES]
    for by_mouth in (True, False):
        led = across_covers(read, hidden, head, by_mouth)
        for values, true in (
            (led.head_pose, read.head_pose),
            (led.head_translation, read.head_translation),
        ):
            np.testing.assert_allclose(np.diff(values[near], 2, axis=0), 0, atol=2e-3)
            np.testing.assert_allclose(values[far], true[far], atol=1e-12)
        bends = np.abs(np.diff(led.expression[near][:, mouth], 2, axis=0)).max()
        assert (bends < 1e-9) == by_mouth
        np.testing.assert_array_equal(led.eyes, read.eyes)


def test_a_cover_without_an_end_is_left_as_it_was_read(head):
    read, hidden = performance(head, 0), np.ones(FRAMES)
    assert across_covers(read, hidden, head, True) is read
    hidden[:20] = 0
    led = across_covers(read, hidden, head, True)
    np.testing.assert_allclose(led.head_pose, read.head_pose, atol=1e-12)
    np.testing.assert_array_equal(led.jaw, read.jaw)
    assert across_covers(read, np.zeros(FRAMES), head, True) is read
