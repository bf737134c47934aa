"""Install and remove: what each does, step by step."""

import importlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..exchange.installation import (
    ENGINE_FOLDER,
    RECORD,
    InstallPlan,
    environment_python,
    write_json,
)
from ..exchange.protocol import AVFaceError, Note, Progress
from . import child, packages
from .pythons import make_environment
from .verification import ROOT, Send, verify

PARTIAL_FOLDER = f"{ENGINE_FOLDER}.partial"
WINDOWS_PATH_LIMIT = 259
LONGEST_FILE = 175  # of an environment, from its site-packages on; measured
MADE = "avface-made"  # in an environment that has its interpreter and its pip


def install(plan: InstallPlan, send: Send) -> Path:
    """The engine's environment at its final place; its interpreter. Raises AVFaceError.

    Made beside that place and renamed when it has passed its test, so that what stands is whole.
    """
    home = Path(plan.folder)
    partial = home / PARTIAL_FOLDER
    _check_room(plan, home)
    send(Progress("python", 0.0))
    heard = packages.Downloads()

    def fetching(line: str) -> None:
        heard.hear(line)
        send(Progress("python", 0.01, str(heard)))

    python = environment_python(partial)
    if not _can_be_carried_on(partial):
        _forget(partial)
        python = make_environment(partial, home, plan.online, fetching)
        (partial / MADE).touch()
    last_said = [0.0]

    def coming(fraction: float, words: str) -> None:
        if time.monotonic() - last_said[0] > 0.2:
            last_said[0] = time.monotonic()
            send(Progress("packages", 0.03 + 0.87 * fraction, words))

    for sentence in packages.install_packages(python, plan, ROOT / "requirements", coming):
        send(Note(sentence))
    try:
        record = verify(python, home, send, 0.9)
    except AVFaceError:
        (partial / MADE).unlink()  # what pip has left is not whole: the next attempt begins anew
        raise
    write_json(replace(record, megabytes=_megabytes(partial)), partial / RECORD)
    _take_place(partial, home / ENGINE_FOLDER)
    return environment_python(home / ENGINE_FOLDER)


def _megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def remove(plan: InstallPlan, send: Send) -> None:
    """Take away the environment, what was fetched for it, and what an attempt has left."""
    home = Path(plan.folder)
    places = [home / name for name in (ENGINE_FOLDER, PARTIAL_FOLDER, "python", "uv")]
    places += home.glob(f"{ENGINE_FOLDER}.old*")
    for index, place in enumerate(places):
        send(Progress("removing", index / len(places)))
        _forget(place)


def _check_room(plan: InstallPlan, home: Path) -> None:
    """Raises AVFaceError when the place can't take an environment."""
    if plan.wheels and not Path(plan.wheels).is_dir():
        raise AVFaceError(f"There is no folder {plan.wheels}.", "Correct Folder of Wheels.")
    if not plan.wheels and not plan.online:
        raise AVFaceError(
            "Blender may not use the network.",
            "Allow Online Access in Preferences > System, or choose a folder of wheels.",
        )
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free / 1e9
    except OSError as error:
        raise AVFaceError(
            f"The folder {home} can't be used ({error.strerror}).", "Choose another Engine Folder."
        ) from error
    needed = packages.needed_gigabytes(plan)
    if free < needed:
        raise AVFaceError(
            f"The engine needs {needed:.1f} GB and {home} has {free:.1f} GB free.",
            "Free some space or choose another Engine Folder.",
        )
    if os.name == "nt" and not _long_paths():
        refuse_deep_folder(str(home))


def refuse_deep_folder(home: str) -> None:
    """Raises AVFaceError where Windows' limit of 259 letters would be passed."""
    longest = len(home) + len(f"\\{PARTIAL_FOLDER}\\Lib\\site-packages\\") + LONGEST_FILE
    if longest > WINDOWS_PATH_LIMIT:
        raise AVFaceError(
            f"Paths below {home} would be longer than Windows allows.",
            r"Choose a short Engine Folder, such as C:\avface, or switch long paths on in Windows.",
        )


def _long_paths() -> bool:
    """Whether this Windows allows paths of more than 259 letters."""
    registry = importlib.import_module("winreg")
    place = r"SYSTEM\CurrentControlSet\Control\FileSystem"
    try:
        with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, place) as key:
            return bool(registry.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def _can_be_carried_on(partial: Path) -> bool:
    """Whether an earlier attempt has left an environment that was made whole and whose pip runs."""
    python = environment_python(partial)
    if not (partial / MADE).is_file() or not python.is_file():
        return False
    return child.run(child.module(python, "pip", "--version"))[0] == 0


def _take_place(partial: Path, final: Path) -> None:
    """Put the finished environment where the old one stands, which goes."""
    old = final.with_name(f"{final.name}.old-{os.getpid()}")
    try:
        if final.exists():
            os.rename(final, old)
        os.rename(partial, final)
    except OSError as error:
        if old.exists():  # what stood goes on standing
            with suppress(OSError):
                os.rename(old, final)
        raise AVFaceError(
            f"The engine that stands in {final} can't be replaced ({error.strerror}).",
            "End the captures that use it and install again: nothing is downloaded twice.",
        ) from error
    _forget(old)


def _forget(place: Path) -> None:
    """Remove a folder; what another program holds open is left, under a name that is not used."""
    if not place.exists():
        return
    doomed = place
    if ".old" not in place.name:
        doomed = place.with_name(f"{ENGINE_FOLDER}.old-{place.name}-{time.time_ns()}")
        try:
            os.rename(place, doomed)
        except OSError as error:
            raise AVFaceError(
                f"{place} is in use ({error.strerror}).", "End the captures that use the engine."
            ) from error
    shutil.rmtree(doomed, ignore_errors=True)
