"""Where a mouth is covered, networks help; elsewhere nothing changes, and nothing jumps."""

import numpy as np

from engine.exchange.take import REGIONS
from engine.fitting.leaning import across_covers, lean_on_networks
from engine.head.model import FaceParams

FRAMES = 60
COVERED = slice(25, 40)
TIMES, QUIET = np.arange(FRAMES) / 25, np.zeros(FRAMES)


def performance(head, seed):
    time = np.arange(FRAMES)[:, None]
    wave = 0.3 + 0.2 * np.sin(time / 6 + seed + np.arange(50))
    params = FaceParams.neutral(head, FRAMES, 900.0)
    place = np.array([0.02, -0.01, -0.6]) + 0.01 * np.sin(time / 9 + np.arange(3) + seed)
    return params.replace(
        expression=wave * 0.8, jaw=0.2 * wave[:, :3], head_translation=place,
        head_pose=0.2 * np.sin(time / 11 + np.arange(3) + seed),
    )  # fmt: skip


def confidence(region=None):
    values = np.ones((FRAMES, len(REGIONS)))
    if region is not None:
        values[COVERED, region] = 0.0
    return values


def test_a_clear_face_is_the_fit_s(head):
    fit, networks = performance(head, 0), performance(head, 1)
    assert lean_on_networks(fit, networks, confidence(), QUIET, TIMES, head) is fit


def test_a_covered_mouth_is_led_by_half_of_what_the_networks_say(head):
    fit, networks = performance(head, 0), performance(head, 1)
    networks = networks.replace(jaw=networks.jaw + 0.3)  # another person's rest
    out = lean_on_networks(fit, networks, confidence(1), QUIET, TIMES, head)
    names = head.file.expression_names
    brows = [k for k, name in enumerate(names) if name.startswith("brow")]
    np.testing.assert_array_equal(out.expression[:, brows], fit.expression[:, brows])
    np.testing.assert_array_equal(out.head_pose, fit.head_pose)
    np.testing.assert_allclose(out.jaw[:15], fit.jaw[:15], atol=1e-6)
    still = lean_on_networks(
        fit, networks.replace(jaw=0 * networks.jaw), confidence(1), QUIET, TIMES, head
    )
    moved, said = (np.diff(j, axis=0)[28:36].ravel() for j in (out.jaw - still.jaw, networks.jaw))
    assert np.corrcoef(moved, said)[0, 1] > 0.5
    assert 0.35 < moved @ said / (said @ said) < 0.65  # half of it
    apart = np.abs(networks.jaw - fit.jaw).max()
    assert np.abs(np.diff(out.jaw, axis=0)).max() < 0.1 * apart


def test_where_sound_has_led_the_networks_keep_out(head):
    fit, networks = performance(head, 0), performance(head, 1)
    assert lean_on_networks(fit, networks, confidence(1), QUIET + 1, TIMES, head) is fit


def test_a_face_that_is_never_clear_is_the_networks(head):
    fit, networks = performance(head, 0), performance(head, 1)
    hidden = np.zeros((FRAMES, len(REGIONS)))
    out = lean_on_networks(fit, networks, hidden, QUIET, TIMES, head)
    np.testing.assert_array_equal(out.expression, networks.expression)
    np.testing.assert_array_equal(out.shape, networks.shape)
    np.testing.assert_array_equal(out.albedo, fit.albedo)


def test_a_head_goes_straight_across_a_cover(head):
    read = performance(head, 0)
    hidden = confidence(1)[:, 1]
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
