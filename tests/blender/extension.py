"""The repository enabled as a real extension, and an engine that always gives the same take."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import addon_utils
import bpy
import pytest

ROOT = Path(__file__).parents[2]
NAME = "bl_ext.user_default.avface"
FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")


@contextmanager
def enabled() -> Iterator[ModuleType]:
    """The extension, enabled through a link to the repository; `yield`s its add-on package."""
    folder = Path(bpy.utils.user_resource("EXTENSIONS")) / "user_default"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "avface").exists():
        (folder / "avface").symlink_to(ROOT, target_is_directory=True)
    extension = addon_utils.enable(NAME, default_set=True)
    assert extension is not None, "the extension could not be enabled"
    try:
        yield sys.modules[f"{NAME}.avface_blender"]
    finally:
        addon_utils.disable(NAME, default_set=True)


def preferences() -> Any:
    return bpy.context.preferences.addons[NAME].preferences


def make_engine(folder: Path, take: Path) -> Path:
    """An engine's Python that gives `take` for every clip (see fake_engine.py)."""
    if os.name == "nt":
        pytest.skip("the stand-in for the engine is a shell script")
    python = folder / "python"
    words = map(shlex.quote, (sys.executable, str(FAKE_ENGINE)))
    python.write_text(
        f'#!/bin/sh\nREADY_TAKE={shlex.quote(str(take))} exec {" ".join(words)} "$@"\n'
    )
    python.chmod(0o755)
    return python
