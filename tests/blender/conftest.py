"""Tests that run inside Blender, as the bpy wheel: `BLENDER_PYTHON -m pytest tests/blender`.

They need numpy and pytest only. Reference surfaces come from the engine's own head model.
"""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

_RESOURCES = tempfile.mkdtemp(prefix="avface-blender-")
os.environ["BLENDER_USER_RESOURCES"] = _RESOURCES  # before bpy

# The conftest above stands in for Blender's package of extensions; Blender brings its own.
sys.modules.pop("bl_ext", None)

import bpy  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).parents[2]
PACKAGE = "bl_ext.test.avface"


def module(name: str) -> ModuleType:
    """A module of the repository, as Blender names it."""
    return importlib.import_module(f"{PACKAGE}.{name}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: with classes or timers alive, some Blenders hang or crash at exit.

    What Blender would have taken away then goes here.
    """
    for folder in (_RESOURCES, bpy.app.tempdir):
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(config.stash.get(_EXIT_STATUS, 1))


_EXIT_STATUS: pytest.StashKey[int] = pytest.StashKey()


@pytest.fixture(autouse=True)
def empty_file() -> None:
    """Each test starts from an empty Blender file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def addon() -> Iterator[ModuleType]:
    """The enabled extension."""
    from .extension import enabled

    with enabled() as package:
        yield package


@pytest.fixture(scope="session")
def head_path() -> Path:
    return ROOT / "weights" / "head_default.npz"


@pytest.fixture(scope="session")
def head_file(head_path: Path):
    return module("engine.exchange.head_file").load_head_file(head_path)


@pytest.fixture(scope="session")
def head(head_file):
    return module("engine.head.model").Head(head_file)


@pytest.fixture
def make_take(head_file, tmp_path: Path):
    """A function that saves a smooth random performance, with values below 0 and above 1."""

    def make(frames: int = 24, seed: int = 0, name: str = "clip", **changes) -> Path:
        random = np.random.default_rng(seed)
        units = len(head_file.expression_names)
        times = changes.pop("times", np.arange(frames) / 25.0)
        frames = len(times)

        def waves(count: int, size: float) -> np.ndarray:
            rate = random.uniform(2.0, 9.0, count)
            return size * np.sin(times[:, None] * rate + random.uniform(0, 6.3, count))

        expression = waves(units, 0.7)
        expression[:, 0] *= 3.0
        fields = {
            "times": times,
            "shape": random.normal(size=head_file.shape_basis.shape[2]),
            "albedo": np.zeros(50),
            "expression": expression,
            "head_pose": waves(3, 0.6),
            "head_translation": waves(3, 0.05) + np.array([0.02, -0.01, -0.6]),
            "jaw": waves(3, 0.3),
            "eyes": waves(6, 0.4),
            "light": np.zeros((9, 3)),
            "landmarks_px": np.zeros((frames, 68, 2)),
            "found": np.ones(frames, bool),
            "confidence": np.ones((frames, 5)),
            "trust_sound": np.zeros(frames),
            "focal": 900.0,
            "size": (640, 480),
            "fps": 25.0,
            "expression_names": head_file.expression_names,
            "head": {"name": head_file.name, "sha256": head_file.sha256},
            "source": {"path": f"{name}.mp4", "sha256": ""},
            "made_by": {"version": "test", "options": {}},
            "actor": "ada",
        }
        path = tmp_path / f"{name}.take.npz"
        module("engine.exchange.take").Take(**(fields | changes)).save(path)
        return path

    return make


@pytest.fixture(scope="session")
def load_take():
    return module("engine.exchange.take").Take.load
