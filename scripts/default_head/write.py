"""Write the head file and its row in the registry."""

import re
from pathlib import Path

import numpy as np

from engine.exchange.head_file import file_sha256
from engine.exchange.saving import save, save_arrays


def write_head(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """The head file (`engine.exchange.head_file`), bases in half precision."""
    save_arrays(path, arrays, compressed=True)


def update_registry(registry: Path, name: str, path: Path) -> None:
    """Put the file's sha256 and size into its table of `registry.toml`."""
    text = registry.read_text(encoding="utf-8")
    start = text.index(f"[{name}]")
    following = text.find("\n[", start)
    end = len(text) if following < 0 else following
    table = text[start:end]
    digest = file_sha256(path)
    table = re.sub(r'sha256 = "[0-9a-f]*"', f'sha256 = "{digest}"', table)
    table = re.sub(r"\nbytes = \d+", "", table)
    table = table.replace(f'"{digest}"', f'"{digest}"\nbytes = {path.stat().st_size}')
    save(registry, text[:start] + table + text[end:])
