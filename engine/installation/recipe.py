"""Install, verify, remove: what each does, step by step."""

import hashlib
import importlib
import json
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from ..exchange.installation import (
    ENGINE_FOLDER,
    PYTHONS,
    RECORD,
    Installed,
    InstallPlan,
    environment_python,
    write_json,
)
from ..exchange.protocol import (
    AVFaceError,
    CaptureJob,
    Done,
    Failed,
    Note,
    Progress,
    decode,
    write_job,
)
from . import child, packages
from .pythons import make_environment

ROOT = Path(__file__).parents[2]
PARTIAL_FOLDER = f"{ENGINE_FOLDER}.partial"
WINDOWS_PATH_LIMIT = 259
LONGEST_FILE = 175  # of an environment, from its site-packages on; measured
_LOOK = """
import importlib.metadata as m, json, platform, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = m.version(name)
    except m.PackageNotFoundError:
        versions[name] = ""
device = "cpu"
if versions.get("torch"):
    import torch
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name(0)
    elif getattr(torch.backends, "mps", None) and torch.backends.mps.is_available():
        device = "mps"
print(json.dumps({"python": platform.python_version(), "versions": versions, "device": device}))
"""

MADE = "avface-made"  # in an environment that has its interpreter and its pip

Send = Callable[[Progress | Note], None]


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
    write_json(record, partial / RECORD)
    _take_place(partial, home / ENGINE_FOLDER)
    return environment_python(home / ENGINE_FOLDER)


def verify(python: Path, folder: Path, send: Send, start: float = 0.0) -> Installed:
    """What an environment is, after it has captured a part of the demo clip. Raises AVFaceError."""
    share = 1 - start
    send(Progress("versions", start))
    found = _look(python)
    _check_versions(found)
    send(Progress("weights", start + 0.1 * share))
    check_weights(ROOT / "weights")
    send(Progress("test", start + 0.2 * share))
    _capture_demo(python, folder, lambda f: send(Progress("test", start + share * (0.2 + 0.8 * f))))
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return Installed(
        version=manifest["version"],
        python=found["python"],
        torch=found["versions"]["torch"],
        device=found["device"],
        megabytes=_megabytes(python.parents[1]),
    )


def remove(plan: InstallPlan, send: Send) -> None:
    """Take away the environment, what was fetched for it, and what an attempt has left."""
    home = Path(plan.folder)
    places = [home / name for name in (ENGINE_FOLDER, PARTIAL_FOLDER, "python", "uv")]
    places += home.glob(f"{ENGINE_FOLDER}.old*")
    for index, place in enumerate(places):
        send(Progress("removing", index / len(places)))
        _forget(place)


def check_weights(folder: Path) -> None:
    """Every registered file is there and is itself. Raises AVFaceError."""
    registry = tomllib.loads((folder / "registry.toml").read_text(encoding="utf-8"))
    for row in registry.values():
        path = folder / row["file"]
        if row["file"].startswith("demo/") and not path.is_file():
            continue  # the demo clip's truth stays with the source
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            raise AVFaceError(
                f"{path} is missing or damaged.", "Install AVFace again: the file comes with it."
            )


def _check_room(plan: InstallPlan, home: Path) -> None:
    """Raises AVFaceError when the place can't take an environment."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free / 1e9
    except OSError as error:
        raise AVFaceError(
            f"The folder {home} can't be used ({error.strerror}).", "Choose another Engine Folder."
        ) from error
    needed = packages.NEEDED_GIGABYTES[packages.torch_build(plan)]
    if free < needed:
        raise AVFaceError(
            f"The engine needs {needed:.0f} GB and {home} has {free:.1f} GB free.",
            "Free some space or choose another Engine Folder.",
        )
    if os.name == "nt" and not _long_paths():
        refuse_deep_folder(str(home))
    if plan.wheels and not Path(plan.wheels).is_dir():
        raise AVFaceError(f"There is no folder {plan.wheels}.", "Correct Folder of Wheels.")
    if not plan.wheels and not plan.online:
        raise AVFaceError(
            "Blender may not use the network.",
            "Allow Online Access in Preferences > System, or choose a folder of wheels.",
        )


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


def _look(python: Path) -> dict:
    """Versions and device of an environment. Raises AVFaceError when it doesn't run."""
    names = list(packages.pins(ROOT / "requirements"))
    code, lines = child.run([str(python), "-c", _LOOK, *names])
    if code != 0:
        raise AVFaceError(
            f"The engine's Python {python} does not run ({lines[-1] if lines else code}).",
            "Remove the engine and install it again.",
        )
    return json.loads(lines[-1])


def _check_versions(found: dict) -> None:
    if not found["python"].startswith(PYTHONS):
        raise AVFaceError(
            f"The engine runs on Python {' or '.join(PYTHONS)}; this is {found['python']}.",
            "Choose another Python, or have AVFace install its own.",
        )
    wanted = packages.pins(ROOT / "requirements")
    missing = [name for name in wanted if not found["versions"][name]]
    if missing:
        raise AVFaceError(f"The engine lacks {', '.join(missing)}.", "Install the engine again.")
    other = [
        f"{name} {found['versions'][name]} (wanted: {version})"
        for name, version in wanted.items()
        if found["versions"][name].partition("+")[0] != version  # torch 2.13.0+cpu
    ]
    if other:
        raise AVFaceError(
            f"The engine has {', '.join(other)}.", "Install the engine again to renew it."
        )


def _capture_demo(python: Path, folder: Path, report: Callable[[float], None]) -> None:
    """One second of the demo clip through the engine itself. Raises AVFaceError."""
    with tempfile.TemporaryDirectory(prefix="test-", dir=folder) as place:
        take = Path(place) / "demo.take.npz"
        clip = ROOT / "weights" / "demo" / "demo.mp4"
        job = CaptureJob(str(clip), str(take), options={"end": 1.0, "detail": "off"})
        write_job(job, Path(place) / "job.json")
        failed: list[Failed] = []
        done: list[Done] = []

        def hear(line: str) -> None:
            try:
                event = decode(line)
            except (ValueError, TypeError):
                return  # something that a library printed
            if isinstance(event, Progress):
                report(event.fraction)
            elif isinstance(event, Failed):
                failed.append(event)
            elif isinstance(event, Done):
                done.append(event)

        before = os.getcwd()
        os.chdir(ROOT)
        try:
            command = [str(python), "-m", "engine", "run", str(Path(place) / "job.json")]
            code, last = child.run(command, hear)
        finally:
            os.chdir(before)
        if not done or not take.is_file():
            why = failed[0].message if failed else (last[-1] if last else f"exit code {code}")
            raise AVFaceError(
                f"The engine was installed but its test failed: {why}", "Its log says more."
            )


def _take_place(partial: Path, final: Path) -> None:
    """Put the finished environment where the old one stands, which goes."""
    old = final.with_name(f"{final.name}.old-{os.getpid()}")
    try:
        if final.exists():
            os.rename(final, old)
        os.rename(partial, final)
    except OSError as error:
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


def _megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) >> 20
