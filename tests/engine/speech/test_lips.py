"""Lip refinement: what must hold whatever the network says."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio import SpeechFeatures, speech_features, windows
from engine.exchange.protocol import AVFaceError
from engine.head.lip_region import lip_region_of, lip_state
from engine.head.model import FaceParams, Head
from engine.head.mouth import shutting
from engine.models.lips import STATE, LipConfig, LipNet
from engine.speech import lips as lips_step
from engine.speech.lips import as_shapes, keep_apart, refine_lips
from engine.training.lips import LipTask, as_fitted
from engine.training.trajectories import Style, articulate
from engine.training.visemes import CHANNELS
from engine.training.voice_clips import spoken_clip, step_times
from engine.weights import load_head, registry
from tests.clear_speech import PHONES, perfect

needs_weights = pytest.mark.skipif("lips" not in registry(), reason="not trained yet")


@pytest.fixture(scope="module")
def head():
    return _shared()[0]


@pytest.fixture(scope="module")
def region():
    return _shared()[1]


@cache
def _shared() -> tuple:
    head = Head(load_head())
    return head, lip_region_of(head.file)


def _params(head, values: np.ndarray) -> FaceParams:
    """Frames of the mean person from channels (T, channels)."""
    params = FaceParams.neutral(head, len(values), 1000.0)
    for k, name in enumerate(CHANNELS[1:], start=1):
        for unit in (name, f"{name}Left", f"{name}Right"):
            if unit in head.unit:
                params.expression[:, head.unit[unit]] = values[:, k]
    params.jaw[:, 0] = values[:, 0]
    return params


def _gaps(head, region, params) -> np.ndarray:
    """Millimetres between the lips along their line, (T, N)."""
    rest = region.mouth.rest(params.shape)
    none = np.zeros((len(params), len(region.vertices), 3))
    if params.lips is not None:
        none = np.stack([params.lips.offsets(t) for t in range(len(params))])
    return lips_step._gaps(region, params, rest, none) * 1e3


def test_the_region_is_the_lips(head, region):
    assert set(np.flatnonzero(head.file.masks["lips"])) <= set(region.vertices)
    assert (region.fade[np.isin(region.vertices, np.flatnonzero(head.file.masks["eyelids"]))]
            == 0).all()  # fmt: skip
    assert region.fade.max() == 1 and region.fade.min() >= 0
    upper = head.file.template[region.vertices[region.upper_line]]
    lower = head.file.template[region.vertices[region.lower_line]]
    assert abs(upper[:, 1].mean() - lower[:, 1].mean()) < 0.001
    assert (
        region.side[region.upper_line].mean() > 0.5 > -0.5 > region.side[region.lower_line].mean()
    )


def test_the_state_tells_a_pucker_from_a_smile(head, region):
    values = np.zeros((3, len(CHANNELS)))
    values[1, CHANNELS.index("mouthPucker")] = values[2, CHANNELS.index("mouthSmile")] = 0.8
    params = _params(head, values)
    points = region.mouth.pose(params.expression, params.jaw)
    state = lip_state(region.mouth, points, params.jaw[:, 0])
    width = STATE.index("width")
    assert state[1, width] < -0.5 < 0.5 < state[2, width]
    np.testing.assert_allclose(state[0], 0, atol=0.2)


def test_moves_of_lips_stay_and_noise_goes(head, region):
    basis = head.file.expression_basis[region.vertices] * region.fade[:, None, None]
    units = np.moveaxis(basis, 2, 0).astype(np.float32)
    strong = units[[head.unit[name] for name in ("mouthRollLower", "mouthPressLeft", "mouthClose")]]
    left = region.as_moved(strong) - strong
    assert np.linalg.norm(left) < 0.03 * np.linalg.norm(strong)
    noise = np.random.default_rng(0).normal(size=(4, len(region.vertices), 3)).astype(np.float32)
    assert np.linalg.norm(region.as_moved(noise)) < 0.2 * np.linalg.norm(noise)


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), size=st.floats(0, 3e-3), jaw=st.floats(0, 0.2),
       shut=st.booleans())  # fmt: skip
def test_lips_neither_cross_nor_open(seed, size, jaw, shut):
    head, region = _shared()
    generator = np.random.default_rng(seed)
    values = np.zeros((2, len(CHANNELS)))
    values[:, 0] = jaw
    values[:, 1] = shutting(np.array(jaw)) * shut
    params = _params(head, values)
    rest = region.mouth.rest(params.shape)
    push = generator.normal(0, size, (2, 1, 3)) * [0.1, 1, 1]  # a lip against the other
    push = push * region.side[:, None] * region.fade[:, None]
    kept = keep_apart(region, params, rest, push)
    before = _gaps(head, region, params)
    after = lips_step._gaps(region, params, rest, kept) * 1e3
    assert after.min() > min(before.min(), -0.3) - 0.15
    assert (after[before < 0.3] < 0.5).all()


def test_shapes_say_the_offsets():
    generator = np.random.default_rng(0)
    waves = np.sin(np.arange(40)[:, None] * generator.uniform(0.1, 1, 5))  # (T, 5)
    offsets = np.tensordot(waves, generator.normal(0, 5e-4, (5, 30, 3)), 1)
    shapes, weights = as_shapes(offsets)
    assert len(shapes) <= 6 and np.abs(weights).max() <= 1 + 1e-5
    again = np.tensordot(weights, shapes, 1)
    assert np.linalg.norm(again - offsets, axis=2).max() < 5e-5


def test_a_fit_misses_rolls_and_undershoots_closures():
    said = articulate(PHONES, step_times(100), Style())
    generator = np.random.default_rng(1)
    roll, close = CHANNELS.index("mouthRollLower"), CHANNELS.index("mouthClose")
    lost, open_ = [], []
    for _ in range(12):
        coarse, full = as_fitted(said.values, said.closed, generator)
        np.testing.assert_array_equal(coarse[:, 0], full[:, 0])  # the jaw is seen well
        lost.append(full[:, roll].max() - coarse[:, roll].max())
        open_.append((full - coarse)[said.closed > 0.9, close].max())
    assert np.mean(lost) > 0.2 and max(open_) > 0.01 and min(open_) >= 0


def test_the_task_goes_down(head):
    generator = np.random.default_rng(0)
    from engine.head.mouth import lip_marks_of

    marks = lip_marks_of(head.file)
    clip = spoken_clip(
        perfect(), PHONES, marks, head.file.expression_names, "a", generator, Style()
    )
    torch.manual_seed(0)
    task = LipTask(head.file, [clip] * 2, [clip], batch=2)
    batch = task.batch_at(0, 0)
    optimizer, losses = torch.optim.Adam(task.model.parameters(), lr=1e-3), []
    for _ in range(8):
        loss = torch.stack(list(task.losses(batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert {"left_mm", "before_mm"} <= set(task.evaluate(task.model))


def test_the_network_takes_any_number_of_vertices():
    net = LipNet(LipConfig(width=8, condition=8))
    heard = torch.from_numpy(windows(perfect(), np.array([0.35, 1.0])))
    for count in (1, 7):
        out = net(heard, torch.zeros(2, len(STATE)), torch.rand(count, 3))
        assert out.shape == (2, count, 3)


# The shipped network.


@needs_weights
def test_silence_and_noise_leave_the_lips_alone(head):
    params = _params(head, articulate(PHONES, np.arange(0, 2, 0.04), Style()).values)
    times = np.arange(0, 2, 0.04)
    for loudness in (0.0, 0.05):
        noise = np.random.default_rng(0).normal(0, 1, 40_000).astype(np.float32) * loudness
        lips = refine_lips(params, head, speech_features(noise), times + 0.2)
        if lips is not None:
            most = max(np.linalg.norm(lips.offsets(t), axis=1).max() for t in range(len(times)))
            assert most < 5e-5


@needs_weights
def test_speech_seals_lips_that_a_fit_has_left_open(head, region):
    times = np.arange(0, 2, 0.04)
    said = articulate(PHONES, times, Style())
    values = said.values.copy()
    share = 1 - 0.35 * said.closed  # closures that stay a little open
    values[:, CHANNELS.index("mouthClose")] *= share
    for name in ("mouthRollLower", "mouthRollUpper", "mouthPress"):
        values[:, CHANNELS.index(name)] = 0
    params = _params(head, values)
    lips = refine_lips(params, head, perfect(), times)
    assert lips is not None and len(lips.shapes) <= 16
    refined = replace(params, lips=lips)
    before, after = (_gaps(head, region, p) for p in (params, refined))
    shut = said.closed > 0.99
    assert after[shut].max(1).mean() < before[shut].max(1).mean()
    assert after.min() > min(before.min(), -0.3) - 0.25
    moved = [np.linalg.norm(lips.offsets(t), axis=1).max() for t in range(len(times))]
    assert max(moved) < 6e-3
    rest = head.rest(params.shape)
    others = np.setdiff1d(np.arange(len(rest[0])), lips.vertices)
    pair = [head.frame(p, 9, rest)[others] for p in (params, refined)]
    np.testing.assert_array_equal(*pair)


@needs_weights
def test_where_sound_has_led_the_lips_it_only_shuts_them(head):
    times = np.arange(0, 2, 0.04)
    params = _params(head, articulate(PHONES, times, Style()).values)
    free, led = (refine_lips(params, head, perfect(), times, led=k + 0 * times) for k in (0, 1))
    vowels = (times > 0.46) & (times < 0.56) | (times > 0.76) & (times < 0.86)

    def moved(lips):
        if lips is None:
            return 0.0
        shapes = np.tensordot(lips.weights[vowels], lips.shapes, (1, 0))
        return np.linalg.norm(shapes, axis=2).max(1).mean()

    assert moved(led) < 0.25 * moved(free)


@needs_weights
def test_trust_scales_and_other_features_are_refused(head):
    times = np.arange(0, 2, 0.04)
    params = _params(head, articulate(PHONES, times, Style()).values)
    assert refine_lips(params, head, perfect(), times, np.zeros(len(times))) is None
    with pytest.raises(AVFaceError, match="mel"):
        refine_lips(params, head, SpeechFeatures("mel", np.zeros((9, 80), np.float32)), times)


@needs_weights
def test_it_was_trained_on_the_ears_that_are_shipped():
    from engine.weights import load_network

    _, about = load_network("lips")
    assert about["kind"] == "phones"
    assert about["heard_by"] == registry()["phones"]["sha256"]
