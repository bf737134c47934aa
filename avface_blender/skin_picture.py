"""Colours out of a take's skin picture."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np


def colours_at(picture: Path, uv: np.ndarray) -> np.ndarray:
    """The linear RGB (N, 3) of an sRGB picture at places (N, 2) of the sheet."""
    image: Any = bpy.data.images.load(str(picture), check_existing=True)
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)  # sRGB, the lowest row first
    column, row = np.clip(uv * [width, height], 0, [width - 1, height - 1]).astype(int).T
    srgb = pixels.reshape(height, width, -1)[row, column, :3]
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def usual_colours(mesh: Any, uv_name: str, picture: Path) -> dict[int, np.ndarray]:
    """The median linear RGB (3,) of the faces that have each of a mesh's material numbers."""
    uv = np.empty((len(mesh.loops), 2), np.float32)
    mesh.uv_layers[uv_name].uv.foreach_get("vector", uv.ravel())
    numbers, corners = (np.empty(len(mesh.polygons), np.int32) for _ in range(2))
    mesh.polygons.foreach_get("material_index", numbers)
    mesh.polygons.foreach_get("loop_total", corners)
    colours, numbers = colours_at(picture, uv), np.repeat(numbers, corners)
    return {int(k): np.median(colours[numbers == k], axis=0) for k in np.unique(numbers)}
