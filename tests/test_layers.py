"""Who may import whom: the architecture, checked on the source itself.

root __init__.py      nothing at import; avface_blender inside register()
avface_blender        bpy, numpy, engine.exchange; never the rest of the engine, never torch
avface_blender, PLAIN the same without bpy, and only other plain modules
engine/exchange       standard library and numpy
engine                never bpy or the add-on; inside, downwards only (LEVELS)
scripts               standard library; bpy and the add-on in blender_*.py alone
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLENDER = {"bpy", "bpy_extras", "mathutils", "bmesh", "addon_utils", "gpu", "aud"}
HEAVY = {"torch", "numba", "cv2", "av", "mediapipe", "scipy", "ray"}
PLAIN = (
    "__init__",
    "clean_up",
    "engine_client",
    "following",
    "install",
    "job_folders",
    "mapping",
    "pace",
    "picking",
    "resampling",
    "rotations",
    "stretches",
    "timeline",
)  # of avface_blender

# The engine's packages and modules from the top down: each imports from lower lines alone.
LEVELS = (
    {"__main__"},
    {"cli"},
    {"commands"},
    {"batch", "evaluation", "mending"},
    {"pipeline"},
    {"methods", "spoken"},
    {"takes", "training"},
    {"preview", "sight", "speech"},
    {"detail", "fitting", "imports"},
    {"audio", "faces", "head"},
    {"device", "installation", "media", "models", "options", "render", "weights"},
    {"clock", "exchange", "progress", "protobuf", "version"},
    {"compiled", "easing", "geometry", "srgb"},
)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path, at_import: bool = False) -> Iterator[str]:
    """Dotted names that a file imports, relative ones made absolute from the repository's root.

    `at_import`: without those that wait inside a function.
    """
    here = path.relative_to(ROOT).with_suffix("").parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _outside_functions(tree) if at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            base = ".".join(filter(None, (base, node.module)))
            yield from (".".join(filter(None, (base, alias.name))) for alias in node.names)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def tops(names: Iterator[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def part_of(module: str) -> str:
    """NAME of `engine.NAME...`."""
    return module.split(".")[1]


def level(part: str) -> int:
    """Place in LEVELS."""
    return next(place for place, names in enumerate(LEVELS) if part in names)


def relative_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_the_root_imports_the_add_on_only_when_it_is_enabled():
    path = ROOT / "__init__.py"
    assert not list(imports(path, at_import=True))
    assert tops(imports(path)) == {"avface_blender"}


@pytest.mark.parametrize("path", modules("avface_blender"), ids=relative_name)
def test_the_add_on_takes_only_the_exchange_part_of_the_engine(path):
    names = list(imports(path))
    assert not tops(names) & HEAVY
    assert all(n.startswith("engine.exchange") for n in names if n.split(".")[0] == "engine")


@pytest.mark.parametrize("name", PLAIN)
def test_plain_modules_of_the_add_on_work_without_blender(name):
    names = list(imports(ROOT / "avface_blender" / f"{name}.py"))
    assert not tops(names) & BLENDER
    own = {n.split(".")[1] for n in names if n.startswith("avface_blender.")}
    assert own <= set(PLAIN)


@pytest.mark.parametrize("path", modules("engine"), ids=relative_name)
def test_the_engine_never_imports_blender_or_the_add_on(path):
    assert not tops(imports(path)) & (BLENDER | {"avface_blender"})


@pytest.mark.parametrize("path", modules("engine/exchange"), ids=relative_name)
def test_the_exchange_part_needs_only_the_standard_library_and_numpy(path):
    assert tops(imports(path)) <= sys.stdlib_module_names | {"numpy", "engine"}
    assert all(n.startswith("engine.exchange") for n in imports(path) if n.startswith("engine"))


@pytest.mark.parametrize("path", modules("engine"), ids=relative_name)
def test_the_engine_imports_downwards(path):
    own = part_of(relative_name(path))
    for name in imports(path):
        if name.startswith("engine.") and part_of(name) != own:
            assert level(part_of(name)) > level(own), name


def test_every_part_of_the_engine_has_its_level():
    parts = {part_of(relative_name(path)) for path in modules("engine")} - {"__init__"}
    assert parts == set().union(*LEVELS)


@pytest.mark.parametrize("folder", ["engine", "engine/exchange"])
def test_packages_that_the_add_on_passes_through_are_empty(folder):
    assert not (ROOT / folder / "__init__.py").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("path", modules("engine") + modules("avface_blender"), ids=relative_name)
def test_imports_are_relative(path):
    """Blender chooses the root package's name, so `import engine` would find nothing."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert (node.module or "").split(".")[0] not in {"engine", "avface_blender"}
        elif isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & {"engine", "avface_blender"}


@pytest.mark.parametrize("path", modules("avface_blender"), ids=relative_name)
def test_no_threads_in_blender(path):
    """Blender does not support Python threads that outlive the script that started them."""
    assert not tops(imports(path)) & {"threading", "multiprocessing", "concurrent", "asyncio"}


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=relative_name)
def test_only_the_scripts_for_blender_know_blender(path):
    if not path.name.startswith("blender_"):
        assert not tops(imports(path)) & (BLENDER | {"avface_blender"})


def test_the_command_line_starts_without_heavy_imports():
    code = "import sys, engine.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & HEAVY
