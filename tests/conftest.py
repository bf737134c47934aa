"""Load the repository as Blender does: as a package whose name it does not choose."""

import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest

for _threads in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
):
    os.environ.setdefault(_threads, "1")

if importlib.util.find_spec("hypothesis"):  # not in Blender's environments
    from hypothesis import settings

    settings.register_profile("patient", deadline=None)  # a busy machine is no failure
    settings.load_profile("patient")

ROOT = Path(__file__).parents[1]
CLIPS = ROOT.parent / "shared" / "clips"
sys.path.insert(0, str(ROOT))

for _name in ("bl_ext", "bl_ext.test"):
    sys.modules[_name] = types.ModuleType(_name)
    sys.modules[_name].__path__ = []  # type: ignore[attr-defined]
if (ROOT / "__init__.py").exists():
    _spec = importlib.util.spec_from_file_location(
        "bl_ext.test.avface", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert _spec and _spec.loader
    sys.modules[_spec.name] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of real clips; the test is skipped where it isn't there."""
    if not CLIPS.is_dir():
        pytest.skip("the folder of real clips is not here (../shared/clips)")
    return CLIPS
