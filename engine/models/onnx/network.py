"""An ONNX network as a module of PyTorch: run node by node, with gradients for what goes in."""

from pathlib import Path

import torch
from torch import Tensor, nn

from ...exchange.protocol import AVFaceError
from .file import Node, OnnxGraph, read_onnx
from .operators import OPERATORS
from .setting import Setting

_CONSTANT = "Constant"


class OnnxNetwork(nn.Module):
    """What an ONNX graph does; its weights are fixed.

    Shapes that the graph computes follow what it is given; those that the export wrote down as
    numbers stay. Dropout and batch normalisation are as in inference.
    """

    def __init__(self, graph: OnnxGraph, name: str) -> None:
        super().__init__()
        self.name = name
        missing = sorted({node.operator for node in graph.nodes} - OPERATORS.keys() - {_CONSTANT})
        if missing:
            raise ValueError(f"it uses {', '.join(missing)}, unknown here")
        self.graph = graph
        self.fixed: dict[str, Tensor] = {}  # integers: sizes and places, which stay on the CPU
        self._buffer_names: dict[str, str] = {}
        constants = dict(graph.constants)
        for node in graph.nodes:
            if node.operator == _CONSTANT:
                constants[node.outputs[0]] = _constant(node)
        for place, (name, array) in enumerate(constants.items()):
            value = torch.from_numpy(array)
            if value.is_floating_point() and value.ndim:
                self._buffer_names[name] = f"constant_{place}"
                self.register_buffer(self._buffer_names[name], value, persistent=False)
            else:
                self.fixed[name] = value
        self.nodes = tuple(node for node in graph.nodes if node.operator != _CONSTANT)
        self.last = _last_uses(self.nodes, graph.outputs)

    def forward(self, *given: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What goes in, in the graph's order -> what comes out; one tensor where it is one.

        Raises AVFaceError where the graph can't take what it is given.
        """
        shapes = ", ".join(str(tuple(value.shape)) for value in given)
        if len(given) != len(self.graph.inputs):
            raise AVFaceError(
                f"{self.name} wants {len(self.graph.inputs)} inputs, not {len(given)}.",
                f"Export it for {shapes}.",
            )
        values: dict[str, Tensor | None] = {"": None, **self.fixed}
        values |= {name: getattr(self, own) for name, own in self._buffer_names.items()}
        values |= dict(zip(self.graph.inputs, given, strict=True))
        for place, node in enumerate(self.nodes):
            setting = Setting(node.attributes, self.graph.opset, len(node.outputs))
            inputs = [values[name] for name in node.inputs]
            try:
                found = OPERATORS[node.operator](setting, *inputs)
            except (ValueError, RuntimeError, IndexError, TypeError, AssertionError) as error:
                raise AVFaceError(
                    f"{self.name} can't take {shapes}: {node.operator} fails ({error}).",
                    "Export it for inference, with inputs of that shape, or as TorchScript.",
                ) from error
            found = found if isinstance(found, tuple) else (found,)
            values |= dict(zip(node.outputs, found, strict=False))
            for name in self.last[place]:
                del values[name]
        out = tuple(values[name] for name in self.graph.outputs)
        assert all(value is not None for value in out)
        return out[0] if len(out) == 1 else out  # type: ignore[return-value]


def load_onnx(path: Path) -> OnnxNetwork:
    """The network in a file. Raises AVFaceError."""
    graph = read_onnx(path)
    try:
        return OnnxNetwork(graph, path.name).eval()
    except (ValueError, KeyError, TypeError) as error:
        raise AVFaceError(
            f"{path} can't be run: {error}.",
            "Export it for inference, with operators of ONNX alone, or save it as TorchScript.",
        ) from error


def _constant(node: Node):
    """The value of a node Constant, as an array."""
    import numpy as np

    (name, value), *_ = node.attributes.items()
    kinds = {"value_int": np.int64, "value_ints": np.int64}
    return value if name == "value" else np.asarray(value, kinds.get(name, np.float32))


def _last_uses(nodes: tuple[Node, ...], kept: tuple[str, ...]) -> list[list[str]]:
    """For each node, the names that no later one reads: memory is given back there."""
    seen, out = set(kept) | {""}, []
    for node in reversed(nodes):
        named = set(node.inputs) | set(node.outputs)
        out.append(sorted(named - seen))
        seen |= named
    return out[::-1]
