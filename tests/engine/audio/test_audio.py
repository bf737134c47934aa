"""Speech features: one clock for every kind, windows by time, what the shipped network hears."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from engine.audio import WINDOW, SpeechFeatures, speech_features, windows
from engine.audio.features import PHONE_FLOOR, silence, step_count
from engine.audio.mel import lip_sync_mel, slaney_bands
from engine.audio.phones import load_phone_network, phone_posteriors
from engine.exchange.protocol import AVFaceError
from engine.models.phone_classes import CLASS_OF, CLASSES, VISEME_OF, VISEMES
from engine.weights import load_network

RATE = 16_000


def ramp(steps=100, channels=3):
    """Features whose value is the time of the step in seconds, in every channel."""
    times = np.arange(steps) / 50 + 0.0125
    return SpeechFeatures("wav2vec2", np.repeat(times[:, None], channels, 1).astype("f4"))


@given(st.floats(5, 240), st.floats(0.3, 1.5))
def test_windows_lie_around_their_moment_at_any_rate(fps, start):
    times = start + np.arange(4) / fps
    times = times[times < 1.6]
    seen = windows(ramp(), times)
    assert seen.shape == (len(times), WINDOW, 3) and seen.dtype == np.float32
    expected = times[:, None] + (np.arange(16) - 7.5) / 50
    np.testing.assert_allclose(seen[..., 0], expected, atol=1e-5)


def test_outside_the_sound_there_is_silence():
    features = SpeechFeatures("phones", np.zeros((10, 29), "f4"))
    seen = windows(features, np.array([-5.0, 0.1, 99.0]))
    np.testing.assert_array_equal(seen[0], np.tile(features.silence, (16, 1)))
    np.testing.assert_array_equal(seen[2], np.tile(features.silence, (16, 1)))
    assert (seen[1] == 0).any()


@pytest.mark.parametrize("steps", [0, 1])
def test_windows_of_hardly_any_sound(steps):
    features = SpeechFeatures("mel", np.zeros((steps, 80), "f4"))
    assert np.isfinite(windows(features, np.array([0.0, 0.5]))).all()


def test_classes_cover_every_phone_and_every_viseme():
    assert len(CLASSES) == 29 and len(VISEMES) == 12 and len(VISEME_OF) == 29
    assert len(CLASS_OF) == 40  # 39 phones and silence
    assert set(CLASS_OF.values()) == set(range(29))
    assert sorted(name for group in VISEMES for name in group) == sorted(CLASSES)
    assert CLASSES[CLASS_OF["B"]] == "PB" and CLASSES[CLASS_OF["OY"]] == "AO"


@pytest.mark.parametrize("kind", ["phones", "mel"])
@pytest.mark.parametrize("samples", [0, 1, 400, 401, 720, 16_000, 16_321])
def test_every_kind_has_the_same_steps(kind, samples):
    sound = np.random.default_rng(0).normal(0, 0.1, samples).astype("f4")
    values = speech_features(sound, kind).values
    assert values.shape == (step_count(samples), {"phones": 29, "mel": 80}[kind])
    assert np.isfinite(values).all()


def test_posteriors_are_calm_logarithms_of_shares():
    sound = np.random.default_rng(0).normal(0, 0.1, RATE).astype("f4")
    posterior = np.exp(phone_posteriors(sound))
    np.testing.assert_allclose(posterior.sum(1), 1, atol=1e-4)
    assert posterior.min() >= PHONE_FLOOR * 0.999
    np.testing.assert_allclose(np.exp(silence("phones", 29)).sum(), 1, atol=1e-6)


@pytest.mark.parametrize("level", [0.003, 1.0])
def test_the_recordings_level_does_not_matter(level):
    draw = np.random.default_rng(1)
    sound = (draw.normal(0, 0.2, RATE) * np.repeat(draw.random(50), 320)).astype("f4")
    loud, soft = phone_posteriors(sound), phone_posteriors(sound * level)
    assert np.abs(np.exp(loud) - np.exp(soft)).mean() < 0.02


@pytest.mark.parametrize("make", ["silence", "noise", "tones", "hum"])
def test_what_is_no_speech_is_heard_as_silence(make):
    time = np.arange(4 * RATE) / RATE
    sound = {
        "silence": np.zeros(len(time)),
        "noise": np.random.default_rng(0).normal(0, 0.05, len(time)),
        "tones": sum(0.1 * np.sin(2 * np.pi * f * time) for f in (440, 554.4, 659.3)),
        "hum": 0.1 * np.sign(np.sin(2 * np.pi * 50 * time)),
    }[make]
    posterior = np.exp(phone_posteriors(sound.astype("f4")))
    assert np.median(posterior[:, 0]) > (0.5 if make == "tones" else 0.8)


def test_long_sound_is_heard_in_pieces_as_if_in_one(monkeypatch):
    from engine.audio import phones

    sound = np.random.default_rng(0).normal(0, 0.1, 12 * RATE).astype("f4")
    whole = phone_posteriors(sound)
    monkeypatch.setattr(phones, "_PIECE_SECONDS", 6.0)
    pieces = phone_posteriors(sound)
    assert pieces.shape == whole.shape
    assert np.abs(np.exp(pieces) - np.exp(whole)).mean() < 0.01


def test_the_network_says_what_it_was_trained_on():
    _, about = load_network("phones")
    assert about["kind"] == "phones" and json.loads(about["classes"]) == list(CLASSES)
    assert not load_phone_network().training


def test_a_damaged_network_is_refused(tmp_path, monkeypatch):
    from engine import weights

    save_file({"x": np.zeros(3, "f4")}, tmp_path / "phones.safetensors")
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises(AVFaceError, match="missing or damaged"):
        load_network("phones")


def test_mel_of_a_tone_and_of_silence():
    """Silence lies at -4; a tone peaks in the band whose middle is nearest."""
    assert (lip_sync_mel(np.zeros(RATE, "f4")) == -4).all()
    time = np.arange(RATE) / RATE
    mel = lip_sync_mel((0.5 * np.sin(2 * np.pi * 1000 * time)).astype("f4"))
    assert mel.shape == (81, 80) and mel.max() <= 4
    middles = slaney_bands().argmax(1) * 20  # Hz of the band's largest weight
    assert abs(middles[mel[40].argmax()] - 1000) < 40


def test_slaney_bands_have_equal_area():
    """Each triangle's area over frequency is one: bands of 20 Hz bins sum to 1 / 20."""
    sums = slaney_bands().sum(1)
    np.testing.assert_allclose(sums[20:], 1 / 20, rtol=0.05)


def test_wav2vec2_without_its_package_is_one_sentence(monkeypatch, tmp_path):
    from engine.audio import wav2vec2

    monkeypatch.setattr(wav2vec2.importlib.util, "find_spec", lambda name: None)
    wav2vec2._load.cache_clear()
    with pytest.raises(AVFaceError, match="need the package transformers"):
        speech_features(np.zeros(RATE, "f4"), "wav2vec2", tmp_path)


class _States:
    """Stands for a wav2vec 2.0 model: the mean of each step's samples in two channels."""

    class config:  # noqa: N801
        hidden_size = 2

    def __call__(self, sound):
        import torch

        steps = sound.unfold(1, 400, 320).mean(-1)
        return type("Out", (), {"last_hidden_state": torch.stack([steps, steps], -1)})


def test_wav2vec2_in_pieces_gives_each_step_once(monkeypatch, tmp_path):
    from engine.audio import wav2vec2

    monkeypatch.setattr(wav2vec2, "_load", lambda folder: _States())
    sound = np.random.default_rng(0).normal(size=40 * RATE).astype("f4")
    states = wav2vec2.wav2vec2_states(sound, tmp_path)
    signal = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    padded = np.pad(signal, (0, 400))
    expected = [padded[320 * k : 320 * k + 400].mean() for k in range(step_count(len(sound)))]
    np.testing.assert_allclose(states[:, 0], expected, atol=1e-4)


def test_wav2vec2_of_a_folder(tmp_path):
    """A tiny random model, saved as users have them, gives what it gives by itself."""
    transformers = pytest.importorskip("transformers")
    import torch

    settings = transformers.Wav2Vec2Config(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        conv_dim=(4,) * 7, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    model = transformers.Wav2Vec2Model(settings).eval()
    model.save_pretrained(tmp_path)
    sound = np.random.default_rng(0).normal(0, 0.1, 16_400).astype("f4")
    states = speech_features(sound, "wav2vec2", tmp_path).values
    signal = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    with torch.inference_mode():
        expected = model(torch.from_numpy(signal)[None]).last_hidden_state[0].numpy()
    np.testing.assert_allclose(states, expected, atol=1e-5)


def test_features_of_a_clip_on_the_command_line(tmp_path, capsys):
    from scipy.io import wavfile

    from engine.cli import main

    sound = (np.random.default_rng(0).normal(0, 3000, RATE)).astype("i2")
    wavfile.write(tmp_path / "clip.wav", RATE, sound)
    out = tmp_path / "features.npz"
    assert main(["sound", "features", str(tmp_path / "clip.wav"), "--out", str(out)]) == 0
    with np.load(out) as file:
        assert str(file["kind"]) == "phones" and file["values"].shape == (50, 29)
        np.testing.assert_allclose(file["times"][:2], [0.0125, 0.0325])
    (tmp_path / "graph.pb").write_bytes(b"no graph")
    checked = main(["sound", "check", str(tmp_path / "graph.pb"), str(tmp_path / "clip.wav")])
    assert checked == 2 and "DeepSpeech" in capsys.readouterr().err


@pytest.mark.shared
def test_real_speech_is_heard(clips: Path):
    from scipy.io import wavfile

    from engine.training.speech.judge import figures, read_alignment

    heard = []
    for path in sorted((clips / "speech").glob("*.wav")):
        sound = wavfile.read(path)[1].astype("f4") / 32768
        rows = read_alignment(path.with_suffix(".phone.json"))
        heard.append((phone_posteriors(sound), rows))
    found = figures(heard, draws=10)
    assert found.visemes[0] > 0.6 and found.closed_recall[0] > 0.75
