"""The environments that the scripts beside this file run in, made when they aren't there.

* `engine`: Python 3.11 or 3.12 with what `requirements/engine.txt` names;
* `blender-X.Y`: Python 3.11 with Blender as a Python module (the `bpy` wheel).

They live in `.venv/` of the repository, or where AVFACE_ENVIRONMENTS points. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("AVFACE_ENVIRONMENTS") or ROOT / ".venv")
BLENDER_WHEELS = {"4.2": "bpy==4.2.23", "4.5": "bpy==4.5.15", "5.0": "bpy==5.0.1"}
DEFAULT_BLENDER = "4.5"
INTERRUPTED = 128 + signal.SIGINT  # as shells have it


class CannotSetUp(Exception):  # noqa: N818  (a sentence, not a fault)
    """One sentence that says what is missing and what to do."""


def say(sentence: str) -> None:
    """What is being done, for the person who waits."""
    print(sentence, flush=True)


def engine_python(development: bool = False) -> Path:
    """The engine's interpreter; `development` adds the tools that check.py runs."""
    requirements = [ROOT / "requirements/engine.txt"]
    if development:
        requirements.append(ROOT / "requirements/dev.txt")
    commands = [["-r", str(path)] for path in requirements]
    commands.append(["--no-deps", "-r", str(ROOT / "requirements/engine-alone.txt")])
    made_from = [*requirements, ROOT / "requirements/engine-alone.txt"]
    key = "\n".join(path.read_text(encoding="utf-8") for path in made_from)
    return _environment("engine", ("3.11", "3.12"), commands, key)


def blender_python(version: str = DEFAULT_BLENDER, development: bool = False) -> Path:
    """The interpreter that has Blender `version` as its module `bpy`."""
    packages = [BLENDER_WHEELS[version]]
    if development:
        packages += [
            line
            for line in (ROOT / "requirements/dev.txt").read_text(encoding="utf-8").splitlines()
            if line.startswith("pytest==")
        ]
    return _environment(f"blender-{version}", ("3.11",), [packages], "\n".join(packages))


def find_blender() -> Path | None:
    """A Blender that is installed on this machine: $BLENDER, the PATH, the usual places."""
    named = os.environ.get("BLENDER") or shutil.which("blender")
    if named and Path(named).is_file():
        return Path(named)
    usual = [
        *Path("C:/Program Files/Blender Foundation").glob("Blender */blender.exe"),
        *Path("/Applications").glob("Blender*.app/Contents/MacOS/Blender"),
        *Path("/opt").glob("blender*/blender"),
    ]
    return max(usual, default=None, key=lambda path: str(path.parent))


def run_here(command: list[str]) -> int:
    """Run a command that finds the engine in this repository; its exit code, as shells say it.

    Ctrl+C reaches the command too, which ends in its own way: a training leaves a checkpoint.
    """
    environment = clean_environment() | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return code if code >= 0 else 128 - code


def exit_with(main: Callable[[list[str]], int]) -> NoReturn:
    """End this script with what `main` makes of the command line; by Ctrl+C without a trace."""
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def clean_environment() -> dict[str, str]:
    """This process's variables without what would make another Python find our packages."""
    hidden = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _environment(name: str, versions: tuple[str, ...], commands: list[list[str]], key: str) -> Path:
    """The interpreter of environment `name`, made or completed where it must be.

    A stamp written last holds what the environment was made from: an installation that was
    broken off, or one for other requirements, is carried on.
    """
    folder = FOLDER / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "made-from.sha256"
    digest = hashlib.sha256(key.encode()).hexdigest()
    done = stamp.read_text().split() if stamp.is_file() else []
    if python.is_file() and digest in done:
        return python
    if not python.is_file():
        base = _find_python(versions)
        say(f"Making the environment {name} in {folder} (once; some minutes and gigabytes) ...")
        _run([str(base), "-m", "venv", "--clear", str(folder)])
        done = []
    for arguments in commands:
        _pip(python, arguments)
    stamp.write_text("\n".join([*done, digest]))
    say(f"The environment {name} is ready.")
    return python


def _find_python(versions: tuple[str, ...]) -> Path:
    """A Python of one of `versions` ("3.11"): this one, or one that the machine has."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if own in versions:
        return Path(sys.executable)
    for version in versions:
        candidates = [[f"python{version}"]]
        if os.name == "nt":
            candidates.append(["py", f"-{version}"])
        for command in candidates:
            if shutil.which(command[0]) is None:
                continue
            asked = subprocess.run(
                [*command, "-c", "import sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=False,
                env=clean_environment(),
            )
            if asked.returncode == 0:
                return Path(asked.stdout.strip())
    raise CannotSetUp(
        f"This needs Python {' or '.join(versions)} and found only {own}. "
        "Install Python 3.11 from python.org (or your package manager) and run this again."
    )


def _pip(python: Path, arguments: list[str]) -> None:
    """Install, naming each package as it comes."""
    command = [str(python), "-m", "pip", "install", "--progress-bar", "off", *arguments]
    command.insert(4, "--disable-pip-version-check")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=clean_environment(),
    )
    assert process.stdout
    last_lines: list[str] = []
    for line in process.stdout:
        last_lines = [*last_lines[-9:], line]
        word, _, rest = line.strip().partition(" ")
        if word == "Downloading":  # torch-2.13.0-...whl (191 MB)
            say(f"  {rest.rsplit('/', 1)[-1]}")
        elif word == "Collecting":
            say(f"  {rest.split(' ')[0]}")
        elif line.startswith("Installing collected"):
            say("  installing ...")
    if process.wait() != 0:
        raise CannotSetUp(
            f"pip could not install {' '.join(arguments)}; it said:\n{''.join(last_lines)}"
            "Check the network connection and the free disk space, then run this again."
        )


def _run(command: list[str]) -> None:
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=clean_environment()
    )
    if result.returncode != 0:
        raise CannotSetUp(f"`{' '.join(command)}` failed: {result.stderr.strip()[-500:]}")
