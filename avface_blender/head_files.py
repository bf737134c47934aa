"""The head files at hand: one that was asked for, the panel's, the one that comes with AVFace."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ..engine.exchange.head_file import head_sha256

DEFAULT_HEAD = Path(__file__).parent.parent / "weights" / "head_default.npz"


def panel_head(context: bpy.types.Context) -> Path | None:
    """The head file that is chosen in the panel; None: the one that comes with AVFace."""
    settings: Any = getattr(context.scene, "avface", None)  # a batch has no panel
    return Path(bpy.path.abspath(settings.head)) if settings and settings.head else None


def find_head(sha256: str, asked: Path | None = None) -> Path | None:
    """The file of the head with this sha256: the one asked for, else the panel's, or ours."""
    places = (asked,) if asked else (panel_head(bpy.context), DEFAULT_HEAD)
    return next((place for place in places if place and sha256_of(place) == sha256), None)


def sha256_of(path: Path) -> str:
    """What heads of a head file are known by; empty where there is none. Read once."""
    try:
        return _sha256_of(path, path.stat().st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=4)
def _sha256_of(path: Path, changed: int) -> str:
    return head_sha256(path)
