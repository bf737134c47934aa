"""Arrays out of a pickle, without running anything that it asks for.

`pickle_machine` writes down what a pickle asks for; here these records become arrays, by code of
our own. Protocols 0 to 5; strings of Python 2 are read as latin-1.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.protocol import AVFaceError
from .pickle_machine import STORAGE_DTYPES, Machine, Numbers, Record, RefusedError

_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_MOST_BYTES = 4 << 30
_DEEPEST = 20  # records inside records


def read_pickle(content: bytes, name: str) -> Any:
    """What a pickle holds: dictionaries, lists, numbers, text and arrays.

    Raises AVFaceError when it isn't a pickle or asks for anything else. `name` is for the sentence.
    """
    try:
        return value(_load(io.BytesIO(content)))
    except RefusedError as error:
        raise AVFaceError(
            f"{name} asks for {error}, which no head file needs: it was not read.",
            "Get the file anew from where it was published.",
        ) from None
    except Exception as error:
        # a damaged pickle can break its reader in any way, and all of them mean the same
        raise AVFaceError(
            f"{name} is damaged or no pickle of arrays ({type(error).__name__}).",
            "Get the file anew from where it was published.",
        ) from None


def read_torch(path: Path) -> Any:
    """What `torch.save` wrote as a zip archive: plain values and arrays. Raises AVFaceError."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if sum(item.file_size for item in archive.infolist()) > _MOST_BYTES:
                raise RefusedError("more room than a head or a track needs")
            root = next(n for n in names if n.endswith("data.pkl")).removesuffix("data.pkl")
            machine = Machine(io.BytesIO(archive.read(f"{root}data.pkl")), encoding="latin1")
            machine.storages = {n: archive.read(n) for n in names if n.startswith(f"{root}data/")}
            machine.root = root
            return value(machine.load())
    except FileNotFoundError as error:
        raise AVFaceError(f"There is no file at {path}.", "Check the path.") from error
    except RefusedError as error:
        raise AVFaceError(
            f"{path.name} asks for {error}, which no file of parameters needs: it was not read.",
            "Get the file anew from the program that wrote it.",
        ) from None
    except Exception as error:
        raise AVFaceError(
            f"{path.name} is damaged or was not written by torch ({type(error).__name__}).",
            "Get the file anew from the program that wrote it.",
        ) from None


def read_npy(content: bytes, name: str) -> Any:
    """A `.npy` file's array, or the object that numpy has pickled into one. Raises AVFaceError."""
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
        if not dtype.hasobject:
            count = int(np.prod(shape, dtype=object))
            array = np.frombuffer(content, dtype, count, offset=file.tell())
            return array.reshape(shape, order="F" if fortran else "C")
    except Exception as error:
        raise AVFaceError(
            f"{name} is damaged or no array file ({type(error).__name__}).", "Get it anew."
        ) from None
    return read_pickle(content[file.tell() :], name)


def value(item: Any, depth: int = 0) -> Any:
    """A record as what it stands for; dictionaries and lists of them too."""
    if depth > _DEEPEST:
        raise RefusedError("records nested too deep")
    if isinstance(item, Record):
        return _made(item, depth + 1)
    if isinstance(item, dict):
        return {key: value(inner, depth + 1) for key, inner in item.items()}
    if isinstance(item, list | tuple) and any(isinstance(i, Record | dict | list) for i in item):
        return [value(inner, depth + 1) for inner in item]
    return item


def _load(file: io.BytesIO) -> Any:
    return Machine(file, encoding="latin1").load()


def _made(record: Record, depth: int) -> Any:
    """The array or object that a record stands for."""
    path, arguments = record.path, record.arguments
    if path.endswith("._reconstruct"):
        shape, dtype, fortran, raw = record.state[-4:]
        return _array(raw, dtype, shape, fortran, depth)
    if path.endswith("._frombuffer"):
        raw, dtype, shape, order = arguments
        return _array(raw, dtype, shape, order == "F", depth)
    if path.endswith(".scalar"):
        return _array(arguments[1], arguments[0], (), False, depth)[()]
    if path.startswith("scipy."):
        return _dense(path, value(record.state, depth))
    if path.startswith("chumpy."):
        inner = value(record.state, depth)
        # an expression of chumpy's instead of values: only missed if something needs it
        return inner.get("x") if isinstance(inner, dict) else None
    if path.startswith("torch._utils."):
        return _tensor(arguments, depth)
    if path.endswith("._load_from_bytes"):
        return _torch_storage(arguments[0])
    raise RefusedError(f"{path} as a value")


def _dtype(record: Any) -> np.dtype | None:
    """A plain dtype; None for Python objects."""
    if isinstance(record, Record) and record.path.startswith("numpy.dtype"):
        if record.arguments:
            name = record.arguments[0]
            name = name.decode("latin1") if isinstance(name, bytes) else name
        else:  # numpy.dtypes.Float64DType
            found = re.fullmatch(r"(Float|Int|UInt|Bool|Object)(\d*)DType", record.path[13:])
            kinds = {"Float": "f", "Int": "i", "UInt": "u", "Bool": "b1", "Object": "O8"}
            size = str(int(found[2]) // 8) if found and found[2] else ""
            name = kinds[found[1]] + size if found else ""
        if name in ("O", "O8", "O4", "|O"):
            return None
        if isinstance(name, str) and _DTYPE.fullmatch(name):
            order = record.state[1] if isinstance(record.state, tuple) else "<"
            order = order.decode() if isinstance(order, bytes) else order
            dtype = np.dtype(name)
            return dtype.newbyteorder(order) if order in ("<", ">") else dtype
    raise RefusedError("an array of a kind that no head file needs")


def _array(raw: Any, dtype: Any, shape: Any, fortran: Any, depth: int) -> Any:
    kind = _dtype(dtype)
    shape = tuple(int(n) for n in shape)
    if kind is None:
        items = value(raw, depth)
        return items[0] if shape == () else items
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    raw = bytes(raw)
    if min(shape, default=0) < 0 or len(raw) != _product(shape) * kind.itemsize:
        raise RefusedError("an array that is not as long as it says")
    return np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")


def _product(shape: tuple[int, ...]) -> int:
    count = 1
    for n in shape:
        count *= n
    return count


def _dense(path: str, state: Any) -> np.ndarray:
    """A sparse matrix, written out."""
    shape = tuple(int(n) for n in state.get("_shape", state.get("shape")))
    if len(shape) != 2 or min(shape) < 1 or _product(shape) * 8 > _MOST_BYTES:
        raise RefusedError("a matrix of a size that no head file has")
    out, data = np.zeros(shape), np.asarray(state["data"], float)
    if "coo" in path.rsplit(".", 1)[1]:
        row, column = state["coords"] if "coords" in state else (state["row"], state["col"])
        np.add.at(out, (np.asarray(row, int), np.asarray(column, int)), data)
        return out
    along, across = np.asarray(state["indptr"], int), np.asarray(state["indices"], int)
    if np.any(np.diff(along) < 0) or along[0] != 0 or along[-1] != len(data):
        raise RefusedError("a sparse matrix that does not add up")
    major = np.repeat(np.arange(len(along) - 1), np.diff(along))
    place = (across, major) if "csc" in path.rsplit(".", 1)[1] else (major, across)
    np.add.at(out, place, data)
    return out


def _tensor(arguments: tuple, depth: int) -> np.ndarray:
    storage = value(arguments[0], depth)
    storage = storage.array if isinstance(storage, Numbers) else storage
    offset, shape = int(arguments[1]), tuple(int(n) for n in _items(arguments[2]))
    stride = tuple(int(n) for n in _items(arguments[3]))
    reach = offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True))
    if not isinstance(storage, np.ndarray) or min((offset, *shape, *stride)) < 0:
        raise RefusedError("a tensor without its numbers")
    if _product(shape) == 0:
        return np.zeros(shape, storage.dtype)
    if reach >= len(storage) or _product(shape) > len(storage):
        raise RefusedError("a tensor that reaches beyond its numbers")
    steps = tuple(s * storage.itemsize for s in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()


def _items(item: Any) -> tuple:
    """A tuple, or torch.Size's."""
    return tuple(item.arguments[0]) if isinstance(item, Record) else tuple(item)


def _torch_storage(content: bytes) -> np.ndarray:
    """Numbers in torch's older format: four pickles, the keys, then count and bytes of each."""
    file = io.BytesIO(content)
    if _load(file) != _TORCH_MAGIC:
        raise RefusedError("a torch storage of an unknown format")
    for _ in ("protocol version", "machine"):
        _load(file)
    record = _load(file)
    if isinstance(record, Record) and record.path == "torch.storage":
        described = record.arguments
    else:
        raise RefusedError("a torch storage of an unknown format")
    keys = _load(file)
    kind = STORAGE_DTYPES.get(described[1].path.rsplit(".", 1)[1])
    if kind is None or not isinstance(keys, list) or len(keys) != 1:
        raise RefusedError("a torch storage of an unknown format")
    count = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(), np.dtype(kind), count)
