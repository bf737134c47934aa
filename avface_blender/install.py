"""Where the engine lives: its own Python environment, never Blender's."""

import os
from pathlib import Path

from ..engine.exchange.protocol import AVFaceError

ROOT = Path(__file__).parents[1]  # the extension's folder: holds `engine/`, and is the engine's cwd
DEMO_CLIP = ROOT / "weights" / "demo" / "demo.mp4"


def environment_python(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_engine_python(chosen: str, user_folder: Path) -> Path:
    """The engine's interpreter: the chosen one, else the installed one, else the repository's.

    `user_folder` is the extension's own writable folder. Raises AVFaceError when there is none.
    """
    if chosen:
        if not Path(chosen).is_file():
            raise AVFaceError(
                f"There is no Python at {chosen}.",
                "Correct Engine Python in AVFace's preferences, or clear it to search for one.",
            )
        return Path(chosen)
    for environment in (user_folder / "engine", ROOT / ".venv" / "engine"):
        if (python := environment_python(environment)).is_file():
            return python
    raise AVFaceError(
        "The capture engine is not installed.",
        "Set Engine Python in AVFace's preferences to a Python 3.11 that has what"
        " requirements/engine.txt lists.",
    )
