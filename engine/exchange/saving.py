"""Files that somebody asked for: written whole, or one sentence that says why they can't be."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from .files import written_whole
from .protocol import AVFaceError

_HINT = "Free some disk space or choose another place."


@contextmanager
def saved(path: Path) -> Iterator[Path]:
    """Where to write what becomes `path` when it is whole; its folder is made.

    Raises AVFaceError.
    """
    try:
        _check_kind(path)
        _make_folder(path.parent)
        with written_whole(path) as temporary:
            yield temporary
    except OSError as error:
        raise AVFaceError(f"{path} can't be written ({error.strerror or error}).", _HINT) from error


def save(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8. Raises AVFaceError."""
    with saved(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def save_arrays(path: Path, arrays: Mapping[str, Any], compressed: bool = False) -> None:
    """Write arrays as an `.npz`, whatever the path's suffix is. Raises AVFaceError."""
    write = np.savez_compressed if compressed else np.savez
    with saved(path) as temporary, temporary.open("wb") as file:
        write(file, **arrays)


def make_folder(folder: Path, hint: str) -> None:
    """A folder to write into, unless it stands already. Raises AVFaceError with the hint."""
    try:
        _make_folder(folder)
    except OSError as error:
        raise AVFaceError(f"The folder {folder} can't be made ({error.strerror}).", hint) from error


@contextmanager
def place_for_result(path: Path) -> Iterator[None]:
    """See that a result can be written before the work begins; its folder is made.

    Folders that were made go again when nothing came of it. Raises AVFaceError.
    """
    made: list[Path] = []
    try:
        _prove(path, made)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it holds something by now
                folder.rmdir()
        raise


def _check_kind(path: Path) -> None:
    """Raises AVFaceError where a folder or a device would have to make room for a file."""
    if path.is_dir():
        raise AVFaceError(f"{path} is a folder.", "Name a file in it.")
    if path.exists() and not path.is_file():
        raise AVFaceError(f"{path} is a device, not a file.", "Choose another place.")


def _make_folder(folder: Path) -> None:
    """Raises OSError, whose words are for a person."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _prove(path: Path, made: list[Path]) -> None:
    """Make the folder of `path`, noting which are new, and begin a file there."""
    try:
        _check_kind(path)
        new = [folder for folder in path.parents if not folder.exists()]
        _make_folder(path.parent)
        made += new
        probe = path.with_name(f"{path.name}.{os.getpid()}.probe.tmp")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise AVFaceError(
            f"{path} can't be written ({error.strerror}).", "Choose another place."
        ) from error
