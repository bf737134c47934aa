"""What the engine is made of, installed by pip, whose output is read for progress and sizes."""

import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..exchange.installation import InstallPlan
from ..exchange.protocol import AVFaceError
from . import child

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CUDA_INDEX = "https://download.pytorch.org/whl/cu130"
# Downloaded in all, MB, for the bar; measured with torch 2.13 (its CUDA libraries from PyPI).
EXPECTED_MEGABYTES = {"cpu": 480.0, "cuda": 3000.0}
# Needed on disk, GB: while installing from the network; by an interpreter with pip alone.
NEEDED_GIGABYTES = {"cpu": 3.0, "cuda": 9.0}
_BARE_GIGABYTES = 0.1
_COMPILED = 1.2  # an environment's bytes for one of its wheels' unpacked: Python's bytecode
_NO_BAR = ("--progress-bar", "off")
_BAR_OF_BYTES = ("--progress-bar", "raw")  # while a package comes, since pip 24.1
_COMMON = ("--disable-pip-version-check", "--no-input", "--only-binary", ":all:")
_UNITS = {"B": 1e-6, "kB": 1e-3, "KB": 1e-3, "KiB": 1.024e-3, "MB": 1.0, "MiB": 1.048576,
          "GB": 1e3, "GiB": 1073.741824}  # fmt: skip
_COMING = re.compile(
    r"\s*(Downloading|Using cached|Processing) (\S+)(?: \(([\d.]+) ?([kKMG]?i?B)\))?"
)
_RAW = re.compile(r"Progress (\d+) of (\d+)")
_MISSING = re.compile(r"No matching distribution found for (\S+)")


@dataclass
class Downloads:
    """How far pip is, from its own words."""

    finished_mb: float = 0.0
    name: str = ""
    current_mb: float = 0.0
    size_mb: float = 0.0
    installing: bool = False

    def hear(self, line: str) -> None:
        """Take in one line of pip's (with `--progress-bar raw`) or uv's."""
        if raw := _RAW.match(line):
            self.current_mb, self.size_mb = int(raw[1]) / 1e6, int(raw[2]) / 1e6
        elif coming := _COMING.match(line):
            self.finished_mb += self.size_mb
            self.name = _package(coming[2])
            self.size_mb = float(coming[3]) * _UNITS[coming[4]] if coming[3] else 0.0
            if coming[1] == "Processing" and (file := Path(coming[2])).is_file():
                self.size_mb = file.stat().st_size / 1e6
            self.current_mb = 0.0 if coming[1] == "Downloading" else self.size_mb
        elif line.startswith("Installing collected packages"):
            self.finished_mb += self.size_mb
            self.current_mb = self.size_mb = 0.0
            self.installing = True

    @property
    def total_mb(self) -> float:
        """Everything that has come so far."""
        return self.finished_mb + self.current_mb

    def __str__(self) -> str:
        if self.installing:
            return f"unpacking {self.total_mb:.0f} MB"
        if not self.name:
            return ""
        part = f"{self.current_mb:.0f} of {self.size_mb:.0f} MB" if self.size_mb >= 1 else "small"
        return f"{self.name}: {part}, {self.total_mb:.0f} MB in all"


def torch_build(plan: InstallPlan, system: str = sys.platform) -> str:
    """`cuda` or `cpu`: what was asked for, or what the machine has a card for."""
    if system == "darwin":
        return "cpu"  # the one build for macOS, which knows Metal
    if plan.torch == "auto":
        return "cuda" if has_nvidia(system) else "cpu"
    return plan.torch


def needed_gigabytes(plan: InstallPlan) -> float:
    """What must be free on disk; of a folder of wheels no more than they unpack to."""
    needed = NEEDED_GIGABYTES[torch_build(plan)]
    if not plan.wheels:
        return needed
    unpacked = sum(_unpacked_bytes(wheel) for wheel in Path(plan.wheels).glob("*.whl"))
    return min(needed, _BARE_GIGABYTES + _COMPILED * unpacked / 1e9)


def _unpacked_bytes(wheel: Path) -> int:
    """0 for what is no wheel: pip says so in its own words."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return sum(file.file_size for file in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return 0


def has_nvidia(system: str = sys.platform) -> bool:
    """Whether NVIDIA's driver is on the machine."""
    if system == "win32":
        root = Path(os.environ.get("SYSTEMROOT", "C:/Windows"))
        return (root / "System32" / "nvidia-smi.exe").is_file() or bool(shutil.which("nvidia-smi"))
    return Path("/proc/driver/nvidia").exists()


def torch_index(plan: InstallPlan, system: str = sys.platform) -> str:
    """The index that has the right torch; empty: PyPI's is right.

    PyPI has CUDA builds for Linux, CPU builds for Windows, Metal builds for macOS.
    """
    if plan.torch_index:
        return plan.torch_index
    build = torch_build(plan, system)
    if system == "linux" and build == "cpu":
        return CPU_INDEX
    return CUDA_INDEX if (system, build) == ("win32", "cuda") else ""


def install_packages(
    python: Path, plan: InstallPlan, requirements: Path, report: Callable[[float, str], None]
) -> list[str]:
    """Install everything; sentences that the artist should know. Raises AVFaceError.

    `report(fraction, words)`. What is there already is left: a broken-off run is carried on.
    """
    downloads, said = Downloads(), []
    expected = EXPECTED_MEGABYTES[torch_build(plan)]

    def hear(line: str) -> None:
        downloads.hear(line)
        report(min(downloads.total_mb / expected, 0.97), str(downloads))

    def pip(*arguments: str) -> list[str]:
        downloads.installing = False
        return _pip(python, plan, hear, (*bar, *arguments))

    bar = _NO_BAR
    if not plan.wheels:
        if pip("--upgrade", "pip>=24.1"):
            said.append("pip could not be renewed: sizes are shown only when a package has come.")
        else:
            bar = _BAR_OF_BYTES
    if not plan.wheels and (index := torch_index(plan)):
        torch = pins(requirements)["torch"]
        last = pip("--index-url", index, "--retries", "1", f"torch=={torch}")
        if last and plan.torch_index:
            raise _failed(plan, last)
        if last:
            said.append(
                "PyTorch's own server could not be reached: the build of PyPI was taken instead."
            )
    for wanted in (
        ["-r", str(requirements / "engine.txt")],
        ["--no-deps", "-r", str(requirements / "engine-alone.txt")],
    ):
        if last := pip(*wanted):
            raise _failed(plan, last)
    report(1.0, str(downloads))
    return said


def _pip(
    python: Path, plan: InstallPlan, hear: Callable[[str], None], arguments: tuple[str, ...]
) -> list[str]:
    """Have pip install something: its last lines where that failed, else nothing."""
    settings, source = {}, []
    if plan.wheels:
        settings = {"PIP_CONFIG_FILE": os.devnull}  # or a mirror in it would be asked
        source = ["--isolated", "--no-index", "--find-links", plan.wheels]
    command = child.module(python, "pip", "install", *_COMMON, *source, *arguments)
    code, last = child.run(command, hear, settings)
    return (last or [f"it ended with {code}"]) if code else []


def pins(requirements: Path, system: str = sys.platform) -> dict[str, str]:
    """name -> version that requirements/engine*.txt ask for on this system."""
    names = ("engine.txt", "engine-alone.txt")
    lines = "\n".join((requirements / name).read_text(encoding="utf-8") for name in names)
    found = {}
    for line in lines.splitlines():
        wanted, _, marker = line.partition(";")
        package, pinned, version = wanted.partition("==")
        here = "win32" not in marker or system == "win32"
        if pinned and here and not wanted.startswith("#"):
            found[package.strip()] = version.strip()
    return found


def _package(file: str) -> str:
    """`numpy 2.4.6` of a wheel's address or path, as far as it says so."""
    parts = re.split(r"[/\\]", file)[-1].split("-")
    return " ".join(parts[:2]) if len(parts) > 2 else parts[0]


def _failed(plan: InstallPlan, last: list[str]) -> AVFaceError:
    """pip's failure in the artist's words."""
    said = "\n".join(last)
    if plan.wheels and (missing := _MISSING.search(said)):
        return AVFaceError(
            f"The folder {plan.wheels} has no wheel of {missing[1].replace('==', ' ')} for this"
            " machine.",
            "docs/install.md says how to fill the folder.",
        )
    if "No space left" in said:
        return AVFaceError("The disk is full.", "Free some space and install again: it carries on.")
    if re.search(r"NewConnectionError|Max retries|ConnectTimeout|ReadTimeout|resolution", said):
        return AVFaceError(
            "The network could not be reached.", "Check it and install again: it carries on."
        )
    error = next((line for line in reversed(last) if line.startswith("ERROR")), " ".join(last[-1:]))
    return AVFaceError(
        f"pip could not install the engine's packages ({error.removeprefix('ERROR: ')}).",
        "Its log is in the installation's folder; install again to carry on.",
    )
