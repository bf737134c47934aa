"""Synthetic speech, its labels, what is done to it, and a tiny training."""

import random
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.protocol import AVFaceError
from engine.models.phone_classes import CLASS_OF, CLASSES
from engine.models.phones import FRAME, PhoneNetwork, PhonesConfig, mel_matrix, warped_mel
from engine.training.loop import LoopOptions, train
from engine.training.speech import Utterance, speak
from engine.training.speech.align import _best_edges
from engine.training.speech.augment import spoil
from engine.training.speech.balance import balance_closures
from engine.training.speech.corpus import DRAWS, Corpus, Plan, make_corpus
from engine.training.speech.espeak import _move_onsets_before_closures
from engine.training.speech.judge import figures
from engine.training.speech.noises import noise_pool
from engine.training.speech.phone_maps import ARPABET, FESTIVAL, from_ipa
from engine.training.speech.task import PhonesTask, step_labels
from engine.training.speech.texts import texts
from engine.training.speech.utterance import make_utterance, shut_before_bursts
from engine.training.voice_clips import read_aloud

RATE = 16_000
TINY = PhonesConfig(bands=12, channels=8, dilations=(1, 2))


def tiny_corpus(count=12):
    """Utterances of two classes that a tiny network can tell: a hiss (SZ) and a low hum (AA)."""
    draw = np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    hiss = draw.normal(0, 0.2, RATE)
    hum = 0.3 * np.sign(np.sin(2 * np.pi * 150 * time))
    one = np.where(time < 0.5, hiss, hum)
    rows = np.array([[CLASS_OF["S"], 0, 0.5], [CLASS_OF["AA"], 0.5, 1]], np.float32)
    samples = np.tile((one * 20_000).astype("i2"), count)
    names = list(DRAWS)
    return Corpus(
        samples, np.arange(count + 1) * RATE, (rows,) * count,
        np.array([names[k % len(names)] for k in range(count)]), np.array(["test"] * count),
    )  # fmt: skip


def utterance():
    corpus = tiny_corpus(1)
    sound = corpus.samples.astype("f4") / 32768
    return Utterance(sound, (("S", 0.0, 0.5), ("AA", 0.5, 1.0)), "test", "sa")


def test_every_phone_of_every_voice_is_one_of_ours():
    names = {n for table in FESTIVAL.values() for text in table.values() for n in text.split()}
    assert names <= set(ARPABET) | {"SIL"}
    assert set(CLASS_OF) == set(ARPABET) | {"SIL"}


@pytest.mark.parametrize(
    ("symbols", "is_english", "phones"),
    [
        ("aɪ", True, ["AY"]), ("ɑːɹ", True, ["AA", "R"]), ("dʒ", True, ["JH"]), ("a", True, ["AE"]),
        ("a", False, ["AA"]), ("ɔ̃", False, ["AO"]), ("ts", False, ["T", "S"]), ("ʔ", True, []),
        ("_:", True, None), ("(en)", False, None), ("əl", True, ["AH", "L"]), ("ʲ", False, []),
    ],
)  # fmt: skip
def test_ipa_becomes_arpabet(symbols, is_english, phones):
    assert from_ipa(symbols, is_english) == phones


def test_a_stops_closure_belongs_to_the_stop():
    is_zero = np.zeros(RATE, bool)
    is_zero[int(0.45 * RATE) : int(0.5 * RATE)] = True
    phones = [("AA", 0.3, 0.5), ("P", 0.5, 0.6), ("SIL", 0.6, 0.8), ("T", 0.8, 0.9)]
    moved = _move_onsets_before_closures(phones, is_zero, RATE)
    assert moved[1][1] == pytest.approx(0.45, abs=1e-3) and moved[0][2] == moved[1][1]
    assert moved[3][1] == pytest.approx(0.75)  # after a pause nothing marks the closure


def test_an_utterance_has_no_gaps_and_reaches_its_end():
    phones = [("SIL", 0.0, 0.1), ("SIL", 0.1, 0.2), ("B", 0.2, 0.3), ("AA", 0.32, 5.0)]
    made = make_utterance(np.zeros(22_050, "f4"), 22_050, phones, "test", "ba")
    assert len(made.waveform) == RATE
    assert made.phones == (("SIL", 0.0, 0.2), ("B", 0.2, 0.3), ("AA", 0.3, 1.0))


def test_a_stop_after_a_pause_begins_with_its_silent_closure():
    sound = np.zeros(RATE, "f4")
    sound[int(0.5 * RATE) :] = 0.5
    phones = [("SIL", 0.0, 0.49), ("B", 0.49, 0.55), ("AA", 0.55, 1.0)]
    shut = shut_before_bursts(phones, sound)
    assert shut[1][1] == pytest.approx(0.43, abs=0.004) and shut[0][2] == shut[1][1]
    assert shut[2] == phones[2]
    at_once = make_utterance(sound[RATE // 2 :], RATE, [("B", 0.0, 0.5)], "test", "b")
    assert at_once.phones[0][0] == "B" and at_once.phones[0][1] == 0
    assert at_once.seconds == pytest.approx(0.57)


def test_boundaries_move_to_where_the_network_hears_them():
    heard = np.full((40, 3), -3.0)
    heard[:18, 0] = heard[18:30, 1] = heard[30:, 2] = -0.1
    sums = np.concatenate([np.zeros((1, 3)), heard.cumsum(0)])
    assert _best_edges(sums, [0, 1, 2], np.array([14.6, 33.0])).tolist() == [18, 30]
    assert _best_edges(sums, [0, 2], np.array([5.0])).tolist() == [12]  # no further than that


@given(st.integers(1, 400))
def test_labels_follow_the_centres_of_steps(steps):
    rows = np.array([[5, 0.1, 0.2], [7, 0.2, 0.4]], np.float32)
    labels = step_labels(rows, steps)
    centres = np.arange(steps) / 50 + 0.0125
    expected = np.where((centres >= 0.1) & (centres < 0.2), 5, 0)
    expected = np.where((centres >= 0.2) & (centres < 0.4), 7, expected)
    assert (labels == expected).mean() > 0.98  # float32 edges


def test_invented_words_are_in_their_script():
    assert all(next(texts("ru", random.Random(k))).isascii() is False for k in range(5))
    assert next(texts("en", random.Random(1))) == next(texts("en", random.Random(1)))


def test_what_happens_to_speech_keeps_its_timing():
    """The envelope of spoilt sound lags the clean one by less than a step."""
    pool = noise_pool(7, 2.0, np.random.default_rng(0))
    assert np.isfinite(pool).all() and pool.shape == (7, 2 * RATE)
    sound = np.zeros(2 * RATE, "f4")
    sound[RATE : RATE + 1600] = np.random.default_rng(1).normal(0, 0.3, 1600)
    for seed in range(6):
        spoilt = spoil(torch.from_numpy(sound)[None], pool, np.random.default_rng(seed))
        assert spoilt.shape == (1, 2 * RATE) and torch.isfinite(spoilt).all()
        assert spoilt.abs().max() <= 1.01
    clean = spoil(torch.from_numpy(sound)[None], pool, np.random.default_rng(3), 0.0)[0].numpy()
    lag = np.correlate(np.abs(clean), np.abs(sound), "full").argmax() - (len(sound) - 1)
    assert abs(lag) < 160


def test_the_network_keeps_the_clock():
    """A click moves the network's input at the frames around it and nowhere else."""
    network = PhoneNetwork(TINY).eval()
    quiet = torch.full((1, RATE), 1e-4)
    clicked = quiet.clone()
    clicked[0, 8_000] = 1.0
    changed = (network.energies(clicked) - network.energies(quiet)).abs().amax(-1)[0] > 1e-3
    frames = torch.nonzero(changed).flatten()
    assert all(160 * f <= 8_000 < 160 * f + FRAME for f in frames.tolist()) and len(frames) >= 2
    assert network(quiet).shape == (1, 50, len(CLASSES))


def test_formants_can_be_raised():
    mel = mel_matrix(12)
    torch.testing.assert_close(warped_mel(mel, torch.ones(1))[0], mel, atol=1e-4, rtol=1e-3)
    middles = mel.argmax(0)
    raised = warped_mel(mel, torch.tensor([1.2]))[0].argmax(0)
    assert (raised[3:] < middles[3:]).all()  # what was at 1 kHz is heard as at 1.2 kHz


def test_batches_depend_on_seed_and_step_alone():
    task = PhonesTask(tiny_corpus(), {}, TINY, noises=7)
    _, second = task.batch_at(3, 0), task.batch_at(3, 1)
    again = task.batch_at(3, 1)
    assert torch.equal(second.sound, again.sound) and torch.equal(second.labels, again.labels)
    assert set(second.labels.unique().tolist()) <= {0, CLASS_OF["S"], CLASS_OF["AA"]}


def test_a_tiny_training_learns_to_tell_a_hiss_from_a_hum(tmp_path, monkeypatch):
    from engine.training.speech import task as module

    torch.manual_seed(0)
    monkeypatch.setattr(module, "_BATCH_SECONDS", 12.0)
    task = PhonesTask(tiny_corpus(), {"test": [utterance()]}, TINY, noises=7)
    before = task.evaluate(task.model.eval())["test clean"]
    options = LoopOptions(
        tmp_path, steps=40, lr=2e-2, optimizer="adamw", ema=0.8, evaluate_every=100, device="cpu"
    )
    after = train(task, options)["figures"]["test clean"]
    assert after < 0.5 * before


def test_closures_are_balanced_by_a_constant():
    """A network that just fails to say /p b m/ is made ready for it; other classes stay."""
    network = PhoneNetwork(TINY).eval()
    network.last.weight.data[:] = 0.0
    network.last.bias.data[:] = -9.0
    network.last.bias.data[CLASS_OF["SIL"]], network.last.bias.data[CLASS_OF["B"]] = 0.0, -0.55
    before = network.last.bias.detach().clone()
    sound = np.random.default_rng(0).normal(0, 0.1, RATE).astype("f4")
    pool = noise_pool(7, 1.0, np.random.default_rng(0))
    said = [Utterance(sound, (("B", 0.0, 1.0),), "test", "b")]
    bias, recall, precision = balance_closures(network, said, pool)
    assert (bias, recall, precision) == pytest.approx((0.6, 1, 1))
    added = network.last.bias.detach() - before
    closed = [CLASS_OF["B"], CLASS_OF["M"]]
    torch.testing.assert_close(added[closed], torch.full((2,), bias))
    added[closed] = 0
    assert not added.any()


def sure_of(classes):
    """(A, 29) log-posteriors of an ear that is sure of one class at each step."""
    return np.log(np.eye(29)[classes] * 0.99 + 1e-4)


def test_figures_of_a_perfect_and_of_a_deaf_ear():
    rows = np.array(
        [[CLASS_OF["B"], 0.1, 0.2], [CLASS_OF["AA"], 0.2, 0.5], [CLASS_OF["M"], 0.5, 0.6]], "f4"
    )
    truth = step_labels(rows, 50)
    perfect = figures([(sure_of(truth), rows)], draws=5)
    assert perfect.classes[0] == perfect.closed_recall[0] == perfect.closed_precision[0] == 1
    deaf = figures([(sure_of(np.zeros_like(truth)), rows)], draws=5)
    assert deaf.closed_recall[0] < 1e-6 and deaf.visemes[0] == pytest.approx((truth == 0).mean())


def test_closed_classes_are_one_viseme_and_neighbours_one_closure():
    rows = np.array([[CLASS_OF["M"], 0.1, 0.3], [CLASS_OF["B"], 0.3, 0.4]], "f4")
    heard = step_labels(rows, 50)
    heard[heard == CLASS_OF["B"]] = CLASS_OF["M"]
    found = figures([(sure_of(heard), rows)], draws=5)
    assert found.visemes[0] == 1 and found.classes[0] < 1
    assert found.closed_recall[0] == found.closed_precision[0] == 1


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_espeak_speaks_with_timings():
    said = speak("Please bring the blue map, Bob.", "espeak:en-us")
    names = [name for name, _, _ in said.phones]
    assert [n for n in names if n in "PBM"] == ["P", "B", "B", "M", "P", "B", "B"]
    assert said.phones[0][1] == 0 and said.phones[-1][2] == pytest.approx(said.seconds)
    assert all(a[2] == b[1] for a, b in zip(said.phones, said.phones[1:], strict=False))
    with pytest.raises(ValueError, match="no voice"):
        speak("x", "espeak:nobody")


def test_a_corpus_wants_its_speakers(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(AVFaceError, match="flite and festival"):
        make_corpus(tmp_path, Plan(), print)
    with pytest.raises(AVFaceError, match="Debian"):
        read_aloud(1, 0, print)


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
def test_flite_speaks_with_timings():
    said = speak("A map.", "flite:slt")
    assert [n for n, _, _ in said.phones if n != "SIL"] == ["AH", "M", "AE", "P"]
