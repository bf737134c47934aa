"""Paths that an artist chooses. Beside the .blend they may be kept relative to it, `//clip.mp4`."""

from typing import Any

import bpy
from bpy.props import StringProperty

# Blender 4.5 asks for it, 4.2 takes it for granted.
_HAS_OPTION = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
_OPTIONS: dict[str, Any] = {"options": {"PATH_SUPPORTS_BLEND_RELATIVE"}} if _HAS_OPTION else {}


def file_property(name: str, description: str) -> Any:
    """A file (or, where the description says so, a folder) to be chosen."""
    return StringProperty(name=name, description=description, subtype="FILE_PATH", **_OPTIONS)


def folder_property(name: str, description: str) -> Any:
    """A folder to be chosen."""
    return StringProperty(name=name, description=description, subtype="DIR_PATH", **_OPTIONS)
