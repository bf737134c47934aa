"""Where the engine lives: its own Python environment, never Blender's. No Blender here.

The work is done by `python -m engine.installation`, a process of its own that any Python can run.
"""

import sys
from pathlib import Path

from ..engine.exchange.installation import (
    ENGINE_FOLDER,
    InstallPlan,
    environment_python,
    read_record,
    write_json,
)
from ..engine.exchange.protocol import AVFaceError
from .engine_client import EngineJob

ROOT = Path(__file__).parents[1]  # the extension's folder: holds `engine/`, and is the engine's cwd
DEMO_CLIP = ROOT / "weights" / "demo" / "demo.mp4"
WORK_FOLDER = "installation"  # of a plan: its events, its log


def find_engine_python(chosen: str, engine_folder: Path) -> Path:
    """The engine's interpreter: the chosen one, else the installed one, else the repository's.

    `engine_folder` is where AVFace installs the engine. Raises AVFaceError when there is none.
    """
    if chosen:
        if not Path(chosen).is_file():
            raise AVFaceError(
                f"There is no Python at {chosen}.",
                "Correct Engine Python in AVFace's preferences, or clear it to search for one.",
            )
        return Path(chosen)
    for environment in (engine_folder / ENGINE_FOLDER, ROOT / ".venv" / "engine"):
        if (python := environment_python(environment)).is_file():
            return python
    raise AVFaceError(
        "The capture engine is not installed.",
        "Press Install Engine in AVFace's preferences.",
    )


def start_installation(plan: InstallPlan) -> EngineJob:
    """Begin to install, verify or remove, by Blender's own Python.

    Raises AVFaceError when it can't be started.
    """
    folder = Path(plan.folder) / WORK_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(plan, folder / "plan.json")
    except OSError as error:
        raise AVFaceError(
            f"The folder {plan.folder} can't be used ({error.strerror}).",
            "Choose another Engine Folder.",
        ) from error
    command = [sys.executable, "-m", "engine.installation"]
    return EngineJob([*command, str(folder / "plan.json")], folder, ROOT)


def describe(engine_folder: Path) -> str:
    """What is installed there, in one line; empty when nothing is."""
    record = read_record(engine_folder)
    if record is None:
        return ""
    size = f"{record.megabytes / 1000:.1f} GB"
    return f"AVFace {record.version}, torch {record.torch} on {record.device}, {size}"
