"""Write the head file and its row in the registry."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np


def write_head(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """The head file (`engine.exchange.head_file`), bases in half precision."""
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
    os.replace(partial, path)


def update_registry(registry: Path, name: str, path: Path) -> None:
    """Put the file's sha256 and size into its table of `registry.toml`."""
    text = registry.read_text(encoding="utf-8")
    start = text.index(f"[{name}]")
    following = text.find("\n[", start)
    end = len(text) if following < 0 else following
    table = text[start:end]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    table = re.sub(r'sha256 = "[0-9a-f]*"', f'sha256 = "{digest}"', table)
    table = re.sub(r"\nbytes = \d+", "", table)
    table = table.replace(f'"{digest}"', f'"{digest}"\nbytes = {path.stat().st_size}')
    partial = registry.with_suffix(".partial")
    partial.write_text(text[:start] + table + text[end:], encoding="utf-8")
    os.replace(partial, registry)
