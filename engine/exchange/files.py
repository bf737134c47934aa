"""Files that are whole or not there, and what those of a capture are called. Plain Python."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TAKE_SUFFIX = ".take.npz"
_KINDS = ("take", "albedo", "normals", "preview", "sheet", "report")  # of files: NAME.take.npz, ...


def take_stem(take: Path) -> str:
    """NAME of a NAME.take.npz: all that a capture writes beside it begins so."""
    return take.name.removesuffix(".npz").removesuffix(".take")


@contextmanager
def written_whole(path: Path, keeps_suffix: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to; it becomes `path` when all went well, else it goes.

    No two processes get the same one. `keeps_suffix`: for writers that go by the file's suffix.
    Raises OSError.
    """
    own = os.getpid()
    name = f"{path.stem}.{own}.partial{path.suffix}" if keeps_suffix else f"{path.name}.{own}.tmp"
    temporary = path.with_name(name)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8, so that nobody ever sees half of it. Raises OSError."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """An empty folder beside `path` that takes its place, and all that it held, or goes."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_unfinished(path: Path) -> bool:
    """Whether a killed process has left this file or folder before it was whole."""
    return path.suffix == ".tmp" or ".partial" in path.suffixes


def is_result(path: Path, stem: str) -> bool:
    """Whether a file or folder, finished or not, is one of those that a capture of NAME writes."""
    return any(path.name.startswith(f"{stem}.{kind}") for kind in _KINDS)
