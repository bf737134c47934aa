"""The product's one version number, which stands in the extension's manifest."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def product_version() -> str:
    """As in `0.1.0`."""
    manifest = Path(__file__).parent.parent / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]
