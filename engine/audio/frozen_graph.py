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
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from ..exchange.protocol import AVFaceError

_GRAPH_REGION = "memmapped_package://."
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # DataType -> numpy
_FLOAT = 1
_Span = tuple[int, int]


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
        for field, value in _fields(data, span):
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


def _varint(data: mmap.mmap, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number that doesn't end")


def _fields(data: mmap.mmap, span: _Span) -> Iterator[tuple[int, int | _Span | bytes]]:
    """(field number, value) of one message; a value of varying length is its span."""
    place, end = span
    while place < end:
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield key >> 3, data[place : place + size]
            place += size
        elif wire == 2:
            size, place = _varint(data, place)
            if place + size > end:
                raise ValueError("the file ends too early")
            yield key >> 3, (place, place + size)
            place += size
        else:
            raise ValueError(f"wire type {wire}")


def _text(data: mmap.mmap, value: object) -> str:
    start, stop = cast(_Span, value)
    return data[start:stop].decode()


def _regions(data: mmap.mmap) -> dict[str, _Span]:
    """Name -> span of the regions of a .pbmm; none for a plain graph."""
    if len(data) < 16:
        raise ValueError("too short")
    directory = struct.unpack("<Q", data[-8:])[0]
    if not 0 < directory < len(data) - 8:
        return {}
    elements: list[tuple[int, str, int]] = []
    try:
        for field, value in _fields(data, (directory, len(data) - 8)):
            if field != 1 or not isinstance(value, tuple):
                return {}
            parts = dict(_fields(data, value))
            elements.append((int(cast(int, parts.get(1, 0))), _text(data, parts[2]),
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
    data: mmap.mmap, span: _Span, regions: dict[str, _Span]
) -> tuple[str, np.ndarray | None]:
    """(name, array) of a node; None for what is no constant of numbers."""
    name = operation = ""
    attributes: dict[str, object] = {}
    for field, value in _fields(data, span):
        if field == 1:
            name = _text(data, value)
        elif field == 2:
            operation = _text(data, value)
        elif field == 5:
            entry = dict(_fields(data, cast(_Span, value)))
            attributes[_text(data, entry[1])] = entry.get(2)
    if operation == "Const":
        inner = dict(_fields(data, cast(_Span, attributes["value"])))
        return name, _tensor(data, cast(_Span, inner[8])) if 8 in inner else None
    if operation == "ImmutableConst":
        values = {k: dict(_fields(data, cast(_Span, v))) for k, v in attributes.items() if v}
        kind = _TYPES.get(int(cast(int, values["dtype"][6])))
        shape = _shape(data, cast(_Span, values["shape"][7]))
        start, _ = regions[_text(data, values["memory_region_name"][2])]
        if kind:
            count = int(np.prod(shape))
            return name, np.frombuffer(data, kind, count, start).reshape(shape)
    return name, None


def _shape(data: mmap.mmap, span: _Span) -> list[int]:
    sizes = []
    for field, value in _fields(data, span):
        if field == 2:
            parts = dict(_fields(data, cast(_Span, value)))
            sizes.append(int(cast(int, parts.get(1, 0))))
    return sizes


def _tensor(data: mmap.mmap, span: _Span) -> np.ndarray | None:
    kind, shape, content = _FLOAT, list[int](), (0, 0)
    listed: list[np.ndarray] = []  # float_val: the last one is repeated to the end
    for field, value in _fields(data, span):
        if field == 1:
            kind = int(cast(int, value))
        elif field == 2:
            shape = _shape(data, cast(_Span, value))
        elif field == 4:
            content = cast(_Span, value)
        elif field == 5:
            raw = value if isinstance(value, bytes) else data[slice(*cast(_Span, value))]
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
