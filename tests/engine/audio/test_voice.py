"""What sound says about the face: plumbing on tiny networks, facts on the shipped one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.audio import SpeechFeatures, speech_features
from engine.audio.voice import hear, listen
from engine.exchange.protocol import AVFaceError
from engine.head.mouth import lip_marks_of
from engine.models.phone_classes import CLASSES
from engine.models.voice import VoiceConfig, VoiceNet, describe, restore
from engine.training.trajectories import Style
from engine.training.voice import VoiceTask, calibrate, disturb, measure, settle
from engine.training.voice_clips import (
    CONTACTS,
    OUTPUTS,
    spoken_clip,
    step_times,
    unspoken_clip,
)
from engine.weights import load_head, registry
from tests.clear_speech import PHONES, perfect

needs_weights = pytest.mark.skipif("voice" not in registry(), reason="not trained yet")


@pytest.fixture(scope="module")
def lips():
    head = load_head()
    return lip_marks_of(head), head.expression_names


def test_a_clip_holds_trajectories_and_what_they_do_to_the_lips(lips):
    clip = spoken_clip(perfect(), PHONES, *lips, "me", np.random.default_rng(0), Style())
    times = step_times(100)
    assert clip.truth.shape == (100, len(OUTPUTS)) and clip.contacts.shape == (100, 3)
    gap = clip.truth[:, OUTPUTS.index("gap_mm")]
    width = clip.truth[:, OUTPUTS.index("width")]
    assert gap[(times > 0.32) & (times < 0.37)].max() < 0.3 < gap[(times > 0.45)].max()
    assert width[(times > 1.05) & (times < 1.15)].min() < 0.88  # rounded
    assert clip.closures == ((0.3, 0.4), (0.6, 0.7))
    assert clip.contacts[times > 1.4].max() == 0


def test_a_mouth_without_speech_goes_its_own_way(lips):
    silence = SpeechFeatures("phones", perfect([("SIL", 0, 6)], 6.0).values)
    one, two = (
        unspoken_clip(silence, *lips, "none", np.random.default_rng(k)).truth for k in (0, 1)
    )
    assert np.abs(one - two).max() > 0.1
    assert not np.isnan(one).any()


def test_disturbed_features_are_still_posteriors():
    heard = np.stack([perfect().values] * 3)
    spoilt = disturb(heard, np.random.default_rng(0))
    np.testing.assert_allclose(np.exp(spoilt).sum(-1), 1, atol=1e-4)
    assert spoilt.dtype == np.float32
    assert (spoilt.argmax(-1) == heard.argmax(-1)).mean() > 0.95


def test_the_task_learns_and_calibrates(lips):
    generator = np.random.default_rng(0)
    clips = [spoken_clip(perfect(), PHONES, *lips, "a", generator) for _ in range(3)]
    clips.append(unspoken_clip(perfect([("SIL", 0, 2)]), *lips, "none", generator))
    task = VoiceTask(clips, clips, batch=2, width=16)
    first = last = 0.0
    for step in range(25):
        loss = torch.stack(list(task.losses(task.batch_at(0, step)).values())).sum()
        task.model.zero_grad()
        loss.backward()
        with torch.no_grad():  # by hand: torch's optimisers take seconds to import
            for weights in task.model.parameters():
                if weights.grad is not None:
                    weights -= 0.05 * weights.grad / (weights.grad.norm() + 1e-6)
        first, last = (loss.item() if step == 0 else first), loss.item()
    assert last < 0.95 * first
    net = task.model.eval()
    assert isinstance(net, VoiceNet)
    calibrate(net, clips)
    assert (net.widen >= 0.8).all() and (net.widen <= 3).all()
    assert 0 <= measure(net, clips)["closed_recall"] <= 1
    assert next(iter(task.evaluate(net))) == "nll"


def test_channels_are_settled_and_others_are_left(lips):
    phones = [("SIL", 0.0, 0.3), ("AH", 0.3, 0.5), ("TH", 0.5, 0.6), ("IY", 0.6, 0.8),
              ("F", 0.8, 0.9), ("AA", 0.9, 1.1), ("SIL", 1.1, 2.0)]  # fmt: skip
    clip = spoken_clip(perfect(phones), phones, *lips, "a", np.random.default_rng(0), Style())
    torch.manual_seed(0)
    net = VoiceNet(VoiceConfig(OUTPUTS, width=24)).eval()
    before, _, _ = hear(net, SpeechFeatures("phones", clip.features), step_times(100))
    settle(net, [clip] * 3)
    mean, sd, _ = hear(net, SpeechFeatures("phones", clip.features), step_times(100))
    for name, share in (("tongueOut", 0.5), ("mouthRollLower", 0.5)):
        k, times = OUTPUTS.index(name), step_times(100)
        most = clip.truth[:, k].argmax()
        assert mean[most, k] > share * clip.truth[most, k]
        assert abs(mean[(times > 0.32) & (times < 0.42), k]).max() < 0.12  # at the vowel before
        assert (sd[:, k] > 0).all()
    settled = ("tongueOut", "mouthRollLower", "tongueUp")
    others = [k for k, name in enumerate(OUTPUTS) if name not in settled]
    np.testing.assert_array_equal(mean[:, others], before[:, others])


@needs_weights
def test_a_heard_th_brings_the_tongue_out_and_an_f_rolls_the_lip():
    for phone, name, least in (("TH", "tongueOut", 0.15), ("F", "mouthRollLower", 0.6)):
        phones = [("SIL", 0.0, 0.3), ("AH", 0.3, 0.42), (phone, 0.42, 0.52), ("IH", 0.52, 0.64),
                  ("SIL", 0.64, 2.0)]  # fmt: skip
        said, _ = listen(perfect(phones), np.array([0.36, 0.47]))[name]
        assert said[1] > least and said[0] < 0.6 * said[1]


def test_batches_are_decided_by_seed_and_step(lips):
    clips = [spoken_clip(perfect(), PHONES, *lips, "a", np.random.default_rng(0))]
    task = VoiceTask(clips, [], batch=2, width=8)
    third = [task.batch_at(7, step) for step in range(3)][-1]
    again = task.batch_at(7, 2)
    assert all(torch.equal(third[name], again[name]) for name in third)


def test_a_network_survives_its_file(tmp_path):
    from engine.training.checkpoint import save_weights

    net = VoiceNet(VoiceConfig(OUTPUTS, width=8, dilations=(1,))).eval()
    save_weights(net, tmp_path / "v.safetensors", describe(net, "phones", "abc"))
    from safetensors import safe_open

    with safe_open(tmp_path / "v.safetensors", framework="pt") as file:
        about = file.metadata()
        again = restore({k: file.get_tensor(k) for k in file.keys()}, about)  # noqa: SIM118
    assert about["kind"] == "phones" and about["heard_by"] == "abc"
    times = np.arange(0, 2, 0.04)
    for one, two in zip(hear(net, perfect(), times), hear(again, perfect(), times), strict=True):
        np.testing.assert_array_equal(one, two)


def test_any_moments_can_be_asked_for():
    net = VoiceNet(VoiceConfig(OUTPUTS, width=8, dilations=(1,))).eval()
    times = np.array([-5.0, 0.1, 0.1001, 7.7, 1e4])
    mean, sd, contacts = hear(net, perfect(), times)
    assert mean.shape == sd.shape == (5, len(OUTPUTS)) and contacts.shape == (5, len(CONTACTS))
    assert np.isfinite(mean).all() and (sd > 0).all()
    np.testing.assert_allclose(mean[1], mean[2], atol=1e-2)


# The shipped network.


@needs_weights
def test_it_was_trained_on_the_ears_that_are_shipped():
    from engine.weights import load_network

    _, about = load_network("voice")
    assert about["kind"] == "phones"
    assert about["heard_by"] == registry()["phones"]["sha256"]


@needs_weights
@pytest.mark.parametrize("kind", ["deepspeech", "mel", "wav2vec2"])
def test_other_features_are_refused_in_words(kind):
    with pytest.raises(AVFaceError, match=kind):
        listen(SpeechFeatures(kind, np.zeros((10, 29), np.float32)), np.zeros(1))


@needs_weights
def test_speech_moves_the_mouth():
    face = listen(perfect(), step_times(100))
    times = step_times(100)
    jaw, _ = face["jaw"]
    assert face.closed[(times > 0.33) & (times < 0.38)].max() > 0.5
    assert jaw[(times > 0.45) & (times < 0.55)].mean() > 0.06
    assert face.speaking[(times > 0.4) & (times < 1.1)].min() > 0.7
    assert face.gap_mm[(times > 0.63) & (times < 0.68), 0].min() < 2.5
    assert set(face.names) <= {"jaw", *load_head().expression_names}
    lips_shut = face.sounds[(times > 0.33) & (times < 0.38), CLASSES.index("M")]
    assert lips_shut.min() > 0.5 and face.sounds.sum(1).max() < 1.01


@needs_weights
def test_the_tongue_is_at_the_teeth_for_a_th_and_hisses_are_told():
    values = perfect().values.copy()
    values[20:26] = np.log(0.7 / 28)
    values[20:26, CLASSES.index("TH")] = np.log(0.3)
    face = listen(replace(perfect(), values=values), step_times(100))
    out, _ = face["tongueOut"]
    assert out[20:26].max() == pytest.approx(0.34) and out[60:].max() < 0.2
    told = [CLASSES.index(name) for name in ("SZ", "SH", "CH")]
    np.testing.assert_allclose(face.hissing, face.sounds[:, told].sum(1))


@needs_weights
@pytest.mark.parametrize("loudness", [0.0, 0.02, 0.3])
def test_silence_and_noise_give_no_opinion(loudness):
    noise = np.random.default_rng(0).normal(0, 1, 32_000).astype(np.float32) * loudness
    quiet = listen(speech_features(noise), np.arange(0.3, 1.7, 0.04))
    spoken = listen(perfect(), np.arange(0.35, 1.1, 0.04))
    assert quiet.speaking.max() < 0.3
    assert quiet.closed.max() < 0.2
    assert np.median(quiet.sd / np.median(spoken.sd, 0)) > 2.5
