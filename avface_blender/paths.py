"""Paths that an artist chooses. Beside the .blend they may be kept relative to it, `//clip.mp4`."""

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any

import bpy
from bpy.props import StringProperty

# Blender 4.5 asks for it, 4.2 takes it for granted.
_HAS_OPTION = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
_OPTIONS: dict[str, Any] = {"options": {"PATH_SUPPORTS_BLEND_RELATIVE"}} if _HAS_OPTION else {}


def file_property(name: str, description: str) -> Any:
    """A file (or, where the description says so, a folder) to be chosen."""
    return StringProperty(name=name, description=description, subtype="FILE_PATH", **_OPTIONS)


def where_now(recorded: str) -> Path:
    """Where a file or folder is: where it was, or below the .blend's folder, moved with it.

    A whole project moves: what lay at project/takes/one.npz is looked for at takes/one.npz.
    """
    place = Path(recorded)
    if place.exists() or not bpy.data.filepath:
        return place
    parts = PureWindowsPath(recorded).parts[1:]  # of either kind of system
    home = Path(bpy.data.filepath).parent
    tails = (home.joinpath(*parts[first:]) for first in range(len(parts)))
    return next((tail for tail in tails if tail.exists()), place)


def lately(ask: Callable[[str], Any]) -> Callable[[str], Any]:
    """What panels ask of the disk at each redraw, as it was within a second: shares are slow."""
    kept = lru_cache(maxsize=64)(lambda path, second: ask(path))
    return lambda path: kept(path, int(time.monotonic()))


def folder_property(name: str, description: str) -> Any:
    """A folder to be chosen."""
    return StringProperty(name=name, description=description, subtype="DIR_PATH", **_OPTIONS)
