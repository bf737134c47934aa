"""What an ONNX file holds: its graph's nodes and constants, read without ONNX's packages.

Those want a newer protobuf than mediapipe's, which the engine carries. The messages' fields are
those of onnx.proto: ModelProto opset_import = 8, graph = 7; GraphProto node = 1, initializer = 5,
input = 11, output = 12; NodeProto input = 1, output = 2, op_type = 4, attribute = 5, domain = 7;
AttributeProto name = 1, f = 2, i = 3, s = 4, t = 5, g = 6, floats = 7, ints = 8, strings = 9;
TensorProto dims = 1, data_type = 2, float_data = 4, int32_data = 5, int64_data = 7, name = 8,
raw_data = 9, double_data = 10, external_data = 13. Nothing of a file is run.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...exchange.protocol import AVFaceError
from ...protobuf import Span, fields, text, varint

# DataType -> numpy
_TYPES = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2",
    11: "<f8", 12: "<u4", 13: "<u8",
}  # fmt: skip
_FLOAT16 = 10
_LISTED = {4: "<f4", 5: "", 7: "", 10: "<f8", 11: ""}  # fields of numbers; "": of varying length
_RAW, _OUTSIDE = 9, 13


@dataclass(frozen=True)
class Node:
    """One operation: names of what goes in ("" where left out) and what comes out."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class OnnxGraph:
    """A network as an ONNX file tells it."""

    nodes: tuple[Node, ...]  # in an order in which they can be run
    constants: dict[str, np.ndarray]
    inputs: tuple[str, ...]  # without the constants
    outputs: tuple[str, ...]
    opset: int  # of ONNX's own operators


def read_onnx(path: Path) -> OnnxGraph:
    """The graph of a file. Raises AVFaceError."""
    try:
        data = path.read_bytes()
        return _Reader(data, path.parent).model()
    except OSError as error:
        raise AVFaceError(
            f"{path} can't be read ({error.strerror}).",
            "Weights that the network keeps in files of their own belong beside it.",
        ) from error
    except (ValueError, IndexError, KeyError, TypeError, struct.error) as error:
        raise AVFaceError(
            f"{path} is no ONNX network, or is damaged ({error}).",
            "Export it again, or save it as TorchScript.",
        ) from error


class _Reader:
    def __init__(self, data: bytes, folder: Path) -> None:
        self.data, self.folder = data, folder

    def model(self) -> OnnxGraph:
        opset, graph = 0, None
        for field, value in fields(self.data, (0, len(self.data))):
            if field == 7:
                graph = cast(Span, value)
            elif field == 8:
                domain, version = "", 0
                for inner, part in fields(self.data, cast(Span, value)):
                    if inner == 1:
                        domain = self._text(part)
                    elif inner == 2:
                        version = int(cast(int, part))
                if domain in ("", "ai.onnx"):
                    opset = version
        if graph is None or not opset:
            raise ValueError("it names no graph of ONNX's operators")
        return self._graph(graph, opset)

    def _graph(self, span: Span, opset: int) -> OnnxGraph:
        nodes, constants, inputs, outputs = [], {}, [], []
        for field, value in fields(self.data, span):
            if field == 1:
                nodes.append(self._node(cast(Span, value)))
            elif field == 5:
                name, array = self.tensor(cast(Span, value))
                constants[name] = array
            elif field in (11, 12):
                name = next(
                    self._text(v) for k, v in fields(self.data, cast(Span, value)) if k == 1
                )
                (inputs if field == 11 else outputs).append(name)
        given = tuple(name for name in inputs if name not in constants)
        return OnnxGraph(tuple(nodes), constants, given, tuple(outputs), opset)

    def _node(self, span: Span) -> Node:
        operator, domain, attributes = "", "", {}
        names: dict[int, list[str]] = {1: [], 2: []}
        for field, value in fields(self.data, span):
            if field in names:
                names[field].append(self._text(value))
            elif field == 4:
                operator = self._text(value)
            elif field == 5:
                name, told = self._attribute(cast(Span, value))
                attributes[name] = told
            elif field == 7:
                domain = self._text(value)
        if domain not in ("", "ai.onnx"):
            operator = f"{domain}.{operator}"
        return Node(operator, tuple(names[1]), tuple(names[2]), attributes)

    def _attribute(self, span: Span) -> tuple[str, Any]:
        name, told, listed = "", None, []
        for field, value in fields(self.data, span):
            if field == 1:
                name = self._text(value)
            elif field == 2:
                told = struct.unpack("<f", cast(bytes, value))[0]
            elif field == 3:
                told = _signed(cast(int, value))
            elif field == 4:
                told = self._text(value)
            elif field == 5:
                told = self.tensor(cast(Span, value))[1]
            elif field == 6:
                told = "graph"  # loops and branches: no operator here knows them
            elif field == 7:
                listed += self._floats(value, "<f4")
            elif field == 8:
                listed += self._integers(value)
            elif field == 9:
                listed.append(self._text(value))
        return name, listed if told is None else told

    def tensor(self, span: Span) -> tuple[str, np.ndarray]:
        """Name and values of a TensorProto."""
        parts: dict[int, list[Any]] = {}
        for field, value in fields(self.data, span):
            parts.setdefault(field, []).append(value)
        name = self._text(parts[8][0]) if 8 in parts else ""
        kind = parts.get(2, [0])[0]
        if kind not in _TYPES:
            raise ValueError(f"values of the type {kind}, which isn't read here")
        shape = [size for value in parts.get(1, ()) for size in self._integers(value)]
        if _OUTSIDE in parts:
            array = np.frombuffer(self._outside(parts[_OUTSIDE]), _TYPES[kind])
        elif _RAW in parts:
            array = np.frombuffer(self.data[slice(*parts[_RAW][0])], _TYPES[kind])
        else:
            array = self._listed(parts, kind)
        return name, array.reshape(shape).copy()

    def _listed(self, parts: dict[int, list[Any]], kind: int) -> np.ndarray:
        """Values that stand one by one; halves by their bits."""
        values: list[float] = []
        for field, told in _LISTED.items():
            for value in parts.get(field, ()):
                values += self._floats(value, told) if told else self._integers(value)
        if kind == _FLOAT16:
            return np.array(values, "<u2").view("<f2")
        return np.array(values, _TYPES[kind])

    def _outside(self, entries: list[Span]) -> bytes:
        """Weights in a file beside the network's; no path leads out of its folder."""
        pairs = ({k: self._text(v) for k, v in fields(self.data, entry)} for entry in entries)
        told = {pair[1]: pair.get(2, "") for pair in pairs}
        place = self.folder / told["location"]
        if place.resolve().parent != self.folder.resolve():
            raise ValueError("its weights aren't beside it")
        start, length = int(told.get("offset", "0")), int(told.get("length", "-1"))
        with place.open("rb") as file:
            file.seek(start)
            return file.read(length)

    def _integers(self, value: object) -> Iterator[int]:
        if isinstance(value, int):
            yield _signed(value)
            return
        place, end = cast(Span, value)
        while place < end:
            number, place = varint(self.data, place)
            yield _signed(number)

    def _floats(self, value: object, kind: str) -> list[float]:
        raw = value if isinstance(value, bytes) else self.data[slice(*cast(Span, value))]
        return np.frombuffer(raw, kind).tolist()

    def _text(self, value: object) -> str:
        return text(self.data, value)


def _signed(value: int) -> int:
    """int64 out of the wire's 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value
