"""What an environment of the engine is, and whether it captures."""

import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from ..exchange.installation import PYTHONS, Installed
from ..exchange.protocol import (
    AVFaceError,
    CaptureJob,
    Done,
    Failed,
    Hello,
    Note,
    Progress,
    decode,
    write_job,
)
from . import child, packages

ROOT = Path(__file__).parents[2]
_LOOK = """
import importlib.metadata as m, json, platform, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = m.version(name)
    except m.PackageNotFoundError:
        versions[name] = ""
print(json.dumps({"python": platform.python_version(), "versions": versions}))
"""
_QUICK = {"end": 0.5, "detail": "off"}  # every stage has its frames and takes little time

Send = Callable[[Progress | Note], None]


def verify(python: Path, folder: Path, send: Send, start: float = 0.0) -> Installed:
    """What an environment is, after it has captured a part of the demo clip. Raises AVFaceError."""
    share = 1 - start
    send(Progress("versions", start))
    found = _look(python)
    _check_versions(found)
    send(Progress("weights", start + 0.1 * share))
    check_weights(ROOT / "weights")
    send(Progress("test", start + 0.2 * share))
    device = _capture_demo(
        python, folder, lambda f: send(Progress("test", start + share * (0.2 + 0.8 * f)))
    )
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return Installed(
        version=manifest["version"],
        python=found["python"],
        torch=found["versions"]["torch"],
        device=device,
    )


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


def _look(python: Path) -> dict:
    """An environment's versions. Raises AVFaceError when it doesn't run."""
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


def _capture_demo(python: Path, folder: Path, report: Callable[[float], None]) -> str:
    """A moment of the demo clip through the engine itself: on what it ran. Raises AVFaceError."""
    with tempfile.TemporaryDirectory(prefix="test-", dir=folder) as place:
        take = Path(place) / "demo.take.npz"
        clip = ROOT / "weights" / "demo" / "demo.mp4"
        job = CaptureJob(str(clip), str(take), options=_QUICK)
        write_job(job, Path(place) / "job.json")
        failed: list[Failed] = []
        done: list[Done] = []
        devices: list[str] = []

        def hear(line: str) -> None:
            try:
                event = decode(line)
            except (ValueError, TypeError):
                return  # something that a library printed
            if isinstance(event, Progress):
                report(event.fraction)
            elif isinstance(event, Hello):
                devices.append(event.device)
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
        return devices[0]
