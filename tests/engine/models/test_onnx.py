"""ONNX files without ONNX's packages: tiny ones are written here, PyTorch says what is right."""

import struct

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.exchange.protocol import AVFaceError
from engine.models.onnx import load_onnx
from engine.models.slots import check_slot, load_slot
from tests.protobuf import block, number, varint

FLOAT, INT64, BOOL = 1, 7, 9


def tensor(name, array, outside=""):
    array = np.asarray(array)
    kind = {"f": FLOAT, "i": INT64, "b": BOOL}[array.dtype.kind]
    values = array.astype({FLOAT: "<f4", INT64: "<i8", BOOL: "?"}[kind]).tobytes()
    told = b"".join(number(1, size) for size in array.shape) + number(2, kind) + block(8, name)
    if outside:
        return told + block(13, block(1, "location") + block(2, outside))
    return told + block(9, values)


def attribute(name, value):
    told = block(1, name)
    if isinstance(value, float):
        return told + varint(2 << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return told + number(3, value)
    if isinstance(value, str):
        return told + block(4, value)
    if isinstance(value, np.ndarray):
        return told + block(5, tensor("", value))
    return told + block(8, b"".join(varint(item) for item in value))  # packed


def node(operator, inputs, outputs, domain="", **attributes):
    told = b"".join(block(1, name) for name in inputs) + b"".join(block(2, n) for n in outputs)
    told += block(4, operator) + block(7, domain)
    return told + b"".join(block(5, attribute(*item)) for item in attributes.items())


def write(path, nodes, constants=(), inputs=("x",), outputs=("y",), opset=17, outside=""):
    graph = b"".join(block(1, told) for told in nodes)
    for name, array in dict(constants).items():
        array = array.detach().numpy() if isinstance(array, torch.Tensor) else array
        graph += block(5, tensor(name, array, outside))
    graph += b"".join(block(11, block(1, name)) for name in inputs)
    graph += b"".join(block(12, block(1, name)) for name in outputs)
    path.write_bytes(block(8, number(2, opset)) + block(7, graph))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.onnx"


def test_a_small_network_that_looks(path):
    """Convolution, normalisation, pools, a linear layer: as PyTorch's, gradients too."""
    torch.manual_seed(0)
    conv, norm, last = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4).eval(), nn.Linear(4, 5)
    norm.running_mean, norm.running_var = torch.rand(4), torch.rand(4) + 0.5
    norm.weight.data, norm.bias.data = torch.rand(4), torch.rand(4)
    write(
        path,
        [
            node("Conv", ["x", "w", "b"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("BatchNormalization", ["a", "s", "o", "m", "v"], ["c"], epsilon=1e-5),
            node("Relu", ["c"], ["d"]),
            node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
            node("GlobalAveragePool", ["e"], ["f"]),
            node("Flatten", ["f"], ["g"]),
            node("Gemm", ["g", "k", "l"], ["y"], transB=1),
        ],
        {
            "w": conv.weight, "b": conv.bias, "s": norm.weight, "o": norm.bias,
            "m": norm.running_mean, "v": norm.running_var, "k": last.weight, "l": last.bias,
        },
        inputs=("x", "w", "b"),  # constants may stand among the inputs
    )  # fmt: skip
    network, picture = load_slot(path, "faces"), torch.rand(2, 3, 12, 10, requires_grad=True)
    seen = functional.max_pool2d(torch.relu(norm(conv(picture))), 2).mean((2, 3))
    torch.testing.assert_close(network(picture), last(seen))
    (ours,) = torch.autograd.grad(network(picture).sum(), picture)
    (theirs,) = torch.autograd.grad(last(seen).sum(), picture)
    torch.testing.assert_close(ours, theirs)
    assert not list(network.parameters())


def test_shapes_that_the_graph_computes(path):
    """(B, T, C) -> (B T, C) by Shape, Gather, Concat: any B and T."""
    write(
        path,
        [
            node("Shape", ["x"], ["s"]),
            node("Constant", [], ["two"], value=np.array([2])),
            node("Gather", ["s", "two"], ["c"]),
            node("Concat", ["rest", "c"], ["to"], axis=0),
            node("Reshape", ["x", "to"], ["z"]),
            node("Slice", ["z", "first", "end", "along", "step"], ["y"]),
        ],
        {
            "rest": np.array([-1]), "first": np.array([-1]), "end": np.array([-(1 << 62)]),
            "along": np.array([0]), "step": np.array([-1]),
        },
    )  # fmt: skip
    for size in ((2, 3, 4), (1, 5, 2)):
        x = torch.rand(size)
        torch.testing.assert_close(load_onnx(path)(x), x.reshape(-1, size[2]).flip(0))


def test_recurrent_layers(path):
    """GRU and LSTM both ways, with ONNX's order of the gates."""
    torch.manual_seed(0)
    x = torch.rand(5, 2, 3)  # (T, B, C)
    for kind, order in (("GRU", [1, 0, 2]), ("LSTM", [0, 3, 1, 2])):
        layer = getattr(nn, kind)(3, 4, bidirectional=True)

        def gates(name, layer=layer, order=order):
            parts = [getattr(layer, name + end) for end in ("", "_reverse")]
            return torch.stack([torch.cat([p.chunk(len(order))[k] for k in order]) for p in parts])

        bias = torch.cat([gates("bias_ih_l0"), gates("bias_hh_l0")], 1)
        told = {"linear_before_reset": 1} if kind == "GRU" else {}
        recurrent = node(
            kind, ["x", "w", "r", "b"], ["h"], hidden_size=4, direction="bidirectional", **told
        )
        write(
            path,
            [recurrent, node("Transpose", ["h"], ["t"], perm=[0, 2, 1, 3]),
             node("Reshape", ["t", "to"], ["y"])],
            {"w": gates("weight_ih_l0"), "r": gates("weight_hh_l0"), "b": bias,
             "to": np.array([0, 0, -1])},
        )  # fmt: skip
        torch.testing.assert_close(load_onnx(path)(x), layer(x)[0])


def test_uneven_edges_and_old_versions(path):
    """Padding on one side, a mean without what is padded; axes as attributes."""
    write(
        path,
        [
            node("AveragePool", ["x"], ["a"], kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
            node("ReduceMean", ["a"], ["b"], axes=[2], keepdims=0),
            node("Unsqueeze", ["b"], ["y"], axes=[0]),
        ],
        opset=11,
    )
    x = torch.rand(1, 2, 3, 3)
    padded = functional.pad(x, (0, 1, 0, 1))
    count = functional.avg_pool2d(functional.pad(torch.ones_like(x), (0, 1, 0, 1)), 2, 1)
    wanted = functional.avg_pool2d(padded, 2, 1) / count
    torch.testing.assert_close(load_onnx(path)(x), wanted.mean(2)[None])


def test_weights_beside_the_network(path):
    weight = np.arange(6, dtype="<f4").reshape(2, 3)
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    (path.parent / "network.onnx.data").write_bytes(weight.tobytes())
    write(path, nodes, {"w": weight}, outside="network.onnx.data")
    torch.testing.assert_close(load_onnx(path)(torch.eye(2)), torch.from_numpy(weight))
    write(path, nodes, {"w": weight}, outside="../../secret")
    with pytest.raises(AVFaceError, match="beside"):
        load_onnx(path)
    write(path, nodes, {"w": weight}, outside="lost.data")
    with pytest.raises(AVFaceError, match="can't be read"):
        load_onnx(path)


def test_what_cannot_be_run_is_said(path, tmp_path):
    write(path, [node("Loop", ["x"], ["y"]), node("Odd", ["x"], ["z"], domain="com.lab")])
    with pytest.raises(AVFaceError, match=r"Loop, com\.lab\.Odd, unknown"):
        load_slot(path, "faces")
    path.write_bytes(b"\xff" * 40)
    check_slot(path)
    with pytest.raises(AVFaceError, match="no ONNX network"):
        load_slot(path, "faces")
    write(path, [node("MatMul", ["x", "w"], ["y"])], {"w": np.zeros((2, 3), np.float32)})
    with pytest.raises(AVFaceError, match=r"network\.onnx can't take \(5, 4\): MatMul"):
        load_onnx(path)(torch.zeros(5, 4))
    with pytest.raises(AVFaceError, match="wants 1 inputs, not 2"):
        load_onnx(path)(torch.zeros(1), torch.zeros(1))
