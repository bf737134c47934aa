"""Which version this is: the number that stands in the extension's manifest, and the commit."""

import subprocess
import tomllib
from functools import cache
from pathlib import Path

_PATIENCE_S = 10  # with a repository on a slow disk


@cache
def product_version() -> str:
    """As in `0.1.0`."""
    manifest = Path(__file__).parent.parent / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]


@cache
def product_commit() -> str:
    """The commit of this copy, or `unknown` where it isn't a repository."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent,
            capture_output=True, text=True, check=True, timeout=_PATIENCE_S,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
