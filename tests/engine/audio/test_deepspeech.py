"""DeepSpeech's graphs without TensorFlow: tiny ones are written here and run by plain numpy."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio import speech_features
from engine.audio.deepspeech import (
    decode_greedily,
    deepspeech_logits,
    load_deepspeech,
    self_test,
)
from engine.audio.features import step_count
from engine.audio.frozen_graph import read_constants
from engine.audio.mfcc import mfcc_010, mfcc_090
from engine.exchange.protocol import AVFaceError
from engine.models.deepspeech import LETTERS, DeepSpeech
from tests.protobuf import block, number

HIDDEN = 6
CELLS_010 = ("bidirectional_rnn/fw/basic_lstm_cell/", "bidirectional_rnn/bw/basic_lstm_cell/")
CELL_090 = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell/"


def shape_of(array):
    return b"".join(block(2, number(1, size)) for size in array.shape)


def const_node(name, array, listed=False):
    """A Const; `listed` writes its numbers as float_val instead of bytes."""
    values = array.astype("<f4").tobytes()
    tensor = number(1, 1) + block(2, shape_of(array)) + block(5 if listed else 4, values)
    attribute = block(1, b"value") + block(2, block(8, tensor))
    kind = block(1, b"dtype") + block(2, number(6, 1))
    return block(
        1, block(1, name.encode()) + block(2, b"Const") + block(5, attribute) + block(5, kind)
    )


def mapped_node(name, array, region):
    parts = [
        (b"dtype", number(6, 1)),
        (b"shape", block(7, shape_of(array))),
        (b"memory_region_name", block(2, region)),
    ]
    attributes = b"".join(block(5, block(1, k) + block(2, v)) for k, v in parts)
    return block(1, block(1, name.encode()) + block(2, b"ImmutableConst") + attributes)


OTHER_NODE = block(1, block(1, b"input_node") + block(2, b"Placeholder"))


def write_pb(path, weights):
    nodes = [const_node(n, a, listed=a.ndim == 1) for n, a in weights.items()]
    path.write_bytes(OTHER_NODE + b"".join(nodes))


def write_pbmm(path, weights, with_length):
    out, directory, nodes = bytearray(), b"", [OTHER_NODE]

    def element(offset, name, length):
        content = number(1, offset) + block(2, name)
        return block(1, content + (number(3, length) if with_length else b""))

    for place, (name, array) in enumerate(weights.items()):
        out += bytes(-len(out) % 64)
        region, values = (
            f"memmapped_package://const_{place}".encode(),
            array.astype("<f4").tobytes(),
        )
        directory += element(len(out), region, len(values))
        out += values
        nodes.append(mapped_node(name, array, region))
    graph = b"".join(nodes)
    directory += element(len(out), b"memmapped_package://.", len(graph))
    out += graph
    path.write_bytes(out + directory + struct.pack("<Q", len(out)))


def weights_010(seed=0):
    draw = np.random.default_rng(seed)
    h = HIDDEN
    sizes = {1: (494, h), 2: (h, h), 3: (h, 2 * h), 5: (2 * h, h), 6: (h, 29)}
    weights = {}
    for n, size in sizes.items():
        weights[f"h{n}"] = draw.normal(0, 0.3 if n > 1 else 0.08, size).astype("f4")
        weights[f"b{n}"] = draw.normal(0, 0.3, size[1]).astype("f4")
    for cell in CELLS_010:
        weights[cell + "kernel"] = draw.normal(0, 0.4, (3 * h, 4 * h)).astype("f4")
        weights[cell + "bias"] = draw.normal(0, 0.4, 4 * h).astype("f4")
    return weights


def weights_090(seed=0):
    draw = np.random.default_rng(seed)
    h = HIDDEN
    sizes = {1: (494, h), 2: (h, h), 3: (h, h), 5: (h, h), 6: (h, 29)}
    weights = {}
    for n, size in sizes.items():
        weights[f"layer_{n}/weights"] = draw.normal(0, 0.3 if n > 1 else 0.02, size).astype("f4")
        weights[f"layer_{n}/bias"] = draw.normal(0, 0.3, size[1]).astype("f4")
    weights[CELL_090 + "kernel"] = draw.normal(0, 0.4, (2 * h, 4 * h)).astype("f4")
    weights[CELL_090 + "bias"] = draw.normal(0, 0.4, 4 * h).astype("f4")
    return weights


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_lstm(x, kernel, bias, forget_bias):
    """TensorFlow's cell: gates i, j, f, o of concat([x, h]) @ kernel + bias."""
    cell = state = np.zeros(kernel.shape[1] // 4)
    states = []
    for row in x:
        i, j, f, o = np.split(np.concatenate([row, state]) @ kernel + bias, 4)
        cell = cell * sigmoid(f + forget_bias) + sigmoid(i) * np.tanh(j)
        state = np.tanh(cell) * sigmoid(o)
        states.append(state)
    return np.array(states)


def plain_forward(x, weights):
    def dense(x, weight, bias):
        return np.clip(x @ weights[weight] + weights[bias], 0, 20)

    if "h1" in weights:
        for n in (1, 2, 3):
            x = dense(x, f"h{n}", f"b{n}")
        kernels = [(weights[c + "kernel"], weights[c + "bias"]) for c in CELLS_010]
        forward = plain_lstm(x, *kernels[0], 1.0)
        backward = plain_lstm(x[::-1], *kernels[1], 1.0)[::-1]
        x = dense(np.concatenate([forward, backward], 1), "h5", "b5")
        return x @ weights["h6"] + weights["b6"]
    for n in (1, 2, 3):
        x = dense(x, f"layer_{n}/weights", f"layer_{n}/bias")
    x = plain_lstm(x, weights[CELL_090 + "kernel"], weights[CELL_090 + "bias"], 0.0)
    x = dense(x, "layer_5/weights", "layer_5/bias")
    return x @ weights["layer_6/weights"] + weights["layer_6/bias"]


@pytest.mark.parametrize("make", [weights_010, weights_090], ids=["0.1", "0.9"])
def test_a_graph_gives_what_plain_numpy_gives(make, tmp_path):
    import torch

    weights = make()
    write_pb(tmp_path / "graph.pb", weights)
    model = load_deepspeech(tmp_path / "graph.pb")
    windows = np.random.default_rng(1).normal(size=(23, 494))
    logits = model(torch.from_numpy(windows.astype("f4"))).numpy()
    assert logits.shape == (23, 29)
    np.testing.assert_allclose(logits, plain_forward(windows, weights), atol=2e-5)


@pytest.mark.parametrize("with_length", [True, False])
def test_a_memory_mapped_graph_holds_the_same(with_length, tmp_path):
    weights = weights_090()
    write_pbmm(tmp_path / "graph.pbmm", weights, with_length)
    found = read_constants(tmp_path / "graph.pbmm")
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name], array)


def test_float_val_repeats_its_last_number(tmp_path):
    tensor = (
        number(1, 1) + block(2, shape_of(np.zeros((2, 3)))) + block(5, struct.pack("<2f", 1, 7))
    )
    attribute = block(1, b"value") + block(2, block(8, tensor))
    node = block(1, b"x") + block(2, b"Const") + block(5, attribute)
    (tmp_path / "g.pb").write_bytes(block(1, node))
    np.testing.assert_array_equal(read_constants(tmp_path / "g.pb")["x"], [[1, 7, 7], [7, 7, 7]])


def test_what_differs_is_listed(tmp_path):
    weights = weights_010()
    del weights["b3"]
    weights["h6"] = weights["h6"][:, :28]
    write_pb(tmp_path / "graph.pb", weights)
    with pytest.raises(AVFaceError) as caught:
        load_deepspeech(tmp_path / "graph.pb")
    for piece in ("b3 is missing", "h6 is 6 x 28 instead of 6 x 29", "Found: h1 (494, 6)"):
        assert piece in str(caught.value)


def test_a_kernel_of_another_width_is_refused():
    weights = weights_090()
    weights[CELL_090 + "kernel"] = weights[CELL_090 + "kernel"][:-1]
    with pytest.raises(ValueError, match="kernel is 11 x 24 instead of 12 x 24"):
        DeepSpeech(weights)


@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused_in_words(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "x.pb"
    path.write_bytes(data)
    try:
        assert isinstance(read_constants(path), dict)
    except AVFaceError as error:
        assert str(path) in error.message


def test_features_have_the_steps_and_the_context_of_the_clip(tmp_path):
    write_pb(tmp_path / "graph.pb", weights_010())
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype("f4")
    features = speech_features(sound, "deepspeech", tmp_path / "graph.pb")
    assert features.values.shape == (50, 29) and features.kind == "deepspeech"
    assert len(mfcc_010(sound)) == 99
    for samples in (1, 399, 400, 401, 561, 720, 721, 16_000):
        write = deepspeech_logits(sound[:samples], tmp_path / "graph.pb")
        assert len(write) == step_count(samples)


def test_090_has_as_many_steps(tmp_path):
    write_pb(tmp_path / "graph.pb", weights_090())
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype("f4")
    for samples in (1, 400, 721, 16_000):
        logits = deepspeech_logits(sound[:samples], tmp_path / "graph.pb")
        assert len(logits) == step_count(samples)


def test_mfcc_of_010_are_those_of_python_speech_features():
    reference = pytest.importorskip("python_speech_features")
    draw = np.random.default_rng(3)
    for samples in (100, 400, 401, 4_000, 16_123):
        sound = (draw.normal(0, 2000, samples) * np.hanning(samples)).astype("i2")
        expected = reference.mfcc(sound, samplerate=16_000, numcep=26)
        np.testing.assert_allclose(mfcc_010(sound), expected, atol=1e-8)
    np.testing.assert_allclose(
        mfcc_010(np.zeros(800)), reference.mfcc(np.zeros(800), 16_000, numcep=26)
    )


def test_mfcc_of_090_are_orthonormal_cosines_of_log_bands():
    """Twice the amplitude adds log 2 to 40 bands: sqrt(2 / 40) * 40 * log 2 to the first only."""
    noise = np.random.default_rng(2).normal(0, 0.1, 16_000)
    once, twice = mfcc_090(noise), mfcc_090(2 * noise)
    assert once.shape == (49, 26)
    np.testing.assert_allclose((twice - once)[:, 0], np.sqrt(2 / 40) * 40 * np.log(2))
    np.testing.assert_allclose((twice - once)[:, 1:], 0, atol=1e-9)


def test_greedy_decoding_merges_repetitions_and_drops_blanks():
    blank = len(LETTERS)
    steps = [LETTERS.index(c) if c != "_" else blank for c in "hhe_l_llo_  ab_b"]
    assert decode_greedily(np.eye(29)[steps]) == "hello abb"


def test_a_graph_that_spells_nothing_fails_its_test(tmp_path):
    write_pb(tmp_path / "graph.pb", weights_010())
    sound = np.random.default_rng(0).normal(0, 0.1, 32_000).astype("f4")
    with pytest.raises(AVFaceError, match="hears no words"):
        self_test(sound, tmp_path / "graph.pb")


def test_features_of_a_users_file_need_the_file():
    with pytest.raises(AVFaceError, match="need a model of yours"):
        speech_features(np.zeros(100, "f4"), "deepspeech")
