"""What the add-on asks of an installation of the engine, as a file. Standard library only."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from .files import write_whole
from .protocol import AVFaceError

ENGINE_FOLDER = "engine"  # the finished environment, in the folder of the plan
RECORD = "avface-engine.json"  # in the environment; written last
PYTHONS = ("3.11", "3.12")  # that every package of the engine has wheels for

Action = Literal["install", "verify", "remove"]
Torch = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class InstallPlan:
    """What `python -m engine.installation PLAN` reads."""

    folder: str  # the environment becomes its ENGINE_FOLDER
    action: Action = "install"
    torch: Torch = "auto"  # auto: CUDA where there is an NVIDIA card
    torch_index: str = ""  # address of a package index with builds of torch; empty: by `torch`
    wheels: str = ""  # folder of wheels to install from without a network
    online: bool = False  # whether the network may be used
    python: str = ""  # verify: the interpreter to look at; empty: that of ENGINE_FOLDER


@dataclass(frozen=True)
class Installed:
    """The record of a finished environment."""

    version: str  # of the product
    python: str  # "3.11.7"
    torch: str  # "2.13.0+cpu"
    device: str  # "cpu", or the name of the card
    megabytes: int = 0  # on disk; counted when it is installed


def environment_python(environment: Path, system: str = os.name) -> Path:
    """The interpreter of a virtual environment; `system` as in os.name."""
    return environment / ("Scripts/python.exe" if system == "nt" else "bin/python")


def write_json(content: InstallPlan | Installed, path: Path) -> None:
    """Write a plan or a record. Raises OSError."""
    write_whole(path, json.dumps(asdict(content), indent=1))


def read_plan(path: Path) -> InstallPlan:
    """Read a plan. Raises AVFaceError when it isn't one."""
    try:
        return InstallPlan(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise AVFaceError(
            f"{path} is no plan of an installation ({error}).", "Start it anew."
        ) from error


def read_record(folder: Path) -> Installed | None:
    """What is installed in a plan's folder; None when nothing is, or not to its end."""
    try:
        text = (folder / ENGINE_FOLDER / RECORD).read_text(encoding="utf-8")
        return Installed(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None
