"""The weights inside a frozen TensorFlow graph (.pb, .pbmm), read without TensorFlow.

A graph is a protocol buffer: GraphDef.node = 1; NodeDef name = 1, op = 2, attr = 5 (key 1,
value 2); AttrValue s = 2, type = 6, shape = 7, tensor = 8; TensorProto dtype = 1, shape = 2,
content = 4, float_val = 5; TensorShape dim = 2 (size 1). A .pbmm ends with the offset of a
directory of regions (element = 1: offset 1, name 2, length 3, which may be absent); the graph lies
in the region `memmapped_package://.` and its weights, nodes ImmutableConst, name the region that
they are. Nothing of the file is run.
"""

import mmap
import struct
from pathlib import Path
from typing import cast

import numpy as np

from ..exchange.protocol import AVFaceError
from ..protobuf import Span, fields, text

_GRAPH_REGION = "memmapped_package://."
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # DataType -> numpy
_FLOAT = 1


def read_constants(path: Path) -> dict[str, np.ndarray]:
    """Node name -> array of every constant in the graph. Raises AVFaceError."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise AVFaceError(
            f"{path} can't be read ({error}).", "Choose a .pb or .pbmm file."
        ) from error
    try:
        regions = _regions(data)
        span = regions.get(_GRAPH_REGION, (0, len(data)))
        constants: dict[str, np.ndarray] = {}
        for field, value in fields(data, span):
            if field == 1 and isinstance(value, tuple):
                name, array = _constant(data, value, regions)
                if array is not None:
                    constants[name] = array
        return constants
    except (ValueError, IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise AVFaceError(
            f"{path} is no frozen TensorFlow graph, or is damaged ({error}).",
            "Choose DeepSpeech's output_graph.pb (0.1.0) or .pb/.pbmm (0.9).",
        ) from error


def _regions(data: mmap.mmap) -> dict[str, Span]:
    """Name -> span of the regions of a .pbmm; none for a plain graph."""
    if len(data) < 16:
        raise ValueError("too short")
    directory = struct.unpack("<Q", data[-8:])[0]
    if not 0 < directory < len(data) - 8:
        return {}
    elements: list[tuple[int, str, int]] = []
    try:
        for field, value in fields(data, (directory, len(data) - 8)):
            if field != 1 or not isinstance(value, tuple):
                return {}
            parts = dict(fields(data, value))
            elements.append((int(cast(int, parts.get(1, 0))), text(data, parts[2]),
                             int(cast(int, parts.get(3, 0)))))  # fmt: skip
    except (ValueError, KeyError, TypeError, IndexError, UnicodeDecodeError):
        return {}  # a plain graph whose last bytes happen to look like an offset
    elements.sort()
    ends = [element[0] for element in elements[1:]] + [directory]
    return {
        name: (offset, offset + length if length else end)
        for (offset, name, length), end in zip(elements, ends, strict=True)
    }


def _constant(
    data: mmap.mmap, span: Span, regions: dict[str, Span]
) -> tuple[str, np.ndarray | None]:
    """(name, array) of a node; None for what is no constant of numbers."""
    name = operation = ""
    attributes: dict[str, object] = {}
    for field, value in fields(data, span):
        if field == 1:
            name = text(data, value)
        elif field == 2:
            operation = text(data, value)
        elif field == 5:
            entry = dict(fields(data, cast(Span, value)))
            attributes[text(data, entry[1])] = entry.get(2)
    if operation == "Const":
        inner = dict(fields(data, cast(Span, attributes["value"])))
        return name, _tensor(data, cast(Span, inner[8])) if 8 in inner else None
    if operation == "ImmutableConst":
        values = {k: dict(fields(data, cast(Span, v))) for k, v in attributes.items() if v}
        kind = _TYPES.get(int(cast(int, values["dtype"][6])))
        shape = _shape(data, cast(Span, values["shape"][7]))
        start, _ = regions[text(data, values["memory_region_name"][2])]
        if kind:
            count = int(np.prod(shape))
            return name, np.frombuffer(data, kind, count, start).reshape(shape)
    return name, None


def _shape(data: mmap.mmap, span: Span) -> list[int]:
    sizes = []
    for field, value in fields(data, span):
        if field == 2:
            parts = dict(fields(data, cast(Span, value)))
            sizes.append(int(cast(int, parts.get(1, 0))))
    return sizes


def _tensor(data: mmap.mmap, span: Span) -> np.ndarray | None:
    kind, shape, content = _FLOAT, list[int](), (0, 0)
    listed: list[np.ndarray] = []  # float_val: the last one is repeated to the end
    for field, value in fields(data, span):
        if field == 1:
            kind = int(cast(int, value))
        elif field == 2:
            shape = _shape(data, cast(Span, value))
        elif field == 4:
            content = cast(Span, value)
        elif field == 5:
            raw = value if isinstance(value, bytes) else data[slice(*cast(Span, value))]
            listed.append(np.frombuffer(raw, "<f4"))
    if kind not in _TYPES or any(size < 0 for size in shape):
        return None
    count = int(np.prod(shape)) if shape else 1
    if content[1] > content[0]:
        return np.frombuffer(data, _TYPES[kind], count, content[0]).reshape(shape)
    if kind == _FLOAT and listed:
        values = np.concatenate(listed)
        return np.pad(values, (0, count - len(values)), mode="edge").reshape(shape)
    return None
