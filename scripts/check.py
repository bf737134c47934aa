"""Lint, types and every test; makes the environments first. What continuous integration calls.

`python3 scripts/check.py [--blender 4.2 4.5 5.0] [--fast]`
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environments import (
    BLENDER_WHEELS,
    FOLDER,
    ROOT,
    CannotSetUp,
    blender_python,
    clean_environment,
    engine_python,
    say,
)

# What a disk must take, GB: the environments with pip's cache, what the tests of one run write.
ENGINE_GB, BLENDER_GB, TESTS_GB = 2.4, 1.3, 1.0
SOURCES = ["avface_blender", "engine", "scripts", "tests", "__init__.py"]


def main() -> int:
    """Run every check, say which failed; 0 when none did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blender", nargs="*", default=list(BLENDER_WHEELS), metavar="VERSION")
    parser.add_argument("--fast", action="store_true", help="without Blender")
    options = parser.parse_args()
    try:
        blenders = [] if options.fast else options.blender
        refuse_little_room(blenders)
        engine = engine_python(development=True)
        checks: list[tuple[str, list[str]]] = [
            ("ruff check", [*_module(engine, "ruff"), "check", *SOURCES]),
            ("ruff format", [*_module(engine, "ruff"), "format", "--check", *SOURCES]),
            ("pyright", _module(engine, "pyright")),
            ("pytest, engine and add-on", _module(engine, "pytest")),
        ]
        for version in blenders:
            python = blender_python(version, development=True)
            tests = [*_module(python, "pytest"), "tests/blender", "-p", "no:cacheprovider"]
            checks.append((f"pytest, Blender {version}", tests))
    except CannotSetUp as error:
        print(error, file=sys.stderr)
        return 2
    failed = [name for name, command in checks if not _passes(name, command)]
    say(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


def refuse_little_room(blenders: list[str]) -> None:
    """Raises CannotSetUp before a disk runs full: half-written files would look like faults."""
    sizes = {"engine": ENGINE_GB} | {f"blender-{version}": BLENDER_GB for version in blenders}
    missing = sum(size for name, size in sizes.items() if not (FOLDER / name).is_dir())
    kept = next(place for place in (FOLDER, *FOLDER.parents) if place.is_dir())
    temporary = Path(tempfile.gettempdir())
    if kept.stat().st_dev == temporary.stat().st_dev:
        wanted = [(temporary, missing + TESTS_GB)]
    else:
        wanted = [(kept, missing), (temporary, TESTS_GB)]
    for place, gigabytes in wanted:
        free = shutil.disk_usage(place).free / 1e9
        if free < gigabytes:
            raise CannotSetUp(
                f"The checks need {gigabytes:.1f} GB and the disk of {place} has {free:.1f} GB "
                "free: free some space and run this again."
            )


def _module(python: Path, name: str) -> list[str]:
    return [str(python), "-m", name]


def _passes(name: str, command: list[str]) -> bool:
    say(f"== {name}")
    start = time.monotonic()
    environment = clean_environment() | {"PYTHONUNBUFFERED": "1"}
    code = subprocess.run(command, cwd=ROOT, check=False, env=environment).returncode
    say(f"== {name}: {'ok' if code == 0 else f'FAILED ({code})'}, {time.monotonic() - start:.0f} s")
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
