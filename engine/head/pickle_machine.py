"""A pickle's machine with its hands tied: it writes down what it is asked to call.

A pickle is a program for a small machine. Names of numpy, scipy.sparse, chumpy and torch become
passive records here, calls of them are only written down, and any other name ends the reading.
"""

import pickle
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

_ALLOWED = re.compile(
    r"numpy\.(_?core)\.multiarray\.(_reconstruct|scalar)|numpy\.(_?core)\.numeric\._frombuffer"
    r"|numpy\.(ndarray|dtype|dtypes\.\w+)"
    r"|scipy\.sparse\.(_?(csc|csr|coo)\.)?(csc|csr|coo)_(matrix|array)"
    r"|chumpy\.\w+(\.\w+)?"
    r"|torch\._utils\._rebuild_tensor(_v2)?|torch\.storage\._load_from_bytes"
    r"|torch\.(\w+Storage|Size|storage\.\w+Storage)"
    r"|collections\.OrderedDict|_codecs\.encode|copy_?reg\._reconstructor"
    r"|(__builtin__|builtins)\.(object|bytearray|tuple|list|dict)"
)
STORAGE_DTYPES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8",
    "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "b1",
}  # fmt: skip


class RefusedError(Exception):
    """The pickle asks for something that has no place in a file of numbers."""


@dataclass(frozen=True)
class _Name:
    """A global that the pickle mentions."""

    path: str


@dataclass
class Record:
    """A call or a new object that the pickle asks for: written down, never made."""

    path: str
    arguments: tuple
    state: Any = None


@dataclass(frozen=True)
class Numbers:
    """A storage of a torch archive."""

    array: np.ndarray


class Machine(pickle._Unpickler):  # pyright: ignore  (the C one sets aside memory as it is told)
    """Python's own pickle machine, without calls, attributes and hashing of nested keys."""

    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)  # pyright: ignore
    for _code in (
        pickle.INST, pickle.OBJ, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.EMPTY_SET,
        pickle.ADDITEMS, pickle.FROZENSET, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
    ):  # fmt: skip
        dispatch.pop(_code[0], None)

    def find_class(self, module: str, name: str) -> _Name:
        """A name, not the thing."""
        path = f"{module}.{name}"
        if not _ALLOWED.fullmatch(path):
            raise RefusedError(path)
        return _Name(path)

    storages: dict[str, bytes] | None = None  # of torch's zip format
    root = ""

    def persistent_load(self, pid: Any) -> Any:
        """Storages inside torch's own format."""
        if self.storages is not None and isinstance(pid, tuple) and len(pid) > 2:
            kind = STORAGE_DTYPES.get(pid[1].path.rsplit(".", 1)[1])
            if kind is None:
                raise RefusedError("a torch storage of an unknown format")
            return Numbers(np.frombuffer(self.storages[f"{self.root}data/{pid[2]}"], kind))
        return Record("torch.storage", tuple(pid) if isinstance(pid, tuple) else ())

    def load_reduce(self) -> None:
        """A call, written down."""
        arguments = self.stack.pop()  # type: ignore[attr-defined]
        self.stack[-1] = _called(self.stack[-1], arguments)  # type: ignore[attr-defined]

    def load_newobj(self) -> None:
        """A new object, written down."""
        self.load_reduce()

    def load_newobj_ex(self) -> None:
        """A new object with keywords, which none of the allowed names takes."""
        raise RefusedError("keywords")

    def load_build(self) -> None:
        """State for an object that was written down."""
        state = self.stack.pop()  # type: ignore[attr-defined]
        target = self.stack[-1]  # type: ignore[attr-defined]
        if not isinstance(target, Record):
            raise RefusedError("state of a plain value")
        target.state = state

    def load_setitem(self) -> None:
        """One entry of a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()  # type: ignore[attr-defined]
        _set(self.stack[-1], key, value)  # type: ignore[attr-defined]

    def load_setitems(self) -> None:
        """Entries of a dictionary."""
        items = self.pop_mark()  # type: ignore[attr-defined]
        for k in range(0, len(items), 2):
            _set(self.stack[-1], items[k], items[k + 1])  # type: ignore[attr-defined]

    def load_dict(self) -> None:
        """A dictionary with its entries."""
        items, out = self.pop_mark(), {}  # type: ignore[attr-defined]
        for k in range(0, len(items), 2):
            _set(out, items[k], items[k + 1])
        self.append(out)  # type: ignore[attr-defined]

    for _code, _method in (
        (pickle.REDUCE, load_reduce), (pickle.NEWOBJ, load_newobj), (pickle.BUILD, load_build),
        (pickle.NEWOBJ_EX, load_newobj_ex), (pickle.SETITEM, load_setitem),
        (pickle.SETITEMS, load_setitems), (pickle.DICT, load_dict),
    ):  # fmt: skip
        dispatch[_code[0]] = _method  # pyright: ignore


def _called(function: Any, arguments: Any) -> Any:
    if not isinstance(function, _Name) or not isinstance(arguments, tuple):
        raise RefusedError("a call of a plain value")
    path = function.path
    if path == "collections.OrderedDict":
        return {}
    if path == "_codecs.encode":
        return str(arguments[0]).encode("latin1")
    if path.endswith((".bytearray", ".tuple", ".list", ".dict")):
        if len(arguments) == 2:  # Python 2 on bytes: (text, "latin-1")
            return str(arguments[0]).encode("latin1")
        return arguments[0] if arguments else b""
    if path.endswith("._reconstructor"):
        if not isinstance(arguments[0], _Name):
            raise RefusedError("a call of a plain value")
        return Record(arguments[0].path, ())
    return Record(path, arguments)


def _set(target: Any, key: Any, item: Any) -> None:
    if not isinstance(target, dict) or not isinstance(key, str | bytes | int | float):
        raise RefusedError("a dictionary of other things than names")
    target[key.decode("latin1") if isinstance(key, bytes) else key] = item
